'use strict';
// A GitHub Enterprise Server's front for tests: node tls.js CERT KEY UPSTREAM FILE. Speaks TLS and hands on to
// UPSTREAM what an Enterprise Server has: the API below /api/v3, GraphQL, and git. All else is a 404 and a line in
// FILE. Prints its address.

const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');

const [cert, key, upstream, file] = process.argv.slice(2);
const THERE = /^\/api\/v3\/|^\/api\/graphql$|^\/[^/]+\/[^/]+\.git\/(info\/refs|git-upload-pack|git-receive-pack)(\?|$)/;
const { hostname, port } = new URL(upstream);

const server = https.createServer({ cert: fs.readFileSync(cert), key: fs.readFileSync(key) }, (request, response) => {
	if (!THERE.test(request.url)) {
		fs.appendFileSync(file, `${request.method} ${request.url}\n`);
		response.writeHead(404);
		response.end();
		return;
	}
	const on = http.request({ hostname, port, method: request.method, path: request.url, headers: request.headers }, (answer) => {
		response.writeHead(answer.statusCode, answer.headers);
		answer.pipe(response);
	});
	on.on('error', () => response.destroy());
	request.pipe(on);
});

// Without a client that trusts it, a handshake fails: that is what the test is about.
server.on('tlsClientError', () => {});
server.listen(0, '127.0.0.1', () => console.log(`https://localhost:${server.address().port}`));
process.stdin.on('end', () => process.exit(0)).resume();
