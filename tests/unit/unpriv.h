/*
 * unpriv.h - tests that start keepers, which refuse uid 0, go on as an ordinary user.
 *
 * Call first in main(). Started as root, the test executes itself once more as the user in
 * YARD_TEST_USER, or "yardtest" where it exists, or the owner of the test's executable when that is
 * not root, or "nobody". Any of them can use user namespaces, unless the machine forbids it to all
 * ordinary users; the executable and the folders above it must be readable for it.
 */
#ifndef YM_TESTS_UNPRIV_H
#define YM_TESTS_UNPRIV_H

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static inline const struct passwd *unpriv_user(void)
{
	const char *name = getenv("YARD_TEST_USER");
	const struct passwd *p = name ? getpwnam(name) : getpwnam("yardtest");
	struct stat st;

	if (!p && stat("/proc/self/exe", &st) == 0 && st.st_uid != 0)
		p = getpwuid(st.st_uid);
	return p ? p : getpwnam("nobody");
}

static inline void unpriv(char **argv)
{
	const struct passwd *p;

	if (getuid() != 0)
		return;
	p = unpriv_user();
	if (!p || p->pw_uid == 0 || initgroups(p->pw_name, p->pw_gid) < 0 ||
	    setgid(p->pw_gid) < 0 || setuid(p->pw_uid) < 0) {
		fprintf(stderr, "Bail out! no ordinary user to go on as\n");
		exit(1);
	}
	unsetenv("TMPDIR");
	execv("/proc/self/exe", argv);
	perror("Bail out! exec as an ordinary user");
	exit(1);
}

#endif
