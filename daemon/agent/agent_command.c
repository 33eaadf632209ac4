/*
 * agent_command.c - the adapter for any command line: it gets the prompt on standard input, edits
 * its working directory and ends with the end block. It has no terminal sign of its own, so exit 0
 * is its success. It reports no tokens; what it has cost is the last line of its output that reads
 *
 *     COST_USD: 0.42
 *
 * as a wrapper around an agent prints it, before the end block or as the very last line. Without one
 * the cost is not known.
 */
#include "agent/adapters.h"

#include "base/mem.h"

#include <ctype.h>

#define COST_KEY    "COST_USD:"
#define COST_DIGITS 12 /* of whole dollars */

static int command_argv(const struct agent_conf *c, struct strvec *ret, struct err *err)
{
	if (c->command.n == 0 || !c->command.v[0][0])
		return err_set(err, ERR_INPUT,
			       "agent '%s': command: found nothing; expected the program and its "
			       "arguments; set agents.%s.command",
			       c->name, c->name);
	strvec_extend(ret, &c->command);
	return 0;
}

/* "0.42" in micro-dollars, or -1 for anything else: less than a millionth is nothing. */
static int64_t money(const char *s, size_t n)
{
	int64_t whole = 0, part = 0, scale = 1000000;
	size_t i = 0;

	for (; i < n && isdigit((unsigned char)s[i]) && i < COST_DIGITS; i++)
		whole = whole * 10 + (s[i] - '0');
	if (!i)
		return -1;
	if (i < n && s[i] == '.') {
		size_t first = ++i;

		for (; i < n && isdigit((unsigned char)s[i]); i++) {
			scale /= 10;
			part += (s[i] - '0') * scale;
		}
		if (i == first)
			return -1;
	}
	return i == n ? whole * 1000000 + part : -1;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The cost on the line of n bytes at s, or -1. */
static int64_t cost_of(const char *s, size_t n)
{
	size_t key = strlen(COST_KEY);

	if (n < key || memcmp(s, COST_KEY, key) != 0)
		return -1;
	while (key < n && is_space(s[key]))
		key++;
	while (n > key && is_space(s[n - 1]))
		n--;
	return money(s + key, n - key);
}

/* The last cost in the output. *n loses a cost that is the last line: it is no part of the summary. */
static int64_t take_cost(const char *out, size_t *n)
{
	size_t end = *n;
	bool last = true;

	while (end) {
		size_t from = end;
		int64_t cost;

		while (from && out[from - 1] != '\n')
			from--;
		cost = cost_of(out + from, end - from);
		if (cost >= 0 && last)
			*n = from;
		if (cost >= 0)
			return cost;
		for (size_t i = from; last && i < end; i++)
			last = is_space(out[i]);
		end = from ? from - 1 : 0;
	}
	return -1;
}

static void command_read(const char *out, size_t n, int exit_code, struct agent_result *ret)
{
	*ret = (struct agent_result){.tokens_in = -1, .tokens_out = -1};
	ret->cost_microusd = take_cost(out, &n);
	ret->success = exit_code == 0;
	agent_end_block(out, n, ret);
}

const struct agent_adapter agent_command = {
	.kind = "command",
	.argv = command_argv,
	.read = command_read,
};
