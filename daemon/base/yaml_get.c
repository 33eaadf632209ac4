/* yaml_get.c - the typed reads of yaml.h, and how a message names what it found. */
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/yaml.h"

#define SHOWN_MAX 60 /* bytes of a value that a message quotes */

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
	if (!map || map->kind != YAML_MAP)
		return NULL;
	for (size_t i = 0; i < map->n; i++)
		if (!strcmp(map->keys[i], key))
			return map->items[i];
	return NULL;
}

/* Quotes the start of a text on one line. */
static char *shown(const char *s)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	size_t len = strlen(s), n = len;

	if (n > SHOWN_MAX)
		for (n = SHOWN_MAX; n && ((unsigned char)s[n] & 0xc0) == 0x80;)
			n--;
	buf_addc(&b, '\'');
	for (size_t i = 0; i < n; i++)
		buf_addc(&b, (unsigned char)s[i] < 0x20 || s[i] == 0x7f ? ' ' : s[i]);
	buf_adds(&b, n < len ? "…'" : "'");
	return buf_steal(&b);
}

char *yaml_found(const struct yaml_node *n)
{
	if (!n || n->kind == YAML_NULL)
		return xstrdup("nothing");
	if (n->kind == YAML_LIST)
		return xstrdup(n->n ? "a list" : "an empty list");
	if (n->kind == YAML_MAP)
		return xstrdup("a mapping");
	return shown(n->text);
}

static int fail_at(const struct yaml_doc *d, int line, const char *path, const char *allowed,
		   struct err *err, const char *found)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	buf_addf(&b, "%s:%d: ", d->file, line);
	if (*path)
		buf_addf(&b, "key '%s': ", path);
	buf_adds(&b, found);
	if (allowed)
		buf_addf(&b, "; allowed: %s", allowed);
	return err_set(err, ERR_INPUT, "%s", b.s);
}

int yaml_fail(const struct yaml_doc *d, const struct yaml_node *at, const char *allowed,
	      struct err *err, const char *found_fmt, ...)
{
	autofree char *found = NULL;
	va_list ap;

	va_start(ap, found_fmt);
	found = xvasprintf(found_fmt, ap);
	va_end(ap);
	return fail_at(d, at->line, at->path, allowed, err, found);
}

static char *join(const char *const *words)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	for (size_t i = 0; words[i]; i++)
		buf_addf(&b, "%s%s", i ? ", " : "", words[i]);
	return buf_steal(&b);
}

static bool listed(const char *const *words, const char *s, int *ret_index)
{
	for (int i = 0; words[i]; i++)
		if (!strcmp(words[i], s)) {
			*ret_index = i;
			return true;
		}
	return false;
}

int yaml_only(const struct yaml_doc *d, const struct yaml_node *map, const char *const *allowed,
	      struct err *err)
{
	int unused;

	if (!map || map->kind != YAML_MAP)
		return 0;
	for (size_t i = 0; i < map->n; i++) {
		const char *near;
		autofree char *all = NULL;

		if (listed(allowed, map->keys[i], &unused))
			continue;
		near = text_nearest(map->keys[i], allowed);
		all = join(allowed);
		return yaml_fail(d, map->items[i], all, err, "found an unknown key%s%s%s",
				 near ? ", did you mean '" : "", near ? near : "",
				 near ? "'?" : "");
	}
	return 0;
}

static int wrong(const struct yaml_doc *d, const struct yaml_node *n, const char *allowed,
		 struct err *err)
{
	autofree char *found = yaml_found(n);

	return yaml_fail(d, n, allowed, err, "found %s", found);
}

int yaml_str(const struct yaml_doc *d, const struct yaml_node *n, char **ret, struct err *err)
{
	if (!n)
		return 0;
	if (n->kind != YAML_TEXT)
		return wrong(d, n, "a text", err);
	free(*ret);
	*ret = xstrdup(n->text);
	return 0;
}

/* Decimal, without a sign but '-', leading zeros or anything else after it. */
static bool decimal(const char *s, int64_t *ret)
{
	const char *p = s + (*s == '-');
	char *end;

	if (*p < '0' || *p > '9' || (*p == '0' && p[1]) || strlen(p) > 18)
		return false;
	*ret = strtoll(s, &end, 10);
	return !*end;
}

int yaml_int(const struct yaml_doc *d, const struct yaml_node *n, int64_t min, int64_t max,
	     int64_t *ret, struct err *err)
{
	autofree char *allowed = NULL;
	int64_t v;

	if (!n)
		return 0;
	if (n->kind == YAML_TEXT && !n->quoted && decimal(n->text, &v) && v >= min && v <= max) {
		*ret = v;
		return 0;
	}
	allowed = xasprintf("a whole number from %lld to %lld", (long long)min, (long long)max);
	if (n->kind == YAML_TEXT && n->quoted)
		return yaml_fail(d, n, allowed, err, "found a text in quotes");
	return wrong(d, n, allowed, err);
}

int yaml_bool(const struct yaml_doc *d, const struct yaml_node *n, bool *ret, struct err *err)
{
	static const char *const words[] = {"false", "true", "False", "True",
					    "FALSE", "TRUE", NULL};
	int i;

	if (!n)
		return 0;
	if (n->kind == YAML_TEXT && !n->quoted && listed(words, n->text, &i)) {
		*ret = i & 1;
		return 0;
	}
	if (n->kind == YAML_TEXT && n->quoted)
		return yaml_fail(d, n, "true, false (without quotes)", err,
				 "found a text in quotes");
	return wrong(d, n, "true, false", err);
}

int yaml_strs(const struct yaml_doc *d, const struct yaml_node *n, struct strvec *ret,
	      struct err *err)
{
	if (!n)
		return 0;
	if (n->kind == YAML_TEXT) {
		strvec_push(ret, n->text);
		return 0;
	}
	if (n->kind != YAML_LIST)
		return wrong(d, n, "a list of texts ([] for none)", err);
	for (size_t i = 0; i < n->n; i++)
		if (n->items[i]->kind != YAML_TEXT)
			return wrong(d, n->items[i], "a text", err);
	for (size_t i = 0; i < n->n; i++)
		strvec_push(ret, n->items[i]->text);
	return 0;
}

int yaml_enum(const struct yaml_doc *d, const struct yaml_node *n, const char *const *words,
	      int *ret, struct err *err)
{
	autofree char *all = NULL, *found = NULL;
	const char *near;

	if (!n || (n->kind == YAML_TEXT && listed(words, n->text, ret)))
		return 0;
	all = join(words);
	if (n->kind != YAML_TEXT)
		return wrong(d, n, all, err);
	found = yaml_found(n);
	near = text_nearest(n->text, words);
	if (near)
		return yaml_fail(d, n, all, err, "found %s, did you mean '%s'?", found, near);
	return yaml_fail(d, n, all, err, "found %s", found);
}

/* Digits, and at most six more after a point. */
static bool money(const char *s, int64_t *ret)
{
	int64_t whole = 0, part = 0, unit = 1000000;
	const char *p = s;

	for (; *p >= '0' && *p <= '9' && p - s < 7; p++)
		whole = whole * 10 + (*p - '0');
	if (p == s)
		return false;
	if (*p == '.') {
		const char *from = ++p;

		for (; *p >= '0' && *p <= '9' && unit > 1; p++) {
			unit /= 10;
			part += (*p - '0') * unit;
		}
		if (p == from)
			return false;
	}
	if (*p || whole > 1000000)
		return false;
	*ret = whole * 1000000 + part;
	return true;
}

int yaml_money(const struct yaml_doc *d, const struct yaml_node *n, int64_t *ret_microusd,
	       struct err *err)
{
	if (!n || (n->kind == YAML_TEXT && money(n->text, ret_microusd)))
		return 0;
	return wrong(d, n, "dollars from 0 to 1000000, such as 5 or 0.25", err);
}

int yaml_must_map(const struct yaml_doc *d, const struct yaml_node *n, struct err *err)
{
	if (!n || n->kind == YAML_MAP || n->kind == YAML_NULL)
		return 0;
	return wrong(d, n, "a mapping (key: value)", err);
}

int yaml_must_list(const struct yaml_doc *d, const struct yaml_node *n, struct err *err)
{
	if (!n || n->kind == YAML_LIST)
		return 0;
	return wrong(d, n, "a list ([] for none)", err);
}
