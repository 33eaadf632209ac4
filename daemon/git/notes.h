/*
 * notes.h - the receipts here and those of a forge, brought together.
 *
 * The result contains both histories, so that it can be pushed as a fast-forward. Of a commit with a note
 * in both ours stays: nobody who may push notes to the forge changes a receipt here.
 */
#ifndef YM_GIT_NOTES_H
#define YM_GIT_NOTES_H

#include "git/refs.h"

int gr_op_notes_merge(struct gr *g, const json_t *req, json_t *ans, struct err *err);

#endif
