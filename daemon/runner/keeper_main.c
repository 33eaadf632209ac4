/* keeper_main.c - the program yardmaster-keeper; keeper.h is its manual. */
#include "runner/inside.h"
#include "runner/keeper.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--inside") == 0)
		_exit(inside_main()); /* process 1 has nothing to clean up */
	if (argc == 2 && strcmp(argv[1], "--check") == 0)
		return keeper_check_main();
	if (argc == 3 && argv[1][0] != '-')
		return keeper_main(argv[1], argv[2]);
	fprintf(stderr, "usage: yardmaster-keeper RUNS ID | --check\n"
			"Keeps one sandboxed run; started by yardmaster.\n");
	return 2;
}
