/*
 * upkeep.h - when a repository is brought into few packs again (git/maintain.h does it).
 *
 * Each candidate and each landing leaves a pack. At a reconciliation every repository's folder is
 * looked at, which is two folders to read; one with UPKEEP_PACKS packs or about UPKEEP_LOOSE loose objects is maintained,
 * by a role of its own that nothing waits behind. Not while a landing is under way there, nor more often than once in a span
 * of UPKEEP_EVERY_MS: the effect's key has the number of the span, which holds over a restart, too.
 */
#ifndef YM_BOT_UPKEEP_H
#define YM_BOT_UPKEEP_H

#include "bot/bot.h"

#define UPKEEP_PACKS    50
#define UPKEEP_LOOSE    2000
#define UPKEEP_EVERY_MS ((int64_t)10 * 60 * 1000)

struct upkeep_size {
	int64_t packs, pack_bytes;
	int64_t loose; /* about: 256 times those of one folder, as git gc --auto counts */
};

/* Of the repository at `path`; what is not there, or may not be read, has none. */
void upkeep_size(const char *path, struct upkeep_size *ret);
/* For people: {packs, pack_bytes, loose_objects}. */
void upkeep_put(const char *path, json_t *o);
/* Called at each reconciliation. */
int upkeep_look(struct bot *b, struct err *err);

#endif
