'use strict';
// An answer of text as it is.

function send(response, status, text, headers) {
	response.writeHead(status, { 'Content-Length': Buffer.byteLength(text), ...headers });
	response.end(text);
}

const sendJson = (response, status, value) =>
	send(response, status, JSON.stringify(value) + '\n', { 'Content-Type': 'application/json; charset=utf-8' });

module.exports = { send, sendJson };
