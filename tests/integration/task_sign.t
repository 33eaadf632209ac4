#!/bin/bash
# With `sign-key` every commit that the host makes is signed: the task's, and the one that lands, by every method. A key
# that does not sign is named, and nothing unsigned is made.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/task_lib.sh"

key=$T/keys/sign
mkdir -m 700 "$T/keys"
ssh-keygen -q -t ed25519 -N '' -C yard -f "$key"
ssh-keygen -q -t ed25519 -N '' -C other -f "$T/keys/other"
ssh-keygen -q -t ed25519 -N 'a passphrase' -C locked -f "$T/keys/locked"
echo "yard@example.org $(cat "$key.pub")" >"$T/allowed"
doer
conf <<END
sign-key: $key
author: { name: Yard, email: yard@example.org }
END
usual_blueprint fix queue 'rounds: 1' repository
ym_start
me
task_repo app
bare=$(repo_path app)
verify() { # COMMIT: by whom it is signed
	git -C "$bare" -c gpg.ssh.allowedSignersFile="$T/allowed" verify-commit "$1" 2>&1
}
receipt_holds() { (cd "$bare" && ym receipt verify "$(git rev-parse main)"); }
unsigned() { ! git -C "$bare" cat-file commit "$1" | grep -q '^gpgsig'; }
good='Good "git" signature for yard@example.org'

like "$(ym doctor --config "$T/yardmaster.yml")" "ok +sign key: $key" 'doctor has looked at the key'

# --- by each method
land() { # NAME PATH: a task that appends to PATH lands; sets $pr
	do_issue agent:fix "echo $1 >>$2"
	until_state review
	pr=$(ymj .pr task show "$K")
	like "$(verify "$(ymj .head pr show "$pr")")" "$good" "$1: the task's commit is signed"
	ym pr approve "$pr" >/dev/null
	until_state merged
	like "$(verify main)" "$good" "$1: what landed is signed"
	ok "$1: its receipt holds" receipt_holds
}
move_base() { # to what $T/src/app has; read at once by a daemon that starts
	git -C "$bare" fetch -q "$T/src/app" +main:refs/heads/main
	ym_stop && ym_start
	wait_for "[ \"\$(ymj '.[0].config_oid' repo list)\" = $(git -C "$T/src/app" rev-parse main) ]" || bail 'the base was not read'
}
method() {
	printf 'queue:\n  gates: ["sh gate.sh"]\n  method: %s\n' "$1" >"$T/src/app/.github/yardmaster.yml"
	git -C "$T/src/app" pull -q "$bare" main
	git -C "$T/src/app" commit -q -am "Land by $1"
	move_base
}
land merge src/a.txt
is "$(git -C "$bare" rev-list --parents -1 main | wc -w)" 3 'merge: it is a merge'
method squash
land squash src/b.txt
is "$(git -C "$bare" rev-list --parents -1 main | wc -w)" 2 'squash: it is one commit'
method rebase
clone app "$T/c"
commit_file "$T/c" src/c1.txt one
commit_file "$T/c" src/c2.txt two
git -C "$T/c" push -q origin HEAD:refs/for/main/two 2>/dev/null
pr=$(ymj '.[-1].number' pr list)
move=$(git -C "$bare" rev-parse main)
ok "a person's commits" unsigned "$(ymj .head pr show "$pr")"
commit_file "$T/src/app" src/d.txt 'the base goes on'
move_base
ym queue add "$pr" >/dev/null
wait_ok 'rebase: they land' "[ \"\$(pr_state $pr)\" = merged ]"
like "$(verify main)" "$good" 'rebase: the last one is signed by the committer'
like "$(verify main^)" "$good" 'rebase: and so is the one before it'
is "$(git -C "$bare" log -1 --format='%ae %ce' main)" 'tester@localhost yard@example.org' 'rebase: the author stays'
isnt "$move" "$(git -C "$bare" rev-parse main~2)" 'rebase: they were replayed'

# --- keys that do not sign
base=$(git -C "$bare" rev-parse main)
broken() { # NAME WHAT-IT-SAYS
	do_issue agent:fix "echo $1 >>src/a.txt"
	until_state needs-human
	like "$(reason)" "sign a commit with the key $key: .*$2" "$1: the task names the key and what is wrong"
	like "$(reason)" 'expected an SSH private key without a passphrase' "$1: and what is expected"
	wait_ok "$1: so does the comment" "comments $N | grep -qF 'sign a commit with the key $key'"
	is "$(git -C "$bare" rev-parse "refs/heads/$(ymj .branch task show "$K")")" "$base" "$1: the branch is where it began"
	is "$(ymj .pr task show "$K")" 0 "$1: and no PR"
	exits 1 "$1: doctor says so too" ym doctor --config "$T/yardmaster.yml"
	like "$(ym doctor --config "$T/yardmaster.yml")" "FAIL  sign key: $key" "$1: and names the key"
}
mv "$key" "$T/keys/kept"
broken missing 'No such file'
retry=$K
echo 'no key at all' >"$key"
chmod 600 "$key"
broken garbage 'ssh-keygen: '
cp "$T/keys/locked" "$key"
broken locked 'passphrase'
install -m 000 "$T/keys/kept" "$key"
broken unreadable 'Permission denied'

# --- the candidate of a person's PR is not built without it either
clone app "$T/e"
commit_file "$T/e" src/e.txt e
git -C "$T/e" push -q origin HEAD:refs/for/main/e 2>/dev/null
pr=$(ymj '.[-1].number' pr list)
commit_file "$T/src/app" src/f.txt 'the base goes on'
git -C "$T/src/app" pull -q --no-rebase "$bare" main
move_base
base=$(git -C "$bare" rev-parse main)
ym queue add "$pr" >/dev/null
wait_ok 'a landing: it is taken out of the queue with the reason' \
	"ymj '.comments[].body' pr show $pr | grep -qF 'sign a commit with the key $key'"
is "$(git -C "$bare" rev-parse main)" "$base" 'a landing: the base is where it was'

# --- mended
rm "$key"
mv "$T/keys/kept" "$key"
ok 'retry' ym task retry "$retry"
until_state review "$retry"
pr=$(ymj .pr task show "$retry")
like "$(verify "$(ymj .head pr show "$pr")")" "$good" 'with the key back the work that was kept is committed and signed'
is "$(rounds "$retry")" 1 'without another round'

# --- another key is no secret change: who verifies sees it
cp "$T/keys/other" "$key"
cp "$T/keys/other.pub" "$key.pub"
do_issue agent:fix 'echo other >>src/a.txt'
until_state review
unlike "$(verify "$(ymj .head pr show "$(ymj .pr task show "$K")")")" "$good" "another key's signature is not taken for this one's"
ym_stop
is $? 0 'the daemon ends when told'
done_testing
