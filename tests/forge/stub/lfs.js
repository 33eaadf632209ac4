'use strict';
// Git LFS: the batch API beside git's addresses, and the place where bytes are kept, on another address and behind a
// signature, as github.com has both. Whoever may not see the repository is answered as git-lfs' docs/api/batch.md says.

const crypto = require('node:crypto');
const { authenticate, sees } = require('./auth');
const { send } = require('./plain');

const BATCH = /^\/([^/_][^/]*\/[^/]+?)(?:\.git)?\/info\/lfs\/objects\/batch$/;
const BYTES = /^\/_lfs\/([0-9a-f]{64})$/;
const TYPE = 'application/vnd.git-lfs+json';
const MOST = 100;

const say = (response, status, body, headers) =>
	send(response, status, JSON.stringify(body), { 'Content-Type': `${TYPE}; charset=utf-8`, ...headers });

class Lfs {
	constructor(state) {
		this.state = state;
		this.objects = new Map(); // "owner/name OID": {data, expired, redirect, header, error}
		this.refusals = new Map(); // "owner/name": {status, message}
		this.key = crypto.randomBytes(16);
		this.asked = []; // how many objects each batch had
	}

	matches(pathname) { return BATCH.test(pathname) || BYTES.test(pathname); }

	// Control: objects by their texts; `bytes` is what is sent instead; a refusal is the whole repository's.
	put({ repo, texts, bytes, expired, redirect, header, error, refusal }) {
		if (refusal !== undefined)
			this.refusals.set(repo, refusal);
		return (texts || []).map((text) => {
			const oid = crypto.createHash('sha256').update(text).digest('hex');
			this.objects.set(`${repo} ${oid}`, { data: Buffer.from(bytes === undefined ? text : bytes), size: Buffer.byteLength(text), expired, redirect, header, error });
			return oid;
		});
	}

	sign(name) { return crypto.createHmac('sha256', this.key).update(name).digest('hex'); }

	handle(request, response, pathname, query, raw) {
		if (BYTES.test(pathname))
			this.bytes(request, response, BYTES.exec(pathname)[1], query);
		else
			this.batch(request, response, BATCH.exec(pathname)[1], raw);
	}

	batch(request, response, full, raw) {
		const { state } = this;
		const ask = { 'LFS-Authenticate': 'Basic realm="GitHub"' };
		if (request.method !== 'POST' || request.headers.accept !== TYPE || !String(request.headers['content-type']).startsWith(TYPE)) {
			say(response, 406, { message: `expected a POST of ${TYPE}` });
			return;
		}
		const repo = state.repo(full);
		let actor;
		try {
			actor = authenticate(state, request.headers);
		} catch {
			say(response, 401, { message: 'Bad credentials' }, ask);
			return;
		}
		if (actor.kind === 'nobody' && (!repo || repo.private)) {
			say(response, 401, { message: 'Credentials needed' }, ask);
			return;
		}
		if (!repo || !sees(state, actor, repo)) {
			say(response, 404, { message: 'Not Found' });
			return;
		}
		const { operation, transfers, objects, hash_algo: hash } = JSON.parse(raw.toString());
		const refusal = this.refusals.get(repo.full_name);
		if (refusal) {
			say(response, refusal.status, { message: refusal.message });
			return;
		}
		this.asked.push(objects.length);
		if (objects.length > MOST || operation !== 'download' || (transfers && !transfers.includes('basic')) || (hash || 'sha256') !== 'sha256') {
			say(response, objects.length > MOST ? 413 : 422, { message: 'Validation failed' });
			return;
		}
		say(response, 200, { objects: objects.map((one) => this.answer(repo, one)) });
	}

	answer(repo, { oid, size }) {
		const name = `${repo.full_name} ${oid}`;
		const object = this.objects.get(name);
		if (!object || object.size !== size)
			return { oid, size, error: { code: 404, message: "Object does not exist on the server or you don't have permissions to access it" } };
		if (object.error)
			return { oid, size, error: object.error };
		const query = `?repo=${encodeURIComponent(repo.full_name)}&X-Amz-Expires=3600&X-Amz-Signature=${this.sign(name)}`;
		return {
			oid, size, actions: { download: {
				href: `${this.plain}/_lfs/${oid}${query}`, ...(object.header && { header: { Authorization: object.header } }),
				expires_at: new Date(this.state.millis() + 3600000).toISOString().replace(/\.\d+/, ''), expires_in: 3600,
			} },
		};
	}

	bytes(request, response, oid, query) {
		const name = `${query.get('repo')} ${oid}`;
		const object = this.objects.get(name);
		const xml = { 'Content-Type': 'application/xml' };
		if (!object || query.get('X-Amz-Signature') !== this.sign(name)) {
			send(response, 403, '<Error><Code>SignatureDoesNotMatch</Code></Error>', xml);
		} else if ((request.headers.authorization || '') !== (object.header || '')) {
			send(response, 400, '<Error><Code>InvalidArgument</Code><Message>Only one auth mechanism allowed</Message></Error>', xml);
		} else if (object.expired) {
			object.expired--;
			send(response, 403, '<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>', xml);
		} else if (object.redirect && !query.get('moved')) {
			send(response, 302, '', { Location: object.redirect === true ? `${request.url}&moved=1` : object.redirect });
		} else {
			send(response, 200, object.data, { 'Content-Type': 'application/octet-stream' });
		}
	}
}

module.exports = { Lfs };
