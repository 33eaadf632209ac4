/*
 * conf_daemon.h - the daemon's own configuration, `yardmaster.yml`.
 *
 * Every key has a default: an empty file, and no file, is a valid configuration. Relative paths are
 * relative to the file's folder (to `data` when there is no file). An error reads
 *
 *     yardmaster.yml:4: key 'limits.agent': found an unknown key, did you mean 'agents'?; allowed: …
 *
 *   data: DIR                      what the caller passes as default_data
 *   socket: PATH                   DATA/socket; created with mode 0660
 *   socket-group: NAME             the group of the socket; default: the daemon's own
 *   handle: yard                   `@yard` in a comment counts as /yard
 *   agents:                        none; a task then waits and says so
 *     NAME:                        [a-z0-9-]{1,40}
 *       command: [ARGV…]           required
 *       kind: command              the adapter
 *       model: TEXT                for the commit trailer
 *       read-only: [PATH…]         host paths visible inside, at the same place
 *       network: none | host       none
 *       env: [NAME…]               variables of the daemon that are handed in; their values are masked in
 *                                  all that is shown, and no commit may hold one (base/mask.h)
 *       env-plain: [NAME…]         the same for values that are no secret: an address, a language
 *   default-agent: NAME            the only agent when there is one, else none
 *   limits:
 *     agents: 2                    agent rounds (and their set-up and gates) at the same time; 1..100
 *     gates: 2                     gate runs of candidates at the same time; 1..100
 *     agent-prs: 10                open PRs by agents in one repository; 1..1000
 *     task-minutes: 480            all runs of one task together; then a person gets it; 0: no limit
 *     push-mb: 512                 one push to a local repository, as it is sent; 1..102400
 *   runs:                          defaults of every sandboxed run; a blueprint may say otherwise
 *     memory-mb: 4096              the whole process tree
 *     processes: 512
 *     disk-mb: 4096                growth of the writable folders
 *     file-mb: 1024                one file
 *     output-mb: 64                standard output and error
 *     cpu-minutes: 60              of the whole tree
 *   notify:
 *     command: [ARGV…]             run for needs-human, conflicts and a red base; none
 *     timeout-seconds: 60          then it is killed, for the next one waits for it; 1..3600
 *   retention:
 *     events-days: 30              handled events
 *     logs-days: 30                output of runs
 *     task-days: 180               rows of finished tasks
 *     failed-worktree-days: 7      worktrees of failed tasks, and of those whose issue was closed
 *     deliveries-days: 3           raw webhook deliveries; GitHub keeps its own as long
 *     deliveries-mb: 512           the same, by what they take in the ledger
 *   submodules:                    none; which submodules gates and agents may see beside the public ones of the forge's own
 *     REPOSITORY: [ADDRESS…]       host: addresses, with '/' at the end all below it (git/module_url.h). Whoever may
 *                                  open a pull request in REPOSITORY ('*': any) can then read them there: a gate
 *                                  prints what it likes. On the forge's host they are fetched with its credential
 *   listen, github:                webhooks: conf_hooks.h
 *   reconcile-seconds: 300         how often the forge is read again; 5..86400
 *   author: { name: Yardmaster, email: yardmaster@localhost }   of the commits that the host makes
 *   sign-key: PATH                 an SSH private key without a passphrase that signs them, tasks' and
 *                                  landings' alike; one that does not sign is an error; none. GitHub verifies it
 *                                  only as a signing key of the account with author.email, which an App is not:
 *                                  that of a machine user (contrib/doc/github.md)
 *   github: { … }                  how to reach GitHub (conf_github.h); none
 */
#ifndef YM_BOT_CONF_DAEMON_H
#define YM_BOT_CONF_DAEMON_H

#include "agent/agent.h"
#include "base/err.h"
#include "base/strvec.h"
#include "bot/conf_github.h"
#include "bot/conf_hooks.h"

#include <stddef.h>
#include <stdint.h>

#define CONF_AGENTS_MAX 32

struct conf_daemon {
	char *data;         /* absolute, as are all paths below */
	char *socket;       /* at most 107 bytes: what a Unix socket's address holds */
	char *socket_group; /* NULL: the daemon's own */
	char *handle;       /* without '@' */
	struct agent_conf *agents;
	size_t nagents;
	char *default_agent; /* one of `agents`, or NULL */
	struct {
		int64_t agents, gates, agent_prs, push_mb;
		int64_t task_minutes; /* 0: no limit */
	} limits;
	struct {
		int64_t memory_mb, processes, disk_mb, file_mb, output_mb, cpu_minutes;
	} runs;
	struct strvec notify; /* argv; empty: nobody is notified */
	int64_t notify_seconds;
	struct {
		int64_t events_days, logs_days, task_days, failed_worktree_days;
		int64_t deliveries_days, deliveries_mb;
	} retention;
	struct conf_submodules {
		char *repo; /* its name, or "*" */
		struct strvec allowed;
	} * submodules;
	size_t nsubmodules;
	struct conf_hooks hooks;
	int64_t reconcile_seconds;
	char *author_name, *author_email;
	char *sign_key; /* NULL: commits are not signed */
	struct conf_github github;
};

/*
 * `file` is the path as the person gave it, for messages and as the anchor of relative paths; NULL
 * (with n 0) when there is no file. default_data must be absolute. Nothing on disk is looked at:
 * that a path exists is the business of whoever opens it. On error *ret is left alone.
 */
int conf_daemon_load(const char *file, const char *text, size_t n, const char *default_data,
		     struct conf_daemon *ret, struct err *err);
void conf_daemon_release(struct conf_daemon *c);

/* The tables that a file is read by, for those who write one: the keys of the root (ends with NULL), and
 * the mappings of whole numbers (key "": the root's own numbers; ends with nums NULL). */
struct conf_numbers {
	const char *key;
	const struct yaml_num *nums;
};
extern const char *const conf_daemon_keys[];
extern const struct conf_numbers conf_daemon_numbers[];

/* What `submodules` has for this repository, added to `ret`. */
void conf_daemon_submodules(const struct conf_daemon *c, const char *repo, struct strvec *ret);

/* NULL: no such agent. name NULL: the default agent. */
const struct agent_conf *conf_daemon_agent(const struct conf_daemon *c, const char *name);

/* Everything that is in force, defaults included, with the keys of the file; for `config check
 * --json`. Holds no secret: variables are named, never read. Caller frees. */
char *conf_daemon_json(const struct conf_daemon *c);

#endif
