#!/bin/bash
# Local hooks at work: leases before a commit, Depends-On: in its message, protected branches and open PRs
# before a push.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/queue.sh"
. "$(dirname "$0")/task_lib.sh"
. "$(dirname "$0")/hooks.sh"

mkdir -p "$T/go"
doer
sed -i "s|read-only: \[\"$T/agents\"\]|read-only: [\"$T/agents\", \"$T/go\"]|" "$T/yardmaster.yml"
usual_blueprint fix review 'rounds: 1'
ym_start
me
task_repo app
bare=$(repo_path app)
clone app "$C"
cd "$C" || exit 1
install >/dev/null || bail 'install'
try() { "$@" 2>&1; }

# --- pre-commit
N=$(issue --label agent:fix 'Mend the API' "$(printf 'Scope: src/api/**, src/doc.md\n\nsh: await %s/go/1\nsh: echo x >>src/api.txt' "$T")")
wait_for "K=\$(task_of $N); [ \"\$K\" != null ]"
K=$(task_of "$N")
until_state running
commit_file . src/mine.txt x >"$T/out" 2>&1
is "$(cat "$T/out")" '' 'files that nobody has: silence'
mkdir -p src/api
echo x >src/api/users.c; echo x >src/doc.md; echo x >src/free.c
git add -A
out=$(try git commit -q -m 'Mine too'); code=$?
is $code 0 'a commit of leased files is made'
like "$out" "warning: .src/api/users.c. is leased to task $K .Mend the API. \(the usual agent, for $ME\) by .src/api/\*\*." 'a leased file: which task, whose, by which pattern'
like "$out" "warning: .src/doc.md. is leased" '... each of them'
unlike "$out" 'free.c' '... and no other'
is "$(try git commit -q --amend --no-edit)" '' 'an amend of nothing: silence'
nl=$'src/api/two\nlines\e[31m'
echo x >"$nl"; mkdir -p -- -d; echo x >"-d/--cached"; echo x >$'src/api/\xff'
git add -A
out=$(try git commit -q -m 'Odd names'); code=$?
is $code 0 'names with a newline, a leading dash, no UTF-8'
is "$(echo "$out" | grep -c 'is leased')" 2 '... are found'
unlike "$out" $'\e' '... and shown without control characters'
git mv src/doc.md src/renamed.md
like "$(try git commit -q -m 'Renamed')" 'src/doc.md. is leased' 'the old name of a renamed file counts'
(cd src && echo y >>api/users.c && GIT_EDITOR=true try git commit -a -q -m 'From below') >"$T/out"
like "$(cat "$T/out")" 'src/api/users.c' 'commit -a from a subfolder'
git checkout -q --detach
echo z >>src/api/users.c
like "$(try git commit -q -m 'Detached' src/api/users.c)" 'src/api/users.c' 'a detached head, a commit of named files'
git checkout -q -b other origin/main
mkdir -p src/api; echo 1 >src/api/other.c; git add -A; git commit -q -m other 2>/dev/null
git checkout -q -b merging origin/main
commit_file . src/x.txt x
git merge -q --no-commit --no-ff other 2>/dev/null
is "$(try git commit -q -m 'Merged')" '' 'the end of a merge: the files of the other side are not asked about'
for i in $(seq 2500); do echo x >"src/f$i"; done
mkdir -p zz
git add -A
out=$(try git commit -q -m 'Many'); code=$?
is "$code $(echo "$out" | grep -c 'only the first 2000 staged files')" '0 1' 'more files than are sent: it says so'
git init -q "$T/new"
git -C "$T/new" remote add origin "$bare"
install "$T/new" >/dev/null
mkdir -p "$T/new/src/api"; echo x >"$T/new/src/api/a"
git -C "$T/new" add -A
like "$(try git -C "$T/new" commit -q -m First)" 'src/api/a. is leased' 'the first commit of all'
touch "$T/go/1"
until_state review
git checkout -q main
echo q >>src/api/users.c; git add -A
is "$(try git commit -q -m 'After')" '' 'the lease is over when the PR is open'
pr_of_task=$(ymj .pr task show "$K")

# --- commit-msg
refused() { # NAME REGEX MESSAGE
	local out code=0
	out=$(try git commit -q --allow-empty -m 'Subject' -m "$3") || code=$?
	isnt $code 0 "$1: refused"
	like "$out" "$2" '... with the reason'
}
taken() { # NAME MESSAGE
	local out code=0
	out=$(try git commit -q --allow-empty -m 'Subject' -m "$2") || code=$?
	is "$code$out" 0 "$1: taken without a word"
}
# in a worktree of its own, where the branch is nobody's
git checkout -q -b free
taken 'a PR that is open' "Depends-On: #$pr_of_task"
refused 'an unknown PR' "Depends-On: .#99.: app has no PR #99" "Depends-On: #$pr_of_task, #99"
refused 'an issue' "app has no PR #$N;" "Depends-On: #$N"
refused 'not a number' "expected #12, owner/repo#12" 'Depends-On: twelve'
refused 'nothing' "found ''; expected #12" 'Depends-On:'
taken 'a bare number' "Depends-On: $pr_of_task"
taken 'an address' "Depends-On: https://forge.example.org/app/pull/$pr_of_task/files"
refused 'an address of none' 'has no PR #98' 'Depends-On: https://forge.example.org/app/pull/98'
taken 'an example in a comment' $'<!-- for example:\nDepends-On: #98\n-->\nNothing.'
taken 'our own name before it' "depends-on: app#$pr_of_task"
refused 'our own name, unknown PR' 'has no PR #98' 'Depends-On: app#98'
noted() { # NAME REGEX MESSAGE
	like "$(try git commit -q --allow-empty -m 'Subject' -m "$3")" "note: .*$2" "$1: taken, with a note"
}
noted 'another repository' 'is of another repository: the PR is held' 'Depends-On: acme/lib#98'
noted 'an address elsewhere' 'is of another repository: the PR is held' 'Depends-On: https://github.com/acme/lib/pull/98'
taken 'no dependency' 'Depends on nothing'
ok '--no-verify passes' git commit -q --allow-empty --no-verify -m 'x' -m 'Depends-On: #99'
git push -q origin HEAD~3:refs/for/main/topic-a 2>/dev/null
a=$(ymj '.[] | select(.topic == "topic-a") | .number' pr list)
git checkout -q -b topic-a
refused 'the PR of this very branch, by its topic' 'cannot wait for itself' "Depends-On: #$a"
git checkout -q -b "pr/$a"
refused '... and as pr checkout calls it' 'cannot wait for itself' "Depends-On: #$a"
git checkout -q -b topic-b origin/main
git commit -q --allow-empty -m 'B' -m "Depends-On: #$a"
commit_file . src/b.txt b 'B' 2>/dev/null
git push -q origin HEAD:refs/for/main/topic-b 2>/dev/null
b=$(ymj '.[] | select(.topic == "topic-b") | .number' pr list)
wait_for "ymj '.depends[].on_pr' pr show $b | grep -qx $a" || bail 'no dependency'
git checkout -q topic-a
refused 'a cycle over another PR' "depends itself on #$a, to which this branch belongs" "Depends-On: #$b"
git checkout -q --detach
taken 'a detached head is nobody'"'"'s branch' "Depends-On: #$b"
ym pr close "$b" >/dev/null
like "$(try git commit -q --allow-empty -m x -m "Depends-On: #$b")" 'note: Depends-On: #[0-9]+: was closed' 'a closed PR: a note, no refusal'
git checkout -q free

# --- pre-push
main=$(git -C "$bare" rev-parse main)
no_push() { # NAME REGEX ARGS...
	local out code=0
	out=$(try git push "${@:3}") || code=$?
	isnt $code 0 "$1: refused"
	like "$out" "$2" '... with what to do instead'
	unlike "$out" 'remote:' '... before anything was sent'
}
no_push 'the base branch' 'push refused: .refs/heads/main. of app: .*git push origin HEAD:refs/for/main/TOPIC' origin HEAD:main
no_push 'by force' 'moved by the merge queue only' --force origin HEAD:main
no_push 'its deletion' 'moved by the merge queue only' origin :main
no_push "a task's branch" "yardmaster's own" origin HEAD:refs/heads/yardmaster/9-x
no_push 'by file://' 'moved by the merge queue only' "file://$bare" HEAD:main
no_push 'among others' 'moved by the merge queue only' origin HEAD:refs/heads/fine HEAD:main
git -C "$bare" rev-parse -q --verify refs/heads/fine && fail 'nothing of a refused push arrives' || pass 'nothing of a refused push arrives'
cat >"$T/ssh" <<'END'
#!/bin/bash
# What ssh does, on this machine: the last word is the command.
exec sh -c "${*: -1}"
END
chmod +x "$T/ssh"
export GIT_SSH_COMMAND=$T/ssh GIT_SSH_VARIANT=simple
no_push 'over ssh' 'moved by the merge queue only' "ssh://me@localhost$bare" HEAD:main
like "$(try git push --no-verify origin HEAD:main)" 'remote: .*merge queue only' '--no-verify: the server decides'
is "$(git -C "$bare" rev-parse main)" "$main" 'the branch has not moved'
ok "somebody's own branch" git push -q origin HEAD:refs/heads/anna/x
ok '... its deletion' git push -q origin :refs/heads/anna/x
git init -q --bare "$T/elsewhere.git"
ok 'main of a repository that is not managed' git push -q "$T/elsewhere.git" HEAD:main
for i in $(seq 1 1500); do echo "create refs/tags/t$i HEAD"; done | git update-ref --stdin
no_push 'main behind many other refs' 'moved by the merge queue only' origin 'refs/tags/*:refs/tags/*' HEAD:main
ok 'many refs, none of them protected' git push -q "$T/elsewhere.git" 'refs/tags/*:refs/tags/*'
git for-each-ref --format='delete %(refname)' refs/tags | git update-ref --stdin
ym repo add empty >/dev/null
git init -q "$T/e"; git -C "$T/e" remote add origin "$(repo_path empty)"
install "$T/e" >/dev/null
commit_file "$T/e" a.txt x
ok 'the first push to an empty repository' git -C "$T/e" push -q origin HEAD:main
wait_for "ymj '.[] | select(.name == \"empty\") | .head' repo list | grep -q '[0-9a-f]'"
commit_file "$T/e" a.txt y
like "$(try git -C "$T/e" push -q origin HEAD:main)" 'push refused' 'the second is refused'

# --- predicted conflicts
git checkout -q -b one origin/main
commit_file . src/shared.txt 1 'First of two' 2>/dev/null
git push -q origin HEAD:refs/for/main/one 2>/dev/null
one=$(ymj '.[] | select(.topic == "one") | .number' pr list -R app)
git checkout -q -b two origin/main
commit_file . src/shared.txt 2 'Second of two' 2>/dev/null
out=$(try git push -q origin HEAD:refs/for/main/two)
like "$out" "may conflict with PR #$one .First of two. by $ME: both change .src/shared.txt." 'an open PR changes the same file: which, whose, where'
is "$(echo "$out" | grep -c 'may conflict')" 1 '... and no other'
commit_file . src/shared.txt 3 2>/dev/null
out=$(try git push -q origin HEAD:refs/for/main/two)
is "$(echo "$out" | grep -c 'may conflict')" 1 'an update: its own PR is none of them'
git checkout -q -b stacked one
commit_file . src/shared.txt 4 2>/dev/null
unlike "$(try git push -q origin HEAD:refs/for/main/stacked)" "PR #$one" 'what it is built on is none of them'
git checkout -q -b lonely origin/main
commit_file . src/lonely.txt 4 2>/dev/null
unlike "$(try git push -q origin HEAD:refs/for/main/lonely)" 'may conflict' 'other files: silence'
like "$(try git push -q origin two:refs/heads/two)" "PR #$one" 'a branch is looked at as well'

# --- whose daemon
like "$(YARDMASTER_REPO=gone try git commit -q --allow-empty --amend -m x -m "Depends-On: #$a")" "not checked.*'gone': not known" 'another repository from the environment'
like "$(YARDMASTER_SOCKET=$T/none try git commit -q --allow-empty -m x)" 'not checked.*nobody listens' 'another socket from the environment'
ok 'may nothing' ym user add "$ME" --uid "$(id -u)" --permission read
like "$(try git push origin HEAD:main)" 'push refused' 'who may read is helped too'
git config yardmaster.repo gone
like "$(try git push -q origin HEAD:refs/heads/x)" "not checked.*'gone': not known" 'a repository that is gone: one line'
git config yardmaster.repo app

# --- a daemon that answers has no objection
printf 'x\n\nDepends-On: #%s\n' "$a" >"$T/message"
echo 0 >>src/a.txt; git add -A
git checkout -q --detach
is "$(.git/hooks/pre-commit 2>&1)" '' 'pre-commit when the daemon answers'
is "$(.git/hooks/commit-msg "$T/message" 2>&1)" '' 'commit-msg when the daemon answers'
git checkout -q free

# --- the daemon is away, or hangs
ym_stop
quick() { # NAME REGEX COMMAND...: lets it through, in one line
	local out code=0
	out=$(patient try "${@:3}") || code=$?
	is $code 0 "$1: git goes on"
	like "$out" "$2" '... with a note'
	is "$(grep -c '^yardmaster:' <<<"$out")" 1 '... of one line'
}
echo 1 >>src/a.txt; git add -A
quick 'pre-commit without a daemon' 'not checked, git goes on without: .*nobody listens' git commit -q -m x
printf 'x\n\nDepends-On: #99\n' >"$T/message"
quick 'commit-msg without a daemon' 'not checked' "$YARDMASTER" hook commit-msg '' "$T/message"
printf 'x\n\nDepends-On: later\n' >"$T/wrong"
exits 1 'a wrong form is seen without a daemon' "$YARDMASTER" hook commit-msg '' "$T/wrong"
quick 'pre-push without a daemon' 'not checked' git push -q "$T/elsewhere.git" HEAD:refs/heads/away
out=$(try git push origin HEAD:main)
like "$out" 'not checked' 'a protected branch without a daemon: a note'
like "$out" 'remote: .*merge queue only' '... and the server decides'
mkdir "$T/slow"
printf '#!/bin/sh\nsleep 30\n' >"$T/slow/git"
chmod +x "$T/slow/git"
quick 'pre-commit, git itself hangs' 'not checked, git goes on without: .*took too long' \
	env -u YARDMASTER_HOOK_MS PATH="$T/slow:$PATH" "$YARDMASTER" hook pre-commit ''
ym_start
kill -STOP "$(ym_pid)"
export YARDMASTER_HOOK_MS=$(($(pace) * 3)) # enough for what git has to say
echo 2 >>src/a.txt; git add -A
quick 'pre-commit, the daemon hangs' 'not checked, git goes on without: .*no answer within the time' git commit -q -m x
quick 'commit-msg, the daemon hangs' 'not checked' "$YARDMASTER" hook commit-msg '' "$T/message"
quick 'pre-push, the daemon hangs' 'not checked' git push -q "$T/elsewhere.git" HEAD:refs/heads/hangs
echo 3 >>src/a.txt; git add -A
like "$(.git/hooks/pre-commit 2>&1)" 'no answer within the time' 'pre-commit by itself, when the daemon hangs'
like "$(.git/hooks/commit-msg "$T/message" 2>&1)" 'no answer within the time' 'commit-msg by itself, when the daemon hangs'
kill -CONT "$(ym_pid)"
ym_stop
is $? 0 'the daemon ends when told'
done_testing
