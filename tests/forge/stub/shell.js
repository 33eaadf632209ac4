'use strict';
// Starts programs and waits for them, by a shell that is started once: this process is large, and a fork of it takes
// six to ten milliseconds, one of dash hardly two. The shell reads its commands from one named pipe and says how each ended
// into another one; what a program reads and writes is in files of a folder that goes with this process. The shell ends
// when this process does, which is the only writer of its commands.

const { execFileSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const quoted = (word) => `'${String(word).replace(/'/g, "'\\''")}'`;

class Shell {
	constructor(env) {
		this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stub-sh-'));
		this.file = Object.fromEntries(['ask', 'say', 'in', 'out', 'err'].map((name) => [name, path.join(this.dir, name)]));
		const { ask, say } = this.file;
		execFileSync('mkfifo', [ask, say]);
		this.ask = fs.openSync(ask, 'r+'); // r+ waits for nobody
		this.say = fs.openSync(say, 'r+');
		spawn('/bin/sh', ['-c', 'exec /bin/sh <"$0" >"$1"', ask, say], { env, stdio: ['ignore', 'ignore', 'inherit'] }).unref();
		process.on('exit', () => fs.rmSync(this.dir, { recursive: true, force: true }));
		this.to = `>${quoted(this.file.out)} 2>${quoted(this.file.err)}`;
	}

	// {status, stdout, stderr}; env: what is added to the shell's.
	run(words, { env = {}, input } = {}) {
		if (input !== undefined)
			fs.writeFileSync(this.file.in, input);
		const more = Object.entries(env).map(([name, value]) => `${name}=${quoted(value)} `).join('');
		const from = input === undefined ? '/dev/null' : quoted(this.file.in);
		this.write(`${more}${words.map(quoted).join(' ')} <${from} ${this.to}; echo $?\n`);
		return { status: this.answer(), stdout: fs.readFileSync(this.file.out), stderr: fs.readFileSync(this.file.err) };
	}

	write(text) {
		const bytes = Buffer.from(text);
		for (let at = 0; at < bytes.length;)
			at += fs.writeSync(this.ask, bytes, at);
	}

	answer() {
		const part = Buffer.alloc(16);
		let text = '';
		while (!text.endsWith('\n'))
			text += part.toString('latin1', 0, fs.readSync(this.say, part));
		return Number(text);
	}
}

module.exports = { Shell };
