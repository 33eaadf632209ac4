#!/bin/bash
# Over SSH with a deploy key: a label becomes a landed commit without git over HTTP; a host that shows another key than
# the known-hosts file has is refused by name and gets nothing, and all goes on when the file is right again.
. "$(dirname "$0")/lib.sh"

user=$(id -un) ssh=$T/ssh
mkdir -m 700 "$ssh"
for k in deploy host other; do
	ssh-keygen -q -t ed25519 -N '' -C "$k" -f "$ssh/$k"
done
# GitHub's git@HOST: the path is OWNER/NAME.git, and there is no shell. What a push did, the stand-in is told.
serve_git() {
	cat >"$ssh/git" <<-END
		#!/bin/bash
		read -r service path <<<"\$SSH_ORIGINAL_COMMAND"
		path=\${path//\'/}
		repo=\${path#/}
		repo=\${repo%.git}
		tell() { curl -sS -H 'Content-Type: application/json' -d "{\"repo\": \"\$repo\", \"as\": \"carol\"\$1}" '$GH/_control/git'; }
		case "\$service" in git-upload-pack | git-receive-pack) ;; *) exit 1 ;; esac
		dir=\$(tell '' | jq -r .dir)
		echo "\$service \$repo" >>'$ssh/served'
		"\$service" "\$dir"
		code=\$?
		[ "\$service" = git-upload-pack ] || tell ', "done": true' >/dev/null
		exit \$code
	END
	chmod 755 "$ssh/git"
	printf 'restrict,command="%s" %s\n' "$ssh/git" "$(cat "$ssh/deploy.pub")" >"$ssh/authorized"
	port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
	cat >"$ssh/config" <<-END
		ListenAddress 127.0.0.1:$port
		HostKey $ssh/host
		AuthorizedKeysFile $ssh/authorized
		StrictModes no
		UsePAM no
		PasswordAuthentication no
		KbdInteractiveAuthentication no
		PidFile none
	END
	/usr/sbin/sshd -D -f "$ssh/config" -E "$ssh/log" <"$T/gh.in" 7>&- &
	disown
	wait_for "grep -q 'Server listening' '$ssh/log'" || bail "sshd: $(cat "$ssh/log")"
}
knows() { printf '[127.0.0.1]:%d %s\n' "$port" "$(cat "$ssh/$1.pub")" >"$ssh/known"; }
pushes() { grep -c receive-pack "$ssh/served"; }

fixer
gh_start
sample_source app
commit_blueprint "$T/src/app" fix 'sh gate.sh'
commit_file "$T/src/app" .github/yardmaster.yml 'queue: { method: squash, gates: ["sh gate.sh"] }'
gh_publish app
serve_git
knows host
gh_conf
sed -i "s|^github:|&\n  git: ssh://$user@127.0.0.1:$port\n  ssh-key: $ssh/deploy\n  known-hosts: $ssh/known|" "$T/yardmaster.yml"
ym_start
me
gh_hook_here
gh_add
row() { ym doctor --config "$T/yardmaster.yml" --json 2>/dev/null | jq -r --arg c "$1" '.[] | select(.check == $c) | "\(.ok) \(.text)"'; }
like "$(row 'deploy key')" '^true ' 'doctor has looked at the key'
like "$(row 'known hosts')" '^true ' 'and at the file with the host'

# --- label to landing -----------------------------------------------------------------------------
n=$(gh_issue --label agent:fix 'Fix it')
wait_ok 'the task waits for review' "[ \"\$(task_state \"\$(task_of $n)\")\" = review ]" || bail "$(ym_log | tail -5)"
pr=$(ymj .pr task show 1)
head=$(gh_head "$pr") topic=$(gh_as alice GET "/repos/$GH_REPO/pulls/$pr" | jq -r .head.ref)
gh_review "$pr" APPROVE
wait_ok 'it is merged' "[ \"\$(gh_pr_state $pr)\" = merged ]" || bail "$(ym_log | tail -5)"
is "$(gh_base_file src/t1.txt)" 'fixed by 1' 'its work is on the base'
is "$(gh_head "$pr")" "$(gh_base_oid)" 'the head was moved to what landed'
isnt "$(gh_head "$pr")" "$head" 'which is another commit'
wait_ok "the agent's branch is deleted" "[ \"\$(gh_state '.branches[\"refs/heads/$topic\"] // \"gone\"')\" = gone ]"
wait_ok 'all is quiet' '[ "$(ymj .effects_open status)" = 0 ]'
wait_ok 'the receipt is on the forge' "git -C '$(gh_state .dir)' notes --ref yardmaster show $(gh_base_oid)"
over_http() { gh_requests '[.[] | select((.path + (.query // "")) | test("git-(upload|receive)-pack")) | .path] | join(" ")'; }
is "$(over_http)" '' 'no git went over HTTP'
like "$(sort -u "$ssh/served" | tr '\n' ' ')" '^git-receive-pack octo/app git-upload-pack octo/app $' 'all of it over SSH'

# --- another host key -----------------------------------------------------------------------------
gh_push two src/two.txt fine >/dev/null
two=$(gh_pr two Two)
gh_known "$two" || bail 'the PR is not known'
gh_review "$two" APPROVE '' bob
wait_for "ymj '.approvals[].user' pr show $two | grep -q bob" || bail 'the review is not known'
wait_for '[ "$(ymj .effects_open status)" = 0 ]'
knows other
pushed=$(pushes) base=$(gh_base_oid)
gh_comment "$two" '/yard queue' bob >/dev/null
wait_ok 'a host with another key is refused, and named' \
	"gh_comments $two | grep -q 'the SSH key of 127.0.0.1 port $port, $(ssh-keygen -l -f "$ssh/host.pub" | cut -d' ' -f2), is another one than in $ssh/known'" ||
	diag "$(gh_comments "$two"; ym_log | tail -20)"
wait_ok 'the list of repositories has it, too' "ymj '.[0].problem' repo list | grep -q 'the SSH key of 127.0.0.1'"
is "$(pushes) $(gh_base_oid)" "$pushed $base" 'nothing was pushed'
is "$(gh_pr_state "$two")" open 'the PR is open'
knows host
wait_ok 'with the right key in the file the base is read again' '[ -z "$(ymj ".[0].problem // \"\"" repo list)" ]'
gh_comment "$two" '/yard queue' bob >/dev/null
wait_ok 'and the PR lands' "[ \"\$(gh_pr_state $two)\" = merged ]"
is "$(over_http)" '' 'still no git over HTTP'
unlike "$(ym_log)" 'BEGIN OPENSSH' 'the key is not in the log'
wait_ok 'all is quiet' '[ "$(ymj .effects_open status)" = 0 ]'
gh_no_violations 'all that was sent and answered is as GitHub describes it'
ym_stop
is $? 0 'the daemon ends when told'
done_testing
