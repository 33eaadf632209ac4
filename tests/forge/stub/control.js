'use strict';
// What a test does to the stub, below /_control. README.md beside this file lists it.

const fs = require('node:fs');
const path = require('node:path');
const git = require('./git');
const render = require('./render');
const issues = require('./issues');
const pulls = require('./pulls');
const pushes = require('./pushes');
const checks = require('./checks');
const actions = require('./actions');
const statuses = require('./statuses');
const { newApp } = require('./apps');
const { HttpError, notFound } = require('./errors');
const { send, sendJson } = require('./plain');

const ACTIONS_APP = 'github-actions';

class Control {
	constructor(state, hooks) {
		this.state = state;
		this.hooks = hooks;
		this.routes = {
			'GET /state': () => this.dump(),
			'GET /violations': () => state.violations,
			'DELETE /violations': () => state.violations.splice(0),
			'GET /requests': (q) => this.requests(q),
			'DELETE /requests': () => ({ removed: state.requests.splice(0).length }),
			'GET /deliveries': () => state.deliveries.map(({ app, payload, ...d }) => ({ ...d, app: app.slug, payload: JSON.parse(payload) })),
			'POST /app': (q, b) => this.app(b),
			'PATCH /app': (q, b) => this.changeApp(b),
			'POST /installation': (q, b) => this.installation(b),
			'PATCH /installation': (q, b) => this.changeInstallation(b),
			'DELETE /installation': (q, b) => this.removeInstallation(b),
			'POST /user': (q, b) => render.user(state, state.user(b.login, { type: b.type || 'User' })),
			'POST /token': (q, b) => ({ token: this.plainToken(b) }),
			'GET /tokens': () => [...state.tokens.keys()],
			'POST /repo': (q, b) => this.addRepo(b),
			'PATCH /repo': (q, b) => this.changeRepo(b),
			'DELETE /repo': (q, b) => this.removeRepo(b),
			'PUT /permission': (q, b) => this.permission(b),
			'PUT /team': (q, b) => { state.teams.set(`${b.org}/${b.slug}`, b.members); return {}; },
			'PUT /protection': (q, b) => this.protection(b),
			'PUT /rules': (q, b) => { state.needRepo(b.repo).rules.set(b.branch || '*', b.rules); return {}; },
			'POST /push': (q, b) => this.push(b),
			'PUT /signer': (q, b) => { state.signers.push({ email: b.email, key: b.key }); return {}; },
			'POST /satisfy': (q, b) => this.satisfy(b),
			'PUT /stack': (q, b) => { pulls.stack(state, state.needRepo(b.repo), b.numbers, b.base); return {}; },
			'DELETE /stack': (q, b) => { pulls.unstack(state.needRepo(b.repo), b.number); return {}; },
			'POST /fork': (q, b) => this.fork(b),
			'POST /pulls': (q, b) => ({ numbers: pulls.createMany(state, state.needRepo(b.repo), state.user(b.as || 'alice'), b.heads, b.base) }),
			'POST /git': (q, b) => this.gitElsewhere(b),
			'POST /ci': (q, b) => this.ci(b),
			'POST /check_run/action': (q, b) => this.withRun(b, (repo, run, actor) => checks.requestAction(state, hooks, repo, run, actor, b.identifier)),
			'POST /check_run/rerequest': (q, b) => this.withRun(b, (repo, run, actor) => checks.rerequest(state, hooks, repo, run, actor)),
			'POST /check_suite/rerequest': (q, b) => this.rerequestSuite(b),
			'POST /merge_group': (q, b) => this.mergeGroup(b),
			'POST /pull/mergeable': (q, b) => this.mergeable(b),
			'POST /issue/transfer': (q, b) => this.transferIssue(b),
			'POST /event': (q, b) => this.event(b),
			'POST /hooks': (q, b) => this.hookControl(b),
			'POST /redeliver': (q, b) => this.redeliver(b),
			'GET /idle': async () => { await hooks.idle(); return {}; },
			'POST /clock': (q, b) => this.clock(b),
			'POST /fault': (q, b) => { state.faults.push({ times: 1, skip: 0, met: 0, ...b }); return {}; },
			'GET /fault': () => state.faults,
			'DELETE /fault': () => { state.faults.length = 0; return {}; },
			'POST /lfs': (q, b) => this.lfs.put(b),
			'GET /lfs': () => this.lfs.asked,
			'POST /rate': (q, b) => { state.rateLimit = b.limit; return {}; },
		};
	}

	async handle(request, response, pathname, query, raw) {
		const rest = pathname.slice('/_control'.length);
		try {
			const manifest = /^\/new(?:\/(.+))?$/.exec(rest);
			if (manifest) {
				const reply = newApp(this.state, new URLSearchParams(raw.toString()), query, manifest[1] || 'octo');
				send(response, reply.status, '', reply.headers);
				return;
			}
			const body = raw.length ? JSON.parse(raw.toString()) : {};
			if (rest === '/push/judge') {
				send(response, 200, this.gitHttp.judge(body), { 'Content-Type': 'text/plain' });
				return;
			}
			const as = /^\/as\/([^/]+)$/.exec(rest);
			if (as) {
				const reply = await this.as(decodeURIComponent(as[1]), body);
				sendJson(response, reply.status === 204 ? 200 : reply.status, reply.body === undefined ? {} : reply.body);
				return;
			}
			const handler = this.routes[`${request.method} ${rest}`];
			if (!handler)
				throw new HttpError(404, `no such control: ${request.method} ${rest}; there are ${Object.keys(this.routes).join(', ')}`);
			sendJson(response, 200, (await handler(query, body)) || {});
		} catch (error) {
			sendJson(response, error.status || 500, { message: error.message, ...(error.body || {}), stack: error.status ? undefined : error.stack });
		}
	}

	// Any request of the API as a user: what a person does in the browser. Not counted, never faulty.
	async as(login, { method, path: target, body }) {
		const user = this.state.findUser(login);
		if (!user)
			throw new HttpError(404, `there is no user ${login}`);
		const url = new URL(target, 'http://stub');
		const actor = user.app ? { kind: 'installation', app: user.app, user, installation: this.state.installations.find((i) => i.app === user.app) } : { kind: 'user', user };
		return this.server.answer(method || 'GET', url.pathname, url.searchParams, body || {}, {}, actor);
	}

	actor(login) { return login ? { kind: 'user', user: this.state.user(login) } : null; }

	app(body) {
		const app = this.state.addApp(body);
		return { id: app.id, client_id: app.client_id, slug: app.slug, pem_file: app.pem_file, bot: app.bot.login };
	}

	findApp(slug) {
		const app = slug ? this.state.apps.find((a) => a.slug === slug || a.id === slug) : this.state.apps[0];
		if (!app)
			throw new HttpError(404, `there is no App ${slug}`);
		return app;
	}

	changeApp(body) {
		const app = this.findApp(body.app);
		for (const key of ['permissions', 'events', 'name'])
			if (body[key])
				app[key] = body[key];
		Object.assign(app.hook, body.webhook);
		if (body.public_key)
			app.key = require('node:crypto').createPublicKey(body.public_key);
		return {};
	}

	tellInstallation(one, action, actor) {
		const fields = { installation: render.installation(this.state, one) };
		if (action === 'created' || action === 'deleted')
			fields.repositories = this.brief(this.covered(one));
		this.hooks.emit('installation', action, null, actor || { user: one.account }, fields, one);
	}

	covered(one) { return [...this.state.repos.values()].filter((r) => this.state.covers(one, r)); }
	brief(repos) { return repos.map((r) => ({ id: r.id, node_id: this.state.node('R', r.id), name: r.name, full_name: r.full_name, private: r.private })); }

	installation(body) {
		const one = this.state.addInstallation(this.findApp(body.app), body);
		this.tellInstallation(one, 'created');
		return { id: one.id };
	}

	findInstallation(id) {
		const one = id ? this.state.installations.find((i) => i.id === id) : this.state.installations[0];
		if (!one)
			throw new HttpError(404, `there is no installation ${id}`);
		return one;
	}

	changeInstallation(body) {
		const one = this.findInstallation(body.id);
		if (body.suspended !== undefined) {
			one.suspended_at = body.suspended ? this.state.now() : null;
			this.tellInstallation(one, body.suspended ? 'suspend' : 'unsuspend');
		}
		if (body.permissions)
			one.permissions = body.permissions;
		if (body.accepted)
			this.tellInstallation(one, 'new_permissions_accepted');
		if (body.repositories) {
			const before = this.covered(one);
			one.selection = 'selected';
			one.repositories = new Set(body.repositories);
			const now = this.covered(one);
			this.tellRepositories(one, now.filter((r) => !before.includes(r)), before.filter((r) => !now.includes(r)));
		}
		return {};
	}

	tellRepositories(one, added, removed) {
		for (const [action, some] of [['added', added], ['removed', removed]])
			if (some.length)
				this.hooks.emit('installation_repositories', action, null, { user: one.account }, {
					installation: render.installation(this.state, one), repository_selection: one.selection, requester: null,
					repositories_added: action === 'added' ? this.brief(some) : [], repositories_removed: action === 'removed' ? this.brief(some) : [],
				}, one);
	}

	removeInstallation(body) {
		const one = this.findInstallation(body.id);
		this.tellInstallation(one, 'deleted');
		this.state.installations.splice(this.state.installations.indexOf(one), 1);
		return {};
	}

	plainToken({ user, token }) {
		const holder = { kind: 'user', user: this.state.user(user) };
		if (!token)
			return this.state.token(holder);
		this.state.tokens.set(token, holder);
		return token;
	}

	addRepo(body) {
		const { state } = this;
		const [owner, name] = body.full_name.split('/');
		const id = body.id || state.id();
		const dir = path.join(state.dir, 'git', `${id}.git`);
		const branch = git.create(dir, body.from, body.default_branch);
		const repo = {
			id, name, owner: state.user(owner, body.owner_type ? { type: body.owner_type } : {}), dir, description: null, private: body.private !== false, archived: false,
			default_branch: body.default_branch || branch, parent: null, collaborators: new Map(), protection: new Map(), rules: new Map(),
			labels: new Map(), issues: new Map(), lastNumber: 0, checks: [], suites: [], statuses: new Map(), satisfied: new Map(), runs: [], pushers: new Map(), transferred: new Map(),
			created_at: state.now(), updated_at: state.now(), pushed_at: state.now(), holdPushes: false, heldBefore: null,
			get full_name() { return `${this.owner.login}/${this.name}`; },
		};
		state.repos.set(id, repo);
		for (const [login, role] of Object.entries(body.collaborators || {}))
			this.permission({ repo: body.full_name, user: login, role });
		return { id, full_name: repo.full_name, dir, clone_url: `${state.url}/${repo.full_name}.git` };
	}

	changeRepo(body) {
		const { state, hooks } = this;
		const repo = state.needRepo(body.repo);
		const actor = this.actor(body.as);
		if (body.hold_pushes !== undefined) {
			if (body.hold_pushes)
				repo.holdPushes = true;
			else
				pushes.release(state, hooks, repo);
		}
		for (const key of ['private', 'archived', 'default_branch', 'ssh_url', 'merges'])
			if (body[key] !== undefined)
				repo[key] = body[key];
		if (body.archived !== undefined)
			hooks.emit('repository', body.archived ? 'archived' : 'unarchived', repo, actor, {});
		if (body.rename && body.rename !== repo.name) {
			const from = repo.name;
			state.renamed.set(repo.full_name.toLowerCase(), repo.id);
			repo.name = body.rename;
			for (const one of state.installations)
				if (one.repositories.delete(`${repo.owner.login}/${from}`))
					one.repositories.add(repo.full_name);
			hooks.emit('repository', 'renamed', repo, actor, { changes: { repository: { name: { from } } } });
		}
		if (body.transfer) {
			const from = repo.owner;
			state.renamed.set(repo.full_name.toLowerCase(), repo.id);
			repo.owner = state.user(body.transfer);
			hooks.emit('repository', 'transferred', repo, actor, { changes: { owner: { from: { user: render.user(state, from) } } } });
		}
		return { full_name: repo.full_name };
	}

	removeRepo(body) {
		const repo = this.state.needRepo(body.repo);
		this.hooks.emit('repository', 'deleted', repo, this.actor(body.as), {});
		this.state.repos.delete(repo.id);
		fs.rmSync(repo.dir, { recursive: true, force: true });
		return {};
	}

	permission({ repo, user, role }) {
		this.state.user(user);
		this.state.needRepo(repo).collaborators.set(user.toLowerCase(), role);
		return {};
	}

	// `refuse` is the message with which a push to the branch is refused, whoever pushes.
	protection({ repo: name, branch, ...rules }) {
		const repo = this.state.needRepo(name);
		if (rules.none)
			repo.protection.delete(branch);
		else
			repo.protection.set(branch, rules);
		git.refuse(repo, [...repo.protection].filter(([, p]) => p.refuse).map(([b, p]) => [`refs/heads/${b}`, p.refuse]));
		return {};
	}

	// What GitHub finds out of a commit by itself is good by the rules of this type.
	satisfy({ repo: name, sha, type }) {
		const { satisfied } = this.state.needRepo(name);
		satisfied.set(sha, [...(satisfied.get(sha) || []), type]);
		return {};
	}

	// A commit on a branch, by a user: {repo, branch, as, files: {path: text|null}, message, from, force, delete}
	push(body) {
		const { state, hooks } = this;
		const repo = state.needRepo(body.repo);
		const before = git.refs(repo);
		const ref = `refs/heads/${body.branch}`;
		let sha = null;
		if (body.delete) {
			git.run(repo, ['update-ref', '-d', ref]);
		} else {
			const from = body.from || (body.force ? null : before.get(ref)) || repo.default_branch;
			const parent = git.resolve(repo, from);
			sha = body.sha || git.write(repo, parent, body.files || {}, body.message || 'Change', state.user(body.as || repo.owner.login));
			git.run(repo, ['update-ref', ref, sha]);
		}
		pushes.after(state, hooks, repo, before, this.actor(body.as));
		return { sha };
	}

	fork({ repo: name, user }) {
		const parent = this.state.needRepo(name);
		const made = this.addRepo({ full_name: `${user}/${parent.name}`, from: parent.dir, private: parent.private });
		const fork = this.state.repo(made.full_name);
		fork.parent = parent;
		return made;
	}

	// Git that does not come over HTTP, SSH say: where the repository is, and afterwards what became of it.
	gitElsewhere({ repo: name, as, done }) {
		const repo = this.state.needRepo(name);
		if (done)
			pushes.after(this.state, this.hooks, repo, repo.refsElsewhere, this.actor(as));
		else
			repo.refsElsewhere = git.refs(repo);
		return { dir: repo.dir };
	}

	// {repo, number, to, as}: the issue is another repository's, under another number; here its address is a redirect.
	transferIssue({ repo: from, number, to, as }) {
		const { state, hooks } = this;
		const [repo, other] = [state.needRepo(from), state.needRepo(to)];
		const actor = this.actor(as || 'alice');
		const old = repo.issues.get(number);
		const one = issues.make(state, other, old.user, old.title, old.body);
		const shape = issues.shape(state, repo, old);
		repo.issues.delete(number);
		repo.transferred.set(number, { repo: other, number: one.number });
		hooks.emit('issues', 'transferred', repo, actor, {
			issue: shape, changes: { new_issue: issues.shape(state, other, one), new_repository: render.repository(state, other) },
		});
		hooks.emit('issues', 'opened', other, actor, { issue: issues.shape(state, other, one), changes: { old_issue: shape, old_repository: render.repository(state, repo) } });
		return { number: one.number };
	}

	// CI's result: {repo, sha, name, conclusion (none: runs), kind: check | status | workflow, jobs, text}
	ci(body) {
		const { state, hooks } = this;
		const repo = state.needRepo(body.repo);
		const sha = git.resolve(repo, body.sha);
		if (!sha)
			throw new HttpError(422, `there is no commit ${body.sha}`);
		if (body.kind === 'status') {
			const actor = { kind: 'user', user: state.user(body.as || 'ci-server') };
			const one = statuses.make({ state, hooks, repo, actor, user: actor.user }, sha,
				{ context: body.name, state: body.conclusion || 'pending', description: body.text, target_url: body.url });
			return { id: one.id };
		}
		const app = this.ciApp(body.app || ACTIONS_APP);
		if (body.kind === 'workflow')
			return { id: actions.set(state, hooks, repo, app, { ...body, sha }).id };
		const old = repo.checks.filter((r) => r.app === app && r.name === body.name && r.head_sha === sha).pop();
		const fields = {
			name: body.name, head_sha: sha, ...(body.conclusion ? { conclusion: body.conclusion } : { status: body.status || 'in_progress' }),
			...(body.text && { output: { title: body.name, summary: body.text, annotations: body.annotations } }),
		};
		if (!old || old.status === 'completed')
			return { id: checks.make(state, hooks, repo, app, fields).id };
		checks.change(state, old, fields);
		if (old.status === 'completed')
			checks.completed(state, hooks, repo, old);
		return { id: old.id };
	}

	ciApp(slug) {
		return this.state.apps.find((a) => a.slug === slug) || this.state.addApp({ slug, name: slug === ACTIONS_APP ? 'GitHub Actions' : slug, owner: 'github', events: [] });
	}

	withRun(body, act) {
		const repo = this.state.needRepo(body.repo);
		const run = body.id ? repo.checks.find((r) => r.id === Number(body.id)) :
			repo.checks.filter((r) => r.name === body.name && (!body.sha || r.head_sha === body.sha)).pop();
		if (!run)
			throw new HttpError(404, `there is no check run ${body.id || body.name}`);
		act(repo, run, this.actor(body.as));
		return { id: run.id };
	}

	rerequestSuite(body) {
		const repo = this.state.needRepo(body.repo);
		const suite = repo.suites.find((s) => s.app === this.findApp(body.app) && s.head_sha === body.sha);
		if (!suite)
			throw notFound();
		checks.emitSuite(this.state, this.hooks, repo, this.actor(body.as), suite, 'rerequested', suite.app);
		return {};
	}

	mergeGroup(body) {
		const repo = this.state.needRepo(body.repo);
		const head = git.resolve(repo, body.sha);
		const base = body.base || repo.default_branch;
		this.hooks.emit('merge_group', body.action || 'checks_requested', repo, this.actor(body.as), {
			...(body.action === 'destroyed' && { reason: body.reason || 'merged' }),
			merge_group: {
				head_sha: head, head_ref: body.ref || `refs/heads/gh-readonly-queue/${base}/pr-1-${head}`, base_sha: git.branch(repo, base), base_ref: `refs/heads/${base}`,
				head_commit: render.simpleCommit(repo, head),
			},
		});
		return {};
	}

	// GitHub is not done with computing: `mergeable` stays null until `held` is false again.
	mergeable({ repo, number, held }) {
		this.state.needRepo(repo).issues.get(number).pull.mergeableHeld = held;
		return {};
	}

	// A delivery of a test's own: any event with any payload, as it is.
	event({ app, event, action, repo, payload }) {
		const one = this.findApp(app);
		const at = repo ? this.state.repo(repo) : null;
		const { validator } = this.hooks;
		this.hooks.validator = null;
		this.hooks.queue(one, event, action, at, at && this.state.installationOf(at, one), payload);
		this.hooks.validator = validator;
		return {};
	}

	// {hold: true}, {release: true, reversed}, {drop: N}, {duplicate: N}, {reorder: N}
	hookControl(body) {
		const app = this.findApp(body.app);
		for (const key of ['hold', 'drop', 'duplicate', 'reorder'])
			if (body[key] !== undefined)
				app.control[key] = body[key];
		return body.release ? { released: this.hooks.release(app, body.reversed) } : { held: app.control.held.length };
	}

	redeliver({ id, guid, fresh_guid: fresh }) {
		const one = this.state.deliveries.find((d) => d.id === id || d.guid === guid);
		if (!one)
			throw notFound();
		this.hooks.redeliver(fresh ? { ...one, guid: require('node:crypto').randomUUID() } : one);
		return {};
	}

	clock({ advance, set }) {
		if (advance)
			this.state.offset += advance * 1000;
		if (set)
			this.state.offset = Date.parse(set) - Date.now();
		return { now: this.state.now() };
	}

	requests(query) {
		const method = query.get('method');
		const match = query.get('path') && new RegExp(query.get('path'));
		return this.state.requests.filter((r) => (!method || r.method === method) && (!match || match.test(r.path + r.query)) &&
			(!query.get('status') || r.status === Number(query.get('status'))));
	}

	dump() {
		const { state } = this;
		return {
			now: state.now(),
			apps: state.apps.map((a) => ({ id: a.id, slug: a.slug, client_id: a.client_id, hook: a.hook, permissions: a.permissions, events: a.events, pem_file: a.pem_file })),
			installations: state.installations.map((i) => render.installation(state, i)),
			repos: [...state.repos.values()].map((r) => ({
				id: r.id, full_name: r.full_name, dir: r.dir, default_branch: r.default_branch, branches: Object.fromEntries(git.refs(r, 'refs/heads/')),
				labels: [...r.labels.values()].map((l) => l.name),
				issues: [...r.issues.values()].map((i) => ({
					number: i.number, title: i.title, body: i.body, state: i.state, user: i.user.login, labels: [...i.labels].map((l) => r.labels.get(l).name),
					comments: i.comments.map((x) => ({ id: x.id, user: x.user.login, body: x.body, reactions: x.reactions.map((y) => y.content) })),
					pull: i.pull && {
						merged: i.pull.merged, merge_commit_sha: i.pull.merge_commit_sha, draft: i.pull.draft, head: i.pull.head.ref, head_sha: i.pull.head.sha,
						base: i.pull.base.ref, reviews: i.pull.reviews.map((x) => ({ user: x.user.login, state: x.state, body: x.body })),
					},
				})),
				checks: r.checks.map((k) => ({
					id: k.id, name: k.name, app: k.app.slug, head_sha: k.head_sha, status: k.status, conclusion: k.conclusion, external_id: k.external_id,
					output: k.output, annotations: k.annotations, actions: k.actions,
				})),
				statuses: Object.fromEntries([...r.statuses].map(([sha, list]) => [sha, list.map((s) => ({ context: s.context, state: s.state, description: s.description, creator: s.creator.login }))])),
			})),
		};
	}

	// The seed: {users, apps: [{…, installations}], repos, tokens}
	seed(seed) {
		for (const [login, fields] of Object.entries(seed.users || {}))
			this.state.user(login, fields);
		for (const one of seed.repos || [])
			this.addRepo(one);
		for (const one of seed.apps || [])
			this.state.addApp(one);
		for (const [token, user] of Object.entries(seed.tokens || {}))
			this.plainToken({ token, user });
	}
}

module.exports = { Control };
