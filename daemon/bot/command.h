/*
 * command.h - `/yard …` in a comment, decoded.
 *
 * One command a line, at the line's very start, as people see it: outside quotes, code and HTML comments
 * (base/markdown.h, which reads what a PR depends on as well). `/yard` or `@<handle>`.
 * Arguments are words; key=value; "double quotes" keep spaces; the rest of the line for commands
 * whose last argument is a text. `/yard` alone and `/yard help` are answered with the table.
 *
 * Adding a command: one row in the table of command.c (its name, arguments, permission, where it is
 * allowed, a line of help); actions.h says the rest.
 */
#ifndef YM_BOT_COMMAND_H
#define YM_BOT_COMMAND_H

#include "base/err.h"
#include "base/strvec.h"

#include <stdbool.h>
#include <stdint.h>

enum command_id {
	CMD_RUN,
	CMD_CANCEL,
	CMD_RETRY,
	CMD_SAY,
	CMD_STATUS,
	CMD_QUEUE,
	CMD_DEQUEUE,
	CMD_HOLD,
	CMD_UNHOLD,
	CMD_RESOLVE,
	CMD_DEPENDS,
	CMD_UNDEPEND,
	CMD_WHY,
	CMD_FREEZE,
	CMD_THAW,
	CMD_HALT,
	CMD_RESUME,
	CMD_COUNT
};

enum command_perm { PERM_READ, PERM_WRITE, PERM_MAINTAIN };
enum command_where { ON_ISSUE = 1, ON_PR = 2 };

struct command_syntax; /* which words, options and text a command takes: command_args.h */

struct command_def {
	enum command_id id;
	const char *name;
	const char *usage; /* "run <blueprint> [agent=NAME] [scope=GLOB]" */
	const char *help;  /* one line */
	enum command_perm perm;
	int where; /* of ON_ISSUE, ON_PR */
	const struct command_syntax *syntax;
};
extern const struct command_def command_table[CMD_COUNT];

struct command {
	const struct command_def *def; /* NULL: not understood; `problem` says how */
	int line;                      /* from 1 */
	char *source;                  /* the line as written, cut at 200 bytes */
	char *problem; /* "unknown command 'quue'; did you mean 'queue'? (…)"; may have lines */
	/* decoded arguments; unused ones are NULL, empty or 0 */
	char *blueprint;       /* run */
	char *agent;           /* run agent= */
	struct strvec scopes;  /* run scope=, repeatable */
	char *sha;             /* queue: 7..64 hexadecimal digits, lower case */
	int64_t priority;      /* queue priority=, -100..100 */
	bool has_priority;     /* it was given, be it 0 */
	int64_t rounds;        /* retry rounds=, 1..10; 0 not given */
	struct strvec depends; /* depends, undepend: "12" or "owner/repo#12", at least one */
	char *text;            /* say, hold, freeze, halt: the rest of the line (say: and the
				* lines after it up to the next command or the end) */
};

#define COMMANDS_MAX     20    /* more in one comment: the rest is answered with a problem */
#define COMMAND_TEXT_MAX 65536 /* the comment; longer ones are cut before decoding */

struct commands {
	struct command *v;
	size_t n;
};

/* `handle` is the name after '@' that counts as well as /yard; NULL: none. Never fails. */
void commands_parse(const char *comment, size_t n, const char *handle, struct commands *ret);
void commands_release(struct commands *c);
const char *command_perm_name(enum command_perm p);

#endif
