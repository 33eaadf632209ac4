'use strict';
// The bare repositories, by the git program. Everything here waits for it, and starting it takes ten milliseconds:
// a small shell starts it (shell.js), refs are read from their files, and what cannot change is asked once.

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const zlib = require('node:zlib');
const { Shell } = require('./shell');

const ZERO = '0'.repeat(40);
const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';
const ENV = {
	...process.env, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', LC_ALL: 'C',
	GIT_AUTHOR_NAME: 'Stub', GIT_AUTHOR_EMAIL: 'stub@localhost',
	GIT_COMMITTER_NAME: 'Stub', GIT_COMMITTER_EMAIL: 'stub@localhost',
};

let shell = null;

// Runs git; `tryRun` gives null when it fails.
function tryRun(repo, args, options = {}) {
	shell = shell || new Shell(ENV);
	const out = shell.run(['git', '-C', repo.dir || repo, '-c', 'safe.directory=*', ...args], options);
	if (out.status !== 0) {
		tryRun.stderr = out.stderr.toString();
		tryRun.status = out.status;
		return null;
	}
	return options.raw ? out.stdout : out.stdout.toString().replace(/\n$/, '');
}

function run(repo, args, options) {
	const out = tryRun(repo, args, options);
	if (out === null)
		throw new Error(`git ${args.join(' ')}: ${tryRun.stderr}`);
	return out;
}

// An App without the permission workflows may push no commit whose workflow files differ from what the branch, or for a
// new branch the default branch, has: also one that only brings along what the base changed (issues of
// radius-project/docs 1271, wildfly.org 549, Mergify 5055; the text is from there).
// A push to a ref that is not among those in STUB_ONLY is refused, where that is set (githttp.js); and one to a ref that
// a line of the file `refuse` ("refs/heads/main message") names. Where there are rules the stub itself is asked, which knows
// who pushes (rules.js): by the number of the push, with where its objects are kept until it is taken.
const PRE_RECEIVE = `#!/bin/sh
[ -s refuse ] || [ -n "$STUB_ONLY$STUB_NO_WORKFLOWS$STUB_ASK" ] || exit 0
updates=$(cat)
if [ -n "$STUB_ASK" ]; then
	said=$(bash "$STUB_ASKER" "$updates") || said='the stand-in did not answer'
	if [ -n "$said" ]; then
		printf '%s\\n' "$said" >&2
		exit 1
	fi
fi
while read -r old new ref; do
	case "$ref $STUB_NO_WORKFLOWS" in
	refs/heads/*1)
		case "$old" in *[!0]*) was=$old ;; *) was=HEAD ;; esac
		case "$new" in *[!0]*) ;; *) was='' ;; esac
		file=$([ -z "$was" ] || git diff --name-only "$was" "$new" -- .github/workflows | head -n 1)
		if [ -n "$file" ]; then
			echo "refusing to allow a GitHub App to create or update workflow \\\`$file\\\` without \\\`workflows\\\` permission" >&2
			exit 1
		fi
		;;
	esac
	case "\${STUB_ONLY:- $ref }" in
	*" $ref "*) ;;
	*)
		echo "error: permission denied: $ref" >&2
		exit 1
		;;
	esac
	[ -s refuse ] || continue
	while read -r name message; do
		[ "$name" = "$ref" ] || continue
		echo "error: GH006: Protected branch update failed for $ref." >&2
		echo "error: $message" >&2
		exit 1
	done <refuse
done <<UPDATES
$updates
UPDATES
`;

const CONFIG = `[http]
	receivepack = true
[uploadpack]
	allowAnySHA1InWant = true
	allowFilter = true
[receive]
	advertisePushOptions = true
[gc]
	auto = 0
`;

function create(dir, from, branch) {
	fs.mkdirSync(path.dirname(dir), { recursive: true });
	if (from)
		run('.', ['clone', '-q', '--bare', '--no-hardlinks', from, dir]);
	else
		run('.', ['init', '-q', '--bare', '-b', branch || 'main', dir]);
	fs.appendFileSync(path.join(dir, 'config'), CONFIG);
	fs.mkdirSync(path.join(dir, 'hooks'), { recursive: true });
	fs.writeFileSync(path.join(dir, 'hooks/pre-receive'), PRE_RECEIVE, { mode: 0o755 });
	return fs.readFileSync(path.join(dir, 'HEAD'), 'latin1').trim().replace('ref: refs/heads/', '');
}

const refuse = (repo, lines) =>
	fs.writeFileSync(path.join(repo.dir, 'refuse'), lines.map(([ref, why]) => `${ref} ${why}\n`).join(''));

const SHA = /^[0-9a-f]{40}$/;
const read = (repo, name) => {
	try {
		return fs.readFileSync(path.join(repo.dir, name), 'latin1');
	} catch (error) {
		if (['ENOENT', 'EISDIR', 'ENOTDIR'].includes(error.code))
			return '';
		throw error;
	}
};
const packed = (repo) => new Map(read(repo, 'packed-refs').split('\n').filter((l) => /^[0-9a-f]{40} /.test(l)).map((l) => [l.slice(41), l.slice(0, 40)]));

// The refs below a folder, by name: those in files of their own go before the packed ones.
function refs(repo, prefix = 'refs/') {
	const out = new Map([...packed(repo)].filter(([name]) => name.startsWith(prefix)));
	const look = (folder) => {
		let names = [];
		try {
			names = fs.readdirSync(path.join(repo.dir, folder), { withFileTypes: true });
		} catch (error) {
			if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') // a folder whose last ref was just deleted
				throw error;
		}
		for (const one of names) {
			const name = `${folder}${one.name}`;
			if (one.isDirectory()) {
				look(`${name}/`);
				continue;
			}
			const sha = read(repo, name).trim();
			if (SHA.test(sha) && !name.endsWith('.lock'))
				out.set(name, sha);
		}
	};
	look(prefix.endsWith('/') ? prefix : path.posix.dirname(prefix) + '/');
	return new Map([...out].filter(([name]) => name.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function ref(repo, name) {
	if (/(^|\/)\.\.?(\/|$)|\0/.test(name))
		return null;
	const sha = read(repo, name).trim();
	return SHA.test(sha) ? sha : packed(repo).get(name) || null;
}
const branch = (repo, name) => ref(repo, `refs/heads/${name}`);

const present = new Set(); // commits are never taken away
function resolve(repo, rev) {
	if (/^-/.test(rev))
		return null;
	const name = SHA.test(rev) ? rev : branch(repo, rev) || rev;
	const key = `${repo.dir} ${name}`;
	if (present.has(key))
		return name;
	const sha = tryRun(repo, ['rev-parse', '-q', '--verify', '--end-of-options', `${name}^{commit}`]);
	if (sha === name)
		present.add(key);
	return sha;
}

const cache = new Map(); // commits do not change
function commit(repo, sha) {
	if (cache.has(sha))
		return cache.get(sha);
	const format = '%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B';
	const f = run(repo, ['show', '-s', `--format=${format}`, sha]).split('\0');
	const date = (d) => new Date(d).toISOString().replace('.000Z', 'Z');
	const one = {
		sha: f[0], tree: f[1], parents: f[2].split(' ').filter(Boolean),
		author: { name: f[3], email: f[4], date: date(f[5]) },
		committer: { name: f[6], email: f[7], date: date(f[8]) }, message: f[9].replace(/\n+$/, ''),
	};
	cache.set(sha, one);
	return one;
}

// The answer of git to a question about commits: asked once, unless it names something that can move.
const answers = new Map();
function once(repo, args, commits, ask) {
	const key = [repo.dir, ...args, ...commits].join(' ');
	if (answers.has(key))
		return answers.get(key);
	const answer = ask(repo, [...args, ...commits]);
	const fixed = commits.every((c) => /^(\^?[0-9a-f]{40}|[0-9a-f]{40}\.\.[0-9a-f]{40})$/.test(c));
	if (fixed && (answer !== null || tryRun.status === 1)) // 1 is "no"; others may be "not there yet"
		answers.set(key, answer);
	return answer;
}
const isAncestor = (repo, a, b) => once(repo, ['merge-base', '--is-ancestor'], [a, b], tryRun) !== null;
const mergeBase = (repo, a, b) => once(repo, ['merge-base'], [a, b], tryRun);
const revList = (repo, range, max = 250) =>
	once(repo, ['rev-list', `--max-count=${max}`, '--topo-order'], range, run).split('\n').filter(Boolean);
const count = (repo, range) => Number(once(repo, ['rev-list', '--count'], range, run));

const STATUS = { A: 'added', D: 'removed', M: 'modified', R: 'renamed', C: 'copied', T: 'changed' };

// What changed between two commits: the entries of "list pull request files".
const files = (repo, from, to) => once(repo, ['files'], [from, to], () => compare(repo, from, to));
function compare(repo, from, to) {
	const raw = run(repo, ['diff', '--raw', '--no-abbrev', '-z', '-M', from, to]).split('\0');
	const lines = new Map();
	const numstat = run(repo, ['diff', '--numstat', '-z', '-M', from, to]).split('\0');
	for (let i = 0; i < numstat.length && numstat[i]; i++) {
		const [plus, minus, name] = numstat[i].split('\t');
		lines.set(name || numstat[i += 2], [Number(plus) || 0, Number(minus) || 0]);
	}
	const out = [];
	for (let i = 0; i < raw.length && raw[i]; i++) {
		const f = raw[i].slice(1).split(' ');
		const letter = f[4][0];
		const first = raw[++i];
		const name = letter === 'R' || letter === 'C' ? raw[++i] : first;
		const [additions, deletions] = lines.get(name) || [0, 0];
		const patch = run(repo, ['diff', '-M', from, to, '--', first, name]).replace(/^[\s\S]*?(?=^@@ |$(?![\s\S]))/m, '');
		out.push({
			sha: letter === 'D' ? f[2] : f[3], filename: name, status: STATUS[letter], additions, deletions,
			changes: additions + deletions, ...(patch && { patch }), ...(name !== first && { previous_filename: first }),
		});
	}
	return out;
}

// A blob as a file of its own, as hash-object -w writes it.
function blob(repo, text) {
	const bytes = Buffer.from(text);
	const object = Buffer.concat([Buffer.from(`blob ${bytes.length}\0`), bytes]);
	const sha = crypto.createHash('sha1').update(object).digest('hex');
	const file = path.join(repo.dir, 'objects', sha.slice(0, 2), sha.slice(2));
	if (!fs.existsSync(file)) {
		fs.mkdirSync(path.dirname(file), { recursive: true });
		fs.writeFileSync(`${file}.new`, zlib.deflateSync(object, { level: 1 }), { mode: 0o444 });
		fs.renameSync(`${file}.new`, file);
	}
	return sha;
}

// Writes files ({path: text or null}) as a commit on top of a parent (null: none); gives its SHA.
function write(repo, parent, changes, message, who) {
	const index = path.join(repo.dir, `index-${process.pid}-${Math.random()}`);
	const author = who && { GIT_AUTHOR_NAME: who.login, GIT_AUTHOR_EMAIL: `${who.login}@localhost` };
	const env = { GIT_INDEX_FILE: index, ...author };
	try {
		if (parent)
			run(repo, ['read-tree', parent], { env });
		const lines = Object.entries(changes).map(([name, text]) =>
			(text === null ? `0 ${ZERO}\t${name}\0` : `100644 ${blob(repo, text)}\t${name}\0`));
		run(repo, ['update-index', '-z', '--index-info'], { env, input: lines.join('') });
		const tree = run(repo, ['write-tree'], { env });
		return run(repo, ['commit-tree', tree, ...(parent ? ['-p', parent] : []), '-m', message], { env });
	} finally {
		fs.rmSync(index, { force: true });
	}
}

// Merges two commits: {tree} or {conflict: true}.
function mergeTree(repo, a, b) {
	const out = tryRun(repo, ['merge-tree', '--write-tree', a, b]);
	return out === null ? { conflict: true } : { tree: out.split('\n')[0] };
}

module.exports = {
	ZERO, EMPTY_TREE, ENV, tryRun, run, create, refuse, refs, resolve, branch, commit, isAncestor, mergeBase,
	revList, count, files, write, mergeTree,
};
