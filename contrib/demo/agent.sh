#!/bin/bash
# The demo's agent: no model, but it does what an agent does. It reads the prompt on standard input,
# edits files of the working directory as the issue's text says, and ends with the end block.
#
# It understands these lines of an issue and ignores the others:
#
#   replace in FILE: OLD -> NEW       the first place
#   append to FILE: TEXT
#   create FILE: TEXT                 a file of one line
#   careless at first: A -> B         in the first round it writes B where it should write A; when the
#                                     log of a failed gate comes back it does not repeat that
set -euo pipefail

prompt=$(cat)
done_with() { # STATUS SUMMARY
	printf 'STATUS: %s\nEXIT_SIGNAL: true\nSUMMARY: %s\n' "$1" "$2"
	exit 0
}

write() { # FILE TEXT
	mkdir -p "$(dirname "$1")"
	printf '%s\n' "$2" >"$1"
	echo "agent: wrote $1"
}

slip=$(sed -n 's/^careless at first: //p' <<<"$prompt")
careless() { # TEXT: as it is written in a hurry
	if [ -n "$slip" ]; then
		printf '%s' "${1//"${slip%% -> *}"/"${slip#* -> }"}"
	else
		printf '%s' "$1"
	fi
}
again=''
if [[ $prompt == *"## What was wrong"* ]]; then
	again=1
	echo "agent: the last round was not accepted; reading why"
	if [[ $prompt == *"it conflicts with"* ]]; then
		done_with BLOCKED "Another change of the same line has landed. Which wording is right is for a person to say."
	fi
fi

edits=0
while IFS= read -r line; do
	[[ $line =~ ^(replace\ in|append\ to|create)\ ([A-Za-z0-9_./-]+):\ (.*)$ ]] || continue
	verb=${BASH_REMATCH[1]} file=${BASH_REMATCH[2]} text=${BASH_REMATCH[3]}
	case "$verb" in
	create) write "$file" "$text" ;;
	append*)
		have=$(cat "$file")
		[[ $'\n'"$have"$'\n' == *$'\n'"$text"$'\n'* ]] || write "$file" "$have"$'\n'"$text"
		;;
	replace*)
		old=${text%% -> *} new=${text#* -> }
		have=$(cat "$file")
		hasty=$(careless "$new")
		if [ -n "$again" ] && [[ $have == *"$hasty"* ]]; then
			write "$file" "${have/"$hasty"/"$new"}"
		elif [[ $have == *"$old"* ]]; then
			[ -n "$again" ] || new=$hasty
			write "$file" "${have/"$old"/"$new"}"
		else
			done_with BLOCKED "$file has no text '$old'."
		fi
		;;
	esac
	edits=$((edits + 1))
done <<<"$prompt"

[ $edits -gt 0 ] || done_with QUESTION "The issue names no file to change. Which one is meant?"
done_with COMPLETE "Made $edits edits as the issue says."
