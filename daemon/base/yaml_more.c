/* yaml_more.c - the reads of yaml.h that several configuration files share: names, lines, commands,
 * globs, tables of numbers. */
#include "base/glob.h"
#include "base/mem.h"
#include "base/yaml.h"

#define NAME_MAX_BYTES 40

static int wrong(const struct yaml_doc *d, const struct yaml_node *n, const char *allowed,
		 struct err *err)
{
	autofree char *found = yaml_found(n);

	return yaml_fail(d, n, allowed, err, "found %s", found);
}

static bool is_name(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n && !s[n] && n <= NAME_MAX_BYTES && *s != '-';
}

int yaml_name(const struct yaml_doc *d, const struct yaml_node *n, char **ret, struct err *err)
{
	if (!n)
		return 0;
	if (n->kind != YAML_TEXT || !is_name(n->text))
		return wrong(d, n, "a name of 1 to 40 of a-z, 0-9 and '-', not beginning with '-'",
			     err);
	return yaml_str(d, n, ret, err);
}

static bool is_line(const char *s, size_t max)
{
	size_t n = strlen(s);

	if (!n || n > max || s[0] == ' ' || s[n - 1] == ' ')
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return false;
	return true;
}

int yaml_line(const struct yaml_doc *d, const struct yaml_node *n, size_t max, char **ret,
	      struct err *err)
{
	autofree char *allowed = NULL;

	if (!n)
		return 0;
	if (n->kind == YAML_TEXT && is_line(n->text, max))
		return yaml_str(d, n, ret, err);
	allowed = xasprintf("one line of 1 to %zu bytes", max);
	return wrong(d, n, allowed, err);
}

static bool blank(const char *s)
{
	return !s[strspn(s, " \t\r\n")];
}

/* The node that item i came from: of a list its item, of a single text the node itself. */
static const struct yaml_node *item(const struct yaml_node *n, size_t i)
{
	return n->kind == YAML_LIST ? n->items[i] : n;
}

int yaml_commands(const struct yaml_doc *d, const struct yaml_node *n, struct strvec *ret,
		  struct err *err)
{
	cleanup(strvec_release) struct strvec v = STRVEC_INIT;

	if (yaml_strs(d, n, &v, err) < 0)
		return -1;
	if (v.n > YAML_COMMANDS_MAX)
		return yaml_fail(d, n, "at most 32 commands", err, "found %zu commands", v.n);
	for (size_t i = 0; i < v.n; i++) {
		if (blank(v.v[i]))
			return yaml_fail(d, item(n, i), "a shell command", err,
					 "found an empty command");
		if (strlen(v.v[i]) > YAML_COMMAND_MAX)
			return yaml_fail(d, item(n, i), "at most 16384 bytes; put it into a script",
					 err, "found a command of %zu bytes", strlen(v.v[i]));
	}
	strvec_extend(ret, &v);
	return 0;
}

int yaml_globs(const struct yaml_doc *d, const struct yaml_node *n, struct strvec *ret,
	       struct err *err)
{
	cleanup(strvec_release) struct strvec v = STRVEC_INIT;

	if (yaml_strs(d, n, &v, err) < 0)
		return -1;
	for (size_t i = 0; i < v.n; i++) {
		cleanup(err_release) struct err why = ERR_INIT;
		autofree char *found = NULL;

		if (glob_check(v.v[i], &why) == 0)
			continue;
		found = yaml_found(item(n, i));
		return yaml_fail(d, item(n, i), "a path pattern such as src/** or *.md", err,
				 "found %s: %s", found, err_text(&why));
	}
	strvec_extend(ret, &v);
	return 0;
}

int yaml_network(const struct yaml_doc *d, const struct yaml_node *n, bool *ret, struct err *err)
{
	static const char *const words[] = {"none", "host", NULL};
	int i = 0;

	if (yaml_enum(d, n, words, &i, err) < 0)
		return -1;
	if (n)
		*ret = i == 1;
	return 0;
}

int yaml_nums(const struct yaml_doc *d, const struct yaml_node *map, const struct yaml_num *table,
	      void *base, struct err *err)
{
	for (const struct yaml_num *t = table; t->key; t++) {
		int64_t v = t->otherwise;

		if (yaml_int(d, yaml_get(map, t->key), t->min, t->max, &v, err) < 0)
			return -1;
		*(int64_t *)(void *)((char *)base + t->offset) = v * t->scale;
	}
	return 0;
}
