/* depends.c - see local.h: the lines of text that a push and a commit hook read. Pure. */
#include "hooks/local.h"

#include "base/mem.h"

#include <ctype.h>

#define SCISSORS "------------------------ >8 ------------------------"

static bool digits(const char *s, size_t n)
{
	if (!n || n > 15 || s[0] == '0')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isdigit((unsigned char)s[i]))
			return false;
	return true;
}

static bool slug(const char *s, size_t n)
{
	size_t ok = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/");

	return n && ok >= n && s[0] != '/' && s[n - 1] != '/';
}

/* "#12", "owner/repo#12", "https://host/owner/repo/pull/12". */
static bool is_form(const char *w)
{
	const char *hash = strchr(w, '#'), *pull;

	if (!strncmp(w, "https://", 8) || !strncmp(w, "http://", 7)) {
		pull = strstr(w, "/pull/");
		return pull && digits(pull + 6, strlen(pull + 6));
	}
	return hash && digits(hash + 1, strlen(hash + 1)) &&
	       (hash == w || slug(w, (size_t)(hash - w)));
}

static void add_word(const char *w, struct strvec *ret, struct strvec *ret_bad)
{
	if (!is_form(w))
		strvec_push(ret_bad, w);
	else if (!strvec_has(ret, w))
		strvec_push(ret, w);
}

static void add_line(const char *value, struct strvec *ret, struct strvec *ret_bad)
{
	autofree char *copy = xstrdup(value);
	char *save = NULL;
	size_t n = 0;

	for (char *w = strtok_r(copy, ", \t\r", &save); w; w = strtok_r(NULL, ", \t\r", &save)) {
		add_word(w, ret, ret_bad);
		n++;
	}
	if (!n)
		strvec_push(ret_bad, "");
}

void depends_of_message(const char *text, struct strvec *ret, struct strvec *ret_bad)
{
	static const char word[] = "depends-on:";
	cleanup(strvec_release) struct strvec lines = STRVEC_INIT;

	strvec_split(&lines, text, '\n');
	strvec_foreach (&lines, line) {
		const char *s = *line + strspn(*line, " ");

		if (strstr(s, SCISSORS))
			return;
		if (!strncasecmp(s, word, sizeof(word) - 1))
			add_line(s + sizeof(word) - 1, ret, ret_bad);
	}
}

int push_line_parse(char *line, struct push_line *ret)
{
	char *part[4], *p = line;

	/* From the right: a local ref may be an expression with spaces (HEAD@{1 day ago}). */
	for (int i = 3; i > 0; i--) {
		char *space = strrchr(p, ' ');

		if (!space)
			return -1;
		*space = '\0';
		part[i] = space + 1;
	}
	part[0] = p;
	if (!*part[0] || !*part[1] || strncmp(part[2], "refs/", 5) != 0 || !*part[3])
		return -1;
	*ret = (struct push_line){part[0], part[1], part[2], part[3]};
	return 0;
}

bool push_oid_is_zero(const char *oid)
{
	return strspn(oid, "0") == strlen(oid);
}
