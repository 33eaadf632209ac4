/* test_git_squash.c - who is named by a squash, and with what message it lands (credit.h). */
#include "git_fixture.h"

/* The commits of `topic`, made by the script in the clone, squashed onto main with these fields. */
static char *squash(struct fx *f, const char *method, const char *message, const char *author,
		    const char *body, const char *script)
{
	autofree char *seed = fx_seed(f), *head = NULL, *commit = NULL;
	autojson json_t *a = NULL;

	fx_run(f,
	       "cd src; git config user.name U; git config user.email u@example.org; "
	       "git checkout -q -b topic; "
	       "c() { echo \"$1 $2\" >>file; git add file; git commit -q --author=\"$1 <$2>\" -m "
	       "\"$3\"; }; "
	       "%s\ngit push -q ../app.git topic",
	       script);
	head = fx_sh(f, "git -C app.git rev-parse topic");
	a = fx_ok(f, "{s:s,s:s,s:s,s:s,s:s,s:{s:s,s:s?,s:i,s:s?},s:s,s:s,s:s,s:I}", "op",
		  "candidate", "base", seed, "head", head, "method", method, "message", message,
		  "fields", "title", "Add it", "body", body, "number", 7, "author", author, "ref",
		  "refs/yardmaster/cand/1", "author_name", "Queue", "author_email", "q@example.org",
		  "time_ms", (json_int_t)1700000001000);
	assert_string_equal(json_str(a, "outcome", ""), "built");
	commit = xstrdup(json_str(a, "commit", ""));
	return fx_sh(f, "git -C app.git log -1 --format='%%an <%%ae> %%at %%cn%%n%%B' %s", commit);
}

#define DEFAULT "{title} (#{number})\n\n{body}"

static void everybody_is_named(void **state)
{
	autofree char *text = squash(
		*state, "squash", DEFAULT, "whoever", "It reads CSV.",
		"c Ada ada@e.org 'Add the importer\n\nSigned-off-by: Ada <ada@e.org>\nTask: 4';"
		"c Bob bob@e.org 'Handle quotes\n\nFixes: #77\nTask: 4\nAssisted-by: claude:opus\n"
		"Co-authored-by: Cy <CY@e.org>\nSigned-off-by: Bob <bob@e.org>';"
		"c Ada ADA@e.org 'More\n\nChange-Id: I1\nCo-authored-by: Bob B <bob@e.org>'");

	assert_string_equal(text,
			    "Ada <ada@e.org> 1700000001 Queue\nAdd it (#7)\n\nIt reads CSV.\n\n"
			    "Signed-off-by: Ada <ada@e.org>\nTask: 4\nFixes: #77\n"
			    "Assisted-by: claude:opus\nSigned-off-by: Bob <bob@e.org>\n"
			    "Change-Id: I1\nCo-authored-by: Bob <bob@e.org>\n"
			    "Co-authored-by: Cy <CY@e.org>");
}

/* The text of the PR says it already, as that of a PR of one commit does. */
static void nothing_is_said_twice(void **state)
{
	autofree char *text = squash(
		*state, "squash", DEFAULT, NULL,
		"Why.\n\nSigned-off-by: Ada <ada@e.org>\nco-authored-by: Robert <bob@e.org>",
		"c Ada ada@e.org 'Add it\n\nWhy.\n\nSigned-off-by: Ada <ada@e.org>\nFixes: #1'; "
		"c Bob bob@e.org 'More'");

	assert_string_equal(text, "Ada <ada@e.org> 1700000001 Queue\nAdd it (#7)\n\nWhy.\n\n"
				  "Signed-off-by: Ada <ada@e.org>\nco-authored-by: Robert "
				  "<bob@e.org>\nFixes: #1");
}

static void the_author_of_the_pr_is_the_author(void **state)
{
	autofree char *text = squash(*state, "squash", DEFAULT, "Bob-B", "",
				     "c Ada ada@e.org one; c Ada ada@e.org two; "
				     "c Bob 12+bob-b@users.noreply.github.com three; "
				     "c Eve eve+bob-b@users.noreply.github.com.evil.org four");

	assert_non_null(strstr(text, "Bob <12+bob-b@users.noreply.github.com> 17"));
	assert_non_null(strstr(text, "Co-authored-by: Ada <ada@e.org>\nCo-authored-by: Eve"));
}

static void who_wrote_most_is_the_author(void **state)
{
	autofree char *text =
		squash(*state, "squash", DEFAULT, "ann", "",
		       "c Ada ada@e.org one; c Bob bob@e.org two; c Bob bob@e.org "
		       "three; git checkout -q -b side; c Cy cy@e.org four; git "
		       "checkout -q topic; git -c user.name=Mo -c user.email=mo@e.org "
		       "merge -q --no-ff --no-edit side");

	/* By whom a merge of the PR is credited, too; the fixture's environment says "A U Thor". */
	assert_string_equal(text, "Bob <bob@e.org> 1700000001 Queue\nAdd it (#7)\n\n"
				  "Co-authored-by: Ada <ada@e.org>\nCo-authored-by: Cy <cy@e.org>\n"
				  "Co-authored-by: A U Thor <a@example.org>");
}

static void names_in_another_encoding_are_read(void **state)
{
	autofree char *text =
		squash(*state, "squash", "{commits}", NULL, "",
		       "echo x >x; git add x; printf 'Gr\\366\\337e\\n\\nReviewed-by: J\\366rg "
		       "<j@e.org>\\n' >../m; "
		       "git -c i18n.commitEncoding=ISO-8859-1 commit -q --author=\"$(printf "
		       "'J\\366rg <j@e.org>')\" "
		       "-F ../m");

	assert_string_equal(
		text, "Jörg <j@e.org> 1700000001 Queue\n* Größe\n\nReviewed-by: Jörg <j@e.org>");
}

static void a_control_word_of_a_commit_does_not_land(void **state)
{
	autofree char *text = squash(*state, "squash", "{title}\n\n{body}\n\n{commits}", NULL,
				     "<!-- template -->\r\n[ci skip]",
				     "c Ada ada@e.org 'one [skip ci]\n\nTask: 4\nskip-checks: "
				     "true'; c 'Bob [skip ci]' b@e.org two");

	assert_string_equal(text, "Ada <ada@e.org> 1700000001 Queue\nAdd it\n\n* one\n\nTask: 4\n\n"
				  "* two\n\nTask: 4\nCo-authored-by: Bob <b@e.org>");
}

static void a_merge_commit_is_cleaned_and_ours(void **state)
{
	autofree char *text =
		squash(*state, "merge", "Merge #{number}: {title}\n\n{body}\n\n{commits}", NULL,
		       "Why [no ci]\r\n<!-- x -->", "c Ada ada@e.org 'one [skip ci]'");

	assert_string_equal(
		text, "Queue <q@example.org> 1700000001 Queue\nMerge #7: Add it\n\nWhy\n\n* one");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		FX_TEST(everybody_is_named),
		FX_TEST(nothing_is_said_twice),
		FX_TEST(the_author_of_the_pr_is_the_author),
		FX_TEST(who_wrote_most_is_the_author),
		FX_TEST(names_in_another_encoding_are_read),
		FX_TEST(a_control_word_of_a_commit_does_not_land),
		FX_TEST(a_merge_commit_is_cleaned_and_ours),
	};

	(void)argc;
	unpriv(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
