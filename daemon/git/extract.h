/*
 * extract.h - what the daemon reads of a tree at once, and the few things it sets.
 */
#ifndef YM_GIT_EXTRACT_H
#define YM_GIT_EXTRACT_H

#include "git/repo.h"

#define EXTRACT_FILES_MAX 200
#define EXTRACT_BYTES_MAX ((size_t)1 << 20) /* of one file; configuration, never content */

/* Handlers of "tree-read", "config-set" and "remove": role.h has the protocol. */
int gr_op_tree_read(struct gr *g, const json_t *req, json_t *ans, struct err *err);
int gr_op_config_set(struct gr *g, const json_t *req, json_t *ans, struct err *err);
int gr_op_remove(struct gr *g, const json_t *req, json_t *ans, struct err *err);

#endif
