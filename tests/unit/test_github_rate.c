/* test_github_rate.c - when the next request may start; the clock is a number */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "forge/github_rate.h"

#define T0   ((int64_t)10000000)
#define WALL 1700000000

static const struct gh_seen nothing = {.status = 200,
				       .date_s = -1,
				       .retry_after_s = -1,
				       .limit = -1,
				       .remaining = -1,
				       .reset_s = -1};

static struct gh_rate fresh(void)
{
	struct gh_rate r;

	gh_rate_init(&r, 4, 1000);
	return r;
}

static int64_t when(const struct gh_rate *r, enum gh_rate_kind k, int64_t now)
{
	const char *why = NULL;
	int64_t at = gh_rate_when(r, k, now, &why);

	assert_true(at >= now);
	assert_true(at == now || why);
	return at;
}

static void through(struct gh_rate *r, enum gh_rate_kind k, int64_t now)
{
	gh_rate_begin(r, k, now);
	assert_false(gh_rate_end(r, k, &nothing, WALL, now));
}

/* A refusal of this status at `now`. */
static bool refused(struct gh_rate *r, int status, int64_t after, int64_t remaining, int64_t reset,
		    int64_t now)
{
	struct gh_seen s = nothing;

	s.status = status;
	s.retry_after_s = after;
	s.remaining = remaining;
	s.reset_s = reset;
	gh_rate_begin(r, GH_RATE_READ, now);
	return gh_rate_end(r, GH_RATE_READ, &s, WALL, now);
}

static void one_write_and_a_few_reads(void **state)
{
	struct gh_rate r = fresh();

	(void)state;
	for (int i = 0; i < 4; i++) {
		assert_int_equal(when(&r, GH_RATE_READ, T0), T0);
		gh_rate_begin(&r, GH_RATE_READ, T0);
	}
	assert_true(when(&r, GH_RATE_READ, T0) == GH_RATE_NEVER);
	assert_int_equal(when(&r, GH_RATE_WRITE, T0), T0); /* reads do not hinder it */
	gh_rate_begin(&r, GH_RATE_WRITE, T0);
	assert_true(when(&r, GH_RATE_WRITE, T0) == GH_RATE_NEVER);
	assert_true(when(&r, GH_RATE_CREATE, T0) == GH_RATE_NEVER);
	gh_rate_end(&r, GH_RATE_READ, NULL, WALL, T0);
	assert_int_equal(when(&r, GH_RATE_READ, T0), T0);
	gh_rate_end(&r, GH_RATE_WRITE, NULL, WALL, T0 + 9);
	assert_int_equal(when(&r, GH_RATE_WRITE, T0 + 9), T0 + 9);
}

static void a_second_between_what_creates(void **state)
{
	struct gh_rate r = fresh();

	(void)state;
	gh_rate_begin(&r, GH_RATE_CREATE, T0);
	gh_rate_end(&r, GH_RATE_CREATE, &nothing, WALL, T0 + 300);
	assert_int_equal(when(&r, GH_RATE_CREATE, T0 + 301), T0 + 1300); /* from its answer on */
	assert_int_equal(when(&r, GH_RATE_WRITE, T0 + 301), T0 + 301);
	assert_int_equal(when(&r, GH_RATE_CREATE, T0 + 1300), T0 + 1300);
}

/* In no minute more than 900 points, in no hour more than 500 creating writes: as many as may start do,
 * and every one is looked at from its own last minute or hour. */
static void windows_slide(void **state)
{
	static int64_t at[3000];
	static const struct {
		enum gh_rate_kind kind;
		int64_t window_ms;
		size_t max, n;
	} cases[] = {{GH_RATE_READ, 60000, 900, 3000},
		     {GH_RATE_WRITE, 60000, 180, 800},
		     {GH_RATE_CREATE, 3600000, 500, 1200}};

	(void)state;
	for (size_t c = 0; c < ARRAY_LEN(cases); c++) {
		struct gh_rate r = fresh();
		int64_t now = T0 + 1234;
		size_t old = 0;

		for (size_t i = 0; i < cases[c].n; i++) {
			now = when(&r, cases[c].kind, now);
			through(&r, cases[c].kind, now);
			at[i] = now;
			for (; now - at[old] >= cases[c].window_ms; old++)
				;
			if (i - old + 1 > cases[c].max)
				fail_msg("case %zu: %zu within a window, expected %zu", c,
					 i - old + 1, cases[c].max);
		}
		/* and not much slower than allowed: within a slot a window */
		assert_true(at[cases[c].n - 1] - at[0] <=
			    (int64_t)(cases[c].n / cases[c].max) * cases[c].window_ms * 5 / 4);
	}
}

static void a_long_pause_empties_the_windows(void **state)
{
	struct gh_rate r = fresh();

	(void)state;
	for (int i = 0; i < 900; i++)
		through(&r, GH_RATE_READ, T0);
	assert_true(when(&r, GH_RATE_READ, T0) > T0 + 55000);
	assert_int_equal(when(&r, GH_RATE_READ, T0 + 86400000), T0 + 86400000);
	through(&r, GH_RATE_READ, T0 + 86400000);
}

static void retry_after_is_kept(void **state)
{
	struct gh_rate r = fresh();

	(void)state;
	assert_true(refused(&r, 429, 17, -1, -1, T0));
	assert_int_equal(when(&r, GH_RATE_READ, T0 + 1), T0 + 17000);
	assert_int_equal(when(&r, GH_RATE_CREATE, T0 + 1), T0 + 17000);
	assert_int_equal(when(&r, GH_RATE_READ, T0 + 17000), T0 + 17000);
	assert_true(refused(&r, 403, 5, -1, -1, T0 + 20000));
	assert_int_equal(when(&r, GH_RATE_READ, T0 + 20000), T0 + 25000);
	/* a shorter one that overtakes does not shorten it */
	assert_true(refused(&r, 403, 1, -1, -1, T0 + 20001));
	assert_int_equal(when(&r, GH_RATE_READ, T0 + 20001), T0 + 25000);
	/* and one without sense is bounded */
	assert_true(refused(&r, 429, 86400, -1, -1, T0 + 30000));
	assert_int_equal(when(&r, GH_RATE_READ, T0 + 30000), T0 + 30000 + GH_RATE_HOLD_MAX);
}

static void a_used_up_hour_ends_at_its_reset(void **state)
{
	struct gh_rate r = fresh();
	struct gh_seen s = nothing;

	(void)state;
	assert_true(refused(&r, 403, -1, 0, WALL + 100, T0));
	assert_int_equal(when(&r, GH_RATE_READ, T0), T0 + 101000);
	r = fresh(); /* also when that is sooner than a limit without a time would end */
	assert_true(refused(&r, 403, -1, 0, WALL + 9, T0));
	assert_int_equal(when(&r, GH_RATE_READ, T0), T0 + 10000);
	/* The same without a refusal: the last one that was allowed says that it was. */
	r = fresh();
	s.remaining = 0;
	s.limit = 5000;
	s.reset_s = WALL + 200;
	s.date_s = WALL + 50; /* by the answer's own clock */
	gh_rate_begin(&r, GH_RATE_READ, T0);
	assert_false(gh_rate_end(&r, GH_RATE_READ, &s, WALL, T0));
	assert_int_equal(when(&r, GH_RATE_READ, T0), T0 + 151000);
	assert_int_equal(r.limit, 5000);
	assert_int_equal(when(&r, GH_RATE_READ, T0 + 151000), T0 + 151000);
	/* A reset that is past, or far away, is no time. */
	r = fresh();
	assert_true(refused(&r, 403, -1, 0, WALL - 10, T0));
	assert_int_equal(when(&r, GH_RATE_READ, T0), T0 + 60000);
	r = fresh();
	assert_true(refused(&r, 403, -1, 0, (int64_t)1 << 39, T0));
	assert_int_equal(when(&r, GH_RATE_READ, T0), T0 + GH_RATE_HOLD_MAX);
}

static void answers_overtake_each_other(void **state)
{
	struct gh_rate r = fresh();
	struct gh_seen s = nothing;
	static const struct {
		int64_t remaining, reset, want;
	} cases[] = {{10, WALL + 60, 10},
		     {12, WALL + 60, 10},
		     {9, WALL + 60, 9},
		     {5000, WALL + 3660, 5000}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		s.remaining = cases[i].remaining;
		s.reset_s = cases[i].reset;
		gh_rate_begin(&r, GH_RATE_READ, T0);
		gh_rate_end(&r, GH_RATE_READ, &s, WALL, T0);
		assert_int_equal(r.remaining, cases[i].want);
	}
}

/* 60 s, doubled with each refusal, an hour at most; a good answer begins anew, but not one that was on
 * its way before. */
static void back_off_doubles_and_is_bounded(void **state)
{
	struct gh_rate r = fresh();
	int64_t now = T0, want = 60000;

	(void)state;
	for (int i = 0; i < 10; i++) {
		assert_true(refused(&r, 429, -1, -1, -1, now));
		assert_int_equal(when(&r, GH_RATE_READ, now), now + want);
		through(&r, GH_RATE_READ, now + 1); /* started before, answered now */
		now += want;
		want = want * 2 > GH_RATE_HOLD_MAX ? want : want * 2;
	}
	through(&r, GH_RATE_READ, now);
	assert_true(refused(&r, 429, -1, -1, -1, now));
	assert_int_equal(when(&r, GH_RATE_READ, now), now + 60000);
}

static void a_refusal_is_not_always_a_limit(void **state)
{
	static const struct {
		int status;
		int64_t after, remaining;
		bool says, limit;
	} cases[] = {
		{403, -1, 4999, false, false}, {403, -1, -1, false, false},
		{403, -1, 4999, true, true},   {403, 3, 4999, false, true},
		{403, -1, 0, false, true},     {429, -1, 4999, false, true},
		{503, 3, -1, false, false},    {404, -1, 0, false, false},
		{422, -1, 5, true, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct gh_rate r = fresh();
		struct gh_seen s = nothing;

		s.status = cases[i].status;
		s.retry_after_s = cases[i].after;
		s.remaining = cases[i].remaining;
		s.says_limit = cases[i].says;
		gh_rate_begin(&r, GH_RATE_WRITE, T0);
		if (gh_rate_end(&r, GH_RATE_WRITE, &s, WALL, T0) != cases[i].limit)
			fail_msg("case %zu", i);
		assert_int_equal(when(&r, GH_RATE_WRITE, T0) > T0, cases[i].limit);
	}
}

/* GraphQL refuses with status 200. Its own hour ends nothing but queries; a refusal without a time holds all. */
static void a_query_is_limited_with_status_200(void **state)
{
	static const struct {
		enum gh_rate_kind kind;
		bool says, other;
		int64_t remaining;
		bool limit;
		int64_t queries, reads; /* held for so long */
	} cases[] = {
		{GH_RATE_QUERY, false, true, 0, false, 0, 0},
		{GH_RATE_QUERY, true, true, 0, true, 601000, 0},
		{GH_RATE_QUERY, true, true, 4000, true, 60000, 60000},
		{GH_RATE_QUERY, true, false, 0, true, 601000, 601000},
		{GH_RATE_READ, true, false, 4000, false, 0, 0}, /* a text that somebody wrote */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct gh_rate r = fresh();
		struct gh_seen s = nothing;

		s.says_limit = cases[i].says;
		s.other = cases[i].other;
		s.remaining = cases[i].remaining;
		s.reset_s = WALL + 600;
		gh_rate_begin(&r, cases[i].kind, T0);
		if (gh_rate_end(&r, cases[i].kind, &s, WALL, T0) != cases[i].limit ||
		    when(&r, GH_RATE_QUERY, T0) != T0 + cases[i].queries ||
		    when(&r, GH_RATE_READ, T0) != T0 + cases[i].reads)
			fail_msg("case %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_write_and_a_few_reads),
		cmocka_unit_test(a_second_between_what_creates),
		cmocka_unit_test(windows_slide),
		cmocka_unit_test(a_long_pause_empties_the_windows),
		cmocka_unit_test(retry_after_is_kept),
		cmocka_unit_test(a_used_up_hour_ends_at_its_reset),
		cmocka_unit_test(answers_overtake_each_other),
		cmocka_unit_test(back_off_doubles_and_is_bounded),
		cmocka_unit_test(a_refusal_is_not_always_a_limit),
		cmocka_unit_test(a_query_is_limited_with_status_200),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
