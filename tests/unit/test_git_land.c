/* test_git_land.c - what a landing looks for before it moves a branch, and what is said when it cannot. */
#include "git_fixture.h"

/* libgit2 1.5 loses the list node (16 bytes) that git_revwalk_next() has in hand when a parent's object is missing,
 * which is what these tests are about; the role ends when it is idle, and a landing is refused seldom. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libgit2.so\n";
}

/* main, a head on top of it in two commits, and their merge as a candidate. */
static char *work(struct fx *f, char **ret_base)
{
	*ret_base = fx_seed(f);
	return fx_sh(
		f,
		"cd src; git checkout -q -b topic; mkdir new; echo 1 >new/one; git add new; git "
		"commit -qm one; echo 2 >new/two; git rm -q new/one; git add new; git commit -qm "
		"two; git push -q ../app.git topic; cd ../app.git; t=$(git merge-tree "
		"--write-tree main topic); c=$(git commit-tree -p main -p topic -m merge $t); git "
		"repack -adq; mv objects/pack/*.pack ..; rm -f objects/pack/*; for p in ../*.pack; "
		"do git "
		"unpack-objects -q <$p; done; rm -f ../*.pack; echo $c");
}

static json_t *land(struct fx *f, const char *old, const char *new)
{
	return fx_ask(f, "{s:s,s:s,s:s,s:s,s:{s:i},s:[{s:s,s:s}]}", "op", "land", "branch", "main",
		      "old", old, "new", new, "receipt", "pr", 3, "keep", "ref",
		      "refs/yardmaster/heads/3", "oid", new);
}

static const char *text_of(const json_t *a)
{
	return json_str(json_object_get(a, "error"), "text", "");
}

static void lands(struct fx *f, const char *old, const char *new)
{
	autojson json_t *a = land(f, old, new);

	if (!json_flag(a, "ok"))
		print_error("%s\n", text_of(a));
	assert_string_equal(json_str(a, "outcome", ""), "landed");
	fx_run(f, "git -C app.git fsck --no-dangling 2>&1");
}

/* The object is taken away, the landing refused, and possible again when it is back. */
static void misses(struct fx *f, const char *base, const char *new, const char *object,
		   const char *says)
{
	autojson json_t *a = NULL;
	autofree char *file = fx_sh(f,
				    "cd app.git; o=$(git rev-parse %s); f=objects/$(echo $o | cut "
				    "-c1-2)/$(echo $o | cut -c3-); mv $f ../away; echo $f",
				    object);

	gr_repo_forget(&f->g, f->repo);
	a = land(f, base, new);
	assert_string_equal(fx_error(a), "corrupt");
	assert_non_null(strstr(text_of(a), says));
	assert_non_null(strstr(text_of(a), "queue the PR again"));
	fx_run(f, "test $(git -C app.git rev-parse main) = %s; mv away app.git/%s", base, file);
	gr_repo_forget(&f->g, f->repo);
}

static void what_is_not_whole_does_not_land(void **state)
{
	struct fx *f = *state;
	autofree char *base = NULL;
	autofree char *new = work(f, &base);

	/* Also what is only in the middle of the history, and what the tip has no more. */
	misses(f, base, new, "topic~1^{tree}", "tree ");
	misses(f, base, new, "topic~1:new", "lacks a part of commit");
	misses(f, base, new, "topic~1:new/one", "file 'new/one'");
	misses(f, base, new, "topic:new/two", "file 'new/two'");
	misses(f, base, new, "topic~1", "lacks a part");
	lands(f, base, new);
}

static void an_empty_object_file_does_not_land(void **state)
{
	struct fx *f = *state;
	autofree char *base = NULL;
	autofree char *new = work(f, &base);
	autojson json_t *a = NULL;

	fx_run(f, "cd app.git; o=$(git rev-parse topic:new/two); f=objects/$(echo $o | cut "
		  "-c1-2)/$(echo $o | cut -c3-); chmod u+w $f; >$f");
	a = land(f, base, new);
	assert_string_equal(fx_error(a), "corrupt");
}

static void a_symbolic_branch_is_followed(void **state)
{
	struct fx *f = *state;
	autofree char *base = NULL;
	autofree char *new = work(f, &base);

	fx_run(f, "cd app.git; git branch trunk main; git symbolic-ref refs/heads/main "
		  "refs/heads/trunk");
	lands(f, base, new);
	fx_run(f,
	       "cd app.git; test $(git symbolic-ref refs/heads/main) = refs/heads/trunk; test "
	       "$(git "
	       "rev-parse trunk) = %s",
	       new);
}

static void a_branch_that_stands_for_no_branch_is_refused(void **state)
{
	struct fx *f = *state;
	autofree char *base = NULL;
	autofree char *new = work(f, &base);
	autojson json_t *a = NULL;

	fx_run(f, "cd app.git; git tag t main; git symbolic-ref refs/heads/main refs/tags/t");
	a = land(f, base, new);
	assert_string_equal(fx_error(a), "state");
	assert_non_null(strstr(text_of(a), "stands for refs/tags/t"));
	fx_run(f, "cd app.git; test $(git rev-parse t) = %s", base);
}

static void notes_that_are_lost_are_said(void **state)
{
	struct fx *f = *state;
	autofree char *base = NULL;
	autofree char *new = work(f, &base);
	autojson json_t *a = NULL;

	fx_run(f, "mkdir -p app.git/refs/notes; echo 0123456789012345678901234567890123456789 "
		  ">app.git/refs/notes/yardmaster");
	a = land(f, base, new);
	assert_string_equal(fx_error(a), "corrupt");
	assert_non_null(strstr(text_of(a), "refs/notes/yardmaster in "));
	assert_non_null(strstr(text_of(a), "update-ref refs/notes/yardmaster COMMIT"));
	fx_run(f, "git -C app.git update-ref -d refs/notes/yardmaster");
	lands(f, base, new);
}

static void a_reference_in_the_way_is_named(void **state)
{
	static const char *const ways[] = {"refs/yardmaster/heads/3/x", "refs/yardmaster/heads",
					   "refs/notes/yardmaster/x"};
	struct fx *f = *state;
	autofree char *base = NULL;
	autofree char *new = work(f, &base);

	/* Packed, too: libgit2 makes the second one beside it, and git reads neither. */
	for (size_t i = 0; i < 2 * ARRAY_LEN(ways); i++) {
		const char *way = ways[i / 2];
		autojson json_t *a = NULL;

		fx_run(f, "cd app.git; git update-ref %s main; %s", way,
		       i % 2 ? "git pack-refs --all" : ":");
		a = land(f, base, new);
		assert_string_equal(fx_error(a), "state");
		assert_non_null(strstr(text_of(a), way));
		assert_non_null(strstr(text_of(a), "is in its way"));
		fx_run(f, "cd app.git; git update-ref -d %s", way);
	}
	lands(f, base, new);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		FX_TEST(what_is_not_whole_does_not_land),
		FX_TEST(an_empty_object_file_does_not_land),
		FX_TEST(a_symbolic_branch_is_followed),
		FX_TEST(a_branch_that_stands_for_no_branch_is_refused),
		FX_TEST(notes_that_are_lost_are_said),
		FX_TEST(a_reference_in_the_way_is_named),
	};

	(void)argc;
	unpriv(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
