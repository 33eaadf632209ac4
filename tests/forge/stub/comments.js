'use strict';
// Comments on issues and pull requests, and reactions on them.

const render = require('./render');
const issues = require('./issues');
const { HttpError, Reply, created, invalid, noContent, notFound } = require('./errors');

const CONTENTS = ['+1', '-1', 'laugh', 'confused', 'heart', 'hooray', 'rocket', 'eyes'];

const commentUrl = (c, one) => `${render.repoUrl(c.state, c.repo)}/issues/comments/${one.id}`;

const shape = (c, issue, one) => ({
	url: commentUrl(c, one), html_url: `${issues.html(c.state, c.repo, issue)}#issuecomment-${one.id}`,
	issue_url: issues.url(c.state, c.repo, issue), id: one.id, node_id: c.state.node('IC', one.id),
	user: render.user(c.state, one.user), created_at: one.created_at, updated_at: one.updated_at,
	author_association: c.state.association(c.repo, one.user), body: one.body,
	reactions: render.reactions(commentUrl(c, one), one.reactions), performed_via_github_app: render.app(c.state, one.via),
});

function find(c) {
	const id = Number(c.params.comment_id);
	for (const issue of c.repo.issues.values())
		for (const one of issue.comments)
			if (one.id === id)
				return { issue, one };
	throw notFound();
}

function checkBody(body) {
	if (typeof body !== 'string' || !body.trim())
		throw invalid('IssueComment', 'body', 'missing_field');
	issues.checkText('IssueComment', body);
}

const emit = (c, issue, one, action, more) => c.emit('issue_comment', action,
	{ issue: issues.shape(c.state, c.repo, issue), comment: shape(c, issue, one), ...more });

function create(c) {
	const issue = issues.need(c);
	checkBody(c.body.body);
	const one = {
		id: c.state.id(), user: c.user, body: c.body.body, created_at: c.state.now(), updated_at: c.state.now(), reactions: [],
		via: c.actor.kind === 'installation' ? c.actor.app : null,
	};
	issue.comments.push(one);
	issues.record(c, issue, 'commented', { comment: one });
	emit(c, issue, one, 'created');
	return created(shape(c, issue, one));
}

function update(c) {
	const { issue, one } = find(c);
	checkBody(c.body.body);
	if (c.user !== one.user && !['write', 'maintain', 'admin'].includes(c.state.role(c.repo, c.user)))
		throw new HttpError(403, 'Must have admin rights to Repository.');
	const from = one.body;
	one.body = c.body.body;
	one.updated_at = c.state.now();
	issue.updated_at = c.state.now();
	emit(c, issue, one, 'edited', { changes: { body: { from } } });
	return shape(c, issue, one);
}

function remove(c) {
	const { issue, one } = find(c);
	issue.comments.splice(issue.comments.indexOf(one), 1);
	issue.events.splice(issue.events.findIndex((e) => e.comment === one), 1);
	emit(c, issue, one, 'deleted');
	return noContent();
}

function all(c) {
	const since = c.query.get('since');
	const list = [...c.repo.issues.values()].flatMap((issue) => issue.comments.map((one) => ({ issue, one })))
		.filter(({ one }) => !since || one.updated_at >= since);
	const key = c.query.get('sort') === 'updated' ? 'updated_at' : 'created_at';
	list.sort((a, b) => (a.one[key] < b.one[key] ? -1 : a.one[key] > b.one[key] ? 1 : a.one.id - b.one.id));
	if (c.query.get('sort') && c.query.get('direction') !== 'asc')
		list.reverse();
	return c.page(list).map(({ issue, one }) => shape(c, issue, one));
}

function ofIssue(c) {
	const issue = issues.need(c);
	const since = c.query.get('since');
	return c.page(issue.comments.filter((one) => !since || one.updated_at >= since)).map((one) => shape(c, issue, one));
}

const reaction = (c, one) => ({
	id: one.id, node_id: c.state.node('REA', one.id), user: render.user(c.state, one.user), content: one.content, created_at: one.created_at,
});

// Reactions on what `owner` finds: the same of the same user a second time is the first one.
function reactionRoutes(router, path, owner) {
	router.add('GET', `${path}/reactions`, issues.READ, (c) => c.page(owner(c).reactions).map((one) => reaction(c, one)));
	router.add('POST', `${path}/reactions`, issues.WRITE, (c) => {
		const { reactions } = owner(c);
		if (!CONTENTS.includes(c.body.content))
			throw invalid('Reaction', 'content');
		const old = reactions.find((r) => r.user === c.user && r.content === c.body.content);
		if (old)
			return new Reply(200, reaction(c, old));
		const one = { id: c.state.id(), user: c.user, content: c.body.content, created_at: c.state.now() };
		reactions.push(one);
		return created(reaction(c, one));
	});
	router.add('DELETE', `${path}/reactions/{reaction_id}`, issues.WRITE, (c) => {
		const { reactions } = owner(c);
		const at = reactions.findIndex((r) => r.id === Number(c.params.reaction_id));
		if (at < 0)
			throw notFound();
		reactions.splice(at, 1);
		return noContent();
	});
}

function routes(router) {
	const at = '/repos/{owner}/{repo}/issues';
	router.add('GET', `${at}/comments`, issues.READ, all);
	router.add('GET', `${at}/comments/{comment_id}`, issues.READ, (c) => {
		const { issue, one } = find(c);
		return shape(c, issue, one);
	});
	router.add('PATCH', `${at}/comments/{comment_id}`, issues.WRITE, update);
	router.add('DELETE', `${at}/comments/{comment_id}`, issues.WRITE, remove);
	router.add('GET', `${at}/{issue_number}/comments`, issues.READ, ofIssue);
	router.add('POST', `${at}/{issue_number}/comments`, issues.WRITE, create);
	reactionRoutes(router, `${at}/comments/{comment_id}`, (c) => find(c).one);
	reactionRoutes(router, `${at}/{issue_number}`, (c) => issues.need(c));
}

module.exports = { routes, shape, reactionRoutes };
