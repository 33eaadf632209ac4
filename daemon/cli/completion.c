/* completion.c - see completion.h, and the commands of the group. */
#include "cli/completion.h"

#include "base/mem.h"
#include "cli/local.h"

/* What is the same for all commands: finding out where the cursor is. The functions that it calls
 * are written from the tables below it. Words are compared whole, nothing is evaluated. */
static const char engine[] =
	"# bash completion of yardmaster, written by 'yardmaster completion bash'\n"
	"\n"
	"# What completes the value of option $2 of command $1: words in $REPLY, or FILE, FOLDER,\n"
	"# or NONE for a value that cannot be guessed. Returns 1 when $2 takes no value.\n"
	"_yardmaster_value() {\n"
	"\t_yardmaster_global_value \"$2\" || _yardmaster_command_value \"$1 $2\"\n"
	"}\n"
	"\n"
	"_yardmaster_reply() {\n"
	"\tcase $1 in\n"
	"\tFILE) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- \"$2\") "
	";;\n"
	"\tFOLDER) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "
	"\"$2\") ;;\n"
	"\tNONE) COMPREPLY=() ;;\n"
	"\t*) mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$2\") ;;\n"
	"\tesac\n"
	"}\n"
	"\n"
	"_yardmaster() {\n"
	"\tlocal REPLY='' first='' command='' cur='' prev='' word='' i=1 options=1 taken=0\n"
	"\tCOMPREPLY=()\n"
	"\tcur=${COMP_WORDS[COMP_CWORD]}\n"
	"\tprev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	"\t# --option=value: bash cuts at the '='.\n"
	"\tif [[ $cur == '=' ]]; then\n"
	"\t\tcur=''\n"
	"\telif [[ $prev == '=' ]] && ((COMP_CWORD > 2)); then\n"
	"\t\tprev=${COMP_WORDS[COMP_CWORD - 2]}\n"
	"\tfi\n"
	"\tfor (( ; i < COMP_CWORD; i++)); do\n"
	"\t\tword=${COMP_WORDS[i]}\n"
	"\t\tif ((options)) && [[ $word == -- ]]; then\n"
	"\t\t\toptions=0\n"
	"\t\telif ((options)) && [[ $word == -?* ]]; then\n"
	"\t\t\tif _yardmaster_value \"$command\" \"$word\"; then\n"
	"\t\t\t\t[[ ${COMP_WORDS[i + 1]} == '=' ]] && ((i++))\n"
	"\t\t\t\t((i++))\n"
	"\t\t\tfi\n"
	"\t\telif [[ -n $command ]]; then\n"
	"\t\t\t((taken++))\n"
	"\t\telif [[ -n $first ]]; then\n"
	"\t\t\tcommand=\"$first $word\"\n"
	"\t\telif _yardmaster_commands \"$word\"; then\n"
	"\t\t\tfirst=$word\n"
	"\t\telse\n"
	"\t\t\tcommand=$word\n"
	"\t\tfi\n"
	"\tdone\n"
	"\tREPLY=''\n"
	"\tif ((options)) && [[ $prev == -* ]] && _yardmaster_value \"$command\" \"$prev\"; then\n"
	"\t\t_yardmaster_reply \"$REPLY\" \"$cur\"\n"
	"\telif ((options)) && [[ $cur == -* ]]; then\n"
	"\t\t_yardmaster_options \"$command\"\n"
	"\t\t_yardmaster_reply \"$REPLY\" \"$cur\"\n"
	"\telif [[ -n $command ]]; then\n"
	"\t\t_yardmaster_argument \"$command\" \"$taken\"\n"
	"\t\t_yardmaster_reply \"$REPLY\" \"$cur\"\n"
	"\telse\n"
	"\t\t_yardmaster_commands \"$first\"\n"
	"\t\t_yardmaster_reply \"$REPLY\" \"$cur\"\n"
	"\tfi\n"
	"}\n";

static void add_words(struct buf *b, const char *const *values)
{
	for (size_t i = 0; values[i]; i++)
		buf_addf(b, "%s%s", i ? " " : "", values[i]);
}

static void add_reply(struct buf *b, const char *const *values, enum cli_complete complete)
{
	buf_adds(b, "REPLY='");
	if (values)
		add_words(b, values);
	else
		buf_adds(b, complete == CLI_COMPLETE_FILE     ? "FILE"
			    : complete == CLI_COMPLETE_FOLDER ? "FOLDER"
							      : "NONE");
	buf_adds(b, "' ;;\n");
}

static bool shown(const struct cli_command *c)
{
	return !(c->flags & CLI_HIDDEN);
}

/* Each command that is shown. */
static void each(struct buf *b, void (*fn)(struct buf *b, const struct cli_command *c))
{
	for (const struct cli_group *g = cli_groups; g->name; g++)
		for (const struct cli_command *c = g->commands; c->path; c++)
			if (shown(c))
				fn(b, c);
}

static void add_second_words(struct buf *b, const struct cli_group *g)
{
	const char *sep = "";

	for (const struct cli_command *c = g->commands; c->path; c++) {
		if (!shown(c))
			continue;
		buf_addf(b, "%s%s", sep, c->path + (*g->name ? strlen(g->name) + 1 : 0));
		sep = " ";
	}
}

static void commands_function(struct buf *b)
{
	buf_adds(b, "\n# The words that may follow $1, which is empty or a group; else returns 1.\n"
		    "_yardmaster_commands() {\n\tcase $1 in\n");
	for (const struct cli_group *g = cli_groups; g->name; g++) {
		buf_addf(b, "\t%s) REPLY='", *g->name ? g->name : "''");
		add_second_words(b, g);
		for (const struct cli_group *h = cli_groups + 1; !*g->name && h->name; h++)
			buf_addf(b, " %s", h->name);
		buf_adds(b, "' ;;\n");
	}
	buf_adds(b, "\t*) return 1 ;;\n\tesac\n}\n");
}

static void add_option_names(struct buf *b, const struct cli_opt *list)
{
	for (const struct cli_opt *o = list; o && o->name; o++)
		buf_addf(b, " --%s", o->name);
}

static void options_of(struct buf *b, const struct cli_command *c)
{
	if (!c->opts || !c->opts->name)
		return;
	buf_addf(b, "\t'%s') REPLY+='", c->path);
	add_option_names(b, c->opts);
	buf_adds(b, "' ;;\n");
}

static void values_of(struct buf *b, const struct cli_command *c)
{
	for (const struct cli_opt *o = c->opts; o && o->name; o++) {
		if (o->kind == CLI_FLAG)
			continue;
		buf_addf(b, "\t'%s --%s'", c->path, o->name);
		if (o->letter)
			buf_addf(b, " | '%s -%c'", c->path, o->letter);
		buf_adds(b, ") ");
		add_reply(b, o->values, o->complete);
	}
}

static void global_values(struct buf *b)
{
	for (const struct cli_opt *o = cli_global_opts; o->name; o++) {
		if (o->kind == CLI_FLAG)
			continue;
		buf_addf(b, "\t--%s) ", o->name);
		add_reply(b, o->values, o->complete);
	}
}

static void arguments_of(struct buf *b, const struct cli_command *c)
{
	int at = 0;

	for (const struct cli_arg *a = c->args; a && a->name; a++) {
		if (a->values || a->complete != CLI_COMPLETE_NONE) {
			buf_addf(b, "\t'%s %d') ", c->path, at);
			add_reply(b, a->values, a->complete);
		}
		at++;
	}
}

void cli_completion_bash(struct buf *b)
{
	buf_adds(b, engine);
	commands_function(b);
	buf_adds(b, "\n_yardmaster_options() {\n\tREPLY='");
	add_option_names(b, cli_global_opts);
	buf_adds(b, "'\n\tcase $1 in\n");
	each(b, options_of);
	buf_adds(b, "\tesac\n}\n\n_yardmaster_global_value() {\n\tcase $1 in\n");
	global_values(b);
	buf_adds(b, "\t*) return 1 ;;\n\tesac\n}\n\n_yardmaster_command_value() {\n\tcase $1 in\n");
	each(b, values_of);
	buf_adds(b, "\t*) return 1 ;;\n\tesac\n}\n\n"
		    "# The argument of command $1 at place $2, from 0.\n"
		    "_yardmaster_argument() {\n\tREPLY=NONE\n\tcase \"$1 $2\" in\n");
	each(b, arguments_of);
	buf_adds(b, "\tesac\n}\n\ncomplete -F _yardmaster yardmaster\n");
}

static int completion_bash(struct cli_call *call, json_t *ret, struct err *err)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	(void)ret;
	(void)err;
	cli_completion_bash(&b);
	cli_out_add(call->out, b.s, b.len);
	return CLI_EXIT_OK;
}

const struct cli_command cli_completion_commands[] = {
	{
		.path = "completion bash",
		.summary = "print the completion script for bash",
		.description = "Needed only where no package has put it in place.",
		.examples = (const struct cli_example[]){{"source <(yardmaster completion bash)",
							  "Complete in this shell."},
							 {0}},
		.run = completion_bash,
	},
	{0},
};
