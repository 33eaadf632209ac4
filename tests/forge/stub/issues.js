'use strict';
// Issues (a pull request is one too): list, get, create, change, labels, assignees, events.

const render = require('./render');
const { HttpError, Reply, created, invalid, notFound } = require('./errors');
const { RANK } = require('./auth');

const READ = { permission: 'issues:read|pull_requests:read' };
const WRITE = { permission: 'issues:write|pull_requests:write' };
const TRIAGE = { ...WRITE, role: 'triage' };

const url = (state, repo, issue) => `${render.repoUrl(state, repo)}/issues/${issue.number}`;
const html = (state, repo, issue) => `${render.htmlUrl(state, repo)}/${issue.pull ? 'pull' : 'issues'}/${issue.number}`;

function need(c, key = 'issue_number') {
	const issue = c.repo.issues.get(Number(c.params[key]));
	if (!issue)
		throw notFound();
	return issue;
}

function shape(state, repo, issue) {
	const at = url(state, repo, issue);
	const pull = issue.pull;
	const api = `${render.repoUrl(state, repo)}/pulls/${issue.number}`;
	const page = html(state, repo, issue);
	const assignees = issue.assignees.map((u) => render.user(state, u));
	return {
		url: at, repository_url: render.repoUrl(state, repo), labels_url: `${at}/labels{/name}`, comments_url: `${at}/comments`,
		events_url: `${at}/events`, html_url: page, id: issue.id, node_id: state.node(pull ? 'PR' : 'I', issue.id),
		number: issue.number, title: issue.title, user: render.user(state, issue.user),
		labels: labels(state, repo, issue), state: issue.state, locked: false, assignee: assignees[0] || null, assignees,
		milestone: null, comments: issue.comments.length, created_at: issue.created_at, updated_at: issue.updated_at,
		closed_at: issue.closed_at, author_association: state.association(repo, issue.user), active_lock_reason: null,
		...(pull && {
			draft: pull.draft, pull_request: { url: api, html_url: page, diff_url: `${page}.diff`, patch_url: `${page}.patch`, merged_at: pull.merged_at },
		}),
		body: issue.body, closed_by: issue.state === 'closed' ? render.user(state, issue.closed_by) : null,
		reactions: render.reactions(at, issue.reactions), timeline_url: `${at}/timeline`,
		performed_via_github_app: render.app(state, issue.via), state_reason: issue.state_reason,
	};
}

const labels = (state, repo, issue) => [...issue.labels].map((key) => render.label(state, repo, repo.labels.get(key)));

// Everything that happens to an issue is an event with an id, in its timeline.
function record(c, issue, event, fields = {}) {
	const { state, repo, actor } = c;
	issue.updated_at = state.now();
	issue.events.push({
		id: state.id(), event, actor: (actor && actor.user) || repo.owner, created_at: state.now(),
		via: actor && actor.kind === 'installation' ? actor.app : null, ...fields,
	});
}

const PULL_EVENTS = { opened: 1, edited: 1, closed: 1, reopened: 1, labeled: 1, unlabeled: 1, assigned: 1, unassigned: 1 };

// On a pull request these are events of the pull request.
function emit(c, issue, action, fields = {}) {
	if (issue.pull) {
		if (PULL_EVENTS[action])
			require('./pulls').emit(c, issue, action, fields);
		return;
	}
	c.emit('issues', action, { issue: shape(c.state, c.repo, issue), ...fields });
}

function label(c, name) {
	const key = name.toLowerCase();
	if (!c.repo.labels.has(key)) {
		const one = { id: c.state.id(), name, color: 'ededed', description: '' };
		c.repo.labels.set(key, one);
		c.emit('label', 'created', { label: render.label(c.state, c.repo, one) });
	}
	return key;
}

const nameOf = (one) => typeof one === 'string' ? one : one.name;

function addLabels(c, issue, names) {
	for (const name of names) {
		const key = label(c, nameOf(name));
		if (issue.labels.has(key))
			continue;
		issue.labels.add(key);
		const one = render.label(c.state, c.repo, c.repo.labels.get(key));
		record(c, issue, 'labeled', { label: { name: one.name, color: one.color } });
		emit(c, issue, 'labeled', { label: one });
	}
}

function removeLabel(c, issue, key) {
	if (!issue.labels.delete(key))
		throw new HttpError(404, 'Label does not exist');
	const one = render.label(c.state, c.repo, c.repo.labels.get(key));
	record(c, issue, 'unlabeled', { label: { name: one.name, color: one.color } });
	emit(c, issue, 'unlabeled', { label: one });
}

function setLabels(c, issue, names) {
	const wanted = new Set(names.map((n) => nameOf(n).toLowerCase()));
	for (const key of [...issue.labels])
		if (!wanted.has(key))
			removeLabel(c, issue, key);
	addLabels(c, issue, names);
}

function assign(c, issue, logins) {
	for (const login of logins) {
		const user = c.state.findUser(login);
		if (!user || RANK[c.state.role(c.repo, user)] < RANK.read || issue.assignees.includes(user))
			continue; // GitHub leaves out in silence who cannot be assigned
		issue.assignees.push(user);
		record(c, issue, 'assigned', { assignee: user });
		emit(c, issue, 'assigned', { assignee: render.user(c.state, user) });
	}
}

function unassign(c, issue, logins) {
	for (const user of issue.assignees.filter((u) => logins.includes(u.login))) {
		issue.assignees.splice(issue.assignees.indexOf(user), 1);
		record(c, issue, 'unassigned', { assignee: user });
		emit(c, issue, 'unassigned', { assignee: render.user(c.state, user) });
	}
}

function list(c) {
	const { query, repo } = c;
	const wanted = (query.get('labels') || '').split(',').filter(Boolean).map((l) => l.trim().toLowerCase());
	const status = query.get('state') || 'open';
	const since = query.get('since');
	const sort = { created: 'created_at', updated: 'updated_at', comments: 'comments' }[query.get('sort') || 'created'];
	const all = [...repo.issues.values()].filter((i) =>
		(status === 'all' || i.state === status) && wanted.every((l) => i.labels.has(l)) &&
		(!since || i.updated_at >= since) &&
		(!query.get('creator') || i.user.login === query.get('creator')) &&
		(!query.get('assignee') || query.get('assignee') === '*' || i.assignees.some((u) => u.login === query.get('assignee'))));
	const key = (i) => sort === 'comments' ? i.comments.length : i[sort];
	all.sort((a, b) => (key(a) < key(b) ? 1 : key(a) > key(b) ? -1 : b.number - a.number));
	if (query.get('direction') === 'asc')
		all.reverse();
	return c.page(all).map((i) => shape(c.state, repo, i));
}

function make(state, repo, user, title, body, actor) {
	const issue = {
		id: state.id(), number: ++repo.lastNumber, title, body: body === undefined ? null : body, user, state: 'open',
		state_reason: null, labels: new Set(), assignees: [], comments: [], events: [], reactions: [], closed_by: null,
		created_at: state.now(), updated_at: state.now(), closed_at: null, pull: null,
		via: actor && actor.kind === 'installation' ? actor.app : null,
	};
	repo.issues.set(issue.number, issue);
	return issue;
}

function checkText(resource, body, max = 65536) {
	if (typeof body === 'string' && [...body].length > max)
		throw invalid(resource, 'body', 'custom', `body is too long (maximum is ${max} characters)`);
}

function create(c) {
	const { title, body } = c.body;
	if (!String(title || '').trim())
		throw invalid('Issue', 'title', 'missing_field');
	checkText('Issue', body);
	const issue = make(c.state, c.repo, c.user, String(title), body, c.actor);
	emit(c, issue, 'opened');
	if (c.actor.kind === 'installation' || RANK[c.state.role(c.repo, c.user)] >= RANK.triage) {
		addLabels(c, issue, c.body.labels || []);
		assign(c, issue, c.body.assignees || []);
	}
	return created(shape(c.state, c.repo, issue));
}

function setState(c, issue, to, reason) {
	if (issue.pull && issue.pull.merged && to === 'open')
		throw invalid('PullRequest', 'state', 'invalid', 'state cannot be changed. The pull request is merged.');
	if (issue.state === to)
		return;
	issue.state = to;
	issue.closed_at = to === 'closed' ? c.state.now() : null;
	issue.closed_by = to === 'closed' ? c.user : null;
	issue.state_reason = issue.pull ? null : to === 'closed' ? reason || 'completed' : 'reopened';
	record(c, issue, to === 'closed' ? 'closed' : 'reopened', { state_reason: issue.state_reason });
	emit(c, issue, to === 'closed' ? 'closed' : 'reopened');
}

function setTexts(c, issue, { title, body }, resource) {
	checkText(resource, body);
	const changes = {};
	if (title !== undefined && title !== issue.title) {
		changes.title = { from: issue.title };
		record(c, issue, 'renamed', { rename: { from: issue.title, to: title } });
		issue.title = String(title);
	}
	if (body !== undefined && body !== issue.body) {
		changes.body = { from: issue.body || '' };
		issue.body = body;
		issue.updated_at = issue.edited_at = c.state.now();
		issue.editor = c.user;
	}
	if (Object.keys(changes).length)
		emit(c, issue, 'edited', { changes });
}

function update(c) {
	const issue = need(c);
	const own = c.user === issue.user;
	if (c.actor.kind === 'user' && !own && RANK[c.state.role(c.repo, c.user)] < RANK.triage)
		throw new HttpError(403, 'Must have admin rights to Repository.');
	setTexts(c, issue, c.body, 'Issue');
	if (c.body.labels)
		setLabels(c, issue, c.body.labels);
	if (c.body.assignees) {
		unassign(c, issue, issue.assignees.map((u) => u.login).filter((l) => !c.body.assignees.includes(l)));
		assign(c, issue, c.body.assignees);
	}
	if (c.body.state)
		setState(c, issue, c.body.state, c.body.state_reason);
	return shape(c.state, c.repo, issue);
}

function labelNames(c) {
	const names = Array.isArray(c.body) ? c.body : c.body.labels;
	if (!Array.isArray(names))
		throw invalid('Label', 'labels', 'missing_field');
	for (const name of names)
		if (!nameOf(name) || nameOf(name).length > 50)
			throw invalid('Label', 'name', 'custom', 'name is too long (maximum is 50 characters)');
	return names;
}

function repoLabel(c) {
	const one = c.repo.labels.get(c.params.name.toLowerCase());
	if (!one)
		throw notFound();
	return one;
}

function createLabel(c) {
	const key = String(c.body.name).toLowerCase();
	if (c.repo.labels.has(key))
		throw invalid('Label', 'name', 'already_exists');
	const one = { id: c.state.id(), name: c.body.name, color: c.body.color || 'ededed', description: c.body.description || null };
	c.repo.labels.set(key, one);
	c.emit('label', 'created', { label: render.label(c.state, c.repo, one) });
	return created(render.label(c.state, c.repo, one));
}

function updateLabel(c) {
	const one = repoLabel(c);
	const old = one.name.toLowerCase();
	const changes = {};
	if (c.body.new_name && c.body.new_name !== one.name) {
		changes.name = { from: one.name };
		one.name = c.body.new_name;
		const key = one.name.toLowerCase();
		c.repo.labels.delete(old);
		c.repo.labels.set(key, one);
		for (const issue of c.repo.issues.values())
			if (issue.labels.delete(old))
				issue.labels.add(key);
	}
	Object.assign(one, c.body.color && { color: c.body.color }, c.body.description !== undefined && { description: c.body.description });
	c.emit('label', 'edited', { label: render.label(c.state, c.repo, one), changes });
	return render.label(c.state, c.repo, one);
}

function routes(router) {
	const at = '/repos/{owner}/{repo}';
	const one = `${at}/issues/{issue_number}`;
	router.add('GET', `${at}/issues`, READ, list);
	router.add('POST', `${at}/issues`, { permission: 'issues:write' }, create);
	router.add('GET', one, READ, (c) => shape(c.state, c.repo, need(c)));
	router.add('PATCH', one, WRITE, update);
	router.add('GET', `${one}/labels`, READ, (c) => c.page(labels(c.state, c.repo, need(c))));
	router.add('POST', `${one}/labels`, TRIAGE, (c) => {
		const issue = need(c);
		addLabels(c, issue, labelNames(c));
		return labels(c.state, c.repo, issue);
	});
	router.add('PUT', `${one}/labels`, TRIAGE, (c) => {
		const issue = need(c);
		setLabels(c, issue, labelNames(c));
		return labels(c.state, c.repo, issue);
	});
	router.add('DELETE', `${one}/labels/{name}`, TRIAGE, (c) => {
		const issue = need(c);
		removeLabel(c, issue, c.params.name.toLowerCase());
		return labels(c.state, c.repo, issue);
	});
	router.add('POST', `${one}/assignees`, TRIAGE, (c) => {
		const issue = need(c);
		assign(c, issue, c.body.assignees || []);
		return new Reply(201, shape(c.state, c.repo, issue));
	});
	router.add('DELETE', `${one}/assignees`, TRIAGE, (c) => {
		const issue = need(c);
		unassign(c, issue, c.body.assignees || []);
		return shape(c.state, c.repo, issue);
	});
	router.add('GET', `${at}/labels`, READ, (c) => c.page([...c.repo.labels.values()]).map((l) => render.label(c.state, c.repo, l)));
	router.add('POST', `${at}/labels`, { ...WRITE, role: 'write' }, createLabel);
	router.add('GET', `${at}/labels/{name}`, READ, (c) => render.label(c.state, c.repo, repoLabel(c)));
	router.add('PATCH', `${at}/labels/{name}`, { ...WRITE, role: 'write' }, updateLabel);
}

module.exports = { routes, need, shape, labels, record, emit, make, setState, setTexts, setLabels, addLabels, checkText, url, html, READ, WRITE };
