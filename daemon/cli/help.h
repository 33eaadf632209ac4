/*
 * help.h - help and manual pages, written from the tables of command.h.
 */
#ifndef YM_CLI_HELP_H
#define YM_CLI_HELP_H

#include "base/buf.h"
#include "base/strvec.h"
#include "cli/command.h"

void help_all(struct buf *b);
void help_group(struct buf *b, const struct cli_group *g);
void help_command(struct buf *b, const struct cli_command *c);

/* Words of s broken into lines of at most `width` columns, each after `indent` spaces. */
void help_wrap(struct buf *b, const char *s, size_t indent, size_t width);

/* "yardmaster", "yardmaster-task" ...: one page for the whole and one for each group. */
void man_names(struct strvec *ret);
/* The page as roff (macros of man(7)). -1: no page has this name. */
int man_page(struct buf *b, const char *name, struct err *err);

#endif
