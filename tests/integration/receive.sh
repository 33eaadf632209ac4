# shellcheck shell=bash
# receive.sh - a sender of webhooks for the tests of the receiver, on top of lib.sh.
#
#   secret_file PATH TEXT                a file that a secret is read from
#   hooks FILTER                         a value of what `status` says about webhooks
#   hooks_address                        where the daemon listens: 127.0.0.1:PORT
#   sample_payload REPO [BYTES]          an issues.labeled payload about REPO, filled up to BYTES
#   deliver BODY [KEY=VALUE...]          sends it and prints the status code. Keys: secret (first), signature
#                                        (the right one; empty: none), event (issues), guid (a new one), type,
#                                        path, method, file=PATH (instead of BODY)
#   sql QUERY                            of the ledger
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

secret_file() {
	printf '%s\n' "$2" >"$1"
	chmod 600 "$1"
}

hooks() { ym status --json | jq -r ".webhooks | $1"; }
hooks_address() { hooks .listen; }

sample_payload() {
	local fill=''
	[ -z "${2-}" ] || fill=$(head -c "$2" /dev/zero | tr '\0' x)
	printf '{"action":"labeled","repository":{"id":1,"full_name":"%s","default_branch":"main"},"issue":{"number":7,"title":"Dates","body":"%s","labels":[{"name":"agent:fix"}]},"sender":{"login":"ann","type":"User"}}' "$1" "$fill"
}

sign() { # SECRET FILE
	printf 'sha256=%s' "$(openssl dgst -sha256 -hmac "$1" -r "$2" | cut -d' ' -f1)"
}

deliver() {
	local body=$1 pair file=$T/tmp/payload.$BASHPID
	local -A o=([secret]=first [event]=issues [type]=application/json [path]=/webhook/github [method]=POST)
	for pair in "${@:2}"; do o[${pair%%=*}]=${pair#*=}; done
	[ -z "${o[file]-}" ] || file=${o[file]}
	[ -n "${o[file]-}" ] || printf %s "$body" >"$file"
	[ -n "${o[signature]+set}" ] || o[signature]=$(sign "${o[secret]}" "$file")
	[ -n "${o[guid]+set}" ] || o[guid]=$(cat /proc/sys/kernel/random/uuid)
	local headers=(-H "Content-Type: ${o[type]}")
	[ -z "${o[signature]}" ] || headers+=(-H "X-Hub-Signature-256: ${o[signature]}")
	[ -z "${o[event]}" ] || headers+=(-H "X-GitHub-Event: ${o[event]}")
	[ -z "${o[guid]}" ] || headers+=(-H "X-GitHub-Delivery: ${o[guid]}")
	[ -z "${o[header]-}" ] || headers+=(-H "${o[header]}")
	curl -s -o /dev/null -w '%{http_code}' --path-as-is -X "${o[method]}" \
		"${headers[@]}" --data-binary "@$file" "http://$(hooks_address)${o[path]}"
	[ -n "${o[file]-}" ] || rm -f "$file"
}

sql() { sqlite3 "$D/ledger.db" "$1"; }
