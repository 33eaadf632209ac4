# delay MINUTES: how late a train is.
delay() {
	printf '+%d min\n' "$1"
}
