'use strict';
// Who asks: the App by its JWT, an installation or a user by a token, or nobody; and what they may.

const crypto = require('node:crypto');
const { HttpError, forbidden, notFound } = require('./errors');

const RANK = { none: 0, read: 1, triage: 2, write: 3, maintain: 4, admin: 5 };

const unauthorized = (message) => new HttpError(401, message || 'Bad credentials');

function jwt(state, token) {
	const bad = (why) => unauthorized(why);
	let head, claims;
	const parts = token.split('.');
	try {
		head = JSON.parse(Buffer.from(parts[0], 'base64url'));
		claims = JSON.parse(Buffer.from(parts[1], 'base64url'));
	} catch {
		throw bad('A JSON web token could not be decoded');
	}
	if (head.alg !== 'RS256')
		throw bad('A JSON web token could not be decoded');
	const app = state.apps.find((a) => String(a.id) === String(claims.iss) || a.client_id === claims.iss);
	if (!app)
		throw bad("'Issuer' claim ('iss') must be an Integer");
	const signed = crypto.verify('RSA-SHA256', Buffer.from(parts[0] + '.' + parts[1]), app.key,
		Buffer.from(parts[2], 'base64url'));
	if (!signed)
		throw bad('A JSON web token could not be decoded');
	const now = Math.floor(state.millis() / 1000);
	if (!Number.isInteger(claims.iat) || claims.iat > now)
		throw bad("'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued");
	if (!Number.isInteger(claims.exp) || claims.exp <= now)
		throw bad("'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires");
	if (claims.exp > now + 600)
		throw bad("'Expiration time' claim ('exp') is too far in the future");
	return { kind: 'app', app };
}

function ofToken(state, token) {
	const holder = state.tokens.get(token);
	if (!holder)
		throw unauthorized();
	if (holder.expires && state.millis() >= holder.expires)
		throw unauthorized();
	if (holder.kind === 'installation') {
		const { installation } = holder;
		if (installation.suspended_at)
			throw new HttpError(403, 'This installation has been suspended');
		return { ...holder, app: installation.app, user: installation.app.bot, token };
	}
	return { ...holder, token };
}

// The actor of a request by its Authorization header.
function authenticate(state, headers) {
	const match = /^(\w+)\s+(.+)$/.exec(headers.authorization || '');
	if (!match)
		return { kind: 'nobody', user: null };
	const [, scheme, value] = match;
	if (scheme.toLowerCase() === 'basic') {
		const password = Buffer.from(value, 'base64').toString().replace(/^[^:]*:/, '');
		return ofToken(state, password);
	}
	if (/^[\w-]+\.[\w-]+\.[\w-]+$/.test(value) && !state.tokens.has(value))
		return jwt(state, value);
	return ofToken(state, value);
}

// Who asks, in a word: "app", "installation ID", a person's login, or nothing.
function nameOf(state, headers) {
	try {
		const actor = authenticate(state, headers);
		return actor.kind === 'installation' ? `installation ${actor.installation.id}` : actor.app ? 'app' : actor.user ? actor.user.login : '';
	} catch {
		return '';
	}
}

function granted(actor, wanted) {
	const have = actor.permissions || actor.installation.permissions || actor.app.permissions;
	return wanted.split('|').some((one) => {
		const [name, level] = one.split(':');
		return RANK[have[name] || 'none'] >= RANK[level];
	});
}

function sees(state, actor, repo) {
	if (actor.kind === 'installation') {
		const chosen = !actor.repositories || actor.repositories.includes(repo.id);
		return (chosen && state.covers(actor.installation, repo)) || !repo.private;
	}
	return state.role(repo, actor.user) !== 'none';
}

// Throws when the actor may not use this route on this repository.
function authorize(state, actor, options, repo) {
	if (options.as === 'any')
		return;
	if (options.as === 'jwt') {
		if (actor.kind !== 'app')
			throw unauthorized(actor.kind === 'nobody' ? 'A JSON web token could not be decoded' : undefined);
		return;
	}
	if (actor.kind === 'app')
		throw unauthorized();
	const writes = /:(write|admin)/.test(options.permission || '') && !options.reads;
	if (actor.kind === 'nobody' && (writes || (repo && repo.private)))
		throw repo && repo.private ? notFound() : unauthorized('Requires authentication');
	if (repo && !sees(state, actor, repo))
		throw notFound();
	if (actor.kind === 'installation') {
		const inside = !repo || (state.covers(actor.installation, repo) &&
			(!actor.repositories || actor.repositories.includes(repo.id)));
		if ((writes && !inside) || (options.permission && inside && !granted(actor, options.permission)))
			throw forbidden(options.permission);
	} else if (repo && options.role && RANK[state.role(repo, actor.user)] < RANK[options.role]) {
		throw new HttpError(403, 'Must have push access to repository');
	}
}

const mayPush = (state, actor, repo) =>
	actor.kind === 'installation' ?
		state.covers(actor.installation, repo) && granted(actor, 'contents:write') :
		!!actor.user && RANK[state.role(repo, actor.user)] >= RANK.write;

// The branches of a fork that a person may push to although the fork is somebody else's: those of open pull
// requests whose author lets the maintainers of the other repository edit them. An App has no such right.
function editable(state, actor, fork) {
	const parent = fork.parent;
	if (!parent || actor.kind !== 'user' || !mayPush(state, actor, parent))
		return [];
	return [...parent.issues.values()].map((issue) => issue.pull && issue.state === 'open' && issue.pull)
		.filter((pull) => pull && pull.modify && pull.head.repo === fork).map((pull) => `refs/heads/${pull.head.ref}`);
}

module.exports = { authenticate, authorize, editable, granted, mayPush, nameOf, sees, RANK };
