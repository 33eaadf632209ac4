'use strict';
// Starts the stub: node main.js --port 0 --dir DIR [--seed FILE.json] [--no-validate] [--tls CERT,KEY]
// One line of JSON with its addresses when it is ready; ends with SIGTERM or when standard input closes.

const fs = require('node:fs');
const { parseArgs } = require('node:util');
const { State } = require('./state');
const { Router } = require('./router');
const { Server } = require('./server');
const { Hooks } = require('./hooks');
const { Control } = require('./control');
const { GitHttp } = require('./githttp');
const { Validator } = require('./validate');

async function main() {
	const { values } = parseArgs({
		options: {
			port: { type: 'string', default: '0' }, dir: { type: 'string' }, seed: { type: 'string' }, 'no-validate': { type: 'boolean' },
			tls: { type: 'string' },
		},
	});
	if (!values.dir)
		throw new Error('usage: node main.js --port PORT --dir DIR [--seed FILE.json]');
	const state = new State(values.dir);
	const validator = values['no-validate'] ? null : new Validator(state);
	const hooks = new Hooks(state, validator);
	const router = new Router();
	for (const name of ['repos', 'comments', 'timeline', 'issues', 'pulls', 'reviews', 'checks', 'statuses', 'actions', 'apps', 'graphql'])
		require(`./${name}`).routes(router);
	require('./repos').lateRoutes(router);
	const control = new Control(state, hooks);
	const gitHttp = new GitHttp(state, hooks);
	const server = new Server({ state, router, validator, control, gitHttp });
	server.hooks = hooks;
	control.server = server;
	const port = await server.listen(Number(values.port));
	const plain = `http://127.0.0.1:${port}`;
	state.url = values.tls ? `https://localhost:${await server.listenTls(...values.tls.split(','))}` : plain;
	state.api = values.tls ? `${state.url}/api/v3` : plain;
	if (values.seed)
		control.seed(JSON.parse(fs.readFileSync(values.seed, 'utf8')));
	const end = () => {
		gitHttp.end();
		process.exit(0);
	};
	process.on('SIGTERM', end);
	process.on('SIGINT', end);
	process.stdin.on('end', end).on('close', end).resume();
	const app = state.apps[0];
	process.stdout.write(JSON.stringify({
		url: plain, api: state.api, control: `${plain}/_control`, ...(app && { app_id: app.id, client_id: app.client_id, pem_file: app.pem_file }),
	}) + '\n');
}

main().catch((error) => {
	process.stderr.write(`stub: ${error.message}\n`);
	process.exit(1);
});
