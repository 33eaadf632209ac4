/*
 * test_queue_stand.c - whatever put a PR into the queue, and whatever keeps it out, is looked at again while its gates
 * run and in the moment before it lands, on either forge: a table of all of it.
 */
#include "bot_fixture.h"

#include "base/buf.h"

#define HEAD_A "a000000000000000000000000000000000000001"
#define HEAD_B "b000000000000000000000000000000000000002"
#define CAND   "c000000000000000000000000000000000000003"

#define BY_PERSON "queue: { approvals: 0, gates: [%s] }\n"
#define BY_AUTO                                                                                    \
	"queue: { approvals: 0, gates: [%s] }\nbots: ['yes[bot]']\n"                               \
	"auto-queue: { label: automerge, authors: [dora, 'yes[bot]'] }\n"

/* ---- what happens ---- */

static bool on_github(struct fx *f)
{
	return strcmp(f->repo.forge, "local") != 0;
}

static void permit(struct fx *f, const char *who, enum forge_level level)
{
	if (on_github(f))
		assert_int_equal(db_run(f->bot.db, ST_GITHUB_LEVEL_SET, NULL, "isii", f->repo.id,
					who, (int64_t)level, fx_now),
				 1);
	else
		fx_permit(f, who, level);
}

static void anna_may_not_write(struct fx *f)
{
	permit(f, "anna", FORGE_READ);
}

static void the_label_is_taken_off(struct fx *f)
{
	assert_int_equal(
		db_run(f->bot.db, ST_LABEL_CLEAR, NULL, "iis", f->repo.id, (int64_t)1, "automerge"),
		1);
}

static void auto_queue_is_taken_out(struct fx *f)
{
	fx_config(f, "queue: { approvals: 0 }\n");
}

static void other_authors_are_named(struct fx *f)
{
	fx_config(f,
		  "queue: { approvals: 0 }\nauto-queue: { label: automerge, authors: [carol] }\n");
}

static void more_approvals_are_wanted(struct fx *f)
{
	fx_config(f, "queue: { approvals: 0 }\nauto-queue: { label: automerge, approvals: 2 }\n");
}

static void change(struct fx *f, void (*how)(struct pr *p))
{
	cleanup(pr_release) struct pr p = fx_pr(f, 1);

	how(&p);
	assert_int_equal(pr_save(f->bot.db, &p, NULL), 0);
}

static void hold_it(struct pr *p)
{
	p->held = 1;
	row_set(&p->held_by, "carol");
}

static void draft_it(struct pr *p)
{
	p->draft = 1;
}

static void rebase_it(struct pr *p)
{
	row_set(&p->base, "other");
}

static void close_it(struct pr *p)
{
	row_set(&p->state, "closed");
}

static void push_it(struct pr *p)
{
	row_set(&p->head, HEAD_B);
}

static void forget_it(struct pr *p)
{
	row_set(&p->known_head, NULL);
}

static void want_changes(struct pr *p)
{
	row_set(&p->verdict, "{\"head\":\"" HEAD_A "\",\"decision\":\"changes-requested\","
			     "\"by\":[\"carol\"],\"unresolved\":0}");
}

static void it_is_held(struct fx *f)
{
	change(f, hold_it);
}
static void it_becomes_a_draft(struct fx *f)
{
	change(f, draft_it);
}
static void its_base_is_changed(struct fx *f)
{
	change(f, rebase_it);
}
static void it_is_closed(struct fx *f)
{
	change(f, close_it);
}
static void it_is_pushed(struct fx *f)
{
	change(f, push_it);
}
static void its_dependencies_are_read_again(struct fx *f)
{
	change(f, forget_it);
}
static void changes_are_requested(struct fx *f)
{
	change(f, want_changes);
}

static void a_label_holds_it(struct fx *f)
{
	assert_int_equal(db_run(f->bot.db, ST_LABEL_SET, NULL, "iissi", f->repo.id, (int64_t)1,
				"do-not-merge", "carol", fx_now),
			 1);
}

static void it_depends_on_another(struct fx *f)
{
	fx_push(f, 2, HEAD_B, NULL);
	assert_int_equal(db_run(f->bot.db, ST_DEPENDENCY_ADD, NULL, "iiisi", f->repo.id, (int64_t)1,
				(int64_t)2, "command", fx_now),
			 1);
}

static void more_approvals_are_needed(struct fx *f)
{
	fx_config(f, "queue: { approvals: 2 }\n");
}

/* ---- the table ---- */

enum { PERSON = 1, AUTO = 2, GITHUB = 4 };

static const struct row {
	const char *name;
	void (*happens)(struct fx *f);
	int of;            /* who queued it: either without AUTO or PERSON; GITHUB: only there */
	const char *state; /* of the entry, afterwards */
	const char *said;  /* a part of what it waits for, or of the reason */
	const char *off;   /* why a landing was called off, where that is another word */
} rows[] = {
	{"permission", anna_may_not_write, PERSON, "queued",
	 "anna, who queued it, may not do that any more", NULL},
	{"label", the_label_is_taken_off, AUTO, "withdrawn",
	 "the label `automerge` is not on it any more", "is not on it any more"},
	{"section", auto_queue_is_taken_out, AUTO, "withdrawn", "has no `auto-queue` any more",
	 NULL},
	{"authors", other_authors_are_named, AUTO, "withdrawn", "does not name its author, dora",
	 NULL},
	{"approvals", more_approvals_are_wanted, AUTO, "withdrawn", "1 of the 2 approvals", NULL},
	{"approver", anna_may_not_write, AUTO, "withdrawn", "0 of the 1 approvals",
	 "it has 0 of the 1"},
	{"queue.approvals", more_approvals_are_needed, PERSON, "queued", "1 of 2 approvals", NULL},
	{"hold", it_is_held, 0, "queued", "is held by carol", "it is held"},
	{"draft", it_becomes_a_draft, 0, "queued", "is a draft", "it is held"},
	{"hold label", a_label_holds_it, 0, "queued", "by the label do-not-merge, set by carol",
	 NULL},
	{"changes", changes_are_requested, GITHUB, "queued", "carol, who requested changes", NULL},
	{"base", its_base_is_changed, PERSON, "ejected", "its base is `other`",
	 "its base is `other` now"},
	{"closed", it_is_closed, 0, "dequeued", "the PR is not open any more",
	 "the PR is not open any more"},
	{"push", it_is_pushed, 0, "dequeued", "a push came after the approval",
	 "a push came after the approval"},
	{"dependency", it_depends_on_another, 0, "queued", "#2",
	 "it depends on #2, which is not merged"},
	{"unknown", its_dependencies_are_read_again, 0, "queued", "what it depends on is not known",
	 "what it depends on is not known"},
};

/* dora's PR, approved by anna and queued by her or by its label, built; its gate begins, or its verification. */
static void up_to(struct fx *f, bool automatic, bool verifying)
{
	autofree char *conf = automatic ? xasprintf(BY_AUTO, verifying ? "" : "make")
					: xasprintf(BY_PERSON, verifying ? "" : "make");

	permit(f, "anna", FORGE_WRITE);
	fx_config(f, conf);
	fx_push(f, 1, HEAD_A, NULL);
	fx_learnt(f);
	fx_approve(f, 1);
	if (automatic)
		assert_int_equal(db_run(f->bot.db, ST_LABEL_SET, NULL, "iissi", f->repo.id,
					(int64_t)1, "automerge", "anna", fx_now),
				 1);
	else
		fx_enqueue(f, 1);
	fx_turn(f);
	fx_built(f, CAND);
	assert_int_not_equal(fx_due(f, verifying ? "cand-verify" : "cand-checkout", NULL), 0);
}

static void assert_not_landing(struct fx *f, const char *what)
{
	static const char *const kinds[] = {"cand-land", "cand-push", "cand-head-push",
					    "forge-pr-retarget", "cand-verify"};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (fx_due(f, kinds[i], NULL))
			fail_msg("%s: %s", what, kinds[i]);
}

/* Why the latest landing was called off, by the audit. */
static void assert_called_off(struct fx *f, const char *what, const char *reason)
{
	sqlite3_stmt *st;
	bool found = false;

	assert_int_equal(db_query(f->bot.db, ST_AUDIT_LAST, &st, NULL, "i", (int64_t)100), 0);
	while (!found && db_step(f->bot.db, st, NULL) > 0) {
		const char *action = (const char *)sqlite3_column_text(st, 3);
		const char *detail = (const char *)sqlite3_column_text(st, 5);

		found = !strcmp(action, "landing") && strstr(detail, "called-off") &&
			strstr(detail, reason);
	}
	db_done(st);
	if (!found)
		fail_msg("%s: the audit has no landing that was called off: %s", what, reason);
}

static void try(const struct row *r, bool github, bool automatic, bool verifying)
{
	cleanup(queue_entry_release) struct queue_entry e = {0};
	autofree char *what =
		xasprintf("%s, %s, queued by %s, while %s", r->name, github ? "GitHub" : "local",
			  automatic ? "auto-queue" : "anna", verifying ? "verifying" : "testing");
	void *own;
	struct fx *f;
	const char *said;

	assert_int_equal(fx_setup(&own), 0);
	f = own;
	if (github)
		fx_on_github(f);
	up_to(f, automatic, verifying);
	r->happens(f);
	fx_turn(f);
	if (verifying)
		fx_verified(f);
	assert_not_landing(f, what);
	if (verifying && r->off)
		assert_called_off(f, what, r->off);
	assert_int_equal(queue_entry_find(f->bot.db, ST_QUEUE_LAST_OF_PR, &e, NULL, "ii",
					  f->repo.id, (int64_t)1),
			 1);
	said = e.waits ? e.waits : e.reason;
	if (strcmp(e.state, r->state) != 0 || !strstr(said ? said : "", r->said))
		fail_msg("%s: found %s, '%s'; expected %s, '%s'", what, e.state, said ? said : "",
			 r->state, r->said);
	if (e.candidate)
		fail_msg("%s: its candidate is alive", what);
	fx_teardown(&own);
}

static void everything_is_looked_at_again(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (int k = 0; k < 8; k++) {
			bool github = k & 1, automatic = k & 2, verifying = k & 4;

			if ((rows[i].of & GITHUB && !github) ||
			    (rows[i].of & PERSON && automatic) || (rows[i].of & AUTO && !automatic))
				continue;
			try(&rows[i], github, automatic, verifying);
		}
}

/* ---- and back ---- */

static void what_was_withdrawn_comes_back(void **state)
{
	struct fx *f = *state;

	up_to(f, true, false);
	the_label_is_taken_off(f);
	fx_turn(f);
	assert_entry(f, 1, "withdrawn");
	assert_int_equal(local_label_add(&f->forge, &f->repo, "anna", 1, "automerge", NULL), 1);
	fx_turn(f);
	assert_entry(f, 1, "queued");
	assert_int_not_equal(fx_due(f, "cand-build", NULL), 0);
}

/* The latest person's word counts: without the label, and without the permission of the one before. */
static void a_person_who_may_keeps_it_in(void **state)
{
	struct fx *f = *state;

	up_to(f, true, false);
	fx_permit(f, "berta", FORGE_WRITE);
	assert_int_equal(queue_enqueue(&f->bot, &f->repo, 1, HEAD_A, "berta", NULL, NULL), 0);
	the_label_is_taken_off(f);
	fx_turn(f);
	assert_entry(f, 1, "queued");
	assert_int_not_equal(fx_due(f, "cand-checkout", NULL), 0);
}

/* A level that was asked for too long ago is asked for again; what is not known at all keeps the PR back. */
static void what_github_has_not_said_is_waited_for(void **state)
{
	struct fx *f = *state;
	cleanup(conf_repo_release) struct conf_repo conf = {0};
	cleanup(pr_release) struct pr p = {0};
	struct queue_entry e = {.by = (char *)"anna", .pr = 1};
	enum queue_stand stand;
	autofree char *why = NULL, *none = NULL;

	fx_on_github(f);
	conf_repo_default(&conf);
	assert_int_equal(queue_stands(&f->bot, &f->repo, &conf, &e, &p, &stand, &why, NULL), 0);
	assert_int_equal(stand, QUEUE_WAITS);
	assert_string_equal(why,
			    "waits for the forge to say whether anna, who queued it, still may");
	assert_int_not_equal(fx_due(f, "forge-level", NULL), 0);
	permit(f, "anna", FORGE_WRITE);
	assert_int_equal(queue_stands(&f->bot, &f->repo, &conf, &e, &p, &stand, &none, NULL), 0);
	assert_int_equal(stand, QUEUE_STANDS);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, fx_setup, fx_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_looked_at_again),
		TEST(what_was_withdrawn_comes_back),
		TEST(a_person_who_may_keeps_it_in),
		TEST(what_github_has_not_said_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
