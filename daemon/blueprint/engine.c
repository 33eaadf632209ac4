/*
 * engine.c - see engine.h. The machine is the table `edges` at the end: for a phase and an event the
 * function that decides, and the phases that it may lead to; each move is checked against that.
 * What is not in the table is an event that makes no sense there.
 */
#include "blueprint/engine.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "blueprint/engine_move.h"

/* --- set-up and run ------------------------------------------------------------------------------ */

static void start(struct move *m)
{
	if (m->bp->setup.n)
		move_go(m, BP_PH_SETUP, 0);
	else
		move_enter(m, 0);
}

static void setup_ok(struct move *m)
{
	move_enter(m, 0);
}

static void setup_red(struct move *m)
{
	move_fail(
		m, BP_PH_SETUP,
		xstrdup("The set-up of the environment failed. Once it is repaired, `/yard retry` "
			"runs it again."));
}

static void run_ok(struct move *m)
{
	if ((size_t)m->p->index + 1 < m->bp->steps[m->p->step].commands.n)
		move_go(m, BP_PH_RUN, m->p->index + 1);
	else
		move_go(m, BP_PH_COMMIT, 0);
}

static void run_red(struct move *m)
{
	autofree char *what = xasprintf("The command `%.200s` failed",
					m->bp->steps[m->p->step].commands.v[m->p->index]);

	move_failed_round(m, what);
}

/* --- the agent ---------------------------------------------------------------------------------- */

static void ask(struct move *m, const char *what)
{
	autofree char *text = move_tail(m);

	move_go(m, BP_PH_ASK, 0);
	m->a->reason = xasprintf("%s%s%s\n\nAnswer with `/yard say <text>`.", what,
				 text ? ":\n\n" : ".", text ? text : "");
}

/* What is missing for "done", as a clause; NULL when nothing is. Caller frees. */
static char *not_done(const struct bp_event *ev)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	if (!ev->exit_zero)
		buf_adds(&b, "the agent did not end with success");
	if (ev->status == BP_ST_NONE)
		buf_addf(&b,
			 "%sthe end block (STATUS, EXIT_SIGNAL, SUMMARY) is missing or malformed",
			 b.len ? ", and " : "");
	else if (ev->status == BP_ST_COMPLETE && !ev->exit_signal)
		buf_addf(&b, "%sEXIT_SIGNAL is not true, so the work is not finished",
			 b.len ? ", and " : "");
	return b.len ? buf_steal(&b) : NULL;
}

static void agent_ended(struct move *m)
{
	const struct bp_event *ev = m->ev;
	autofree char *missing = not_done(ev), *what = NULL;

	if (ev->status == BP_ST_QUESTION) {
		ask(m, "The agent asks");
	} else if (ev->status == BP_ST_BLOCKED) {
		ask(m, "The agent cannot go on");
	} else if (missing) {
		what = xasprintf("The round does not count as done: %s", missing);
		move_failed_round(m, what);
	} else if (ev->status == BP_ST_NO_CHANGE && m->p->in_ci) {
		ask(m, "The agent sees nothing to change");
	} else {
		m->p->no_change = ev->status == BP_ST_NO_CHANGE;
		move_go(m, BP_PH_COMMIT, 0);
	}
}

static void agent_limit(struct move *m)
{
	/* The text's first line says which one. */
	const char *text = m->ev->text ? m->ev->text : "";
	int n = (int)text_cut(text, strcspn(text, "\n"), 300);
	autofree char *what = n ? xasprintf("The agent was ended by a limit: %.*s", n, text)
				: xstrdup("The agent was ended by a limit");

	move_failed_round(m, what);
}

/* --- the commit ---------------------------------------------------------------------------------- */

static void set_tree(char *to, const char *tree)
{
	snprintf(to, BP_TREE_MAX, "%s", tree ? tree : "");
}

static bool at_agent(const struct move *m)
{
	return m->bp->steps[m->p->step].kind == BP_AGENT;
}

static void agent_committed(struct move *m)
{
	struct bp_pos *p = m->p;
	bool same = !strcmp(p->head, m->ev->tree);

	set_tree(p->head, m->ev->tree);
	if (p->no_change) {
		move_failed_round(m,
				  "STATUS says NO_CHANGE, but files differ from the base branch; "
				  "undo them or say COMPLETE");
	} else if (p->in_ci && same) {
		move_failed_round(m, "No file was changed in this round");
	} else if (m->bp->steps[p->step].gates.n) {
		move_go(m, BP_PH_GATE, 0);
	} else {
		set_tree(p->gated, p->head);
		move_next_step(m);
	}
}

static void committed(struct move *m)
{
	if (move_is_blank(m->ev->tree)) {
		move_fail(m, BP_PH_COMMIT, xstrdup("The commit was reported without its tree."));
	} else if (at_agent(m)) {
		agent_committed(m);
	} else {
		set_tree(m->p->head, m->ev->tree);
		move_next_step(m);
	}
}

static void unchanged(struct move *m)
{
	struct bp_pos *p = m->p;

	p->head[0] = '\0';
	if (!at_agent(m)) {
		move_next_step(m);
	} else if (p->no_change) {
		char *why = move_tail(m);

		move_end(m, BP_DO_NO_CHANGE,
			 why ? why : xstrdup("The agent found that nothing has to be changed."));
	} else {
		move_failed_round(m,
				  "STATUS says COMPLETE, but no file differs from the base branch");
	}
}

static void refused(struct move *m)
{
	move_failed_round(m, "The change was refused and nothing of it was taken");
}

/* --- gates --------------------------------------------------------------------------------------- */

static void gate_ok(struct move *m)
{
	struct bp_pos *p = m->p;

	if ((size_t)p->index + 1 < m->bp->steps[p->step].gates.n) {
		move_go(m, BP_PH_GATE, p->index + 1);
		return;
	}
	set_tree(p->gated, p->head);
	p->signature[0] = p->tree[0] = '\0';
	move_next_step(m);
}

/* The same gate said the same about the same files; remembers this failure otherwise. */
static bool seen_before(struct move *m, const char *gate)
{
	struct bp_pos *p = m->p;
	autofree char *text = xasprintf("%s\n%s", gate, m->ev->text ? m->ev->text : "");
	char signature[65];
	bool same;

	bp_signature(text, signature);
	same = !strcmp(signature, p->signature) && !strcmp(p->head, p->tree);
	memcpy(p->signature, signature, sizeof(signature));
	set_tree(p->tree, p->head);
	return same;
}

static void gate_red(struct move *m)
{
	struct bp_pos *p = m->p;
	const char *gate = m->bp->steps[p->step].gates.v[p->index];
	autofree char *what = xasprintf("The gate `%.200s` is red", gate);

	if (seen_before(m, gate))
		move_fail(m, BP_PH_AGENT,
			  xasprintf("%s for the second time in the same way, and no file was "
				    "changed in between.",
				    what));
	else
		move_failed_round(m, what);
}

/* --- after the work ------------------------------------------------------------------------------ */

static void pr_ok(struct move *m)
{
	m->p->pr_open = true;
	m->p->in_ci = false;
	move_next_step(m);
}

static void pr_red(struct move *m)
{
	move_fail(m, BP_PH_PR,
		  xasprintf("The forge refused the %s. `/yard retry` tries again.",
			    m->p->pr_open ? "new head of the pull request" : "pull request"));
}

/* From outside, after the PR was opened: costs a CI round. */
static void ci_round(struct move *m, const char *what)
{
	m->p->in_ci = true;
	move_failed_round(m, what);
}

static void checks_red(struct move *m)
{
	ci_round(m, "The required checks are red");
}

static void checks_limit(struct move *m)
{
	move_fail(m, BP_PH_CHECKS,
		  xstrdup("The required checks did not end in time. `/yard retry` waits again."));
}

static void changes(struct move *m)
{
	ci_round(m, "A reviewer asks for changes");
}

static void ejected(struct move *m)
{
	ci_round(m, "The pull request was taken out of the merge queue");
}

/* Back to the review before the queue; without one the queue step itself asks for an approval. */
static void dequeued(struct move *m)
{
	struct bp_pos *p = m->p;

	for (int64_t i = p->step; i >= 0; i--)
		if (m->bp->steps[i].kind == BP_REVIEW && m->bp->steps[i].approvals) {
			p->step = i;
			break;
		}
	move_go(m, BP_PH_REVIEW, 0);
}

static void approved(struct move *m)
{
	if (m->bp->steps[m->p->step].kind == BP_QUEUE)
		move_go(m, BP_PH_QUEUE, 0);
	else
		move_next_step(m);
}

/* --- people -------------------------------------------------------------------------------------- */

static void merged(struct move *m)
{
	if (m->p->pr_open)
		move_end(m, BP_DO_DONE, move_tail(m));
}

static void pr_closed(struct move *m)
{
	if (m->p->pr_open)
		move_end(m, BP_DO_CANCELLED, xstrdup("The pull request was closed."));
}

static void cancel(struct move *m)
{
	autofree char *why = move_tail(m);

	move_end(m, BP_DO_CANCELLED, why ? steal(&why) : xstrdup("Cancelled."));
}

static void say(struct move *m)
{
	autofree char *text = move_tail(m);
	struct bp_pos *p = m->p;

	if (!text || move_agent_step(m->bp, p->step) < 0)
		return;
	if (p->phase == BP_PH_END && p->from == BP_PH_SETUP)
		return;
	move_asked_round(m, xasprintf("A person says:\n\n%s\n", text));
}

static bool fits(const struct blueprint *bp, const struct bp_pos *p);

/* What failed by infrastructure, in the set-up or at the forge is done again; the rest is a round. */
static void retry(struct move *m)
{
	struct bp_pos *p = m->p, again = *p;

	p->extra += m->ev->count < 1 ? 1 : m->ev->count > 10 ? 10 : m->ev->count;
	again.phase = p->from;
	if (p->phase == BP_PH_END && p->from == BP_PH_SETUP) {
		p->failed = false;
		move_go(m, BP_PH_SETUP, 0);
	} else if (p->phase == BP_PH_END && p->from != BP_PH_AGENT && fits(m->bp, &again)) {
		p->failed = false;
		move_go(m, p->from, p->index);
	} else if (move_agent_step(m->bp, p->step) >= 0) {
		move_asked_round(m, NULL);
	} else {
		p->failed = false;
		move_enter(m, 0);
	}
}

/* --- the machine --------------------------------------------------------------------------------- */

#define ANY   -1
#define TO(p) (1u << BP_PH_##p)
/* Where the next step may begin; GATE once more in front of a PR. */
#define ONWARD                                                                                     \
	(TO(RUN) | TO(AGENT) | TO(GATE) | TO(PR) | TO(CHECKS) | TO(REVIEW) | TO(QUEUE) | TO(END))
#define ROUND (TO(AGENT) | TO(END)) /* one more, or a person */

static const struct edge {
	int phase; /* or ANY but END; the first row that matches counts */
	enum bp_ev ev;
	void (*decide)(struct move *m);
	unsigned to;
} edges[] = {
	{BP_PH_SETUP, BP_EV_OK, setup_ok, ONWARD},
	{BP_PH_SETUP, BP_EV_RED, setup_red, TO(END)},
	{BP_PH_SETUP, BP_EV_LIMIT, setup_red, TO(END)},
	{BP_PH_SETUP, BP_EV_INFRA, move_infra, TO(SETUP) | TO(END)},

	{BP_PH_AGENT, BP_EV_AGENT, agent_ended, TO(COMMIT) | TO(ASK) | ROUND},
	{BP_PH_AGENT, BP_EV_LIMIT, agent_limit, ROUND},
	{BP_PH_AGENT, BP_EV_INFRA, move_infra, ROUND},

	{BP_PH_COMMIT, BP_EV_COMMITTED, committed, ONWARD},
	{BP_PH_COMMIT, BP_EV_UNCHANGED, unchanged, ONWARD},
	{BP_PH_COMMIT, BP_EV_REFUSED, refused, ROUND},
	{BP_PH_COMMIT, BP_EV_INFRA, move_infra, TO(COMMIT) | TO(END)},

	{BP_PH_GATE, BP_EV_OK, gate_ok, ONWARD},
	{BP_PH_GATE, BP_EV_RED, gate_red, ROUND},
	{BP_PH_GATE, BP_EV_LIMIT, gate_red, ROUND},
	{BP_PH_GATE, BP_EV_INFRA, move_infra, TO(GATE) | TO(END)},

	{BP_PH_RUN, BP_EV_OK, run_ok, TO(RUN) | TO(COMMIT)},
	{BP_PH_RUN, BP_EV_RED, run_red, ROUND},
	{BP_PH_RUN, BP_EV_LIMIT, run_red, ROUND},
	{BP_PH_RUN, BP_EV_INFRA, move_infra, TO(RUN) | TO(END)},

	{BP_PH_PR, BP_EV_OK, pr_ok, ONWARD},
	{BP_PH_PR, BP_EV_RED, pr_red, TO(END)},
	{BP_PH_PR, BP_EV_INFRA, move_infra, TO(PR) | TO(END)},

	{BP_PH_CHECKS, BP_EV_GREEN, move_next_step, ONWARD},
	{BP_PH_CHECKS, BP_EV_RED, checks_red, ROUND},
	{BP_PH_CHECKS, BP_EV_LIMIT, checks_limit, TO(END)},
	{BP_PH_CHECKS, BP_EV_CHANGES, changes, ROUND},
	{BP_PH_CHECKS, BP_EV_INFRA, move_infra, TO(CHECKS) | TO(END)},

	{BP_PH_REVIEW, BP_EV_GREEN, approved, ONWARD},
	{BP_PH_REVIEW, BP_EV_CHANGES, changes, ROUND},
	{BP_PH_REVIEW, BP_EV_RED, checks_red, ROUND},
	{BP_PH_REVIEW, BP_EV_INFRA, move_infra, TO(REVIEW) | TO(END)},

	{BP_PH_QUEUE, BP_EV_EJECTED, ejected, ROUND},
	{BP_PH_QUEUE, BP_EV_DEQUEUED, dequeued, TO(REVIEW)},
	{BP_PH_QUEUE, BP_EV_CHANGES, changes, ROUND},
	{BP_PH_QUEUE, BP_EV_RED, checks_red, ROUND},
	{BP_PH_QUEUE, BP_EV_INFRA, move_infra, TO(QUEUE) | TO(END)},

	{BP_PH_ASK, BP_EV_SAY, say, TO(ASK) | ROUND},
	{BP_PH_ASK, BP_EV_RETRY, retry, ROUND},

	{BP_PH_END, BP_EV_SAY, say, TO(END) | TO(AGENT)},
	{BP_PH_END, BP_EV_RETRY, retry, ~0u},

	{ANY, BP_EV_MERGED, merged, ~0u},
	{ANY, BP_EV_PR_CLOSED, pr_closed, ~0u},
	{ANY, BP_EV_CANCEL, cancel, TO(END)},
};

static const struct edge *edge_find(enum bp_phase phase, enum bp_ev ev)
{
	for (size_t i = 0; i < ARRAY_LEN(edges); i++)
		if (edges[i].ev == ev &&
		    (edges[i].phase == (int)phase || (edges[i].phase == ANY && phase != BP_PH_END)))
			return &edges[i];
	return NULL;
}

/* Does the blueprint have what the position stands at? */
static bool fits(const struct blueprint *bp, const struct bp_pos *p)
{
	static const unsigned kinds[] = {
		[BP_PH_AGENT] = 1u << BP_AGENT,
		[BP_PH_COMMIT] = 1u << BP_AGENT | 1u << BP_RUN,
		[BP_PH_GATE] = 1u << BP_AGENT,
		[BP_PH_RUN] = 1u << BP_RUN,
		[BP_PH_PR] = 1u << BP_PULL_REQUEST,
		[BP_PH_CHECKS] = 1u << BP_CHECKS,
		[BP_PH_REVIEW] = 1u << BP_REVIEW | 1u << BP_QUEUE,
		[BP_PH_QUEUE] = 1u << BP_QUEUE,
		[BP_PH_ASK] = 1u << BP_AGENT,
	};
	const struct bp_step *s;

	if (p->phase == BP_PH_SETUP || p->phase == BP_PH_END)
		return true;
	if (!move_in_range(bp, p->step) || (size_t)p->phase >= ARRAY_LEN(kinds))
		return false;
	s = &bp->steps[p->step];
	if (!(kinds[p->phase] & 1u << s->kind) || p->index < 0)
		return false;
	if (p->phase == BP_PH_GATE)
		return (size_t)p->index < s->gates.n;
	return p->phase != BP_PH_RUN || (size_t)p->index < s->commands.n;
}

/* `gates: repository` that nobody has filled would pass as "no gates". */
static bool gates_known(const struct blueprint *bp)
{
	for (size_t i = 0; i < bp->nsteps; i++)
		if (bp->steps[i].gates_repository)
			return false;
	return true;
}

static const char unknown_gates[] = "The gates of the repository's configuration are not known "
				    "here, and without them nothing is "
				    "tested. `/yard retry` tries again.";
static const char unfit[] = "The blueprint was changed in a way that this task's position does not "
			    "fit any more. Cancel "
			    "it and set the label again, or `/yard retry`.";

static void decide(struct move *m)
{
	const struct edge *e = edge_find(m->p->phase, m->ev->ev);
	bool begins = !m->p->started && m->ev->ev == BP_EV_START;
	bool over = m->p->phase == BP_PH_END && !m->p->failed;

	if (!begins && (!m->p->started || !e || over))
		return;
	m->p->started = true;
	if ((begins || e->phase != ANY) && !gates_known(m->bp)) {
		move_fail(m, BP_PH_AGENT, xstrdup(unknown_gates));
	} else if (begins) {
		start(m);
	} else if (e->phase != ANY && !fits(m->bp, m->p)) {
		move_fail(m, BP_PH_AGENT, xstrdup(unfit));
	} else {
		e->decide(m);
		if (!(e->to & 1u << m->p->phase))
			abort(); /* a decision that the table does not allow: a bug here */
	}
}

void bp_next(const struct blueprint *bp, const struct bp_pos *pos, const struct bp_event *ev,
	     struct bp_pos *ret_pos, struct bp_action *ret)
{
	struct bp_pos p = {0};
	struct bp_action a = {0};
	struct move m = {.bp = bp, .ev = ev, .p = &p, .a = &a};

	if (pos)
		p = *pos;
	decide(&m);
	if (a.act == BP_DO_NOTHING && pos)
		p = *pos;
	*ret_pos = p;
	*ret = a;
}

void bp_action_release(struct bp_action *a)
{
	if (!a)
		return;
	free(a->feedback);
	free(a->reason);
	*a = (struct bp_action){0};
}
