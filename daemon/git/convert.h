/*
 * convert.h - what Git does to a file between the repository and a folder: text, eol, ident, working-tree-encoding.
 *
 * As gitattributes(5) and Git's convert.c (2.39.5 and 2.54 agree) with core.autocrlf and core.eol unset, on a system whose
 * own line end is LF. Compared with Git in tests/unit/test_git_checkout.c. A `filter` is only named here: a program that
 * a repository names is never run by the host.
 */
#ifndef YM_GIT_CONVERT_H
#define YM_GIT_CONVERT_H

#include "git/attr.h"

enum gr_eol {
	GR_EOL_ASIS,      /* -text, or nothing is said */
	GR_EOL_TEXT,      /* text: LF in both places */
	GR_EOL_TEXT_CRLF, /* eol=crlf */
	GR_EOL_AUTO, /* text=auto: the same, unless it looks binary, or has CRLF in the repository */
	GR_EOL_AUTO_CRLF
};

struct gr_conv {
	enum gr_eol eol;
	bool ident;
	const char *encoding, *filter; /* NULL: none; they belong to the attributes */
};

/* -1: working-tree-encoding without a value, or with one that cannot be a charset's name. */
int gr_conv_init(struct gr_conv *c, const char *const v[GR_ATTRS], struct err *err);
/* Is there anything to do at all? */
bool gr_conv_any(const struct gr_conv *c);

/* To the folder: 1 *ret is filled, 0 the bytes are as they are, -1. What has no form in the encoding stays UTF-8, as with
 * Git. `ret` is an initialised buffer. */
int gr_conv_out(const struct gr_conv *c, const char *p, size_t n, struct buf *ret, struct err *err);
/* To the repository: 1, 0, -1: it is not in the encoding that the attribute says. `was` (NULL: none) is the blob that the
 * file has there now: one with CRLF keeps them under text=auto. */
int gr_conv_in(const struct gr_conv *c, const char *p, size_t n, const struct buf *was,
	       struct buf *ret, struct err *err);
/* Does gr_conv_in() want to know `was`? */
bool gr_conv_wants_was(const struct gr_conv *c);

#endif
