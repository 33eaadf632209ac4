# shellcheck shell=bash
# land_lib.sh - what the tests of landings on GitHub share, beside lib.sh, which this file reads first.
#
#   land_start METHOD [OPTION]            octo/app, which lands by this method, and a daemon that waits 3 s for
#                                         a moved head; the blueprint `fix`. OPTION: of gh_start
#   land_pr NAME TEXT                     a PR of the branch NAME that the daemon knows and bob has approved;
#                                         sets $n and $head
#   land_queue PR                         bob queues it
#   land_branch NAME                      the branch on GitHub, or "gone"
#   land_hold true|false                  GitHub does not notice pushes, and does again
#   land_end                              the last tests of each file
#   merged PR                             waits until GitHub shows it merged
#   must COMMAND…                         or the test bails out

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

land_start() {
	agent fixer <<-'END'
		echo fixed >src/fixed.txt
		complete "Fixed."
	END
	gh_start "${@:2}"
	sample_source app
	commit_file "$T/src/app" .github/yardmaster.yml "queue:
  method: $1
  gates: [\"sh gate.sh\"]"
	commit_blueprint "$T/src/app" fix
	gh_publish app
	gh_conf
	sed -i 's/^github:/github:\n  head-seconds: 3/' "$T/yardmaster.yml"
	ym_start
	me
	gh_hook_here
	gh_add
}
must() { "$@" || bail "in vain: $*"; }
land_branch() { gh_state ".branches[\"refs/heads/$1\"] // \"gone\""; }
merged() { wait_for "[ \"\$(gh_pr_state $1)\" = merged ]"; }
land_pr() {
	gh_push "$1" "src/$1.txt" "$2" >/dev/null
	n=$(gh_pr "$1" "PR $1")
	must gh_known "$n"
	head=$(gh_head "$n")
	gh_review "$n" APPROVE '' bob
	must wait_for "ymj '.approvals[].user' pr show $n | grep -q bob"
}
land_queue() { gh_comment "$1" '/yard queue' bob >/dev/null; }
land_hold() { gh_ctl PATCH /repo "$(jq -nc --arg r "$GH_REPO" --argjson h "$1" '{repo: $r, hold_pushes: $h}')" >/dev/null; }
land_end() {
	wait_ok 'all is quiet' '[ "$(ymj .effects_open status)" = 0 ]'
	gh_no_violations 'all that was sent and answered is as GitHub describes it'
	ym_stop
	done_testing
}
