'use strict';
// The App itself: its installations and tokens, its webhook and deliveries, and the manifest flow.

const crypto = require('node:crypto');
const render = require('./render');
const { HttpError, Reply, created, invalid, notFound } = require('./errors');
const { RANK } = require('./auth');

const JWT = { as: 'jwt' };

function needInstallation(c) {
	const one = c.state.installations.find((i) => i.id === Number(c.params.installation_id) && i.app === c.actor.app);
	if (!one)
		throw notFound();
	return one;
}

function repositoriesOf(state, installation) {
	return [...state.repos.values()].filter((r) => state.covers(installation, r));
}

function accessToken(c) {
	const { state, body } = c;
	const installation = needInstallation(c);
	if (installation.suspended_at)
		throw new HttpError(403, 'This installation has been suspended');
	const have = installation.permissions || installation.app.permissions;
	for (const [name, level] of Object.entries(body.permissions || {}))
		if (RANK[level] > RANK[have[name] || 'none'])
			throw new HttpError(422, 'The permissions requested are not granted to this installation.');
	let chosen = null;
	if (body.repositories || body.repository_ids) {
		chosen = repositoriesOf(state, installation).filter((r) => (body.repositories || []).includes(r.name) || (body.repository_ids || []).includes(r.id));
		if (chosen.length < (body.repositories || body.repository_ids).length)
			throw new HttpError(422, 'There is at least one repository that does not exist or is not accessible to the parent installation.');
	}
	const expires = state.millis() + 3600000;
	const permissions = body.permissions ? { metadata: 'read', ...body.permissions } : null;
	const token = state.token({ kind: 'installation', installation, permissions, repositories: chosen && chosen.map((r) => r.id), expires });
	return created({
		token, expires_at: new Date(expires).toISOString().replace(/\.\d+Z/, 'Z'), permissions: permissions || have,
		repository_selection: chosen ? 'selected' : installation.selection, ...(chosen && { repositories: chosen.map((r) => render.repository(state, r)) }),
	});
}

const item = (d) => ({
	id: d.id, guid: d.guid, delivered_at: d.delivered_at, redelivery: d.redelivery, duration: d.duration, status: d.status, status_code: d.status_code,
	event: d.event, action: d.action, installation_id: d.installation_id, repository_id: d.repository_id, throttled_at: null,
});

// Newest first, by cursor; only the last three days are known.
function deliveries(c) {
	const { state, query } = c;
	const per = Math.min(Number(query.get('per_page')) || 30, 100);
	const from = state.millis() - 3 * 86400000;
	let list = state.deliveries.filter((d) => d.app === c.actor.app && d.status !== 'pending' && Date.parse(d.delivered_at) >= from).reverse();
	if (query.get('status'))
		list = list.filter((d) => (d.status === 'OK') === (query.get('status') === 'success'));
	const cursor = query.get('cursor');
	if (cursor) {
		const before = Number(cursor.replace(/^v1_/, ''));
		if (!Number.isInteger(before))
			throw invalid('Hook', 'cursor');
		list = list.filter((d) => d.id < before);
	}
	const page = list.slice(0, per);
	if (list.length > per) {
		const next = new URLSearchParams(query);
		next.set('cursor', `v1_${page[page.length - 1].id}`);
		c.headersOut.Link = `<${state.api}/app/hook/deliveries?${next}>; rel="next"`;
	}
	return page.map(item);
}

function needDelivery(c) {
	const one = c.state.deliveries.find((d) => d.id === Number(c.params.delivery_id) && d.app === c.actor.app);
	if (!one)
		throw notFound();
	return one;
}

const delivery = (d) => ({
	...item(d), url: d.app.hook.url,
	request: { headers: d.request && d.request.headers, payload: JSON.parse(d.payload) },
	response: { headers: d.response && d.response.headers, payload: d.response && d.response.payload },
});

const hookConfig = (app) => ({ content_type: app.hook.content_type, insecure_ssl: app.hook.insecure_ssl, ...(app.hook.secret && { secret: '********' }), url: app.hook.url });

function convert(c) {
	const { state } = c;
	const manifest = state.manifests.get(c.params.code);
	if (!manifest || state.millis() > manifest.until)
		throw notFound();
	state.manifests.delete(c.params.code);
	const m = manifest.manifest;
	const secret = crypto.randomBytes(20).toString('hex');
	const app = state.addApp({
		name: m.name, slug: m.name.toLowerCase().replace(/[^a-z0-9]+/g, '-'), owner: manifest.owner, permissions: { metadata: 'read', ...m.default_permissions },
		events: m.default_events || [], webhook: { url: m.hook_attributes ? m.hook_attributes.url : '', secret },
	});
	return created({
		...render.app(state, app), client_secret: crypto.randomBytes(20).toString('hex'), webhook_secret: m.hook_attributes ? secret : null, pem: app.pem,
	});
}

// The page of the manifest flow: a form with `manifest` comes, the browser goes on to redirect_url.
function newApp(state, form, search, owner) {
	let manifest;
	try {
		manifest = JSON.parse(form.get('manifest'));
	} catch {
		throw new HttpError(422, 'manifest is not JSON');
	}
	if (!manifest.name || !manifest.url || !manifest.redirect_url)
		throw new HttpError(422, 'manifest needs name, url and redirect_url');
	const code = crypto.randomBytes(20).toString('hex');
	state.manifests.set(code, { manifest, owner, until: state.millis() + 3600000 });
	const to = new URL(manifest.redirect_url);
	to.searchParams.set('code', code);
	if (search.get('state'))
		to.searchParams.set('state', search.get('state'));
	return new Reply(302, undefined, { Location: String(to) });
}

function routes(router) {
	router.add('GET', '/app', JWT, (c) => ({
		...render.app(c.state, c.actor.app), installations_count: c.state.installations.filter((i) => i.app === c.actor.app).length,
	}));
	router.add('GET', '/apps/{app_slug}', { as: 'any' }, (c) => {
		const app = c.state.apps.find((one) => one.slug === c.params.app_slug);
		if (!app)
			throw notFound();
		return { ...render.app(c.state, app), installations_count: c.state.installations.filter((i) => i.app === app).length };
	});
	router.add('GET', '/app/installations', JWT, (c) => c.page(c.state.installations.filter((i) => i.app === c.actor.app)).map((i) => render.installation(c.state, i)));
	router.add('GET', '/app/installations/{installation_id}', JWT, (c) => render.installation(c.state, needInstallation(c)));
	router.add('POST', '/app/installations/{installation_id}/access_tokens', JWT, accessToken);
	router.add('GET', '/repos/{owner}/{repo}/installation', JWT, (c) => {
		const one = c.state.installationOf(c.repo, c.actor.app);
		if (!one)
			throw notFound();
		return render.installation(c.state, one);
	});
	router.add('GET', '/installation/repositories', {}, (c) => {
		if (c.actor.kind !== 'installation')
			throw new HttpError(403, 'You must authenticate with an installation access token in order to list repositories for an installation.');
		const list = repositoriesOf(c.state, c.actor.installation).filter((r) => !c.actor.repositories || c.actor.repositories.includes(r.id));
		return { total_count: list.length, repository_selection: c.actor.installation.selection, repositories: c.page(list).map((r) => render.repository(c.state, r)) };
	});
	router.add('GET', '/orgs/{org}/teams/{team_slug}/memberships/{username}', { permission: 'members:read' }, (c) => {
		const { org, team_slug: slug, username } = c.params;
		if (!(c.state.teams.get(`${org}/${slug}`) || []).includes(username))
			throw notFound();
		return { url: `${c.state.url}/organizations/1/team/1/memberships/${username}`, role: 'member', state: 'active' };
	});
	router.add('GET', '/app/hook/config', JWT, (c) => hookConfig(c.actor.app));
	router.add('PATCH', '/app/hook/config', JWT, (c) => {
		Object.assign(c.actor.app.hook, c.body);
		return hookConfig(c.actor.app);
	});
	router.add('GET', '/app/hook/deliveries', JWT, deliveries);
	router.add('GET', '/app/hook/deliveries/{delivery_id}', JWT, (c) => delivery(needDelivery(c)));
	router.add('POST', '/app/hook/deliveries/{delivery_id}/attempts', JWT, (c) => {
		c.hooks.redeliver(needDelivery(c));
		return new Reply(202, {});
	});
	router.add('POST', '/app-manifests/{code}/conversions', { as: 'any' }, convert);
	router.add('GET', '/rate_limit', { as: 'any' }, (c) => {
		const one = { limit: c.state.rateLimit, used: 0, remaining: c.state.rateLimit, reset: Math.floor(c.state.millis() / 1000) + 3600 };
		return { resources: { core: one, search: one, graphql: one }, rate: one };
	});
	router.add('GET', '/meta', { as: 'any' }, () => ({ verifiable_password_authentication: false }));
}

module.exports = { routes, newApp };
