/* plan_text.c - the planner's words, for the ledger and for people. */
#include "base/buf.h"
#include "base/mem.h"
#include "queue/plan.h"

static const char *const act_names[] = {
	[PLAN_BUILD] = "build", [PLAN_TEST] = "test",     [PLAN_TEST_BASE] = "test-base",
	[PLAN_LAND] = "land",   [PLAN_SETTLE] = "settle", [PLAN_DISCARD] = "discard",
	[PLAN_EJECT] = "eject", [PLAN_WAIT] = "wait",
};

static const char *const cand_names[] = {
	[PLAN_CAND_NONE] = "none",         [PLAN_CAND_BUILDING] = "building",
	[PLAN_CAND_BUILT] = "built",       [PLAN_CAND_CONFLICT] = "conflict",
	[PLAN_CAND_TESTING] = "testing",   [PLAN_CAND_GREEN] = "green",
	[PLAN_CAND_RED] = "red",           [PLAN_CAND_ERRORED] = "errored",
	[PLAN_CAND_LANDING] = "landing",   [PLAN_CAND_DOUBT] = "doubt",
	[PLAN_CAND_CHECKING] = "checking",
};

/* One row a reason: its name, and what it says after each kind of action. "#N" stands for the
 * action's PR, "#C" for its cycle; NULL where the planner never gives the reason. */
struct reason {
	const char *name;
	const char *wait, *discard, *eject, *start;
};

static const struct reason reasons[PLAN_R_COUNT] = {
	[PLAN_R_NONE] = {.name = "none"},
	[PLAN_R_NEXT] = {.name = "next", .start = "it is its turn"},
	[PLAN_R_FLAKE] = {.name = "flake", .start = "once more after a red run"},
	[PLAN_R_RETRY] = {.name = "retry", .start = "again after an infrastructure failure"},
	[PLAN_R_STALE_BASE] = {.name = "stale-base", .discard = "the base branch has moved"},
	[PLAN_R_STALE_HEAD] = {.name = "stale-head",
			       .discard = "its head is not the one that was tested"},
	[PLAN_R_CONFLICT] = {.name = "conflict", .eject = "it conflicts with the base branch"},
	[PLAN_R_RED] = {.name = "red",
			.eject = "its checks fail, and those of the base branch alone do not"},
	[PLAN_R_ERRORS] = {.name = "errors",
			   .eject = "its checks could not be run to an end, and the retries are "
				    "spent"},
	[PLAN_R_CYCLE] = {.name = "cycle", .eject = "it depends on itself: #C"},
	[PLAN_R_DEP_CLOSED] = {.name = "dep-closed",
			       .eject = "it depends on #N, which was closed without being merged"},
	[PLAN_R_DEP_MISSING] = {.name = "dep-missing",
				.eject = "it depends on #N, which does not exist"},
	[PLAN_R_DEP_EJECTED] = {.name = "dep-ejected",
				.eject = "it depends on #N, which leaves the queue"},
	[PLAN_R_AHEAD] = {.name = "ahead", .wait = "waits behind #N", .discard = "#N has the turn"},
	[PLAN_R_DEP_OPEN] = {.name = "dep-open",
			     .wait = "waits for #N to be merged",
			     .discard = "it depends on #N now, which is not merged"},
	[PLAN_R_UNKNOWN] = {.name = "unknown",
			    .wait = "waits: what it depends on is not known yet",
			    .discard = "what it depends on is not known any more"},
	[PLAN_R_NOT_APPROVED] = {.name = "not-approved",
				 .wait = "waits for its head to be approved",
				 .discard = "its approval is gone"},
	[PLAN_R_HELD] = {.name = "held", .wait = "is held", .discard = "it is held"},
	[PLAN_R_FROZEN] = {.name = "frozen",
			   .wait = "is tested and waits for the end of the freeze"},
	[PLAN_R_HALTED] = {.name = "halted", .wait = "waits: everything is halted"},
	[PLAN_R_BASE_RED] = {.name = "base-red",
			     .wait = "waits: its checks fail, and so do those of the base branch "
				     "alone, so nobody is blamed until the base moves"},
	[PLAN_R_BUSY] = {.name = "busy", .wait = "is being built, tested or landed"},
	[PLAN_R_CHECKS] = {.name = "checks",
			   .wait = "is built and waits for the forge's checks of it"},
	[PLAN_R_BLAME] = {.name = "blame",
			  .wait = "its checks fail; waits for those of the base branch alone",
			  .start = "an entry is red, and the base decides who is to blame"},
	[PLAN_R_BASE_ERRORS] = {.name = "base-errors",
				.wait = "waits: its checks fail, and those of the base branch "
					"alone could not be run to an end, so nobody is blamed "
					"until the base moves"},
};

/* What is said when an action has no reason of its own. */
static const char *const act_texts[] = {
	[PLAN_BUILD] = "is being built",
	[PLAN_TEST] = "is being tested",
	[PLAN_TEST_BASE] = "the base branch is being tested",
	[PLAN_LAND] = "is being landed",
	[PLAN_SETTLE] = "may have landed; the base branch is being asked",
	[PLAN_DISCARD] = "is built anew",
	[PLAN_EJECT] = "leaves the queue",
	[PLAN_WAIT] = "waits",
};

const char *plan_act_name(enum plan_act a)
{
	return (size_t)a < ARRAY_LEN(act_names) ? act_names[a] : "unknown";
}

const char *plan_cand_name(enum plan_cand c)
{
	return (size_t)c < ARRAY_LEN(cand_names) ? cand_names[c] : "unknown";
}

enum plan_cand plan_cand_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(cand_names); i++)
		if (!strcmp(cand_names[i], name))
			return (enum plan_cand)i;
	return PLAN_CAND_NONE;
}

const char *plan_reason_name(enum plan_reason r)
{
	return (size_t)r < PLAN_R_COUNT ? reasons[r].name : "unknown";
}

static const char *text_of(const struct plan_action *a)
{
	const struct reason *r = &reasons[a->reason < PLAN_R_COUNT ? a->reason : PLAN_R_NONE];

	switch (a->act) {
	case PLAN_WAIT:
		return r->wait;
	case PLAN_DISCARD:
		return r->discard;
	case PLAN_EJECT:
		return r->eject;
	default:
		return r->start;
	}
}

static void add_cycle(struct buf *b, const struct plan_action *a)
{
	for (size_t i = 0; i < a->ncycle; i++)
		buf_addf(b, "%s#%lld", i ? " needs " : "", (long long)a->cycle[i]);
}

static void add_reason(struct buf *b, const struct plan_action *a, const char *s)
{
	for (const char *mark; (mark = strchr(s, '#')); s = mark + 2) {
		buf_add(b, s, (size_t)(mark - s));
		if (mark[1] == 'C')
			add_cycle(b, a);
		else
			buf_addf(b, "#%lld", (long long)a->pr);
	}
	buf_adds(b, s);
}

char *plan_reason_text(const struct plan_action *a)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	const char *reason = text_of(a);

	if (a->act != PLAN_WAIT || !reason)
		buf_adds(&b, (size_t)a->act < ARRAY_LEN(act_texts) ? act_texts[a->act] : "waits");
	if (reason && b.len)
		buf_adds(&b, ": ");
	if (reason)
		add_reason(&b, a, reason);
	return buf_steal(&b);
}
