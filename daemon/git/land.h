/*
 * land.h - moving a branch to a tested commit, with its receipt.
 *
 * Under the guard of refs.h all references are locked first (the notes, those to keep, the branch),
 * then compared with what is expected, then renamed into place one after another, the branch LAST.
 * A role killed before the first rename has done nothing; one killed between two renames has left
 * references that nobody acts on, and the repeated `land` finds the branch at `old`, sets again what
 * is missing and moves it. Once the branch has moved everything else is there, and the repeated call
 * says "already".
 *
 * Before anything else all that is new is looked for (complete.h). A symbolic branch is followed: the branch that it
 * stands for is moved, and must be below refs/heads/.
 *
 * A kept reference that held another commit loses nothing: that one is kept as NAME-OID (12 digits).
 *
 * The receipt is one JSON text, the note on the landed commit in refs/notes/yardmaster (notetree.h), written as one
 * pack. The note's own commit carries the time of the landed commit, so that a repeated landing makes the same one.
 */
#ifndef YM_GIT_LAND_H
#define YM_GIT_LAND_H

#include "git/refs.h"

#define GR_NOTES_REF   "refs/notes/yardmaster"
#define GR_KEEP_MAX    1000
#define GR_RECEIPT_MAX ((size_t)4 << 20)

int gr_op_land(struct gr *g, const json_t *req, json_t *ans, struct err *err);

#endif
