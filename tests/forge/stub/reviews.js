'use strict';
// Reviews, review comments and their threads.

const git = require('./git');
const render = require('./render');
const issues = require('./issues');
const pulls = require('./pulls');
const { reactionRoutes } = require('./comments');
const { HttpError, created, invalid, notFound } = require('./errors');

const STATES = { APPROVE: 'APPROVED', REQUEST_CHANGES: 'CHANGES_REQUESTED', COMMENT: 'COMMENTED' };

const shape = (c, issue, one) => {
	const page = `${issues.html(c.state, c.repo, issue)}#pullrequestreview-${one.id}`;
	const api = pulls.url(c.state, c.repo, issue);
	return {
		id: one.id, node_id: c.state.node('PRR', one.id), user: render.user(c.state, one.user), body: one.body, state: one.state,
		html_url: page, pull_request_url: api, author_association: c.state.association(c.repo, one.user),
		_links: { html: { href: page }, pull_request: { href: api } }, ...(one.submitted_at && { submitted_at: one.submitted_at }), commit_id: one.commit_id,
	};
};

// In webhooks the state is in small letters, and what is null in the API is there.
const hookShape = (c, issue, one) => ({ ...shape(c, issue, one), state: one.state.toLowerCase(), body: one.body || null, submitted_at: one.submitted_at });

const comment = (c, issue, one) => {
	const url = `${render.repoUrl(c.state, c.repo)}/pulls/comments/${one.id}`;
	const page = `${issues.html(c.state, c.repo, issue)}#discussion_r${one.id}`;
	const api = pulls.url(c.state, c.repo, issue);
	return {
		url, pull_request_review_id: one.review ? one.review.id : null, id: one.id, node_id: c.state.node('PRRC', one.id),
		diff_hunk: '@@ -1 +1 @@', path: one.path, commit_id: one.commit_id, original_commit_id: one.commit_id,
		...(one.in_reply_to_id && { in_reply_to_id: one.in_reply_to_id }), user: render.user(c.state, one.user), body: one.body,
		created_at: one.created_at, updated_at: one.updated_at, html_url: page, pull_request_url: api,
		author_association: c.state.association(c.repo, one.user), _links: { self: { href: url }, html: { href: page }, pull_request: { href: api } },
		reactions: render.reactions(url, one.reactions), start_line: null, original_start_line: null, start_side: null,
		line: one.line, original_line: one.line, side: one.side, position: one.line, original_position: one.line, subject_type: one.subject_type,
	};
};

const hookPull = (c, issue) => pulls.simple(c.state, c.repo, issue);

function addComment(c, issue, fields, review) {
	const { state } = c;
	const first = fields.in_reply_to && issue.pull.comments.find((one) => one.id === fields.in_reply_to);
	if (fields.in_reply_to && !first)
		throw notFound();
	if (!String(fields.body || '').trim())
		throw invalid('PullRequestReviewComment', 'body', 'missing_field');
	issues.checkText('PullRequestReviewComment', fields.body);
	const one = {
		id: state.id(), user: c.user, body: fields.body, path: first ? first.path : fields.path, line: first ? first.line : fields.line || fields.position || 1,
		side: fields.side || 'RIGHT', subject_type: fields.subject_type || 'line', commit_id: fields.commit_id || issue.pull.head.sha, review,
		in_reply_to_id: first ? first.id : undefined, created_at: state.now(), updated_at: state.now(), reactions: [],
	};
	issue.pull.comments.push(one);
	issue.updated_at = state.now();
	if (!first)
		issue.pull.threads.set(one.id, { id: state.node('PRRT', one.id), first: one, resolved: false });
	c.emit('pull_request_review_comment', 'created', { comment: comment(c, issue, one), pull_request: hookPull(c, issue) });
	return one;
}

function checkWord(c, issue, body, event) {
	if (event && !STATES[event])
		throw new HttpError(422, 'Variable $event of type PullRequestReviewEvent was provided invalid value');
	if ((event === 'REQUEST_CHANGES' || (event === 'COMMENT' && !(c.body.comments || []).length)) && !body)
		throw new HttpError(422, 'Unprocessable Entity', ['Review body is required']);
	if (c.user === issue.user && event !== 'COMMENT')
		throw new HttpError(422, 'Unprocessable Entity', [event === 'APPROVE' ? 'Can not approve your own pull request' : 'Can not request changes on your own pull request']);
	issues.checkText('PullRequestReview', body);
}

// Without an event it is begun, and seen by nobody else until it is submitted.
function create(c) {
	const issue = pulls.need(c);
	const { body, event } = c.body;
	checkWord(c, issue, body, event);
	const one = {
		id: c.state.id(), user: c.user, body: body || '', state: event ? STATES[event] : 'PENDING', commit_id: c.body.commit_id || issue.pull.head.sha,
		submitted_at: event ? c.state.now() : undefined,
	};
	if (!git.resolve(c.repo, one.commit_id))
		throw new HttpError(422, 'Unprocessable Entity', ['The commit is not part of the pull request']);
	issue.pull.reviews.push(one);
	issue.pull.requested = issue.pull.requested.filter((u) => u !== c.user);
	if (event)
		submitted(c, issue, one);
	for (const each of c.body.comments || [])
		addComment(c, issue, each, one);
	return shape(c, issue, one);
}

// It keeps the number that it has since it was begun.
function submit(c) {
	const issue = pulls.need(c);
	const one = needReview(c, issue);
	if (one.user !== c.user || one.state !== 'PENDING')
		throw notFound();
	checkWord(c, issue, c.body.body || one.body, c.body.event);
	Object.assign(one, { state: STATES[c.body.event], body: c.body.body || one.body, submitted_at: c.state.now() });
	submitted(c, issue, one);
	return shape(c, issue, one);
}

function submitted(c, issue, one) {
	issues.record(c, issue, 'reviewed', { review: one });
	c.emit('pull_request_review', 'submitted', { review: hookShape(c, issue, one), pull_request: hookPull(c, issue) });
}

function needReview(c, issue) {
	const one = issue.pull.reviews.find((r) => r.id === Number(c.params.review_id));
	if (!one)
		throw notFound();
	return one;
}

function dismiss(c) {
	const issue = pulls.need(c);
	const one = needReview(c, issue);
	if (!['APPROVED', 'CHANGES_REQUESTED'].includes(one.state))
		throw new HttpError(422, 'Unprocessable Entity', ['Can not dismiss a ' + one.state.toLowerCase() + ' pull request review']);
	one.state = 'DISMISSED';
	c.emit('pull_request_review', 'dismissed', { review: hookShape(c, issue, one), pull_request: hookPull(c, issue) });
	return shape(c, issue, one);
}

function findComment(c) {
	for (const issue of c.repo.issues.values())
		for (const one of issue.pull ? issue.pull.comments : [])
			if (one.id === Number(c.params.comment_id))
				return { issue, one };
	throw notFound();
}

function resolve(c, thread, resolved) {
	const issue = [...c.repo.issues.values()].find((i) => i.pull && [...i.pull.threads.values()].includes(thread));
	thread.resolved = resolved;
	c.emit('pull_request_review_thread', resolved ? 'resolved' : 'unresolved', {
		pull_request: hookPull(c, issue),
		thread: { node_id: thread.id, comments: threadComments(issue, thread).map((one) => comment(c, issue, one)) },
	});
}

const threadComments = (issue, thread) => issue.pull.comments.filter((one) => one === thread.first || one.in_reply_to_id === thread.first.id);

function routes(router) {
	const at = '/repos/{owner}/{repo}/pulls';
	const one = `${at}/{pull_number}`;
	const { READ, WRITE } = pulls;
	router.add('GET', `${one}/reviews`, READ, (c) => {
		const issue = pulls.need(c);
		return c.page(issue.pull.reviews.filter((r) => r.state !== 'PENDING' || r.user === c.user)).map((r) => shape(c, issue, r));
	});
	router.add('POST', `${one}/reviews`, WRITE, create);
	router.add('GET', `${one}/reviews/{review_id}`, READ, (c) => {
		const issue = pulls.need(c);
		return shape(c, issue, needReview(c, issue));
	});
	router.add('POST', `${one}/reviews/{review_id}/events`, WRITE, submit);
	router.add('PUT', `${one}/reviews/{review_id}/dismissals`, { ...WRITE, role: 'write' }, dismiss);
	router.add('GET', `${one}/comments`, READ, (c) => {
		const issue = pulls.need(c);
		return c.page(issue.pull.comments).map((x) => comment(c, issue, x));
	});
	router.add('POST', `${one}/comments`, WRITE, (c) => {
		const issue = pulls.need(c);
		return created(comment(c, issue, addComment(c, issue, c.body)));
	});
	router.add('POST', `${one}/comments/{comment_id}/replies`, WRITE, (c) => {
		const issue = pulls.need(c);
		return created(comment(c, issue, addComment(c, issue, { body: c.body.body, in_reply_to: Number(c.params.comment_id) })));
	});
	router.add('GET', `${at}/comments`, READ, (c) => {
		const since = c.query.get('since');
		const all = [...c.repo.issues.values()].filter((i) => i.pull).flatMap((issue) => issue.pull.comments.map((x) => ({ issue, x })))
			.filter(({ x }) => !since || x.updated_at >= since);
		return c.page(all).map(({ issue, x }) => comment(c, issue, x));
	});
	router.add('GET', `${at}/comments/{comment_id}`, READ, (c) => {
		const { issue, one: x } = findComment(c);
		return comment(c, issue, x);
	});
	reactionRoutes(router, `${at}/comments/{comment_id}`, (c) => findComment(c).one);
}

module.exports = { routes, shape, comment, resolve, threadComments };
