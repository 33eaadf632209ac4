'use strict';
// What the rules of a branch refuse: of rulesets (GH013) and, of branch protection, signatures (GH006). The words are
// GitHub's, as people quote them: gleam-lang/gleam#6080 (pull request, checks, code scanning), georust/proj#178 (merge
// queue, one check), vercel/sandbox#169 (signatures); of `workflows` and of kinds to come none were found, and a rule may
// bring its own (`refusal`).
//
// A rule is {type, parameters, ruleset_id, bypass, refusal}: `bypass` is what the App may ("never" where nothing is said);
// whoever else pushes may bypass nothing. What GitHub judges by things that are not here is satisfied of a commit when
// control has said so (POST /satisfy).

const fs = require('node:fs');
const path = require('node:path');
const git = require('./git');

const GOOD = ['success', 'neutral', 'skipped'];

// Which required checks a commit lacks.
function missing(repo, sha, wanted) {
	return wanted.filter((name) => {
		const runs = repo.checks.filter((r) => r.head_sha === sha && r.name === name);
		const status = (repo.statuses.get(sha) || []).find((s) => s.context === name);
		return !(runs.length && GOOD.includes(runs[runs.length - 1].conclusion)) && !(status && status.state === 'success');
	});
}

function checks({ repo, rule, to }) {
	const wanted = rule.parameters.required_status_checks.map((k) => k.context);
	const lacks = missing(repo, to, wanted);
	if (!lacks.length)
		return null;
	return wanted.length === 1 ? `Required status check "${wanted[0]}" is expected.` : `${lacks.length} of ${wanted.length} required status checks are expected.`;
}

const listed = (text, shas) => `${text}\n  Found ${shas.length} violation${shas.length === 1 ? '' : 's'}:\n\n${shas.map((s) => `  ${s}\n`).join('')}`;

// A signature by a key that belongs to the account with the committer's address. Only SSH keys are known here.
function verification(state, repo, sha, env) {
	const none = (reason) => ({ verified: false, reason, signature: null, payload: null, verified_at: null });
	const raw = git.tryRun(repo, ['cat-file', 'commit', sha], { env }) || '';
	const head = raw.slice(0, raw.indexOf('\n\n') + 1);
	const email = (/^committer .*<(.*)>/m.exec(head) || [])[1];
	if (!/^gpgsig/m.test(head))
		return none('unsigned');
	const keys = state.signers.filter((s) => s.email === email);
	if (!keys.length)
		return none('no_user');
	const file = path.join(repo.dir, 'signers');
	fs.writeFileSync(file, keys.map((s) => `${s.email} ${s.key}\n`).join(''));
	const good = git.tryRun(repo, ['-c', 'gpg.format=ssh', '-c', `gpg.ssh.allowedSignersFile=${file}`, 'verify-commit', sha], { env });
	return good === null ? none('unknown_key') : { verified: true, reason: 'valid', signature: 'SSH', payload: head, verified_at: state.now() };
}

function signatures({ state, repo, from, to, env }) {
	const range = from === git.ZERO ? [to, '--not', '--branches'] : [to, `^${from}`];
	const all = git.run(repo, ['rev-list', ...range], { env }).split('\n').filter(Boolean);
	const bad = all.filter((sha) => !verification(state, repo, sha, env).verified);
	return bad.length ? listed('Commits must have verified signatures.', bad) : null;
}

function linear({ repo, from, to, env }) {
	const all = git.run(repo, ['rev-list', '--merges', to, ...(from === git.ZERO ? [] : [`^${from}`])], { env }).split('\n').filter(Boolean);
	return all.length ? listed('This branch must not contain merge commits.', all) : null;
}

const scanning = ({ rule, to }) =>
	`Code scanning is waiting for results from ${rule.parameters.code_scanning_tools.map((t) => t.tool).join(', ')} for the commit ${to.slice(0, 7)}.`;
const deployments = ({ rule }) =>
	`Missing successful active ${rule.parameters.required_deployment_environments.join(' and ')} deployment.`;

// Those that look at nothing but the push.
const KINDS = {
	creation: ({ from }) => (from === git.ZERO ? 'Cannot create ref due to creations being restricted.' : null),
	deletion: ({ to }) => (to === git.ZERO ? 'Cannot delete this branch' : null),
	update: ({ from, to }) => (from !== git.ZERO && to !== git.ZERO ? 'Cannot update this protected ref.' : null),
	non_fast_forward: ({ repo, from, to, env }) => (from !== git.ZERO && to !== git.ZERO && git.tryRun(repo, ['merge-base', '--is-ancestor', from, to], { env }) === null ? 'Cannot force-push to this branch' : null),
	pull_request: () => 'Changes must be made through a pull request.',
	merge_queue: () => 'Changes must be made through the merge queue',
	required_status_checks: checks,
	required_signatures: signatures,
	required_linear_history: linear,
	copilot_code_review: () => null,
	branch_name_pattern: () => null,
	tag_name_pattern: () => null,
};
// Those that look at what else is known of the commit.
const JUDGED = { code_scanning: scanning, required_deployments: deployments };

function violation(push, rule) {
	const of = { ...push, rule };
	if (KINDS[rule.type])
		return push.to === git.ZERO && !['deletion', 'update'].includes(rule.type) ? null : KINDS[rule.type](of);
	if (push.to === git.ZERO || (push.repo.satisfied.get(push.to) || []).includes(rule.type))
		return null;
	return rule.refusal || (JUDGED[rule.type] ? JUDGED[rule.type](of) : `The rule ${rule.type} is not satisfied.`);
}

const rulesOf = (repo, branch) => repo.rules.get(branch) || repo.rules.get('*') || [];
const bypasses = (actor, rule) => Boolean(actor && actor.app) && ['always', 'exempt'].includes(rule.bypass);

// What a push of these refs is refused with, as text for its standard error; "" for nothing. `env`: where its objects are.
function refusal(state, repo, actor, updates, env) {
	for (const { ref, from, to } of updates) {
		if (!ref.startsWith('refs/heads/'))
			continue;
		const branch = ref.slice(11);
		const push = { state, repo, from, to, env };
		const found = rulesOf(repo, branch).filter((rule) => !bypasses(actor, rule)).map((rule) => violation(push, rule)).filter(Boolean);
		const list = (texts) => texts.map((t) => `\n- ${t}\n`).join('');
		if (found.length)
			return `error: GH013: Repository rule violations found for ${ref}.\nReview all repository rules at ${state.url}/${repo.full_name}/rules?ref=${encodeURIComponent(ref)}\n${list(found)}`;
		const unsigned = (repo.protection.get(branch) || {}).signatures && to !== git.ZERO && signatures(push);
		if (unsigned)
			return `error: GH006: Protected branch update failed for ${ref}.\n${list([unsigned])}`;
	}
	return '';
}

const any = (repo) => repo.rules.size > 0 || [...repo.protection.values()].some((p) => p.signatures);

module.exports = { refusal, any, verification };
