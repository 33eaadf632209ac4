/*
 * clone.h - the local hooks of somebody's clone: `yardmaster hooks install|status|uninstall`.
 *
 * Three hooks: pre-commit warns of files that are leased to an agent, commit-msg checks Depends-On:
 * lines, pre-push stops direct pushes to a branch that a merge queue owns and names the open PRs that
 * change the same files. What runs in them is local.h.
 *
 * They stand in one of two places:
 *
 *   direct   in the repository's own hooks folder, when none of the three names is taken there and
 *            core.hooksPath is not set. Nothing else changes.
 *   front    in a folder of their own, ROOT/yardmaster/hooks, which core.hooksPath is set to. What
 *            was in force before (.git/hooks, husky's folder, a global one) is not touched: each hook
 *            there is started from its own place and under its own name, because husky, overcommit
 *            and others go by $0. Hooks that are not ours have a script that only passes on.
 *
 * ROOT is the common Git directory (all worktrees share the hooks), or the worktree's own one where
 * core.hooksPath is a setting of the worktree. ROOT/yardmaster/state.json says what was written and
 * ROOT/yardmaster/config.before is the configuration file as it was. A file counts as ours while its
 * bytes are those that were written; whatever else is found is left alone and named.
 *
 * Uninstalling puts back every byte and mode. When others wrote in between, only our own values and
 * files are taken out. Installing again does nothing while all is as it was written; otherwise what is
 * ours is taken out and put in anew.
 */
#ifndef YM_HOOKS_CLONE_H
#define YM_HOOKS_CLONE_H

#include "base/buf.h"
#include "base/json.h"
#include "base/strvec.h"

#include <stdint.h>

struct clone_opts {
	const char *verb;   /* "install", "status", "uninstall" */
	const char *dir;    /* somewhere in the clone */
	const char *socket; /* the daemon's, absolute; NULL: what the clone says */
	const char *repo;   /* install: which of several; NULL */
};

/*
 * Fills ret with "text" and "item". 1 done or all is in force, 0 (status) something is not.
 * Errors: ERR_NOT_FOUND no clone, or one of nothing that is managed; ERR_UNAVAILABLE the daemon is
 * away (install only); ERR_STATE not here.
 */
int clone_main(const struct clone_opts *o, json_t *ret, struct err *err);

/* ---- for the files of this room ---- */

#define CLONE_HOOKS_N 3
extern const char *const clone_hooks[CLONE_HOOKS_N + 1]; /* the three; NULL */
/* Other hooks of git's: passed on from a front always, or (clone_rare) only when there is one, because
 * that a file is there changes what git does, or costs at each reference. Both end with NULL. */
extern const char *const clone_others[], *const clone_rare[];

/* Runs git in dir with the caller's environment but what names another repository. The output
 * without the last newline. The exit code, or -1. */
int clone_git(const char *dir, const struct strvec *argv, struct buf *ret_out, struct err *err);

/* Where everything is. */
struct clone_place {
	char *dir;     /* as given, absolute */
	char *git_dir; /* absolute */
	char *common;  /* absolute; the same but in a linked worktree */
	char *hooks; /* the folder in force, as git names it: absolute, or relative to the worktree */
	char *top;   /* the worktree; NULL: bare */
	char *scope;  /* of core.hooksPath: "local", "global" ...; NULL: not set */
	char *root;   /* common or git_dir */
	char *config; /* the file that holds our values */
	char *state_dir, *state_file, *front, *before;
};
int clone_place_find(const char *dir, struct clone_place *ret, struct err *err);
void clone_place_release(struct clone_place *p);

/* The script of a hook. `program` NULL: only passes on. `behind` NULL: nothing is behind. */
char *clone_script(const char *name, const char *program, const char *behind);
bool clone_script_is_ours(const char *text, size_t n);

/* What was written; version 1 of state.json. */
struct clone_state {
	bool there;
	json_t *j;
};
int clone_state_read(const struct clone_place *p, struct clone_state *ret, struct err *err);
void clone_state_release(struct clone_state *s);
/* The hash that the state has for a file, or NULL. */
const char *clone_state_hash(const struct clone_state *s, const char *path);
/* NULL when it cannot be read; caller frees. */
char *clone_file_hash(const char *path);

int clone_install(const struct clone_opts *o, json_t *ret, struct err *err);
int clone_uninstall(const struct clone_opts *o, json_t *ret, struct err *err);
/* Takes out what is ours; what is left is said in `left`. */
int clone_take_out(const struct clone_place *p, const struct clone_state *s, struct strvec *left,
		   struct err *err);
int clone_status(const struct clone_opts *o, json_t *ret, struct err *err);
/* 1 everything stands as it was written and is in force, else 0; *ret_hooks (may be NULL) gets a row a
 * hook, see clone_status.c. */
int clone_in_force(const struct clone_place *p, const struct clone_state *s, json_t *ret_hooks);
/* The remotes of a clone: [{"name","url","path"?}], path where the URL is a folder of this machine. */
int clone_remotes(const char *dir, json_t **ret, struct err *err);
char *clone_url_path(const char *dir,
		     const char *url); /* NULL: not on this machine; caller frees */

#endif
