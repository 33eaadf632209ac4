/*
 * secret.h - where secrets come from: keys, tokens, webhook secrets.
 *
 * A configuration file names a secret and never holds it:
 *
 *     env:NAME     a variable of the daemon's environment
 *     file:PATH    a file of ours that neither group nor others may read (mode 0600 or less)
 *     cred:NAME    a credential that systemd put into $CREDENTIALS_DIRECTORY (LoadCredential=)
 *
 * One line break at the end is not part of it. At most SECRET_MAX bytes, no NUL. An error names the
 * source and what is wrong with it, never a byte of what was found.
 */
#ifndef YM_SYS_SECRET_H
#define YM_SYS_SECRET_H

#include "base/err.h"

#include <stddef.h>

#define SECRET_MAX ((size_t)64 << 10)

struct secret {
	char *s; /* a NUL stands behind the last byte */
	size_t n;
};

/* Is this the name of a source? Nothing is read. `folder`: where a relative PATH begins. */
int secret_check(const char *source, struct err *err);
int secret_read(const char *source, const char *folder, struct secret *ret, struct err *err);
void secret_release(struct secret *s); /* wipes */

#endif
