'use strict';
// Finds the installed npm packages, which are in the build directory and not beside these files.

const fs = require('node:fs');
const path = require('node:path');
const { createRequire } = require('node:module');

const root = path.resolve(__dirname, '../../..');

function home() {
	const build = process.env.YARDMASTER_BUILD || path.join(root, 'build');
	const at = path.join(path.resolve(root, build), 'forge-npm');
	if (!fs.existsSync(path.join(at, 'node_modules')))
		throw new Error(`the stub's packages are not in ${at}; run tests/forge/install ${path.dirname(at)}`);
	return at;
}

const need = (name) => createRequire(path.join(home(), 'index.js'))(name);

module.exports = { home, need, root };
