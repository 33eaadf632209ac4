/*
 * local.h - what runs in somebody's clone: `yardmaster hook pre-commit|commit-msg|pre-push NEXT ARGS...`,
 * started by the scripts that clone.h writes.
 *
 * Each first does its own check and then becomes NEXT, the hook that was there before, with the same
 * arguments and standard input: what that one says is what git hears. "" is none, and one that git
 * would not have run (not executable) is not run.
 *
 * Somebody waits: all of the own check ends within HOOK_MS, and when it cannot be made (no daemon, a
 * git that is slow, no permission) the hook says so in one line and lets git go on. What it sends is
 * bounded too; it says when something was left out.
 *
 * Which daemon and repository: $YARDMASTER_SOCKET, $YARDMASTER_REPO, else yardmaster.socket and
 * yardmaster.repo of git's configuration. $YARDMASTER_HOOK_MS is another limit of time.
 */
#ifndef YM_HOOKS_LOCAL_H
#define YM_HOOKS_LOCAL_H

#include "base/buf.h"
#include "base/json.h"
#include "base/strvec.h"
#include "hooks/ask.h"

#define HOOK_MS        100                 /* with the start of sh and program below 200 */
#define HOOK_FILES_MAX 2000                /* paths of one question */
#define HOOK_BYTES_MAX ((size_t)256 << 10) /* of them together */

/* argv: NEXT and the hook's own arguments. They return only when nothing is to be run behind. */
int local_pre_commit(char *const *argv);
int local_commit_msg(char *const *argv);
int local_pre_push(char *const *argv);

/* ---- for the files of this room ---- */

struct local {
	int64_t deadline; /* ask_now() */
	char *socket, *repo;
	struct ask *ask;
};
/* Finds the daemon and connects. -1: said why not; the hook goes on without. */
int local_open(struct local *l);
void local_close(struct local *l);
/* Takes args. 0, or -1 after saying that the check was left out. */
int local_ask(struct local *l, const char *cmd, json_t *args, json_t **ret_item);
/* git in the hook's own environment, within the deadline. The exit code; -1 did not run or had not
 * ended in time; *ret_cut (may be NULL): more than HOOK_BYTES_MAX came, and out has the beginning. */
int local_git(const struct local *l, const struct strvec *argv, struct buf *out, bool *ret_cut);
/* Adds the paths of NUL-ended records to a list, at most HOOK_FILES_MAX; true: some were left out. */
bool local_paths(const struct buf *records, bool cut, json_t *ret);
void local_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Becomes the hook behind; `in` (-1: as it is) becomes its standard input. Returns the exit code when
 * there is none, or it cannot be started. */
int local_pass_on(char *const *argv, int in);

/* What git keeps of a commit message: nothing from its scissors line on, no lines that begin with '#'. Caller
 * frees. What it depends on is read from that as anywhere else (base/depends.h). */
char *message_kept(const char *text);

/* One line of what git tells pre-push: "LOCAL-REF LOCAL-OID REMOTE-REF REMOTE-OID", cut in place. */
struct push_line {
	char *local_ref, *local_oid, *remote_ref, *remote_oid;
};
int push_line_parse(char *line, struct push_line *ret);
bool push_oid_is_zero(const char *oid);

#endif
