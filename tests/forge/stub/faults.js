'use strict';
// Faults: the next N requests that match get something else than an answer.
//
//   method, path (a regular expression), times (1), skip (0: how many matching requests go through first)
//   status, headers, body      this answer; body text goes out as it is
//   kind: hang | cut | half | html | old     old: what the same request was answered the last time, as a copy that is behind
//                                            has it
//   after: true                the request has its effect, and only then the fault comes

const { send } = require('./plain');

function take(state, entry) {
	for (const fault of state.faults) {
		if (fault.method && fault.method !== entry.method)
			continue;
		if (fault.path && !new RegExp(fault.path).test(entry.path + entry.query))
			continue;
		if (fault.skip > 0) {
			fault.skip--;
			continue;
		}
		fault.met++;
		if (--fault.times <= 0)
			state.faults.splice(state.faults.indexOf(fault), 1);
		return fault;
	}
	return null;
}

async function act(fault, entry, request, response) {
	entry.fault = fault.kind || fault.status;
	switch (fault.kind) {
	case 'hang':
		return; // until the client goes, or the stub ends
	case 'cut':
		request.socket.destroy();
		return;
	case 'half': {
		const text = JSON.stringify({ message: 'x'.repeat(500) });
		response.writeHead(fault.status || 200, { 'Content-Type': 'application/json; charset=utf-8', 'Content-Length': text.length });
		response.write(text.slice(0, 200), () => request.socket.destroy());
		return;
	}
	case 'html':
		send(response, fault.status || 502, '<html><head><title>Unicorn!</title></head><body>This page is taking too long to load.</body></html>',
			{ 'Content-Type': 'text/html; charset=utf-8', ...fault.headers });
		break;
	case 'old':
		if (!entry.last)
			send(response, 500, JSON.stringify({ message: 'The same was not asked before' }), { 'Content-Type': 'application/json; charset=utf-8' });
		else
			send(response, entry.last.status, entry.last.body, entry.last.headers);
		break;
	default: {
		const body = fault.body === undefined ? { message: fault.message || 'Fault', documentation_url: 'https://docs.github.com/rest' } : fault.body;
		send(response, fault.status || 500, typeof body === 'string' ? body : JSON.stringify(body),
			{ 'Content-Type': 'application/json; charset=utf-8', ...fault.headers });
	}
	}
	entry.status = response.statusCode;
}

module.exports = { take, act };
