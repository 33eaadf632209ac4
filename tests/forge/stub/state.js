'use strict';
// All that the stub knows, in memory; the git repositories are in its directory. Everything is found by
// name or id here; the resources' files change it.

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { notFound } = require('./errors');

const DEFAULT_PERMISSIONS = {
	metadata: 'read', contents: 'write', pull_requests: 'write', issues: 'write', checks: 'write',
	statuses: 'write', actions: 'read', administration: 'read', members: 'read', workflows: 'write',
};
const DEFAULT_EVENTS = ['issues', 'issue_comment', 'pull_request', 'pull_request_review',
	'pull_request_review_comment', 'pull_request_review_thread', 'check_run', 'check_suite', 'status', 'workflow_run', 'push',
	'merge_group', 'repository', 'label'];

class State {
	constructor(dir) {
		this.dir = dir;
		this.url = ''; // of pages and of git
		this.answers = new Map(); // the latest of each request: faults.js, "old"
		this.signers = []; // {email, key}: SSH keys that accounts sign with
		this.lastStack = 0;
		this.api = ''; // of the API
		this.offset = 0;
		this.last = 1000;
		this.users = new Map(); // login in lower case -> user
		this.repos = new Map(); // id -> repo
		this.renamed = new Map(); // old full name in lower case -> id
		this.apps = [];
		this.installations = [];
		this.tokens = new Map(); // token -> {kind, ...}
		this.manifests = new Map(); // code -> manifest
		this.deliveries = [];
		this.requests = [];
		this.violations = [];
		this.faults = [];
		this.teams = new Map(); // "org/slug" -> logins
		this.rateLimit = 5000;
		fs.mkdirSync(dir, { recursive: true });
	}

	id() { return ++this.last; }
	node(kind, id) { return kind + '_' + Buffer.from(String(id).padStart(9, '0')).toString('base64url'); }
	millis() { return Date.now() + this.offset; }
	now() { return new Date(Math.floor(this.millis() / 1000) * 1000).toISOString().replace('.000Z', 'Z'); }

	user(login, fields) {
		const key = login.toLowerCase();
		let user = this.users.get(key);
		if (!user) {
			user = { id: this.id(), login, type: 'User', name: login };
			this.users.set(key, user);
		}
		return Object.assign(user, fields);
	}

	findUser(login) { return this.users.get(String(login).toLowerCase()); }

	addApp(fields = {}) {
		const id = fields.id || this.id();
		const slug = fields.slug || 'yardmaster';
		const app = {
			id, slug, name: fields.name || slug, client_id: fields.client_id || 'Iv23li' + String(id).padStart(14, 'x'),
			owner: this.user(fields.owner || 'octo', { type: 'Organization' }),
			permissions: fields.permissions || { ...DEFAULT_PERMISSIONS },
			events: fields.events || [...DEFAULT_EVENTS],
			created_at: this.now(),
			hook: { url: '', secret: '', content_type: 'json', insecure_ssl: '0', ...fields.webhook },
			control: { hold: false, drop: 0, duplicate: 0, reorder: 0, held: [] },
			html_url: `${this.url}/apps/${slug}`,
		};
		if (fields.public_key) {
			app.key = crypto.createPublicKey(fields.public_key);
		} else {
			const pair = keyPair(this.apps.length);
			app.key = pair.publicKey;
			app.pem = pair.privateKey.export({ type: 'pkcs1', format: 'pem' });
			app.pem_file = path.join(this.dir, `${slug}.pem`);
			fs.writeFileSync(app.pem_file, app.pem, { mode: 0o600 });
		}
		app.bot = this.user(`${slug}[bot]`, { type: 'Bot', app });
		this.apps.push(app);
		for (const one of fields.installations || [])
			this.addInstallation(app, one);
		return app;
	}

	addInstallation(app, fields) {
		const one = {
			id: fields.id || this.id(), app, account: this.user(fields.account),
			selection: fields.repositories ? 'selected' : 'all',
			repositories: new Set(fields.repositories || []), // full names
			permissions: fields.permissions || null, // null: what the App has
			suspended_at: null, created_at: this.now(), updated_at: this.now(),
		};
		this.installations.push(one);
		return one;
	}

	// A token as long as GitHub's newest.
	token(holder) {
		const token = (holder.kind === 'installation' ? 'ghs_' : 'ghp_') +
			crypto.randomBytes(387).toString('base64url').slice(0, 516);
		this.tokens.set(token, holder);
		return token;
	}

	covers(installation, repo) {
		return installation.account === repo.owner &&
			(installation.selection === 'all' || installation.repositories.has(repo.full_name));
	}

	installationOf(repo, app) {
		return this.installations.find((i) => (!app || i.app === app) && this.covers(i, repo));
	}

	repo(full) {
		const name = full.toLowerCase();
		for (const repo of this.repos.values())
			if (repo.full_name.toLowerCase() === name)
				return repo;
		return null;
	}

	needRepo(full) {
		const repo = this.repo(full);
		if (!repo)
			throw notFound();
		return repo;
	}

	// admin, maintain, write, triage, read or none
	role(repo, user) {
		if (!user)
			return repo.private ? 'none' : 'read';
		if (user === repo.owner)
			return 'admin';
		return repo.collaborators.get(user.login.toLowerCase()) || (repo.private ? 'none' : 'read');
	}

	association(repo, user) {
		if (user === repo.owner)
			return 'OWNER';
		if (['write', 'maintain', 'admin'].includes(this.role(repo, user)))
			return repo.owner.type === 'Organization' ? 'MEMBER' : 'COLLABORATOR';
		return 'NONE';
	}
}

// Making one takes a tenth of a second. The first App of every state has the same, the second another one.
const pairs = [];
function keyPair(nth) {
	pairs[nth] = pairs[nth] || crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
	return pairs[nth];
}

module.exports = { State, DEFAULT_EVENTS, DEFAULT_PERMISSIONS };
