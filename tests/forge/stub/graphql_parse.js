'use strict';
// As much of GraphQL's grammar as a client of this size needs: one operation, fields with arguments and
// aliases, variables, inline fragments. Gives [{name, alias, args, fields}].

const { HttpError } = require('./errors');

const TOKEN = /[\s,]+|#[^\n]*|("(?:[^"\\]|\\.)*")|(\.\.\.|[{}()[\]:!$=@])|(-?\d+(?:\.\d+)?)|([A-Za-z_]\w*)/gy;

function tokens(text) {
	const out = [];
	TOKEN.lastIndex = 0;
	let at = 0;
	for (let m; at < text.length && (m = TOKEN.exec(text)); at = TOKEN.lastIndex)
		if (m[1] || m[2] || m[3] || m[4])
			out.push(m[0]);
	if (at < text.length)
		throw new HttpError(400, `GraphQL: cannot read at ${text.slice(at, at + 20)}`);
	return out;
}

function parse(text, variables = {}) {
	const list = tokens(text);
	let at = 0;
	const fail = () => { throw new HttpError(400, `GraphQL: unexpected ${list[at] || 'end'}`); };
	const take = (want) => (want === undefined || list[at] === want ? list[at++] : fail());
	const skip = (open, close) => {
		for (let depth = 0; at < list.length;) {
			const one = list[at++];
			depth += one === open ? 1 : one === close ? -1 : 0;
			if (!depth)
				return;
		}
		fail();
	};

	function value() {
		const one = take();
		if (one === '$') {
			const name = take();
			return variables[name];
		}
		if (one === '[') {
			const items = [];
			while (list[at] !== ']')
				items.push(value());
			take(']');
			return items;
		}
		if (one === '{') {
			at--;
			return pairs('{', '}');
		}
		if (one === undefined)
			fail();
		if (one[0] === '"')
			return JSON.parse(one);
		if (/^-?\d/.test(one))
			return Number(one);
		return { true: true, false: false, null: null }[one] !== undefined || one === 'null' ? JSON.parse(one) : one;
	}

	function pairs(open, close) {
		const out = {};
		take(open);
		while (list[at] !== close) {
			const name = take();
			take(':');
			out[name] = value();
		}
		take(close);
		return out;
	}

	function fields() {
		const out = [];
		take('{');
		while (list[at] !== '}') {
			if (list[at] === '...') {
				take('...');
				if (list[at] !== 'on')
					throw new HttpError(400, 'GraphQL: the stub knows inline fragments only');
				take('on');
				take();
				out.push(...fields());
				continue;
			}
			const one = { alias: take(), args: {}, fields: null };
			one.name = one.alias;
			if (list[at] === ':') {
				take(':');
				one.name = take();
			}
			if (list[at] === '(')
				one.args = pairs('(', ')');
			if (list[at] === '{')
				one.fields = fields();
			out.push(one);
		}
		take('}');
		return out;
	}

	let kind = 'query';
	if (list[at] !== '{') {
		kind = take();
		if (list[at] !== '(' && list[at] !== '{')
			take();
		if (list[at] === '(')
			skip('(', ')');
	}
	const out = { kind, fields: fields() };
	if (at !== list.length)
		fail();
	return out;
}

module.exports = { parse };
