/*
 * receipt.h - checking a landing's receipt offline, with nothing but the repository.
 */
#ifndef YM_BOT_RECEIPT_H
#define YM_BOT_RECEIPT_H

#include "base/json.h"

/*
 * Reads the note on `commit` (any name that git resolves), recomputes the tree from base, head and
 * method with the git program, and compares: 1 holds, 0 does not (ret "text" says what differs),
 * -1 could not find out.
 */
int receipt_verify(const char *repo_path, const char *commit, json_t *ret, struct err *err);

#endif
