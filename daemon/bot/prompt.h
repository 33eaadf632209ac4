/*
 * prompt.h - the text that an agent reads.
 *
 * Order: the blueprint's prompt; the issue as it was when a permitted person labelled it, cleaned; what
 * people with write access said since; what went wrong in the last round; the rules of the house; the
 * end block. Text by people and logs are fenced, with a fence longer than any in them, and announced
 * as material.
 */
#ifndef YM_BOT_PROMPT_H
#define YM_BOT_PROMPT_H

#include "bot/task_flow.h"

char *prompt_text(const struct task_ctx *c, const char *feedback); /* caller frees */
/* The text as a task keeps it, and its hash. */
void prompt_clean(const char *title, const char *body, char **ret_title, char **ret_body,
		  char **ret_hash, char **ret_removed);

#endif
