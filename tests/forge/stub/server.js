'use strict';
// The HTTP side: reads a request, lets faults have their way, finds who asks and what answers, pages,
// tags and records.

const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const { HttpError, Reply, notFound } = require('./errors');
const { authenticate, authorize, nameOf } = require('./auth');
const faults = require('./faults');

const MAX_BODY = 26 << 20;
const ENTERPRISE = /^\/api\/v3\/|^\/api\/graphql$|^\/[^/]+\/[^/]+\.git\/(info\/refs|info\/lfs\/objects\/batch|git-upload-pack|git-receive-pack)(\?|$)/;

class Server {
	constructor({ state, router, validator, control, gitHttp, lfs }) {
		Object.assign(this, { state, router, validator, control, gitHttp, lfs });
		this.http = http.createServer((request, response) => this.handle(request, response));
		this.http.keepAliveTimeout = 30000;
	}

	end() {
		for (const one of [this.http, this.https])
			if (one) {
				one.close();
				one.closeAllConnections();
			}
	}

	listen(port) {
		return new Promise((done, failed) => {
			this.http.on('error', failed);
			this.http.listen(port, '127.0.0.1', () => done(this.http.address().port));
		});
	}

	// The same over TLS, as an Enterprise Server has it: the API below a path, and git; nothing else is answered.
	listenTls(cert, key) {
		const options = { cert: fs.readFileSync(cert), key: fs.readFileSync(key) };
		const server = https.createServer(options, (request, response) => {
			if (ENTERPRISE.test(request.url)) {
				this.handle(request, response);
				return;
			}
			this.state.requests.push({ method: request.method, path: request.url, query: '', at: this.state.now(), body: null, status: 404 });
			response.writeHead(404);
			response.end();
		});
		server.keepAliveTimeout = this.http.keepAliveTimeout;
		this.https = server;
		return new Promise((done, failed) => {
			server.on('error', failed);
			server.listen(0, '127.0.0.1', () => done(server.address().port));
		});
	}

	async handle(request, response) {
		let url;
		try {
			url = new URL(request.url, 'http://stub');
		} catch {
			send(response, 400, { message: 'Bad Request' });
			return;
		}
		// An Enterprise Server has the API below a path.
		const pathname = url.pathname.replace(/^\/api\/v3(?=\/)/, '').replace(/^\/api\/graphql$/, '/graphql');
		try {
			if (pathname.startsWith('/_control')) {
				await this.control.handle(request, response, pathname, url.searchParams, await read(request));
				return;
			}
			const entry = {
				method: request.method, path: pathname, query: url.search, at: this.state.now(), body: null, status: 0,
				authorization: (request.headers.authorization || '').split(' ')[0], actor: nameOf(this.state, request.headers), conditional: !!request.headers['if-none-match'],
			};
			this.state.requests.push(entry);
			this.remembering(request, entry);
			response.on('close', () => { entry.status = entry.status || (response.headersSent ? response.statusCode : 0); });
			if (this.gitHttp.matches(pathname)) {
				const fault = faults.take(this.state, entry); // the body is git's to read
				const act = () => faults.act(fault, entry, request, response);
				if (fault && !fault.after)
					await act();
				else
					await this.gitHttp.handle(request, response, pathname, url.search, fault && act, entry);
				return;
			}
			const raw = await read(request);
			if (this.lfs.matches(pathname)) {
				const fault = faults.take(this.state, entry);
				if (fault)
					await faults.act(fault, entry, request, response);
				else
					this.lfs.handle(request, response, pathname, url.searchParams, raw);
				return;
			}
			await this.api(request, response, entry, pathname, url.searchParams, raw);
		} catch (error) {
			if (!(error instanceof HttpError)) {
				console.error(error);
				this.state.violations.push({ what: 'stub', subject: `${request.method} ${request.url}`, errors: [String(error.stack)] });
			}
			if (!response.headersSent)
				send(response, error.status || 500, error.body || { message: String(error.message) }, error.headers);
			else
				response.destroy();
		}
	}

	// entry.last: what this very request was answered the last time; entry.keep: with what it is answered now.
	remembering(request, entry, raw = '') {
		const { answers } = this.state;
		const key = `${request.method} ${entry.path}${entry.query} ${raw}`;
		Object.defineProperty(entry, 'last', { value: answers.get(key), enumerable: false, configurable: true });
		Object.defineProperty(entry, 'keep', {
			enumerable: false, configurable: true,
			value: (answer) => {
				answers.delete(key);
				answers.set(key, answer);
				if (answers.size > 300)
					answers.delete(answers.keys().next().value);
			},
		});
	}

	async api(request, response, entry, pathname, query, raw) {
		let body = {};
		if (raw.length) {
			try {
				body = JSON.parse(raw.toString());
				entry.body = body;
			} catch {
				entry.body = raw.toString().slice(0, 1000);
				body = null;
			}
		}
		this.remembering(request, entry, raw);
		const fault = faults.take(this.state, entry);
		if (fault && !fault.after) {
			await faults.act(fault, entry, request, response);
			return;
		}
		const graphql = pathname === '/graphql';
		const numeric = /^\/repositories\/(\d+)(\/.*)?$/.exec(pathname);
		let target = pathname;
		if (numeric) {
			const repo = this.state.repos.get(Number(numeric[1]));
			target = repo ? `/repos/${repo.full_name}${numeric[2] || ''}` : pathname;
		}
		if (this.validator && !graphql)
			this.validator.request(request.method, target, query, body, raw);
		if (!request.headers['user-agent'])
			throw new HttpError(403, 'Request forbidden by administrative rules. Please make sure your request has a User-Agent header');
		const reply = await this.answer(request.method, target, query, body, request.headers);
		if (this.validator && !graphql && reply.type === undefined)
			this.validator.response(request.method, target, reply.status, reply.body);
		entry.status = reply.status;
		if (fault) { // the request has had its effect; only the answer is lost
			await faults.act(fault, entry, request, response);
			return;
		}
		this.finish(request, response, entry, reply);
	}

	// Runs a request for the actor of its headers, or for the actor that control says.
	async answer(method, pathname, query, body, headers, as) {
		const { state } = this;
		let actor;
		try {
			actor = as || authenticate(state, headers);
			const limits = as ? {} : this.limit(actor);
			const moved = this.moved(pathname, query);
			if (moved)
				return Object.assign(moved, { limits });
			const found = this.router.find(method, pathname);
			if (!found.route || body === null)
				throw body === null ? new HttpError(400, 'Problems parsing JSON') : notFound();
			const { route, params } = found;
			const repo = params.owner ? state.needRepo(`${params.owner}/${params.repo}`) : null;
			authorize(state, actor, route.options, repo);
			const context = new Context({ state, hooks: this.hooks, actor, repo, params, query, body, headers, method, pathname });
			let out = await route.handler(context);
			if (!(out instanceof Reply))
				out = new Reply(200, out);
			Object.assign(out.headers, context.headersOut);
			out.limits = limits;
			return out;
		} catch (error) {
			if (!(error instanceof HttpError))
				throw error;
			return new Reply(error.status, error.body, error.headers);
		}
	}

	moved(pathname, query) {
		const one = /^\/repos\/([^/]+\/[^/]+)\/issues\/(\d+)$/.exec(pathname);
		const gone = one && this.state.repo(one[1]) && this.state.repo(one[1]).transferred.get(Number(one[2]));
		if (gone) { // of what is below it GitHub says 404
			const to = `${this.state.api}/repositories/${gone.repo.id}/issues/${gone.number}`;
			return new Reply(301, { message: 'Moved Permanently', url: to, documentation_url: 'https://docs.github.com/rest' }, { Location: to });
		}
		const match = /^\/repos\/([^/]+\/[^/]+)(\/.*)?$/.exec(pathname);
		const id = match && this.state.renamed.get(match[1].toLowerCase());
		if (!id || this.state.repo(match[1]))
			return null;
		const to = `${this.state.api}/repositories/${id}${match[2] || ''}${query.size || [...query].length ? '?' + query : ''}`;
		return new Reply(301, { message: 'Moved Permanently', url: to, documentation_url: 'https://docs.github.com/rest' }, { Location: to });
	}

	// The primary limit, for each token and hour.
	limit(actor) {
		const { state } = this;
		const bucket = actor.kind === 'installation' ? actor.installation : actor.kind === 'app' ? actor.app : actor.user || state;
		const now = Math.floor(state.millis() / 1000);
		if (!bucket.limit || now >= bucket.limit.reset)
			bucket.limit = { used: 0, reset: now + 3600 };
		const headers = () => ({
			'X-RateLimit-Limit': state.rateLimit, 'X-RateLimit-Remaining': Math.max(0, state.rateLimit - bucket.limit.used),
			'X-RateLimit-Reset': bucket.limit.reset, 'X-RateLimit-Used': bucket.limit.used, 'X-RateLimit-Resource': 'core',
		});
		if (bucket.limit.used >= state.rateLimit)
			throw new HttpError(403, 'API rate limit exceeded for installation ID.', undefined, headers());
		bucket.limit.used++;
		return { headers, free: () => { bucket.limit.used--; } };
	}

	finish(request, response, entry, reply) {
		const headers = { 'X-GitHub-Media-Type': 'github.v3; format=json', 'X-GitHub-Request-Id': crypto.randomUUID(), Date: new Date(this.state.millis()).toUTCString(), ...reply.headers };
		let { status } = reply;
		const text = reply.body === undefined ? '' : reply.raw ? reply.body : JSON.stringify(reply.body);
		if (request.method === 'GET' && status === 200 && !reply.raw) {
			const tag = 'W/"' + crypto.createHash('sha256').update(text).update(request.headers.authorization || '').digest('hex') + '"';
			headers.ETag = tag; // another one for each token, as GitHub has it
			headers['Cache-Control'] = 'private, max-age=60, s-maxage=60';
			if ((request.headers['if-none-match'] || '').split(/,\s*/).includes(tag)) {
				status = 304;
				if (reply.limits && reply.limits.free)
					reply.limits.free(); // a 304 costs nothing
			}
		}
		Object.assign(headers, reply.limits && reply.limits.headers && reply.limits.headers());
		entry.status = status;
		if (text && status !== 304)
			headers['Content-Type'] = reply.type || 'application/json; charset=utf-8';
		headers['Content-Length'] = status === 304 || status === 204 ? undefined : Buffer.byteLength(text);
		for (const key of Object.keys(headers))
			if (headers[key] === undefined)
				delete headers[key];
		if (status < 300)
			entry.keep({ status, headers, body: text });
		response.writeHead(status, headers);
		response.end(status === 304 || request.method === 'HEAD' ? undefined : text);
	}
}

class Context {
	constructor(fields) {
		Object.assign(this, fields);
		this.headersOut = {};
	}

	// One page of a list, with the Link header.
	page(items) {
		const per = Math.min(Math.max(Number(this.query.get('per_page')) || 30, 1), 100);
		const page = Math.max(Number(this.query.get('page')) || 1, 1);
		const last = Math.max(Math.ceil(items.length / per), 1);
		const link = (n, rel) => {
			const query = new URLSearchParams(this.query);
			query.set('page', n);
			const path = this.repo ? this.pathname.replace(/^\/repos\/[^/]+\/[^/]+/, `/repositories/${this.repo.id}`) : this.pathname;
			return `<${this.state.api}${path}?${query}>; rel="${rel}"`;
		};
		const links = [];
		if (page > 1)
			links.push(link(page - 1, 'prev'));
		if (page < last)
			links.push(link(page + 1, 'next'), link(last, 'last'));
		if (page > 1)
			links.push(link(1, 'first'));
		if (links.length)
			this.headersOut.Link = links.join(', ');
		return items.slice((page - 1) * per, page * per);
	}

	emit(event, action, fields) { this.hooks.emit(event, action, this.repo, this.actor, fields); }
	get user() { return this.actor.user; }
}

function read(request) {
	return new Promise((done, failed) => {
		const parts = [];
		let size = 0;
		request.on('data', (part) => {
			size += part.length;
			if (size > MAX_BODY)
				failed(new HttpError(413, 'Payload Too Large'));
			parts.push(part);
		});
		request.on('end', () => done(Buffer.concat(parts)));
		request.on('error', failed);
		request.on('close', () => failed(new HttpError(400, 'cut')));
	});
}

function send(response, status, body, headers) {
	const text = JSON.stringify(body);
	response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8', 'Content-Length': Buffer.byteLength(text), ...headers });
	response.end(text);
}

module.exports = { Server, Context, send, read };
