/*
 * checks.h - what the checks tab of a forge shows: `yardmaster/task` and `yardmaster/queue` on a PR's head.
 *
 * Told together with the sticky comments (report.h) and, like these, only its latest version counts.
 */
#ifndef YM_BOT_CHECKS_H
#define YM_BOT_CHECKS_H

#include "bot/task_flow.h"

#define CHECK_TASK  "yardmaster/task"
#define CHECK_QUEUE "yardmaster/queue"

/* Nothing on a forge without such a tab, and before the task has a PR. */
int checks_task(struct task_ctx *c, const char *text, struct err *err);
int checks_queue(struct bot *b, int64_t repo, int64_t pr, const char *text, const char *log,
		 struct err *err);

#endif
