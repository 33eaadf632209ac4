/* test_landing_text.c - the message of a merge or squash: the template, and what never reaches it. */
#include "base/landing_text.h"

#include "base/buf.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

static void fills(const char *template, const char *expected)
{
	const struct landing_vars v = {.title = "Add\nit <!-- x -->",
				       .body = "Why:\r\n\r\n\r\n\r\nso.  \r\n",
				       .author = "ada",
				       .method = "squash",
				       .base = "main",
				       .commits = "* one\n",
				       .number = 7};
	autofree char *text = landing_text(template, &v);

	assert_string_equal(text, expected);
}

static void a_template_is_filled(void **state)
{
	(void)state;
	fills("{title} (#{number})\n\n{body}", "Add it (#7)\n\nWhy:\n\nso.\n");
	fills("{method} {author} {base} {topic}|{commits}", "squash ada main |* one\n");
	fills("{{title} {Title} {} { {{", "{title} {Title} {} { {\n");
	fills(landing_text_default("merge"), "Merge #7: Add it\n\nWhy:\n\nso.\n");
	fills(landing_text_default("squash"), "Add it (#7)\n\nWhy:\n\nso.\n");
}

static void an_unknown_name_is_refused(void **state)
{
	cleanup(err_release) struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(landing_text_check("{title} {nam}", &err), -1);
	assert_non_null(strstr(err_text(&err), "{nam} is unknown; there are title, body"));
	assert_int_equal(landing_text_check("{title} {{nam} { } {Nam}", &err), 0);
	assert_true(landing_text_uses("{title}\n{commits}", "commits"));
	assert_false(landing_text_uses("{title} {{commits}", "commits"));
}

static void cleans(const char *s, const char *expected)
{
	autofree char *text = landing_text_clean(s);

	assert_string_equal(text, expected);
}

static void words_that_skip_a_ci_are_taken_out(void **state)
{
	static const char *const words[] = {"[skip ci]",
					    "[ci skip]",
					    "[no ci]",
					    "[skip actions]",
					    "[actions skip]",
					    "[SKIP CI]",
					    "[Ci-Skip]",
					    "[skip_ci]",
					    "[CF-Pages-Skip]",
					    "[skip-cd]",
					    "[skip travis]",
					    "[travis-ci skip]",
					    "[skip appveyor]",
					    "[skip netlify]",
					    "[azp skip]",
					    "[skip azurepipelines]",
					    "[skip azpipelines]",
					    "***NO_CI***",
					    "***no_ci***",
					    "[ skip  ci ]",
					    "[skip [ci skip]ci]",
					    "--skip-ci",
					    "[skip<!-- x --> ci]",
					    "[skip pre-commit.ci]",
					    "[skip\xe2\x80\x8b ci]",
					    "[skipRun]",
					    "[skip deploy]",
					    "[vela skip]"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		autofree char *s = xasprintf("Fix %s it\n\nIn the text%s, too: %s\n", words[i],
					     *words[i] == '-' ? "" : words[i], words[i]);

		cleans(s, "Fix it\n\nIn the text, too:\n");
	}
	cleans("Fix\n\nText\n\n\nskip-checks: true\n", "Fix\n\nText\n");
	cleans("Fix\n\nSigned-off-by: A <a@b>\nSkip-Checks:true\n",
	       "Fix\n\nSigned-off-by: A <a@b>\n");
	cleans("Fix\n\nskip-<!-- -->checks: true\n\nText", "Fix\n\nText\n");
}

static void other_words_stay(void **state)
{
	static const char *const texts[] = {"Do not [skip] it [ci] [skip list] [no-op] skip ci\n",
					    "--skip-circle --skip-ci-too x--skip-ci\n",
					    "The option skip-checks is new\n",
					    "a[i] = b[skip(ci)];\n\n  * list\n    deeper\n",
					    "[",
					    "]",
					    "[]",
					    "[skip ci\n]\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		autofree char *s = landing_text_clean(texts[i]);
		size_t n = strlen(texts[i]);

		assert_memory_equal(s, texts[i], n);
	}
}

/* A body is 65,536 characters of whatever somebody likes. */
static void a_nest_of_words_takes_one_pass(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < 20000; i++)
		buf_adds(&b, "[skip ");
	for (size_t i = 0; i < 20000; i++)
		buf_adds(&b, "ci]");
	{
		autofree char *s = landing_text_clean(b.s);

		assert_string_equal(s, "");
	}
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_template_is_filled),
		cmocka_unit_test(an_unknown_name_is_refused),
		cmocka_unit_test(words_that_skip_a_ci_are_taken_out),
		cmocka_unit_test(other_words_stay),
		cmocka_unit_test(a_nest_of_words_takes_one_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
