/*
 * landlock.h - the kernel's Landlock: a second wall behind the mounts.
 *
 * What the mounts of the sandbox already forbid, writing anywhere but in the run's own folders, is
 * forbidden once more by a rule that does not depend on mounts; processes outside the run's domain
 * can be neither traced, signalled nor reached through abstract Unix sockets (which live in the
 * network namespace, so that with the host's network they would be the host's).
 *
 * Optional: a kernel without it, or with its first version, which forbids all renames between
 * folders, runs without this wall.
 */
#ifndef YM_RUNNER_LANDLOCK_H
#define YM_RUNNER_LANDLOCK_H

#include "base/err.h"
#include "base/strvec.h"

/* The kernel's Landlock version when it is one that this program uses, else 0. */
int landlock_available(void);
/* Restricts the calling process: writing only below the paths given. */
int landlock_restrict(const struct strvec *writable, struct err *err);

#endif
