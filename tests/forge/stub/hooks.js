'use strict';
// Webhooks: what is delivered to whom, in order, signed and recorded; and what a test does to deliveries.

const crypto = require('node:crypto');
const http = require('node:http');
const https = require('node:https');
const render = require('./render');

const LIMIT = 10000; // ms for an answer, as GitHub has it

class Hooks {
	constructor(state, validator) {
		this.state = state;
		this.validator = validator;
		this.chain = Promise.resolve();
	}

	// Tells every App that is installed on the repository and subscribed to the event. `repo` is null
	// for events that are about no repository; then `only` names the installation.
	emit(event, action, repo, actor, fields, only) {
		const { state } = this;
		const sender = render.user(state, (actor && actor.user) || (repo && repo.owner) || only.account);
		for (const app of only ? [only.app] : state.apps) {
			const always = ['installation', 'installation_repositories', 'ping', 'github_app_authorization'];
			const installation = only || state.installationOf(repo, app);
			if (!installation || installation.suspended_at && event !== 'installation')
				continue;
			if (!always.includes(event) && !app.events.includes(event))
				continue;
			const payload = {
				...(action && { action }), ...fields,
				...(repo && { repository: { ...render.repository(state, repo), ...(fields.repository || {}) } }),
				...(repo && repo.owner.type === 'Organization' && { organization: organization(state, repo.owner) }),
				...(event !== 'installation' && event !== 'installation_repositories' &&
					{ installation: { id: installation.id, node_id: state.node('MDIz', installation.id) } }),
				sender,
			};
			this.queue(app, event, action, repo, installation, payload);
		}
	}

	// Only the App whose check run it is gets `requested_action` and `rerequested`.
	emitTo(app, event, action, repo, actor, fields) {
		const installation = this.state.installationOf(repo, app);
		if (installation)
			this.emit(event, action, repo, actor, fields, installation);
	}

	queue(app, event, action, repo, installation, payload) {
		const { state } = this;
		if (this.validator)
			this.validator.webhook(event, action, payload);
		const delivery = {
			id: state.id(), guid: crypto.randomUUID(), app, event, action: action || null,
			installation_id: installation ? installation.id : null, repository_id: repo ? repo.id : null,
			payload: JSON.stringify(payload), redelivery: false, delivered_at: state.now(), duration: 0,
			status: 'pending', status_code: 0, request: null, response: null,
		};
		state.deliveries.push(delivery);
		const how = app.control;
		if (!app.hook.url || (app.hook.active === false)) {
			state.deliveries.pop(); // no webhook: nothing is ever sent or listed
		} else if (how.drop > 0) {
			how.drop--;
			Object.assign(delivery, { status: 'failed to connect to host', status_code: 502 });
		} else if (how.hold) {
			how.held.push(delivery);
		} else if (how.reorder > 1) {
			how.held.push(delivery);
			if (how.held.length >= how.reorder) {
				how.reorder = 0;
				this.release(app, true);
			}
		} else {
			this.send(delivery);
			if (how.duplicate > 0) {
				how.duplicate--;
				this.send(delivery);
			}
		}
	}

	release(app, reversed) {
		const held = app.control.held.splice(0);
		app.control.hold = false;
		for (const one of reversed ? held.reverse() : held)
			this.send(one);
		return held.length;
	}

	// The same delivery again: the same X-GitHub-Delivery, a new entry.
	redeliver(old) {
		const again = {
			...old, id: this.state.id(), redelivery: true, status: 'pending', status_code: 0,
			delivered_at: this.state.now(), request: null, response: null,
		};
		this.state.deliveries.push(again);
		this.send(again);
	}

	send(delivery) {
		this.chain = this.chain.then(() => this.post(delivery)).catch((error) => {
			console.error(error);
			this.state.violations.push({ what: 'stub', subject: `delivery ${delivery.guid}`, errors: [String(error.stack)] });
			Object.assign(delivery, { status: 'failed to connect to host', status_code: 502 });
		});
		return this.chain;
	}

	idle() { return this.chain; }

	post(delivery) {
		const { hook } = delivery.app;
		let body = delivery.payload;
		let type = 'application/json';
		if (hook.content_type === 'form') {
			body = 'payload=' + encodeURIComponent(body);
			type = 'application/x-www-form-urlencoded';
		}
		const bytes = Buffer.from(body);
		const headers = {
			'Accept': '*/*', 'Content-Type': type, 'Content-Length': bytes.length,
			'User-Agent': 'GitHub-Hookshot/57f4b9a', 'X-GitHub-Delivery': delivery.guid,
			'X-GitHub-Event': delivery.event, 'X-GitHub-Hook-ID': String(delivery.app.id),
			'X-GitHub-Hook-Installation-Target-ID': String(delivery.app.id),
			'X-GitHub-Hook-Installation-Target-Type': 'integration',
		};
		if (hook.secret) {
			headers['X-Hub-Signature-256'] = 'sha256=' + crypto.createHmac('sha256', hook.secret).update(bytes).digest('hex');
			headers['X-Hub-Signature'] = 'sha1=' + crypto.createHmac('sha1', hook.secret).update(bytes).digest('hex');
		}
		delivery.request = { headers };
		const begun = Date.now();
		return new Promise((done) => {
			const end = (status, code, response) => {
				Object.assign(delivery, { status, status_code: code, response, duration: (Date.now() - begun) / 1000 });
				done();
			};
			if (!/^https?:/.test(hook.url || '')) { // taken away since it was queued: never sent, nor listed
				this.state.deliveries.splice(this.state.deliveries.indexOf(delivery), 1);
				done();
				return;
			}
			const request = (hook.url.startsWith('https:') ? https : http).request(hook.url,
				{ method: 'POST', headers, timeout: LIMIT, agent: false, rejectUnauthorized: hook.insecure_ssl !== '1' }, (response) => {
					const parts = [];
					response.on('data', (part) => parts.push(part));
					response.on('error', () => end('failed to connect to host', 502, null));
					response.on('end', () => {
						const code = response.statusCode;
						const good = code >= 200 && code < 300;
						end(good ? 'OK' : `Invalid HTTP Response: ${code}`, code,
							{ headers: response.headers, payload: Buffer.concat(parts).toString() });
					});
				});
			request.on('timeout', () => { request.destroy(); end('timed out', 504, null); });
			request.on('error', () => end('failed to connect to host', 502, null));
			request.end(bytes);
		});
	}
}

const organization = (state, org) => ({
	login: org.login, id: org.id, node_id: state.node('O', org.id), url: `${state.url}/orgs/${org.login}`,
	repos_url: `${state.url}/orgs/${org.login}/repos`, events_url: `${state.url}/orgs/${org.login}/events`,
	hooks_url: `${state.url}/orgs/${org.login}/hooks`, issues_url: `${state.url}/orgs/${org.login}/issues`,
	members_url: `${state.url}/orgs/${org.login}/members{/member}`,
	public_members_url: `${state.url}/orgs/${org.login}/public_members{/member}`,
	avatar_url: `${state.url}/avatars/${org.id}`, description: null,
});

module.exports = { Hooks };
