# shellcheck shell=bash
# lib.sh - what the tests against the GitHub stand-in share, beside tests/integration/lib.sh, which this
# file reads first. A test is a bash script NAME.t in this folder that begins
#
#     #!/bin/bash
#     # One sentence: what a person sees when this works.
#     . "$(dirname "$0")/lib.sh"
#
# The stand-in (tests/forge/stub, whose README.md has the control interface)
#   gh_start                              starts it, or asks the one of `make check` for one of its own ($GH_SHARED); sets $GH (its address, also the API's), $GH_APP (the App's
#                                         id), $GH_CLIENT (its client id), $GH_PEM (its key file),
#                                         $GH_SECRET (of the webhook), $GH_INSTALLATION
#   gh_start --enterprise                 the daemon will know it as an Enterprise Server: https://localhost/api/v3,
#                                         with a certificate of a private authority; $GH stays as it is
#   gh_conf                               adds to the daemon's configuration what it takes to reach the
#                                         stand-in, and to be reached by its webhooks
#   gh_daemon                             gh_conf, ym_start, and the App's webhook goes to the daemon
#   gh_add                                `repo add $GH_REPO`, and waits until its base has been read
#   gh_hook URL                           where the App's webhook goes from now on
#   gh_repo NAME                          sample_source and gh_publish
#   gh_publish NAME [OWNER]               makes octo/NAME from $T/src/NAME as it is now, which gets a remote gh, and
#                                         makes it $GH_REPO, which the functions below mean. alice may write, bob
#                                         maintain, carol administrate, eve read
#   gh_ctl METHOD PATH [JSON]             a request of the control interface; prints the answer
#   gh_jwt [SECONDS]                      a JWT of the App, good for so long (300)
#   gh_token                              a token of the App's installation
#   gh_api METHOD PATH [JSON]             a request with that token; prints the answer, 1 from status 400
#   gh_api_status METHOD PATH [JSON]      the same, prints only the status
#
# People. USER is alice when not given; numbers are issues' and pull requests'
#   gh_as USER METHOD PATH [JSON]         any request of the API as a user; it is not counted
#   gh_issue [--as USER] [--label LABEL] TITLE [BODY]     prints the number
#   gh_label NUMBER LABEL [USER], gh_unlabel NUMBER LABEL [USER]
#   gh_comment NUMBER TEXT [USER]         prints the comment's id
#   gh_review PR EVENT [TEXT] [USER]      EVENT: APPROVE, REQUEST_CHANGES, COMMENT
#   gh_push BRANCH PATH TEXT [USER]       a commit with one file on a branch (made from the base when new);
#                                         prints its SHA
#   gh_pr BRANCH TITLE [BODY] [USER]      opens a pull request, prints the number
#   gh_fork USER                          USER/NAME, a fork
#   gh_gift BRANCH MODIFY                 eve's PR from her fork with src/BRANCH.txt; its author lets maintainers edit
#                                         it: true, false; sets $pr
#   gh_click SHA NAME IDENTIFIER [USER]   a check run's button; gh_rerun SHA NAME [USER]: its re-run
#   gh_ci SHA NAME CONCLUSION [KIND]      CI's result; KIND: check (when not given), status, workflow.
#                                         CONCLUSION "" is one that still runs
#   gh_red SHA [MESSAGE]                  the job "build" of a workflow fails there, with a log and this note at
#                                         line 3 of src/a.txt
#   gh_protect JSON                       the protection of main: {checks, refuse: TEXT...}, {none: true}
#   gh_queued BRANCH                      a new PR with src/BRANCH.txt, which the daemon knows and bob has queued;
#                                         sets $pr
#
# Looking
#   gh_state FILTER                       what the stand-in knows of $GH_REPO, through jq -r
#   gh_pr_state PR                        open, closed or merged
#   gh_comments NUMBER                    the bodies of the comments
#   gh_head PR                            its head, as GitHub shows it
#   gh_known PR                           waits until the daemon knows this head
#   gh_candidates                         the commits on the branches of candidates
#   gh_candidate                          waits until there is one of them, another one than $sha; sets $sha
#   gh_comments_twice, gh_checks_twice    which comments (number and key) and check runs (head and name) are there
#                                         more than once
#   gh_check SHA NAME                     a check run's conclusion, or its status while it has none
#   gh_base_file PATH, gh_base_oid        the file on the base branch, and its commit, now
#   gh_requests FILTER                    every request of the API and of git so far, a JSON array, through
#                                         jq -r: {method, path, query, body, status, conditional, actor}; the actor is
#                                         "app", "installation ID" or a login
#   gh_deliveries FILTER                  every webhook delivery, the same way: {event, action, guid, status_code, payload}
#   gh_idle                               waits until all deliveries are answered
#   gh_fault JSON                         {"method","path": regex,"times","skip","status","headers","body",
#                                         "kind": hang|cut|half|html,"after": true}: stub/faults.js
#   gh_processes                          the arguments and environments of the daemon and its roles, one a line
#   gh_no_violations NAME                 a test: nothing that was sent or answered contradicts GitHub's
#                                         OpenAPI description

. "$(dirname "${BASH_SOURCE[0]}")/../integration/lib.sh"

forge=$root/tests/forge
export YARDMASTER_BUILD
GH_SECRET=it-is-a-secret
gh_pid=''

# An authority, and its certificate for localhost.
gh_certificates() {
	local ask=(openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2)
	"${ask[@]}" -x509 -subj '/CN=our authority' -addext basicConstraints=critical,CA:TRUE -keyout "$T/gh-ca.key" -out "$T/gh-ca.pem" &&
		"${ask[@]}" -subj /CN=localhost -keyout "$T/gh-tls.key" -out "$T/gh-tls.csr" &&
		openssl x509 -req -in "$T/gh-tls.csr" -CA "$T/gh-ca.pem" -CAkey "$T/gh-ca.key" -CAcreateserial -days 2 \
			-extfile <(echo subjectAltName=DNS:localhost) -out "$T/gh-tls.pem"
}

gh_start() {
	local tls=()
	if [ "${1-}" = --enterprise ]; then
		gh_certificates 2>"$T/gh-tls.log" || bail "no certificates: $(cat "$T/gh-tls.log")"
		tls=(--tls "$T/gh-tls.pem,$T/gh-tls.key")
	fi
	jq -n --arg secret "$GH_SECRET" '{
		users: { octo: { type: "Organization" }, alice: {}, bob: {}, carol: {}, eve: {} },
		apps: [{ slug: "yardmaster", webhook: { secret: $secret }, installations: [{ account: "octo" }] }]
	}' >"$T/gh-seed.json"
	# The stand-in ends when this test's end of the pipe closes, however the test ends.
	mkfifo "$T/gh.in"
	exec 7<>"$T/gh.in"
	if [ -n "${GH_SHARED-}" ]; then gh_shared "${tls[1]-}"; else gh_own "${tls[@]}"; fi
	GH=$(jq -r .url "$T/gh.out")
	gh_address=$(jq -r .api "$T/gh.out")
	GH_APP=$(jq -r .app_id "$T/gh.out")
	GH_CLIENT=$(jq -r .client_id "$T/gh.out")
	GH_PEM=$(jq -r .pem_file "$T/gh.out")
	GH_INSTALLATION=$(gh_ctl GET /state | jq -r '.installations[0].id')
	export GH GH_APP GH_CLIENT GH_PEM GH_INSTALLATION GH_SECRET
}
# One of its own in the process that make check has started for all tests.
gh_shared() { # CERT,KEY
	jq -nc --arg dir "$T/gh" --arg seed "$T/gh-seed.json" --arg tls "$1" --arg life "$T/gh.in" \
		'{dir: $dir, seed: $seed, tls: $tls, life: $life}' >"$T/gh.ask"
	exec 8<>"/dev/tcp/127.0.0.1/$GH_SHARED" || bail "nobody listens at the port $GH_SHARED of GH_SHARED"
	cat "$T/gh.ask" >&8
	cat <&8 >"$T/gh.out"
	exec 8>&-
	grep -q '"url"' "$T/gh.out" || bail "the stand-in did not start: $(cat "$T/gh.out")"
}
gh_own() { # OPTION...
	node "$forge/stub/main.js" --port 0 --dir "$T/gh" --seed "$T/gh-seed.json" "$@" \
		<"$T/gh.in" >"$T/gh.out" 2>"$T/gh.log" 7>&- &
	gh_pid=$!
	disown
	if ! wait_for "! kill -0 $gh_pid 2>/dev/null || grep -q . '$T/gh.out'" || ! kill -0 "$gh_pid" 2>/dev/null; then
		diag "$(cat "$T/gh.log")"
		bail "the stand-in did not start"
	fi
}

gh_conf() {
	printf '%s\n' "$GH_SECRET" >"$T/gh-secret"
	chmod 600 "$T/gh-secret" "$GH_PEM"
	conf <<-END
		listen: 127.0.0.1:0
		github:
		  api: ${gh_address:-$GH}$([ ! -e "$T/gh-ca.pem" ] || printf '\n  ca-file: %s' "$T/gh-ca.pem")
		  app: $GH_CLIENT
		  key: file:$GH_PEM
		  webhook-secrets:
		    - secret: file:$T/gh-secret
	END
}
gh_daemon() {
	gh_conf
	ym_start
	me
	gh_hook_here
}
gh_hook_here() { gh_hook "http://$(ymj .webhooks.listen status)/webhook/github"; }
gh_add() {
	ym repo add "$GH_REPO" >/dev/null || bail "repo add $GH_REPO failed"
	wait_for "[ \"\$(ymj '.[] | select(.name == \"$GH_REPO\") | .head // empty' repo list)\" = \"\$(gh_base_oid)\" ] && [ \"\$(ymj .effects_open status)\" = 0 ]" ||
		bail "the base of $GH_REPO was not read"
}

# curl reads the body from its standard input: it may be longer than an argument can be.
gh_curl() { # METHOD URL JSON OPTION...
	curl -sS -X "$1" "${@:4}" ${3:+-H 'Content-Type: application/json' --data-binary @-} "$2" <<<"${3-}"
}

gh_ctl() { ask http "$1" "$GH/_control$2" "${3-}"; }

gh_as() {
	gh_ctl POST "/as/$1" "$(jq -nc --arg method "$2" --arg path "$3" --argjson body "${4:-null}" \
		'{method: $method, path: $path, body: $body}')"
}

gh_hook() { gh_ctl PATCH /app "$(jq -nc --arg url "$1" '{webhook: {url: $url}}')" >/dev/null; }

gh_repo() {
	sample_source "$1"
	gh_publish "$1"
}
gh_publish() {
	GH_REPO=${2-octo}/$1
	gh_ctl POST /repo "$(jq -nc --arg name "$GH_REPO" --arg from "$T/src/$1" '{full_name: $name, from: $from,
		collaborators: {alice: "write", bob: "maintain", carol: "admin", eve: "read"}}')" >/dev/null ||
		bail "the stand-in did not take the repository $1"
	git -C "$T/src/$1" remote add gh "$GH/$GH_REPO.git"
}

# octo/app, whose candidates have a gate and two checks of the forge: a check run and a commit status. What is seen is seen
# by webhooks, for the reconciliation is far away.
gh_app_of_checks() {
	sed -i 's/^reconcile-seconds: .*/reconcile-seconds: 3600/' "$T/yardmaster.yml"
	gh_start
	sample_source app
	commit_file "$T/src/app" .github/yardmaster.yml 'queue:
  gates: ["sh gate.sh"]
  forge-checks: [build, ci/old]'
	gh_publish app
	gh_daemon
	gh_add
}

base64url() { base64 -w0 | tr '+/' '-_' | tr -d =; }

gh_jwt() {
	local now head
	now=$(gh_ctl GET /state | jq '.now | fromdate')
	head=$(printf '{"alg":"RS256","typ":"JWT"}' | base64url).$(printf '{"iat":%d,"exp":%d,"iss":"%s"}' \
		$((now - 60)) $((now + ${1:-300})) "$GH_CLIENT" | base64url)
	printf '%s.%s\n' "$head" "$(printf %s "$head" | openssl dgst -sha256 -sign "$GH_PEM" -binary | base64url)"
}

gh_token() {
	gh_curl POST "$GH/app/installations/$GH_INSTALLATION/access_tokens" '' -H "Authorization: Bearer $(gh_jwt)" | jq -r .token
}

gh_api() {
	gh_token_now=${gh_token_now:-$(gh_token)}
	gh_curl "$1" "$GH$2" "${3-}" --fail-with-body -H "Authorization: Bearer $gh_token_now"
}
gh_api_status() {
	gh_token_now=${gh_token_now:-$(gh_token)}
	gh_curl "$1" "$GH$2" "${3-}" -o /dev/null -w '%{http_code}\n' -H "Authorization: Bearer $gh_token_now" "${@:4}"
}

# --- people ---------------------------------------------------------------------------------------

gh_issue() {
	local user=alice labels='[]'
	while :; do
		case "${1-}" in
		--as) user=$2 ;;
		--label) labels=$(jq -nc --arg l "$2" '[$l]') ;;
		*) break ;;
		esac
		shift 2
	done
	gh_as "$user" POST "/repos/$GH_REPO/issues" "$(jq -nc --arg title "$1" --arg body "${2-}" --argjson labels "$labels" \
		'{title: $title, body: $body, labels: $labels}')" | jq -r .number
}
gh_label() { gh_as "${3:-alice}" POST "/repos/$GH_REPO/issues/$1/labels" "$(jq -nc --arg l "$2" '{labels: [$l]}')" >/dev/null; }
gh_unlabel() { gh_as "${3:-alice}" DELETE "/repos/$GH_REPO/issues/$1/labels/$(jq -nr --arg l "$2" '$l | @uri')" >/dev/null; }
gh_comment() { gh_as "${3:-alice}" POST "/repos/$GH_REPO/issues/$1/comments" "$(jq -nc --arg b "$2" '{body: $b}')" | jq -r .id; }
gh_review() {
	gh_as "${4:-alice}" POST "/repos/$GH_REPO/pulls/$1/reviews" "$(jq -nc --arg e "$2" --arg b "${3-}" '{event: $e, body: $b}')" >/dev/null
}
gh_push() {
	gh_ctl POST /push "$(jq -nc --arg repo "$GH_REPO" --arg branch "$1" --arg path "$2" --arg text "$3" --arg user "${4:-alice}" \
		'{repo: $repo, branch: $branch, as: $user, files: {($path): ($text + "\n")}, message: "Change \($path)"}')" | jq -r .sha
}
gh_pr() {
	gh_as "${4:-alice}" POST "/repos/$GH_REPO/pulls" "$(jq -nc --arg head "$1" --arg title "$2" --arg body "${3-}" \
		'{head: $head, base: "main", title: $title, body: $body}')" | jq -r .number
}
gh_fork() { gh_ctl POST /fork "$(jq -nc --arg repo "$GH_REPO" --arg user "$1" '{repo: $repo, user: $user}')" >/dev/null; }
gh_gift() {
	gh_ctl POST /push "$(jq -nc --arg repo "eve/${GH_REPO#*/}" --arg b "$1" '{repo: $repo, branch: $b, as: "eve", message: "Gift",
		files: {"src/\($b).txt": "fine\n"}}')" >/dev/null
	pr=$(gh_as eve POST "/repos/$GH_REPO/pulls" "$(jq -nc --arg b "$1" --argjson m "$2" \
		'{head: "eve:\($b)", base: "main", title: $b, maintainer_can_modify: $m}')" | jq -r .number)
}
gh_click() {
	gh_ctl POST /check_run/action "$(jq -nc --arg repo "$GH_REPO" --arg sha "$1" --arg name "$2" --arg id "$3" --arg user "${4:-alice}" \
		'{repo: $repo, sha: $sha, name: $name, identifier: $id, as: $user}')" >/dev/null
}
gh_rerun() {
	gh_ctl POST /check_run/rerequest "$(jq -nc --arg repo "$GH_REPO" --arg sha "$1" --arg name "$2" --arg user "${3:-alice}" \
		'{repo: $repo, sha: $sha, name: $name, as: $user}')" >/dev/null
}
gh_ci() {
	gh_ctl POST /ci "$(jq -nc --arg repo "$GH_REPO" --arg sha "$1" --arg name "$2" --arg conclusion "$3" --arg kind "${4:-check}" \
		'{repo: $repo, sha: $sha, name: $name, kind: $kind} + (if $conclusion == "" then {} else {conclusion: $conclusion} end)')" >/dev/null
}
gh_red() {
	gh_ctl POST /ci "$(jq -nc --arg repo "$GH_REPO" --arg sha "$1" --arg message "${2-bad line}" '{repo: $repo, sha: $sha, name: "CI",
		kind: "workflow", conclusion: "failure",
		jobs: [{name: "build", conclusion: "failure", log: "compiling\nit went wrong here\n",
			annotations: [{path: "src/a.txt", start_line: 3, end_line: 3, annotation_level: "failure", message: $message}]}]}')" >/dev/null
}
gh_protect() {
	gh_ctl PUT /protection "$(jq -nc --arg repo "$GH_REPO" --argjson p "$1" '{repo: $repo, branch: "main"} + $p')" >/dev/null
}
gh_queued() {
	gh_push "$1" "src/$1.txt" fine >/dev/null
	pr=$(gh_pr "$1" "PR $1")
	gh_known "$pr" || bail "the PR $1 is not known"
	gh_comment "$pr" '/yard queue' bob >/dev/null
}

# --- looking --------------------------------------------------------------------------------------

gh_state() { ask http GET "$GH/_control/state" '' -r --arg repo "$GH_REPO" ".repos[] | select(.full_name == \$repo) | $1"; }
gh_pr_state() { gh_state ".issues[] | select(.number == $1) | if .pull.merged then \"merged\" else .state end"; }
gh_comments() { gh_state ".issues[] | select(.number == $1) | .comments[].body"; }
gh_head() { gh_as alice GET "/repos/$GH_REPO/pulls/$1" | jq -r .head.sha; }
gh_known() { wait_for "[ \"\$(ymj .head pr show $1 2>/dev/null)\" = \$(gh_head $1) ]"; }
gh_candidates() { gh_state '.branches | to_entries[] | select(.key | startswith("refs/heads/yardmaster/queue/")) | .value'; }
gh_candidate() {
	wait_for "[ \"\$(gh_candidates | grep -vc '^${sha:-none}\$')\" = 1 ] && [ \"\$(gh_candidates | wc -l)\" = 1 ]" ||
		bail 'no candidate was pushed'
	sha=$(gh_candidates)
}
gh_comments_twice() {
	gh_state '[.issues[] | .number as $n | .comments[].body | capture("<!-- yardmaster (?<k>\\S+) [0-9a-f]+ -->") |
		"\($n) \(.k)"] | group_by(.) | map(select(length > 1) | .[0]) | join(", ")'
}
gh_checks_twice() {
	gh_state '[.checks[] | . + {k: "\(.head_sha) \(.name)"}] | group_by(.k) |
		map(select(.[:-1] | any((.annotations | length) == 0)) | .[0].k) | join(", ")'
}
gh_check() { gh_state "[.checks[] | select(.head_sha == \"$1\" and .name == \"$2\")] | last | .conclusion // .status"; }
gh_base_oid() { gh_state '.branches["refs/heads/" + .default_branch]'; }
gh_base_file() { git -C "$(gh_state .dir)" show "main:$1" 2>/dev/null; }
gh_requests() { ask http GET "$GH/_control/requests" '' -r "$1"; }
gh_deliveries() { ask http GET "$GH/_control/deliveries" '' -r "$1"; }
gh_idle() { gh_ctl GET /idle >/dev/null; }
gh_fault() { gh_ctl POST /fault "$1" >/dev/null; }

gh_processes() {
	local p
	for p in $(ps -eo pid,ppid | awk -v d="$(ym_pid)" '$1 == d || $2 == d { print $1 }'); do
		tr '\0' '\n' <"/proc/$p/cmdline"
		tr '\0' '\n' <"/proc/$p/environ"
	done 2>/dev/null
}
gh_no_violations() {
	local found
	found=$(gh_ctl GET /violations)
	if [ "$(jq length <<<"$found")" = 0 ]; then
		pass "$1"
	else
		fail "$1" "$(jq -r '.[:20][] | "\(.what) \(.subject): \(.errors | join("; "))"' <<<"$found")"
	fi
}
