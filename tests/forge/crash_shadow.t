#!/bin/bash
# kill -9 of the daemon at every kind of effect of shadow mode, before it starts, after it was carried out and
# after its result was written: what is recorded is what a daemon records that nobody kills, and nothing is written.
. "$(dirname "$0")/crash_lib.sh"

# In the order in which two PRs come by them, one of which people merge and one they close.
alone='shadow-checks shadow-build'
both=shadow-pair
merged=shadow-trees
closed=shadow-drop

listed=$(sed -n "s/^shadow='\(.*\)'/\1/p" "$root/tests/integration/crash_effects.t")
# shellcheck disable=SC2086 # words
is "$(printf '%s\n' $alone $both $merged $closed | sort)" "$(printf '%s\n' $listed | sort)" \
	'every kind of effect of shadow mode is in this test'

gh_start
sample_source app
gh_ctl PATCH /app '{"permissions": {"metadata": "read", "contents": "read", "pull_requests": "read", "issues": "read",
	"checks": "read", "statuses": "read", "actions": "read", "administration": "read", "members": "read"}}' >/dev/null
crash_repo '  shadow: ["octo/*"]'
gh_protect '{"checks": ["build"]}'
crash_seconds=60

stat() { ym stats --json | jq -rc ".[] | select(.key == \"$1\") | .value"; }
rows() { ledger "SELECT count(*) FROM shadow_event WHERE kind = '$1' AND pr = $2 AND ${3:-true}"; } # KIND PR [SQL]
# quiet CODE: a daemon nobody kills goes on until CODE succeeds and nothing is left to do.
quiet() {
	ym_start
	wait_for "$1" "$crash_seconds" || bail "in vain: $(ledger 'SELECT kind, pr, other, detail FROM shadow_event ORDER BY id DESC LIMIT 12')"
	wait_for '[ "$(ymj .effects_open status)" = 0 ]' || bail 'something is left to do'
	ym_stop
}
pull() { # NAME FILE
	local sha
	sha=$(gh_push "$1" "src/$2.txt" "changed by $1")
	n=$(gh_pr "$1" "Change $1")
	gh_review "$n" APPROVE '' bob
	gh_ci "$sha" build success
}
declare -A first second
# story NAME [WHEN]: two PRs, one ready after the other, change the same file; people merge one, then close the other.
story() {
	local kind
	pull "$1-a" "$1"
	first[$1]=$n
	for kind in ${2:+$alone}; do
		kill_at "$kind:$2"
	done
	[ -n "${2-}" ] || quiet "[ \"\$(rows would-land ${first[$1]})\" = 1 ]"
	pull "$1-b" "$1"
	second[$1]=$n
	[ -z "${2-}" ] || kill_at "$both:$2"
	quiet "[ \"\$(rows collision ${second[$1]})\" = 1 ]"
	wait_for "gh_as alice GET '/repos/$GH_REPO/pulls/${first[$1]}' | jq -e .mergeable &&
		gh_as alice PUT '/repos/$GH_REPO/pulls/${first[$1]}/merge' '{}'" || bail 'it was not merged'
	[ -z "${2-}" ] || kill_at "$merged:$2"
	quiet "[ \"\$(rows conflict ${second[$1]})\" = 1 ] &&
		[ \"\$(rows merged ${first[$1]} 'tree IS NOT NULL')\" = 1 ]"
	gh_as alice PATCH "/repos/$GH_REPO/pulls/${second[$1]}" '{"state": "closed"}' >/dev/null
	[ -z "${2-}" ] || kill_at "$closed:$2"
	quiet "[ \"\$(ymj .state pr show ${second[$1]})\" = closed ]"
}
# What is recorded of a story, with the names of its PRs for their numbers.
recorded() {
	local a=${first[$1]} b=${second[$1]}
	ledger "SELECT kind, CASE pr WHEN $a THEN 'a' ELSE 'b' END, CASE other WHEN $a THEN 'a' WHEN 0 THEN '' ELSE 'b' END,
		replace(detail, '$1', 'it'), count(*) FROM shadow_event WHERE pr IN ($a, $b) GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"
}

story plain
moments='before after committed'
for when in $moments; do
	story "$when" "$when"
done

# --- what is there in the end -----------------------------------------------------------------------
like "$(recorded plain)" 'collision.b.a.*conflict.b.a.*merged.a..same=1 unseen=0.*would-land' 'what is recorded when nobody kills the daemon'
for when in $moments; do
	is "$(recorded "$when")" "$(recorded plain)" "killed at each effect, $when: the same"
done
is "$(rows base 0)" 4 'each move of the base is there once'
is "$(git -C "$(ledger 'SELECT path FROM repo')" for-each-ref refs/yardmaster/shadow | wc -l)" 0 'nothing that was built is left'
ym_start
is "$(stat merged) $(stat same_tree)" '4 4' 'the numbers say so to people'
is "$(stat collisions | jq length) $(stat conflicts | jq length)" '4 4' 'and the lists'
is "$(ymj .events_failed status)" 0 'no event failed'
is "$(gh_requests '[.[] | select(.method != "GET" and (.path | test("/access_tokens$|/git-upload-pack$") | not) and
	(.path == "/graphql" and (.body.query | startswith("query(")) | not)) | "\(.method) \(.path)"] | join("\n")')" '' \
	'nothing was asked for but reads'
gh_no_violations 'all that was sent and answered is as GitHub describes it'
ok 'the audit chain is whole' "$YARDMASTER" audit verify --config "$T/yardmaster.yml"
ym_stop
is $? 0 'the daemon ends when told'
done_testing
