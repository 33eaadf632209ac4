/*
 * forge.h - what yardmaster wants of a forge, whichever it is.
 *
 * A forge carries out effects ("forge-comment" …) and answers who may do what. What happens on it
 * arrives as forge-neutral events in the ledger's inbox; kinds and payloads are listed below.
 * A backend is one `const struct forge_ops`; adding one: a file NAME_*.c, a row in forge.c.
 *
 * Effects, with their payloads (every one has `repo`, the ledger's id):
 *
 *   forge-comment     number, key, body       says it once: a comment with this key is edited in place
 *   forge-label       number, add?, remove?
 *   forge-react       comment, reaction       on a command that was read ("eyes")
 *   forge-pr-open     task, title, body, base, topic, author, head, files   -> {number}
 *   forge-pr-update   number, head, files     a new head of our own
 *   forge-pr-merged   number, commit, base, head   the queue has landed this head of it
 *   forge-issue-close number, reason
 *
 * Each may be carried out twice and then has one effect.
 *
 * Events (`repo` always; actor is a user's name on that forge):
 *
 *   issue-labeled     number, label, actor          issue-unlabeled   number, label, actor
 *   issue-edited      number, actor                 issue-closed      number, actor
 *   comment-created   number, comment, actor, body
 *   pr-opened         number, actor, head           pr-updated        number, actor, old, head
 *   pr-approved       number, actor, head           pr-closed         number, actor
 *   pr-changes-requested number, actor, body
 *   base-moved        old, new, by                  by: "queue" or the user who did it
 */
#ifndef YM_FORGE_FORGE_H
#define YM_FORGE_FORGE_H

#include "base/clock.h"
#include "store/ledger.h"

enum forge_level { FORGE_NONE, FORGE_READ, FORGE_WRITE, FORGE_MAINTAIN };

struct forge {
	const struct forge_ops *ops;
	struct db *db;
	struct clock *clock;
};

enum { FORGE_DONE = 0, FORGE_LATER = 1 };

struct forge_ops {
	const char *name;
	/* FORGE_DONE: *ret_result is filled. FORGE_LATER: the result comes as the effect's event. */
	int (*act)(struct forge *f, const char *kind, const json_t *payload, json_t **ret_result,
		   struct err *err);
	int (*permission)(struct forge *f, int64_t repo, const char *user, enum forge_level *ret,
			  struct err *err);
	/* Does the landing move the PR's head first (GitHub with rebase or squash)? */
	bool moves_head;
	/* Are there required checks of the forge's own to wait for? */
	bool has_checks;
};

extern const struct forge_ops forge_local;

/* NULL when there is no backend of that name. */
const struct forge_ops *forge_find(const char *name);
const char *forge_level_name(enum forge_level l); /* "read", "write", "maintain", "none" */
int forge_level_parse(const char *name, enum forge_level *ret, struct err *err);

#endif
