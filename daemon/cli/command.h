/*
 * command.h - the commands as data.
 *
 * One row a command. Everything that the command line knows follows from these rows: the parser,
 * the request that goes to the daemon, --help, the man pages, the completion, the columns of a
 * table. Adding a command is one row in the table of its group (issue.c, task.c ...) and, when it
 * does something in the client itself, one file with its function. Adding a group is one line in
 * groups.c.
 *
 * A command is REMOTE unless it has a `run` function: its arguments are sent to the daemon and the
 * answer is shown. A LOCAL one has `run`, which may itself ask the daemon (cli/remote.h).
 *
 * Texts are ASCII, and say "you" to nobody: they are printed on terminals and in man pages alike.
 */
#ifndef YM_CLI_COMMAND_H
#define YM_CLI_COMMAND_H

#include "base/err.h"
#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cli_call;

enum cli_kind {
	CLI_STRING,
	CLI_INT,  /* decimal, between min and max; both 0: any */
	CLI_FLAG, /* options only: takes no value */
	CLI_LIST, /* options only: a string that may be given again */
};

/* How a value is completed, and nothing else. */
enum cli_complete { CLI_COMPLETE_NONE, CLI_COMPLETE_FILE, CLI_COMPLETE_FOLDER };

struct cli_opt {
	const char *name; /* without the dashes; the key on the wire has '_' for '-' */
	char letter;      /* 0: none */
	const char *arg;  /* "NAME"; NULL for a flag */
	enum cli_kind kind;
	const char *help;          /* one line, no full stop */
	const char *def;           /* what happens without it, for the help; NULL: nothing to say */
	const char *const *values; /* NULL-terminated list of the allowed ones, or NULL */
	int64_t min, max;          /* CLI_INT */
	bool required;
	enum cli_complete complete;
};

/* Positional arguments, in order. Shown in upper case. Only the last one may be a list. */
struct cli_arg {
	const char *name; /* the key on the wire */
	const char *help;
	enum cli_kind kind; /* CLI_STRING, CLI_INT ("12" or "#12") or CLI_LIST */
	int min, max; /* how many: 1,1 required, 0,1 optional; max -1: any number (CLI_LIST) */
	const char *const *values;
	enum cli_complete complete;
};

/* How a cell of a table is shown. In a pipe CLI_COL_TIME is ISO 8601, the others are as they are. */
enum cli_col_kind {
	CLI_COL_TEXT,
	CLI_COL_INT,   /* aligned to the right */
	CLI_COL_STATE, /* coloured on a terminal */
	CLI_COL_OID,   /* 12 digits on a terminal */
	CLI_COL_TIME,  /* milliseconds since 1970 */
	CLI_COL_LONG,  /* gives way when the terminal is too narrow */
};

struct cli_column {
	const char *key; /* of the row object */
	const char *title;
	enum cli_col_kind kind;
};

/* A list inside an item: what of its objects is for people. With a key "body" they are entries, a
 * line of facts above the text; else a table. */
struct cli_list {
	const char *key;
	const struct cli_column *columns;
};

struct cli_example {
	const char *line; /* "yardmaster issue create ..." */
	const char *what;
};

enum cli_command_flags {
	CLI_HIDDEN = 1,  /* not in help, man pages and completion */
	CLI_RAW = 2,     /* everything after the name is passed on unread (cli_call.rest) */
	CLI_CONTENT = 4, /* somebody's bytes (a diff, a log): exact when not on a terminal */
	CLI_SLOW = 8,    /* the daemon may take as long as it needs to answer */
	CLI_TOLD = 16,   /* the text says all: rows and item of the answer are for --json */
};

struct cli_command {
	const char *path;        /* "issue create" */
	const char *summary;     /* one line, begins with a verb, no full stop */
	const char *description; /* paragraphs separated by an empty line, or NULL */
	const struct cli_arg *args;
	const struct cli_opt *opts;
	const struct cli_column *columns; /* of the rows of the answer */
	const struct cli_list *lists;     /* of the item of the answer; ends with key NULL */
	const struct cli_example *examples;
	const int *exits; /* exit codes to name beside the common ones; ends with -1 */
	int flags;
	/* Before a REMOTE command is sent: turns what was said into what is sent (a file into a
	 * text). NULL: nothing to do. */
	int (*prepare)(struct cli_call *call, struct err *err);
	/* LOCAL. Puts "text", "item" or "rows" into *ret, an empty object, and returns an exit code
	 * (cli/exitcode.h), or -1 with *err. */
	int (*run)(struct cli_call *call, json_t *ret, struct err *err);
};

struct cli_group {
	const char *name; /* first word of its commands; "" for those of one word */
	const char *summary;
	const char *description;
	const struct cli_command *commands; /* ends with path NULL */
};

/* All groups, the one-word commands first; ends with name NULL. */
extern const struct cli_group cli_groups[];
/* Options that every command takes; ends with name NULL. */
extern const struct cli_opt cli_global_opts[];

const struct cli_group *cli_group_find(const char *name);
/* By its words; `second` may be NULL. */
const struct cli_command *cli_command_find(const char *first, const char *second);
/* The words that may stand first or, in a group, second, that are near `word`; NULL: none is. */
const char *cli_first_nearest(const char *word);
const char *cli_second_nearest(const struct cli_group *group, const char *word);

/* "ID", "[FILE]", "COMMIT..."; caller frees. */
char *cli_arg_shown(const struct cli_arg *a);
/* "yardmaster issue create --title TITLE [--body TEXT] ..."; caller frees. */
char *cli_usage_line(const struct cli_command *c);

/* The options that several groups share. */
#define CLI_OPT_REPO                                                                               \
	{                                                                                          \
		.name = "repo", .letter = 'R', .arg = "NAME", .help = "the repository",            \
		.def = "the only one there is"                                                     \
	}
#define CLI_OPT_END                                                                                \
	{                                                                                          \
		0                                                                                  \
	}
extern const struct cli_column cli_comment_columns[];
#define CLI_ARG_NUMBER(what)                                                                       \
	{                                                                                          \
		.name = "number", .help = what, .kind = CLI_INT, .min = 1, .max = 1                \
	}

/* The tables of the groups, each in its own file. */
extern const struct cli_command cli_daemon_commands[], cli_config_commands[], cli_repo_commands[],
	cli_user_commands[], cli_task_commands[], cli_queue_commands[], cli_blueprint_commands[],
	cli_issue_commands[], cli_pr_commands[], cli_receipt_commands[], cli_audit_commands[],
	cli_completion_commands[], cli_hooks_commands[];

#endif
