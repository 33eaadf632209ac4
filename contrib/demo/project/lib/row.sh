# row MINUTES DESTINATION PLATFORM LATE: one line of the board.
row() {
	printf '%s  %s\n' "$(clock "$1")" "$2"
}
