/* The life of a task: which state may follow which. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "task/life.h"

#include <string.h>

static const char *const states[] = {"waiting", "preparing", "running",  "asking",      "review",
				     "queued",  "halted",    "relabel",  "needs-human", "merged",
				     "done",    "no-change", "cancelled"};

static void test_ended(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		assert_int_equal(life_ended(states[i]), i >= 8);
	assert_false(life_ended("unheard of"));
}

/* Final is final; every open state can be cancelled and can come back to a person. */
static void test_edges(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		const char *s = states[i];

		assert_true(life_may(s, s));
		assert_false(life_may(s, "unheard of"));
		assert_false(life_may("unheard of", s));
		if (!life_ended(s)) {
			assert_true(life_may(s, "cancelled"));
			assert_true(life_may(s, "needs-human"));
		}
		for (size_t k = 0; k < ARRAY_LEN(states); k++)
			if (i >= 9 && i != k && strcmp(s, "done") != 0 &&
			    strcmp(s, "cancelled") != 0)
				assert_false(life_may(s, states[k]));
	}
	assert_true(life_may("needs-human", "running"));
	assert_true(life_may("running", "halted"));
	assert_true(life_may("halted", "running"));
	assert_true(life_may("queued", "merged"));
	assert_true(life_may("cancelled", "needs-human")); /* its issue is open again */
	assert_false(life_may("cancelled", "running"));
	assert_false(life_may("waiting", "queued"));
	assert_false(life_may("waiting", "asking"));
	assert_false(life_may("relabel", "running"));
	assert_false(life_may("no-change", "merged"));
	assert_false(life_may("asking", "merge"));
}

/* Each open state is reached from waiting, and an end from each. */
static void test_reachable(void **state)
{
	bool seen[ARRAY_LEN(states)] = {true};
	bool more = true;

	(void)state;
	while (more) {
		more = false;
		for (size_t i = 0; i < ARRAY_LEN(states); i++)
			for (size_t k = 0; seen[i] && k < ARRAY_LEN(states); k++)
				if (!seen[k] && life_may(states[i], states[k]))
					seen[k] = more = true;
	}
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (!seen[i])
			fail_msg("%s is never reached", states[i]);
}

static void test_error(void **state)
{
	cleanup(err_release) struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(life_check("waiting", "preparing", &err), 0);
	assert_int_equal(life_check("merged", "running", &err), -1);
	assert_int_equal(err.code, ERR_INTERNAL);
	assert_non_null(strstr(err_text(&err), "'merged'"));
	assert_non_null(strstr(err_text(&err), "'running'"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ended),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_reachable),
		cmocka_unit_test(test_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
