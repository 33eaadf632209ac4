'use strict';
// What a handler throws to answer with an error, and what it returns to answer with a status.

const DOCS = 'https://docs.github.com/rest';

class HttpError extends Error {
	constructor(status, message, errors, headers) {
		super(message);
		this.status = status;
		this.headers = headers || {};
		this.body = { message, documentation_url: DOCS, status: String(status) };
		if (errors)
			this.body.errors = errors;
	}
}

const notFound = () => new HttpError(404, 'Not Found');
// `permission` as routes have it: "issues:write|pull_requests:write".
const forbidden = (permission) => new HttpError(403, 'Resource not accessible by integration', undefined,
	permission ? { 'X-Accepted-GitHub-Permissions': permission.replace(/:/g, '=').replace(/\|/g, '; ') } : {});
const invalid = (resource, field, code, message) =>
	new HttpError(422, 'Validation Failed', [{ resource, field, code: code || 'invalid', ...(message && { message }) }]);

class Reply {
	constructor(status, body, headers) {
		this.status = status;
		this.body = body;
		this.headers = headers || {};
	}
}
const created = (body) => new Reply(201, body);
const noContent = () => new Reply(204, undefined);

module.exports = { HttpError, Reply, notFound, forbidden, invalid, created, noContent };
