/*
 * rewound.h - what was taken out of a base must not come back unseen.
 *
 * A base that is moved back (a secret, a mistake, a history written anew) loses commits; its tip from before is kept as
 * refs/yardmaster/rewound/TIP-MOVE (bot/queue_hand.c). A head that was begun on a lost commit brings it back under every
 * method, while a forge that listed its commits before the move shows only those of its author.
 *
 * The commits that come back are those that head and a kept tip have in common and base has not. There are some exactly
 * when one of the merge bases of the two is not in base: whatever they share is below a merge base of theirs.
 * A copy of a lost commit under another name (cherry-picked, rebased) is the head's own, and is not looked for.
 */
#ifndef YM_GIT_REWOUND_H
#define YM_GIT_REWOUND_H

#include "git/decode.h"

#define GR_REWOUND       "refs/yardmaster/rewound/"
#define GR_REWOUND_SHOWN 10 /* commits that are named */

/*
 * 1: head brings some back, and `ans` says so as refused with the reason "brings-back" (role.h); 0: none; -1.
 * The request's "brought_back" are commits that a person wants back, with all that is below them. A tip whose commit is
 * gone is an error: whether something of it comes back cannot be found out.
 */
int gr_brings_back(struct gr_repo *r, const git_oid *base, const git_oid *head, const json_t *req,
		   json_t *ans, struct err *err);

#endif
