'use strict';
// A receiver of webhooks for tests: node sink.js FILE SECRET. Prints its address; each request becomes a
// line of JSON in FILE. Answers 202, or the number that is in FILE.status.

const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');

const [file, secret] = process.argv.slice(2);

const server = http.createServer((request, response) => {
	const parts = [];
	request.on('data', (part) => parts.push(part));
	request.on('end', () => {
		const body = Buffer.concat(parts);
		const signature = 'sha256=' + crypto.createHmac('sha256', secret).update(body).digest('hex');
		let status = 202;
		if (fs.existsSync(`${file}.status`))
			status = Number(fs.readFileSync(`${file}.status`, 'utf8'));
		fs.appendFileSync(file, JSON.stringify({
			event: request.headers['x-github-event'], delivery: request.headers['x-github-delivery'],
			signed: request.headers['x-hub-signature-256'] === signature, payload: JSON.parse(body), status,
		}) + '\n');
		response.writeHead(status);
		response.end();
	});
});

server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/webhook`));
