/* life.c - see life.h */
#include "task/life.h"

#include "base/mem.h"

#define ENDS "cancelled no-change done needs-human"

static const struct {
	const char *state;
	const char *next; /* separated by blanks */
	bool ended;
} life[] = {
	{"waiting", "preparing running relabel merged " ENDS, false},
	{"preparing", "running halted waiting relabel merged " ENDS, false},
	{"running", "asking review queued halted relabel waiting merged " ENDS, false},
	{"asking", "running halted waiting merged " ENDS, false},
	{"review", "running queued halted waiting merged " ENDS, false},
	{"queued", "running review halted waiting merged " ENDS, false},
	{"halted", "preparing waiting running asking review queued merged " ENDS, false},
	{"relabel", ENDS, false},
	{"needs-human", "preparing running merged cancelled", true},
	{"merged", "", true},
	{"done", "merged", true},
	{"no-change", "", true},
	{"cancelled", "needs-human merged", true},
};

bool life_ended(const char *state)
{
	for (size_t i = 0; i < ARRAY_LEN(life); i++)
		if (!strcmp(life[i].state, state))
			return life[i].ended;
	return false;
}

static bool has_word(const char *words, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = strstr(words, word); p; p = strstr(p + 1, word))
		if ((p == words || p[-1] == ' ') && (p[n] == ' ' || !p[n]))
			return true;
	return false;
}

bool life_may(const char *from, const char *to)
{
	if (!strcmp(from, to))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(life); i++)
		if (!strcmp(life[i].state, from))
			return has_word(life[i].next, to);
	return false;
}

int life_check(const char *from, const char *to, struct err *err)
{
	if (life_may(from, to))
		return 0;
	return err_set(err, ERR_INTERNAL, "task: may not go from '%s' to '%s'", from, to);
}
