/*
 * queue_facts.h - what the planner is told about one repository's queue, read from the ledger.
 */
#ifndef YM_BOT_QUEUE_FACTS_H
#define YM_BOT_QUEUE_FACTS_H

#include "bot/queue_flow.h"

/* The facts, and everything that they point into: one element of prs, cands and v for each entry. */
struct queue_facts {
	struct plan_facts plan;
	struct queue_entry_list entries;
	struct pr *prs;
	struct candidate *cands;
	struct plan_entry *v;
};

/* *ret must be zero. */
int queue_facts_read(struct bot *b, const struct repo *r, const struct conf_repo *conf,
		     struct queue_facts *ret, struct err *err);
/* The same of entries that the caller has put into ret->entries; they need not be in the ledger. */
int queue_facts_fill(struct bot *b, const struct repo *r, const struct conf_repo *conf,
		     struct queue_facts *ret, struct err *err);
void queue_facts_release(struct queue_facts *f);

#endif
