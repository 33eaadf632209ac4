'use strict';
// Check runs and check suites. A check run belongs to the App that made it, and only that App changes it.

const git = require('./git');
const render = require('./render');
const pushes = require('./pushes');
const { HttpError, created, invalid, forbidden, notFound } = require('./errors');

const READ = { permission: 'checks:read' };
const WRITE = { permission: 'checks:write' };
const CONCLUSIONS = ['action_required', 'cancelled', 'failure', 'neutral', 'success', 'skipped', 'timed_out'];
const STATUSES = ['queued', 'in_progress', 'completed', 'waiting', 'requested', 'pending'];

const url = (state, repo, run) => `${render.repoUrl(state, repo)}/check-runs/${run.id}`;

// The open pull requests of this repository with this head: empty for forks.
const pullsOf = (state, repo, sha) => [...repo.issues.values()]
	.filter((i) => i.pull && i.state === 'open' && i.pull.head.repo === repo && i.pull.head.sha === sha)
	.map((i) => ({
		id: i.id, number: i.number, url: `${render.repoUrl(state, repo)}/pulls/${i.number}`,
		head: { ref: i.pull.head.ref, sha: i.pull.head.sha, repo: { id: repo.id, url: render.repoUrl(state, repo), name: repo.name } },
		base: { ref: i.pull.base.ref, sha: i.pull.base.sha, repo: { id: repo.id, url: render.repoUrl(state, repo), name: repo.name } },
	}));

const shape = (state, repo, run) => ({
	id: run.id, name: run.name, node_id: state.node('CR', run.id), head_sha: run.head_sha, external_id: run.external_id,
	url: url(state, repo, run), html_url: `${render.htmlUrl(state, repo)}/runs/${run.id}`, details_url: run.details_url,
	status: run.status, conclusion: run.conclusion, started_at: run.started_at, completed_at: run.completed_at,
	output: {
		title: run.output.title, summary: run.output.summary, text: run.output.text,
		annotations_count: run.annotations.length, annotations_url: `${url(state, repo, run)}/annotations`,
	},
	check_suite: { id: run.suite.id }, app: render.app(state, run.app), pull_requests: pullsOf(state, repo, run.head_sha),
});

function branchOf(repo, sha) {
	for (const [ref, tip] of git.refs(repo, 'refs/heads/'))
		if (tip === sha)
			return ref.slice(11);
	return null;
}

function suiteOf(state, repo, app, sha) {
	let suite = repo.suites.find((s) => s.app === app && s.head_sha === sha);
	if (!suite) {
		suite = { id: state.id(), app, head_sha: sha, head_branch: branchOf(repo, sha), created_at: state.now(), updated_at: state.now(), before: git.ZERO };
		repo.suites.push(suite);
	}
	return suite;
}

const RANKING = ['failure', 'timed_out', 'cancelled', 'action_required', 'stale', 'success', 'neutral', 'skipped'];

function suiteState(repo, suite) {
	const runs = repo.checks.filter((r) => r.suite === suite);
	if (!runs.length || runs.every((r) => r.status === 'queued'))
		return { status: 'queued', conclusion: null };
	if (runs.some((r) => r.status !== 'completed'))
		return { status: 'in_progress', conclusion: null };
	const all = runs.map((r) => r.conclusion);
	return { status: 'completed', conclusion: RANKING.find((c) => all.includes(c)) };
}

function suiteShape(state, repo, suite) {
	const at = `${render.repoUrl(state, repo)}/check-suites/${suite.id}`;
	return {
		id: suite.id, node_id: state.node('CS', suite.id), head_branch: suite.head_branch, head_sha: suite.head_sha, ...suiteState(repo, suite),
		url: at, before: suite.before, after: suite.head_sha, pull_requests: pullsOf(state, repo, suite.head_sha),
		app: render.app(state, suite.app), created_at: suite.created_at, updated_at: suite.updated_at,
		head_commit: render.simpleCommit(repo, suite.head_sha), repository: render.minimal(state, repo),
		latest_check_runs_count: repo.checks.filter((r) => r.suite === suite).length, check_runs_url: `${at}/check-runs`,
		rerequestable: true, runs_rerequestable: true,
	};
}

// A webhook has the suite in the check run, and the check run's id is never null there.
function hookRun(state, repo, run) {
	const suite = suiteShape(state, repo, run.suite);
	const { id, node_id, head_branch, head_sha, status, conclusion, before, after, app, created_at, updated_at } = suite;
	return {
		...shape(state, repo, run), external_id: run.external_id || '', details_url: run.details_url || '',
		started_at: run.started_at || run.created_at,
		check_suite: { id, node_id, head_branch, head_sha, status, conclusion, url: suite.url, before, after, pull_requests: suite.pull_requests, app, created_at, updated_at },
	};
}

function emitSuite(state, hooks, repo, actor, suite, action, app) {
	const { repository, ...rest } = suiteShape(state, repo, suite);
	const fields = { check_suite: rest };
	if (app)
		hooks.emitTo(app, 'check_suite', action, repo, actor, fields);
	else
		hooks.emit('check_suite', action, repo, actor, fields);
}

function bad(field, message) { return invalid('CheckRun', field, 'custom', message); }

function checkOutput(output) {
	if (!output)
		return;
	if (output.summary === undefined || output.summary === null)
		throw bad('output', 'summary is required in output');
	for (const key of ['summary', 'text'])
		if (typeof output[key] === 'string' && output[key].length > 65535)
			throw bad(`output.${key}`, `Only 65535 characters are allowed; ${output[key].length} were supplied.`);
	const annotations = output.annotations || [];
	if (annotations.length > 50)
		throw bad('annotations', `No more than 50 items are allowed; ${annotations.length} were supplied.`);
	for (const a of annotations) {
		if (!a.path || !a.message || !Number.isInteger(a.start_line) || !Number.isInteger(a.end_line) || a.end_line < a.start_line)
			throw bad('annotations', 'an annotation needs path, start_line, end_line, message, and ends not before it starts');
		if (!['notice', 'warning', 'failure'].includes(a.annotation_level))
			throw bad('annotations', 'annotation_level is notice, warning or failure');
		if ((a.start_column !== undefined || a.end_column !== undefined) && a.start_line !== a.end_line)
			throw bad('annotations', 'columns only when start_line and end_line are the same');
		if (Buffer.byteLength(a.message) > 65536 || (a.title || '').length > 255)
			throw bad('annotations', 'message is too long (64 KB) or title (255)');
	}
}

function checkBody(body) {
	if (body.name !== undefined && !String(body.name).trim())
		throw bad('name', 'name is missing');
	if (body.status !== undefined && !STATUSES.includes(body.status))
		throw bad('status', 'status is not one of the known ones');
	if (body.conclusion && !CONCLUSIONS.includes(body.conclusion))
		throw bad('conclusion', 'conclusion is not one that an App can set');
	if ((body.status === 'completed' || body.completed_at) && !body.conclusion)
		throw bad('conclusion', '`completed` needs a conclusion');
	if (body.conclusion === 'action_required' && !body.details_url && !(body.actions || []).length && body.name)
		throw bad('details_url', 'action_required needs a details_url');
	checkOutput(body.output);
	const actions = body.actions || [];
	if (actions.length > 3)
		throw bad('actions', `No more than 3 items are allowed; ${actions.length} were supplied.`);
	for (const one of actions)
		for (const [key, max] of [['label', 20], ['description', 40], ['identifier', 20]])
			if (typeof one[key] !== 'string' || one[key].length > max)
				throw bad(`actions.${key}`, `${key} has at most ${max} characters`);
}

function change(state, run, body) {
	for (const key of ['name', 'details_url', 'external_id', 'started_at', 'completed_at'])
		if (body[key] !== undefined)
			run[key] = body[key];
	if (body.status) {
		run.status = body.status;
		if (body.status !== 'completed') {
			run.conclusion = null;
			run.completed_at = null;
		}
		if (body.status === 'in_progress' && !run.started_at)
			run.started_at = state.now();
	}
	if (body.conclusion) {
		run.status = 'completed';
		run.conclusion = body.conclusion;
		run.started_at = run.started_at || state.now();
		run.completed_at = body.completed_at || state.now();
	}
	if (body.output) {
		const { annotations, ...output } = body.output;
		run.output = { title: null, text: null, ...(run.output.title !== null && { title: run.output.title }), ...output };
		run.annotations.push(...(annotations || [])); // appended, never replaced
	}
	if (body.actions)
		run.actions = body.actions;
	run.suite.updated_at = state.now();
}

function make(state, hooks, repo, app, body) {
	const run = {
		id: state.id(), name: body.name, head_sha: body.head_sha, external_id: '', details_url: app.html_url, status: 'queued', conclusion: null,
		created_at: state.now(), started_at: null, completed_at: null, output: { title: null, summary: null, text: null }, annotations: [], actions: [],
		app, suite: suiteOf(state, repo, app, body.head_sha),
	};
	repo.checks.push(run);
	change(state, run, body);
	hooks.emit('check_run', 'created', repo, pushes.pusher(repo, run.head_sha, app), { check_run: hookRun(state, repo, run) });
	if (run.status === 'completed')
		completed(state, hooks, repo, run);
	return run;
}

function completed(state, hooks, repo, run) {
	const actor = pushes.pusher(repo, run.head_sha, run.app);
	hooks.emit('check_run', 'completed', repo, actor, { check_run: hookRun(state, repo, run) });
	if (suiteState(repo, run.suite).status === 'completed')
		emitSuite(state, hooks, repo, actor, run.suite, 'completed');
}

function needApp(c) {
	if (c.actor.kind !== 'installation')
		throw new HttpError(403, 'You must authenticate via a GitHub App.');
	return c.actor.app;
}

function create(c) {
	const app = needApp(c);
	if (!c.body.name)
		throw invalid('CheckRun', 'name', 'missing_field');
	if (!/^[0-9a-f]{40}$/.test(c.body.head_sha || '') || !git.resolve(c.repo, c.body.head_sha))
		throw new HttpError(422, `No commit found for SHA: ${c.body.head_sha}`);
	checkBody(c.body);
	return created(shape(c.state, c.repo, make(c.state, c.hooks, c.repo, app, c.body)));
}

function need(c) {
	const run = c.repo.checks.find((r) => r.id === Number(c.params.check_run_id));
	if (!run)
		throw notFound();
	return run;
}

function update(c) {
	const app = needApp(c);
	const run = need(c);
	if (run.app !== app)
		throw forbidden();
	checkBody(c.body);
	const before = run.status;
	change(c.state, run, c.body);
	if (run.status === 'completed' && before !== 'completed')
		completed(c.state, c.hooks, c.repo, run);
	return shape(c.state, c.repo, run);
}

// What "Re-run" does, and the API's rerequest: only the App of the check run hears of it.
function rerequest(state, hooks, repo, run, actor) {
	hooks.emitTo(run.app, 'check_run', 'rerequested', repo, actor, { check_run: hookRun(state, repo, run) });
}

// What a click on a button does.
function requestAction(state, hooks, repo, run, actor, identifier) {
	if (!run.actions.some((a) => a.identifier === identifier))
		throw new HttpError(422, `check run ${run.id} has no button ${identifier}`);
	hooks.emitTo(run.app, 'check_run', 'requested_action', repo, actor,
		{ check_run: hookRun(state, repo, run), requested_action: { identifier } });
}

function filtered(c, runs) {
	const { query } = c;
	let list = runs.filter((r) => (!query.get('check_name') || r.name === query.get('check_name')) &&
		(!query.get('status') || r.status === query.get('status')) &&
		(!query.get('app_id') || r.app.id === Number(query.get('app_id'))));
	if ((query.get('filter') || 'latest') === 'latest')
		list = list.filter((r) => !list.some((o) => o.id > r.id && o.name === r.name && o.suite === r.suite));
	list.sort((a, b) => b.id - a.id);
	return { total_count: list.length, check_runs: c.page(list).map((r) => shape(c.state, c.repo, r)) };
}

const annotation = (c, run, a) => ({
	path: a.path, blob_href: `${render.htmlUrl(c.state, c.repo)}/blob/${run.head_sha}/${encodeURI(a.path)}`, start_line: a.start_line,
	start_column: a.start_column || null, end_line: a.end_line, end_column: a.end_column || null, annotation_level: a.annotation_level,
	title: a.title || null, message: a.message, raw_details: a.raw_details || null,
});

function needSuite(c) {
	const suite = c.repo.suites.find((s) => s.id === Number(c.params.check_suite_id));
	if (!suite)
		throw notFound();
	return suite;
}

function commitOf(c) {
	const sha = git.resolve(c.repo, c.params.ref);
	if (!sha)
		throw new HttpError(422, `No commit found for SHA: ${c.params.ref}`);
	return sha;
}

function routes(router) {
	const at = '/repos/{owner}/{repo}';
	const one = `${at}/check-runs/{check_run_id}`;
	router.add('POST', `${at}/check-runs`, WRITE, create);
	router.add('GET', one, READ, (c) => shape(c.state, c.repo, need(c)));
	router.add('PATCH', one, WRITE, update);
	router.add('GET', `${one}/annotations`, READ, (c) => {
		const run = need(c);
		return c.page(run.annotations).map((a) => annotation(c, run, a));
	});
	router.add('POST', `${one}/rerequest`, WRITE, (c) => {
		rerequest(c.state, c.hooks, c.repo, need(c), c.actor);
		return created({});
	});
	router.add('GET', `${at}/check-suites/{check_suite_id}`, READ, (c) => suiteShape(c.state, c.repo, needSuite(c)));
	router.add('GET', `${at}/check-suites/{check_suite_id}/check-runs`, READ, (c) => {
		const suite = needSuite(c);
		return filtered(c, c.repo.checks.filter((r) => r.suite === suite));
	});
	router.add('POST', `${at}/check-suites/{check_suite_id}/rerequest`, WRITE, (c) => {
		const suite = needSuite(c);
		emitSuite(c.state, c.hooks, c.repo, c.actor, suite, 'rerequested', suite.app);
		return created({});
	});
	router.add('GET', `${at}/commits/{ref*}/check-runs`, READ, (c) => {
		const sha = commitOf(c);
		return filtered(c, c.repo.checks.filter((r) => r.head_sha === sha));
	});
	router.add('GET', `${at}/commits/{ref*}/check-suites`, READ, (c) => {
		const sha = commitOf(c);
		const list = c.repo.suites.filter((s) => s.head_sha === sha);
		return { total_count: list.length, check_suites: c.page(list).map((s) => suiteShape(c.state, c.repo, s)) };
	});
}

module.exports = { routes, make, change, completed, rerequest, requestAction, emitSuite, shape, suiteOf, pullsOf, branchOf };
