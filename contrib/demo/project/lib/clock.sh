# clock MINUTES: the time of day, from minutes since midnight.
clock() {
	printf '%d:%02d\n' $(($1 / 60)) $(($1 % 60))
}
