/* test_text.c - cleaning, cutting, nearest words, fences, slugs and hashes */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/utf8.h"

struct clean_row {
	const char *in, *out;
	size_t comments, invisible, broken;
};

static void check_clean(const struct clean_row *r)
{
	cleanup(buf_release) struct buf once = BUF_INIT;
	cleanup(buf_release) struct buf twice = BUF_INIT;
	struct text_cleaned what;

	text_clean(r->in, strlen(r->in), &once, &what);
	assert_string_equal(once.s, r->out);
	if (what.comments != r->comments || what.invisible != r->invisible ||
	    what.broken != r->broken)
		fail_msg("'%s': %zu comments, %zu invisible, %zu broken", r->in, what.comments,
			 what.invisible, what.broken);
	text_clean(once.s, once.len, &twice, &what);
	assert_string_equal(twice.s, once.s);
	assert_int_equal(what.comments + what.invisible + what.broken, 0);
}

static void clean_takes_out_comments(void **state)
{
	static const struct clean_row rows[] = {
		{"a <!-- x --> b", "a  b", 1, 0, 0},
		{"a <!-- x\ny\n--> b <!--z-->", "a  b ", 2, 0, 0},
		{"a <!-- never closed", "a ", 1, 0, 0},
		{"<!--> seen", " seen", 1, 0, 0},
		{"<!---> seen", " seen", 1, 0, 0},
		{"<!-- x --!> still --> seen", " seen", 1, 0, 0},
		{"<!<!-- -->-- y --> z", " z", 2, 0, 0},
		{"<!\u200b-- y --> z", " z", 1, 1, 0},
		{"<!- a -->", "<!- a -->", 0, 0, 0},
		{"a --> b", "a --> b", 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_clean(&rows[i]);
}

static void clean_takes_out_what_is_unseen(void **state)
{
	static const struct clean_row rows[] = {
		{"a\u00adb", "ab", 0, 1, 0},
		{"a\u061cb\u180ec", "abc", 0, 2, 0},
		{"\u200b\u200c\u200d\u200e\u200f", "", 0, 5, 0},
		{"\u202a\u202b\u202c\u202d\u202ex", "x", 0, 5, 0},
		{"\u2060\u2064\u2066\u206fx\ufeff", "x", 0, 5, 0},
		{"\ufff9\ufffa\ufffbx", "x", 0, 3, 0},
		{"x\U000e0001\U000e0041\U000e007f", "x", 0, 3, 0},
		{"x\U000e0100\U000e01ef", "x", 0, 2, 0},
		{"x\ufe00\ufe0e", "x", 0, 2, 0},
		{"\u3164\u115f\u034f\uffa0x", "x", 0, 4, 0},
		{"\u2764\ufe0f", "\u2764\ufe0f", 0, 0, 0},
		{"\u2764\ufe0f\ufe0f\ufe0f", "\u2764\ufe0f", 0, 2, 0},
		{"\ufe0fx \ufe0f\n\ufe0f", "x \n", 0, 3, 0},
		{"a\001b\033[31mc\177d", "ab[31mcd", 0, 3, 0},
		{"a\xc2\x80"
		 "b\xc2\x9f"
		 "c",
		 "abc", 0, 2, 0},
		{"tab\tline\n", "tab\tline\n", 0, 0, 0},
		{"dos\r\nline\r", "dos\nline", 0, 1, 0},
		{"\u00e4\u20ac\U0001f600", "\u00e4\u20ac\U0001f600", 0, 0, 0},
		{"a\u00a0b\u3000c", "a\u00a0b\u3000c", 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_clean(&rows[i]);
}

#define BAD "\xef\xbf\xbd"

static void clean_marks_what_is_not_utf8(void **state)
{
	static const struct clean_row rows[] = {
		{"a\xff"
		 "b",
		 "a" BAD "b", 0, 0, 1},
		{"\xc3", BAD, 0, 0, 1},                         /* cut off */
		{"\xc0\xaf", BAD BAD, 0, 0, 2},                 /* overlong '/' */
		{"\xe0\x80\xbc", BAD BAD BAD, 0, 0, 3},         /* overlong '<' */
		{"\xed\xa0\x80", BAD BAD BAD, 0, 0, 3},         /* surrogate */
		{"\xf4\x90\x80\x80", BAD BAD BAD BAD, 0, 0, 4}, /* over U+10FFFF */
		{"\xe2\x80", BAD BAD, 0, 0, 2},
		{"\x80", BAD, 0, 0, 1},
	};
	cleanup(buf_release) struct buf b = BUF_INIT;
	struct text_cleaned what;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_clean(&rows[i]);
	text_clean("a\0b", 3, &b, &what);
	assert_string_equal(b.s, "ab");
	assert_int_equal(what.invisible, 1);
}

static void clean_appends_and_obeys_the_buffer(void **state)
{
	cleanup(buf_release) struct buf b = BUF_INIT_MAX(8);

	(void)state;
	buf_adds(&b, "<!-");
	text_clean("- x", 3, &b, NULL);
	assert_string_equal(b.s, "<!-- x"); /* what was there before is not ours to judge */
	text_clean("much more", 9, &b, NULL);
	assert_true(b.failed);
}

static void utf8_agrees_with_every_code_point(void **state)
{
	(void)state;
	for (uint32_t cp = 0x80; cp <= 0x10ffff; cp++) {
		char s[4];
		size_t n = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
		uint32_t rest = cp, got = 0;

		for (size_t i = n - 1; i > 0; i--, rest >>= 6)
			s[i] = (char)(0x80 | (rest & 0x3f));
		s[0] = (char)((n == 2 ? 0xc0 : n == 3 ? 0xe0 : 0xf0) | rest);
		if (cp >= 0xd800 && cp <= 0xdfff) {
			assert_int_equal(utf8_decode(s, n, &got), 0);
			continue;
		}
		if (utf8_decode(s, n, &got) != n || got != cp || utf8_decode(s, n - 1, &got))
			fail_msg("U+%04X", cp);
	}
}

static void cut_ends_at_a_character(void **state)
{
	(void)state;
	assert_int_equal(text_cut("abc", 3, 5), 3);
	assert_int_equal(text_cut("abc", 3, 2), 2);
	assert_int_equal(text_cut("a\u20acb", 5, 4), 4);
	assert_int_equal(text_cut("a\u20acb", 5, 3), 1);
	assert_int_equal(text_cut("a\u20acb", 5, 2), 1);
	assert_int_equal(text_cut("\U0001f600", 4, 3), 0);
	assert_int_equal(text_cut("\x80\x80\x80\x80\x80\x80", 6, 5), 5); /* no UTF-8 at all */
	assert_int_equal(text_cut("abc", 3, 0), 0);
}

static void tail_begins_at_a_line(void **state)
{
	(void)state;
	assert_int_equal(text_tail("one\ntwo\n", 8, 100), 0);
	assert_int_equal(text_tail("one\ntwo\n", 8, 4), 4);
	assert_int_equal(text_tail("one\ntwo\n", 8, 6), 4);
	assert_int_equal(text_tail("one\ntwo\n", 8, 3), 5); /* the one line is longer */
	assert_int_equal(text_tail("longer\n", 7, 3), 4);
	assert_int_equal(text_tail("a\u20ac\u20ac", 7, 5), 4);
	assert_int_equal(text_tail("abc", 3, 0), 3);
	assert_int_equal(text_tail("", 0, 0), 0);
}

static void slug_for_branches(void **state)
{
	static const char *const rows[][2] = {
		{"Fix the  Login!", "fix-the-login"},
		{"  --x--  ", "x"},
		{"\u00dcber", "ber"},
		{"", "task"},
		{"!!!", "task"},
		{"../a.lock", "a-lock"},
		{"abcdefghij klm", "abcdefghij"},
		{"abcdefghi jklm", "abcdefghi"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autofree char *slug = text_slug(rows[i][0], i < 6 ? 40 : 10);

		assert_string_equal(slug, rows[i][1]);
	}
}

static void nearest_word(void **state)
{
	static const char *const words[] = {"queue", "dequeue", "status", "retry", "run", NULL};
	autofree char *big = xmalloc(100001);

	(void)state;
	assert_string_equal(text_nearest("queue", words), "queue");
	assert_string_equal(text_nearest("queu", words), "queue");
	assert_string_equal(text_nearest("stauts", words), "status");
	assert_string_equal(text_nearest("rety", words), "retry");
	assert_string_equal(text_nearest("rnu", words), "run");
	assert_null(text_nearest("frobnicate", words));
	assert_null(text_nearest("", words));
	assert_null(text_nearest("xx", words));
	memset(big, 'q', 100000);
	big[100000] = '\0';
	assert_null(text_nearest(big, words));
}

static void durations(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} rows[] = {
		{-5, "0s"},
		{0, "0s"},
		{999, "0s"},
		{45000, "45s"},
		{65000, "1m 5s"},
		{60000, "1m"},
		{10920000, "3h 2m"},
		{3605000, "1h"},
		{86400000, "1d"},
		{90000000, "1d 1h"},
		{INT64_MAX, "106751991167d 7h"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autofree char *s = text_duration(rows[i].ms);

		assert_string_equal(s, rows[i].text);
	}
}

static void fences_are_longer_than_any_inside(void **state)
{
	autofree char *plain = text_fence("no ticks, `one` and ``two``");
	autofree char *longer = text_fence("a ````` b ```");

	(void)state;
	assert_string_equal(plain, "```");
	assert_string_equal(longer, "``````");
}

/* FIPS 180-4's examples; RFC 4231's cases 1, 2 and 6. */
static void quoted_texts_do_nothing(void **state)
{
	static const struct {
		const char *in, *quoted, *defused;
	} cases[] = {
		{"", "", ""},
		{"Fixed it.", "> Fixed it.", "Fixed it."},
		{"a\n\n/yard queue\nDepends-On: #7\n",
		 "> a\n> \n> /yard queue\n> Depends-On: # 7\n",
		 "a\n\n/yard queue\n> Depends-On: # 7\n"},
		{"@all, a@b.c (@x) @", "> @ all, a@b.c (@ x) @", "@ all, a@b.c (@ x) @"},
		{"closes o/r#12, GH-3, gh-4, # 5, C#", "> closes o/r# 12, GH- 3, gh- 4, # 5, C#",
		 "closes o/r# 12, GH- 3, gh- 4, # 5, C#"},
		{"\033]0;x\007y<!-- m -->\xe2\x80\xae.", "> ]0;xy.", "]0;xy."},
		{"@\xe2\x80\x8b"
		 "all @<!-- -->all #\xe2\x80\x8b"
		 "1",
		 "> @ all @ all # 1", "@ all @ all # 1"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autofree char *q = text_quote(cases[i].in), *d = text_defuse(cases[i].in);

		assert_string_equal(q, cases[i].quoted);
		assert_string_equal(d, cases[i].defused);
	}
}

static void names_are_shown_on_one_line(void **state)
{
	autofree char *c = text_code("src/\xc3\xbc \n`\033\xff\xe2\x80\xae.c");

	(void)state;
	assert_string_equal(c, "`src/\xc3\xbc ?????.c`");
}

static void hashes_have_known_values(void **state)
{
	autofree char *empty = text_sha256("", 0);
	autofree char *abc = text_sha256("abc", 3);
	char key1[20], key6[131];

	(void)state;
	assert_string_equal(empty,
			    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_string_equal(abc,
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	memset(key1, 0x0b, sizeof(key1));
	memset(key6, 0xaa, sizeof(key6));
	{
		const char *data6 = "Test Using Larger Than Block-Size Key - Hash Key First";
		autofree char *one = text_hmac(key1, sizeof(key1), "Hi There", 8);
		autofree char *two = text_hmac("Jefe", 4, "what do ya want for nothing?", 28);
		autofree char *six = text_hmac(key6, sizeof(key6), data6, strlen(data6));
		autofree char *none = text_hmac(NULL, 0, "", 0);

		assert_string_equal(
			one, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
		assert_string_equal(
			two, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
		assert_string_equal(
			six, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
		assert_string_equal(
			none, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clean_takes_out_comments),
		cmocka_unit_test(clean_takes_out_what_is_unseen),
		cmocka_unit_test(clean_marks_what_is_not_utf8),
		cmocka_unit_test(clean_appends_and_obeys_the_buffer),
		cmocka_unit_test(utf8_agrees_with_every_code_point),
		cmocka_unit_test(cut_ends_at_a_character),
		cmocka_unit_test(tail_begins_at_a_line),
		cmocka_unit_test(slug_for_branches),
		cmocka_unit_test(nearest_word),
		cmocka_unit_test(durations),
		cmocka_unit_test(fences_are_longer_than_any_inside),
		cmocka_unit_test(quoted_texts_do_nothing),
		cmocka_unit_test(names_are_shown_on_one_line),
		cmocka_unit_test(hashes_have_known_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
