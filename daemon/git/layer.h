/*
 * layer.h - what a set-up step made, kept to be laid into the next worktree.
 *
 * A layer is a folder with everything that was in a worktree and is not in its commit (installed
 * packages, built tools). Saving copies, so that the worktree goes on with what it has; the copy is
 * made beside its place and renamed, so that a layer is whole or not there, and one that is there
 * stays. Applying copies what is missing and never replaces a file: the commit's own files win, and a
 * repeated call completes what a killed one began (each file appears by a rename).
 *
 * Copies are reflinks where the file system can, keep times (build tools compare them) and the
 * permission bits, but no set-uid; links stay links, FIFOs, sockets and devices are left out. No link
 * is ever followed on either side.
 */
#ifndef YM_GIT_LAYER_H
#define YM_GIT_LAYER_H

#include "git/decode.h"

int gr_op_layer_save(struct gr *g, const json_t *req, json_t *ans, struct err *err);
int gr_op_layer_apply(struct gr *g, const json_t *req, json_t *ans, struct err *err);

#endif
