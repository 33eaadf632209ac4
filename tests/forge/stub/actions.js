'use strict';
// Workflow runs, as far as a bot reads them: runs, their jobs and logs. Control makes them.

const render = require('./render');
const checks = require('./checks');
const pushes = require('./pushes');
const { Reply, notFound } = require('./errors');

const READ = { permission: 'actions:read' };

function run(state, repo, one) {
	const at = `${render.repoUrl(state, repo)}/actions/runs/${one.id}`;
	return {
		id: one.id, name: one.name, node_id: state.node('WFR', one.id), check_suite_id: one.suite.id, check_suite_node_id: state.node('CS', one.suite.id),
		head_branch: one.head_branch, head_sha: one.head_sha, run_number: one.run_number, run_attempt: one.run_attempt, display_title: one.name,
		event: one.event, status: one.status, conclusion: one.conclusion, path: one.path, workflow_id: one.workflow_id, url: at,
		html_url: `${render.htmlUrl(state, repo)}/actions/runs/${one.id}`, created_at: one.created_at, updated_at: one.updated_at, run_started_at: one.created_at,
		jobs_url: `${at}/jobs`, logs_url: `${at}/logs`, check_suite_url: `${render.repoUrl(state, repo)}/check-suites/${one.suite.id}`, artifacts_url: `${at}/artifacts`,
		cancel_url: `${at}/cancel`, rerun_url: `${at}/rerun`, previous_attempt_url: null, workflow_url: `${render.repoUrl(state, repo)}/actions/workflows/${one.workflow_id}`,
		head_commit: render.simpleCommit(repo, one.head_sha), repository: render.minimal(state, repo), head_repository: render.minimal(state, repo),
		pull_requests: checks.pullsOf(state, repo, one.head_sha), actor: render.user(state, one.actor), triggering_actor: render.user(state, one.actor),
		referenced_workflows: [],
	};
}

const job = (state, repo, one) => {
	const { run: of } = one;
	const at = `${render.repoUrl(state, repo)}/actions/jobs/${one.id}`;
	return {
		id: one.id, run_id: of.id, run_url: `${render.repoUrl(state, repo)}/actions/runs/${of.id}`, node_id: state.node('CR', one.id), head_sha: of.head_sha,
		url: at, html_url: `${render.htmlUrl(state, repo)}/actions/runs/${of.id}/job/${one.id}`, status: one.status, conclusion: one.conclusion,
		started_at: of.created_at, completed_at: one.conclusion ? of.updated_at : null, created_at: of.created_at, name: one.name, steps: one.steps || [],
		check_run_url: `${render.repoUrl(state, repo)}/check-runs/${one.id}`, labels: ['ubuntu-latest'], runner_id: 1, runner_name: 'runner', runner_group_id: 1,
		runner_group_name: 'default', workflow_name: of.name, head_branch: of.head_branch, run_attempt: of.run_attempt,
	};
};

// Makes or changes a run. `jobs`: [{name, conclusion, log}]. Each has a check run of the same id by the
// App that is GitHub Actions.
function set(state, hooks, repo, app, fields) {
	const sha = fields.sha;
	const by = pushes.pusher(repo, sha, app);
	let one = repo.runs.find((r) => r.head_sha === sha && r.name === fields.name);
	const fresh = !one;
	if (fresh) {
		one = {
			id: state.id(), name: fields.name, head_sha: sha, head_branch: fields.branch || checks.branchOf(repo, sha), suite: checks.suiteOf(state, repo, app, sha),
			event: fields.event || 'push', run_number: repo.runs.length + 1, run_attempt: 1, workflow_id: state.id(), path: `.github/workflows/${fields.name}.yml`,
			actor: by.user, created_at: state.now(), jobs: [],
		};
		repo.runs.push(one);
	} else if (one.status === 'completed') {
		one.run_attempt++;
	}
	one.status = fields.conclusion ? 'completed' : fields.status || 'in_progress';
	one.conclusion = fields.conclusion || null;
	one.updated_at = state.now();
	one.jobs = (fields.jobs || [{ name: fields.name, conclusion: fields.conclusion }]).map((j) => {
		const check = checks.make(state, hooks, repo, app, {
			name: j.name, head_sha: sha, status: j.conclusion ? undefined : 'in_progress', conclusion: j.conclusion || undefined,
			output: j.annotations && { title: j.name, summary: '', annotations: j.annotations },
		});
		return { id: check.id, name: j.name, status: j.conclusion ? 'completed' : 'in_progress', conclusion: j.conclusion || null, log: j.log || '', steps: j.steps, run: one };
	});
	const action = one.status === 'completed' ? 'completed' : fresh ? 'requested' : 'in_progress';
	hooks.emit('workflow_run', action, repo, by, { workflow_run: run(state, repo, one), workflow: workflow(state, repo, one) });
	return one;
}

const workflow = (state, repo, one) => ({
	id: one.workflow_id, node_id: state.node('W', one.workflow_id), name: one.name, path: one.path, state: 'active', created_at: one.created_at,
	updated_at: one.created_at, url: `${render.repoUrl(state, repo)}/actions/workflows/${one.workflow_id}`, html_url: `${render.htmlUrl(state, repo)}/blob/${repo.default_branch}/${one.path}`,
	badge_url: `${render.htmlUrl(state, repo)}/workflows/${one.name}/badge.svg`,
});

function needRun(c) {
	const one = c.repo.runs.find((r) => r.id === Number(c.params.run_id));
	if (!one)
		throw notFound();
	return one;
}

function needJob(c) {
	for (const one of c.repo.runs)
		for (const j of one.jobs)
			if (j.id === Number(c.params.job_id))
				return j;
	throw notFound();
}

function routes(router) {
	const at = '/repos/{owner}/{repo}/actions';
	router.add('GET', `${at}/runs`, READ, (c) => {
		const { query } = c;
		const list = c.repo.runs.filter((r) => (!query.get('head_sha') || r.head_sha === query.get('head_sha')) &&
			(!query.get('branch') || r.head_branch === query.get('branch')) && (!query.get('event') || r.event === query.get('event')) &&
			(!query.get('status') || [r.status, r.conclusion].includes(query.get('status'))) &&
			(!query.get('check_suite_id') || r.suite.id === Number(query.get('check_suite_id'))));
		return { total_count: list.length, workflow_runs: c.page(list.reverse()).map((r) => run(c.state, c.repo, r)) };
	});
	router.add('GET', `${at}/runs/{run_id}`, READ, (c) => run(c.state, c.repo, needRun(c)));
	router.add('GET', `${at}/runs/{run_id}/jobs`, READ, (c) => {
		const { jobs } = needRun(c);
		return { total_count: jobs.length, jobs: c.page(jobs).map((j) => job(c.state, c.repo, j)) };
	});
	router.add('GET', `${at}/jobs/{job_id}`, READ, (c) => job(c.state, c.repo, needJob(c)));
	// Logs are at another place, for a minute, and without this host's credentials.
	router.add('GET', `${at}/jobs/{job_id}/logs`, READ, (c) =>
		new Reply(302, undefined, { Location: `${c.state.url}/_logs/${c.repo.full_name}/${needJob(c).id}` }));
	router.add('GET', '/_logs/{owner}/{repo}/{job_id}', { as: 'any' }, (c) =>
		Object.assign(new Reply(200, needJob(c).log), { raw: true, type: 'text/plain; charset=utf-8' }));
}

module.exports = { routes, set };
