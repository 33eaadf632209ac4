/*
 * render.h - an answer as people, pipes and programs read it.
 *
 *                    on a terminal                     in a pipe
 *   rows             a table with a header, cut        cells separated by tabs, no header
 *   item             "Name   value" lines, then        "name<TAB>value", a fact a line; parts of lists
 *                    long texts and lists              and objects as "steps.0.state<TAB>done", a text
 *                                                      of several lines, and a list of words, as
 *                                                      several with the same name
 *   text             as it is                          as it is
 *   --json           `rows` as a list, else `item` as an object, else {"text": ...}
 *
 * The text of an answer that has rows or an item is for people: on a terminal it follows them.
 * Parts of an item that are null or empty are left out, and the ledger's own ids; --json has them.
 * By its key a value of an item is a time or a duration ("..._ms": a time from 10^11 on, in a pipe ISO
 * 8601 and without "_ms") or money ("..._microusd"). An empty list is "none" on a terminal and nothing
 * in a pipe.
 *
 * Everything is made safe (show.h), but the content of commands with CLI_CONTENT in a pipe.
 */
#ifndef YM_CLI_RENDER_H
#define YM_CLI_RENDER_H

#include "cli/answer.h"
#include "cli/command.h"
#include "cli/out.h"

/* A final answer of a command; a LOCAL command's result likewise. */
void cli_render(struct cli_out *o, const struct cli_command *cmd, const struct cli_answer *a,
		bool json);
/* A piece of a log or diff. With json: a line {"chunk": ...}. */
void cli_render_chunk(struct cli_out *o, const struct cli_command *cmd, const char *s, size_t n,
		      bool json);
/* Indented on a terminal, else one line. */
void cli_render_json(struct cli_out *o, const json_t *j);
/* An error on standard error: "yardmaster: TEXT", or {"error":{"code":..,"text":..}} on one line. */
void cli_render_error(struct cli_out *o, const struct err *err, bool json);

/* item.c */
/* lists may be NULL. */
void item_print(struct cli_out *o, const json_t *item, const struct cli_list *lists);

#endif
