/*
 * blueprint.h - a blueprint as data: what a task does, step by step, and what it may touch.
 *
 * Loaded from YAML (GitHub Actions' habits: kebab-case, `timeout-minutes`); blueprints/bugfix.yml
 * is the commented example. An error names file, line, key, what was found and what is allowed.
 *
 *   name: NAME                       required, [a-z0-9-]{1,40}
 *   description: TEXT
 *   on: { label: LABEL }
 *   agent: NAME
 *   preamble: TEXT
 *   network: none | host             of agent steps
 *   allow: [GLOB...]                 required
 *   allow-protected: [GLOB...]
 *   limits: { rounds, ci-rounds, timeout-minutes, gate-timeout-minutes, silence-minutes, cost-usd,
 *             turns, memory-mb, processes, disk-mb, output-mb, cpu-minutes }
 *   environment: { setup: [COMMAND...], key: [PATH...], network: none | host }
 *   steps:                           1 to BP_STEPS_MAX, each one kind
 *     - run: [COMMAND...]
 *     - agent: FILE                  the prompt
 *       agent-name: NAME
 *       gates: [COMMAND...] | repository
 *     - pull-request: { draft: true | false, reviewers: [USER...] }
 *     - checks: {}
 *     - review: { approvals: N }
 *     - queue: {}
 *   on-failure: { label: LABEL }
 *
 * Order: work (run, agent) comes before the one pull-request; checks, review and queue come after
 * it; queue is last.
 */
#ifndef YM_BLUEPRINT_BLUEPRINT_H
#define YM_BLUEPRINT_BLUEPRINT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/strvec.h"

#include <stdbool.h>
#include <stdint.h>

enum bp_kind { BP_RUN, BP_AGENT, BP_PULL_REQUEST, BP_CHECKS, BP_REVIEW, BP_QUEUE };

struct bp_step {
	enum bp_kind kind;
	int line;
	/*
	 * BP_RUN: commands, each a `sh -c` text, run in order in the worktree, without network. What
	 * they change in the worktree is committed by the host under the same checks as an agent's
	 * work.
	 */
	struct strvec commands;
	/* BP_AGENT */
	char *prompt_file;     /* "prompts/fix.md", relative to the blueprint */
	char *prompt;          /* its text */
	char *agent;           /* overrides the blueprint's, or NULL */
	struct strvec gates;   /* `sh -c` texts, run after each round in the worktree, no network */
	bool gates_repository; /* `gates: repository`: conf_repo_apply() fills `gates` from the
				  repository's configuration and clears this; until then the
				  engine refuses to go on */
	/* BP_PULL_REQUEST */
	bool draft;
	struct strvec reviewers; /* user names; "labeller" is who set the label */
	/* BP_REVIEW: how many approvals; default 1. 0 takes the step out: nobody is asked here (the
	 * queue's own rule `approvals` still holds). BP_QUEUE: 1, asked for after a person took the
	 * PR out of the queue where no review step precedes. */
	int64_t approvals;
};

struct blueprint {
	char *file;          /* for messages */
	char *name;          /* [a-z0-9-]{1,40} */
	char *description;   /* one line for lists, or NULL */
	char *label;         /* "agent:<name>" unless `on: { label: … }` says otherwise */
	bool label_default;  /* it does not: the repository's prefix counts */
	char *agent;         /* of the daemon's configuration; NULL: its default */
	struct strvec allow; /* globs; what the diff may touch. Required, non-empty */
	/* `allow-protected`: protected files that are allowed, by exact name or glob */
	struct strvec protect_except;
	int64_t rounds;          /* 1..10, default 3 */
	int64_t ci_rounds;       /* 0..10, default 2; rounds after "changes requested" and after
					 an ejection from the queue are counted here too */
	int64_t timeout_ms;      /* of one round of the agent; default 45 min, max 24 h */
	int64_t gate_timeout_ms; /* of one gate; `gate-timeout-minutes`, default 15 min */
	int64_t silence_ms;      /* `silence-minutes`, default 10 min; 0: no limit */
	int64_t cost_microusd;   /* 0: no limit */
	int64_t turns;           /* 0: no limit */
	int64_t memory_mb, processes, disk_mb, output_mb, cpu_minutes; /* 0: the daemon's default */
	struct strvec setup;                                           /* environment.setup */
	bool setup_network_host; /* environment.network: host */
	struct strvec setup_key; /* environment.key: paths whose content names the cache */
	bool network_host;       /* `network: host` for agent steps */
	struct bp_step *steps;
	size_t nsteps;
	char *failure_label;        /* on-failure.label, default "needs-human" */
	bool failure_label_default; /* not given: the repository's counts */
	char *prompt_preamble;      /* `preamble`: text put before every prompt, or NULL */
};

#define BP_PROMPT_MAX ((size_t)64 << 10) /* one prompt file */
#define BP_STEPS_MAX  32

/* Reads a file that a blueprint names, by its path as written there ("prompts/fix.md"). */
typedef int (*bp_read_fn)(void *arg, const char *path, struct buf *ret, struct err *err);

int blueprint_load(const char *file, const char *s, size_t n, bp_read_fn read, void *arg,
		   struct blueprint *ret, struct err *err);
void blueprint_release(struct blueprint *bp);
/* The shipped ones, from the program itself. *ret has `file` "shipped:bugfix". */
int blueprint_shipped(const char *name, struct blueprint *ret, struct err *err);
void blueprint_shipped_names(struct strvec *ret);
const char *bp_kind_name(enum bp_kind k); /* "run", "agent", "pull-request" … */
/* The whole as JSON text for `blueprint show --json` and as a person reads it. Caller frees. */
char *blueprint_json(const struct blueprint *bp);
char *blueprint_describe(const struct blueprint *bp);

#endif
