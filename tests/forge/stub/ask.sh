# shellcheck shell=bash
# ask.sh - asks the stub, from the hook of a push, whether its rules refuse it: $STUB_ASK is PORT/NUMBER, $1 has the lines
# of the hook's standard input. Prints what it is refused with, or nothing.

exec 3<>"/dev/tcp/127.0.0.1/${STUB_ASK%/*}" || exit
updates=${1//$'\n'/ }
text="{\"push\":${STUB_ASK#*/},\"objects\":\"${GIT_OBJECT_DIRECTORY-}\",\"alternates\":\"${GIT_ALTERNATE_OBJECT_DIRECTORIES-}\",\"updates\":\"$updates\"}"
printf 'POST /_control/push/judge HTTP/1.0\r\nContent-Length: %d\r\n\r\n%s' "${#text}" "$text" >&3
read -r _ status _ <&3
[ "$status" = 200 ] || exit
while read -r line <&3 && [ "$line" != $'\r' ]; do :; done
cat <&3
