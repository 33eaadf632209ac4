/*
 * report.h - what people read: the sticky comments and the pointed answers.
 *
 * One sticky comment per task on its issue and one per PR, edited in place; everything else is said
 * once. Texts name what happened, where to look, and what one can do.
 */
#ifndef YM_BOT_REPORT_H
#define YM_BOT_REPORT_H

#include "bot/task_flow.h"

#define REPORT_LOG_MAX ((size_t)6 << 10) /* of a log in a comment; the whole is in `task logs` */

int report_task(struct task_ctx *c, struct err *err);
/* The end of a log as Markdown: a fenced block with a note when it is cut; caller frees. */
char *report_log(const char *log);
/* The sticky comment of a PR: its place in the queue and what it waits for. Takes text. */
int report_pr(struct bot *b, int64_t repo, int64_t pr, char *text, struct err *err);
/* The same with the log (may be NULL) that shows why, for the checks tab. */
int report_pr_log(struct bot *b, int64_t repo, int64_t pr, char *text, const char *log,
		  struct err *err);

#endif
