'use strict';
// Repositories: themselves, contents, branches and their rules, commits, comparison, refs, permissions.

const git = require('./git');
const render = require('./render');
const { HttpError, Reply, created, invalid, noContent, notFound } = require('./errors');
const { RANK, granted } = require('./auth');
const pushes = require('./pushes');

const READ = { permission: 'contents:read' };
const META = { permission: 'metadata:read' };

function needCommit(c, rev) {
	const sha = git.resolve(c.repo, rev);
	if (!sha)
		throw new HttpError(422, `No commit found for SHA: ${rev}`);
	return sha;
}

function needBranch(c) {
	const sha = git.branch(c.repo, c.params.branch);
	if (!sha)
		throw new HttpError(404, 'Branch not found');
	return sha;
}

// Protection as it was set by control: {checks: [names], strict, reviews, code_owners, conversations,
// linear, admins, push: [logins], refuse: "message of a refused push"}. A check is a name, or
// {name, app: SLUG} of that App alone.
const nameOf = (check) => check.name || check;
const checksOf = (c, list) => list.map((check) => ({
	context: nameOf(check), app_id: check.app ? c.state.apps.find((a) => a.slug === check.app).id : null,
}));

function branchShort(c, name, sha) {
	const { state, repo } = c;
	const protection = repo.protection.get(name);
	const url = `${render.repoUrl(state, repo)}/branches/${encodeURIComponent(name)}/protection`;
	return {
		name, commit: { sha, url: `${render.repoUrl(state, repo)}/commits/${sha}` }, protected: !!protection,
		protection: {
			enabled: !!protection,
			required_status_checks: {
				enforcement_level: protection && protection.checks ? 'non_admins' : 'off',
				contexts: ((protection && protection.checks) || []).map(nameOf),
				checks: checksOf(c, (protection && protection.checks) || []),
			},
		},
		protection_url: url,
	};
}

function branch(c) {
	const sha = needBranch(c);
	const short = branchShort(c, c.params.branch, sha);
	const url = `${render.repoUrl(c.state, c.repo)}/branches/${encodeURIComponent(c.params.branch)}`;
	return { ...short, commit: render.commit(c.state, c.repo, sha), _links: { self: url, html: `${render.htmlUrl(c.state, c.repo)}/tree/${c.params.branch}` } };
}

const apps = (state, slugs) => (slugs || []).map((slug) => ({ ...render.app(state, state.apps.find((a) => a.slug === slug)), description: '' }));

function protection(c) {
	needBranch(c);
	const p = c.repo.protection.get(c.params.branch);
	if (!p)
		throw new HttpError(404, 'Branch not protected');
	const url = `${render.repoUrl(c.state, c.repo)}/branches/${encodeURIComponent(c.params.branch)}/protection`;
	const flag = (on) => ({ enabled: !!on });
	return {
		url,
		...(p.checks && {
			required_status_checks: {
				url: `${url}/required_status_checks`, strict: !!p.strict, contexts: p.checks.map(nameOf),
				contexts_url: `${url}/required_status_checks/contexts`, checks: checksOf(c, p.checks),
			},
		}),
		...((p.reviews || p.code_owners) && {
			required_pull_request_reviews: {
				url: `${url}/required_pull_request_reviews`, dismiss_stale_reviews: !!p.dismiss_stale,
				require_code_owner_reviews: !!p.code_owners, required_approving_review_count: p.reviews || 0,
				require_last_push_approval: !!p.last_push,
				bypass_pull_request_allowances: { users: [], teams: [], apps: apps(c.state, p.bypass) },
			},
		}),
		...(p.push && {
			restrictions: {
				url: `${url}/restrictions`, users_url: `${url}/restrictions/users`, teams_url: `${url}/restrictions/teams`,
				apps_url: `${url}/restrictions/apps`, teams: [], apps: apps(c.state, p.push_apps), users: p.push.map((l) => render.user(c.state, c.state.user(l))),
			},
		}),
		enforce_admins: { url: `${url}/enforce_admins`, enabled: !!p.admins },
		required_linear_history: flag(p.linear), allow_force_pushes: flag(p.force), allow_deletions: flag(p.deletions),
		block_creations: flag(false), required_conversation_resolution: flag(p.conversations), lock_branch: flag(p.lock),
		allow_fork_syncing: flag(false), required_signatures: { url: `${url}/required_signatures`, enabled: !!p.signatures },
	};
}

// Rulesets' rules as they were set by control, with what every one has.
const rules = (c) => c.page((c.repo.rules.get(c.params.branch) || c.repo.rules.get('*') || []).map(({ bypass, ...rule }) => ({
	ruleset_source_type: 'Repository', ruleset_source: c.repo.full_name, ruleset_id: 1, ...rule,
})));

// The ruleset that a rule is of; `bypass` of the rule is what the one who asks may.
function ruleset(c) {
	const id = Number(c.params.ruleset_id);
	const rule = [...c.repo.rules.values()].flat().find((r) => (r.ruleset_id || 1) === id);
	if (!rule)
		throw notFound();
	return {
		id, name: `rules ${id}`, target: 'branch', source_type: 'Repository', source: c.repo.full_name, enforcement: 'active',
		current_user_can_bypass: rule.bypass || 'never',
	};
}

function contents(c) {
	const { state, repo } = c;
	const file = (c.params.path || '').replace(/\/+$/, '');
	const ref = c.query.get('ref') || repo.default_branch;
	const sha = git.resolve(repo, ref);
	if (!sha)
		throw new HttpError(404, `No commit found for the ref ${ref}`);
	const kind = git.tryRun(repo, ['cat-file', '-t', `${sha}:${file}`]);
	if (!kind)
		throw notFound();
	if ((c.headers.accept || '').includes('raw') && kind === 'blob') {
		const reply = new Reply(200, git.run(repo, ['cat-file', 'blob', `${sha}:${file}`], { raw: true }));
		return Object.assign(reply, { raw: true, type: 'application/vnd.github.raw; charset=utf-8' });
	}
	const entry = (name, one, type, size) => {
		const url = `${render.repoUrl(state, repo)}/contents/${encodeURI(name)}?ref=${encodeURIComponent(ref)}`;
		const blob = `${render.repoUrl(state, repo)}/git/${type === 'dir' ? 'trees' : 'blobs'}/${one}`;
		const html = `${render.htmlUrl(state, repo)}/blob/${ref}/${encodeURI(name)}`;
		return {
			name: name.split('/').pop(), path: name, sha: one, size, url, html_url: html, git_url: blob,
			download_url: type === 'dir' ? null : `${render.htmlUrl(state, repo)}/raw/${ref}/${encodeURI(name)}`,
			type, _links: { self: url, git: blob, html },
		};
	};
	if (kind === 'tree') {
		const list = git.run(repo, ['ls-tree', '-l', '-z', `${sha}:${file}`]).split('\0').filter(Boolean);
		return list.map((line) => {
			const [meta, name] = line.split('\t');
			const [, type, one, size] = meta.split(/ +/);
			return entry(file ? `${file}/${name}` : name, one, type === 'tree' ? 'dir' : 'file', Number(size) || 0);
		});
	}
	const bytes = git.run(repo, ['cat-file', 'blob', `${sha}:${file}`], { raw: true });
	const one = git.run(repo, ['rev-parse', `${sha}:${file}`]);
	// Above 1 MB GitHub gives no content here.
	const content = bytes.length > 1 << 20 ? '' : bytes.toString('base64').replace(/(.{60})/g, '$1\n');
	return { ...entry(file, one, 'file', bytes.length), content, encoding: bytes.length > 1 << 20 ? 'none' : 'base64' };
}

function compare(c) {
	const { state, repo } = c;
	const [base, head] = c.params.basehead.split('...');
	if (!head)
		throw notFound();
	const side = (name) => git.resolve(repo, name.split(':').pop());
	const [a, b] = [side(base), side(head)];
	if (!a || !b)
		throw notFound();
	const merge = git.mergeBase(repo, a, b);
	if (!merge)
		throw new HttpError(404, 'No common ancestor between the two commits');
	const ahead = git.count(repo, [`${a}..${b}`]);
	const behind = git.count(repo, [`${b}..${a}`]);
	const url = `${render.repoUrl(state, repo)}/compare/${c.params.basehead}`;
	const html = `${render.htmlUrl(state, repo)}/compare/${c.params.basehead}`;
	return {
		url, html_url: html, permalink_url: html, diff_url: `${html}.diff`, patch_url: `${html}.patch`,
		base_commit: render.commit(state, repo, a), merge_base_commit: render.commit(state, repo, merge),
		status: ahead && behind ? 'diverged' : ahead ? 'ahead' : behind ? 'behind' : 'identical',
		ahead_by: ahead, behind_by: behind, total_commits: ahead,
		commits: c.page(git.revList(repo, [`${a}..${b}`]).reverse()).map((s) => render.commit(state, repo, s)),
		files: fileEntries(state, repo, b, git.files(repo, merge, b)).slice(0, 300),
	};
}

const fileEntries = (state, repo, sha, files) => files.map((f) => ({
	...f, blob_url: `${render.htmlUrl(state, repo)}/blob/${sha}/${encodeURI(f.filename)}`,
	raw_url: `${render.htmlUrl(state, repo)}/raw/${sha}/${encodeURI(f.filename)}`,
	contents_url: `${render.repoUrl(state, repo)}/contents/${encodeURI(f.filename)}?ref=${sha}`,
}));

const refObject = (c, ref, sha) => ({
	ref, node_id: c.state.node('REF', `${c.repo.id}:${ref}`), url: `${render.repoUrl(c.state, c.repo)}/git/${ref}`,
	object: { sha, type: 'commit', url: `${render.repoUrl(c.state, c.repo)}/git/commits/${sha}` },
});

function gitCommit(c, sha) {
	const { node_id, html_url, parents, commit: { author, committer, message, tree, url, verification } } = render.commit(c.state, c.repo, sha);
	return { sha, node_id, url, html_url, author, committer, message, tree, parents, verification };
}

function getRef(c) {
	const ref = `refs/${c.params.ref}`;
	const sha = git.refs(c.repo, ref).get(ref);
	if (!sha)
		throw notFound();
	return refObject(c, ref, sha);
}

function changeRef(c, ref, sha, force) {
	const old = git.refs(c.repo, ref).get(ref);
	if (sha && old && !force && !git.isAncestor(c.repo, old, sha))
		throw new HttpError(422, 'Update is not a fast forward');
	const refusal = pushes.refusal(c.repo, ref);
	if (refusal)
		throw new HttpError(422, refusal);
	const before = git.refs(c.repo);
	git.run(c.repo, sha ? ['update-ref', ref, sha] : ['update-ref', '-d', ref]);
	pushes.after(c.state, c.hooks, c.repo, before, c.actor);
}

function createRef(c) {
	const { ref, sha } = c.body;
	if (!/^refs\/[^/]+\/./.test(ref || ''))
		throw new HttpError(422, 'Reference name must start with \'refs/\' and have at least two slashes.');
	if (!git.resolve(c.repo, sha))
		throw new HttpError(422, 'Object does not exist');
	if (git.refs(c.repo, ref).has(ref))
		throw new HttpError(422, 'Reference already exists');
	changeRef(c, ref, sha, true);
	return created(refObject(c, ref, sha));
}

function updateRef(c) {
	const ref = `refs/${c.params.ref}`;
	if (!git.refs(c.repo, ref).has(ref))
		throw new HttpError(422, 'Reference does not exist');
	if (!git.resolve(c.repo, c.body.sha))
		throw new HttpError(422, 'Object does not exist');
	changeRef(c, ref, c.body.sha, c.body.force);
	return refObject(c, ref, c.body.sha);
}

function deleteRef(c) {
	const ref = `refs/${c.params.ref}`;
	if (!git.refs(c.repo, ref).has(ref))
		throw new HttpError(422, 'Reference does not exist');
	changeRef(c, ref, null, true);
	return noContent();
}

const PERMISSION = { admin: 'admin', maintain: 'write', write: 'write', triage: 'read', read: 'read', none: 'none' };

function permission(c) {
	const user = c.state.findUser(c.params.username);
	if (!user)
		throw new HttpError(404, `${c.params.username} is not a user`);
	const role = c.state.role(c.repo, user);
	const rank = RANK[role];
	return {
		permission: PERMISSION[role], role_name: role,
		user: {
			...render.user(c.state, user), role_name: role,
			permissions: { admin: rank >= 5, maintain: rank >= 4, push: rank >= 3, triage: rank >= 2, pull: rank >= 1 },
		},
	};
}

function get(c) {
	const rank = RANK[c.state.role(c.repo, c.actor.user)];
	const installed = c.actor.kind === 'installation';
	const can = (n, level) => installed ? granted(c.actor, `contents:${level}`) && n < 4 : rank >= n;
	return {
		...render.fullRepository(c.state, c.repo),
		permissions: { admin: can(5, 'write'), maintain: can(4, 'write'), push: can(3, 'write'), triage: can(2, 'write'), pull: can(1, 'read') },
	};
}

function putContents(c) {
	const { repo, body } = c;
	const name = body.branch || repo.default_branch;
	const parent = git.branch(repo, name);
	if (!parent)
		throw new HttpError(404, `Branch ${name} not found`);
	const old = git.tryRun(repo, ['rev-parse', '-q', '--verify', `${parent}:${c.params.path}`]);
	if (old && body.sha !== old)
		throw old && !body.sha ? invalid('Content', 'sha', 'missing_field') : new HttpError(409, `${c.params.path} does not match ${body.sha}`);
	const sha = git.write(repo, parent, { [c.params.path]: Buffer.from(body.content, 'base64') }, body.message, c.user);
	changeRef(c, `refs/heads/${name}`, sha, false);
	const at = contents({ ...c, query: new URLSearchParams({ ref: name }), headers: {} });
	const one = render.commit(c.state, repo, sha);
	return new Reply(old ? 200 : 201, { content: at, commit: { ...one.commit, sha, node_id: one.node_id, html_url: one.html_url, parents: one.parents } });
}

function commits(c) {
	const start = needCommit(c, c.query.get('sha') || c.repo.default_branch);
	const path = c.query.get('path');
	const committer = c.query.get('committer');
	const list = git.run(c.repo, ['rev-list', '--max-count=1000', start, ...(committer ? [`--committer=<${committer}>`, '-F'] : []), ...(path ? ['--', path] : [])])
		.split('\n').filter(Boolean);
	return c.page(list).map((sha) => render.commit(c.state, c.repo, sha));
}

function commit(c) {
	const sha = git.resolve(c.repo, c.params.ref);
	if (!sha)
		throw new HttpError(422, `No commit found for SHA: ${c.params.ref}`);
	const one = render.commit(c.state, c.repo, sha);
	const files = git.files(c.repo, one.parents.length ? one.parents[0].sha : git.EMPTY_TREE, sha);
	const sum = (key) => files.reduce((n, f) => n + f[key], 0);
	return {
		...one, stats: { additions: sum('additions'), deletions: sum('deletions'), total: sum('changes') },
		files: fileEntries(c.state, c.repo, sha, files),
	};
}

function routes(router) {
	const at = '/repos/{owner}/{repo}';
	router.add('GET', at, META, get);
	router.add('GET', `${at}/contents`, READ, contents);
	router.add('GET', `${at}/contents/{path*}`, READ, contents);
	router.add('PUT', `${at}/contents/{path*}`, { permission: 'contents:write', role: 'write' }, putContents);
	router.add('GET', `${at}/branches`, READ, (c) => c.page([...git.refs(c.repo, 'refs/heads/')]
		.map(([ref, sha]) => branchShort(c, ref.slice(11), sha))
		.filter((b) => !c.query.get('protected') || String(b.protected) === c.query.get('protected'))));
	router.add('GET', `${at}/branches/{branch*}/protection`, { permission: 'administration:read', role: 'admin' }, protection);
	router.add('GET', `${at}/branches/{branch*}`, READ, branch);
	router.add('GET', `${at}/rulesets/{ruleset_id}`, META, ruleset);
	router.add('GET', `${at}/rules/branches/{branch*}`, META, rules);
	router.add('GET', `${at}/commits`, READ, commits);
	router.add('GET', `${at}/compare/{basehead*}`, READ, compare);
	router.add('GET', `${at}/git/ref/{ref*}`, READ, getRef);
	router.add('GET', `${at}/git/matching-refs/{ref*}`, READ, (c) => c.page([...git.refs(c.repo)]
		.filter(([ref]) => ref.startsWith(`refs/${c.params.ref}`)).map(([ref, sha]) => refObject(c, ref, sha))));
	router.add('GET', `${at}/git/commits/{commit_sha}`, READ, (c) => gitCommit(c, needCommit(c, c.params.commit_sha)));
	const write = { permission: 'contents:write', role: 'write' };
	router.add('POST', `${at}/git/refs`, write, createRef);
	router.add('PATCH', `${at}/git/refs/{ref*}`, write, updateRef);
	router.add('DELETE', `${at}/git/refs/{ref*}`, write, deleteRef);
	router.add('GET', `${at}/collaborators/{username}/permission`, META, permission);
	router.add('GET', '/users/{username}', { as: 'any' }, userGet);
	router.add('GET', '/user', {}, (c) => userFull(c.state, c.user));
}

// After the routes below commits/ that are longer.
function lateRoutes(router) {
	router.add('GET', '/repos/{owner}/{repo}/commits/{ref*}', READ, commit);
}

const userFull = (state, user) => ({
	...render.user(state, user), name: user.name, company: null, blog: '', location: null, email: null, hireable: null,
	bio: null, public_repos: 0, public_gists: 0, followers: 0, following: 0,
	created_at: '2020-01-01T00:00:00Z', updated_at: '2020-01-01T00:00:00Z',
});

function userGet(c) {
	const user = c.state.findUser(c.params.username);
	if (!user)
		throw notFound();
	return userFull(c.state, user);
}

module.exports = { routes, lateRoutes, fileEntries, needCommit };
