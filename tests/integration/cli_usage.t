#!/bin/bash
# The command line of the real program: what it says about itself, and how its output ends.
. "$(dirname "$0")/lib.sh"

y=$YARDMASTER_BUILD/yardmaster
export YARDMASTER_SOCKET=$T/no-socket
cd "$T" || exit 1

exits 0 'help' "$y" help
exits 0 'a version' "$y" --version
exits 2 'no command is a usage error' "$y"
exits 2 'an unknown command too' "$y" stauts
like "$("$y" stauts 2>&1)" "did you mean 'status'" 'which names the nearest'
is "$("$y" stauts 2>/dev/null)" '' 'and prints nothing on standard output'
exits 6 'the daemon is away' "$y" status
like "$("$y" --json status 2>&1)" '^\{"error":\{"code":"unavailable","text":".*"\}\}$' 'as JSON with --json'

# Every command that help lists has a help of its own; that of `help` is the whole.
missing=
while read -r command; do
	[ "$command" = help ] && continue
	# shellcheck disable=SC2086
	"$y" $command --help | grep -q "^usage: yardmaster $command" || missing+=" $command"
done < <("$y" help | sed -n '/^Options/q; s/^  \([a-z]*\( [a-z]\{1,\}\)\{0,1\}\)   .*/\1/p')
is "$missing" '' 'each command has its help'

# How output ends.
exits 74 'a full disk is an error' sh -c "'$y' help >/dev/full"
exits 74 'a closed standard output is an error' sh -c "'$y' help >&-"
exits 2 'a closed standard error is not' sh -c "'$y' stauts 2>&-"
exec {gone}> >(true)
wait $! # nobody reads the pipe any more
exits 141 'a reader that has gone ends it by the signal' bash -c "exec '$y' help >&$gone"
said=$("$y" help 2>&1 >&$gone)
exec {gone}>&-
is "$said" '' 'quietly'

# What the build has made from the tables.
for page in $("$y" man); do
	ok "the page $page is built" test -s "$YARDMASTER_BUILD/man/$page.1"
done
ok 'the completion is built' bash -n "$YARDMASTER_BUILD/completions/yardmaster"
cmp -s <("$y" completion bash) "$YARDMASTER_BUILD/completions/yardmaster" &&
	pass 'and is what the program prints' || fail 'and is what the program prints'

done_testing
