/*
 * module_url.h - the address of a submodule: what it means, and whether the repository may have it. Pure, but for links on
 * this machine.
 *
 * A .gitmodules comes from whoever opened a pull request, and what a gate prints of a submodule's files is read by whoever
 * reads the pull request. So no address is fetched because a repository names it:
 *
 *   allowed   the daemon's own file lists addresses for this repository (`submodules:`, bot/conf_daemon.h). Such a one is
 *             fetched with the forge's credential where it is the forge's own host.
 *   open      on a forge of a network that is reached over https every other address of its host, without any credential:
 *             that gives what everybody may read.
 *   else      refused, by name, with what to do. A repository of the local forge has nothing that is open.
 *
 * Forms that are understood, as Git and actions/checkout have them:
 *   ../x.git, ./x.git       relative to the repository's own address (git's remote.c: relative_url)
 *   https://host/path
 *   git@host:path, ssh://git@host/path   on the forge's own host the same as https; elsewhere ssh, when allowed
 *   /path, file:///path     of this machine, in a repository of the local forge, when allowed
 * Refused whatever is allowed: a beginning '-' (an option to git: CVE-2018-17456), ext:: and every other transport helper,
 * git:// and http:// (nobody knows who answers; a loopback address may be http), a user or password in an https address,
 * "..", ".", "//", '%', '?', '#', a backslash, blanks and control characters (a path that means another one than it says).
 */
#ifndef YM_GIT_MODULE_URL_H
#define YM_GIT_MODULE_URL_H

#include "base/err.h"
#include "base/strvec.h"

struct gr_module_rules {
	const char *own;   /* the repository's own address; a path: of the local forge */
	const char *forge; /* "https://host/" of its forge, whose credential is ours; NULL: local */
	struct strvec allowed; /* addresses; with '/' at the end: and all below it */
};

struct gr_module_url {
	char *text;      /* what is fetched */
	bool local;      /* a path */
	bool credential; /* the forge's goes with it */
};
void gr_module_url_release(struct gr_module_url *u);

/* 0, or -1: ERR_UNSAFE (never), ERR_DENIED (not allowed here); the text names the address and what to do. */
int gr_module_url(const struct gr_module_rules *r, const char *said, struct gr_module_url *ret,
		  struct err *err);

/* Can this stand in the list of the daemon's file? The text says what is expected. */
int gr_module_rule_check(const char *s, struct err *err);

#endif
