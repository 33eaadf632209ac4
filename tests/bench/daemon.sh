# shellcheck shell=bash
# daemon.sh - a measure that needs a daemon: the world of the integration tests (lib.sh there), without
# their TAP. Started as root it goes on through contrib/unpriv.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
YARDMASTER_BUILD=${YARDMASTER_BUILD-build}
if [ "$(id -u)" = 0 ]; then
	export YARDMASTER_BUILD
	exec "$here/contrib/unpriv" --bring "$YARDMASTER_BUILD" bash "tests/bench/$(basename "$0")"
fi
# shellcheck source=tests/integration/lib.sh
. "$here/tests/integration/lib.sh"
