/* test_mask.c - values are found as they are and as usual programs encode them, in one piece or in several */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mask.h"
#include "base/mem.h"

#include <stdio.h>

#define KEY "sk-ant-api03-8fJ2/kQ+x'\"9 &<zz>-AA"

static struct mask *mask_of(const char *value)
{
	struct mask *m = mask_new();

	mask_add(m, value);
	return m;
}

static void assert_masked(const struct mask *m, const char *text, const char *want)
{
	autofree char *got = mask_text(m, text);

	if (strcmp(got, want) != 0)
		fail_msg("%s\nbecame    %s\nexpected  %s", text, got, want);
	assert_int_equal(mask_found(m, text, strlen(text)), strcmp(text, want) != 0);
}

/* What other programs make of KEY: by base64(1), xxd -p, python3's urllib.parse.quote(safe=''), json.dumps
 * and html.escape, JavaScript's encodeURIComponent, bash's ${x@Q}. */
static void encodings(void **state)
{
	static const char *const texts[][2] = {
		{"key=" KEY "!", "key=***!"},
		{"c2stYW50LWFwaTAzLThmSjIva1EreCciOSAmPHp6Pi1BQQ==", "***Q=="},
		{"736b2d616e742d61706930332d38664a322f6b512b7827223920263c7a7a3e2d4141.", "***."},
		{"736B2D616E742D61706930332D38664A322F6B512B7827223920263C7A7A3E2D4141.", "***."},
		{"?k=sk-ant-api03-8fJ2%2FkQ%2Bx%27%229%20%26%3Czz%3E-AA&", "?k=***&"},
		{"?k=sk-ant-api03-8fJ2%2fkQ%2bx%27%229%20%26%3czz%3e-AA&", "?k=***&"},
		{"?k=sk-ant-api03-8fJ2%2FkQ%2Bx'%229%20%26%3Czz%3E-AA&", "?k=***&"},
		{"{\"k\": \"sk-ant-api03-8fJ2/kQ+x'\\\"9 &<zz>-AA\"}", "{\"k\": \"***\"}"},
		{"{\"k\": \"sk-ant-api03-8fJ2\\/kQ+x'\\\"9 &<zz>-AA\"}", "{\"k\": \"***\"}"},
		{"<k>sk-ant-api03-8fJ2/kQ+x&#39;&quot;9 &amp;&lt;zz&gt;-AA</k>", "<k>***</k>"},
		{"'sk-ant-api03-8fJ2/kQ+x'\\''\"9 &<zz>-AA'", "'***'"},
		{"sk-ant-api03 and 8fJ2", "sk-ant-api03 and 8fJ2"},
	};
	struct mask *m = mask_of(KEY);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_masked(m, texts[i][0], texts[i][1]);
	mask_free(m);
}

static char *base64(const char *before, const char *value, const char *after, size_t width)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	autofree char *all = xasprintf("%s%s%s", before, value, after);
	cleanup(buf_release) struct buf b = BUF_INIT;
	size_t n = strlen(all), column = 0;

	for (size_t i = 0; i < n; i += 3) {
		unsigned v = (unsigned char)all[i] << 16;

		v |= i + 1 < n ? (unsigned)(unsigned char)all[i + 1] << 8 : 0;
		v |= i + 2 < n ? (unsigned char)all[i + 2] : 0;
		for (int k = 0; k < 4; k++) {
			buf_addc(&b, (i + (size_t)k > n) ? '=' : digits[v >> (18 - 6 * k) & 63]);
			if (++column == width) {
				buf_addc(&b, '\n');
				column = 0;
			}
		}
	}
	return buf_steal(&b);
}

/* Wherever in what was encoded it begins, and over line breaks: no eight digits in a row of it are left. */
static void base64_in_any_place(void **state)
{
	static const char value[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-0123456789-the-end";
	struct mask *m = mask_of(value);

	(void)state;
	for (size_t before = 0; before < 7; before++)
		for (size_t width = 0; width <= 76; width += 19) {
			autofree char *text = base64(&"......"[6 - before], value, ",,", width);
			autofree char *masked = mask_text(m, text);

			assert_non_null(strstr(masked, MASK_TEXT));
			if (strlen(masked) > strlen(MASK_TEXT) + before * 4 / 3 + 12)
				fail_msg("%zu bytes before, lines of %zu: %s became %s", before,
					 width, text, masked);
		}
	mask_free(m);
}

static void lines_of_a_value(void **state)
{
	struct mask *m =
		mask_of("-----BEGIN KEY-----\nMIIEvQIBADANBgkq\r\nxy\n-----END KEY-----\n");

	(void)state;
	assert_masked(m, "a MIIEvQIBADANBgkq b", "a *** b");
	assert_masked(m, "xy is too short to be one", "xy is too short to be one");
	mask_free(m);
}

static void short_and_empty_values(void **state)
{
	struct mask *m = mask_of("");

	(void)state;
	mask_add(m, "true");
	mask_add(m, "12345");
	assert_true(mask_empty(m));
	assert_masked(m, "true 12345", "true 12345");
	assert_null(mask_text(m, NULL));
	assert_true(mask_empty(NULL));
	assert_false(mask_found(NULL, "x", 1));
	mask_add(m, "abcdef");
	mask_add(m, "abcdefgh");
	assert_masked(m, "abcdefgh abcdef", "*** ***"); /* the longer one is no *** and a rest */
	mask_free(m);
	mask_free(NULL);
}

/* However a text is cut, the same comes out of it; and no more is held back than may be a value's beginning. */
static void in_pieces(void **state)
{
	static const char text[] =
		"one sk-ant-api03-secret two sk-ant-api sk-ant-api03-secret sk-ant-";
	struct mask *m = mask_of("sk-ant-api03-secret");

	(void)state;
	for (size_t a = 0; a <= strlen(text); a++)
		for (size_t b = a; b <= strlen(text); b++) {
			cleanup(buf_release) struct buf to = BUF_INIT;
			cleanup(mask_stream_release) struct mask_stream st = {0};

			mask_feed(m, &st, text, a, false, &to);
			mask_feed(m, &st, text + a, b - a, false, &to);
			mask_feed(m, &st, text + b, strlen(text) - b, true, &to);
			assert_string_equal(to.s, "one *** two sk-ant-api *** sk-ant-");
		}
	{
		cleanup(buf_release) struct buf to = BUF_INIT;
		cleanup(mask_stream_release) struct mask_stream st = {0};

		mask_feed(m, &st, "compiling\n", 10, false, &to);
		assert_string_equal(to.s, "compiling\n");
		mask_feed(m, &st, "sk-a", 4, false, &to);
		assert_string_equal(to.s, "compiling\n");
		mask_feed(m, &st, "b", 1, false, &to);
		assert_string_equal(to.s, "compiling\nsk-ab");
	}
	mask_free(m);
}

static void strings_of_json(void **state)
{
	struct mask *m = mask_of("hunter2-hunter2");
	autojson json_t *v = json_pack("{s:s, s:[s, {s:s}], s:i}", "body", "is hunter2-hunter2.",
				       "list", "plain", "in", "hunter2-hunter2", "n", 7);
	autofree char *text = NULL;

	(void)state;
	mask_json(m, v);
	text = json_dumps(v, JSON_SORT_KEYS | JSON_COMPACT);
	assert_string_equal(text,
			    "{\"body\":\"is ***.\",\"list\":[\"plain\",{\"in\":\"***\"}],\"n\":7}");
	mask_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encodings),        cmocka_unit_test(base64_in_any_place),
		cmocka_unit_test(lines_of_a_value), cmocka_unit_test(short_and_empty_values),
		cmocka_unit_test(in_pieces),        cmocka_unit_test(strings_of_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
