/* Who may work on what at the same time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "task/lease.h"

#include <string.h>

/* The words of a text as a vector. */
static struct strvec words(const char *text)
{
	struct strvec v = STRVEC_INIT;

	if (*text)
		strvec_split(&v, text, ' ');
	return v;
}

static void assert_wanted(const char *scopes, const char *allow, const char *exclusive,
			  const char *expected)
{
	cleanup(strvec_release) struct strvec s = words(scopes), a = words(allow),
					      x = words(exclusive), got = STRVEC_INIT;
	autofree char *found = NULL;

	lease_wanted(&s, &a, &x, &got);
	found = strvec_join(&got, " ");
	assert_string_equal(found, expected);
}

static void test_wanted(void **state)
{
	(void)state;
	assert_wanted("", "", "", "");
	assert_wanted("src/a/**", "", "", "src/a/**");
	assert_wanted("src/a/**", "**", "db/migrations/** package-lock.json", "src/a/**");
	assert_wanted("db/**", "", "db/migrations/** package-lock.json", "db/** db/migrations/**");
	/* Without scopes: what the blueprint names without a wildcard, and nothing of a wide one. */
	assert_wanted("", "package-lock.json src/**", "package-lock.json", "package-lock.json");
	assert_wanted("", "src/**", "src/lock", "");
	assert_wanted("", "**", "package-lock.json", "");
	/* Scopes say it better than the blueprint does. */
	assert_wanted("docs/**", "package-lock.json", "package-lock.json", "docs/**");
}

static void test_conflict(void **state)
{
	const struct lease_held held[] = {{1, "src/a/**"}, {2, "docs/index.md"}, {1, "db/**"}};
	cleanup(strvec_release) struct strvec none = STRVEC_INIT, a = words("src/a/x.c"),
					      d = words("test/** docs/**"), b = words("src/b/**");

	(void)state;
	assert_null(lease_conflict(held, 3, 3, &none));
	assert_null(lease_conflict(held, 0, 3, &a));
	assert_null(lease_conflict(held, 3, 3, &b));
	assert_ptr_equal(lease_conflict(held, 3, 3, &a), &held[0]);
	assert_ptr_equal(lease_conflict(held, 3, 3, &d), &held[1]);
	/* One's own lease is in nobody's way. */
	assert_null(lease_conflict(held, 3, 1, &a));
	assert_ptr_equal(lease_conflict(held, 3, 2, &a), &held[0]);
}

static void assert_scopes(const char *text, const char *expected, const char *bad)
{
	cleanup(strvec_release) struct strvec got = STRVEC_INIT, wrong = STRVEC_INIT;
	autofree char *a = NULL, *b = NULL;

	lease_scopes_of_text(text, &got, &wrong);
	a = strvec_join(&got, "|");
	b = strvec_join(&wrong, "|");
	assert_string_equal(a, expected);
	assert_string_equal(b, bad);
}

static void test_scopes_of_text(void **state)
{
	(void)state;
	assert_scopes("", "", "");
	assert_scopes("Scope: src/a/**, docs/index.md", "src/a/**|docs/index.md", "");
	assert_scopes("Please.\n\nscope:src/x\nSCOPE:  src/y ,, \n", "src/x|src/y", "");
	assert_scopes("The scope: is wide\n Scope: src/x\n", "src/x", "");
	/* as people write Markdown, and what they do not see does not count */
	assert_scopes("- **Scope:** `src/*.c`, docs/*.md", "src/*.c|docs/*.md", "");
	assert_scopes("Scope: src/*.c, tests/*.c", "src/*.c|tests/*.c", "");
	assert_scopes("<!-- for example:\nScope: src/** -->\n```\nScope: a\n```\n> Scope: b\n\n"
		      "    Scope: c",
		      "", "");
	assert_scopes("Scope: /absolute, ../up, ok/**", "ok/**", "/absolute|../up");
	assert_scopes("Scope: \r\n", "", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wanted),
		cmocka_unit_test(test_conflict),
		cmocka_unit_test(test_scopes_of_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
