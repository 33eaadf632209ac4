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
 *   forge-pr-merged   number, commit, base, head, close   the queue has landed this head of it; close:
 *                     the forge would not notice by itself
 *   forge-pr-retarget number, base
 *   forge-pr-close    number                a PR of our own that another one has taken the place of
 *   forge-issue-close number, reason
 *   forge-check       number, head, name, key, status|conclusion, title, summary, text?, annotations?,
 *                     actions?    on the checks tab, where the forge has one (`checks_tab`)
 *
 * Each may be carried out twice and then has one effect.
 *
 * A backend over a network wants effects of its own, which read (the level-triggered half: what an
 * event only hints at is read again). Their results go to did():
 *
 *   forge-list        everything that changed on the forge since the last time
 *   forge-sync        number, then?           one issue or PR as it is now; `then`: events to add after it
 *   forge-reviews     number                  only the reviews of a PR that has just been read
 *   forge-look        number   -> {state, labels: [], edits: [{at_ms, by}]}   an issue as it is now, before
 *                     its text goes to an agent; edits: the latest of its text and of its title
 *   forge-checks, shadow-checks
 *                     head, names   -> {checks: [{name, called, state: absent|pending|green|red, said?,
 *                     url?}], log?}   a name is NAME, or "NAME\nAPP": of that App (its number) alone.
 *                     log: of the first red one, what it says and why
 *   forge-level       user                    what may this user do here?
 *   forge-member      team, user              is this user in this team ("org/slug")?
 *   forge-fetch       op, url, refs, ctx      Git's objects (net role: git/net.h)
 *   forge-changed     op, base, head, ctx     the files of a PR (git role)
 *
 * and the queue asks it for a PR, without being told anything but the answer (moves_head):
 *
 *   cand-head, topic-merged   number, until_ms, merged?   -> {head, merged, why?}; merged: waits for it
 *
 * and, with has_checks, for a candidate's CI on pull requests (queue_ci.c):
 *
 *   cand-draft        branch, base, base_oid, tree, title, body, until_ms -> {number, other?}
 *                     a draft PR from that branch; other: why CI there would not test this tree
 *   draft-close       branch, sweep? -> {kept?}
 *                     whatever is open from it; sweep: the branch is no candidate's, and only a draft PR of
 *                     our own is closed. kept: another PR is open from it, and none was closed
 *
 * Events (`repo` always; actor is a user's name on that forge):
 *
 *   issue-labeled     number, label, actor, at_ms?  issue-unlabeled   number, label, actor
 *                     actor "": the forge does not say who it was
 *   issue-edited      number, actor                 issue-closed      number, actor
 *   issue-reopened    number, actor
 *   comment-created   number, comment, actor, body, at_ms?      at_ms: by the forge's own clock
 *   button-pressed    number, actor, command, head     on the checks tab
 *   pr-opened         number, actor, head           pr-updated        number, actor, old, head
 *   pr-approved       number, actor, head           pr-closed         number, actor
 *   pr-changes-requested number, actor, body
 *   checks-changed    head                          of a commit that somebody waits for
 *   base-moved        old, new, by                  by: "queue" or the user who did it
 *   repo-paused       why                           repo-resumed      why, what had been
 *   label-renamed     label, to, actor              of the repository, not of one issue
 */
#ifndef YM_FORGE_FORGE_H
#define YM_FORGE_FORGE_H

#include "base/clock.h"
#include "base/strvec.h"
#include "store/ledger.h"

#define FORGE_CANDIDATES "yardmaster/queue/" /* branches of candidates; ours alone */
#define FORGE_HEAD_UNKNOWN                                                                         \
	"unknown" /* in an event: the actor cannot have seen the head that is known now */
#define FORGE_DRAFT_SAYS "yardmaster opened it" /* … and in the body of a draft PR of one */

enum forge_level { FORGE_NONE, FORGE_READ, FORGE_WRITE, FORGE_MAINTAIN };

struct github;

/*
 * What the forge's own rules of the base branch want before a PR lands. Whoever may bypass them keeps them all the
 * same: they are asked for here, and of one that cannot be judged here nothing is passed over (github_rule.h).
 */
struct forge_rules {
	int64_t approvals;
	bool code_owners;         /* an approval by an owner of what is changed (CODEOWNERS) */
	bool last_push;           /* one by somebody else than who pushed last */
	bool conversations;       /* every thread of a review is resolved */
	bool reviewers;           /* one by teams that the rules name for some files */
	struct strvec no_methods; /* by which nothing may land: "merge", "squash", "rebase" */
	char *held; /* a rule because of which nothing lands at all: which, why, and what to do; NULL: none */
	char *unknown; /* not read yet, and why; nothing above says anything. NULL: known */
	char *unread; /* the latest look failed: why; the above is of the look before. NULL: it did not */
};
void forge_rules_release(struct forge_rules *r);

struct forge {
	const struct forge_ops *ops;
	struct db *db;
	struct clock *clock;
	struct github *github; /* of the backend of that name; NULL when none is configured */
};

/* Carries out one effect; `effect` is its id. FORGE_DONE: *ret_result is filled. FORGE_LATER: the
 * result comes through the backend's done function, in a later turn. */
enum { FORGE_DONE = 0, FORGE_LATER = 1 };
typedef int (*forge_act_fn)(struct forge *f, int64_t effect, const char *kind,
			    const json_t *payload, json_t **ret_result, struct err *err);

struct forge_ops {
	const char *name;
	/* Acts over a network: only after the commit of the effect. Else: inside the transaction. */
	bool remote;
	forge_act_fn act;
	/* FORGE_LATER: it has to be asked for (anew), and *ret is what was known last; the result of a
	 * "forge-level" effect wakes whoever waits. */
	int (*permission)(struct forge *f, int64_t repo, const char *user, enum forge_level *ret,
			  struct err *err);
	/* Is a user in a team ("org/slug")? *ret 1, 0, or -1: the forge did not say, and *ret_why (caller
	 * frees). FORGE_LATER as above, by a "forge-member" effect; nothing known yet is -1. NULL: it has
	 * no teams. */
	int (*member)(struct forge *f, const char *team, const char *user, int *ret, char **ret_why,
		      struct err *err);
	/*
	 * The net role's request (git/net.h, without a credential) that sets a branch (or "refs/…", a
	 * whole name) on the forge, in this repository or its fork OWNER/NAME: under the lease `old`
	 * (NULL: there is none yet), with `forward` only to a descendant; `new` NULL deletes. NULL:
	 * heads and bases are those of the repository here.
	 */
	int (*push)(struct forge *f, const struct repo *r, const char *fork, const char *branch,
		    const char *new, const char *old, bool forward, json_t **ret, struct err *err);
	/* The one that reads the base branch. */
	int (*fetch)(struct forge *f, const struct repo *r, json_t **ret, struct err *err);
	/* The result of an effect that the backend wanted for itself: the event's payload. */
	int (*did)(struct forge *f, const char *kind, const json_t *p, struct err *err);
	/* Does the landing move the PR's head first (GitHub with rebase or squash)? */
	bool moves_head;
	/* Does it show what we are doing on a checks tab? */
	bool checks_tab;
	/* Are there required checks of the forge's own to wait for? */
	bool has_checks;
	/* 1: nothing is to be begun or landed in this repository before a person has mended what *ret_why
	 * (may be NULL; caller frees) says. 0: all goes on. NULL: nothing of that kind can happen. */
	int (*paused)(struct forge *f, const struct repo *r, char **ret_why, struct err *err);
	/* With has_checks: the names (as "forge-checks" takes them) of those that the forge itself wants on
	 * the base branch. 1: these are all; 0: it has not been found out yet. Appends. */
	int (*required)(struct forge *f, const struct repo *r, struct strvec *ret, struct err *err);
	/* NULL: it has no rules for reviews. *ret must be zero. */
	int (*rules)(struct forge *f, const struct repo *r, struct forge_rules *ret,
		     struct err *err);
	/* What to do when the forge has refused a push with these words; NULL: there is no advice, or the forge has
	 * none to give. */
	const char *(*advice)(const char *refusal);
};

/* Every path that an answer of the git role's "changed" touches, as a list: of a renamed file both, for who owns
 * the old one has lost it. */
json_t *forge_changed_paths(const json_t *answer);

extern const struct forge_ops forge_local;
extern const struct forge_ops forge_github;

/* NULL when there is no backend of that name. */
const struct forge_ops *forge_find(const char *name);
const char *forge_level_name(enum forge_level l); /* "read", "write", "maintain", "none" */
int forge_level_parse(const char *name, enum forge_level *ret, struct err *err);

#endif
