'use strict';
// A smee server for tests, as smee.io's own does it: node smee.js. Prints its address. A POST to a channel becomes an
// event of everyone who reads it; what was parsed is written again by JSON.stringify.
//
//   GET  /CHANNEL          the stream, for Accept: text/event-stream; else a page
//   POST /CHANNEL          a delivery
//   GET  /_readers         how many read, and what was asked for last: "1 /CHANNEL"
//   POST /_cut             ends all streams
//   POST /_raw             the body goes to all streams as it is

const http = require('node:http');

const readers = new Set();
let count = 0;
let last = '';

function publish(text) {
	for (const reader of readers)
		reader.write(text);
}

function control(path, body, response) {
	if (path === '/_cut')
		for (const reader of readers)
			reader.destroy();
	else if (path === '/_raw')
		publish(body);
	response.end(`${readers.size} ${last}\n`);
}

function read(request, response) {
	if (request.headers.accept !== 'text/event-stream') {
		response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' });
		response.end('<html>');
		return;
	}
	last = request.url;
	readers.add(response);
	response.on('close', () => readers.delete(response));
	response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache', Connection: 'keep-alive' });
	response.write(`retry: 100\nid: ${count++}\nevent: ready\ndata: {}\n\n`);
}

const server = http.createServer((request, response) => {
	const parts = [];
	request.on('data', (part) => parts.push(part));
	request.on('end', () => {
		const body = Buffer.concat(parts);
		if (request.url.startsWith('/_')) {
			control(request.url, body, response);
		} else if (request.method === 'GET') {
			read(request, response);
		} else {
			const payload = { ...request.headers, body: JSON.parse(body), query: {}, timestamp: Date.now() };
			publish(`id: ${count++}\ndata: ${JSON.stringify(payload)}\n\n`);
			response.end();
		}
	});
});

server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));
