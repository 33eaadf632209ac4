'use strict';
// Starts the stub: node main.js --port 0 --dir DIR [--seed FILE.json] [--no-validate] [--tls CERT,KEY]
// One line of JSON with its addresses when it is ready; ends with SIGTERM or when standard input closes.
//
// With --shared it is many: whoever connects to the port that it prints sends one line of JSON with `dir`, and
// `seed`, `tls` as above and `life`, a named pipe, and gets the line of a stub of its own, with nothing in common with
// the others but this process and what was read and compiled of GitHub's description. It ends when the last writer of
// the pipe closes it.

const fs = require('node:fs');
const net = require('node:net');
const { parseArgs } = require('node:util');
const { State } = require('./state');
const { Router } = require('./router');
const { Server } = require('./server');
const { Hooks } = require('./hooks');
const { Control } = require('./control');
const { GitHttp } = require('./githttp');
const { Lfs } = require('./lfs');
const { Description, Validator } = require('./validate');

// {line, end}
async function start({ dir, port, seed, tls, description }) {
	const state = new State(dir);
	const validator = description && new Validator(state, description);
	const hooks = new Hooks(state, validator);
	const router = new Router();
	for (const name of ['repos', 'comments', 'timeline', 'issues', 'pulls', 'reviews', 'checks', 'statuses', 'actions', 'apps', 'graphql'])
		require(`./${name}`).routes(router);
	require('./repos').lateRoutes(router);
	const control = new Control(state, hooks);
	const gitHttp = new GitHttp(state, hooks);
	const lfs = new Lfs(state);
	const server = new Server({ state, router, validator, control, gitHttp, lfs });
	server.hooks = hooks;
	control.server = server;
	control.gitHttp = gitHttp;
	control.lfs = lfs;
	gitHttp.port = await server.listen(port);
	const plain = `http://127.0.0.1:${gitHttp.port}`;
	lfs.plain = plain;
	state.url = tls ? `https://localhost:${await server.listenTls(...tls.split(','))}` : plain;
	state.api = tls ? `${state.url}/api/v3` : plain;
	if (seed)
		control.seed(JSON.parse(fs.readFileSync(seed, 'utf8')));
	const app = state.apps[0];
	return {
		line: JSON.stringify({
			url: plain, api: state.api, control: `${plain}/_control`, ...(app && { app_id: app.id, client_id: app.client_id, pem_file: app.pem_file }),
		}) + '\n',
		end: () => {
			gitHttp.end();
			server.end();
		},
	};
}

// One request of the shared one.
async function serve(socket, text, description) {
	try {
		const { dir, seed, tls, life } = JSON.parse(text);
		const one = await start({ dir, port: 0, seed, tls, description });
		const pipe = new net.Socket({ fd: fs.openSync(life, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK), readable: true, writable: false });
		pipe.on('close', one.end).on('error', () => {}).resume();
		socket.end(one.line);
	} catch (error) {
		socket.end(`${JSON.stringify({ error: error.message })}\n`);
	}
}

// What one of the many has not caught is not to end the others. It is a fault of the stub all the same: contrib/check
// looks for this line.
function survive() {
	for (const what of ['uncaughtException', 'unhandledRejection'])
		process.on(what, (error) => console.error(`stub: ${what}:`, error));
}

function share(description) {
	survive();
	const server = net.createServer((socket) => {
		let text = '';
		socket.setEncoding('utf8');
		socket.on('error', () => {});
		socket.on('data', (part) => {
			const whole = text.includes('\n');
			text += part;
			if (!whole && text.includes('\n'))
				serve(socket, text, description);
		});
	});
	server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`));
}

async function main() {
	const { values } = parseArgs({
		options: {
			port: { type: 'string', default: '0' }, dir: { type: 'string' }, seed: { type: 'string' }, 'no-validate': { type: 'boolean' },
			tls: { type: 'string' }, shared: { type: 'boolean' },
		},
	});
	if (!values.dir && !values.shared)
		throw new Error('usage: node main.js --port PORT --dir DIR [--seed FILE.json]; node main.js --shared');
	const description = values['no-validate'] ? null : new Description();
	let one = null;
	const end = () => {
		if (one)
			one.end();
		process.exit(0);
	};
	process.on('SIGTERM', end);
	process.on('SIGINT', end);
	process.stdin.on('end', end).on('close', end).resume();
	if (values.shared) {
		share(description);
		return;
	}
	one = await start({ ...values, port: Number(values.port), description });
	process.stdout.write(one.line);
}

main().catch((error) => {
	process.stderr.write(`stub: ${error.message}\n`);
	process.exit(1);
});
