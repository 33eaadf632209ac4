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

like "$(contrib/bootstrap build 2>&1)" 'are installed' 'the real machine has the build set'

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
# What the installed program needs: the package of each library that it is linked with, and no other library.
# What gcc and the sanitizers bring comes with the compiler.
build=${YARDMASTER_BUILD:-build}
needed() { readelf -d "$@" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort -u; }
is "$(needed "$build"/yardmaster{,-daemon,-keeper} | while read -r lib; do dpkg -S "*-linux-gnu*/$lib"; done | sed 's/:.*//' | grep -Ev '^lib(c6|gcc-s1|[a-z]*san[0-9]*)$' | sort -u)" \
	"$(contrib/bootstrap --list run | grep ^lib | sort)" 'the run set has the libraries that the program is linked with'
is "$(comm -23 <(contrib/bootstrap --list run | grep -v ^lib | sort) <(contrib/bootstrap --list check | sort))" tini \
	'and what the tests run with, but for a process 1'
# It is started by each command and each hook: every library more is a millisecond more.
is "$(needed "$build/yardmaster" | grep -Ev '^lib(gcc_s|[a-z]*san)[.]' | xargs)" \
	'libc.so.6 libcmark-gfm.so.0.29.0.gfm.6 libjansson.so.4 libyaml-0.so.2' 'what people start needs four libraries'
# The image has no list of its own.
is "$(grep -Eo '/bootstrap (build|check|long|run)' contrib/Containerfile | cut -d' ' -f2 | tr '\n' ' ')" 'build run ' \
	'the container file installs the build set and the run set'
is "$(sed -n 's/.*apt-get install -y --no-install-recommends \([^\\]*[^ \\]\).*/\1/p' contrib/Containerfile)" make \
	'and beside them make, which calls for the build set everywhere else'
is "$(sed -n 's/^COPY \([^-].*\) [^ ]*$/\1/p' contrib/Containerfile | tr ' ' '\n' | while read -r f; do
	[ -n "$(git ls-files "$f" 2>/dev/null || ls -d "$f")" ] || echo "$f"
done)" '' 'and everything that it copies is there'
exits 2 'an unknown set is a usage error' contrib/bootstrap nonsense

# The mirror of the checks that make a Debian is this machine's.
sources() { printf '%s\n' "$@" >"$T/sources"; }
mirror() { PATH="$T/apt:$PATH" contrib/mirror; }
mkdir "$T/apt"
printf '#!/bin/sh\n[ "$1" = indextargets ] && cat "%s/sources"\n' "$T" >"$T/apt/apt-get"
chmod 755 "$T/apt/apt-get"
sources 'https://other.example/deb stable contrib' 'http://mirror.example/security bookworm-security main' \
	'http://mirror.example/debian bookworm main'
is "$(mirror)" http://mirror.example/debian "the mirror is the one of this machine's apt"
is "$(MIRROR=http://mine.example mirror)" http://mine.example 'unless another one is named'
printf '# ours\nhttp://first.example/debian\nhttp://second.example/debian\n' >"$T/mirrors"
sources "mirror+file:$T/mirrors bookworm main"
is "$(mirror)" http://first.example/debian 'of a list of mirrors the first'
sources 'http://mirror.example/debian trixie main'
exits 1 'without one it stops' mirror
like "$(mirror 2>&1)" 'no source for .*bookworm.*MIRROR=' 'and says what to do'
for made in contrib/bootstrap-check contrib/container-check; do
	like "$(grep -A3 '^[[:space:]]*debootstrap ' $made)" 'bookworm .*"\$MIRROR"' "$made takes it"
done
is "$(grep -rnE '(deb|security|snapshot)[.]debian[.]org|docker[.]io|registry[.]npmjs|(quay|ghcr)[.]io' contrib tests hooks daemon blueprints GNUmakefile ./*.md)" '' \
	'no mirror and no registry is named in the tree'

# The number in a migration's name is the ledger's version: twice or missing ends the build.
ok 'the migrations are numbered without a gap' contrib/migrations.sh daemon/store/migrations/*.sql
like "$(contrib/migrations.sh m/migrations/0001_a.sql m/migrations/0002_b.sql m/migrations/0002_c.sql 2>&1 && echo passed)" \
	'0002_c.sql: expected number 0003' 'a number that is there twice is refused'
like "$(contrib/migrations.sh m/migrations/0003_c.sql m/migrations/0001_a.sql 2>&1 && echo passed)" \
	'0003_c.sql: expected number 0002 after 0001_a.sql' 'and one that is missing'
like "$(contrib/migrations.sh m/migrations/first.sql 2>&1 && echo passed)" 'expected a name like' 'and a name without a number'
like "$(cp -r contrib daemon hooks blueprints GNUmakefile "$T" && cd "$T" && touch daemon/store/migrations/0003_twice.sql &&
	make B=out out/gen/embed_data.c 2>&1 && echo built)" 'expected number 0004' 'a build with such a file ends'

is "$(contrib/unpriv sh -c 'id -u')" "$(id -u)" 'as an ordinary user, unpriv only executes'
exits 7 'and passes the exit code on' contrib/unpriv sh -c 'exit 7'
exits 2 'it brings nothing from outside the tree' contrib/unpriv --bring ../x true

done_testing
