/* groups.c - the groups of commands, the common options, and finding a command by its words. */
#include "cli/command.h"

#include "base/mem.h"
#include "base/text.h"

#include <ctype.h>

const struct cli_group cli_groups[] = {
	{"", "the daemon and the whole", NULL, cli_daemon_commands},
	{"config", "the configuration files",
	 "The daemon reads yardmaster.yml when it starts and on SIGHUP; a repository's own "
	 "configuration is .github/yardmaster.yml on its base branch.",
	 cli_config_commands},
	{"repo", "the repositories that the daemon looks after", NULL, cli_repo_commands},
	{"user", "who may do what",
	 "On the local forge a person is the user id of the process that connects to the "
	 "daemon's socket. A permission includes those before it: read, write, maintain.",
	 cli_user_commands},
	{"task", "issues that agents work on",
	 "A label agent:BLUEPRINT on an issue starts a task. It ends merged, or with a person.",
	 cli_task_commands},
	{"queue", "the merge queue",
	 "The base branch of a repository is moved by its queue only, to a commit that was tested "
	 "as it lands. The gates of a candidate run one after the other in one fresh checkout: "
	 "each "
	 "sees the files that the one before it left, and the first red one ends them.",
	 cli_queue_commands},
	{"blueprint", "how a task is worked on, step by step", NULL, cli_blueprint_commands},
	{"issue", "issues of the local forge", NULL, cli_issue_commands},
	{"pr", "pull requests of the local forge",
	 "A pull request is opened and updated by 'git push origin HEAD:refs/for/BRANCH/TOPIC'.",
	 cli_pr_commands},
	{"receipt", "what was checked before a commit landed",
	 "Each landing leaves a receipt in a git note: base, heads, tree, checks and approvals.",
	 cli_receipt_commands},
	{"audit", "who decided what, in a chain of hashes", NULL, cli_audit_commands},
	{"completion", "completion for shells", NULL, cli_completion_commands},
	{0},
};

const struct cli_opt cli_global_opts[] = {
	{.name = "json", .kind = CLI_FLAG, .help = "print the result, or the error, as JSON"},
	{.name = "as",
	 .arg = "NAME",
	 .help = "act as this user; for the owner of the data directory",
	 .def = "the user of the calling process"},
	{.name = "socket",
	 .arg = "PATH",
	 .help = "the daemon's socket",
	 .def = "$YARDMASTER_SOCKET, else what the configuration says",
	 .complete = CLI_COMPLETE_FILE},
	{.name = "config",
	 .arg = "FILE",
	 .help = "the daemon's configuration file",
	 .def = "$YARDMASTER_CONFIG, else ~/.config/yardmaster/yardmaster.yml, else "
		"/etc/yardmaster/yardmaster.yml",
	 .complete = CLI_COMPLETE_FILE},
	{.name = "help", .letter = 'h', .kind = CLI_FLAG, .help = "show help and exit"},
	{.name = "version", .kind = CLI_FLAG, .help = "show the version and exit"},
	CLI_OPT_END,
};

const struct cli_group *cli_group_find(const char *name)
{
	for (const struct cli_group *g = cli_groups; g->name; g++)
		if (*g->name && !strcmp(g->name, name))
			return g;
	return NULL;
}

const struct cli_command *cli_command_find(const char *first, const char *second)
{
	const struct cli_group *g = second ? cli_group_find(first) : &cli_groups[0];
	autofree char *path = second ? xasprintf("%s %s", first, second) : xstrdup(first);

	for (const struct cli_command *c = g ? g->commands : NULL; c && c->path; c++)
		if (!strcmp(c->path, path))
			return c;
	return NULL;
}

/* The command's own word, without the group's. */
static const char *last_word(const struct cli_command *c)
{
	const char *space = strchr(c->path, ' ');

	return space ? space + 1 : c->path;
}

static size_t add_words(const char **words, size_t n, size_t max, const struct cli_group *g)
{
	for (const struct cli_command *c = g->commands; c->path && n < max; c++)
		if (!(c->flags & CLI_HIDDEN))
			words[n++] = last_word(c);
	return n;
}

const char *cli_first_nearest(const char *word)
{
	const char *words[64] = {NULL};
	size_t n = add_words(words, 0, ARRAY_LEN(words) - 1, &cli_groups[0]);

	for (const struct cli_group *g = cli_groups + 1; g->name && n < ARRAY_LEN(words) - 1; g++)
		words[n++] = g->name;
	return text_nearest(word, words);
}

const char *cli_second_nearest(const struct cli_group *group, const char *word)
{
	const char *words[64] = {NULL};

	add_words(words, 0, ARRAY_LEN(words) - 1, group);
	return text_nearest(word, words);
}

char *cli_arg_shown(const struct cli_arg *a)
{
	autofree char *upper = xstrdup(a->name);
	const char *more = a->max < 0 ? "..." : "";

	for (char *p = upper; *p; p++)
		*p = *p == '_' ? '-' : (char)toupper((unsigned char)*p);
	return a->min ? xasprintf("%s%s", upper, more) : xasprintf("[%s%s]", upper, more);
}

static void usage_option(struct buf *b, const struct cli_opt *o)
{
	buf_adds(b, o->required ? " " : " [");
	if (o->letter)
		buf_addf(b, "-%c", o->letter);
	else
		buf_addf(b, "--%s", o->name);
	if (o->arg)
		buf_addf(b, " %s", o->arg);
	buf_adds(b, o->required ? "" : "]");
	if (o->kind == CLI_LIST)
		buf_adds(b, "...");
}

char *cli_usage_line(const struct cli_command *c)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	buf_addf(&b, "yardmaster %s", c->path);
	for (const struct cli_arg *a = c->args; a && a->name; a++) {
		autofree char *shown = cli_arg_shown(a);

		buf_addf(&b, " %s", shown);
	}
	for (const struct cli_opt *o = c->opts; o && o->name; o++)
		usage_option(&b, o);
	return buf_steal(&b);
}
