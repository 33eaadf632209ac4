/*
 * reconcile.h - reading again what events only hint at.
 *
 * On start and every few minutes: where each base is, and what its configuration says. A lost,
 * doubled or reordered event changes nothing but the delay.
 */
#ifndef YM_BOT_RECONCILE_H
#define YM_BOT_RECONCILE_H

#include "bot/bot.h"

/* Asks for the base of every repository, and purges what is past its retention. */
int reconcile_all(struct bot *b, struct err *err);
/* Writes into each local repository's configuration what the daemon's own one says about pushes: at the start
 * and when it was read again. */
void reconcile_settings(struct bot *b);
int reconcile_base(struct bot *b, const struct repo *r, struct err *err);
/* The same of a repository that was used before the ledger knew it (rebuild.h). */
int reconcile_used(struct bot *b, const struct repo *r, struct err *err);
/* Asks for the configuration at the base, when it is not the one that was read last. */
int reconcile_config(struct bot *b, const struct repo *r, struct err *err);
/* Lets the events that waited for a configuration be decided. */
int reconcile_wake(struct bot *b, struct err *err);
/* An empty or restored ledger beside repositories that have been used waits for a person. */
int reconcile_ledger(struct bot *b, struct err *err);
/* After a commit: notes beside the ledger how far it is, at most once a second. */
void reconcile_mark(struct bot *b);

json_t *reconcile_paths(void);                    /* what is read from a base */
json_t *reconcile_files(const json_t *tree_read); /* path to text, of a tree-read's result */

int reconcile_did_base(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int reconcile_did_sweep(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int reconcile_did_config(struct bot *b, const struct event *e, const json_t *p, struct err *err);

#endif
