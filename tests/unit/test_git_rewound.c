/* test_git_rewound.c - a head that would bring back what was taken out of the base (git/rewound.h). */
#include "git_fixture.h"

#include "git/rewound.h"

static const char *const methods[] = {"merge", "rebase", "squash"};

/*
 * main was at `secret`, which is on top of the seed, and is at the seed again. Topics: `old` began on secret, `merged` has
 * it by a merge only, `fine` began on the seed.
 */
static void make(struct fx *f)
{
	free(fx_seed(f));
	fx_run(f, "cd src; git config user.name U; git config user.email u@example.org; "
		  "c() { echo $1 >$1; git add $1; git commit -q -m \"Add $1\"; git tag at-$1; }; "
		  "git checkout -q -b was; c secret; "
		  "git checkout -q -b old; c old; c older; "
		  "git checkout -q -b fine main; c fine; "
		  "git checkout -q -b merged main; c mine; git merge -q --no-edit at-secret; "
		  "git push -q ../app.git old fine merged; "
		  "git push -q ../app.git was:refs/yardmaster/rewound/$(git rev-parse was)");
}

static json_t *build(struct fx *f, const char *method, const char *head, const char *wanted)
{
	autofree char *seed = fx_sh(f, "git -C app.git rev-parse main");
	autofree char *at = fx_sh(f, "git -C app.git rev-parse %s", head);
	json_t *back = json_array();

	if (wanted)
		json_array_append_new(back, json_string(wanted));
	return fx_ok(f, "{s:s,s:s,s:s,s:s,s:s,s:{s:s,s:i},s:s,s:s,s:s,s:I,s:o}", "op", "candidate",
		     "base", seed, "head", at, "method", method, "message", "{title}", "fields",
		     "base", "main", "number", 7, "ref", "refs/yardmaster/cand/1", "author_name",
		     "Queue", "author_email", "q@example.org", "time_ms", (json_int_t)1700000001000,
		     "brought_back", back);
}

static void assert_refused(const json_t *a, const char *lost)
{
	const json_t *c = json_array_get(json_object_get(a, "commits"), 0);

	assert_string_equal(json_str(a, "outcome", ""), "refused");
	assert_string_equal(json_str(a, "reason", ""), "brings-back");
	assert_int_equal(json_array_size(json_object_get(a, "commits")), 1);
	assert_string_equal(json_str(c, "commit", ""), lost);
	assert_string_equal(json_str(c, "subject", ""), "Add secret");
	assert_string_equal(json_string_value(json_array_get(json_object_get(a, "lost"), 0)), lost);
	assert_non_null(strstr(json_str(a, "text", ""), "would bring back 1 commit that was taken "
							"out of `main`"));
	assert_non_null(strstr(json_str(a, "text", ""), "git rebase --onto origin/main "));
}

static void what_was_taken_out_does_not_come_back(void **state)
{
	struct fx *f = *state;
	autofree char *lost = NULL;

	make(f);
	lost = fx_sh(f, "git -C src rev-parse at-secret");
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		autojson json_t *old = build(f, methods[i], "old", NULL);
		autojson json_t *merged = build(f, methods[i], "merged", NULL);
		autojson json_t *fine = build(f, methods[i], "fine", NULL);

		assert_refused(old, lost);
		assert_refused(merged, lost);
		assert_string_equal(json_str(fine, "outcome", ""), "built");
	}
}

static void but_when_somebody_wants_it(void **state)
{
	struct fx *f = *state;
	autofree char *lost = NULL, *other = NULL;

	make(f);
	lost = fx_sh(f, "git -C src rev-parse at-secret");
	other = fx_sh(f, "git -C src rev-parse at-fine");
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		autojson json_t *a = build(f, methods[i], "old", other);
		autojson json_t *b = build(f, methods[i], "old", lost);

		assert_refused(a, lost);
		assert_string_equal(json_str(b, "outcome", ""), "built");
	}
}

/* The base has it again: nothing comes back with anybody. */
static void nor_when_it_is_there_again(void **state)
{
	struct fx *f = *state;
	autofree char *lost = NULL, *head = NULL;
	autojson json_t *a = NULL;

	make(f);
	lost = fx_sh(f, "git -C src rev-parse at-secret");
	head = fx_sh(f, "git -C app.git rev-parse old");
	a = fx_ok(f, "{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I}", "op", "candidate", "base", lost,
		  "head", head, "method", "merge", "message", "m", "ref", "refs/yardmaster/cand/1",
		  "author_name", "Queue", "author_email", "q@example.org", "time_ms",
		  (json_int_t)1700000001000);
	assert_string_equal(json_str(a, "outcome", ""), "built");
}

/* Where histories are cut off, too: what cannot be found out is not "nothing". */
static void a_tip_whose_commit_is_gone_is_an_error(void **state)
{
	struct fx *f = *state;

	make(f);
	free(fx_sh(f, "git -C app.git pack-refs --all; "
		      "sed -i 's,^[0-9a-f]* \\(refs/yardmaster/rewound/\\),"
		      "1111111111111111111111111111111111111111 \\1,' app.git/packed-refs"));
	for (int shallow = 0; shallow < 2; shallow++) {
		autofree char *seed = fx_sh(f, "git -C app.git rev-parse main");
		autofree char *head = fx_sh(f, "git -C app.git rev-parse fine");
		autojson json_t *a = NULL;

		if (shallow)
			free(fx_sh(f, ": >app.git/shallow"));
		a = fx_ask(f, "{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I}", "op", "candidate", "base",
			   seed, "head", head, "method", "merge", "message", "m", "ref",
			   "refs/yardmaster/cand/1", "author_name", "Queue", "author_email",
			   "q@example.org", "time_ms", (json_int_t)1700000001000);
		if (!strstr(json_str(json_object_get(a, "error"), "text", ""), GR_REWOUND))
			fail_msg("shallow: %d; found %s", shallow, json_text(a));
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		FX_TEST(what_was_taken_out_does_not_come_back),
		FX_TEST(but_when_somebody_wants_it),
		FX_TEST(nor_when_it_is_there_again),
		FX_TEST(a_tip_whose_commit_is_gone_is_an_error),
	};

	(void)argc;
	unpriv(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
