'use strict';
// Pull requests. The head is what its branch is; whether it can be merged is computed after the first
// look, which gets null. The base reaching the head marks it merged.

const git = require('./git');
const render = require('./render');
const issues = require('./issues');
const { fileEntries } = require('./repos');
const { HttpError, created, invalid, notFound } = require('./errors');
const { RANK, granted } = require('./auth');

const READ = { permission: 'pull_requests:read' };
const WRITE = { permission: 'pull_requests:write' };

const url = (state, repo, issue) => `${render.repoUrl(state, repo)}/pulls/${issue.number}`;

function need(c) {
	const issue = c.repo.issues.get(Number(c.params.pull_number));
	if (!issue || !issue.pull)
		throw notFound();
	return issue;
}

const side = (state, base, one) => {
	const owner = one.repo ? one.repo.owner : one.user;
	return {
		label: `${owner.login}:${one.ref}`, ref: one.ref, sha: one.sha, user: render.user(state, owner),
		repo: one.repo && state.repos.has(one.repo.id) ? render.repository(state, one.repo) : null,
	};
};

function simple(state, repo, issue) {
	const { pull } = issue;
	const at = url(state, repo, issue);
	const page = issues.html(state, repo, issue);
	const asIssue = issues.url(state, repo, issue);
	const statuses = `${render.repoUrl(state, repo)}/statuses/${pull.head.sha}`;
	const assignees = issue.assignees.map((u) => render.user(state, u));
	const link = (href) => ({ href });
	return {
		url: at, id: issue.id, node_id: state.node('PR', issue.id), html_url: page, diff_url: `${page}.diff`, patch_url: `${page}.patch`,
		issue_url: asIssue, number: issue.number, state: issue.state, locked: false, title: issue.title, user: render.user(state, issue.user),
		body: issue.body, created_at: issue.created_at, updated_at: issue.updated_at, closed_at: issue.closed_at,
		merged_at: pull.merged_at, merge_commit_sha: pull.merge_commit_sha || (pull.mergeable && pull.mergeable.sha) || null, assignee: assignees[0] || null, assignees,
		requested_reviewers: pull.requested.map((u) => render.user(state, u)), requested_teams: [],
		labels: issues.labels(state, repo, issue), milestone: null, draft: pull.draft,
		commits_url: `${at}/commits`, review_comments_url: `${at}/comments`,
		review_comment_url: `${render.repoUrl(state, repo)}/pulls/comments{/number}`, comments_url: `${asIssue}/comments`, statuses_url: statuses,
		head: side(state, repo, pull.head), base: side(state, repo, pull.base),
		_links: {
			self: link(at), html: link(page), issue: link(asIssue), comments: link(`${asIssue}/comments`),
			review_comments: link(`${at}/comments`), review_comment: link(`${render.repoUrl(state, repo)}/pulls/comments{/number}`),
			commits: link(`${at}/commits`), statuses: link(statuses),
		},
		...(pull.stack && { stack: stackShape(state, repo, issue) }),
		author_association: state.association(repo, issue.user), auto_merge: null, active_lock_reason: null,
	};
}

// Native stacks (facts of 2026: theBGuy/GitDesktop#146, ezyang/ghstack#363, github/gh-stack#66).
const stackShape = (state, repo, { pull: { stack }, number }) => ({
	id: stack.id, number: stack.number, size: stack.numbers.length, position: stack.numbers.indexOf(number) + 1,
	base: { ref: stack.base, sha: git.branch(repo, stack.base) },
});

// From the bottom to the top.
function stack(state, repo, numbers, base = repo.default_branch) {
	const one = { id: state.id(), number: ++state.lastStack, numbers, base };
	for (const n of numbers)
		repo.issues.get(n).pull.stack = one;
}

// The whole of it.
function unstack(repo, number) {
	for (const issue of repo.issues.values())
		if (issue.pull && issue.pull.stack && issue.pull.stack.number === number)
			issue.pull.stack = null;
}

// The head's objects are in the base's repository as refs/pull/N/head, so all is computed there.
const forkPoint = (repo, pull) => {
	const base = pull.merged ? pull.merged_base : git.branch(repo, pull.base.ref) || pull.base.sha;
	return git.mergeBase(repo, base, pull.head.sha) || git.EMPTY_TREE;
};

function mergeable(state, repo, issue) {
	const { pull } = issue;
	if (pull.merged || issue.state === 'closed')
		return null;
	const base = git.branch(repo, pull.base.ref);
	const key = `${base}:${pull.head.sha}`;
	const known = pull.mergeable && pull.mergeable.key === key;
	if (!known || pull.mergeableHeld || repo.merges === 'held') {
		if (!known)
			pull.mergeable = { key, ...testMerge(repo, issue, base) };
		return null;
	}
	return pull.mergeable.value;
}

// What workflows on `pull_request` check out: refs/pull/N/merge.
function testMerge(repo, issue, base) {
	const { pull } = issue;
	const merged = base ? git.mergeTree(repo, base, pull.head.sha) : { conflict: true };
	if (merged.conflict)
		return { value: false };
	const tree = repo.merges === 'odd' ? git.run(repo, ['rev-parse', `${base}^{tree}`]) : merged.tree;
	const sha = git.run(repo, ['commit-tree', tree, '-p', base, '-p', pull.head.sha, '-m', `Merge ${pull.head.sha} into ${base}`]);
	git.run(repo, ['update-ref', `refs/pull/${issue.number}/merge`, sha]);
	return { value: true, sha };
}

function full(state, repo, issue, lazily = true) {
	const { pull } = issue;
	const from = forkPoint(repo, pull);
	const files = git.files(repo, from, pull.head.sha);
	const sum = (name) => files.reduce((n, f) => n + f[name], 0);
	const can = lazily ? mergeable(state, repo, issue) : null;
	return {
		...simple(state, repo, issue), merged: pull.merged, mergeable: can, rebaseable: can,
		mergeable_state: can === null ? 'unknown' : can ? (pull.draft ? 'draft' : 'clean') : 'dirty',
		merged_by: render.user(state, pull.merged_by), comments: issue.comments.length, review_comments: pull.comments.length,
		maintainer_can_modify: Boolean(pull.modify), commits: git.count(repo, [pull.head.sha, ...(from === git.EMPTY_TREE ? [] : [`^${from}`])]),
		additions: sum('additions'), deletions: sum('deletions'), changed_files: files.length,
	};
}

function emitFor(state, hooks, repo, actor, issue, action, fields = {}) {
	hooks.emit('pull_request', action, repo, actor, {
		number: issue.number, pull_request: full(state, repo, issue, false), ...fields,
	});
}
const emit = (c, issue, action, fields) => emitFor(c.state, c.hooks, c.repo, c.actor, issue, action, fields);

function headMoved(state, hooks, repo, issue, before, after, actor) {
	const { pull } = issue;
	const c = { state, repo, actor, hooks, user: actor && actor.user, emit: (e, a, f) => hooks.emit(e, a, repo, actor, f) };
	if (issue.state !== 'open' || pull.head.sha === after)
		return;
	if (after === git.ZERO) {
		issues.record(c, issue, 'head_ref_deleted');
		issues.setState(c, issue, 'closed');
		return;
	}
	const forced = !git.isAncestor(pull.head.repo, before, after);
	pull.head.sha = after;
	fetchHead(repo, issue);
	if (forced)
		issues.record(c, issue, 'head_ref_force_pushed', { commit_id: after });
	else
		for (const sha of git.revList(repo, [`${before}..${after}`], 50).reverse())
			issues.record(c, issue, 'committed', { sha });
	for (const review of pull.reviews)
		if (review.state === 'APPROVED' && (repo.protection.get(pull.base.ref) || {}).dismiss_stale)
			review.state = 'DISMISSED';
	emitFor(state, hooks, repo, actor, issue, 'synchronize', { before, after });
}

function baseMoved(state, hooks, repo, issue, tip, actor) {
	const { pull } = issue;
	const c = { state, repo, actor, hooks, user: (actor && actor.user) || null, emit: (e, a, f) => hooks.emit(e, a, repo, actor, f) };
	if (tip === git.ZERO) {
		issues.setState(c, issue, 'closed');
		return;
	}
	if (!git.isAncestor(repo, pull.head.sha, tip)) {
		pull.base.sha = tip;
		return;
	}
	Object.assign(pull, { merged: true, merged_at: state.now(), merged_by: c.user || repo.owner, merged_base: pull.base.sha, merge_commit_sha: mergeCommit(repo, pull, tip) });
	issues.record(c, issue, 'merged', { commit_id: pull.merge_commit_sha });
	issues.setState(c, issue, 'closed');
	closeLinked(c, issue);
}

// The merge commit that brought the head, else the head itself.
function mergeCommit(repo, pull, tip) {
	const path = git.run(repo, ['rev-list', '--first-parent', '--merges', '--reverse', `${pull.head.sha}..${tip}`]).split('\n').filter(Boolean);
	return path.find((sha) => git.isAncestor(repo, pull.head.sha, sha)) || pull.head.sha;
}

// `Closes #N` in a body acts when the pull request lands on the default branch.
function closeLinked(c, issue) {
	if (issue.pull.base.ref !== c.repo.default_branch)
		return;
	for (const [, number] of String(issue.body || '').matchAll(/\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):? +#(\d+)/gi)) {
		const linked = c.repo.issues.get(Number(number));
		if (linked && !linked.pull)
			issues.setState(c, linked, 'closed', 'completed');
	}
}

function fetchHead(repo, issue) {
	const { head } = issue.pull;
	if (head.repo && head.repo !== repo)
		git.run(repo, ['fetch', '-q', head.repo.dir, `+${head.sha}:refs/pull/${issue.number}/head`]);
	else
		git.run(repo, ['update-ref', `refs/pull/${issue.number}/head`, head.sha]);
}

function headOf(c) {
	let name = c.body.head;
	let repo = c.repo;
	const match = /^([^:]+):(.+)$/.exec(name || '');
	if (match) {
		name = match[2];
		repo = [...c.state.repos.values()].find((r) => r.owner.login.toLowerCase() === match[1].toLowerCase() &&
			(r === c.repo || r.parent === c.repo || c.repo.parent === r));
	}
	const sha = repo && git.branch(repo, name || '');
	if (!sha)
		throw invalid('PullRequest', 'head');
	return { repo, ref: name, sha, user: repo.owner };
}

const pullOf = (repo, head, base, tip, fields) => ({
	head, base: { repo, ref: base, sha: tip, user: repo.owner }, draft: false, merged: false, merged_at: null,
	merged_by: null, merge_commit_sha: null, mergeable: null, reviews: [], comments: [], requested: [], threads: new Map(),
	modify: false, ...fields,
});

// Pull requests of branches that are there, as if they had been opened while nobody listened: no events.
function createMany(state, repo, user, heads, base = repo.default_branch) {
	const refs = git.refs(repo, 'refs/heads/');
	const tip = refs.get(`refs/heads/${base}`);
	const made = heads.map((ref) => {
		const sha = refs.get(`refs/heads/${ref}`);
		if (!sha || !tip)
			throw invalid('PullRequest', sha ? 'base' : 'head');
		const issue = issues.make(state, repo, user, ref, null, { kind: 'user', user });
		issue.pull = pullOf(repo, { repo, ref, sha, user: repo.owner }, base, tip);
		return issue;
	});
	git.run(repo, ['update-ref', '--stdin'],
		{ input: made.map((i) => `update refs/pull/${i.number}/head ${i.pull.head.sha}\n`).join('') });
	return made.map((i) => i.number);
}

function create(c) {
	const { state, repo, body } = c;
	if (!body.title)
		throw invalid('PullRequest', 'title', 'missing_field');
	issues.checkText('PullRequest', body.body);
	const head = headOf(c);
	const tip = git.branch(repo, body.base);
	if (!tip)
		throw invalid('PullRequest', 'base');
	const old = [...repo.issues.values()].find((i) => i.pull && i.state === 'open' && i.pull.head.repo === head.repo &&
		i.pull.head.ref === head.ref && i.pull.base.ref === body.base);
	if (old)
		throw invalid('PullRequest', undefined, 'custom', `A pull request already exists for ${head.user.login}:${head.ref}.`);
	if (head.repo !== repo)
		git.run(repo, ['fetch', '-q', head.repo.dir, head.sha]);
	if (git.isAncestor(repo, head.sha, tip))
		throw invalid('PullRequest', undefined, 'custom', `No commits between ${body.base} and ${head.ref}`);
	if (c.actor.kind === 'user' && head.repo === repo && RANK[state.role(repo, c.user)] < RANK.write)
		throw new HttpError(403, 'must be a collaborator');
	const issue = issues.make(state, repo, c.user, body.title, body.body, c.actor);
	issue.pull = pullOf(repo, head, body.base, tip,
		{ draft: !!body.draft, modify: head.repo !== repo && body.maintainer_can_modify === true });
	fetchHead(repo, issue);
	for (const sha of git.revList(repo, [`${tip}..${head.sha}`], 50).reverse())
		issues.record(c, issue, 'committed', { sha });
	emit(c, issue, 'opened');
	return created(full(state, repo, issue, false));
}

function update(c) {
	const issue = need(c);
	const { pull } = issue;
	const { body, repo } = c;
	if (c.actor.kind === 'user' && c.user !== issue.user && RANK[c.state.role(repo, c.user)] < RANK.write)
		throw new HttpError(403, 'Must have push access to repository');
	if (body.base && pull.stack) { // also the same base; the rest of the body has its effect
		issues.setTexts(c, issue, body, 'PullRequest');
		throw invalid('PullRequest', 'base', 'custom', 'Cannot change the base branch because the pull request is part of a stack.');
	}
	if (body.base && body.base !== pull.base.ref) {
		const tip = git.branch(repo, body.base);
		if (issue.state === 'closed')
			throw invalid('PullRequest', 'base', 'invalid', 'Cannot change the base branch of a closed pull request.');
		if (!tip)
			throw invalid('PullRequest', 'base');
		if (git.isAncestor(repo, pull.head.sha, tip))
			throw invalid('PullRequest', 'base', 'custom', `There are no new commits between base branch '${body.base}' and head branch '${pull.head.ref}'`);
		const from = { ref: { from: pull.base.ref }, sha: { from: pull.base.sha } };
		Object.assign(pull.base, { ref: body.base, sha: tip });
		issues.record(c, issue, 'base_ref_changed');
		emit(c, issue, 'edited', { changes: { base: from } });
	}
	issues.setTexts(c, issue, body, 'PullRequest');
	if (body.state === 'open' && issue.state === 'closed' && !pull.merged && !git.branch(pull.head.repo, pull.head.ref))
		throw invalid('PullRequest', 'state', 'invalid', `state cannot be changed. The ${pull.head.ref} branch has been deleted.`);
	if (body.state)
		issues.setState(c, issue, body.state);
	return full(c.state, repo, issue, false);
}

function list(c) {
	const { query, repo } = c;
	const status = query.get('state') || 'open';
	const all = [...repo.issues.values()].filter((i) => i.pull && (status === 'all' || i.state === status) &&
		(!query.get('base') || i.pull.base.ref === query.get('base')) &&
		(!query.get('head') || `${i.pull.head.user.login}:${i.pull.head.ref}` === query.get('head')));
	const key = query.get('sort') === 'updated' ? 'updated_at' : 'created_at';
	all.sort((a, b) => (a[key] < b[key] ? 1 : a[key] > b[key] ? -1 : b.number - a.number));
	if (query.get('direction') === 'asc' || (!query.get('direction') && query.get('sort') && query.get('sort') !== 'created'))
		all.reverse();
	return c.page(all).map((i) => simple(c.state, repo, i));
}

function merge(c) {
	const issue = need(c);
	const { pull } = issue;
	const { state, repo, body } = c;
	if (body.sha && body.sha !== pull.head.sha)
		throw new HttpError(409, 'Head branch was modified. Review and try the merge again.');
	const tip = git.branch(repo, pull.base.ref);
	const merged = tip && git.mergeTree(repo, tip, pull.head.sha);
	if (pull.stack)
		throw new HttpError(405, 'This pull request is part of a stack.');
	if (issue.state === 'closed' || pull.draft || !merged || merged.conflict)
		throw new HttpError(405, 'Pull Request is not mergeable');
	const title = body.commit_title || `Merge pull request #${issue.number} from ${pull.head.user.login}/${pull.head.ref}`;
	const parents = (body.merge_method || 'merge') === 'merge' ? ['-p', tip, '-p', pull.head.sha] : ['-p', tip];
	const sha = git.run(repo, ['commit-tree', merged.tree, ...parents, '-m', title]);
	const before = git.refs(repo);
	git.run(repo, ['update-ref', `refs/heads/${pull.base.ref}`, sha]);
	require('./pushes').after(state, c.hooks, repo, before, c.actor);
	if (!pull.merged && !repo.holdPushes) { // squash: the head is no ancestor
		Object.assign(pull, { merged: true, merged_at: state.now(), merged_by: c.user, merged_base: tip, merge_commit_sha: sha });
		issues.record(c, issue, 'merged', { commit_id: sha });
		issues.setState(c, issue, 'closed');
		closeLinked(c, issue);
	}
	return { sha, merged: true, message: 'Pull Request successfully merged' };
}

function setDraft(c, issue, draft) {
	if (issue.pull.draft === draft)
		return;
	issue.pull.draft = draft;
	issues.record(c, issue, draft ? 'convert_to_draft' : 'ready_for_review');
	emit(c, issue, draft ? 'converted_to_draft' : 'ready_for_review');
}

function request(c) {
	const issue = need(c);
	for (const login of c.body.reviewers || []) {
		const user = c.state.findUser(login);
		if (!user || RANK[c.state.role(c.repo, user)] < RANK.read)
			throw new HttpError(422, 'Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the repository.');
		if (user === issue.user)
			throw new HttpError(422, 'Review cannot be requested from pull request author.');
		if (issue.pull.requested.includes(user))
			continue;
		issue.pull.requested.push(user);
		issues.record(c, issue, 'review_requested', { requested_reviewer: user });
		emit(c, issue, 'review_requested', { requested_reviewer: render.user(c.state, user) });
	}
	return created(simple(c.state, c.repo, issue));
}

function unrequest(c) {
	const issue = need(c);
	issue.pull.requested = issue.pull.requested.filter((u) => !(c.body.reviewers || []).includes(u.login));
	return simple(c.state, c.repo, issue);
}

function files(c) {
	const issue = need(c);
	const from = forkPoint(c.repo, issue.pull);
	const all = git.files(c.repo, from, issue.pull.head.sha).slice(0, 3000);
	return c.page(fileEntries(c.state, c.repo, issue.pull.head.sha, all));
}

const ofCommit = (c) => {
	const sha = git.resolve(c.repo, c.params.commit_sha);
	return c.page([...c.repo.issues.values()].filter((i) => i.pull && (i.pull.head.sha === sha || i.pull.merge_commit_sha === sha)))
		.map((i) => simple(c.state, c.repo, i));
};

function routes(router) {
	const at = '/repos/{owner}/{repo}/pulls';
	const one = `${at}/{pull_number}`;
	router.add('GET', at, READ, list);
	router.add('POST', at, WRITE, create);
	router.add('GET', one, READ, (c) => full(c.state, c.repo, need(c)));
	router.add('PATCH', one, WRITE, update);
	router.add('GET', `${one}/files`, READ, files);
	router.add('GET', `${one}/commits`, READ, (c) => {
		const { pull } = need(c);
		return c.page(git.revList(c.repo, [`${forkPoint(c.repo, pull)}..${pull.head.sha}`]).reverse()).map((s) => render.commit(c.state, c.repo, s));
	});
	router.add('GET', `${one}/merge`, READ, (c) => {
		if (!need(c).pull.merged)
			throw notFound();
		return require('./errors').noContent();
	});
	router.add('PUT', `${one}/merge`, { permission: 'contents:write', role: 'write' }, merge);
	router.add('GET', `${one}/requested_reviewers`, READ, (c) => ({ users: need(c).pull.requested.map((u) => render.user(c.state, u)), teams: [] }));
	router.add('POST', `${one}/requested_reviewers`, { ...WRITE, role: 'write' }, request);
	router.add('DELETE', `${one}/requested_reviewers`, { ...WRITE, role: 'write' }, unrequest);
	router.add('GET', '/repos/{owner}/{repo}/commits/{commit_sha}/pulls', READ, ofCommit);
}

module.exports = { routes, need, stack, unstack, createMany, simple, full, emit, headMoved, baseMoved, setDraft, url, granted, READ, WRITE };
