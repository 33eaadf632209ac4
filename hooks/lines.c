/* lines.c - see local.h: the lines of text that a push and a commit hook read. Pure. */
#include "hooks/local.h"

#include "base/mem.h"

#define SCISSORS "------------------------ >8 ------------------------"

char *message_kept(const char *text)
{
	cleanup(buf_release) struct buf kept = BUF_INIT;
	cleanup(strvec_release) struct strvec lines = STRVEC_INIT;

	strvec_split(&lines, text, '\n');
	strvec_foreach (&lines, line) {
		if (strstr(*line, SCISSORS))
			break;
		if (**line != '#')
			buf_addf(&kept, "%s\n", *line);
	}
	return buf_steal(&kept);
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
