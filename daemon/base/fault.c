/* fault.c - see fault.h */
#include "base/fault.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool fault_at(const char *what, const char *when)
{
	const char *at = getenv(FAULT_VARIABLE);
	size_t n = strlen(what);

	return at && !strncmp(at, what, n) && at[n] == ':' && !strcmp(at + n + 1, when);
}

void fault_die(void)
{
	kill(getpid(), SIGKILL);
}

void fault_point(const char *what, const char *when)
{
	if (fault_at(what, when))
		fault_die();
}
