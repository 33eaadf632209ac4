'use strict';
// Starts npm's `emulate`, another emulator of GitHub, beside the stub: node emulate.js [PORT]. It shares
// no code with the stub, so that what both answer the same is not only what one of us believes. It is no
// oracle for deliveries' ids, unknown tokens, merges, `mergeable`, files, or roles. Prints its address,
// a person's token and an App's key as a line of JSON; ends with SIGTERM or when standard input closes.

const { pathToFileURL } = require('node:url');
const path = require('node:path');
const { home } = require('./stub/modules');

const APP = 12345;
const INSTALLATION = 100;

async function main() {
	const { createEmulator } = await import(pathToFileURL(path.join(home(), 'node_modules/emulate/dist/api.js')));
	const seed = {
		// Whoever has an unknown token acts as the first user: one who may nothing.
		tokens: { 'emulate-alice': { login: 'alice', scopes: ['repo', 'user'] } },
		github: {
			users: [{ login: 'nobody' }, { login: 'alice' }],
			repos: [{ owner: 'alice', name: 'app', auto_init: true }],
			apps: [{
				app_id: APP, slug: 'yardmaster', name: 'yardmaster', installations: [{ installation_id: INSTALLATION, account: 'alice' }],
				permissions: { metadata: 'read', contents: 'write', issues: 'write', pull_requests: 'write', checks: 'write', statuses: 'write' },
			}],
		},
	};
	const one = await createEmulator({ service: 'github', port: Number(process.argv[2] || 0), seed });
	const end = async () => {
		await one.close();
		process.exit(0);
	};
	process.on('SIGTERM', end);
	process.stdin.on('end', end).resume();
	const key = one.generatedSecrets.find((secret) => secret.kind === 'github.app_private_key');
	console.log(JSON.stringify({ url: one.url, token: 'emulate-alice', app_id: APP, installation_id: INSTALLATION, pem: key && key.value }));
}

main().catch((error) => {
	process.stderr.write(`emulate: ${error.stack}\n`);
	process.exit(1);
});
