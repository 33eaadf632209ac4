#!/bin/bash
# Gates and agents find the files of submodules and of Git LFS; what cannot be had is said by name on the pull request and on the
# issue, and a repository that needs none of it says so.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/queue.sh"
. "$(dirname "$0")/task_lib.sh"

export GIT_ALLOW_PROTOCOL=file
# Two repositories of this forge: one that app may show, and one that it may not.
for name in lib secret; do
	git init -q "$T/src/$name"
	echo "words of $name" >"$T/src/$name/words"
	git -C "$T/src/$name" add -A
	git -C "$T/src/$name" commit -q -m "Begin $name"
	git -C "$T/src/$name" tag "$name-1"
done
conf <<END
submodules:
  app: ["$D/repos/lib.git"]
END
cat >"$T/repo.yml" <<'END'
queue:
  gates: ["sh look.sh"]
END
doer
usual_blueprint fix review 'rounds: 1'
ym_start
me
# (Only app is named to the daemon: with one repository no command needs --repo.)
for name in lib secret; do git clone -q --bare "$T/src/$name" "$D/repos/$name.git"; done
src=$T/src/app
git init -q "$src"
git -C "$src" -c protocol.file.allow=always submodule --quiet add "$T/src/lib" dep/lib
git -C "$src" config -f .gitmodules submodule.dep/lib.url ../lib.git
printf '*.bin filter=lfs diff=lfs merge=lfs -text\n' >"$src/.gitattributes"
printf 'the bytes' >"$T/bytes"
oid=$(sha256sum "$T/bytes" | cut -c1-64)
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 9\n' "$oid" >"$src/big.bin"
store=.git/lfs/objects/${oid:0:2}/${oid:2:2}
mkdir -p "$src/$store"
cp "$T/bytes" "$src/$store/$oid"
cat >"$src/look.sh" <<'END'
echo "words: $(cat dep/lib/words 2>&1)"
echo "describe: $(git -C dep/lib describe --tags 2>&1)"
echo "big: $(head -c 9 big.bin)"
echo "status: $(git status --porcelain)."
echo "submodule: $(git submodule status)."
END
task_repo app
bare=$(repo_path app)
clone app "$C"
# shellcheck disable=SC2012 # the names are ours
last_out() { cat "$(ls -td "$D"/runs/c*/ | head -n 1)out"; }

enter() { # PR: into the queue
	ym pr approve "$1" >/dev/null
	ym queue add "$1" >/dev/null
}
enter_as() { # TOPIC: the clone's commit; its PR is n
	git -C "$C" push -q origin "+HEAD:refs/for/main/$1"
	n=$(ymj ".[] | select(.topic == \"$1\") | .number" pr list -R app)
	enter "$n"
}

n=$(pr one src/one.txt one)
enter "$n"
ok 'a PR of a repository with a submodule and LFS files lands' landed "$n"
like "$(last_out)" 'words: words of lib' 'its gate has the files of the submodule'
like "$(last_out)" 'describe: lib-1' '... and Git knows its tags'
like "$(last_out)" 'submodule:  [0-9a-f]{40} dep/lib \(lib-1\)' '... and takes it for checked out'
like "$(last_out)" 'big: the bytes' '... and the bytes of the LFS file'
like "$(last_out)" 'status: \.' '... and finds nothing changed'

do_issue agent:fix 'cat dep/lib/words big.bin; echo; git -C dep/lib describe --tags; echo mine >>src/a.txt'
until_pr review
like "$(round_log 1 "$K")" 'words of lib' 'an agent has them'
like "$(round_log 1 "$K")" 'the bytes' '... and the bytes'
like "$(round_log 1 "$K")" 'lib-1' '... and the tags'
is "$(ymj '.files | join(" ")' pr show "$PR")" src/a.txt '... and its own change alone is in the PR'
do_issue agent:fix 'echo mine >>dep/lib/words'
until_state needs-human
like "$(reason)$(ymj .log task show "$K")" 'submodule' 'what it writes into a submodule is refused, by name'
do_issue agent:fix 'echo mine >>big.bin'
until_state needs-human
like "$(reason)$(ymj .log task show "$K")" 'Git LFS' 'and a new version of an LFS file'

# --- another repository of the same daemon
git -C "$C" fetch -q origin
git -C "$C" checkout -q --detach origin/main
git -C "$C" config -f .gitmodules submodule.s.path stolen
git -C "$C" config -f .gitmodules submodule.s.url ../secret.git
git -C "$C" update-index --add --cacheinfo "160000,$(git -C "$T/src/secret" rev-parse HEAD),stolen"
git -C "$C" add .gitmodules
git -C "$C" commit -q -m 'Show a secret'
enter_as steal
wait_ok 'a PR that names a repository which app may not have is refused' \
	"[[ \"\$(comments $n)\" == *\"Taken out of the merge queue: submodule 'stolen': its address $D/repos/secret.git is not one\"* ]]"
like "$(comments "$n")" 'submodules: \{ REPOSITORY: \[' '... with what to do'
is "$(grep -rl 'words of secret' "$D/runs" "$D/checkouts" 2>/dev/null)" '' '... and no gate saw it'
not_ok '... nor is it in the repository' git -C "$bare/modules" grep -q secret

# --- what is not there
git -C "$C" checkout -q --detach origin/main
git -C "$C" update-index --cacheinfo 160000,0123456789012345678901234567890123456789,dep/lib
git -C "$C" commit -q -m 'A commit that is nowhere'
enter_as nowhere
wait_ok 'a commit that is not there is refused' \
	"[[ \"\$(comments $n)\" == *\"submodule 'dep/lib': commit 0123456789012345678901234567890123456789, which is recorded, is on no branch\"* ]]"
n=$(pr lfs src/x.bin "$(printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize 12' 7)")
enter "$n"
wait_ok 'an LFS object that is not there is refused' \
	"[[ \"\$(comments $n)\" == *\"1 file is kept with Git LFS, and its object is not in $bare/lfs/objects: 'src/x.bin' (object 000000000000, 12 bytes)\"* ]]"
like "$(comments "$n")" "git lfs push --all $bare" '... with what to do'

# --- not needed
git -C "$C" checkout -q --detach origin/main
printf 'checkout: { submodules: false, lfs: false }\n' >>"$C/.github/yardmaster.yml"
git -C "$C" commit -q -am 'We need neither'
git -C "$C" push -q origin +HEAD:refs/heads/hand
git -C "$bare" update-ref refs/heads/main refs/heads/hand
wait_for "[ \"\$(ymj '.[] | select(.name == \"app\") | .head' repo list)\" = $(base_oid) ]"
n=$(pr two src/two.txt two)
enter "$n"
ok 'a repository that needs neither says so' landed "$n"
like "$(last_out)" 'words: cat: dep/lib/words' '... its folders are empty'
like "$(last_out)" 'big: version h' '... and its pointers pointers'

done_testing
