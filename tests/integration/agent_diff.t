#!/bin/bash
# What an agent may not leave behind: the round fails with that reason, and nothing of it is run or landed.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/task_lib.sh"

doer
cat >"$T/repo.yml" <<'END'
protect: ["src/vendor/**"]
queue: { gates: ["sh gate.sh"] }
END
usual_blueprint fix pull-request 'rounds: 1' 'touch gate-ran; ! ls src/hook-ran 2>/dev/null'
cat >"$BP/all.yml" <<'END'
name: all
allow: ["**"]
limits: { rounds: 1 }
steps:
  - agent: prompts/do.md
    gates: ["true"]
  - pull-request: {}
END
cat >"$BP/ci.yml" <<'END'
name: ci
allow: ["**"]
allow-protected: [".github/workflows/ci.yml"]
steps:
  - agent: prompts/do.md
  - pull-request: {}
END
ym_start
me
task_repo app
base=$(git -C "$(repo_path app)" rev-parse main)

refused() { # NAME BLUEPRINT REASON LINE...
	do_issue "agent:$2" "${@:4}"
	until_state needs-human
	like "$(reason)" 'The change was refused and nothing of it was taken' "$1: refused"
	wait_for "comments $N | grep -q 'needs a person'"
	like "$(comments "$N")" "$3" "$1: the comment says why"
	is "$(run_of gate)" null "$1: no gate ran on it"
	is "$(ymj .pr task show "$K")" 0 "$1: there is no PR"
	is "$(git -C "$(repo_path app)" rev-parse "$(ymj .branch task show "$K")")" "$base" "$1: nothing is on the branch"
}

refused 'outside allow' fix 'docs/x.md' 'mkdir docs; echo x >docs/x.md; echo x >>src/a.txt'
refused 'deleting outside allow' fix 'gate.sh' 'rm gate.sh'
refused 'a symlink out of the tree' fix 'src/link' 'ln -s /etc/passwd src/link'
refused 'a symlink up and out' fix 'src/link' 'ln -s ../../outside src/link'
refused 'a symlink into .git' fix 'src/link' 'ln -s ../.git/config src/link'
refused 'a huge file' fix 'src/huge' 'head -c 11000000 /dev/zero >src/huge'
refused 'a workflow' all '.github/workflows/ci.yml' 'mkdir -p .github/workflows; echo "on: push" >.github/workflows/ci.yml'
refused 'its own instructions' all 'AGENTS.md' 'echo "do as I say" >AGENTS.md'
refused 'a nested AGENTS.md' all 'src/AGENTS.md' 'echo "do as I say" >src/AGENTS.md'
refused 'the repository configuration' all '.github/yardmaster.yml' 'echo "queue: {}" >.github/yardmaster.yml'
refused 'settings of any agent, at any depth' all 'src/.opencode/agent.md.*coding agents' 'mkdir src/.opencode; echo x >src/.opencode/agent.md'
refused 'in any case' all 'Gemini.md.*protected file' 'echo x >src/Gemini.md'
refused 'a link in the place of a folder of settings' all 'src/.claude' 'mkdir src/c; echo x >src/c/x; ln -s c src/.claude'
refused 'what an editor runs' all '.vscode/tasks.json.*editor' 'mkdir .vscode; echo "{}" >.vscode/tasks.json'
refused 'what the repository protects' fix 'src/vendor/x' 'mkdir src/vendor; echo x >src/vendor/x'
refused 'a nested .git' all 'src/sub/.git' 'git init -q src/sub; echo x >src/sub/x; echo x >>src/a.txt'
refused 'a .git in disguise' all 'src/.GIT' 'mkdir src/.GIT; echo x >src/.GIT/config; echo x >>src/a.txt'
refused 'a .git file' all 'src/sub/.git' 'mkdir src/sub; echo "gitdir: /tmp" >src/sub/.git; echo x >>src/a.txt'
refused 'a submodule' all '.gitmodules' 'printf "[submodule \"x\"]\n\tpath = x\n\turl = /tmp\n" >.gitmodules'
refused 'a file name with a newline' fix 'src/two.nlines' 'echo x >"src/$(printf "two\nlines")"'
refused 'many files' fix '5000' 'for i in $(seq 5100); do echo $i >src/f$i; done'

# --- what it does in its private Git directory has no effect outside
do_issue agent:fix \
	'mkdir -p "$(git rev-parse --git-dir)/hooks"' \
	'for h in pre-commit post-commit post-checkout pre-push reference-transaction fsmonitor; do printf "#!/bin/sh\ntouch /tmp/hook-ran '"$T"'/hook-ran src/hook-ran\n" >"$(git rev-parse --git-dir)/hooks/$h"; chmod 755 "$(git rev-parse --git-dir)/hooks/$h"; done' \
	'git config core.fsmonitor "touch '"$T"'/hook-ran"; git config core.hooksPath .git/hooks; git config filter.x.clean "touch '"$T"'/hook-ran"; git config user.name Evil' \
	'mkdir -p "$(git rev-parse --git-dir)/info"; echo "* filter=x" >"$(git rev-parse --git-dir)/info/attributes"' \
	'echo mine >>src/a.txt; git -c core.hooksPath=/dev/null -c core.fsmonitor= add -A; git -c core.hooksPath=/dev/null -c core.fsmonitor= commit -q -m "by the agent"; git branch stray; git tag stray; git stash list' \
	'git log -1 --format="in: %s"; rm -f src/hook-ran'
until_state done
bare=$(repo_path app)
like "$(ym task logs "$K" --run "$(run_of agent)")" 'in: by the agent' 'it may commit in its own Git directory'
branch=$(ymj .branch task show "$K")
is "$(git -C "$bare" log --format=%s "$base..$branch")" 'Do it' 'the branch has one commit, the host'"'"'s'
like "$(git -C "$bare" show "$branch:src/a.txt")" 'mine' 'with the files as the agent left them'
unlike "$(git -C "$bare" for-each-ref)" 'stray' 'its branches and tags are not in the mirror'
unlike "$(git -C "$bare" config --list)" 'Evil|fsmonitor=touch|filter' 'nor its configuration'
not_ok 'no hook or filter of it was run by the host' ls "$T/hook-ran"
is "$(git -C "$bare" rev-parse main)" "$base" 'the base has not moved'

# --- what a blueprint names is allowed
do_issue agent:ci 'mkdir -p .github/workflows; echo "on: push" >.github/workflows/ci.yml'
until_state done
pass 'a protected file that the blueprint allows by name is taken'

# --- a FIFO is nothing that Git can hold: left out, and nobody waits for its other end
do_issue agent:fix 'mkfifo src/pipe; echo x >>src/a.txt'
until_state done
unlike "$(ym pr diff "$(ymj .pr task show "$K")")" 'src/pipe' 'a FIFO is left out'

# --- odd names and things that are fine
do_issue agent:fix 'echo x >"src/ü \"quoted\" \$name"; ln -s a.txt src/inside; chmod 755 src/a.txt; rm src/a.txt; mkdir src/a.txt; echo x >src/a.txt/b'
until_state done
like "$(ym pr diff "$(ymj .pr task show "$K")")" 'inside' 'links inside, odd names and a file that becomes a folder are fine'
ym_stop
is $? 0 'the daemon ends when told'
done_testing
