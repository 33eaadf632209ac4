/*
 * body.h - the text of an issue or a comment: --body TEXT, or --file FILE, or --file - for standard
 * input. The daemon gets "body" in either case.
 */
#ifndef YM_CLI_BODY_H
#define YM_CLI_BODY_H

#include "cli/command.h"

#define CLI_BODY_MAX 65536 /* bytes; what the forge takes (forge/local.h) */

#define CLI_OPTS_BODY                                                                              \
	{.name = "body", .letter = 'b', .arg = "TEXT", .help = "the text"},                        \
	{                                                                                          \
		.name = "file", .letter = 'F', .arg = "FILE",                                      \
		.help = "read the text from a file; - is standard input",                          \
		.complete = CLI_COMPLETE_FILE                                                      \
	}

int cli_body_optional(struct cli_call *call, struct err *err);
int cli_body_required(struct cli_call *call, struct err *err);
/* For `issue edit`: a text, a title, or both. */
int cli_body_or_title(struct cli_call *call, struct err *err);
/* For `issue label`: at least one of --add and --remove. */
int cli_labels_some(struct cli_call *call, struct err *err);

#endif
