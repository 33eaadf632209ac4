#!/bin/bash
# `make install` puts everything in place, what is in place works, and `make uninstall` takes it away.
. "$(dirname "$0")/lib.sh"

cd "$root" || exit 1
unset MAKEFLAGS MFLAGS MAKELEVEL
dest=$T/dest
build=$(realpath --relative-to="$root" "$YARDMASTER_BUILD")
inst() { make -s B="$build" DESTDIR="$dest" PREFIX=/usr "$@"; }

ok 'make install' inst install
for f in usr/bin/yardmaster usr/libexec/yardmaster/yardmaster-daemon usr/libexec/yardmaster/yardmaster-keeper usr/share/man/man1/yardmaster.1 \
	usr/share/man/man1/yardmaster-task.1 usr/share/bash-completion/completions/yardmaster \
	usr/lib/systemd/system/yardmaster.service usr/lib/sysusers.d/yardmaster.conf \
	usr/share/yardmaster/schema/yardmaster.schema.json usr/share/yardmaster/schema/repository.schema.json \
	usr/share/yardmaster/schema/blueprint.schema.json usr/share/doc/yardmaster/examples/nginx.conf \
	usr/share/doc/yardmaster/examples/Caddyfile usr/share/doc/yardmaster/README.md \
	usr/share/doc/yardmaster/contrib/doc/github.md usr/share/doc/yardmaster/contrib/doc/decisions/README.md etc/yardmaster/yardmaster.yml; do
	ok "$f is there" test -s "$dest/$f"
done
ok 'the shipped configuration is valid' \
	"$dest/usr/bin/yardmaster" --config "$dest/etc/yardmaster/yardmaster.yml" config check
like "$(mandoc -Tutf8 "$dest/usr/share/man/man1/yardmaster.1" 2>&1)" 'yardmaster' 'the manual page can be read'
like "$(bash -c ". '$dest/usr/share/bash-completion/completions/yardmaster'; complete -p yardmaster")" \
	yardmaster 'the completion can be loaded'

# The installed daemon finds its keeper.
YARDMASTER=$dest/usr/bin/yardmaster
ym_start
ok 'the installed daemon runs' ym status
ym_stop
is $? 0 'and ends'

if command -v systemd-analyze >/dev/null; then
	unit=$T/yardmaster.service
	sed "s|/usr/bin/yardmaster|$YARDMASTER|" "$dest/usr/lib/systemd/system/yardmaster.service" >"$unit"
	is "$(systemd-analyze verify --man=no "$unit" 2>&1)" '' 'systemd has nothing to say about the unit'
fi
like "$(cat "$dest/usr/lib/systemd/system/yardmaster.service")" 'ExecStart=/usr/bin/yardmaster serve' \
	'the unit starts the installed program'

echo '# mine' >>"$dest/etc/yardmaster/yardmaster.yml"
ok 'a second make install' inst install
like "$(tail -n 1 "$dest/etc/yardmaster/yardmaster.yml")" mine 'leaves the configuration alone'
ok 'make uninstall' inst uninstall
is "$(cd "$dest" && find . -type f)" ./etc/yardmaster/yardmaster.yml 'leaves the configuration and nothing else'
not_ok 'and no empty folder of documents' test -e "$dest/usr/share/doc/yardmaster"

done_testing
