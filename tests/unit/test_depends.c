/* test_depends.c - what says that a PR lands only after others, and what only looks so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/depends.h"
#include "base/mem.h"

#include <string.h>

/* "1 o/r#2 !found 'x'": the references, then what was not understood, by the word that was found. */
static char *read_text(const char *s)
{
	cleanup(depends_release) struct depends d = {0};
	struct buf b = BUF_INIT;

	depends_read(s, strlen(s), &d);
	for (size_t i = 0; i < d.n; i++) {
		autofree char *t = depend_text(&d.v[i]);

		buf_addf(&b, "%s%s", b.len ? " " : "", t);
	}
	strvec_foreach (&d.bad, w) {
		const char *found = strstr(*w, "found '");

		buf_addf(&b, "%s!%.*s", b.len ? " " : "",
			 found ? (int)strcspn(found + 7, "'") : (int)strlen(*w),
			 found ? found + 7 : *w);
	}
	return buf_steal(&b);
}

static const struct {
	const char *text, *read;
} cases[] = {
	/* as it is documented */
	{"Depends-On: #12", "12"},
	{"text\n\nDepends-On: #12\nSigned-off-by: A <a@b.c>", "12"},
	{"Depends-On: acme/app#12", "acme/app#12"},
	{"Depends-On: app#12", "app#12"},
	{"Depends-On: https://github.com/acme/app/pull/12", "acme/app#12"},
	{"Depends-On: https://forge.example.org/app/pull/12", "app#12"},
	{"Depends-On: http://h:3000/acme/app/pulls/12", "acme/app#12"},
	{"Depends-On: github.com/acme/app/pull/12", "acme/app#12"},
	{"Depends-On: acme/app/pull/12", "acme/app#12"},
	{"Depends-On: https://github.com/acme/app/pull/12/files#diff-1", "acme/app#12"},
	{"Depends-On: https://github.com/acme/app/pull/12?subdir=lib", "acme/app#12"},
	{"Depends-On: https://github.com/acme/app/pull/12#issuecomment-77", "acme/app#12"},
	{"Blocked-By: #12", "12"},
	{"Merge-After: #12", "12"},
	/* as it is typed */
	{"Depends on #12", "12"},
	{"Depends on: #12", "12"},
	{"depends-on:#12", "12"},
	{"DEPENDS_ON #12", "12"},
	{"DependsOn: #12", "12"},
	{"Depends\xe2\x80\x91On: #12", "12"},
	{"Depends-On : #12", "12"},
	{"Depends-On\xef\xbc\x9a #12", "12"},
	{"Depends-On: \xef\xbc\x83"
	 "12",
	 "12"},
	{"Depends-On:\xc2\xa0#12", "12"},
	{"Depends-On=#12", "12"},
	{"\xe2\x80\x8b"
	 "Depends-On: #12",
	 "12"},
	{"Blocked by #12", "12"},
	{"Merge after #12", "12"},
	{"This PR depends on #12", "12"},
	{"It also depends on #12.", "12"},
	{"  Depends-On: #12", "12"},
	{"Depends-On: 12", "12"},
	{"Depends-On: GH-12", "12"},
	{"Depends-On: PR #12", "12"},
	{"Depends-On: pull request #12", "12"},
	{"Depends-On: PR#12", "12"},
	/* several */
	{"Depends-On: #1, #2 and #3", "1 2 3"},
	{"Depends-On: #1 #2 a/b#3", "1 2 a/b#3"},
	{"Depends-On: #1; #2 & #3, and #4", "1 2 3 4"},
	{"Depends-On: [acme/app/pull/1 https://github.com/acme/app/pull/5]",
	 "acme/app#1 acme/app#5"},
	{"Depends-On: #1\nDepends-On: #2\nDepends-On: #1", "1 2"},
	{"Depends-On: #1,\n  #2,\n  #3\nNext: #4", "1 2 3"},
	{"Depends-On:\n- #1\n- a/b#2\n\nText #3", "1 a/b#2"},
	{"## Depends on:\n\n#1\n#2", "1 2"},
	/* Markdown */
	{"**Depends-On:** #12", "12"},
	{"**Depends-On**: #12", "12"},
	{"*Depends on* #12", "12"},
	{"- Depends-On: #12\n* Depends-On: #13\n1. Depends-On: #14", "12 13 14"},
	{"* [ ] Depends-On: #12\n- [x] Depends-On: #13", "12 13"},
	{"- a\n  - b\n    - Depends-On: #12", "12"},
	{"### Depends-On: #12", "12"},
	{"Depends-On: [#12](https://github.com/acme/app/pull/12)", "12"},
	{"Depends-On: [the parser](https://github.com/acme/app/pull/12)", "acme/app#12"},
	{"Depends-On: <https://github.com/acme/app/pull/12>", "acme/app#12"},
	{"Depends-On: `#12`", "12"},
	{"Depends-On: **#12**", "12"},
	{"| Depends-On: | #12 |", "12"},
	{"<details>\nDepends-On: #12\n</details>", "12"},
	{"<b>Depends-On:</b> #12", "12"},
	{"- note\nDepends-On: #12", "12"},
	{"> quoted\n\nDepends-On: #12", "12"},
	{"Depends-On: #12 <!-- the parser -->", "12"},
	/* a remark */
	{"Depends-On: #12.", "12"},
	{"Depends-On: (#12)", "12"},
	{"Depends-On: #12 (the parser)", "12"},
	{"Depends-On: #12 - the parser", "12"},
	{"Depends on #12 for the parser", "12"},
	/* not in force */
	{"<!-- Depends-On: #12 -->", ""},
	{"<!--\nDepends-On: #12\n-->\ntext", ""},
	{"```\nDepends-On: #12\n```", ""},
	{"text\n\n    Depends-On: #12", ""},
	{"> Depends-On: #12", ""},
	{"`Depends-On: #12`", ""},
	{"~~Depends-On: #12~~", ""},
	{"Depends-On: none", ""},
	{"Depends on: N/A", ""},
	{"x Depends-On: #12", ""},
	{"Depends on the weather", ""},
	{"depends-on lines are read now", ""},
	{"It depends on 3 things", ""},
	{"Depends-Only: #12", ""},
	{"Independent of #12", ""},
	{"Blocked by review", ""},
	{"", ""},
	/* not understood */
	{"Depends-On: twelve", "!twelve"},
	{"Depends-On: #0", "!#0"},
	{"Depends-On: #-1", "!#-1"},
	{"Depends-On: #12x", "!#12x"},
	{"Depends-On: #1, #12x", "1 !#12x"},
	{"Depends-On: #99999999999", "!#99999999999"},
	{"Depends-On: a;b#1", "!a"},
	{"Depends-On: a/b/c#1", "!a/b/c#1"},
	{"Depends-On: https://h.example/a/b/issues/9", "!https://h.example/a/b/issues/9"},
	{"Depends-On: https://review.example.org/c/a/+/91", "!https://review.example.org/c/a/+/91"},
	{"Depends-On: https://h.example/pull/9", "!https://h.example/pull/9"},
	{"Depends-On: ftp://h.example/a/b/pull/9", "!ftp://h.example/a/b/pull/9"},
	{"Depends-On: I8473b95934b5732ac55d26311a706c9c2bde9940",
	 "!I8473b95934b5732ac55d26311a706c9c2bde9940"},
	{"Merge-After: 2026-12-01T09:00:00Z", "!2026-12-01T09:00:00Z"},
	{"Depends-On:", "!"},
	{"Depends-On: ,", "!"},
	{"Depends-On: PR", "!"},
	{"* [ ] Depends-On:", "!"},
	{"Depends-On:\n- the parser", "!"},
	{"Depends-On: #12 unless #13 lands", "12 !unless"},
	{"Depends on #12 and the fix in #13", "12 !the"},
	{"Depends-On: #1 or #2", "1 !or"},
	{"Depends-On: #1 (or #2)", "1 !or"},
	{"Depends-On: the parser", "!the"},
	{"Depends-On: !12", "!!12"},
};

static void test_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autofree char *got = read_text(cases[i].text);

		if (strcmp(got, cases[i].read) != 0)
			fail_msg("'%s': found '%s', expected '%s'", cases[i].text, got,
				 cases[i].read);
	}
}

/* What is wrong is said with the line, what was found and what is expected. */
static void test_words(void **state)
{
	cleanup(depends_release) struct depends d = {0};
	static const char text[] = "- **Depends-On:** #7, soon";

	(void)state;
	depends_read(text, strlen(text), &d);
	assert_int_equal(d.bad.n, 1);
	assert_string_equal(d.bad.v[0],
			    "Depends-On: #7, soon: found 'soon'; expected #12, owner/repo#12 "
			    "or the address of a pull request, or 'none'");
	assert_string_equal(d.v[0].what, "#7");
}

static void test_too_many(void **state)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	cleanup(depends_release) struct depends d = {0};

	(void)state;
	for (int i = 1; i <= DEPENDS_MAX + 1; i++)
		buf_addf(&b, "Depends-On: #%d\n", i);
	depends_read(b.s, b.len, &d);
	assert_int_equal(d.n, DEPENDS_MAX);
	assert_int_equal(d.bad.n, 1);
	assert_string_equal(d.bad.v[0], "#51: is one of more than 50; name fewer");
}

static void test_too_deep(void **state)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	cleanup(depends_release) struct depends d = {0};

	(void)state;
	for (int i = 0; i < 10000; i++)
		buf_adds(&b, "- ");
	for (int i = 0; i < 10000; i++)
		buf_adds(&b, "\n");
	depends_read(b.s, b.len, &d);
	assert_int_equal(d.bad.n, 1);
}

/* The subject of a commit is prose unless it is understood; everything else counts, wherever it stands. */
static void test_messages(void **state)
{
	static const struct {
		const char *message, *first;
		size_t n, bad;
	} rows[] = {
		{"Fix\n\nDepends-On: #1\nSigned-off-by: A <a@b.c>\n", "1", 1, 0},
		{"Fix\n\nDepends-On: #1\n\nMore text.\n", "1", 1, 0},
		{"Fix\nDepends-On: #1\n", "1", 1, 0},
		{"Depends-On: #1", "1", 1, 0},
		{"depends-on: read it with care", NULL, 0, 0},
		{"depends-on: read it\n\nDepends-On: later", NULL, 0, 1},
		{"Fix\n\n> Depends-On: #1\n", NULL, 0, 0},
		{"", NULL, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup(depends_release) struct depends d = {0};
		autofree char *first = NULL;

		depends_of_message(rows[i].message, &d);
		assert_int_equal(d.n, rows[i].n);
		assert_int_equal(d.bad.n, rows[i].bad);
		first = d.n ? depend_text(&d.v[0]) : NULL;
		if (first)
			assert_string_equal(first, rows[i].first);
	}
}

static void test_begins(void **state)
{
	(void)state;
	assert_true(depends_begins("Depends-On: # 7"));
	assert_true(depends_begins("  * [ ] depends on it"));
	assert_true(depends_begins("- **<b>Depends-On:</b>** x"));
	assert_true(depends_begins("12. > # This PR depends on it"));
	assert_false(depends_begins("It is done"));
	assert_false(depends_begins("- <b>"));
	assert_false(depends_begins(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),    cmocka_unit_test(test_words),
		cmocka_unit_test(test_too_many), cmocka_unit_test(test_too_deep),
		cmocka_unit_test(test_begins),   cmocka_unit_test(test_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
