/* test_glob.c - path patterns: their meaning, their time, and that no overlap is missed */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/glob.h"
#include "base/mem.h"

static void matches_as_documented(void **state)
{
	static const struct {
		const char *pattern, *path;
		bool match;
	} rows[] = {
		{"*.c", "a.c", true},
		{"*.c", "src/a.c", false},
		{"**/*.c", "a.c", true},
		{"**/*.c", "src/deep/a.c", true},
		{"**/*.c", "src/a.h", false},
		{"src/**", "src/a", true},
		{"src/**", "src/a/b", true},
		{"src/**", "src", false},
		{"src/", "src/a/b", true},
		{"src/", "src", false},
		{"src", "src/a", false},
		{"**", "a", true},
		{"**", "a/b/c", true},
		{"a/**/b", "a/b", true},
		{"a/**/b", "a/x/y/b", true},
		{"a/**/b", "a/x/y/c", false},
		{"a/**/b/**/c", "a/b/x/b/c", true},
		{"**/src/", "src/src", true},
		{"**/src/", "a/src", false},
		{"**/test/**", "a/test/b", true},
		{"**/test/**", "test", false},
		{"**/**", "a", true},
		{"**/", "a/b", true},
		{"a**b", "axxb", true},
		{"a**b", "a/b", false},
		{"?.c", "a.c", true},
		{"?.c", ".c", false},
		{"a?b", "a/b", false},
		{"[a-c]x", "bx", true},
		{"[a-c]x", "dx", false},
		{"[!a-c]x", "dx", true},
		{"[^a-c]x", "bx", false},
		{"a[!b]c", "a/c", false},
		{"[]x]", "]", true},
		{"[a-]", "-", true},
		{"[[]1].txt", "[1].txt", true},
		{"*", ".hidden", true},
		{"*", "a/b", false},
		{"*/b", "a/b", true},
		{"A", "a", false},
		{"a*b*c", "a1b2c", true},
		{"a*b*c", "a1b2", false},
		{".github/**", ".github/workflows/ci.yml", true},
		{"", "a", false},
		{"a", "", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (glob_match(rows[i].pattern, rows[i].path) != rows[i].match)
			fail_msg("'%s' and '%s': expected %d", rows[i].pattern, rows[i].path,
				 rows[i].match);
}

static void matches_any_of_a_list(void **state)
{
	cleanup(strvec_release) struct strvec list = STRVEC_INIT;

	(void)state;
	assert_false(glob_match_any(&list, "a"));
	strvec_pushl(&list, "src/**", "*.md", NULL);
	assert_true(glob_match_any(&list, "README.md"));
	assert_true(glob_match_any(&list, "src/x/y.c"));
	assert_false(glob_match_any(&list, "docs/a.md"));
}

static void check_refuses(void **state)
{
	static const char *const good[] = {"a",      "**",   "src/",    "a/**/b", "[a-c]*",
					   "[]]",    "[!]]", ".github", "...",    "[[]",
					   "*.[ch]", "a b",  "!x"};
	static const char *const bad[] = {"",    "/a",   "a//b", ".",     "a/./b", "..",  "a/../b",
					  "[ab", "a[/]", "[",    "[c-a]", "./a",   "../", "[]"};
	cleanup(err_release) struct err err = ERR_INIT;
	autofree char *big = xmalloc(5000);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (glob_check(good[i], &err) < 0)
			fail_msg("%s", err_text(&err));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (glob_check(bad[i], &err) == 0)
			fail_msg("'%s' was taken", bad[i]);
		assert_int_equal(err.code, ERR_INPUT);
		assert_non_null(strstr(err_text(&err), bad[i]));
	}
	memset(big, 'a', 4999);
	big[4999] = '\0';
	assert_int_equal(glob_check(big, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
}

/* Ten thousand stars' worth of backtracking would take until the end of the world; the product of
 * the lengths is eight million steps. */
static void time_is_linear(void **state)
{
	cleanup(buf_release) struct buf deep = BUF_INIT;
	cleanup(buf_release) struct buf path = BUF_INIT;
	autofree char *as = xmalloc(4097);

	(void)state;
	memset(as, 'a', 4096);
	as[4096] = '\0';
	assert_false(glob_match("a*a*a*a*b", as));
	assert_false(glob_match("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", as));
	for (int i = 0; i < 500; i++) {
		buf_adds(&deep, "**/a/");
		buf_adds(&path, "a/a/");
	}
	buf_adds(&deep, "b");
	buf_adds(&path, "c");
	assert_false(glob_match(deep.s, path.s));
	assert_true(glob_overlap(deep.s, "**/a/**"));
}

static void overlap_as_expected(void **state)
{
	static const struct {
		const char *a, *b;
		bool overlap;
	} rows[] = {
		{"src/**", "src/a.c", true},
		{"src/**", "docs/**", false},
		{"*.c", "*.h", false},
		{"*.c", "a*", true},
		{"a*b", "*ab*", true},
		{"[a-c]", "[d-f]", false},
		{"[a-d]", "[d-f]", true},
		{"**/x", "y/**", true},
		{"src/", "src/x", true},
		{"src/", "src/x/y", true},
		{"src/", "src", false},
		{"src/**", "src", false},
		{"a/*/c", "a/b/*", true},
		{"a/*/c", "a/b", false},
		{"**", "anything/at/all", true},
		{"**/a/**", "**/b/**", true},
		{"a/**/b", "a/b", true},
		{"migrations/**", "**/*.sql", true},
		{"ab*", "*ba", true},
		{"[!a]", "a", false},
		{"?", "ab", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (glob_overlap(rows[i].a, rows[i].b) != rows[i].overlap ||
		    glob_overlap(rows[i].b, rows[i].a) != rows[i].overlap)
			fail_msg("'%s' and '%s': expected %d", rows[i].a, rows[i].b,
				 rows[i].overlap);
	}
}

/* --- properties, by small random patterns over a small alphabet --- */

static uint32_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*seed >> 33);
}

static void random_text(uint64_t *seed, const char *const *pieces, size_t n, struct buf *b)
{
	size_t comps = 1 + next_random(seed) % 4;

	buf_reset(b);
	for (size_t i = 0; i < comps; i++) {
		if (i)
			buf_addc(b, '/');
		for (size_t k = 1 + next_random(seed) % 3; k > 0; k--)
			buf_adds(b, pieces[next_random(seed) % n]);
	}
}

/* The same meaning, written for clarity: recursion, no care for time. */
static bool slow_component(const char *p, const char *pend, const char *s, const char *send)
{
	if (p == pend)
		return s == send;
	if (*p == '*')
		return slow_component(p + 1, pend, s, send) ||
		       (s < send && slow_component(p, pend, s + 1, send));
	if (s == send)
		return false;
	if (*p == '[') /* the test's alphabet has [ab] and [!a] only */
		return (p[1] == '!' ? *s != 'a' : *s == 'a' || *s == 'b') &&
		       slow_component(p + 4, pend, s + 1, send);
	return (*p == '?' || *p == *s) && slow_component(p + 1, pend, s + 1, send);
}

static bool slow_match(const char *p, const char *s)
{
	const char *pend = strchrnul(p, '/'), *send = strchrnul(s, '/');
	const char *pnext = *pend ? pend + 1 : NULL, *snext = *send ? send + 1 : NULL;

	if (!*p)
		return *s; /* the pattern ended with '/' */
	if (!*s)
		return false;
	if (pend - p == 2 && p[0] == '*' && p[1] == '*')
		return !pnext || slow_match(pnext, s) || (snext && slow_match(p, snext));
	if (!slow_component(p, pend, s, send))
		return false;
	if (!pnext || !snext)
		return !pnext && !snext;
	return slow_match(pnext, snext);
}

static const char *const pattern_pieces[] = {"a", "b", "c", "*", "**", "?", "[ab]", "[!a]"};
static const char *const path_pieces[] = {"a", "b", "c"};

static void match_agrees_with_the_slow_one(void **state)
{
	cleanup(buf_release) struct buf pattern = BUF_INIT;
	cleanup(buf_release) struct buf path = BUF_INIT;
	uint64_t seed = 7;
	size_t hits = 0;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		bool fast;

		random_text(&seed, pattern_pieces, ARRAY_LEN(pattern_pieces), &pattern);
		if (next_random(&seed) % 8 == 0)
			buf_addc(&pattern, '/');
		random_text(&seed, path_pieces, ARRAY_LEN(path_pieces), &path);
		fast = glob_match(pattern.s, path.s);
		hits += fast;
		if (fast != slow_match(pattern.s, path.s))
			fail_msg("'%s' and '%s': %d", pattern.s, path.s, fast);
	}
	assert_true(hits > 1000); /* the property was not tried on misses alone */
}

static void overlap_misses_nothing(void **state)
{
	cleanup(buf_release) struct buf a = BUF_INIT;
	cleanup(buf_release) struct buf b = BUF_INIT;
	cleanup(buf_release) struct buf path = BUF_INIT;
	uint64_t seed = 11;
	size_t both = 0, apart = 0;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		bool overlap;

		random_text(&seed, pattern_pieces, ARRAY_LEN(pattern_pieces), &a);
		random_text(&seed, pattern_pieces, ARRAY_LEN(pattern_pieces), &b);
		overlap = glob_overlap(a.s, b.s);
		apart += !overlap;
		for (int k = 0; k < 200; k++) {
			random_text(&seed, path_pieces, ARRAY_LEN(path_pieces), &path);
			if (!glob_match(a.s, path.s) || !glob_match(b.s, path.s))
				continue;
			both++;
			if (!overlap)
				fail_msg("'%s' and '%s' both match '%s'", a.s, b.s, path.s);
		}
	}
	assert_true(both > 1000);
	assert_true(apart > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches_as_documented),
		cmocka_unit_test(matches_any_of_a_list),
		cmocka_unit_test(check_refuses),
		cmocka_unit_test(time_is_linear),
		cmocka_unit_test(overlap_as_expected),
		cmocka_unit_test(match_agrees_with_the_slow_one),
		cmocka_unit_test(overlap_misses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
