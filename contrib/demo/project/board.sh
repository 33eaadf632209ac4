#!/bin/sh
# Prints the departures board: STATION as the argument, trains on standard input.
set -eu
here=$(dirname "$0")
for part in clock delay row title; do
	. "$here/lib/$part.sh"
done
title "${1:-Yard}"
while read -r minutes to platform late; do
	row "$minutes" "$to" "$platform" "$late"
done
