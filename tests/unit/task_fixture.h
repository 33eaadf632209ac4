/*
 * task_fixture.h - a task in the bot's fixture: issue 1, labelled by anna; its runs are played by the test.
 *
 *   prepare(), prepare_with()   the blueprint "fix", with its limits, and more of the daemon's configuration
 *   up_to_first_round()         its agent is to begin; up_to_landing(): its PR, 2, is verified next
 *   ran()                       the run that is to begin has ended, after so many milliseconds
 *   committed()                 what the host made of it
 *   assert_with_a_person()      nothing runs, and the reason has this text
 */
#ifndef YM_TESTS_TASK_FIXTURE_H
#define YM_TESTS_TASK_FIXTURE_H

#include "bot_fixture.h"

#define START "d000000000000000000000000000000000000001"

#define BLUEPRINT                                                                                  \
	"name: fix\n"                                                                              \
	"allow: [\"src/**\"]\n"                                                                    \
	"limits: { %s }\n"                                                                         \
	"steps:\n"                                                                                 \
	"  - agent: fix.md\n"                                                                      \
	"    gates: [\"make check\"]\n"                                                            \
	"  - pull-request: {}\n"                                                                   \
	"  - review: {}\n"                                                                         \
	"  - queue: {}\n"

static inline void prepare_with(struct fx *f, const char *more, const char *limits)
{
	autofree char *conf =
		xasprintf("agents:\n  scripted:\n    command: [\"/bin/true\"]\n%s", more);
	autofree char *bp = xasprintf(BLUEPRINT, limits);
	autojson json_t *files = json_pack("{s:s,s:s}", ".github/blueprints/fix.yml", bp,
					   ".github/blueprints/fix.md", "Do it.");
	struct user u = {.name = xstrdup("anna"), .uid = 4711};

	conf_daemon_release(&f->conf);
	assert_int_equal(conf_daemon_load("y.yml", conf, strlen(conf), f->dir, &f->conf, NULL), 0);
	row_take(&f->repo.config, json_text(files));
	assert_int_equal(repo_save(f->bot.db, &f->repo, NULL), 0);
	assert_int_equal(user_insert(f->bot.db, &u, NULL), 0);
	assert_int_equal(db_run(f->bot.db, ST_PERMISSION_SET, NULL, "iii", u.id, (int64_t)0,
				(int64_t)FORGE_MAINTAIN),
			 1);
	user_release(&u);
}

static inline void prepare(struct fx *f)
{
	prepare_with(f, "", "rounds: 3");
}

static inline struct task task_now(struct fx *f)
{
	struct task t = {0};

	assert_int_equal(task_get(f->bot.db, 1, &t, NULL), 1);
	return t;
}

static inline char *due_run(struct fx *f)
{
	autojson json_t *p = NULL;

	return fx_due(f, "run-start", &p) ? xstrdup(json_str(p, "run", "")) : NULL;
}

/* The files and the private Git directory of a later round are as it wants them. */
static inline void restored(struct fx *f)
{
	if (fx_due(f, "task-restore", NULL))
		fx_answer(f, "task-restore", NULL);
}

#define assert_due_run(f, expected)                                                                \
	do {                                                                                       \
		autofree char *run_ = (restored(f), due_run(f));                                   \
                                                                                                   \
		assert_non_null(run_);                                                             \
		assert_string_equal(run_, expected);                                               \
	} while (0)

static inline void write_output(struct fx *f, const char *run, const char *text)
{
	autofree char *dir = xasprintf("%s/%s", f->bot.runs, run);
	autofree char *path = xasprintf("%s/out", dir);

	assert_int_equal(fs_mkdir_p(dir, 0700, NULL), 0);
	assert_int_equal(fs_write_atomic(path, text, strlen(text), 0600, NULL), 0);
}

/* Issue 1, task 1: its first round is to begin. */
static inline void up_to_first_round(struct fx *f)
{
	int64_t n;

	assert_int_equal(local_issue_create(&f->forge, &f->repo, "anna", "Fix", "it", &n, NULL), 0);
	assert_int_equal(local_label_add(&f->forge, &f->repo, "anna", n, "agent:fix", NULL), 1);
	fx_turn(f);
	fx_answer(f, "task-worktree", NULL);
	assert_due_run(f, "t1-r1");
}

#define MINUTE ((int64_t)60000)
#define DONE   "STATUS: COMPLETE\nEXIT_SIGNAL: true\nSUMMARY: done\n"

/* The run that is to begin took so long, ended so, and wrote this. */
static inline void ran(struct fx *f, int64_t ms, const char *outcome, int code, const char *detail,
		       const char *text)
{
	autofree char *run = (restored(f), due_run(f));
	autojson json_t *p = NULL;

	assert_non_null(run);
	fx_told(f, "run-start", NULL, NULL);
	write_output(f, run, text);
	p = json_pack("{s:s,s:s,s:i,s:b,s:s,s:I,s:I}", "run", run, "outcome", outcome, "code", code,
		      "infrastructure", 0, "detail", detail, "started_ms", (json_int_t)fx_now,
		      "ended_ms", (json_int_t)(fx_now + ms));
	assert_int_equal(event_add(f->bot.db, run, "run-ended", p, fx_now, NULL), 1);
	fx_turn(f);
}

static inline void committed(struct fx *f, const char *oid)
{
	fx_answer(f, "task-commit",
		  json_pack("{s:s,s:s,s:s,s:[s]}", "outcome", "committed", "commit", oid, "tree",
			    oid, "files", "src/a"));
}

static inline void assert_with_a_person(struct fx *f, const char *why)
{
	cleanup(task_release) struct task t = task_now(f);
	autofree char *run = due_run(f);

	assert_null(run);
	assert_string_equal(t.state, "needs-human");
	if (!strstr(t.reason, why))
		fail_msg("found '%s', expected '%s' in it", t.reason, why);
}

#define CAND "c000000000000000000000000000000000000003"

/* Task 1 has done its work, and its PR 2 is reviewed. */
static inline void up_to_review(struct fx *f)
{
	autojson json_t *opened = json_pack("{s:b,s:{s:i},s:{s:i}}", "ok", 1, "ctx", "task", 1,
					    "result", "number", 2);

	prepare(f);
	up_to_first_round(f);
	ran(f, MINUTE, "exited", 0, "", DONE);
	committed(f, START);
	ran(f, MINUTE, "exited", 0, "", "green\n");
	assert_int_equal(event_add(f->bot.db, "opened", "did-forge-pr-open", opened, fx_now, NULL),
			 1);
	fx_learnt(f);
	fx_answer(f, "pr-ref", NULL);
}

/* Task 1's PR 2 is approved and queued, and its candidate is verified next. */
static inline void up_to_landing(struct fx *f)
{
	up_to_review(f);
	fx_approve(f, 2);
	fx_learnt(f);
	fx_built(f, CAND);
	assert_int_not_equal(fx_due(f, "cand-verify", NULL), 0);
}

#endif
