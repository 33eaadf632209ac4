/*
 * lease.h - who may work on what at the same time.
 *
 * A task holds exclusive leases on its explicit scopes (`scope=`, a `Scope:` line in the issue) from
 * its dispatch until its PR opens. The repository's `exclusive:` paths (migrations, lock files) are
 * leased to a task whose scopes touch them; a task without scopes touches what its blueprint's
 * `allow` names without a wildcard (a wide `allow` leases nothing: one open task would else block
 * all others).
 */
#ifndef YM_TASK_LEASE_H
#define YM_TASK_LEASE_H

#include "base/strvec.h"

#include <stdbool.h>
#include <stdint.h>

struct lease_held {
	int64_t task;
	const char *pattern;
};

/* What a task must hold: its scopes, and each exclusive pattern that one of `touches` overlaps. */
void lease_wanted(const struct strvec *scopes, const struct strvec *allow,
		  const struct strvec *exclusive, struct strvec *ret);
/* The first lease of another task that overlaps one of `wanted`, or NULL. */
const struct lease_held *lease_conflict(const struct lease_held *held, size_t n, int64_t task,
					const struct strvec *wanted);
/* The scopes that an issue's text names: lines "Scope: src/a/, docs/index.md", as people see them
 * (base/markdown.h: not in code, comments or quotes). Patterns that are not
 * valid are left out and named in *ret_bad. */
void lease_scopes_of_text(const char *text, struct strvec *ret, struct strvec *ret_bad);

#endif
