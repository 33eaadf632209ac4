'use strict';
// What happened to an issue: its events (each with an id), and its timeline, which has comments, reviews
// and commits too.

const git = require('./git');
const render = require('./render');
const issues = require('./issues');
const comments = require('./comments');

function event(c, one) {
	const { state, repo } = c;
	return {
		id: one.id, node_id: state.node('EV', one.id), url: `${render.repoUrl(state, repo)}/issues/events/${one.id}`,
		actor: render.user(state, one.actor), event: one.event, commit_id: one.commit_id || null, commit_url: one.commit_id ? `${render.repoUrl(state, repo)}/commits/${one.commit_id}` : null,
		created_at: one.created_at, performed_via_github_app: render.app(state, one.via),
		...(one.label && { label: one.label }), ...(one.rename && { rename: one.rename }),
		...(one.assignee && { assignee: render.user(state, one.assignee), assigner: render.user(state, one.actor) }),
		...(one.state_reason !== undefined && { state_reason: one.state_reason }),
		...(one.requested_reviewer && { review_requester: render.user(state, one.actor), requested_reviewer: render.user(state, one.requested_reviewer) }),
	};
}

const NOT_EVENTS = ['commented', 'reviewed', 'committed'];

function entry(c, issue, one) {
	switch (one.event) {
	case 'commented':
		return { event: 'commented', actor: render.user(c.state, one.actor), ...comments.shape(c, issue, one.comment) };
	case 'reviewed': {
		const review = require('./reviews').shape(c, issue, one.review);
		return { event: 'reviewed', ...review, commit_id: review.commit_id };
	}
	case 'committed': {
		const commit = git.commit(c.repo, one.sha);
		const full = render.commit(c.state, c.repo, one.sha);
		return {
			event: 'committed', sha: one.sha, node_id: full.node_id, url: full.commit.url, html_url: full.html_url,
			author: commit.author, committer: commit.committer, tree: full.commit.tree, message: commit.message, parents: full.parents,
			verification: full.commit.verification,
		};
	}
	default:
		return event(c, one);
	}
}

function routes(router) {
	const at = '/repos/{owner}/{repo}/issues';
	router.add('GET', `${at}/{issue_number}/events`, issues.READ, (c) =>
		c.page(issues.need(c).events.filter((e) => !NOT_EVENTS.includes(e.event))).map((e) => event(c, e)));
	router.add('GET', `${at}/{issue_number}/timeline`, issues.READ, (c) => {
		const issue = issues.need(c);
		return c.page(issue.events).map((e) => entry(c, issue, e));
	});
	router.add('GET', `${at}/events`, issues.READ, (c) => {
		const all = [...c.repo.issues.values()].flatMap((issue) =>
			issue.events.filter((e) => !NOT_EVENTS.includes(e.event)).map((e) => ({ issue, e })));
		return c.page(all.sort((a, b) => b.e.id - a.e.id)).map(({ issue, e }) => ({ ...event(c, e), issue: issues.shape(c.state, c.repo, issue) }));
	});
}

module.exports = { routes };
