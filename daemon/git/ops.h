/*
 * ops.h - every operation of the role, for the table in role.c and for tests.
 *
 * A handler decodes its request, does the work and fills the answer; what role.h calls an expected
 * outcome is success. On -1 the answer is thrown away and *err is sent.
 */
#ifndef YM_GIT_OPS_H
#define YM_GIT_OPS_H

#include "git/candidate.h"
#include "git/checkout.h"
#include "git/commit.h"
#include "git/history.h"
#include "git/land.h"
#include "git/layer.h"
#include "git/maintain.h"
#include "git/merge.h"
#include "git/notes.h"
#include "git/receipt.h"
#include "git/refs.h"
#include "git/repo.h"
#include "git/sweep.h"
#include "git/verify.h"
#include "git/worktree.h"

#define GR_REQUEST_MAX ((size_t)16 << 20) /* bytes of one request; a receipt is the longest */

/* Decodes, runs the one handler and returns the answer. */
json_t *gr_request(struct gr *g, const json_t *req);

#endif
