'use strict';
// Starts npm's `emulate`, another emulator of GitHub, beside the stub: node emulate.js [PORT]. It shares
// no code with the stub, so that what both answer the same is not only what one of us believes. It is no
// oracle for deliveries' ids, unknown tokens, merges, `mergeable`, files, or roles. Prints its address and
// a person's token as a line of JSON; ends with SIGTERM or when standard input closes.

const { pathToFileURL } = require('node:url');
const { createRequire } = require('node:module');
const path = require('node:path');
const { home } = require('./stub/modules');

async function main() {
	const file = createRequire(path.join(home(), 'index.js')).resolve('emulate');
	const { createEmulator } = await import(pathToFileURL(file));
	const seed = {
		// Whoever has an unknown token acts as the first user: one who may nothing.
		tokens: { 'emulate-alice': { login: 'alice', scopes: ['repo', 'user'] } },
		github: {
			users: [{ login: 'nobody' }, { login: 'alice' }],
			repos: [{ owner: 'alice', name: 'app', auto_init: true }],
		},
	};
	const one = await createEmulator({ service: 'github', port: Number(process.argv[2] || 0), seed });
	const end = async () => {
		await one.close();
		process.exit(0);
	};
	process.on('SIGTERM', end);
	process.stdin.on('end', end).resume();
	console.log(JSON.stringify({ url: one.url, token: 'emulate-alice' }));
}

main().catch((error) => {
	process.stderr.write(`emulate: ${error.stack}\n`);
	process.exit(1);
});
