'use strict';
// Starts npm's `emulate`, another emulator of GitHub, beside the stub: node emulate.js DIR. It shares no code with
// the stub, so that what both answer the same is not only what one of us believes. It is no oracle for deliveries'
// ids, unknown tokens, merges, `mergeable`, files, or roles. Prints its address, a person's token and an App's key as
// a line of JSON; ends with SIGTERM or when standard input closes.
//
// The address is a relay's, which adds what it lacks. Git: DIR/OWNER/NAME.git is served over HTTP; what is in its
// branches, at the start and after each push, is written into the emulator by its git data API, where the commits have
// the same names (one that has not is an error), and pull requests get their refs/pull/N/head. Further, as a GitHub
// where nothing of the kind ever happened: GraphQL, rulesets, the App's deliveries; and the list of all comments, whose
// path it takes for that of an issue. All else goes through as it is, and a line of each request to DIR/requests.

const { execFileSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const { pathToFileURL } = require('node:url');
const path = require('node:path');
const { home } = require('./stub/modules');

const APP = 12345;
const INSTALLATION = 100;
const TOKEN = 'emulate-alice';
const NAME = 'alice/app';

class Mirror {
	constructor(dir, url) {
		this.dir = path.join(dir, `${NAME}.git`);
		this.url = `${url}/repos/${NAME}`;
		this.there = new Set();
		this.refs = new Map([['refs/heads/main', '']]);
	}

	git(...args) { return execFileSync('git', ['-C', this.dir, ...args], { maxBuffer: 1 << 26 }); }
	lines(...args) { return this.git(...args).toString().split('\n').filter(Boolean); }

	async ask(method, at, body) {
		const answer = await fetch(this.url + at, {
			method, headers: { Authorization: `Bearer ${TOKEN}`, 'Content-Type': 'application/json' }, body: body && JSON.stringify(body),
		});
		if (!answer.ok)
			throw new Error(`${method} ${at}: ${answer.status} ${await answer.text()}`);
		return answer.status === 204 ? null : answer.json();
	}

	async object(kind, sha, body) {
		if (this.there.has(sha))
			return;
		const made = await this.ask('POST', `/git/${kind}`, body);
		if (made.sha !== sha)
			throw new Error(`${kind}: ${sha} is ${made.sha} there`);
		this.there.add(sha);
	}

	async commit(sha) {
		const entries = this.lines('ls-tree', '-r', '-t', sha).map((l) => /^(\d+) (\w+) (\w+)\t(.*)$/.exec(l).slice(1));
		for (const [, type, blob] of entries)
			if (type === 'blob')
				await this.object('blobs', blob, { content: this.git('cat-file', 'blob', blob).toString('base64'), encoding: 'base64' });
		const tree = this.lines('rev-parse', `${sha}^{tree}`)[0];
		await this.object('trees', tree, {
			tree: entries.filter(([, type]) => type === 'blob').map(([mode, type, blob, name]) => ({ path: name, mode, type, sha: blob })),
		});
		const raw = this.git('cat-file', 'commit', sha).toString();
		const who = (role) => {
			const [, name, email, at] = new RegExp(`^${role} (.*) <(.*)> (\\d+) \\+0000$`, 'm').exec(raw);
			return { name, email, date: new Date(at * 1000).toISOString().replace('.000', '') };
		};
		await this.object('commits', sha, {
			message: raw.slice(raw.indexOf('\n\n') + 2), tree, parents: this.lines('rev-parse', `${sha}^@`), author: who('author'), committer: who('committer'),
		});
	}

	async branches() {
		const now = new Map(this.lines('for-each-ref', '--format=%(refname) %(objectname)', 'refs/heads').map((l) => l.split(' ')));
		for (const [ref, sha] of now) {
			if (this.refs.get(ref) === sha)
				continue;
			for (const one of this.lines('rev-list', '--reverse', sha))
				if (!this.there.has(one))
					await this.commit(one);
			if (this.refs.has(ref))
				await this.ask('PATCH', `/git/${ref}`, { sha, force: true });
			else
				await this.ask('POST', '/git/refs', { ref, sha });
		}
		for (const ref of this.refs.keys())
			if (!now.has(ref))
				await this.ask('DELETE', `/git/${ref}`);
		this.refs = now;
	}

	// Its heads do not move: what a branch is at counts.
	async pulls() {
		for (const pull of await this.ask('GET', '/pulls?state=open&per_page=100')) {
			const sha = this.refs.get(`refs/heads/${pull.head.ref}`);
			if (sha)
				this.git('update-ref', `refs/pull/${pull.number}/head`, sha);
		}
	}

	// The answers that it has none for, or undefined.
	async missing(method, pathname, body) {
		if (method === 'POST' && pathname === '/graphql') {
			const { query, variables } = JSON.parse(body);
			const { id: databaseId } = await this.ask('GET', '');
			if (query.includes('issue(number'))
				return { data: { repository: { databaseId, issue: { lastEditedAt: null, editor: null } } } };
			const pull = await this.ask('GET', `/pulls/${variables.number}`);
			return { data: { repository: { databaseId, pullRequest: {
				headRefOid: this.refs.get(`refs/heads/${pull.head.ref}`) || pull.head.sha, reviewDecision: null,
				reviewThreads: { nodes: [], pageInfo: { hasNextPage: false, endCursor: null } },
			} } } };
		}
		if (method !== 'GET')
			return undefined;
		if (pathname === '/app/hook/deliveries' || pathname.startsWith(`/repos/${NAME}/rules/branches/`))
			return [];
		if (pathname !== `/repos/${NAME}/issues/comments`)
			return undefined;
		const issues = [];
		for (let page = 1, got = [0]; got.length; page++)
			issues.push(...(got = await this.ask('GET', `/issues?state=all&per_page=100&page=${page}`)));
		const lists = await Promise.all(issues.map((i) => this.ask('GET', `/issues/${i.number}/comments?per_page=100`)));
		return lists.flat().sort((a, b) => a.updated_at.localeCompare(b.updated_at));
	}

	async api(request, response, here) {
		const url = new URL(request.url, 'http://api');
		const parts = [];
		for await (const part of request)
			parts.push(part);
		const body = Buffer.concat(parts);
		const found = await this.missing(request.method, url.pathname, body);
		let status = 200, headers = { 'Content-Type': 'application/json' }, text = JSON.stringify(found);
		if (found === undefined) {
			const base = this.url.slice(0, -`/repos/${NAME}`.length);
			const { host, connection, 'content-length': length, ...pass } = request.headers;
			const answer = await fetch(base + request.url, { method: request.method, headers: pass, body: length > 0 ? body : undefined, redirect: 'manual' });
			const own = (s) => s.replaceAll(base, here);
			status = answer.status;
			text = own(await answer.text());
			headers = Object.fromEntries([...answer.headers].filter(([k]) => !['content-length', 'transfer-encoding', 'connection', 'content-encoding'].includes(k)).map(([k, v]) => [k, own(v)]));
		}
		fs.appendFileSync(path.resolve(this.dir, '../../requests'), `${request.method} ${request.url} ${status}${found === undefined ? '' : ' relay'}\n`);
		response.writeHead(status, headers);
		response.end([204, 304].includes(status) ? undefined : text);
	}

	serve(request, response) {
		const url = new URL(request.url, 'http://git');
		const child = spawn('git', ['http-backend'], {
			env: {
				...process.env, GIT_PROJECT_ROOT: path.resolve(this.dir, '../..'), GIT_HTTP_EXPORT_ALL: '1', PATH_INFO: url.pathname, REMOTE_USER: 'x',
				REQUEST_METHOD: request.method, QUERY_STRING: url.search.slice(1), REMOTE_ADDR: '127.0.0.1',
				CONTENT_TYPE: request.headers['content-type'] || '', CONTENT_LENGTH: request.headers['content-length'] || '',
				HTTP_CONTENT_ENCODING: request.headers['content-encoding'] || '', GIT_PROTOCOL: request.headers['git-protocol'] || '',
			},
			stdio: ['pipe', 'pipe', 'inherit'],
		});
		const parts = [];
		request.pipe(child.stdin);
		child.stdin.on('error', () => {});
		child.stdout.on('data', (part) => parts.push(part));
		return new Promise((done) => child.on('close', () => done(Buffer.concat(parts)))).then(async (output) => {
			if (url.pathname.endsWith('/git-receive-pack'))
				await this.branches();
			const at = output.indexOf('\r\n\r\n');
			const headers = Object.fromEntries(output.subarray(0, at).toString().split('\r\n').map((l) => l.split(/: */)));
			response.writeHead(Number.parseInt(headers.Status || '200', 10), headers);
			response.end(output.subarray(at + 4));
		});
	}
}

async function main() {
	const { createEmulator } = await import(pathToFileURL(path.join(home(), 'node_modules/emulate/dist/api.js')));
	const seed = {
		// Whoever has an unknown token acts as the first user: one who may nothing.
		tokens: { [TOKEN]: { login: 'alice', scopes: ['repo', 'user'] } },
		github: {
			users: [{ login: 'nobody' }, { login: 'alice' }],
			repos: [{ owner: 'alice', name: 'app', auto_init: true }],
			apps: [{
				app_id: APP, slug: 'yardmaster', name: 'yardmaster', installations: [{ installation_id: INSTALLATION, account: 'alice' }],
				permissions: { metadata: 'read', contents: 'write', issues: 'write', pull_requests: 'write', checks: 'write', statuses: 'write', workflows: 'write', actions: 'read', administration: 'read', members: 'read' },
			}],
		},
	};
	const one = await createEmulator({ service: 'github', port: 0, seed });
	const mirror = new Mirror(process.argv[2], one.url);
	if (fs.existsSync(mirror.dir))
		await mirror.branches();
	// One after the other: a push is written there before the next request sees it.
	let last = Promise.resolve(), here = '';
	const server = http.createServer((request, response) => {
		const git = /\.git\//.test(request.url);
		last = last.then(() => git && mirror.pulls()).then(() => (git ? mirror.serve(request, response) : mirror.api(request, response, here))).catch((error) => {
			process.stderr.write(`emulate: ${request.url}: ${error.stack}\n`);
			response.destroy();
		});
	});
	await new Promise((done) => server.listen(0, '127.0.0.1', done));
	here = `http://127.0.0.1:${server.address().port}`;
	const end = async () => {
		await one.close();
		process.exit(0);
	};
	process.on('SIGTERM', end);
	process.stdin.on('end', end).resume();
	const key = one.generatedSecrets.find((secret) => secret.kind === 'github.app_private_key');
	console.log(JSON.stringify({ url: here, token: TOKEN, app_id: APP, installation_id: INSTALLATION, pem: key && key.value }));
}

main().catch((error) => {
	process.stderr.write(`emulate: ${error.stack}\n`);
	process.exit(1);
});
