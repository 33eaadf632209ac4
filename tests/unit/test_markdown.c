/* test_markdown.c - which lines of a text somebody who reads it on a forge sees as the writer's own words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/markdown.h"
#include "base/mem.h"

#include <string.h>

/* "1:text|4:text", or "(too deep)". */
static char *seen(const char *s, size_t n)
{
	cleanup(markdown_release) struct markdown m = {0};
	struct buf b = BUF_INIT;

	if (!markdown_read(s, n, &m))
		return xstrdup("(too deep)");
	for (size_t i = 0; i < m.n; i++)
		buf_addf(&b, "%s%d:%s", i ? "|" : "", m.v[i].line, m.v[i].text);
	return buf_steal(&b);
}

static const struct {
	const char *text, *seen;
} cases[] = {
	{"", ""},
	{"a\nb\n\nc", "1:a|2:b|4:c"},
	{"a\r\nb\rc", "1:a|2:b|3:c"},
	{"# head\nSetext\n---\nend", "1:head|2:Setext|4:end"},
	/* lists, whose inside is no code however far in it stands */
	{"- a\n  - b\n    - c\n\n      d", "1:a|2:b|3:c|5:d"},
	{"* [ ] a\n10. b\n+ c", "1:[ ] a|2:b|3:c"},
	{"- a\nlazy", "1:a|2:lazy"},
	/* code */
	{"a\n\n    code\n\tcode\n\nb", "1:a|6:b"},
	{"a\n    no code: it goes on with the paragraph",
	 "1:a|2:no code: it goes on with the paragraph"},
	{"```\ncode\n```\na", "4:a"},
	{"~~~ x\ncode\n```\ncode\n~~~~\na", "6:a"},
	{"```\ncode without an end", ""},
	{"- ```\n  code\n  ```\n- a", "4:a"},
	{"-     code\n- a", "2:a"},
	{"`x` and ``a`b``", "1:`x` and `a`b`"},
	{"a `code\nof two lines` b\nc", "1:a `code of two lines` b|3:c"},
	{"```x``` text\ny", "1:`x` text|2:y"},
	/* quotes */
	{"> a\n> b\n\nc", "4:c"},
	{">a\nlazy, and the writer's", "2:lazy, and the writer's"},
	{"> > a\n>> b\n- > c\n  > d", ""},
	{"- a\n  > b\n\n  c", "1:a|4:c"},
	/* HTML comments, as GitHub shows them */
	{"<!-- a -->\nb", "2:b"},
	{"<!-- a --> b", "1:b"},
	{"<!--\na\n\nb\n-->\nc", "6:c"},
	{"<!-- never closed\na\n\nb", ""},
	{"a <!-- b\nc --> d\ne", "1:a  d|3:e"},
	{"a <!-- opens, and is text\nb", "1:a <!-- opens, and is text|2:b"},
	{"- <!-- a\n  b -->\n- c", "3:c"},
	{"`<!--` a\nb `-->`", "1:`<!--` a|2:b `-->`"},
	{"```\n<!--\n```\na", "4:a"},
	/* HTML */
	{"<details>\na\n<summary>s</summary>\n\nb\n\n</details>", "2:a|3:s|5:b"},
	{"<details>\n<!-- x\n\nhidden\n-->\nb\n</details>\n\nc", "6:b|9:c"},
	{"<pre>\na\n</pre>\nb", "4:b"},
	{"<script>a</script> b\n\nc", "1:b|3:c"},
	{"<b>a</b> c<br>d", "1:a c|1:d"},
	{"<p>a<br/>b</p>", "1:a|1:b"},
	/* markup */
	{"**a:** *b* __c__", "1:a: b c"},
	{"\\#12 &#35;13 &amp;", "1:#12 #13 &"},
	{"[#12](https://x.org/a/b/pull/12)", "1:#12"},
	{"[#1](https://x.org/a/b/pull/12)", "1:#1 https://x.org/a/b/pull/12"},
	{"[it](https://x.org/a/b/pull/12)", "1:https://x.org/a/b/pull/12"},
	{"<https://x.org/a>", "1:https://x.org/a"},
	{"[it]\n\n[it]: https://x.org/b", "1:https://x.org/b"},
	{"[#12] ![a picture](x.png) b", "1:[#12]  b"},
	{"a  \nb\\\nc", "1:a|2:b|3:c"},
	/* where the library counts the lines wrongly */
	{"[ref]: /url\n/yard a", "2:/yard a"},
	{"[x](/u\n\"ti\ntle\") q\n/yard a\n/yard b", "1:/u q|4:/yard a|5:/yard b"},
};

static void test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autofree char *got = seen(cases[i].text, strlen(cases[i].text));

		if (strcmp(got, cases[i].seen) != 0)
			fail_msg("'%s': found '%s', expected '%s'", cases[i].text, got,
				 cases[i].seen);
	}
}

static char *repeat(const char *a, size_t n, const char *b, size_t m)
{
	struct buf s = BUF_INIT;

	for (size_t i = 0; i < n; i++)
		buf_adds(&s, a);
	buf_adds(&s, "x");
	for (size_t i = 0; i < m; i++)
		buf_adds(&s, b);
	return buf_steal(&s);
}

/* What would cost seconds is not read; what people write is. */
static void test_depth(void **state)
{
	static const struct {
		const char *a;
		size_t n;
		const char *b;
		size_t m;
		bool deep;
	} rows[] = {
		{"- ", 16000, "\n", 32000, true},   {">", 16000, "\na", 24000, true},
		{"1. ", 10000, "\n", 20000, true},  {"- ", 20, "\n  y", 10000, false},
		{">", 60000, "", 0, false},         {"x\n", 30000, "", 0, false},
		{" ", 200, "\n    y", 5000, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autofree char *s = repeat(rows[i].a, rows[i].n, rows[i].b, rows[i].m);
		autofree char *got = seen(s, strlen(s));

		if (!strcmp(got, "(too deep)") != rows[i].deep)
			fail_msg("%zu times '%s': expected %s", rows[i].n, rows[i].a,
				 rows[i].deep ? "too deep" : "that it is read");
	}
}

static void test_any_bytes(void **state)
{
	static const char nul[] = "a\0b\n\xff\xfe c\n\n\0\n\0d";
	autofree char *got = seen(nul, sizeof(nul) - 1);

	(void)state;
	assert_non_null(strstr(got, "2:"));
	free(got);
	got = seen("", 0);
	assert_string_equal(got, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
