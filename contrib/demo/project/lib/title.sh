# title STATION: the line on top.
title() {
	printf 'DEPARTURES %s\n' "$1"
}
