#!/bin/bash
# Requests to the forge: of one task from the label to its landing, by what they ask, and of a reconciliation
# of 500 pull requests in which nothing has changed; of the API there is nothing that the rate limit counts (a
# 304 is free), and git is asked once for the base branch. Counts of one run, not times; no peer.
#   PULLS=500
cd "$(dirname "$0")/../.." || exit 1
YARDMASTER_BUILD=${YARDMASTER_BUILD-build}
[ "$(id -u)" != 0 ] || tests/forge/install >&2 || exit 1
. tests/bench/daemon.sh
. tests/forge/lib.sh
cd "$here" || exit 1

PULLS=${PULLS-500}
count() { # NAME VALUE GOAL
	echo "bench: $1 ours=$2 requests peer=none:- ratio=- goal=$3"
}
# What is asked, without numbers and names: "GET /repos/R/pulls/N".
kinds() { # FROM
	gh_requests ".[$1:][] | \"\\(.method) \\(.path)\\(if .conditional then \" (conditional)\" else \"\" end)\"" |
		sed -E "s#/repos/$GH_REPO#/repos/R#; s#/[0-9a-f]{40}\\b#/SHA#; s#/[0-9]+#/N#g; s#/${GH_REPO}[.]git#/R.git#" |
		sort | uniq -c | sort -rn | sed 's/^ */#   /'
}

agent fixer <<'END2'
sed -i 's/^line 3$/line 3 fixed/' src/a.txt
complete "Fixed line 3."
END2
gh_start
sample_source app
commit_blueprint "$T/src/app" fix true
gh_publish app
seconds() { sed -i "s/^reconcile-seconds: .*/reconcile-seconds: $1/" "$T/yardmaster.yml"; }
seconds 600 # none in the middle of the task
gh_daemon
gh_add
quiet() { wait_for '[ "$(ymj ".effects_open + .events_new" status)" = 0 ]' 300 || bail 'the effects do not end'; }

n=$(gh_issue 'Fix line 3')
quiet
from=$(gh_requests length)
gh_label "$n" agent:fix
wait_for '[ "$(ymj ".[0].state" task list)" = review ]' || bail "$(ym task list)"
pr=$(ymj .pr task show 1)
gh_review "$pr" APPROVE
wait_for "[ \"\$(gh_pr_state $pr)\" = merged ]" || bail "$(ym task show 1)"
wait_for '[ "$(ymj ".[0].state" task list)" = merged ]' || bail "$(ym task list)"
quiet
count requests-label-to-landing $(($(gh_requests length) - from)) -
kinds "$from"
ym_stop

base=$(gh_base_oid)
for ((i = 1; i <= PULLS; i++)); do
	printf 'commit refs/heads/branch-%d\ncommitter Alice <alice@example.org> 1700000000 +0000\ndata 4\nWork\nfrom %s\n' $i "$base"
	printf 'M 100644 inline src/%d.txt\ndata 5\ntext\n\n' $i
done | git -C "$(gh_state .dir)" fast-import --quiet || bail 'the branches were not made'
gh_ctl POST /pulls "$(jq -nc --argjson n "$PULLS" '{repo: "octo/app", heads: [range(1; $n + 1) | "branch-\(.)"]}')" >/dev/null ||
	bail 'the PRs were not made'
gh_hook http://127.0.0.1:1/none
seconds 5
from=$(gh_requests length) start=$EPOCHREALTIME
ym_start
# The first look: all is read, by list, by git and one by one.
wait_for "[ \"\$(ymj length pr list)\" -ge $PULLS ]" 600 || bail "$(ymj length pr list) PRs are known"
quiet
count "first-look-$PULLS" $(($(gh_requests length) - from)) -
count "first-look-$PULLS-git" "$(gh_requests "[.[$from:][] | select(.path | endswith(\"/info/refs\"))] | length")" -
awk -v t="$EPOCHREALTIME" -v s="$start" -v n="$PULLS" \
	'BEGIN { printf "bench: first-look-%d-time ours=%.1f s peer=none:- ratio=- goal=-\n", n, t - s }'
kinds "$from"
lists() { gh_ctl GET '/requests?path=/pulls%5C%3F' | jq length; }
next() { # a whole reconciliation from now on
	local at
	for _ in 1 2; do
		at=$(lists)
		wait_for "[ \"\$(lists)\" -gt $at ]" 60 || bail 'no reconciliation'
		quiet
	done
}
next
from=$(gh_requests length) at=$(lists)
wait_for "[ \"\$(lists)\" -gt $at ]" 60 || bail 'no reconciliation'
quiet
count "reconcile-$PULLS-unchanged" $(($(gh_requests length) - from)) -
count "reconcile-$PULLS-unchanged-at-full-price" \
	"$(gh_requests "[.[$from:][] | select(.status != 304 and (.path | endswith(\"/info/refs\") | not))] | length")" 0
kinds "$from"
ym_stop
