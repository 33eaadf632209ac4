'use strict';
// Which handler answers a method and path. A route's options: `permission` ("issues:write", several
// with | between), `as` ("jwt", "any"; else a token), `role` (what a user needs in the repository).

class Router {
	constructor() { this.routes = []; }

	add(method, pattern, options, handler) {
		const names = [];
		const source = pattern.replace(/\{(\w+)(\*?)\}/g, (all, name, rest) => {
			names.push(name);
			return rest ? '(.+)' : /_(number|id)$/.test(name) ? '(\\d+)' : '([^/]+)';
		});
		this.routes.push({ method, pattern, options, handler, names, regex: new RegExp(`^${source}$`) });
	}

	find(method, path) {
		let known = false;
		for (const route of this.routes) {
			const match = route.regex.exec(path);
			if (!match)
				continue;
			known = true;
			if (route.method !== method)
				continue;
			const params = {};
			route.names.forEach((name, i) => { params[name] = decodeURIComponent(match[i + 1]); });
			return { route, params };
		}
		return { known };
	}
}

module.exports = { Router };
