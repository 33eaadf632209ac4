#!/bin/bash
# Local hooks: they stand beside whatever hooks are there, and go away without a trace.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/queue.sh"
. "$(dirname "$0")/hooks.sh"

# A program of this test's own: it is taken away below, and others run at the same time.
mkdir "$T/bin"
cp "$YARDMASTER"{,-daemon,-keeper} "$T/bin/"
YARDMASTER=$T/bin/yardmaster
hooks_world
fresh() { # NAME: another clone, W and G
	W=$T/$1 G=$T/$1/.git
	clone app "$W"
	cd "$W" || exit 1
}
commit() { git -C "$W" commit -q --allow-empty -m "${1-x}" "${@:2}"; }
leased='not checked' # what a hook of ours says when it cannot ask
there() { YARDMASTER_SOCKET=$T/none commit x 2>&1; } # shows whether pre-commit of ours runs

# --- nothing is there: straight into the hooks folder
fresh direct
before=$(snap "$G")
like "$(install)" "^The hooks of app are in $G/hooks\.$" 'install says where'
is "$(status '[.in_force, .place, .repo, .repo_known, .daemon, (.hooks | map(.state) | unique[])] | @csv')" \
	'true,"direct","app",true,"answers","ours"' 'status: all in force'
exits 0 'status ends with 0' hooks status
is "$(git config yardmaster.repo) $(git config yardmaster.socket)" "app $D/socket" 'the clone knows repository and socket'
is "$(git config core.hooksPath)" '' 'core.hooksPath is not touched'
like "$(there)" "$leased" 'the hook runs'
is "$(git status --porcelain)" '' 'nothing of it in the worktree'
git reset -q --hard origin/main
with=$(snap "$G")
like "$(install)" 'nothing was changed' 'again: says that nothing changed'
same "$with" '... and it is so'
like "$(hooks uninstall)" '^The hooks are out\.$' 'uninstall'
ok 'uninstall again is no error' hooks uninstall
exits 1 'status ends with 1 now' hooks status
fresh direct2
before=$(snap "$G")
install >/dev/null
hooks uninstall >/dev/null
same "$before" 'uninstalled: every byte and mode as before'
rm -r "$G/hooks"
chmod 600 "$G/config"
before=$(snap "$G")
install >/dev/null
like "$(there)" "$leased" 'no hooks folder: it is made'
git reset -q --hard; git update-ref -d ORIG_HEAD; rm -f .git/COMMIT_EDITMSG
fresh direct3
rm -r "$G/hooks"; chmod 600 "$G/config"
before=$(snap "$G")
install >/dev/null
hooks uninstall >/dev/null
same "$before" '... and goes again; the mode of the configuration stays'

# --- hooks are there
fresh own
hook "$G/hooks/pre-commit"
hook "$G/hooks/commit-msg"
hook "$G/hooks/pre-push"
hook "$G/hooks/post-commit"
hook "$G/hooks/pre-rebase"; chmod 644 "$G/hooks/pre-rebase"
hook "$G/hooks/reference-transaction"
rm -f "$G/hooks/reference-transaction"
before=$(snap "$G")
like "$(install)" "pass on to $G/hooks\.$" 'hooks are there: ours pass on'
is "$(status '.hooks[0].behind_kind')" 'a hook of your own' 'status names what is behind'
out=$(there)
like "$out" "$leased" 'ours runs'
is "$(ran)" "zero=$G/hooks/pre-commit
zero=$G/hooks/commit-msg
arg=.git/COMMIT_EDITMSG
zero=$G/hooks/post-commit" 'and the others, at their place, with their arguments, those that are not ours too'
git push -q origin HEAD:refs/heads/some/branch 2>/dev/null
is "$(ran)" "zero=$G/hooks/pre-push
arg=origin
arg=$(repo_path app)
in=HEAD $(git rev-parse HEAD) refs/heads/some/branch 0000000000000000000000000000000000000000" \
	'pre-push gets what git says on standard input'
hook "$G/hooks/pre-commit" 3
not_ok 'the exit code of the one behind counts' commit no
hook "$G/hooks/pre-commit"
hook "$G/hooks/commit-msg" 1
not_ok '... of commit-msg too' commit no
hook "$G/hooks/commit-msg"
hook "$G/hooks/pre-push" 1
not_ok '... and of pre-push' git push -q origin HEAD:refs/heads/some/other
hook "$G/hooks/pre-push"
chmod 644 "$G/hooks/pre-commit"
ran >/dev/null
commit y
unlike "$(ran)" 'zero=[^ ]*pre-commit' 'one that is not executable is not run'
like "$(status '.hooks[0].behind_kind')" 'not executable' 'and status says so'
chmod 755 "$G/hooks/pre-commit"
printf 'echo plain >>%s/ran\n' "$T" >"$G/hooks/pre-commit" # no #!
commit y
like "$(ran)" plain 'one without #! is a shell script, as for git'
hook "$G/hooks/post-merge"
git merge -q --no-edit -s ours origin/main HEAD~1 >/dev/null 2>&1; git merge -q --no-ff -m m HEAD~0 >/dev/null 2>&1
git checkout -q -b side HEAD~1; commit s; git checkout -q -; git merge -q --no-edit side
like "$(ran)" 'post-merge' 'one that came after the installation runs too'
rm "$G/hooks/post-merge"
printf '#!%s/gone\n' "$T" >"$G/hooks/pre-commit"
not_ok 'one that cannot be started refuses, as with git' commit no
like "$(commit no 2>&1)" "$G/hooks/pre-commit: cannot be run" '... and is named'
hook "$G/hooks/pre-commit"
mv "$YARDMASTER" "$YARDMASTER.away"
out=$(there)
mv "$YARDMASTER.away" "$YARDMASTER"
like "$out" 'is gone; nothing was checked' 'without the program: a note'
like "$(ran)" 'commit-msg' '... and the hooks behind run all the same'
fresh own2
hook "$G/hooks/pre-commit"; hook "$G/hooks/update"; chmod 700 "$G/hooks/update"
hook "$G/hooks/pre-rebase"; chmod 644 "$G/hooks/pre-rebase"
ln -s pre-commit "$G/hooks/commit-msg"
printf '# a comment\n[core]\n\t# another\n' >>"$G/config"
before=$(snap "$G")
install >/dev/null
out=$(there)
is "$(ran | sed -n 's/^zero=.*hooks.//p' | tr '\n' ' ')" 'pre-commit commit-msg ' 'a hook that goes by its name finds it'
git reset -q --hard origin/main
fresh own3
hook "$G/hooks/pre-commit"; ln -s pre-commit "$G/hooks/commit-msg"
printf '# a comment\n[core]\n\t# another\n' >>"$G/config"
before=$(snap "$G")
install >/dev/null
isnt "$(snap "$G")" "$before" 'installed again'
like "$(install)" 'nothing was changed' 'twice changes nothing'
hooks uninstall >/dev/null
same "$before" 'uninstalled with hooks there: every byte, link and mode as before'

# --- core.hooksPath
fresh rel
hook "$W/.githooks/pre-commit"
git config core.hooksPath .githooks
before=$(snap "$G")
install >/dev/null
out=$(cd src && there)
like "$out" "$leased" 'a relative core.hooksPath: ours'
is "$(ran)" "zero=.githooks/pre-commit" '... and that of the worktree, as git calls it'
is "$(cd "$W" && git status --porcelain)" '?? .githooks/' 'the worktree is not touched'
fresh rel2
git config core.hooksPath .githooks; git config --add core.hooksPath "$T/abs hooks"
hook "$T/abs hooks/commit-msg"
before=$(snap "$G")
install >/dev/null
commit x
is "$(ran)" "zero=$T/abs hooks/commit-msg
arg=.git/COMMIT_EDITMSG" 'an absolute one, with a space; of several the last'
git reset -q --hard origin/main; git reflog expire --expire=now --all
fresh rel3
git config core.hooksPath .githooks; git config --add core.hooksPath "$T/abs hooks"
before=$(snap "$G")
install >/dev/null
hooks uninstall >/dev/null
same "$before" 'both values are as they were'
fresh rel4
git config core.hooksPath .githooks; git config --add core.hooksPath "$T/abs hooks"
install >/dev/null
git config user.nickname x
hooks uninstall >/dev/null
is "$(git config --get-all core.hooksPath) $(git config user.nickname)" ".githooks
$T/abs hooks x" '... also when others wrote there in between'
fresh glob
hook "$T/home/global/pre-commit"
# shellcheck disable=SC2088 # git expands it
git config --global core.hooksPath '~/global'
global=$(sha256sum <"$T/home/.gitconfig")
before=$(snap "$G")
install >/dev/null
like "$(there)" "$leased" 'a global one: ours'
is "$(ran)" "zero=$T/home/global/pre-commit" '... and the global one'
is "$(sha256sum <"$T/home/.gitconfig")" "$global" 'the global configuration is not touched'
hooks uninstall >/dev/null
is "$(git config --show-scope core.hooksPath)" "global	~/global" 'uninstalled: the global one is in force'
git config --global --unset core.hooksPath
fresh includes
printf '[include]\n\tpath = late\n' >>"$G/config"
printf '[core]\n\thooksPath = /elsewhere\n' >"$G/late"
before=$(snap "$G")
exits 5 'an include that would win: refused' install
like "$(install 2>&1)" 'still looks for its hooks in /elsewhere' '... with the reason'
same "$before" '... and nothing stays'

# --- other tools
husky9() {
	mkdir -p .husky/_
	printf '*' >.husky/_/.gitignore
	cat >.husky/_/h <<-'END'
		#!/usr/bin/env sh
		[ "$HUSKY" = "2" ] && set -x
		n=$(basename "$0")
		s=$(dirname "$(dirname "$0")")/$n

		[ ! -f "$s" ] && exit 0
		[ "${HUSKY-}" = "0" ] && exit 0
		export PATH="node_modules/.bin:$PATH"
		sh -e "$s" "$@"
		c=$?
		[ $c != 0 ] && echo "husky - $n script failed (code $c)"
		exit $c
	END
	for h in pre-commit commit-msg pre-push post-checkout; do
		printf '#!/usr/bin/env sh\n. "$(dirname "$0")/h"' >".husky/_/$h"
		chmod 755 ".husky/_/$h"
	done
	git config core.hooksPath .husky/_
}
fresh husky9
husky9
echo "echo husky9 pre-commit >>$T/ran" >.husky/pre-commit
echo "echo husky9 commit-msg \$1 >>$T/ran" >.husky/commit-msg
before=$(snap "$G") tree=$(snap .husky)
install >/dev/null
is "$(status '.hooks[0].behind_kind')" husky 'husky 9 is recognised'
commit x
is "$(ran)" 'husky9 pre-commit
husky9 commit-msg .git/COMMIT_EDITMSG' 'its hooks run'
is "$(snap .husky)" "$tree" 'its files are not touched'
git config core.hooksPath .husky/_ # `npm install` does that
exits 1 'npm install puts ours out of force: status says so' hooks status
is "$(status '.hooks[0].state')" 'not in force: core.hooksPath leads elsewhere' '... and why'
ok 'install mends it' install
like "$(there)" "$leased" '... and ours runs'
like "$(ran)" 'husky9 pre-commit' '... with husky'
git config core.hooksPath .husky/_
like "$(hooks uninstall)" 'core.hooksPath is left as it is: somebody else' 'uninstall leaves what husky has set, and says so'
is "$(git config core.hooksPath)" .husky/_ '... it is there'
ok 'nothing of ours is' test ! -e "$G/yardmaster"
is "$(git config --get-regexp '^yardmaster')" '' 'nor in the configuration'
git config core.hooksPath .husky/_
fresh husky9b
husky9
before=$(snap "$G")
install >/dev/null
hooks uninstall >/dev/null
same "$before" 'uninstalled: husky 9 as before'
fresh husky8
mkdir -p .husky/_
printf '#!/usr/bin/env sh\necho husky8 "$0" >>%s/ran\n' "$T" >.husky/_/husky.sh
printf '#!/usr/bin/env sh\n. "$(dirname -- "$0")/_/husky.sh"\n' >.husky/pre-commit; chmod 755 .husky/pre-commit
git config core.hooksPath .husky
before=$(snap "$G")
install >/dev/null
commit x
is "$(ran)" 'husky8 .husky/pre-commit' 'husky 5 to 8'
fresh husky4
printf 'echo husky4 "$(basename "$0")" "$*" >>%s/ran\n' "$T" >"$G/hooks/husky.sh"
for h in pre-commit commit-msg post-checkout; do
	printf '#!/bin/sh\n# husky\n\n. "$(dirname "$0")/husky.sh"\n' >"$G/hooks/$h"; chmod 755 "$G/hooks/$h"
done
install >/dev/null
commit x
is "$(ran)" 'husky4 pre-commit 
husky4 commit-msg .git/COMMIT_EDITMSG' 'husky 4 goes by name and folder'
fresh precommit
cat >"$G/hooks/pre-commit" <<END
#!/usr/bin/env bash
# File generated by pre-commit: https://pre-commit.com
# ID: 138fd403232d2ddd5efb44317e38bf03
ARGS=(hook-impl --config=.pre-commit-config.yaml --hook-type=pre-commit)
HERE="\$(cd "\$(dirname "\$0")" && pwd)"
ARGS+=(--hook-dir "\$HERE" -- "\$@")
echo "\${ARGS[@]}" >>$T/ran
END
chmod 755 "$G/hooks/pre-commit"
before=$(snap "$G")
install >/dev/null
is "$(status '.hooks[0].behind_kind')" pre-commit 'pre-commit is recognised'
commit x
is "$(ran)" "hook-impl --config=.pre-commit-config.yaml --hook-type=pre-commit --hook-dir $G/hooks --" '... runs, and finds its folder'
fresh lefthook
cat >"$G/hooks/pre-push" <<END
#!/bin/sh
if [ "\$LEFTHOOK" = "0" ]; then exit 0; fi
call_lefthook() { echo "lefthook \$*" >>$T/ran; }
call_lefthook run "pre-push" "\$@"
END
chmod 755 "$G/hooks/pre-push"
before=$(snap "$G")
install >/dev/null
is "$(status '.hooks[2].behind_kind')" lefthook 'lefthook is recognised'
git push -q origin HEAD:refs/heads/by/lefthook
is "$(ran)" "lefthook run pre-push origin $(repo_path app)" '... runs'
hooks uninstall >/dev/null

# --- others write in between
fresh between
install >/dev/null
git config user.nickname x
mv "$G/hooks/pre-commit" "$G/hooks/pre-commit.legacy" # as pre-commit does
hook "$G/hooks/pre-commit"
mv "$G/hooks/pre-push" "$G/hooks/pre-push.old" # as lefthook does
hook "$G/hooks/pre-push"
echo '# mine' >>"$G/hooks/commit-msg"
is "$(status '[.hooks[].state] | unique[]')" 'replaced by somebody else' 'status: others have written there'
out=$(hooks uninstall)
like "$out" 'pre-commit: left as it is: somebody else has written it' 'uninstall names what it leaves'
like "$out" 'commit-msg: left as it is' '... also ours that was changed'
is "$(hooks uninstall --json | jq -c .left)" '[]' 'the list is there for programs'
is "$(git config user.nickname)" x 'the others'"'"' setting stays'
is "$(git config --get-regexp '^(yardmaster|core.hookspath)')" '' 'ours does not'
not_ok 'ours that they moved aside are gone' ls "$G"/hooks/*.legacy "$G"/hooks/*.old
ok 'theirs is there' test -x "$G/hooks/pre-commit"
fresh front
hook "$G/hooks/pre-commit"
install >/dev/null
mv "$G/yardmaster/hooks/pre-push" "$G/yardmaster/hooks/pre-push.old" # as lefthook does
hook "$G/yardmaster/hooks/pre-push"
was=$(snap "$G")
exits 5 "another tool's hook where ours stood: install replaces nothing" install
same "$was" '... and changes nothing'
mv "$G/yardmaster/hooks/pre-push" "$G/hooks/pre-push"
ok '... moved to where it says, install is content' install
git push -q origin HEAD:refs/heads/moved/there 2>/dev/null
like "$(ran)" "zero=$G/hooks/pre-push" '... and that hook runs'
fresh strangers
hook "$G/hooks/pre-commit"
hook "$G/yardmaster/hooks/commit-msg"
before=$(snap "$G")
exits 5 "somebody else's file in our folder: install replaces nothing" install
same "$before" '... and nothing stays'
fresh locked
before=$(snap "$G")
install >/dev/null
: >"$G/config.lock" # another git is writing it
like "$(hooks uninstall 2>&1)" "$G/config.lock: take git's lock" "uninstall keeps to git's lock on the configuration"
ok '... which is there' test -e "$G/config.lock"
is "$(git config yardmaster.repo)" app '... as is what was set'
rm "$G/config.lock"
hooks uninstall >/dev/null
same "$before" '... and afterwards it puts everything back'
fresh halfway
chmod 555 "$G/hooks"
before=$(snap "$G")
not_ok 'a hooks folder that cannot be written to' install
same "$before" '... and nothing of what was begun stays'
chmod 755 "$G/hooks"
fresh between2
hook "$G/hooks/pre-commit"
install >/dev/null
git config user.nickname x
hook "$G/yardmaster/hooks/pre-merge-commit"
out=$(hooks uninstall)
like "$out" 'pre-merge-commit: left' 'a file of others in our folder is left, and named'
is "$(git config core.hooksPath)" '' '... and git looks where it did before'
is "$(git config user.nickname)" x '... with the setting that came in between'

# --- an upgrade, a move
fresh upgrade
hook "$G/hooks/pre-commit"
install >/dev/null
own=$(sha256sum <"$G/hooks/pre-commit")
mkdir "$T/newer"
cp "$YARDMASTER"{,-daemon} "$T/newer/"
"$T/newer/yardmaster" hooks install --socket "$D/socket" >/dev/null
like "$(cat "$G/yardmaster/hooks/pre-commit")" "ym='$T/newer/yardmaster'" 'an upgrade replaces our own file'
is "$(sha256sum <"$G/hooks/pre-commit")" "$own" '... and no other'
mv "$W" "$T/moved"
cd "$T/moved" || exit 1
exits 1 'a clone that was moved: status says so' hooks status
W=$T/moved G=$T/moved/.git
ok '... install mends it' install
like "$(there)" "$leased" '... and ours runs'
like "$(ran)" "zero=$T/moved/.git/hooks/pre-commit" '... with the hook at its new place'

# --- worktrees, submodules
fresh trees
hook "$G/hooks/pre-commit"
git worktree add -q "$T/tree" -b tree
install >/dev/null
W=$T/tree
like "$(there)" "$leased" 'a linked worktree has the hooks'
like "$(ran)" "zero=$G/hooks/pre-commit" '... both'
is "$(status .in_force)" true '... says its status'
hooks uninstall "$T/tree" >/dev/null
W=$T/trees
unlike "$(there)" "$leased" 'uninstalled from there'
git config extensions.worktreeConfig true
hook "$T/wt hooks/pre-commit"
git -C "$T/tree" config --worktree core.hooksPath "$T/wt hooks"
wt=$(snap "$G/worktrees/tree") cfg=$(sha256sum <"$G/config")
W=$T/tree
ran >/dev/null
ok 'core.hooksPath of one worktree' install
like "$(there)" "$leased" '... ours'
is "$(ran)" "zero=$T/wt hooks/pre-commit" '... and its own'
is "$(sha256sum <"$G/config")" "$cfg" '... the others are not touched'
hooks uninstall "$T/tree" >/dev/null
is "$(sha256sum <"$G/worktrees/tree/config.worktree")" "$(echo "$wt" | sed -n 's/  .*config.worktree$/  -/p')" '... nor is it in the end'
git init -q "$T/super"
git -C "$T/super" -c protocol.file.allow=always submodule --quiet add "$(repo_path app)" sub
W=$T/super/sub G=$T/super/.git/modules/sub
before=$(snap "$G")
ok 'a submodule' install
like "$(there)" "$leased" '... has the hooks'
git -C "$W" reset -q --hard origin/main
hooks uninstall "$W" >/dev/null
ok '... and then not' test ! -e "$G/hooks/pre-commit"

# --- refused
git init -q "$T/alien"
git -C "$T/alien" remote add origin https://github.com/acme/other
before=$(snap "$T/alien/.git")
exits 3 'a clone of nothing managed' hooks install --socket "$D/socket" "$T/alien"
like "$(hooks install --socket "$D/socket" "$T/alien" 2>&1)" 'Nothing was installed' '... is told so'
is "$(snap "$T/alien/.git")" "$before" '... and not touched'
exits 3 'no clone' hooks install --socket "$D/socket" "$T/home"
exits 5 "the daemon's own repository" hooks install --socket "$D/socket" "$(repo_path app)"
fresh several
ym repo add other --from "$T/src/app" >/dev/null
git remote rename origin first
git remote add second "file://$(repo_path other)"
exits 2 'remotes of several repositories' hooks install --socket "$D/socket"
ok '... one of which is named' hooks install --socket "$D/socket" --repo other
is "$(git config yardmaster.repo)" other '... is taken'
exits 3 'one that no remote leads to' hooks install --socket "$D/socket" --repo nothing
fresh relative
git remote set-url origin "../data/repos/$(basename "$(repo_path app)")"
ok 'a relative path as remote' install
git remote set-url origin "ssh://me@localhost$(repo_path app)"
ok 'the same over ssh' install
hooks uninstall >/dev/null
git config "url.$D/repos/.insteadOf" yard:
git remote set-url origin "yard:$(basename "$(repo_path app)")"
ok 'an address that git replaces (insteadOf)' install
hooks uninstall >/dev/null
exits 5 'core.hooksPath of the environment' env GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=core.hooksPath GIT_CONFIG_VALUE_0=/x \
	"$YARDMASTER" hooks install --socket "$D/socket"
ym_stop
exits 6 'no daemon to ask' install
like "$(status .daemon "$T/several")" 'nobody listens' 'status without a daemon says so'
is "$(status .in_force "$T/several")" true '... and that the hooks are in force'
done_testing
