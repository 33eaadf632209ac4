#!/bin/bash
# Git LFS on GitHub: gates find the bytes, fetched once with the installation's token, which goes to GitHub alone; what
# cannot be had is said by name on the pull request, in GitHub's own words.
. "$(dirname "$0")/lib.sh"

gh_start --enterprise
lfs() { gh_ctl POST /lfs "$1"; }
keep() { # REPO TEXT [JSON]: GitHub has this object
	lfs "$(jq -nc --arg repo "$1" --arg text "$2" --argjson more "${3:-{\}}" '{repo: $repo, texts: [$text]} + $more')" >/dev/null
}
oid_of() { printf %s "$1" | sha256sum | cut -c1-64; }
pointer() { printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n' "$(oid_of "$1")" "${#1}"; }
attributes='*.bin filter=lfs diff=lfs merge=lfs -text'

# A submodule with a file of its own.
git init -q "$T/src/lib"
echo "$attributes" >"$T/src/lib/.gitattributes"
pointer 'bytes of lib' >"$T/src/lib/inner.bin"
git -C "$T/src/lib" add -A
git -C "$T/src/lib" commit -q -m 'Begin lib'
gh_ctl POST /repo "$(jq -nc --arg from "$T/src/lib" '{full_name: "octo/lib", from: $from, private: false}')" >/dev/null
keep octo/lib 'bytes of lib'

sample_source app
src=$T/src/app
echo "$attributes" >"$src/.gitattributes"
pointer 'bytes of app' >"$src/big.bin"
keep octo/app 'bytes of app'
for ((i = 0; i < 101; i++)); do
	mkdir -p "$src/many"
	pointer "number $i" >"$src/many/$i.bin"
	echo "number $i"
done | jq -Rsc '{repo: "octo/app", texts: (split("\n") | map(select(. != "")))}' >"$T/many"
lfs "$(cat "$T/many")" >/dev/null
cat >"$src/look.sh" <<'END'
echo "big: $(cat big.bin), inner: $(cat dep/lib/inner.bin), last: $(cat many/100.bin)"
echo "new: $(cat src/*.bin 2>/dev/null)"
echo "status: $(git status --porcelain)."
END
git -C "$src" config -f .gitmodules submodule.lib.path dep/lib
git -C "$src" config -f .gitmodules submodule.lib.url ../lib.git
git -C "$src" update-index --add --cacheinfo "160000,$(git -C "$T/src/lib" rev-parse HEAD),dep/lib"
mkdir -p "$src/dep/lib"
git -C "$src" add .gitmodules .gitattributes look.sh big.bin many
commit_file "$src" .github/yardmaster.yml 'queue: { gates: ["sh look.sh"], approvals: 0 }'
gh_publish app
gh_ctl PATCH /repo '{"repo": "octo/app", "private": true}' >/dev/null
gh_daemon
gh_add
# shellcheck disable=SC2012 # the names are ours
last_out() { cat "$(ls -td "$D"/runs/c*/ | head -n 1)out"; }
asked() { gh_requests "[.[] | select(.path | test(\"$1\"))] | $2"; }

# --- what is there --------------------------------------------------------------------------------
gh_queued one
wait_ok 'a PR of a repository with files of Git LFS lands' "[ \"\$(gh_pr_state $pr)\" = merged ]" ||
	bail "$(gh_comments "$pr"; ym_log | tail -5)"
like "$(last_out)" 'big: bytes of app, inner: bytes of lib, last: number 100' 'its gate has the bytes, a submodule'"'"'s too'
like "$(last_out)" 'status: \.' '... and Git finds nothing changed'
is "$(gh_ctl GET /lfs | jq -c 'sort')" '[1,2,100]' 'at most a hundred were asked for at once'
is "$(asked 'octo/app.git/info/lfs' 'map(.actor) | unique | join(" ")')" "installation $GH_INSTALLATION" "with the installation's token"
is "$(asked 'octo/lib.git/info/lfs' 'map(.actor) | unique | join(" ")')" '' 'a submodule that everybody may read without it'
is "$(asked ^/_lfs/ 'map(.authorization) | unique | join(" ")')" '' 'where the bytes are no token went'
is "$(asked ^/_lfs/ length)" 103 'each object was fetched'
gh_queued two
wait_ok 'another PR lands' "[ \"\$(gh_pr_state $pr)\" = merged ]"
is "$(asked ^/_lfs/ length)" 103 '... and nothing is fetched again'

# --- ways of servers ------------------------------------------------------------------------------
adds() { # TOPIC TEXT: a PR with such a file, queued
	gh_push "$1" "src/$1.bin" "$(pointer "$2")" >/dev/null
	pr=$(gh_pr "$1" "Add $1")
	gh_known "$pr" || bail "the PR $1 is not known"
	gh_comment "$pr" '/yard queue' bob >/dev/null
}
lands() { wait_ok "$1" "[ \"\$(gh_pr_state $pr)\" = merged ]" || diag "$(gh_comments "$pr")"; }
keep octo/app 'kept on the server itself' '{"header": "RemoteAuth of-the-server"}'
adds header 'kept on the server itself'
lands 'an address with headers of its own is asked with them'
keep octo/app 'run out' '{"expired": 1}'
adds expired 'run out'
lands 'an address that ran out is asked for anew'
keep octo/app 'elsewhere' '{"redirect": true}'
adds moved 'elsewhere'
lands 'a redirect is followed'
keep octo/app 'later'
gh_fault '{"method": "POST", "path": "info/lfs/objects/batch", "status": 429, "headers": {"Retry-After": "1"}, "body": {"message": "slow down"}}'
adds later 'later'
lands 'a server that is busy is asked again'

# --- what cannot be had ---------------------------------------------------------------------------
refused() { # NAME TEXT
	printf '%s\n' "$2" >"$T/words"
	wait_ok "$1" "gh_comments $pr | grep -qFf $T/words" || diag "$(gh_comments "$pr")"
	gh_as alice PATCH "/repos/$GH_REPO/issues/$pr" '{"state": "closed"}' >/dev/null
}
adds gone 'nobody has it'
refused 'an object that is not there is refused by name' "'src/gone.bin' (object $(oid_of 'nobody has it' | cut -c1-12), 13 bytes): 404 Object does not exist on the server"
like "$(gh_comments "$pr")" 'checkout: \{ lfs: false \}' '... with what to do'
keep octo/app 'removed by its owner' '{"error": {"code": 410, "message": "Object was removed"}}'
adds removed 'removed by its owner'
refused 'one that was removed, too' "'src/removed.bin' (object $(oid_of 'removed by its owner' | cut -c1-12), 20 bytes): 410 Object was removed"
keep octo/app 'these bytes' '{"bytes": "those bytes"}'
adds forged 'these bytes'
refused 'bytes that are others than named are refused' 'the bytes that came are not those of its name'
keep octo/app 'longer' '{"bytes": "much longer than that"}'
adds longer 'longer'
refused '... and more of them than named' 'more bytes than the object has'
keep octo/app 'plain' '{"redirect": "http://example.com/object"}'
adds plain 'plain'
refused 'a redirect to a place without encryption is not followed' 'it redirects to where nothing is fetched from'
lfs '{"repo": "octo/app", "refusal": {"status": 403, "message": "This repository exceeded its LFS budget. The account responsible for the budget should increase it to restore access."}}' >/dev/null
keep octo/app 'too much'
adds budget 'too much'
refused 'a budget that is spent is said in the words of GitHub' 'HTTP status 403: This repository exceeded its LFS budget. The account responsible for the budget should increase it to restore access.'
is "$(find "$D" -path '*/lfs/incoming/*')" '' 'nothing unfinished is left'

# --- secrets --------------------------------------------------------------------------------------
tokens=$(gh_ctl GET /tokens | jq -r 'join("|")')
isnt "$tokens" '' 'tokens were given out'
is "$(grep -rlE "$tokens|of-the-server|X-Amz-Signature" "$D" "$T/daemon.log" 2>/dev/null)" '' 'and neither one nor a signed address is in any file'
wait_ok 'all is quiet' '[ "$(ymj .effects_open status)" = 0 ]'
gh_no_violations 'all that was sent and answered is as GitHub describes it'
ym_stop
is $? 0 'the daemon ends when told'
done_testing
