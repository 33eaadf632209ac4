/*
 * agent.h - one adapter per agent command line: how it is started and how its output is read.
 *
 * Adding one: a file agent_NAME.c with its `const struct agent_adapter`, one row in the table of
 * agent.c. An adapter never starts anything itself; it fills a request's argv and environment, and
 * reads what was written. Success = the adapter's own terminal sign and exit 0; the host's diff and
 * the end block are judged elsewhere.
 */
#ifndef YM_AGENT_AGENT_H
#define YM_AGENT_AGENT_H

#include "base/err.h"
#include "base/strvec.h"

#include <stdbool.h>
#include <stdint.h>

/* An agent of the daemon's configuration (agents: NAME: …). */
struct agent_conf {
	char *name;
	char *kind;              /* adapter; "command" by default */
	char *model;             /* for the commit trailer; NULL: unknown */
	struct strvec command;   /* argv; the first is absolute or found on the sandbox's PATH */
	struct strvec read_only; /* host paths bound read-only at the same place (tools, caches) */
	bool network_host;       /* `network: host`: the opt-in, logged at each start */
	struct strvec env;       /* names of the daemon's environment handed in: the opt-in. Their
				  * values are masked (base/mask.h) … */
	struct strvec env_plain; /* … and those of these, which are handed in too, are not */
};

enum agent_status { AGENT_NONE, AGENT_COMPLETE, AGENT_BLOCKED, AGENT_QUESTION, AGENT_NO_CHANGE };

struct agent_result {
	bool success;             /* the adapter saw the agent's own success */
	enum agent_status status; /* of the end block; NONE: missing or malformed */
	bool exit_signal;
	char *summary; /* SUMMARY, cut at AGENT_SUMMARY_MAX; NULL when missing */
	char *problem; /* what is wrong with the end block or the stream, or NULL */
	int64_t tokens_in, tokens_out, cost_microusd; /* of the round, as the agent reports; -1
						       * unknown */
};

#define AGENT_SUMMARY_MAX 4096

struct agent_adapter {
	const char *kind;
	/* argv for one round. The prompt goes to standard input. */
	int (*argv)(const struct agent_conf *c, struct strvec *ret, struct err *err);
	/* Reads the end of the output (whole up to AGENT_OUTPUT_MAX, else its last part). */
	void (*read)(const char *out, size_t n, int exit_code, struct agent_result *ret);
};

#define AGENT_OUTPUT_MAX ((size_t)1 << 20)

const struct agent_adapter *agent_adapter_find(const char *kind); /* NULL: unknown */
void agent_adapter_kinds(struct strvec *ret);
void agent_conf_release(struct agent_conf *c);
void agent_result_release(struct agent_result *r);
const char *agent_status_name(enum agent_status s); /* "COMPLETE" … */

/*
 * The end block: the last three such lines of the output, in this order, with blank lines allowed
 * between and after, SUMMARY going on to the end of the output or to a closing fence:
 *
 *     STATUS: COMPLETE | BLOCKED | QUESTION | NO_CHANGE
 *     EXIT_SIGNAL: true | false
 *     SUMMARY: text, may go on over further lines
 *
 * Anything else is AGENT_NONE with the problem named. A block quoted earlier in the output does not
 * count when a later one is there; words in another case or with decorations (`**STATUS:**`) do
 * not count at all.
 */
void agent_end_block(const char *out, size_t n, struct agent_result *ret);
/* The paragraph that tells an agent about it; appended to every prompt. */
extern const char agent_end_block_instructions[];

#endif
