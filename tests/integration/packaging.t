#!/bin/bash
# The scripts that a fresh machine meets first: they print before they install, install once, go on
# unprivileged and leave nothing behind.
. "$(dirname "$0")/lib.sh"

cd "$root" || exit 1
fake=$T/fake
mkdir "$fake"

# A machine on which all is installed but what $T/missing names; "installing" takes it from there.
: >"$T/missing"
cat >"$fake/dpkg-query" <<'END'
#!/bin/bash
for a in "$@"; do
	case "$a" in -* | *'{'*) continue ;; esac
	grep -qx "$a" "$T/missing" || echo "$a installed"
done
END
cat >"$fake/apt-get" <<'END'
#!/bin/bash
echo "apt-get $*" >>"$T/apt.log"
case " $* " in
*" update "*) touch "$T/updated" ;;
*" install "*)
	[ -e "$T/updated" ] || { echo "E: Unable to locate package" >&2; exit 100; }
	case " $* " in *" --simulate "*) ;; *) : >"$T/missing" ;; esac
	;;
esac
END
printf '#!/bin/sh\nexec "$@"\n' >"$fake/sudo"
chmod 755 "$fake"/*
fresh() { PATH="$fake:$PATH" contrib/bootstrap "$@"; }

out=$(fresh build)
like "$out" 'all [0-9]+ packages .* are installed' 'with everything there it says so'
not_ok 'and asks apt nothing' test -e "$T/apt.log"

# Of the processor: the clock would measure what else the machine does.
TIMEFORMAT='%U %S'
took=$({ time contrib/bootstrap build >"$T/second" 2>&1; } 2>&1)
like "$(cat "$T/second")" 'are installed' 'the real machine has the build set'
ms=$(awk '{ print int(1000 * ($1 + $2)) }' <<<"$took")
[ "$ms" -lt 200 ] && pass 'a second run takes less than 0.2 s' ||
	fail 'a second run takes less than 0.2 s' "$ms ms"

printf '%s\n' bubblewrap libgit2-dev >"$T/missing"
out=$(fresh build)
like "$out" 'Going to install.*bubblewrap.*libgit2-dev.*done' 'it prints what is missing, then installs it'
like "$(cat "$T/apt.log")" 'update.*install -y .*bubblewrap libgit2-dev' \
	'a stale package list is fetched once, before the installation'
is "$(grep -c ' update' "$T/apt.log")" 1 'and only once'
unlike "$(cat "$T/apt.log")" 'jansson' 'what is there already is not touched'

rm "$fake/sudo" "$T/apt.log"
echo bubblewrap >"$T/missing"
if [ -z "$(PATH="$fake:/usr/bin:/bin" command -v sudo)" ]; then
	exits 1 'without root and sudo it stops' fresh build
	like "$(fresh build 2>&1)" 'apt-get install --no-install-recommends bubblewrap' \
		'with the exact command'
	not_ok 'and has not tried' test -e "$T/apt.log"
fi

is "$(contrib/bootstrap --list build | sort -u | wc -l)" "$(contrib/bootstrap --list build | wc -l)" \
	'no package is listed twice'
is "$(comm -23 <(contrib/bootstrap --list build | sort) <(contrib/bootstrap --list check | sort))" '' \
	'the check set holds the build set'
exits 2 'an unknown set is a usage error' contrib/bootstrap nonsense

is "$(contrib/unpriv sh -c 'id -u')" "$(id -u)" 'as an ordinary user, unpriv only executes'
exits 7 'and passes the exit code on' contrib/unpriv sh -c 'exit 7'
exits 2 'it brings nothing from outside the tree' contrib/unpriv --bring ../x true

done_testing
