/* exitcode.c - see exitcode.h */
#include "cli/exitcode.h"

#include "base/mem.h"

const struct cli_exit_row cli_exit_table[] = {
	{CLI_EXIT_OK, "done"},
	{CLI_EXIT_NOT_SO, "what was asked about is not so: a check or a verification failed"},
	{CLI_EXIT_USAGE, "the command line or its input is wrong"},
	{CLI_EXIT_NOT_FOUND, "what was named does not exist"},
	{CLI_EXIT_DENIED, "the caller has not the permission that this needs"},
	{CLI_EXIT_STATE, "not possible in the present state, not safe, or it exists already"},
	{CLI_EXIT_AWAY, "the daemon does not answer"},
	{CLI_EXIT_LIMIT, "over a limit of size, count or time"},
	{CLI_EXIT_INTERNAL, "an error inside the program or damaged data"},
	{CLI_EXIT_IO, "a file, the disk or the output failed"},
	{CLI_EXIT_TEMPORARY, "busy or away for now; the same again later may work"},
	{CLI_EXIT_CONFIG, "the configuration is wrong"},
	{0, NULL},
};

/* The client itself says CLI_EXIT_AWAY when it cannot reach the daemon: ERR_UNAVAILABLE in an answer
 * means that the daemon is there and something behind it is not. */
static const enum cli_exit by_error[] = {
	[ERR_NONE] = CLI_EXIT_OK,
	[ERR_INPUT] = CLI_EXIT_USAGE,
	[ERR_NOT_FOUND] = CLI_EXIT_NOT_FOUND,
	[ERR_EXISTS] = CLI_EXIT_STATE,
	[ERR_DENIED] = CLI_EXIT_DENIED,
	[ERR_STATE] = CLI_EXIT_STATE,
	[ERR_LIMIT] = CLI_EXIT_LIMIT,
	[ERR_UNAVAILABLE] = CLI_EXIT_TEMPORARY,
	[ERR_IO] = CLI_EXIT_IO,
	[ERR_CORRUPT] = CLI_EXIT_INTERNAL,
	[ERR_UNSAFE] = CLI_EXIT_STATE,
	[ERR_INTERNAL] = CLI_EXIT_INTERNAL,
};

enum cli_exit cli_exit_of(enum err_code code)
{
	return (size_t)code < ARRAY_LEN(by_error) ? by_error[code] : CLI_EXIT_INTERNAL;
}

const char *cli_exit_meaning(int code)
{
	for (const struct cli_exit_row *r = cli_exit_table; r->meaning; r++)
		if ((int)r->code == code)
			return r->meaning;
	return NULL;
}
