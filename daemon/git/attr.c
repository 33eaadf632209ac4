/* attr.c - see attr.h */
#include "git/attr.h"

#include "base/strvec.h"
#include "git/pattern.h"

#include <ctype.h>

#define BLANK      " \t\r\n"
#define LINE_MAX_  2048 /* Git's ATTR_MAX_LINE_LENGTH: so many bytes and more are left out */
#define MACROS_MAX 1000

const char gr_attr_set[] = "set", gr_attr_unset[] = "unset";
static const char unspecified[] = "unspecified"; /* said so by '!' */

static const char *const names[] = {
	[GR_ATTR_MERGE] = "merge",  [GR_ATTR_TEXT] = "text",
	[GR_ATTR_CRLF] = "crlf",    [GR_ATTR_EOL] = "eol",
	[GR_ATTR_IDENT] = "ident",  [GR_ATTR_ENCODING] = "working-tree-encoding",
	[GR_ATTR_FILTER] = "filter"};

struct state {
	size_t name; /* of `names`, then of the root's macros */
	const char *value;
	char *text; /* owned; the value, or NULL */
};

struct gr_attr_rule {
	struct gr_pattern pattern; /* not of a macro */
	struct state *v;
	size_t n;
};

static void rule_release(struct gr_attr_rule *r)
{
	gr_pattern_release(&r->pattern);
	for (size_t i = 0; i < r->n; i++)
		free(r->v[i].text);
	free(r->v);
	*r = (struct gr_attr_rule){0};
}

void gr_attr_release(struct gr_attr_level *l)
{
	for (size_t i = 0; i < l->n; i++)
		rule_release(&l->rules[i]);
	free(l->rules);
	for (size_t i = 0; i < l->macros.n; i++) {
		if (l->macro[i])
			rule_release(l->macro[i]);
		free(l->macro[i]);
	}
	free(l->macro);
	strvec_release(&l->macros);
	*l = (struct gr_attr_level){0};
}

static const struct gr_attr_level *root_of(const struct gr_attr_level *l)
{
	while (l->up)
		l = l->up;
	return l;
}

static bool name_valid(const char *s, size_t n)
{
	if (!n || *s == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr("-._", s[i]))
			return false;
	return true;
}

/* The number of a name that counts, -1: nobody asks for it. */
static int name_find(const struct gr_attr_level *root, const char *s, size_t n)
{
	for (size_t i = 0; i < GR_ATTRS; i++)
		if (strlen(names[i]) == n && !memcmp(names[i], s, n))
			return (int)i;
	for (size_t i = 0; i < root->macros.n; i++)
		if (strlen(root->macros.v[i]) == n && !memcmp(root->macros.v[i], s, n))
			return (int)(GR_ATTRS + i);
	return -1;
}

static void macro_declare(struct gr_attr_level *l, const char *s, size_t n)
{
	autofree char *name = xstrndup(s, n);

	if (strvec_has(&l->macros, name) || l->macros.n == MACROS_MAX)
		return;
	strvec_push(&l->macros, name);
	l->macro = xreallocarray(l->macro, l->macros.n, sizeof(struct gr_attr_rule *));
	l->macro[l->macros.n - 1] = NULL;
}

/* One word of a line; false: the line does not count. *ret_more: there is a state to keep. */
static bool read_state(const struct gr_attr_level *root, const char *s, size_t n, struct state *ret,
		       bool *ret_more)
{
	const char *equals = memchr(s, '=', n);
	size_t len = equals ? (size_t)(equals - s) : n;
	char sign = len && (*s == '-' || *s == '!') ? *s : 0;
	int name;

	s += sign != 0;
	len -= sign != 0;
	if (!name_valid(s, len))
		return false;
	name = name_find(root, s, len);
	*ret_more = name >= 0;
	*ret = (struct state){.name = name >= 0 ? (size_t)name : 0};
	if (sign)
		ret->value = sign == '-' ? gr_attr_unset : unspecified;
	else if (!equals)
		ret->value = gr_attr_set;
	else if (*ret_more)
		ret->value = ret->text = xstrndup(equals + 1, n - len - 1);
	return true;
}

/* The words behind pattern or macro; false and nothing kept: the line does not count. */
static bool read_states(const struct gr_attr_level *root, const char *s, struct gr_attr_rule *r)
{
	for (s += strspn(s, BLANK); *s; s += strspn(s, BLANK)) {
		size_t n = strcspn(s, BLANK);
		struct state st;
		bool more;

		if (!read_state(root, s, n, &st, &more)) {
			rule_release(r);
			return false;
		}
		if (more) {
			r->v = xreallocarray(r->v, r->n + 1, sizeof(*r->v));
			r->v[r->n++] = st;
		}
		s += n;
	}
	return true;
}

static int octal(const char *s)
{
	if (s[0] < '0' || s[0] > '3' || s[1] < '0' || s[1] > '7' || s[2] < '0' || s[2] > '7')
		return -1;
	return (s[0] - '0') * 64 + (s[1] - '0') * 8 + (s[2] - '0');
}

/* A quoted pattern, as Git's unquote_c_style() reads it; *s is behind the closing quote then. */
static char *unquote(const char **s)
{
	static const char from[] = "abfnrtv\\\"", to[] = "\a\b\f\n\r\t\v\\\"";
	autofree char *text = xcalloc(strlen(*s) + 1, 1);
	const char *p = *s + 1;
	size_t n = 0;

	for (; *p && *p != '"'; p++) {
		const char *known;

		if (*p != '\\') {
			text[n++] = *p;
			continue;
		}
		p++;
		known = *p ? strchr(from, *p) : NULL;
		if (known) {
			text[n++] = to[known - from];
		} else if (octal(p) >= 0) {
			text[n++] = (char)octal(p);
			p += 2;
		} else {
			return NULL;
		}
	}
	if (*p != '"')
		return NULL;
	*s = p + 1;
	return steal(&text);
}

/* The pattern or "[attr]NAME" in front of a line; *line is behind it. Caller frees. */
static char *read_name(const char **line)
{
	char *name = **line == '"' ? unquote(line) : NULL;
	size_t n;

	if (name)
		return name;
	n = strcspn(*line, BLANK);
	name = xstrndup(*line, n);
	*line += n;
	return name;
}

static const char prefix[] = "[attr]";

/* Where a macro's name is, or NULL. Only what is not quoted has a name that goes on behind a blank. */
static const char *macro_name(const char *line, size_t *ret_n)
{
	if (strncmp(line, prefix, sizeof(prefix) - 1) != 0 || strcspn(line, BLANK) < sizeof(prefix))
		return NULL;
	line += sizeof(prefix) - 1;
	*ret_n = strcspn(line, BLANK);
	return line;
}

/* Git takes a quoted one for a macro, too; here it is none. */
static bool quoted_macro(const char *name)
{
	return !strncmp(name, prefix, sizeof(prefix) - 1) && strlen(name) >= sizeof(prefix);
}

static void add_macro(struct gr_attr_level *l, const char *name, size_t n)
{
	struct gr_attr_rule r = {0};
	int at = name_find(l, name, n);

	if (!name_valid(name, n) || at < 0 || !read_states(l, name + n, &r))
		return;
	/* A macro by the name of an attribute that is asked for is of no use to anybody. */
	if ((size_t)at < GR_ATTRS) {
		rule_release(&r);
		return;
	}
	at -= GR_ATTRS;
	if (l->macro[at])
		rule_release(l->macro[at]);
	else
		l->macro[at] = xcalloc(1, sizeof(r));
	*l->macro[at] = r;
}

static int add_line(struct gr_attr_level *l, const char *line, struct err *err)
{
	const struct gr_attr_level *root = root_of(l);
	struct gr_attr_rule r = {0};
	autofree char *name = NULL;
	size_t n;

	line += strspn(line, BLANK);
	if (!*line || *line == '#' || strlen(line) >= LINE_MAX_)
		return 0;
	if (macro_name(line, &n)) {
		if (l == root)
			add_macro(l, macro_name(line, &n), n);
		return 0;
	}
	name = read_name(&line);
	if (*name == '!' || quoted_macro(name) || !read_states(root, line, &r))
		return 0;
	if (!r.n || !gr_pattern_init(&r.pattern, name, strlen(name))) {
		rule_release(&r);
		return 0;
	}
	if (l->n == GR_ATTR_RULES) {
		rule_release(&r);
		return err_set(err, ERR_LIMIT, "more than %d rules in one .gitattributes",
			       GR_ATTR_RULES);
	}
	l->doubtful = l->doubtful || r.pattern.doubtful;
	l->rules = xreallocarray(l->rules, l->n + 1, sizeof(r));
	l->rules[l->n++] = r;
	return 0;
}

void gr_attr_init(struct gr_attr_level *l, const struct gr_attr_level *up, size_t dir_len)
{
	*l = (struct gr_attr_level){.up = up, .dir_len = dir_len, .work = up ? up->work : NULL};
	if (!up) {
		macro_declare(l, "binary", 6);
		add_macro(l, "binary -merge -text", 6);
	}
}

/* The names of macros come first: a line may use what a later one defines. */
static void declare_macros(struct gr_attr_level *l, const char *text)
{
	for (const char *p = text; *p;) {
		size_t len = strcspn(p, "\n"), n;
		const char *at = p + strspn(p, " \t\r"), *name = macro_name(at, &n);

		if (name && name_valid(name, n))
			macro_declare(l, name, n);
		p += len + (p[len] == '\n');
	}
}

int gr_attr_add(struct gr_attr_level *l, const char *s, size_t n, struct err *err)
{
	autofree char *text = NULL;

	if (n > GR_ATTR_BYTES)
		return err_set(err, ERR_LIMIT, ".gitattributes has %zu bytes; at most %zu are read",
			       n, GR_ATTR_BYTES);
	text = xstrndup(s, n);
	if (!l->up)
		declare_macros(l, text);
	for (char *p = text + (!strncmp(text, "\xef\xbb\xbf", 3) ? 3 : 0); *p;) {
		size_t len = strcspn(p, "\n");
		bool more = p[len] == '\n';

		p[len] = 0;
		if (add_line(l, p, err) < 0)
			return -1;
		p += len + more;
	}
	return 0;
}

bool gr_attr_any(const struct gr_attr_level *l)
{
	for (; l; l = l->up)
		if (l->n)
			return true;
	return false;
}

/* The last word of a line first; one that is there already stays. */
static void fill_rule(const struct gr_attr_level *root, const struct gr_attr_rule *r,
		      const char **all)
{
	for (size_t i = r->n; i-- > 0;) {
		const struct state *st = &r->v[i];

		if (all[st->name])
			continue;
		all[st->name] = st->value;
		/* Not deeper than there are macros: each is filled in once. */
		if (st->name >= GR_ATTRS && st->value == gr_attr_set &&
		    root->macro[st->name - GR_ATTRS])
			fill_rule(root, root->macro[st->name - GR_ATTRS], all);
	}
}

static int fill_level(const struct gr_attr_level *l, const struct gr_attr_level *root,
		      const char *path, const char **all, struct err *err)
{
	int64_t len = (int64_t)strlen(path);

	for (size_t i = l->n; i-- > 0;) {
		const struct gr_pattern *p = &l->rules[i].pattern;

		if (l->work) {
			*l->work += 1 + (p->literal ? 0 : (int64_t)p->n * len);
			if (*l->work > GR_ATTR_WORK)
				return err_set(
					err, ERR_LIMIT,
					"too many rules in .gitattributes for so many files");
		}
		if (gr_pattern_matches(p, path))
			fill_rule(root, &l->rules[i], all);
	}
	return 0;
}

int gr_attr_get(const struct gr_attr_level *l, const char *path, const char *ret[GR_ATTRS],
		struct err *err)
{
	const struct gr_attr_level *root = root_of(l);
	autofree const char **all = xcalloc(GR_ATTRS + root->macros.n, sizeof(*all));

	for (; l; l = l->up)
		if (l->n && fill_level(l, root, path + l->dir_len, all, err) < 0)
			return -1;
	for (size_t i = 0; i < GR_ATTRS; i++)
		ret[i] = all[i] == unspecified ? NULL : all[i];
	return 0;
}
