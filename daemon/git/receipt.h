/*
 * receipt.h - the receipt of a landing, found from any commit that it brought.
 *
 * The note is on the commit that the branch was moved to. A rebase of several commits brings more: those
 * before the last one have the same receipt. (A merge brings the PR's own commits too, but they were there
 * before, and only their merge was tested.)
 */
#ifndef YM_GIT_RECEIPT_H
#define YM_GIT_RECEIPT_H

#include "git/decode.h"

/* 1: *ret (owned by the caller) is the receipt, *ret_on the commit that has the note; 0: there is none. */
int gr_receipt_on(struct gr_repo *r, const git_oid *commit, json_t **ret, struct err *err);
int gr_receipt_find(struct gr_repo *r, const git_oid *commit, git_oid *ret_on, json_t **ret,
		    struct err *err);

int gr_op_receipt(struct gr *g, const json_t *req, json_t *ans, struct err *err);

#endif
