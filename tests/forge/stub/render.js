'use strict';
// The shapes that everything shares: users, repositories, Apps, labels, commits.

const git = require('./git');

const EMPTY_REACTIONS = { '+1': 0, '-1': 0, laugh: 0, hooray: 0, confused: 0, heart: 0, rocket: 0, eyes: 0 };

function user(state, one) {
	if (!one)
		return null;
	const url = `${state.api}/users/${encodeURIComponent(one.login)}`;
	return {
		login: one.login, id: one.id, node_id: state.node('U', one.id),
		avatar_url: `${state.url}/avatars/${one.id}`, gravatar_id: '', url,
		html_url: `${state.url}/${encodeURIComponent(one.login)}`,
		followers_url: `${url}/followers`, following_url: `${url}/following{/other_user}`,
		gists_url: `${url}/gists{/gist_id}`, starred_url: `${url}/starred{/owner}{/repo}`,
		subscriptions_url: `${url}/subscriptions`, organizations_url: `${url}/orgs`,
		repos_url: `${url}/repos`, events_url: `${url}/events{/privacy}`,
		received_events_url: `${url}/received_events`, type: one.type, site_admin: false,
	};
}

const REPO_URLS = {
	archive_url: '/{archive_format}{/ref}', assignees_url: '/assignees{/user}', blobs_url: '/git/blobs{/sha}',
	branches_url: '/branches{/branch}', collaborators_url: '/collaborators{/collaborator}',
	comments_url: '/comments{/number}', commits_url: '/commits{/sha}', compare_url: '/compare/{base}...{head}',
	contents_url: '/contents/{+path}', contributors_url: '/contributors', deployments_url: '/deployments',
	downloads_url: '/downloads', events_url: '/events', forks_url: '/forks', git_commits_url: '/git/commits{/sha}',
	git_refs_url: '/git/refs{/sha}', git_tags_url: '/git/tags{/sha}', hooks_url: '/hooks',
	issue_comment_url: '/issues/comments{/number}', issue_events_url: '/issues/events{/number}',
	issues_url: '/issues{/number}', keys_url: '/keys{/key_id}', labels_url: '/labels{/name}',
	languages_url: '/languages', merges_url: '/merges', milestones_url: '/milestones{/number}',
	notifications_url: '/notifications{?since,all,participating}', pulls_url: '/pulls{/number}',
	releases_url: '/releases{/id}', stargazers_url: '/stargazers', statuses_url: '/statuses/{sha}',
	subscribers_url: '/subscribers', subscription_url: '/subscription', tags_url: '/tags', teams_url: '/teams',
	trees_url: '/git/trees{/sha}',
};

const repoUrl = (state, repo) => `${state.api}/repos/${repo.full_name}`;
const htmlUrl = (state, repo) => `${state.url}/${repo.full_name}`;

function minimal(state, repo) {
	const url = repoUrl(state, repo);
	const urls = {};
	for (const [name, end] of Object.entries(REPO_URLS))
		urls[name] = url + end;
	return {
		id: repo.id, node_id: state.node('R', repo.id), name: repo.name, full_name: repo.full_name,
		private: repo.private, owner: user(state, repo.owner), html_url: htmlUrl(state, repo),
		description: repo.description, fork: !!repo.parent, url, ...urls,
	};
}

function repository(state, repo) {
	const html = htmlUrl(state, repo);
	const open = [...repo.issues.values()].filter((i) => i.state === 'open').length;
	return {
		...minimal(state, repo),
		clone_url: `${html}.git`, git_url: `git://${html.replace(/^\w+:\/\//, '')}.git`, ssh_url: repo.ssh_url || `git@localhost:${repo.full_name}.git`,
		svn_url: html, mirror_url: null, homepage: null, language: null, license: null, size: 1,
		default_branch: repo.default_branch, visibility: repo.private ? 'private' : 'public',
		forks: 0, forks_count: 0, stargazers_count: 0, watchers: 0, watchers_count: 0,
		open_issues: open, open_issues_count: open, topics: [], is_template: false,
		has_issues: true, has_projects: false, has_wiki: false, has_pages: false, has_downloads: true,
		has_discussions: false, archived: repo.archived, disabled: false, allow_forking: true,
		web_commit_signoff_required: false,
		created_at: repo.created_at, updated_at: repo.updated_at, pushed_at: repo.pushed_at,
	};
}

const fullRepository = (state, repo) => ({
	...repository(state, repo), network_count: 0, subscribers_count: 0,
	allow_merge_commit: true, allow_rebase_merge: true, allow_squash_merge: true, allow_auto_merge: false,
	delete_branch_on_merge: false,
	...(repo.parent && { parent: repository(state, repo.parent), source: repository(state, repo.parent) }),
});

const app = (state, one) => one && ({
	id: one.id, client_id: one.client_id, slug: one.slug, node_id: state.node('A', one.id),
	owner: user(state, one.owner), name: one.name, description: null, external_url: one.html_url,
	html_url: one.html_url, created_at: one.created_at, updated_at: one.created_at,
	// The description's list of an App's events has no merge_group.
	permissions: one.permissions, events: one.events.filter((e) => e !== 'merge_group'),
});

const installation = (state, one) => ({
	id: one.id, account: user(state, one.account), repository_selection: one.selection,
	access_tokens_url: `${state.api}/app/installations/${one.id}/access_tokens`,
	repositories_url: `${state.api}/installation/repositories`,
	html_url: `${state.url}/settings/installations/${one.id}`,
	app_id: one.app.id, app_slug: one.app.slug, client_id: one.app.client_id, target_id: one.account.id,
	target_type: one.account.type, permissions: one.permissions || one.app.permissions, events: one.app.events,
	created_at: one.created_at, updated_at: one.updated_at, single_file_name: null,
	suspended_by: one.suspended_at ? user(state, one.account) : null, suspended_at: one.suspended_at,
});

const label = (state, repo, one) => ({
	id: one.id, node_id: state.node('LA', one.id), url: `${repoUrl(state, repo)}/labels/${encodeURIComponent(one.name)}`,
	name: one.name, color: one.color, default: false, description: one.description,
});

function commit(state, repo, sha) {
	const one = git.commit(repo, sha);
	const url = `${repoUrl(state, repo)}/commits/${one.sha}`;
	return {
		sha: one.sha, node_id: state.node('C', one.sha), url,
		html_url: `${htmlUrl(state, repo)}/commit/${one.sha}`, comments_url: `${url}/comments`,
		commit: {
			author: one.author, committer: one.committer, message: one.message,
			tree: { sha: one.tree, url: `${repoUrl(state, repo)}/git/trees/${one.tree}` },
			url: `${repoUrl(state, repo)}/git/commits/${one.sha}`, comment_count: 0,
			verification: state.signers.length ? require('./rules').verification(state, repo, sha) :
				{ verified: false, reason: 'unsigned', signature: null, payload: null, verified_at: null },
		},
		author: null, committer: null,
		parents: one.parents.map((p) => ({
			sha: p, url: `${repoUrl(state, repo)}/commits/${p}`, html_url: `${htmlUrl(state, repo)}/commit/${p}`,
		})),
	};
}

function simpleCommit(repo, sha) {
	const one = git.commit(repo, sha);
	return {
		id: one.sha, tree_id: one.tree, message: one.message, timestamp: one.committer.date,
		author: { name: one.author.name, email: one.author.email },
		committer: { name: one.committer.name, email: one.committer.email },
	};
}

const reactions = (url, list) => {
	const counts = { ...EMPTY_REACTIONS };
	for (const one of list || [])
		counts[one.content]++;
	return { url: `${url}/reactions`, total_count: (list || []).length, ...counts };
};

module.exports = {
	user, minimal, repository, fullRepository, app, installation, label, commit, simpleCommit, reactions,
	repoUrl, htmlUrl,
};
