'use strict';
// Commit statuses.

const git = require('./git');
const render = require('./render');
const { HttpError, created, invalid } = require('./errors');

const READ = { permission: 'statuses:read' };
const STATES = ['error', 'failure', 'pending', 'success'];

const simple = (c, sha, one) => ({
	url: `${render.repoUrl(c.state, c.repo)}/statuses/${sha}`, avatar_url: render.user(c.state, one.creator).avatar_url, id: one.id,
	node_id: c.state.node('SC', one.id), state: one.state, description: one.description, target_url: one.target_url, context: one.context,
	created_at: one.created_at, updated_at: one.created_at,
});
const shape = (c, sha, one) => ({ ...simple(c, sha, one), creator: render.user(c.state, one.creator) });

function make(c, sha, body) {
	const { state, repo } = c;
	if (!STATES.includes(body.state))
		throw invalid('Status', 'state', 'custom', 'state is not included in the list');
	if ((body.description || '').length > 140)
		throw invalid('Status', 'description', 'custom', 'description is too long (maximum is 140 characters)');
	const context = body.context || 'default';
	const list = repo.statuses.get(sha) || [];
	if (list.filter((s) => s.context === context).length >= 1000)
		throw invalid('Status', 'base', 'custom', 'This SHA and context has reached the maximum number of statuses.');
	const one = {
		id: state.id(), state: body.state, context, description: body.description || null, target_url: body.target_url || null,
		creator: c.user, created_at: state.now(),
	};
	repo.statuses.set(sha, [one, ...list]);
	const full = render.commit(state, repo, sha);
	c.hooks.emit('status', null, repo, c.actor, {
		id: one.id, sha, name: repo.full_name, target_url: one.target_url, avatar_url: render.user(state, one.creator).avatar_url,
		context, description: one.description, state: one.state, commit: full,
		branches: [...git.refs(repo, 'refs/heads/')].filter(([, tip]) => tip === sha)
			.map(([ref]) => ({ name: ref.slice(11), commit: { sha, url: full.url }, protected: repo.protection.has(ref.slice(11)) })),
		created_at: one.created_at, updated_at: one.created_at,
	});
	return one;
}

const resolve = (c, name) => {
	const sha = git.resolve(c.repo, c.params[name]);
	if (!sha)
		throw new HttpError(422, `No commit found for SHA: ${c.params[name]}`);
	return sha;
};

function latest(c, sha) {
	const seen = new Set();
	return (c.repo.statuses.get(sha) || []).filter((s) => !seen.has(s.context) && seen.add(s.context));
}

function combined(c) {
	const sha = resolve(c, 'ref');
	const list = latest(c, sha);
	const has = (s) => list.some((one) => one.state === s);
	const at = `${render.repoUrl(c.state, c.repo)}/commits/${sha}`;
	return {
		state: has('failure') || has('error') ? 'failure' : !list.length || has('pending') ? 'pending' : 'success',
		statuses: c.page(list).map((s) => simple(c, sha, s)), sha, total_count: list.length, repository: render.minimal(c.state, c.repo),
		commit_url: at, url: `${at}/status`,
	};
}

function routes(router) {
	const at = '/repos/{owner}/{repo}';
	router.add('POST', `${at}/statuses/{sha}`, { permission: 'statuses:write', role: 'write' }, (c) => {
		const sha = resolve(c, 'sha');
		return created(shape(c, sha, make(c, sha, c.body)));
	});
	router.add('GET', `${at}/commits/{ref*}/status`, READ, combined);
	router.add('GET', `${at}/commits/{ref*}/statuses`, READ, (c) => {
		const sha = resolve(c, 'ref');
		return c.page(c.repo.statuses.get(sha) || []).map((s) => shape(c, sha, s));
	});
}

module.exports = { routes, make, latest };
