/*
 * history.h - reading commits: files, logs, diffs, containment. Nothing is written.
 */
#ifndef YM_GIT_HISTORY_H
#define YM_GIT_HISTORY_H

#include "git/ancestry.h"
#include "git/decode.h"

int gr_op_file(struct gr *g, const json_t *req, json_t *ans, struct err *err);
int gr_op_files(struct gr *g, const json_t *req, json_t *ans, struct err *err);
int gr_op_log(struct gr *g, const json_t *req, json_t *ans, struct err *err);
int gr_op_changed(struct gr *g, const json_t *req, json_t *ans, struct err *err);
int gr_op_diff(struct gr *g, const json_t *req, json_t *ans, struct err *err);
int gr_op_trees(struct gr *g, const json_t *req, json_t *ans, struct err *err);
int gr_op_contains(struct gr *g, const json_t *req, json_t *ans, struct err *err);
int gr_op_contained(struct gr *g, const json_t *req, json_t *ans, struct err *err);

#define GR_LOG_MAX   1000  /* commits of one answer */
#define GR_HEADS_MAX 10000 /* heads of one `contained` */
#define GR_TREES_MAX 1000  /* commits of one `trees` */
#define GR_NEW_MAX   20000 /* commits of one head outside the base that are looked at */

#endif
