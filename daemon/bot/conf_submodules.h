/*
 * conf_submodules.h - the mapping `submodules` of the daemon's configuration, for conf_daemon.c, which has its manual.
 */
#ifndef YM_BOT_CONF_SUBMODULES_H
#define YM_BOT_CONF_SUBMODULES_H

#include "base/json.h"
#include "base/yaml.h"
#include "bot/conf_daemon.h"

int conf_submodules_load(const struct yaml_doc *doc, const struct yaml_node *n,
			 struct conf_daemon *c, struct err *err);
void conf_submodules_release(struct conf_daemon *c);
json_t *conf_submodules_json(const struct conf_daemon *c);

#endif
