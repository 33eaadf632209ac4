/* test_bot_remote.c - on a forge over a network: the issue is read again before the first prompt, repositories are
 * paused, PRs are merged by people, labels are renamed. The test plays the forge. */
#include "task_fixture.h"

#include "bot/first_look.h"
#include "bot/remote.h"
#include "forge/github_job.h"

#define ASKED ((int64_t)1700000000000)
#define MOVED "d000000000000000000000000000000000000004"

static void on_github(struct fx *f)
{
	struct github_repo gr = {.repo = f->repo.id, .remote = 4711};

	row_set(&f->repo.forge, "github");
	row_set(&f->repo.name, "octo/app");
	gr.full_name = xstrdup("octo/app");
	gr.url = xstrdup("https://github.com/octo/app.git");
	gr.required = xstrdup("{\"protection\":{},\"branch\":{},\"rules\":{},\"rulesets\":{}}");
	assert_int_equal(repo_save(f->bot.db, &f->repo, NULL), 0);
	assert_int_equal(github_repo_insert(f->bot.db, &gr, NULL), 0);
	github_repo_release(&gr);
}

static void may(struct fx *f, const char *login, enum forge_level level)
{
	assert_int_equal(db_run(f->bot.db, ST_GITHUB_LEVEL_SET, NULL, "isii", f->repo.id, login,
				(int64_t)level, fx_now),
			 1);
}

static void put_issue(struct fx *f, const char *body)
{
	cleanup(issue_release) struct issue i = {.repo = f->repo.id, .number = 1};
	int rc = issue_find(f->bot.db, ST_ISSUE_BY_NUMBER, &i, NULL, "ii", f->repo.id, (int64_t)1);

	row_set(&i.title, "Fix");
	row_set(&i.body, body);
	row_set(&i.state, "open");
	row_set(&i.author, "eve");
	i.repo = f->repo.id;
	i.number = 1;
	rc = rc ? issue_save(f->bot.db, &i, NULL) : issue_insert(f->bot.db, &i, NULL);
	assert_int_equal(rc, 0);
}

static void labelled(struct fx *f)
{
	autojson json_t *p =
		json_pack("{s:I,s:i,s:s,s:s,s:I}", "repo", (json_int_t)f->repo.id, "number", 1,
			  "label", "agent:fix", "actor", "anna", "at_ms", (json_int_t)ASKED);

	assert_int_equal(db_run(f->bot.db, ST_LABEL_PUT, NULL, "iissi", f->repo.id, (int64_t)1,
				"agent:fix", "anna", ASKED),
			 1);
	assert_int_equal(event_add(f->bot.db, "label:1", "issue-labeled", p, fx_now, NULL), 1);
	fx_turn(f);
}

/* Issue 1 was labelled by anna; its task is about to give its first prompt. */
static void up_to_look(struct fx *f)
{
	prepare(f);
	on_github(f);
	may(f, "anna", FORGE_WRITE);
	put_issue(f, "it");
	labelled(f);
	fx_answer(f, "task-worktree", NULL);
	{
		autofree char *run = due_run(f);

		assert_null(run);
	}
	assert_int_not_equal(fx_due(f, "forge-look", NULL), 0);
}

static json_t *as_it_was(void)
{
	return json_pack("{s:s,s:[s,s],s:[]}", "state", "open", "labels", "bug", "Agent:fix",
			 "edits");
}

static json_t *edited(int64_t at_ms, const char *by)
{
	json_t *o = as_it_was();

	json_array_append_new(json_object_get(o, "edits"),
			      json_pack("{s:I,s:s}", "at_ms", (json_int_t)at_ms, "by", by));
	return o;
}

static void assert_state(struct fx *f, const char *state, const char *reason)
{
	cleanup(task_release) struct task t = task_now(f);

	assert_string_equal(t.state, state);
	if (reason && (!t.reason || !strstr(t.reason, reason)))
		fail_msg("found '%s', expected '%s' in it", t.reason ? t.reason : "", reason);
}

static void assert_nothing_runs(struct fx *f)
{
	autofree char *run = due_run(f);

	assert_null(run);
}

/* ---- who may? ---- */

/* On GitHub people label whose role is only triage. */
static void a_label_of_a_reader_starts_nothing(void **state)
{
	struct fx *f = *state;
	cleanup(task_release) struct task t = {0};

	prepare(f);
	on_github(f);
	may(f, "anna", FORGE_READ);
	put_issue(f, "it");
	labelled(f);
	assert_int_equal(
		task_find(f->bot.db, ST_TASK_LAST_OF_ISSUE, &t, NULL, "ii", f->repo.id, (int64_t)1),
		0);
}

static void a_label_that_a_reader_takes_off_ends_nothing(void **state)
{
	struct fx *f = *state;
	autojson json_t *p = NULL;

	up_to_look(f);
	may(f, "eve", FORGE_READ);
	p = json_pack("{s:I,s:i,s:s,s:s}", "repo", (json_int_t)f->repo.id, "number", 1, "label",
		      "agent:fix", "actor", "eve");
	assert_int_equal(event_add(f->bot.db, "unlabel:1", "issue-unlabeled", p, fx_now, NULL), 1);
	fx_turn(f);
	assert_state(f, "running", NULL);
	may(f, "eve", FORGE_WRITE);
	assert_int_equal(event_add(f->bot.db, "unlabel:2", "issue-unlabeled", p, fx_now, NULL), 1);
	fx_turn(f);
	assert_state(f, "cancelled", NULL);
}

/* ---- the look ---- */

static void unchanged_it_begins(void **state)
{
	struct fx *f = *state;
	cleanup(task_release) struct task t = {0};

	up_to_look(f);
	t = task_now(f);
	assert_int_equal(t.prompted, 0);
	fx_answer(f, "forge-look", as_it_was());
	assert_due_run(f, "t1-r1");
	task_release(&t);
	t = task_now(f);
	assert_int_equal(t.prompted, 1);
}

static void later_rounds_do_not_look(void **state)
{
	struct fx *f = *state;

	up_to_look(f);
	fx_answer(f, "forge-look", as_it_was());
	ran(f, MINUTE, "exited", 0, "", "no end block\n");
	assert_int_equal(fx_due(f, "forge-look", NULL), 0);
	assert_due_run(f, "t1-r2");
}

/* The body was another one already when it was read for the first time; only its time tells. */
static void changed_behind_the_label_it_waits(void **state)
{
	static const struct {
		int64_t at_ms;
		const char *by;
		bool begins;
	} cases[] = {
		{ASKED + 1000, "eve", false}, {ASKED + 1000, "anna", false}, {ASKED, "eve", false},
		{ASKED, "anna", true}, /* one request can label and change */
		{ASKED - 1000, "eve", true},
	};
	struct fx *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		fx_teardown(state);
		fx_setup(state);
		f = *state;
		up_to_look(f);
		fx_answer(f, "forge-look", edited(cases[i].at_ms, cases[i].by));
		if (cases[i].begins) {
			assert_due_run(f, "t1-r1");
			continue;
		}
		assert_nothing_runs(f);
		assert_state(f, "relabel", "text changed after it was labelled");
	}
}

/* The look has brought another text into the ledger. */
static void changed_and_not_told_it_waits(void **state)
{
	struct fx *f = *state;

	up_to_look(f);
	put_issue(f, "another");
	fx_answer(f, "forge-look", as_it_was());
	assert_nothing_runs(f);
	assert_state(f, "relabel", "text changed after it was labelled");
}

static void the_label_is_off(void **state)
{
	struct fx *f = *state;

	up_to_look(f);
	fx_answer(f, "forge-look",
		  json_pack("{s:s,s:[s],s:[]}", "state", "open", "labels", "bug", "edits"));
	assert_nothing_runs(f);
	assert_state(f, "relabel", "the label was taken off");
}

static void closed_it_is_cancelled(void **state)
{
	struct fx *f = *state;

	up_to_look(f);
	fx_answer(f, "forge-look",
		  json_pack("{s:s,s:[s],s:[]}", "state", "closed", "labels", "agent:fix", "edits"));
	assert_state(f, "cancelled", "the issue is closed");
}

/* Never from what was read before. */
static void unreadable_it_does_not_begin(void **state)
{
	struct fx *f = *state;

	up_to_look(f);
	for (int i = 0; i < 4; i++) {
		fx_fail(f, "forge-look", "GitHub is away");
		assert_nothing_runs(f);
	}
	assert_with_a_person(f, "could not be read again before the first prompt");
}

/* ---- the pause ---- */

static void pause_it(struct fx *f, bool on)
{
	cleanup(github_repo_release) struct github_repo gr = {0};
	autojson json_t *p = json_pack("{s:I,s:s}", "repo", (json_int_t)f->repo.id, "why",
				       "the App's installation is suspended");
	static int n;
	autofree char *key = xasprintf("pause:%d", n++);

	assert_int_equal(github_repo_find(f->bot.db, ST_GITHUB_OF, &gr, NULL, "i", f->repo.id), 1);
	row_set(&gr.pause, on ? "suspended" : NULL);
	row_set(&gr.problem, on ? "the App's installation is suspended" : NULL);
	gr.paused_ms = on ? fx_now : 0;
	assert_int_equal(github_repo_save(f->bot.db, &gr, NULL), 0);
	assert_int_equal(
		event_add(f->bot.db, key, on ? "repo-paused" : "repo-resumed", p, fx_now, NULL), 1);
	fx_turn(f);
}

static void paused_nothing_begins(void **state)
{
	struct fx *f = *state;

	prepare(f);
	on_github(f);
	may(f, "anna", FORGE_WRITE);
	put_issue(f, "it");
	pause_it(f, true);
	labelled(f);
	assert_int_equal(fx_due(f, "task-worktree", NULL), 0);
	assert_state(f, "waiting", "octo/app is paused: the App's installation is suspended");
	pause_it(f, false);
	assert_int_not_equal(fx_due(f, "task-worktree", NULL), 0);
}

/* It has a place, which others can use meanwhile. */
static void paused_while_it_looks(void **state)
{
	struct fx *f = *state;

	up_to_look(f);
	pause_it(f, true);
	assert_state(f, "waiting", "octo/app is paused");
	assert_int_equal(fx_due(f, "forge-look", NULL), 0);
	pause_it(f, false);
	assert_int_not_equal(fx_due(f, "forge-look", NULL), 0);
	fx_answer(f, "forge-look", as_it_was());
	assert_due_run(f, "t1-r1");
}

static void paused_between_rounds(void **state)
{
	struct fx *f = *state;

	up_to_look(f);
	fx_answer(f, "forge-look", as_it_was());
	fx_told(f, "run-start", NULL, NULL);
	pause_it(f, true);
	assert_state(f, "running", NULL); /* what runs is not ended */
	write_output(f, "t1-r1", "no end block\n");
	fx_run_ended(f, "t1-r1", "exited", 0, false);
	assert_nothing_runs(f);
	assert_state(f, "waiting", "octo/app is paused");
	pause_it(f, false);
	assert_due_run(f, "t1-r2");
}

/* As the look at a PR leaves them: of its head, and nobody wants changes. */
static void reviews_read(struct fx *f)
{
	cleanup(pr_release) struct pr p = fx_pr(f, 2);

	fx_reviewed(f, 2, p.head);
}

/* What is built and green does not land. */
static void paused_nothing_lands(void **state)
{
	struct fx *f = *state;
	cleanup(queue_entry_release) struct queue_entry e = {0};

	up_to_landing(f);
	on_github(f);
	reviews_read(f);
	may(f, "anna", FORGE_WRITE);
	pause_it(f, true);
	fx_verified(f);
	assert_int_equal(fx_due(f, "cand-push", NULL), 0);
	assert_int_equal(fx_due(f, "cand-verify", NULL), 0);
	assert_int_equal(
		queue_entry_find(f->bot.db, ST_QUEUE_OF_PR, &e, NULL, "ii", f->repo.id, (int64_t)2),
		1);
	assert_non_null(strstr(e.waits, "octo/app is paused: the App's installation is suspended"));
	pause_it(f, false);
	assert_int_not_equal(fx_due(f, "cand-verify", NULL), 0);
}

/* Somebody pushes to the base a moment before us, again and again: no failure of this PR's, and it stays. */
static void a_base_that_moves_is_read_and_built_upon(void **state)
{
	struct fx *f = *state;
	struct github g = {.o = {.db = f->bot.db, .clock = &f->clock}};

	up_to_landing(f);
	on_github(f);
	reviews_read(f);
	may(f, "anna", FORGE_WRITE);
	f->bot.github = &g;
	for (int i = 0; i < 5; i++) {
		fx_verified(f);
		assert_int_equal(repo_get(f->bot.db, f->repo.id, &f->repo, NULL), 1);
		if (i == 4) { /* it was read */
			row_set(&f->repo.base_oid, MOVED);
			row_set(&f->repo.config_oid, MOVED);
		}
		assert_int_equal(repo_save(f->bot.db, &f->repo, NULL), 0);
		fx_answer(f, "cand-push", json_pack("{s:[{s:s}]}", "results", "outcome", "stale"));
		assert_entry(f, 2, "queued");
	}
	assert_int_equal(f->fetches, 5);
	assert_int_equal(fx_due(f, "cand-verify", NULL), 0);
	assert_int_not_equal(fx_due(f, "cand-build", NULL), 0);
	f->bot.github = NULL;
}

static bool held(struct fx *f, const char *kind, const char *payload)
{
	struct effect e = {.kind = (char *)kind, .payload = (char *)payload};
	int rc = remote_is_held(&f->bot, &e, NULL);

	assert_true(rc >= 0);
	return rc > 0;
}

static void what_is_held_back(void **state)
{
	struct fx *f = *state;
	autofree char *here = xasprintf("{\"repo\":%lld}", (long long)f->repo.id);
	autofree char *there = xasprintf("{\"repo\":%lld}", (long long)f->repo.id + 1);
	autofree char *wire = xasprintf("{\"repo\":\"%s\"}", f->repo.path);

	on_github(f);
	assert_false(held(f, "forge-comment", here));
	pause_it(f, true);
	assert_true(held(f, "forge-comment", here));
	assert_true(held(f, "task-push", wire));
	assert_false(held(f, "forge-comment", there));
	assert_false(held(f, "forge-list", here)); /* it ends the pause */
	assert_false(held(f, "cand-push", wire));
}

/* Its pause had grown to minutes; when the repository can be read again there is nothing to wait for. */
static void what_waited_is_due_at_once(void **state)
{
	struct fx *f = *state;
	cleanup(effect_list_release) struct effect_list l = {0};
	autojson json_t *here = json_pack("{s:I}", "repo", (json_int_t)f->repo.id);
	autojson json_t *there = json_pack("{s:I}", "repo", (json_int_t)f->repo.id + 1);
	autojson json_t *wire = json_pack("{s:s}", "repo", f->repo.path);
	const json_t *all[] = {here, there, wire};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		autofree char *key = xasprintf("e%zu", i);

		assert_int_equal(
			effect_add(f->bot.db, key, key, "forge-comment", all[i], fx_now, NULL), 1);
		assert_int_equal(
			effect_again(f->bot.db, db_last_id(f->bot.db), fx_now + MINUTE, NULL), 1);
	}
	assert_int_equal(effect_due(f->bot.db, fx_now, &l, NULL), 0);
	assert_int_equal(l.n, 0);
	assert_int_equal(db_run(f->bot.db, ST_EFFECT_WAKE, NULL, "isi", f->repo.id, f->repo.path,
				fx_now + 7),
			 2);
	assert_int_equal(effect_due(f->bot.db, fx_now, &l, NULL), 0);
	assert_int_equal(l.n, 2);
	assert_string_equal(l.v[0].key, "e0");
	assert_string_equal(l.v[1].key, "e2");
	assert_int_equal(l.v[0].patient_ms, fx_now + 7); /* its patience begins anew */
}

/* ---- merged by hand ---- */

static void merged_by(struct fx *f, const char *who)
{
	cleanup(pr_release) struct pr p = fx_pr(f, 2);
	autojson json_t *o = json_pack("{s:I,s:i,s:s}", "repo", (json_int_t)f->repo.id, "number", 2,
				       "actor", "yardmaster");

	row_set(&p.state, "merged");
	row_set(&p.merged_by, who);
	row_set(&p.landed, CAND);
	assert_int_equal(pr_save(f->bot.db, &p, NULL), 0);
	assert_int_equal(event_add(f->bot.db, "merged:2", "pr-closed", o, fx_now, NULL), 1);
	fx_turn(f);
}

static void merged_by_hand_it_is_done(void **state)
{
	struct fx *f = *state;

	up_to_review(f);
	assert_state(f, "review", NULL);
	merged_by(f, "bob");
	assert_state(f, "merged", "merged by hand: by bob, as c00000000000");
}

/* Ours is on its way: its own end tells which of the two it was. */
static void merged_by_hand_while_it_lands(void **state)
{
	struct fx *f = *state;

	up_to_landing(f);
	merged_by(f, "bob");
	assert_state(f, "queued", NULL);
	fx_verified(f); /* is called off: the PR is not open any more */
	assert_entry(f, 2, "dequeued");
	assert_state(f, "merged", "merged by hand: by bob");
}

/* ---- labels ---- */

static void rename_told(struct fx *f, const char *key, const char *from, const char *to)
{
	autojson json_t *p = json_pack("{s:I,s:s,s:s,s:s}", "repo", (json_int_t)f->repo.id, "label",
				       from, "to", to, "actor", "bob");

	assert_true(db_run(f->bot.db, ST_LABEL_RENAME, NULL, "iss", f->repo.id, from, to) >= 0);
	assert_int_equal(event_add(f->bot.db, key, "label-renamed", p, fx_now, NULL), 1);
}

static void renamed(struct fx *f, const char *from, const char *to)
{
	rename_told(f, to, from, to);
	fx_turn(f);
}

static void a_renamed_label_goes_with_its_task(void **state)
{
	struct fx *f = *state;
	autojson json_t *p = json_pack("{s:I,s:i,s:s,s:s}", "repo", (json_int_t)f->repo.id,
				       "number", 1, "label", "agent:mend", "actor", "anna");
	autojson json_t *found =
		json_pack("{s:s,s:[s],s:[]}", "state", "open", "labels", "agent:mend", "edits");

	up_to_look(f);
	renamed(f, "agent:fix", "agent:mend");
	fx_answer(f, "forge-look", json_incref(found));
	assert_due_run(f, "t1-r1");
	assert_int_equal(event_add(f->bot.db, "off", "issue-unlabeled", p, fx_now, NULL), 1);
	fx_turn(f);
	assert_state(f, "cancelled", "took the label off");
}

static void a_renamed_label_that_holds(void **state)
{
	struct fx *f = *state;
	cleanup(pr_release) struct pr p = {0};

	up_to_landing(f);
	assert_int_equal(db_run(f->bot.db, ST_LABEL_PUT, NULL, "iissi", f->repo.id, (int64_t)2,
				"do-not-merge", "bob", fx_now),
			 1);
	renamed(f, "do-not-merge", "later");
	p = fx_pr(f, 2);
	assert_int_equal(p.held, 1);
	assert_string_equal(p.held_reason,
			    "the label that held it, do-not-merge, was renamed to later");
	fx_verified(f);
	assert_int_equal(fx_due(f, "cand-land", NULL), 0);
}

/* A comment's key is for the whole ledger: two repositories' PRs of one number are not told once. */
static void a_renamed_label_is_told_in_each_repository(void **state)
{
	struct fx *f = *state;
	autojson json_t *first = NULL, *second = NULL;
	struct repo was, other;
	struct pr p;

	up_to_landing(f);
	was = other = f->repo;
	other.id = 0;
	other.name = (char *)"octo/other";
	other.path = (char *)"/nowhere/other.git";
	assert_int_equal(repo_insert(f->bot.db, &other, NULL), 0);
	p = fx_pr(f, 2);
	for (int i = 0; i < 2; i++) {
		f->repo = i ? other : was;
		if (i) {
			p.id = 0;
			p.repo = other.id;
			p.task = 0;
			assert_int_equal(pr_insert(f->bot.db, &p, NULL), 0);
		}
		assert_int_equal(db_run(f->bot.db, ST_LABEL_PUT, NULL, "iissi", f->repo.id,
					(int64_t)2, "later", "bob", fx_now),
				 1);
		rename_told(f, i ? "r2" : "r1", "do-not-merge", "later");
		assert_int_equal(decide_events(&f->bot, NULL), 0);
		assert_int_not_equal(fx_due(f, "forge-comment", i ? &second : &first), 0);
		fx_turn(f);
	}
	f->repo = was;
	pr_release(&p);
	assert_string_not_equal(json_str(first, "key", ""), json_str(second, "key", ""));
}

/* ---- who may do what everywhere ---- */

/* The kill switch is that of all repositories: what is not known of one of them is asked first. */
static void a_command_waits_for_what_is_asked_elsewhere(void **state)
{
	struct fx *f = *state;
	autojson json_t *p = NULL;
	struct repo was, other;
	struct github_repo gr = {.full_name = (char *)"octo/other",
				 .remote = 77,
				 .url = (char *)"https://github.com/octo/other.git"};

	prepare(f);
	on_github(f);
	may(f, "anna", FORGE_MAINTAIN);
	put_issue(f, "it");
	was = other = f->repo;
	other.id = 0;
	other.name = (char *)"octo/other";
	other.path = (char *)"/nowhere/other.git";
	assert_int_equal(repo_insert(f->bot.db, &other, NULL), 0);
	gr.repo = other.id;
	assert_int_equal(github_repo_insert(f->bot.db, &gr, NULL), 0);
	assert_int_equal(bot_halt(&f->bot, "anna", "enough", NULL, NULL), 0);
	p = json_pack("{s:I,s:i,s:i,s:s,s:s}", "repo", (json_int_t)f->repo.id, "number", 1,
		      "comment", 9, "actor", "anna", "body", "/yard resume");
	assert_int_equal(event_add(f->bot.db, "c9", "comment-created", p, fx_now, NULL), 1);
	assert_int_equal(decide_events(&f->bot, NULL), 0);
	assert_int_not_equal(fx_due(f, "forge-level", NULL), 0);
	assert_int_equal(fx_due(f, "forge-comment", NULL), 0); /* not answered yet */
	assert_true(bot_halted(&f->bot, NULL));
	f->repo = other;
	may(f, "anna", FORGE_MAINTAIN);
	f->repo = was;
	assert_true(db_run(f->bot.db, ST_EVENT_WAKE, NULL, "") >= 0);
	fx_turn(f);
	assert_false(bot_halted(&f->bot, NULL));
}

/* What was there before, and what nothing was begun for. */
static void the_first_look_is_shown(void **state)
{
	struct fx *f = *state;
	autojson json_t *rows = json_array(), *doctor = json_array();

	prepare(f);
	on_github(f);
	may(f, "anna", FORGE_WRITE);
	put_issue(f, "it");
	for (int i = 0; i < 2; i++)
		assert_int_equal(db_run(f->bot.db, ST_LABEL_PUT, NULL, "iissi", f->repo.id,
					(int64_t)1, i ? "agent:fix" : "bug", "", ASKED),
				 1);
	assert_int_equal(first_look_rows(&f->bot, &f->repo, rows, NULL), 0);
	assert_int_equal(json_array_size(rows), 1);
	assert_string_equal(json_str(json_array_get(rows, 0), "label", ""), "agent:fix");
	assert_int_equal(first_look_doctor(&f->bot, doctor, NULL), 0);
	assert_non_null(strstr(json_str(json_array_get(doctor, 0), "text", ""), "#1 (agent:fix)"));
	labelled(f);
	json_array_clear(rows);
	assert_int_equal(first_look_rows(&f->bot, &f->repo, rows, NULL), 0);
	assert_int_equal(json_array_size(rows), 0);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_label_of_a_reader_starts_nothing),
		TEST(a_label_that_a_reader_takes_off_ends_nothing),
		TEST(unchanged_it_begins),
		TEST(later_rounds_do_not_look),
		TEST(changed_behind_the_label_it_waits),
		TEST(changed_and_not_told_it_waits),
		TEST(the_label_is_off),
		TEST(closed_it_is_cancelled),
		TEST(unreadable_it_does_not_begin),
		TEST(paused_nothing_begins),
		TEST(paused_while_it_looks),
		TEST(paused_between_rounds),
		TEST(paused_nothing_lands),
		TEST(a_base_that_moves_is_read_and_built_upon),
		TEST(what_is_held_back),
		TEST(what_waited_is_due_at_once),
		TEST(merged_by_hand_it_is_done),
		TEST(merged_by_hand_while_it_lands),
		TEST(a_renamed_label_goes_with_its_task),
		TEST(a_renamed_label_that_holds),
		TEST(a_renamed_label_is_told_in_each_repository),
		TEST(a_command_waits_for_what_is_asked_elsewhere),
		TEST(the_first_look_is_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
