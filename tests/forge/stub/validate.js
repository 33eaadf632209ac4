'use strict';
// Holds every request and response against GitHub's OpenAPI description, and webhook payloads too. What
// is not in the description and yet a rule of GitHub is asserted by the resource's own handler.

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { home, need } = require('./modules');

const MAX = 1000; // violations kept

// OpenAPI 3.0's `nullable` in words of JSON Schema, in place.
function plain(schema) {
	if (Array.isArray(schema)) {
		schema.forEach(plain);
		return;
	}
	if (!schema || typeof schema !== 'object')
		return;
	delete schema.example;
	delete schema.examples;
	for (const value of Object.values(schema))
		plain(value);
	if (schema.nullable !== true)
		return;
	delete schema.nullable;
	if (Array.isArray(schema.enum) && !schema.enum.includes(null))
		schema.enum.push(null);
	if (typeof schema.type === 'string') {
		schema.type = [schema.type, 'null'];
		return;
	}
	const copy = { ...schema };
	for (const key of Object.keys(schema))
		delete schema[key];
	schema.anyOf = [copy, { type: 'null' }];
}

// The description and what was compiled of it: one for all that this process pretends to be.
class Description {
	constructor() {
		const file = path.join(home(), 'node_modules/@octokit/openapi/generated/api.github.com.json');
		this.api = JSON.parse(fs.readFileSync(file, 'utf8'));
		this.operations = [];
		for (const [pattern, item] of Object.entries(this.api.paths))
			for (const [method, operation] of Object.entries(item))
				if (operation.operationId)
					this.operations.push({ method: method.toUpperCase(), pattern, operation, regex: regexOf(pattern) });
		// A mistake of the description: an account that is a user and an enterprise at once.
		this.api.paths['/app/installations'].get.responses['200'].content['application/json'].schema.items =
			{ $ref: '#/components/schemas/installation' };
		// Literal paths before those with parameters.
		this.operations.sort((a, b) => score(b.pattern) - score(a.pattern));
		this.schemas = this.api.components.schemas;
		this.compiled = new Map();
		// Compiling takes seconds: what one test has compiled, by this file from this description, the others read.
		const lock = path.join(__dirname, '../package-lock.json');
		this.shelf = path.join(home(), `compiled-${digest(fs.readFileSync(__filename), fs.readFileSync(lock))}`);
	}

	compiler() {
		if (this.ajv)
			return this.ajv;
		for (const [name, schema] of Object.entries(this.schemas))
			if (!name.startsWith('webhook-'))
				plain(schema);
		const Ajv = need('ajv').default;
		// Inlined, what many schemas share would be compiled, and read again, many times.
		this.ajv = new Ajv({ strict: false, allErrors: true, logger: false, inlineRefs: false, code: { source: true } });
		need('ajv-formats').default(this.ajv, { mode: 'fast' });
		this.ajv.addFormat('repo.nwo', true);
		this.ajv.addFormat('ssh-key', true);
		this.ajv.addSchema({ $id: 'api', components: { schemas: this.schemas } });
		return this.ajv;
	}

	// A schema of the description, compiled at its first use. Its references go to the whole document.
	check(key, schema, closed) {
		let check = this.compiled.get(key);
		if (!check) {
			const file = path.join(this.shelf, `${digest(key)}.js`);
			check = fs.existsSync(file) ? need(file) : this.compile(file, schema, closed);
			this.compiled.set(key, check);
		}
		return check;
	}

	compile(file, schema, closed) {
		const ajv = this.compiler();
		const own = JSON.parse(JSON.stringify(schema || {}));
		plain(own);
		if (closed)
			close(own, this);
		const check = ajv.compile(JSON.parse(JSON.stringify(own).replaceAll('"$ref":"#/', '"$ref":"api#/')));
		const part = `${file}.${process.pid}`;
		fs.mkdirSync(this.shelf, { recursive: true });
		fs.writeFileSync(part, need('ajv/dist/standalone').default(ajv, check));
		fs.renameSync(part, file);
		return check;
	}

	find(method, pathname) {
		return this.operations.find((o) => o.method === method && o.regex.test(pathname));
	}

	deref(one) {
		return one && one.$ref ? one.$ref.slice(2).split('/').reduce((at, key) => at[key], this.api) : one;
	}
}

class Validator {
	constructor(state, description) {
		this.state = state;
		this.description = description;
	}

	violation(what, subject, errors) {
		const { violations } = this.state;
		if (violations.length >= MAX)
			return;
		// A mistake of the description: a head whose fork is deleted has no repository, as its field of the
		// simple pull request says.
		errors = errors.filter((e) => typeof e === 'string' || !(/\/head\/repo$/.test(e.instancePath) && e.message === 'must be object'));
		if (!errors.length)
			return;
		// Of an anyOf with many branches only what is common and first is of use.
		const said = [...new Set(errors.map((e) =>
			typeof e === 'string' ? e : `${e.instancePath || '/'} ${e.message}${detail(e)}`))].slice(0, 12);
		violations.push({ what, subject, errors: said });
	}

	request(method, pathname, query, body, raw) {
		const subject = `${method} ${pathname}`;
		const found = this.description.find(method, pathname);
		if (!found) {
			if (pathname.startsWith('/_logs/')) // another host's, to which GitHub redirects
				return;
			this.violation('request', subject, ['GitHub has no such route']);
			return;
		}
		const { operation, pattern } = found;
		const item = this.description.api.paths[pattern];
		const parameters = [...(item.parameters || []), ...(operation.parameters || [])].map((p) => this.description.deref(p));
		for (const [name, value] of query) {
			const one = parameters.find((p) => p.in === 'query' && p.name === name);
			if (!one) {
				this.violation('request', subject, [`unknown query parameter ${name}`]);
				continue;
			}
			this.parameter(operation, one, value, subject);
		}
		for (const one of parameters)
			if (one.in === 'query' && one.required && !query.has(one.name))
				this.violation('request', subject, [`missing query parameter ${one.name}`]);
		this.body(operation, subject, body, raw);
	}

	parameter(operation, one, value, subject) {
		const { type } = this.description.deref(one.schema || {});
		let typed = value;
		if (type === 'integer' || type === 'number')
			typed = value === '' ? NaN : Number(value);
		else if (type === 'boolean')
			typed = value === 'true' ? true : value === 'false' ? false : value;
		else if (type === 'array')
			typed = value.split(',');
		const check = this.description.check(`${operation.operationId} ?${one.name}`, one.schema);
		if (!check(typed))
			this.violation('request', subject, [`query parameter ${one.name}=${value}: ${check.errors.map((e) => e.message).join(', ')}`]);
	}

	body(operation, subject, body, raw) {
		const described = this.description.deref(operation.requestBody);
		if (!described) {
			if (raw && raw.length && body && Object.keys(body).length)
				this.violation('request', subject, ['this route takes no body']);
			return;
		}
		if (!raw || !raw.length) {
			if (described.required)
				this.violation('request', subject, ['the body is missing']);
			return;
		}
		const content = described.content['application/json'];
		if (!content)
			return;
		const check = this.description.check(`${operation.operationId} body`, content.schema, true);
		if (!check(body))
			this.violation('request', subject, check.errors);
	}

	response(method, pathname, status, body) {
		const found = this.description.find(method, pathname);
		if (!found)
			return;
		const { operation } = found;
		const described = this.description.deref(operation.responses[status]);
		const subject = `${method} ${pathname} -> ${status}`;
		if (!described) {
			// The description leaves out errors that any route can give, and that a repository has moved.
			if (status < 400 && status !== 301)
				this.violation('response', subject, ['the description has no such status']);
			return;
		}
		const content = described.content && described.content['application/json'];
		if (!content || !content.schema || body === undefined)
			return;
		const check = this.description.check(`${operation.operationId} ${status}`, content.schema);
		if (!check(body))
			this.violation('response', subject, check.errors);
	}

	webhook(event, action, payload) {
		const name = [event, action].filter(Boolean).join('-').replaceAll('_', '-');
		const key = `webhook-${name}`;
		const schema = this.description.schemas[key];
		const subject = `${event}${action ? '.' + action : ''}`;
		if (!schema) {
			this.violation('webhook', subject, [`the description has no ${key}`]);
			return;
		}
		const check = this.description.check(key, schema);
		if (!check(JSON.parse(JSON.stringify(payload))))
			this.violation('webhook', subject, check.errors);
	}
}

const digest = (...parts) => crypto.createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 24);

const detail = (e) => e.params && e.params.additionalProperty ? ` (${e.params.additionalProperty})` :
	e.params && e.params.allowedValues ? ` (${e.params.allowedValues.join(', ')})` : '';

const regexOf = (pattern) => new RegExp('^' + pattern.split('/').map((part) =>
	/^\{(path|ref|branch|basehead)\}$/.test(part) ? '.+' :
		part.replace(/[.+]/g, '\\$&').replace(/\{\w+\}/g, '[^/]+')).join('/') + '$');
const score = (pattern) => pattern.split('/').reduce((n, part) => n * 2 + (part.includes('{') ? 0 : 1), 0) +
	pattern.split('/').length * 1e6;

// A misspelled field is to be found: nothing that is not described may be in a top-level body.
function close(schema, description) {
	const real = description.deref(schema);
	const branches = schema.oneOf || schema.anyOf;
	const inner = branches && branches.map((b) => description.deref(b));
	if (schema.allOf)
		return;
	if (real.properties && !branches) {
		if (real.additionalProperties === undefined)
			schema.additionalProperties = false;
		return;
	}
	if (!inner)
		return;
	// The branches of GitHub's descriptions share one set of properties; each tells only what is required.
	const names = Object.assign({}, schema.properties, ...inner.map((b) => b.properties || {}));
	if (Object.keys(names).length && inner.every((b) => b.type !== 'array' || b.properties))
		schema.propertyNames = { enum: Object.keys(names) };
	else if (Object.keys(names).length)
		schema.if = { type: 'object' }, schema.then = { propertyNames: { enum: Object.keys(names) } };
}

module.exports = { Description, Validator };
