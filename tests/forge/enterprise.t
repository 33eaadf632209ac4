#!/bin/bash
# GitHub Enterprise Server: everything, git too, goes over TLS to the API below /api/v3, with a certificate of a private
# authority that `ca-file` names and without which nothing is asked; several repositories of two organisations are
# worked on by one daemon, each with the token of its own installation.
. "$(dirname "$0")/lib.sh"

fixer
gh_start --enterprise

# --- two organisations ----------------------------------------------------------------------------
gh_ctl POST /user '{"login": "acme", "type": "Organization"}' >/dev/null
second=$(gh_ctl POST /installation '{"account": "acme"}' | jq .id)
repos='octo/app octo/lib acme/site'
for r in $repos; do
	sample_source "${r#*/}"
	commit_blueprint "$T/src/${r#*/}" fix 'sh gate.sh' 0
	commit_file "$T/src/${r#*/}" .github/yardmaster.yml 'queue: { method: squash, gates: ["sh gate.sh"], approvals: 0 }'
	gh_publish "${r#*/}" "${r%/*}"
done

# --- without the authority ------------------------------------------------------------------------
row() { ym doctor --config "$T/yardmaster.yml" --json 2>/dev/null | jq -r --arg c "$1" '.[] | select(.check == $c) | "\(.ok) \(.text) \(.mend // "")"'; }
gh_conf
sed -i '/^  ca-file:/d' "$T/yardmaster.yml"
ym_start
me
out=$(ym repo add octo/app 2>&1) && fail 'a server whose certificate nobody vouches for is refused' "$out" ||
	like "$out" "certificate" 'a server whose certificate nobody vouches for is refused, with the reason'
like "$(row 'GitHub credentials')" '^false .*certificate.*ca-file' 'doctor says it, and what to set'
is "$(gh_requests length)" 0 'nothing was asked'
ym_stop

# --- with it --------------------------------------------------------------------------------------
sed -i "s|^  api: .*|&\n  ca-file: $T/gh-ca.pem|" "$T/yardmaster.yml"
ym_start
gh_hook_here
for r in $repos; do
	GH_REPO=$r
	ok "$r is added" ym repo add "$r"
	wait_for "[ \"\$(ymj '.[] | select(.name == \"$r\") | .head // empty' repo list)\" = \"\$(gh_base_oid)\" ]" ||
		bail "the base of $r was not read: $(ym repo list; ym_log | tail -5)"
done
like "$(row 'GitHub credentials')" '^true ' 'doctor is content'
declare -A issue
for r in $repos; do
	GH_REPO=$r
	issue[$r]=$(gh_issue --label agent:fix "Fix $r")
done
for r in $repos; do
	GH_REPO=$r
	wait_ok "$r: a label becomes a landed commit" "[ \"\$(gh_state '.issues[] | select(.number == ${issue[$r]}) | .state')\" = closed ]" ||
		bail "$(ym_log | tail -5)"
	is "$(gh_state '[.issues[] | select(.pull.merged)] | length')" 1 'with one PR, merged'
	like "$(git -C "$(gh_state .dir)" show --stat --format=%s main)" 'src/t[0-9]*.txt' 'and the work on the base'
done
wait_ok 'all is quiet' '[ "$(ymj .effects_open status)" = 0 ]'

# --- whose token, and where -----------------------------------------------------------------------
whose() { # OWNER: who asked about its repositories, git included, but the App itself about where it is installed
	gh_requests "[.[] | select(.path | test(\"^(/repos)?/$1/\")) | select(.path | test(\"/installation$\") | not) | .actor] | unique | join(\", \")"
}
is "$(whose octo)" "installation $GH_INSTALLATION" "octo's repositories are asked about with octo's token alone"
is "$(whose acme)" "installation $second" "and acme's with acme's"
isnt "$(gh_requests '[.[] | select(.path | test("git-receive-pack$"))] | length')" 0 'git went the same way'
is "$(gh_requests '[.[] | select(.status == 404) | .path | select(test("/protection$") | not)] | unique | join(", ")')" '' 'and nothing was asked that is not below /api or git'
gh_no_violations 'all that was sent and answered is as GitHub describes it'
ym_stop
is $? 0 'the daemon ends when told'
done_testing
