/* agent_end.c - the end block: see agent.h for its form. */
#include "agent/agent.h"
#include "base/mem.h"
#include "base/text.h"

/*
 * No line of this text is a valid block: an agent whose output begins with its own prompt and then
 * says nothing must not be taken for one that has finished.
 */
const char agent_end_block_instructions[] =
	"When you have finished, end your answer with exactly these three lines, each beginning at "
	"the start of its line, without any decoration, and write nothing after them:\n"
	"\n"
	"STATUS: COMPLETE | BLOCKED | QUESTION | NO_CHANGE\n"
	"EXIT_SIGNAL: true | false\n"
	"SUMMARY: what you did and why, in a few sentences\n"
	"\n"
	"Choose one word for each. COMPLETE: the work is done and your files are saved. BLOCKED: "
	"something outside your reach is missing; the summary says what. QUESTION: a person has to "
	"decide; the summary is the question. NO_CHANGE: nothing has to be changed; the summary "
	"says why. EXIT_SIGNAL is true only when you would not go on even if you were asked to. "
	"Work counts as done only with COMPLETE and true.\n";

static const char *const status_names[] = {
	[AGENT_NONE] = "NONE",         [AGENT_COMPLETE] = "COMPLETE",   [AGENT_BLOCKED] = "BLOCKED",
	[AGENT_QUESTION] = "QUESTION", [AGENT_NO_CHANGE] = "NO_CHANGE",
};

const char *agent_status_name(enum agent_status s)
{
	return (size_t)s < ARRAY_LEN(status_names) ? status_names[s] : "NONE";
}

struct line {
	const char *s; /* from its first byte to the end of the output */
	size_t n;      /* without line end and trailing white space */
};

enum key { KEY_STATUS, KEY_EXIT, KEY_SUMMARY, KEY_COUNT };
static const char *const keys[KEY_COUNT] = {"STATUS:", "EXIT_SIGNAL:", "SUMMARY:"};

/* What the output shows, in one pass from its beginning. */
struct scan {
	struct line last[KEY_COUNT]; /* the last three lines that begin with a key */
	int which[KEY_COUNT];        /* their keys; -1: there are fewer */
	bool apart[KEY_COUNT];       /* text other than blank lines stands before it since the key
					before */
	bool fenced[KEY_COUNT];      /* the line before it, blank ones left out, opens a fence */
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static size_t line_at(const char *s, const char *end, struct line *ret)
{
	const char *nl = memchr(s, '\n', (size_t)(end - s));
	size_t whole = (size_t)((nl ? nl : end) - s);

	ret->s = s;
	ret->n = whole;
	while (ret->n && is_space(s[ret->n - 1]))
		ret->n--;
	return whole + (nl ? 1 : 0);
}

static bool is_fence(const struct line *l)
{
	return l->n >= 3 && (!memcmp(l->s, "```", 3) || !memcmp(l->s, "~~~", 3));
}

static int key_of(const struct line *l)
{
	for (int k = 0; k < KEY_COUNT; k++) {
		size_t n = strlen(keys[k]);

		if (l->n >= n && !memcmp(l->s, keys[k], n))
			return k;
	}
	return -1;
}

static void scan_key(struct scan *sc, const struct line *l, int key, bool apart, bool fenced)
{
	for (int i = 0; i < KEY_COUNT - 1; i++) {
		sc->last[i] = sc->last[i + 1];
		sc->which[i] = sc->which[i + 1];
		sc->apart[i] = sc->apart[i + 1];
		sc->fenced[i] = sc->fenced[i + 1];
	}
	sc->last[KEY_COUNT - 1] = *l;
	sc->which[KEY_COUNT - 1] = key;
	sc->apart[KEY_COUNT - 1] = apart;
	sc->fenced[KEY_COUNT - 1] = fenced;
}

static void scan_output(const char *out, size_t n, struct scan *sc)
{
	const char *end = out + n;
	bool apart = false, fenced = false;
	struct line l;

	for (int i = 0; i < KEY_COUNT; i++)
		sc->which[i] = -1;
	for (const char *s = out; s < end;) {
		int key;

		s += line_at(s, end, &l);
		if (!l.n)
			continue;
		key = key_of(&l);
		if (key >= 0)
			scan_key(sc, &l, key, apart, fenced);
		apart = key < 0;
		fenced = is_fence(&l);
	}
}

/* The text behind a key's colon; *ret_n without white space at both ends. */
static const char *value(const struct line *l, int key, size_t *ret_n)
{
	const char *s = l->s + strlen(keys[key]), *end = l->s + l->n;

	while (s < end && is_space(*s))
		s++;
	*ret_n = (size_t)(end - s);
	return s;
}

/* A found word for a message: short and printable. */
static char *shown(const char *s, size_t n)
{
	size_t keep = text_cut(s, n, 60);
	char *w = xstrndup(s, keep);

	for (char *p = w; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	return w;
}

static char *check_order(const struct scan *sc)
{
	if (sc->which[2] < 0)
		return xstrdup(
			"end block: found none; expected the lines STATUS:, EXIT_SIGNAL: and "
			"SUMMARY: at the end of the output");
	for (int i = 0; i < KEY_COUNT; i++) {
		if (sc->which[i] < 0)
			return xasprintf("end block: found only %d of its three lines; expected "
					 "STATUS:, EXIT_SIGNAL:, SUMMARY: in this order",
					 sc->which[1] < 0 ? 1 : 2);
		if (sc->which[i] != i)
			return xasprintf("end block: found %s as line %d of the last three; "
					 "expected STATUS:, EXIT_SIGNAL:, SUMMARY: in this order",
					 keys[sc->which[i]], i + 1);
		if (i && sc->apart[i])
			return xasprintf("end block: found other text between %s and %s; expected "
					 "the three lines one after the other",
					 keys[i - 1], keys[i]);
	}
	return NULL;
}

static char *read_status(const struct line *l, enum agent_status *ret)
{
	size_t n;
	const char *s = value(l, KEY_STATUS, &n);
	autofree char *w = shown(s, n);

	for (int i = AGENT_COMPLETE; i <= AGENT_NO_CHANGE; i++)
		if (strlen(status_names[i]) == n && !memcmp(s, status_names[i], n)) {
			*ret = (enum agent_status)i;
			return NULL;
		}
	return xasprintf("end block: STATUS: found '%s'; expected COMPLETE, BLOCKED, QUESTION or "
			 "NO_CHANGE",
			 w);
}

static char *read_exit(const struct line *l, bool *ret)
{
	size_t n;
	const char *s = value(l, KEY_EXIT, &n);
	autofree char *w = shown(s, n);

	if ((n == 4 && !memcmp(s, "true", 4)) || (n == 5 && !memcmp(s, "false", 5))) {
		*ret = n == 4;
		return NULL;
	}
	return xasprintf("end block: EXIT_SIGNAL: found '%s'; expected true or false", w);
}

/*
 * Where the summary ends. A block inside a fence ends at the closing one and nothing but blank
 * lines may follow; without an opening fence just before STATUS the text goes on to the end, less
 * an odd fence in the last line, which closes one that was opened further up.
 */
static char *summary_end(const char *s, const char *end, bool fenced, const char **ret)
{
	const char *last_fence = NULL, *after = NULL;
	size_t fences = 0;
	struct line l;

	for (const char *p = s, *next; p < end; p = next) {
		next = p + line_at(p, end, &l);
		if (after && l.n)
			after = NULL; /* text after the last fence */
		if (!is_fence(&l) || p == s)
			continue;
		fences++;
		last_fence = after = p;
		if (!fenced)
			continue;
		for (const char *q = next; q < end;) {
			q += line_at(q, end, &l);
			if (l.n)
				return xstrdup("end block: found text after its closing fence; "
					       "expected it at the end of the output");
		}
		break;
	}
	*ret = after && fences % 2 ? last_fence : end;
	return NULL;
}

static char *read_summary(const struct line *l, const char *end, bool fenced, char **ret)
{
	const char *s = l->s + strlen(keys[KEY_SUMMARY]), *stop = end;
	char *problem = summary_end(s, end, fenced, &stop);
	size_t n;

	if (problem)
		return problem;
	/* check_order() has seen three lines: none of them is NULL. */
	while (s < stop &&
	       (is_space(*s) || *s == '\n')) // NOLINT(clang-analyzer-core.NullDereference)
		s++;
	while (stop > s && (is_space(stop[-1]) || stop[-1] == '\n'))
		stop--;
	if (s == stop)
		return xstrdup("end block: SUMMARY: found nothing; expected a text");
	n = text_cut(s, (size_t)(stop - s), AGENT_SUMMARY_MAX);
	*ret = xmalloc(n + 1);
	for (size_t i = 0; i < n; i++)
		(*ret)[i] = s[i] ? s[i] : ' '; /* a NUL would end the text early */
	(*ret)[n] = '\0';
	return NULL;
}

void agent_end_block(const char *out, size_t n, struct agent_result *ret)
{
	struct scan sc = {0};
	enum agent_status status = AGENT_NONE;
	autofree char *summary = NULL;
	bool exit_signal = false;
	char *problem;

	if (!n)
		out = "";
	scan_output(out, n, &sc);
	problem = check_order(&sc);
	if (!problem)
		problem = read_status(&sc.last[0], &status);
	if (!problem)
		problem = read_exit(&sc.last[1], &exit_signal);
	if (!problem)
		problem = read_summary(&sc.last[2], out + n, sc.fenced[0], &summary);
	free(ret->summary);
	free(ret->problem);
	ret->status = problem ? AGENT_NONE : status;
	ret->exit_signal = !problem && exit_signal;
	ret->summary = problem ? NULL : steal(&summary);
	ret->problem = problem;
}
