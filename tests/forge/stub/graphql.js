'use strict';
// The few things that GitHub has only in GraphQL: updateRefs, drafts, and whether a thread is resolved.

const git = require('./git');
const pulls = require('./pulls');
const pushes = require('./pushes');
const reviews = require('./reviews');
const { RANK, granted, mayPush, sees } = require('./auth');
const { HttpError } = require('./errors');
const { parse } = require('./graphql_parse');

class QueryError extends Error {
	constructor(type, message) {
		super(message);
		this.type = type;
	}
}

const FORBIDDEN = () => new QueryError('FORBIDDEN', 'Resource not accessible by integration');

function repoOfId(c, id) {
	const repo = [...c.state.repos.values()].find((r) => c.state.node('R', r.id) === id);
	if (!repo || !sees(c.state, c.actor, repo))
		throw new QueryError('NOT_FOUND', `Could not resolve to a node with the global id of '${id}'`);
	return repo;
}

function pullOfId(c, id) {
	for (const repo of c.state.repos.values())
		for (const issue of repo.issues.values())
			if (issue.pull && c.state.node('PR', issue.id) === id)
				return { repo, issue };
	throw new QueryError('NOT_FOUND', `Could not resolve to a node with the global id of '${id}'`);
}

function needWrite(c, repo, permission) {
	const ok = c.actor.kind === 'installation' ? c.state.covers(c.actor.installation, repo) && granted(c.actor, permission) :
		mayPush(c.state, c.actor, repo);
	if (!ok)
		throw FORBIDDEN();
}

// All or nothing: each ref must be what `beforeOid` says before any is changed.
function updateRefs(c, input) {
	const repo = repoOfId(c, input.repositoryId);
	needWrite(c, repo, 'contents:write');
	const refs = git.refs(repo);
	const lines = [];
	for (const { name, beforeOid, afterOid, force, ...rest } of input.refUpdates || []) {
		if (Object.keys(rest).length || !name || !afterOid)
			throw new QueryError('UNPROCESSABLE', `refUpdates: name and afterOid are needed; unknown: ${Object.keys(rest)}`);
		const old = refs.get(name) || git.ZERO;
		if (beforeOid && beforeOid !== old)
			throw new QueryError('UNPROCESSABLE', `Reference update failed: ${name} is not at ${beforeOid}`);
		if (afterOid !== git.ZERO && !git.resolve(repo, afterOid))
			throw new QueryError('UNPROCESSABLE', `Reference update failed: ${afterOid} does not exist`);
		if (!force && old !== git.ZERO && afterOid !== git.ZERO && !git.isAncestor(repo, old, afterOid))
			throw new QueryError('UNPROCESSABLE', `Reference update failed: ${name} is no fast forward`);
		if (pushes.refusal(repo, name))
			throw new QueryError('UNPROCESSABLE', `Reference update failed: ${pushes.refusal(repo, name)}`);
		lines.push(afterOid === git.ZERO ? `delete ${name} ${old}` : `update ${name} ${afterOid} ${old}`);
	}
	git.run(repo, ['update-ref', '--stdin'], { input: lines.join('\n') + '\n' });
	pushes.after(c.state, c.hooks, repo, refs, c.actor);
	return {};
}

const inRepo = (c, repo) => Object.assign(Object.create(c), { repo, emit: (e, a, f) => c.hooks.emit(e, a, repo, c.actor, f) });

function draft(c, input, to) {
	const { repo, issue } = pullOfId(c, input.pullRequestId);
	needWrite(c, repo, 'pull_requests:write');
	pulls.setDraft(inRepo(c, repo), issue, to);
	return { pullRequest: pullNode(c, repo, issue) };
}

function resolveThread(c, input, resolved) {
	for (const repo of c.state.repos.values())
		for (const issue of repo.issues.values())
			for (const thread of issue.pull ? issue.pull.threads.values() : [])
				if (thread.id === input.threadId) {
					needWrite(c, repo, 'contents:write');
					reviews.resolve(inRepo(c, repo), thread, resolved);
					return { thread: threadNode(issue, thread) };
				}
	throw new QueryError('NOT_FOUND', `Could not resolve to a node with the global id of '${input.threadId}'`);
}

const MUTATIONS = {
	updateRefs,
	convertPullRequestToDraft: (c, input) => draft(c, input, true),
	markPullRequestReadyForReview: (c, input) => draft(c, input, false),
	resolveReviewThread: (c, input) => resolveThread(c, input, true),
	unresolveReviewThread: (c, input) => resolveThread(c, input, false),
};

// A connection: `first` and `after` page it, by position.
function connection(make) {
	return (args) => {
		const all = make();
		const from = args.after ? Number(Buffer.from(args.after, 'base64').toString()) : 0;
		const first = args.first;
		if (!first || first > 100)
			throw new QueryError('MISSING_PAGINATION_BOUNDARIES', 'You must provide a `first` value of 1 to 100');
		const nodes = all.slice(from, from + first);
		return {
			totalCount: all.length, nodes, edges: nodes.map((node) => ({ node })),
			pageInfo: { hasNextPage: from + first < all.length, endCursor: nodes.length ? Buffer.from(String(from + nodes.length)).toString('base64') : null },
		};
	};
}

const threadNode = (issue, thread) => ({
	id: thread.id, isResolved: thread.resolved, isOutdated: false, path: thread.first.path, line: thread.first.line,
	comments: connection(() => reviews.threadComments(issue, thread).map((one) => ({
		databaseId: one.id, body: one.body, author: { login: one.user.login },
	}))),
});

// Null where the branch requires no review. Who counts is who may write; the latest word of each. `owners` of a protection: who is a code owner of
// everything.
function reviewDecision(state, repo, pull) {
	const protection = repo.protection.get(pull.base.ref) || {};
	const rules = (repo.rules.get(pull.base.ref) || []).filter((r) => r.type === 'pull_request').map((r) => r.parameters);
	const needed = Math.max(protection.reviews || 0, ...rules.map((r) => r.required_approving_review_count || 0));
	const owned = protection.code_owners || rules.some((r) => r.require_code_owner_review);
	if (!needed && !owned)
		return null; // whatever reviewers said
	const last = new Map();
	for (const r of pull.reviews)
		if (['APPROVED', 'CHANGES_REQUESTED', 'DISMISSED'].includes(r.state) && RANK[state.role(repo, r.user)] >= RANK.write)
			last.set(r.user.login, r.state);
	const by = (what) => [...last].filter(([, said]) => said === what).map(([login]) => login);
	if (by('CHANGES_REQUESTED').length)
		return 'CHANGES_REQUESTED';
	const approved = by('APPROVED');
	return approved.length >= needed && (!owned || approved.some((login) => (protection.owners || []).includes(login))) ? 'APPROVED' : 'REVIEW_REQUIRED';
}

function pullNode(c, repo, issue) {
	const { pull } = issue;
	return {
		id: c.state.node('PR', issue.id), number: issue.number, title: issue.title, isDraft: pull.draft, headRefOid: pull.head.sha, headRefName: pull.head.ref,
		baseRefName: pull.base.ref, state: pull.merged ? 'MERGED' : issue.state.toUpperCase(), merged: pull.merged,
		reviewDecision: reviewDecision(c.state, repo, pull),
		reviewThreads: connection(() => [...pull.threads.values()].map((t) => threadNode(issue, t))),
	};
}

function repository(c, { owner, name }) {
	const repo = c.state.repo(`${owner}/${name}`);
	if (!repo || !sees(c.state, c.actor, repo))
		throw new QueryError('NOT_FOUND', `Could not resolve to a Repository with the name '${owner}/${name}'.`);
	return {
		id: c.state.node('R', repo.id), databaseId: repo.id, nameWithOwner: repo.full_name, name: repo.name,
		defaultBranchRef: { name: repo.default_branch, target: { oid: git.branch(repo, repo.default_branch) } },
		ref: ({ qualifiedName }) => {
			const sha = git.refs(repo).get(qualifiedName.startsWith('refs/') ? qualifiedName : `refs/heads/${qualifiedName}`);
			return sha ? { name: qualifiedName, target: { oid: sha } } : null;
		},
		issue: ({ number }) => {
			const issue = repo.issues.get(number);
			if (!issue || issue.pull)
				throw new QueryError('NOT_FOUND', `Could not resolve to an Issue with the number of ${number}.`);
			return {
				id: c.state.node('I', issue.id), number: issue.number, title: issue.title, body: issue.body, state: issue.state.toUpperCase(),
				lastEditedAt: issue.edited_at || null, editor: issue.editor ? { login: issue.editor.login } : null,
			};
		},
		pullRequest: ({ number }) => {
			const issue = repo.issues.get(number);
			if (!issue || !issue.pull)
				throw new QueryError('NOT_FOUND', `Could not resolve to a PullRequest with the number of ${number}.`);
			return pullNode(c, repo, issue);
		},
	};
}

const QUERIES = {
	repository,
	viewer: (c) => ({ login: c.user.login }),
	rateLimit: (c) => ({ limit: c.state.rateLimit, remaining: c.state.rateLimit, cost: 1 }),
	node: (c, { id }) => {
		const { repo, issue } = pullOfId(c, id);
		return pullNode(c, repo, issue);
	},
};

// Only what was asked for; a field that is not there is an error, as GitHub says it.
function pick(value, fields, path) {
	if (value === null || value === undefined || !fields)
		return value === undefined ? null : value;
	if (Array.isArray(value))
		return value.map((one) => pick(one, fields, path));
	const out = {};
	for (const field of fields) {
		if (field.name === '__typename') {
			out[field.alias] = 'Node';
			continue;
		}
		if (!(field.name in value))
			throw new QueryError('undefinedField', `Field '${field.name}' doesn't exist at ${path.join('.')}`);
		const one = value[field.name];
		out[field.alias] = pick(typeof one === 'function' ? one(field.args) : one, field.fields, [...path, field.name]);
	}
	return out;
}

function run(c) {
	if (c.actor.kind === 'nobody' || c.actor.kind === 'app')
		throw new HttpError(401, 'This endpoint requires you to be authenticated.');
	const { query, variables } = c.body;
	const data = {};
	const errors = [];
	const asked = parse(String(query), variables || {});
	const table = asked.kind === 'mutation' ? MUTATIONS : QUERIES;
	for (const field of asked.fields) {
		try {
			if (!table[field.name])
				throw new QueryError('undefinedField', `Field '${field.name}' doesn't exist on type '${asked.kind}'`);
			const args = asked.kind === 'mutation' ? field.args.input || {} : field.args;
			const value = table[field.name](c, args);
			if (asked.kind === 'mutation')
				value.clientMutationId = args.clientMutationId || null;
			data[field.alias] = pick(value, field.fields, [field.name]);
		} catch (error) {
			if (!(error instanceof QueryError))
				throw error;
			data[field.alias] = null;
			errors.push({ type: error.type, path: [field.alias], message: error.message });
			if (error.type === 'undefinedField')
				c.state.violations.push({ what: 'request', subject: 'POST /graphql', errors: [error.message] });
		}
	}
	return { data, ...(errors.length && { errors }) };
}

const routes = (router) => router.add('POST', '/graphql', {}, run);

module.exports = { routes };
