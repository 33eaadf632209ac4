/* parse.c - see parse.h */
#include "cli/parse.h"

#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <inttypes.h>

#define WORDS_MAX 4096 /* arguments of one command; more is nobody's intention */

struct parser {
	struct cli_call *call;
	const struct cli_group *group;
	enum cli_wish wish;
	const char *first;  /* a group's name, waiting for its second word */
	bool help_command;  /* `yardmaster help ...`: the words name what help is wanted of */
	char *const *argv;  /* what is left; argv[0] is looked at */
	const char **words; /* of the command */
	size_t nwords;
};

static char *wire_key(const char *name)
{
	char *key = xstrdup(name);

	for (char *p = key; *p; p++)
		if (*p == '-')
			*p = '_';
	return key;
}

/* In front of an error: the command as far as it is known. */
static const char *where(const struct parser *p)
{
	return p->call->cmd ? p->call->cmd->path : p->first ? p->first : "yardmaster";
}

static int int_value(const char *what, const char *s, int64_t min, int64_t max, int64_t *ret,
		     struct err *err)
{
	char *end;

	errno = 0;
	*ret = strtoll(s, &end, 10);
	if (end == s || *end || errno || *s == ' ' || *s == '+')
		return err_set(err, ERR_INPUT, "%s: found '%s', expected a whole number", what, s);
	if ((min || max) && (*ret < min || *ret > max))
		return err_set(err, ERR_INPUT,
			       "%s: found %" PRId64 ", expected %" PRId64 " to %" PRId64, what,
			       *ret, min, max);
	return 0;
}

static int one_of(const char *what, const char *s, const char *const *values, struct err *err)
{
	cleanup(buf_release) struct buf list = BUF_INIT;
	const char *near;

	for (size_t i = 0; values && values[i]; i++) {
		if (!strcmp(values[i], s))
			return 0;
		buf_addf(&list, "%s%s", i ? ", " : "", values[i]);
	}
	if (!values)
		return 0;
	near = text_nearest(s, values);
	return err_set(err, ERR_INPUT, "%s: found '%s'%s%s%s; allowed: %s", what, s,
		       near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "", list.s);
}

static int text_value(const char *what, const char *s, json_t **ret, struct err *err)
{
	*ret = json_string(s);
	if (!*ret)
		return err_set(err, ERR_INPUT, "%s: the text is not valid UTF-8", what);
	return 0;
}

static void append(json_t *args, const char *key, json_t *value)
{
	if (!json_object_get(args, key))
		json_put(args, key, json_array());
	if (json_array_append_new(json_object_get(args, key), value) < 0)
		abort(); /* out of memory */
}

/* Stores one value under a key, as its kind wants it. `what` names it in errors. */
static int store(json_t *args, const char *key, const char *what, enum cli_kind kind, int64_t min,
		 int64_t max, const char *const *values, const char *s, struct err *err)
{
	int64_t number = 0;
	json_t *text = NULL;

	if (kind == CLI_FLAG) {
		json_put_bool(args, key, true);
		return 0;
	}
	if (kind == CLI_INT) {
		if (int_value(what, s, min, max, &number, err) < 0)
			return -1;
		json_put_int(args, key, number);
		return 0;
	}
	if (one_of(what, s, values, err) < 0 || text_value(what, s, &text, err) < 0)
		return -1;
	if (kind == CLI_LIST)
		append(args, key, text);
	else
		json_put(args, key, text);
	return 0;
}

/* --- options ------------------------------------------------------------------------------------ */

static bool is_global(const struct cli_opt *o)
{
	for (const struct cli_opt *g = cli_global_opts; g->name; g++)
		if (g == o)
			return true;
	return false;
}

static void set_global(struct parser *p, const struct cli_opt *o, const char *value)
{
	struct cli_call *c = p->call;

	if (!strcmp(o->name, "json"))
		c->json = true;
	else if (!strcmp(o->name, "help"))
		p->wish = CLI_WISH_HELP;
	else if (!strcmp(o->name, "version"))
		p->wish = p->wish == CLI_WISH_HELP ? CLI_WISH_HELP : CLI_WISH_VERSION;
	else if (!strcmp(o->name, "as"))
		c->as = value;
	else if (!strcmp(o->name, "socket"))
		c->socket = value;
	else if (!strcmp(o->name, "config"))
		c->config = value;
}

static int set_option(struct parser *p, const struct cli_opt *o, const char *value, struct err *err)
{
	autofree char *key = wire_key(o->name);
	autofree char *what = xasprintf("%s: --%s", where(p), o->name);

	if (is_global(o)) {
		if (value && !*value)
			return err_set(err, ERR_INPUT, "%s: found nothing, expected %s", what,
				       o->arg);
		set_global(p, o, value);
		return 0;
	}
	return store(p->call->args, key, what, o->kind, o->min, o->max, o->values, value, err);
}

static const struct cli_opt *opt_in(const struct cli_opt *list, const char *name, size_t n,
				    char letter)
{
	for (const struct cli_opt *o = list; o && o->name; o++)
		if (name ? strlen(o->name) == n && !memcmp(o->name, name, n)
			 : o->letter && o->letter == letter)
			return o;
	return NULL;
}

static const struct cli_opt *opt_find(const struct parser *p, const char *name, size_t n,
				      char letter)
{
	const struct cli_opt *o = opt_in(p->call->cmd ? p->call->cmd->opts : NULL, name, n, letter);

	return o ? o : opt_in(cli_global_opts, name, n, letter);
}

static void add_names(const char **names, size_t *n, const struct cli_opt *list)
{
	for (const struct cli_opt *o = list; o && o->name && *n < 63; o++)
		names[(*n)++] = o->name;
}

static int unknown_option(const struct parser *p, const char *word, const char *name, size_t len,
			  struct err *err)
{
	const char *names[64] = {NULL};
	autofree char *plain = xstrndup(name, len);
	const char *near;
	size_t n = 0;

	add_names(names, &n, p->call->cmd ? p->call->cmd->opts : NULL);
	add_names(names, &n, cli_global_opts);
	near = text_nearest(plain, names);
	if (near)
		return err_set(err, ERR_INPUT, "%s: unknown option '%s'; did you mean '--%s'?",
			       where(p), word, near);
	if (!p->call->cmd)
		return err_set(err, ERR_INPUT,
			       "%s: unknown option '%s'; options of a command stand after it",
			       where(p), word);
	return err_set(err, ERR_INPUT, "%s: unknown option '%s'; 'yardmaster %s --help' lists them",
		       where(p), word, where(p));
}

/* The option's value from the next word. */
static int value_next(struct parser *p, const struct cli_opt *o, const char **ret, struct err *err)
{
	if (!p->argv[1])
		return err_set(err, ERR_INPUT, "%s: --%s: a value is missing, expected %s",
			       where(p), o->name, o->arg);
	p->argv++;
	*ret = p->argv[0];
	return 0;
}

static int long_option(struct parser *p, const char *word, struct err *err)
{
	const char *name = word + 2;
	const char *eq = strchr(name, '=');
	size_t n = eq ? (size_t)(eq - name) : strlen(name);
	const struct cli_opt *o = opt_find(p, name, n, 0);
	const char *value = eq ? eq + 1 : NULL;

	if (!o) {
		autofree char *shown = xstrndup(word, n + 2); /* without the value */

		return unknown_option(p, shown, name, n, err);
	}
	if (o->kind == CLI_FLAG && eq)
		return err_set(err, ERR_INPUT, "%s: --%s takes no value, found '%s'", where(p),
			       o->name, value);
	if (o->kind != CLI_FLAG && !eq && value_next(p, o, &value, err) < 0)
		return -1;
	return set_option(p, o, value, err);
}

static int short_options(struct parser *p, const char *word, struct err *err)
{
	for (const char *s = word + 1; *s; s++) {
		const struct cli_opt *o = opt_find(p, NULL, 0, *s);
		const char *value = NULL;

		if (!o)
			return unknown_option(p, word, word + 1, strlen(word + 1), err);
		if (o->kind != CLI_FLAG) {
			if (s[1])
				value = s + 1;
			else if (value_next(p, o, &value, err) < 0)
				return -1;
		}
		if (set_option(p, o, value, err) < 0)
			return -1;
		if (value)
			break;
	}
	return 0;
}

/* --- words -------------------------------------------------------------------------------------- */

static int unknown_command(const struct parser *p, const char *word, struct err *err)
{
	const char *near = p->group ? cli_second_nearest(p->group, word) : cli_first_nearest(word);
	autofree char *full = p->group ? xasprintf("%s %s", p->group->name, word) : xstrdup(word);

	if (near)
		return err_set(err, ERR_INPUT, "unknown command '%s'; did you mean '%s%s%s'?", full,
			       p->group ? p->group->name : "", p->group ? " " : "", near);
	return err_set(err, ERR_INPUT, "unknown command '%s'; 'yardmaster help%s%s' lists them",
		       full, p->group ? " " : "", p->group ? p->group->name : "");
}

/* A word while the command is not known yet. */
static int command_word(struct parser *p, const char *word, struct err *err)
{
	if (!p->first && !p->help_command && !strcmp(word, "help")) {
		p->help_command = true;
		p->wish = CLI_WISH_HELP;
		return 0;
	}
	p->call->cmd = p->first ? cli_command_find(p->first, word) : cli_command_find(word, NULL);
	if (p->call->cmd)
		return 0;
	if (p->first)
		return unknown_command(p, word, err);
	p->group = cli_group_find(word);
	if (!p->group)
		return unknown_command(p, word, err);
	p->first = p->group->name;
	return 0;
}

static int any_word(struct parser *p, const char *word, struct err *err)
{
	if (!p->call->cmd)
		return command_word(p, word, err);
	if (p->nwords >= WORDS_MAX)
		return err_set(err, ERR_INPUT, "%s: more than %d arguments", where(p), WORDS_MAX);
	p->words = xreallocarray(p->words, p->nwords + 1, sizeof(*p->words));
	p->words[p->nwords++] = word;
	return 0;
}

static int scan(struct parser *p, struct err *err)
{
	bool options = true;

	for (; p->argv[0]; p->argv++) {
		const char *word = p->argv[0];
		int rc;

		if (options && !strcmp(word, "--")) {
			options = false;
			continue;
		}
		if (!options || word[0] != '-' || !word[1])
			rc = any_word(p, word, err);
		else if (word[1] == '-')
			rc = long_option(p, word, err);
		else
			rc = short_options(p, word, err);
		if (rc < 0)
			return -1;
		if (p->call->cmd && p->call->cmd->flags & CLI_RAW) {
			p->call->rest = p->argv + 1;
			return 0;
		}
	}
	return 0;
}

/* --- what must be there ------------------------------------------------------------------------- */

static int store_word(struct parser *p, const struct cli_arg *a, const char *word, struct err *err)
{
	autofree char *shown = cli_arg_shown(a);
	autofree char *what = xasprintf("%s: %s", where(p), shown);

	if (a->kind == CLI_INT && word[0] == '#')
		word++;
	return store(p->call->args, a->name, what, a->kind, a->kind == CLI_INT ? 1 : 0,
		     a->kind == CLI_INT ? INT64_MAX : 0, a->values, word, err);
}

static int store_words(struct parser *p, struct err *err)
{
	const struct cli_arg *a = p->call->cmd->args;
	size_t at = 0;

	for (; a && a->name; a++) {
		int count = 0;

		while (at < p->nwords && (a->max < 0 || count < a->max)) {
			if (store_word(p, a, p->words[at++], err) < 0)
				return -1;
			count++;
		}
		if (count < a->min) {
			autofree char *shown = cli_arg_shown(a);

			return err_set(err, ERR_INPUT, "%s: %s is missing: %s", where(p), shown,
				       a->help);
		}
	}
	if (at < p->nwords)
		return err_set(err, ERR_INPUT, "%s: unexpected argument '%s'", where(p),
			       p->words[at]);
	return 0;
}

static int required_options(const struct parser *p, struct err *err)
{
	for (const struct cli_opt *o = p->call->cmd->opts; o && o->name; o++) {
		autofree char *key = wire_key(o->name);

		if (o->required && !json_object_get(p->call->args, key))
			return err_set(err, ERR_INPUT, "%s: --%s %s is missing: %s", where(p),
				       o->name, o->arg ? o->arg : "", o->help);
	}
	return 0;
}

static int complete(struct parser *p, struct err *err)
{
	if (p->wish != CLI_WISH_RUN)
		return 0;
	if (!p->call->cmd && p->group)
		return err_set(err, ERR_INPUT,
			       "%s: a command is missing; 'yardmaster help %s' lists them",
			       p->group->name, p->group->name);
	if (!p->call->cmd)
		return err_set(err, ERR_INPUT,
			       "a command is missing; 'yardmaster help' lists them");
	if (p->call->cmd->flags & CLI_RAW)
		return 0;
	if (store_words(p, err) < 0)
		return -1;
	return required_options(p, err);
}

int cli_parse(int argc, char *const *argv, struct cli_call *ret, const struct cli_group **ret_group,
	      enum cli_wish *ret_wish, struct err *err)
{
	struct parser p = {.call = ret, .argv = argc ? argv + 1 : argv};
	int rc;

	ret->args = json_object();
	rc = scan(&p, err);
	if (rc == 0)
		rc = complete(&p, err);
	*ret_group = p.group;
	*ret_wish = p.wish;
	free(p.words);
	return rc;
}
