/*
 * answer.h - what the daemon answers, one JSON object a line.
 *
 *   {"chunk":"text"}                                   any number, before the final one
 *   {"ok":true,"text":"..."?,"item":{...}?,"rows":[{...}]?}
 *   {"ok":false,"error":{"code":"denied","text":"..."}}    codes: err_code_name()
 *
 * Keys that are not named here are ignored. What does not fit is ERR_INTERNAL: the two ends of the
 * socket are of different makes, and no guess is made.
 */
#ifndef YM_CLI_ANSWER_H
#define YM_CLI_ANSWER_H

#include "base/err.h"
#include "base/json.h"

#define CLI_ANSWER_LINE_MAX ((size_t)16 << 20) /* one line of an answer */
#define CLI_ANSWER_ROWS_MAX 100000

enum cli_answer_kind { CLI_ANSWER_CHUNK, CLI_ANSWER_OK, CLI_ANSWER_ERROR };

/* Everything belongs to the message that was decoded. */
struct cli_answer {
	enum cli_answer_kind kind;
	const char *text; /* CHUNK, ERROR; OK: NULL when there is none */
	size_t text_len;
	const json_t *item, *rows; /* OK: NULL when there is none */
	enum err_code code;        /* ERROR */
};

int cli_answer_decode(const json_t *msg, struct cli_answer *ret, struct err *err);

#endif
