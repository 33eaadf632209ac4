'use strict';
// git's smart HTTP, by `git http-backend`. A request for /OWNER/NAME.git/… is git's.

const { spawn } = require('node:child_process');
const path = require('node:path');
const git = require('./git');
const pushes = require('./pushes');
const rules = require('./rules');
const { authenticate, editable, granted, mayPush, sees } = require('./auth');
const { send } = require('./plain');

const PATH = /^\/([^/_][^/]*\/[^/]+?)(?:\.git)?(\/(?:info\/refs|git-upload-pack|git-receive-pack))$/;

class GitHttp {
	constructor(state, hooks) {
		this.state = state;
		this.hooks = hooks;
		this.children = new Set();
		this.pushes = new Map(); // under way where there are rules, by number
		this.lastPush = 0;
	}

	// What the hook of a push asks: why it is refused, or "".
	judge({ push, objects, alternates, updates }) {
		const { repo, actor } = this.pushes.get(push);
		const words = updates.split(' ');
		const list = [];
		for (let i = 0; i + 2 < words.length; i += 3)
			list.push({ from: words[i], to: words[i + 1], ref: words[i + 2] });
		const absolute = (folder) => (folder ? path.resolve(repo.dir, folder) : '');
		return rules.refusal(this.state, repo, actor, list, {
			...(objects && { GIT_OBJECT_DIRECTORY: absolute(objects) }),
			...(alternates && { GIT_ALTERNATE_OBJECT_DIRECTORIES: alternates.split(':').map(absolute).join(':') }),
		});
	}

	matches(pathname) { return PATH.test(pathname); }

	// lost: what comes instead of the answer, once git has done its work; or nothing.
	handle(request, response, pathname, search, lost, entry) {
		const { state } = this;
		const [, full, rest] = PATH.exec(pathname);
		const push = rest === '/git-receive-pack' || search.includes('service=git-receive-pack');
		const plain = { 'Content-Type': 'text/plain' };
		let actor;
		try {
			actor = authenticate(state, request.headers);
		} catch (error) {
			send(response, error.status === 403 ? 403 : 401, 'remote: Invalid username or token.\n', { ...plain, 'WWW-Authenticate': 'Basic realm="GitHub"' });
			return null;
		}
		let repo = state.repo(full);
		if (!repo && state.renamed.has(full.toLowerCase())) {
			repo = state.repos.get(state.renamed.get(full.toLowerCase()));
			if (request.method === 'GET') {
				send(response, 301, '', { Location: `${state.url}/${repo.full_name}.git${rest}${search}` });
				return null;
			}
		}
		if (actor.kind === 'nobody' && (push || !repo || repo.private)) {
			send(response, 401, 'Authentication required\n', { ...plain, 'WWW-Authenticate': 'Basic realm="GitHub"' });
			return null;
		}
		const only = repo && push && !mayPush(state, actor, repo) ? editable(state, actor, repo) : null;
		if (!repo || (!sees(state, actor, repo) && !(only && only.length))) {
			send(response, 404, 'remote: Repository not found.\n', plain);
			return null;
		}
		if (push && ((only && !only.length) || repo.archived)) {
			send(response, 403, `remote: Permission to ${repo.full_name}.git denied to ${actor.user ? actor.user.login : 'you'}.\n`, plain);
			return null;
		}
		return this.backend(request, response, repo, rest, search, actor, { lost, only, entry });
	}

	// only: the refs that may be pushed to, or null for all.
	backend(request, response, repo, rest, search, actor, { lost, only, entry }) {
		const before = git.refs(repo);
		const judged = rest === '/git-receive-pack' && rules.any(repo) ? ++this.lastPush : 0;
		if (judged)
			this.pushes.set(judged, { repo, actor });
		const child = spawn('git', ['-c', 'safe.directory=*', 'http-backend'], {
			env: {
				...git.ENV, GIT_PROJECT_ROOT: repo.dir, GIT_HTTP_EXPORT_ALL: '1', PATH_INFO: rest, REMOTE_USER: 'x',
				STUB_ONLY: only ? ` ${only.join(' ')} ` : '',
				STUB_NO_WORKFLOWS: actor.kind === 'installation' && !granted(actor, 'workflows:write') ? '1' : '',
				STUB_ASK: judged ? `${this.port}/${judged}` : '', STUB_ASKER: path.join(__dirname, 'ask.sh'),
				GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'safe.directory', GIT_CONFIG_VALUE_0: '*',
				REQUEST_METHOD: request.method, QUERY_STRING: search.slice(1), REMOTE_ADDR: '127.0.0.1',
				CONTENT_TYPE: request.headers['content-type'] || '', CONTENT_LENGTH: request.headers['content-length'] || '',
				HTTP_CONTENT_ENCODING: request.headers['content-encoding'] || '', GIT_PROTOCOL: request.headers['git-protocol'] || '',
			},
			stdio: ['pipe', 'pipe', 'inherit'],
		});
		this.children.add(child);
		request.pipe(child.stdin);
		child.stdin.on('error', () => {});
		child.on('error', (error) => console.error(error)); // it did not start; 'close' follows
		// The end of a push waits until its events are made: whoever asks the API next sees them.
		const parts = [];
		child.stdout.on('data', (part) => parts.push(part));
		return new Promise((done, failed) => child.on('close', () => {
			this.children.delete(child);
			this.pushes.delete(judged);
			try {
				if (rest === '/git-receive-pack')
					pushes.after(this.state, this.hooks, repo, before, actor);
				if (lost)
					lost().then(done, failed);
				else
					done(answer(response, Buffer.concat(parts), entry));
			} catch (error) {
				failed(error);
			}
		}));
	}

	end() {
		for (const child of this.children)
			child.kill('SIGKILL');
	}
}

// CGI output as an HTTP answer.
function answer(response, output, entry) {
	const at = output.indexOf('\r\n\r\n');
	if (at < 0) {
		send(response, 500, 'git http-backend gave no answer\n', { 'Content-Type': 'text/plain' });
		return;
	}
	let status = 200;
	const headers = {};
	for (const line of output.subarray(0, at).toString().split('\r\n')) {
		const [, name, value] = /^([^:]+):\s*(.*)$/.exec(line);
		if (name.toLowerCase() === 'status')
			status = Number.parseInt(value, 10);
		else
			headers[name] = value;
	}
	entry.keep({ status, headers, body: output.subarray(at + 4) });
	response.writeHead(status, headers);
	response.end(output.subarray(at + 4));
}

module.exports = { GitHttp };
