'use strict';
// What a change of refs means, however it came (git push, the API, a test's control): the push event,
// pull requests whose head moved, and pull requests whose base has reached their head.

const fs = require('node:fs');
const path = require('node:path');
const git = require('./git');
const render = require('./render');

// The reason why a push to this ref is refused, as control has set it, or null.
function refusal(repo, ref) {
	let text = '';
	try {
		text = fs.readFileSync(path.join(repo.dir, 'refuse'), 'utf8');
	} catch {
		return null;
	}
	const line = text.split('\n').find((l) => l.startsWith(`${ref} `));
	return line ? line.slice(ref.length + 1) : null;
}

// Compares the refs with those of before and tells the world. A held repository collects until released:
// so GitHub looks when it is slow in noticing a push.
function after(state, hooks, repo, before, actor) {
	if (repo.holdPushes) {
		repo.heldBefore = repo.heldBefore || before;
		repo.heldActor = actor;
		return;
	}
	const now = git.refs(repo);
	const names = new Set([...before.keys(), ...now.keys()]);
	for (const ref of names) {
		if (!ref.startsWith('refs/heads/') && !ref.startsWith('refs/tags/'))
			continue;
		const [a, b] = [before.get(ref) || git.ZERO, now.get(ref) || git.ZERO];
		if (a !== b)
			changed(state, hooks, repo, ref, a, b, actor);
	}
}

function release(state, hooks, repo) {
	const { heldBefore, heldActor } = repo;
	repo.holdPushes = false;
	repo.heldBefore = null;
	if (heldBefore)
		after(state, hooks, repo, heldBefore, heldActor);
}

function changed(state, hooks, repo, ref, a, b, actor) {
	repo.pushed_at = state.now();
	const [created, deleted] = [a === git.ZERO, b === git.ZERO];
	const commits = deleted ? [] : git.revList(repo, created ? [b, '--not', `refs/heads/${repo.default_branch}`].slice(0, b === git.branch(repo, repo.default_branch) ? 1 : 3) : [`${a}..${b}`], 20).reverse();
	const html = render.htmlUrl(state, repo);
	const describe = (sha) => ({ ...render.simpleCommit(repo, sha), distinct: true, url: `${html}/commit/${sha}`, added: [], removed: [], modified: [] });
	const name = (actor && actor.user && actor.user.login) || repo.owner.login;
	hooks.emit('push', null, repo, actor, {
		ref, before: a, after: b, created, deleted, forced: !created && !deleted && !git.isAncestor(repo, a, b), base_ref: null,
		compare: `${html}/compare/${a.slice(0, 12)}...${b.slice(0, 12)}`, commits: commits.map(describe),
		head_commit: deleted ? null : describe(b), pusher: { name, email: `${name.replace(/\W/g, '')}@users.noreply.github.com` },
		repository: {
			created_at: Math.floor(Date.parse(repo.created_at) / 1000), pushed_at: Math.floor(Date.parse(repo.pushed_at) / 1000),
			owner: { ...render.user(state, repo.owner), name: repo.owner.login, email: null }, stargazers: 0, master_branch: repo.default_branch,
		},
	});
	if (!ref.startsWith('refs/heads/'))
		return;
	const branch = ref.slice(11);
	if (!deleted)
		repo.pushers.set(b, actor && actor.user);
	if (!deleted)
		requestSuites(state, hooks, repo, b, actor);
	const pulls = require('./pulls'); // which needs this file
	for (const other of state.repos.values())
		for (const issue of other.issues.values())
			if (issue.pull && issue.pull.head.repo === repo && issue.pull.head.ref === branch)
				pulls.headMoved(state, hooks, other, issue, a, b, actor);
	for (const issue of repo.issues.values())
		if (issue.pull && issue.state === 'open' && issue.pull.base.ref === branch)
			pulls.baseMoved(state, hooks, repo, issue, b, actor);
}

// Every App that may write checks gets a check suite for a pushed commit, and is asked for results.
function requestSuites(state, hooks, repo, sha, actor) {
	const checks = require('./checks');
	for (const app of state.apps)
		if (state.installationOf(repo, app) && app.permissions.checks === 'write' && !repo.suites.some((s) => s.app === app && s.head_sha === sha))
			checks.emitSuite(state, hooks, repo, actor, checks.suiteOf(state, repo, app, sha), 'requested', app);
}

// Who did it, as the events of its checks and workflows have it: their sender is whoever pushed the commit, not the App
// that says something of it.
const pusher = (repo, sha, app) => ({ user: repo.pushers.get(sha) || app.bot });

module.exports = { after, release, refusal, pusher };
