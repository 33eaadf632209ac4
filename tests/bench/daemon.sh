# shellcheck shell=bash
# daemon.sh - a measure that needs a daemon: the world of the integration tests (lib.sh there), without
# their TAP. Started as root it goes on through contrib/unpriv.
#
#   start_receiver MB     starts a daemon that takes webhooks signed with $HOOK and keeps so much of them; sets $port
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
YARDMASTER_BUILD=${YARDMASTER_BUILD-build}
if [ "$(id -u)" = 0 ]; then
	export YARDMASTER_BUILD
	exec "$here/contrib/unpriv" --bring "$YARDMASTER_BUILD" bash "tests/bench/$(basename "$0")"
fi
# shellcheck source=tests/integration/lib.sh
. "$here/tests/integration/lib.sh"

start_receiver() {
	grep -q '^listen:' "$T/yardmaster.yml" || conf <<-END # a second time it is there
		listen: 127.0.0.1:0
		retention:
		  deliveries-mb: $1
		github:
		  webhook-secrets:
		    - secret: env:HOOK
	END
	export HOOK=itsasecret
	ym_start
	# shellcheck disable=SC2034 # for the measure
	port=$(ymj '.webhooks.listen | split(":")[1]' status)
}
