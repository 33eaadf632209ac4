#!/bin/bash
# Submodules on GitHub: a gate sees their files, whatever way they are named; a private repository is read with the
# installation's token where the daemon's file says so; what may not be had is refused by name, with what to do.
. "$(dirname "$0")/lib.sh"

gh_start --enterprise
here=${gh_address%/api/v3}

# --- the other repositories -----------------------------------------------------------------------
other() { # OWNER/NAME PRIVATE
	local at=$T/src/${1#*/}
	git init -q "$at"
	echo "words of ${1#*/}" >"$at/words"
	git -C "$at" add -A
	git -C "$at" commit -q -m "Begin ${1#*/}"
	git -C "$at" tag "${1#*/}-1"
	gh_ctl POST /repo "$(jq -nc --arg name "$1" --arg from "$at" --argjson private "$2" \
		'{full_name: $name, from: $from, private: $private, collaborators: {alice: "write"}}')" >/dev/null ||
		bail "the stand-in did not take $1"
}
gh_ctl POST /user '{"login": "acme", "type": "Organization"}' >/dev/null
other octo/lib false
other octo/tools false
other octo/vault true
other octo/secret true
other acme/hidden true
tip() { git -C "$T/src/$1" rev-parse HEAD; }

# --- the repository -------------------------------------------------------------------------------
sample_source app
src=$T/src/app
cat >"$src/look.sh" <<'END'
for place in dep/lib dep/tools dep/vault; do
	echo "$place: $(cat $place/words 2>&1), $(git -C $place describe --tags 2>&1)"
done
echo "status: $(git status --porcelain)."
echo "config: $(cat .git/config $(git rev-parse --git-dir)/config $(git rev-parse --git-dir)/modules/*/config 2>/dev/null)."
END
submodule() { # PATH URL COMMIT
	git -C "$src" config -f .gitmodules "submodule.$1.path" "$1"
	git -C "$src" config -f .gitmodules "submodule.$1.url" "$2"
	git -C "$src" update-index --add --cacheinfo "160000,$3,$1"
}
submodule dep/lib ../lib.git "$(tip lib)"
submodule dep/tools "$here/octo/tools.git" "$(tip tools)"
submodule dep/vault ../vault.git "$(tip vault)"
git -C "$src" add .gitmodules look.sh
commit_file "$src" .github/yardmaster.yml 'queue: { gates: ["sh look.sh"], approvals: 0 }'
gh_publish app
gh_conf
conf <<END
submodules:
  octo/app:
    - $here/octo/vault
    - $here/acme/hidden
END
ym_start
me
gh_hook_here
gh_add
# shellcheck disable=SC2012 # the names are ours
last_out() { cat "$(ls -td "$D"/runs/c*/ | head -n 1)out"; }
log_of() { gh_requests ".[] | select(.path | startswith(\"/$1.git/\")) | \"\(.actor) \(.status)\"" | sort -u | paste -sd,; }

# --- what it may have -----------------------------------------------------------------------------
gh_queued one
wait_ok 'a PR of a repository with submodules lands' "[ \"\$(gh_pr_state $pr)\" = merged ]" ||
	bail "$(gh_comments "$pr"; ym_log | tail -5)"
like "$(last_out)" 'dep/lib: words of lib, lib-1' 'its gate has the files of one with a relative address, at its commit'
like "$(last_out)" 'dep/tools: words of tools, tools-1' '... of one with an absolute one'
like "$(last_out)" 'dep/vault: words of vault, vault-1' '... and of a private one that the daemon'"'"'s file lists'
like "$(last_out)" 'status: \.' '... and Git finds nothing changed'
is "$(log_of octo/lib)$(log_of octo/tools)" ' 200 200' 'what everybody may read was asked for without a credential'
is "$(log_of octo/vault)" "installation $GH_INSTALLATION 200" "the private one with the installation's token"

# --- what it may not ------------------------------------------------------------------------------
gh_remote() { echo "${GH/:\/\//://x-access-token:$(gh_token)@}/$GH_REPO.git"; }
steal() { # TOPIC URL COMMIT: a PR that adds such a submodule
	git -C "$src" fetch -q "$(gh_remote)" main || bail 'the base cannot be fetched'
	git -C "$src" checkout -q -f --detach FETCH_HEAD
	submodule "stolen/$1" "$2" "$3"
	git -C "$src" add .gitmodules
	git -C "$src" commit -q -m "Show $1"
	git -C "$src" push -q "$(gh_remote)" "HEAD:refs/heads/$1"
	pr=$(gh_pr "$1" "Show $1")
	gh_known "$pr" || bail "the PR $1 is not known"
	gh_comment "$pr" '/yard queue' bob >/dev/null
}
refused() { # NAME TEXT
	printf '%s\n' "$2" >"$T/words"
	wait_ok "$1" "gh_comments $pr | grep -qFf $T/words" || diag "$(gh_comments "$pr")"
}
steal secret ../secret.git "$(tip secret)"
refused 'a private one that the file does not list is refused by name' \
	"Taken out of the merge queue: submodule 'stolen/secret': $here/octo/secret.git could not be fetched"
like "$(gh_comments "$pr")" 'without a credential: only addresses that the daemon.s own file lists at .submodules:. ' '... with what to do'
is "$(log_of octo/secret)" ' 401' '... and no token was sent for it'
steal hidden "$here/acme/hidden.git" "$(tip hidden)"
refused 'one on which the App is not installed is refused by name' \
	"Taken out of the merge queue: submodule 'stolen/hidden': $here/acme/hidden.git could not be fetched"
like "$(gh_comments "$pr")" 'install the GitHub App' '... with what to do'
is "$(log_of acme/hidden)" "installation $GH_INSTALLATION 404" '... GitHub says that there is none'
steal foreign https://git.example.com/octo/lib.git "$(tip lib)"
refused 'one at a foreign address is refused by name' \
	"Taken out of the merge queue: submodule 'stolen/foreign': its address https://git.example.com/octo/lib.git is not one"
like "$(gh_comments "$pr")" 'submodules: \{ REPOSITORY: \[' '... with what to do'
is "$(grep -rlE 'words of (secret|hidden)' "$D/runs" "$D/checkouts" 2>/dev/null)" '' 'no gate saw any of it'

# --- two that move one ------------------------------------------------------------------------------
# One is in the base already, the other was made before: Git takes the later commit when it contains the earlier one.
again() { # OWNER/NAME TEXT: a commit more there; prints it
	gh_ctl POST /push "$(jq -nc --arg repo "$1" --arg text "$2" \
		'{repo: $repo, branch: "main", as: "alice", files: {words: "\($text)\n"}, message: "Go on"}')" | jq -r .sha
}
move() { # TOPIC PATH COMMIT: a PR of the base as it was, with that commit there; it is queued
	git -C "$src" checkout -q -f --detach "$was"
	git -C "$src" update-index --cacheinfo "160000,$3,$2"
	git -C "$src" commit -q -m "Move $2"
	git -C "$src" push -q "$(gh_remote)" "HEAD:refs/heads/$1"
	pr=$(gh_pr "$1" "Move $2")
	gh_known "$pr" || bail "the PR $1 is not known"
	gh_comment "$pr" '/yard queue' bob >/dev/null
}
at() { git -C "$(gh_state .dir)" rev-parse "main:$1"; }
git -C "$src" fetch -q "$(gh_remote)" main
was=$(git -C "$src" rev-parse FETCH_HEAD)
for name in lib vault tools; do
	second=$(again "octo/$name" "second words of $name")
	third=$(again "octo/$name" "third words of $name")
	move "$name-2" "dep/$name" "$second"
	wait_ok "a PR that moves dep/$name lands" "[ \"\$(gh_pr_state $pr)\" = merged ]" || bail "$(gh_comments "$pr")"
	[ $name != tools ] || gh_ctl PATCH /repo '{"repo": "octo/tools", "private": true}' >/dev/null
	move "$name-3" "dep/$name" "$third"
	[ $name != tools ] || break
	wait_ok '... and one, made before, that moves it further' "[ \"\$(gh_pr_state $pr)\" = merged ]" || diag "$(gh_comments "$pr")"
	is "$(at "dep/$name")" "$third" '... with the later commit'
	like "$(last_out)" "dep/$name: third words of $name" '... which its gate has seen'
done
is "$(log_of octo/vault)" "installation $GH_INSTALLATION 200" "the private one's history came with the installation's token"
refused 'one whose history may not be had conflicts, with the reason' \
	"(Move dep/tools): its history could not be fetched from $here/octo/tools.git:"
is "$(at dep/tools)" "$second" '... and stays where it was'
is "$(grep -c . <<<"$(ls "$(ymj '.[0].path' repo list)/submodules")")" 3 'what a merge has looked into is apart from what a gate sees'

# --- secrets --------------------------------------------------------------------------------------
tokens=$(gh_ctl GET /tokens | jq -r 'join("|")')
isnt "$tokens" '' 'tokens were given out'
gh_processes >"$T/processes"
like "$(sort -u "$T/processes")" 'role.*' 'the processes can be looked at'
unlike "$(cat "$T/processes")" "$tokens" 'no command line and no environment has one'
is "$(grep -rlE "$tokens" "$D" "$T/daemon.log" 2>/dev/null)" '' 'and none is in a log, a configuration or any other file'
unlike "$(last_out)" 'ghs_|AUTHORIZATION' 'nor does a gate see one'
wait_ok 'all is quiet' '[ "$(ymj .effects_open status)" = 0 ]'
gh_no_violations 'all that was sent and answered is as GitHub describes it'
ym_stop
is $? 0 'the daemon ends when told'
done_testing
