/* test_engine_pos.c - the engine's position as the ledger keeps it, and failure signatures. */
#include "base/mem.h"
#include "blueprint/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SAYS(s, sub) assert_non_null(strstr(s, sub))

static void positions_that_are_broken(void **state)
{
	static const char *const bad[] = {"", "{}", "[]", "{\"started\":1}", "null"};
	cleanup(err_release) struct err err = ERR_INIT;
	struct bp_pos p = {.step = 3, .started = true, .phase = BP_PH_END, .from = BP_PH_PR};
	autofree char *json = bp_pos_json(&p), *again = NULL;
	char *end;
	struct bp_pos back = {.step = 77};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(bp_pos_parse(bad[i], &back, &err), -1);
	assert_int_equal(back.step, 77);
	assert_null(strchr(json, '\n'));
	assert_int_equal(bp_pos_parse(json, &back, &err), 0);
	again = bp_pos_json(&back);
	assert_string_equal(again, json);
	end = strstr(json, "\"end\"");
	memcpy(end, "\"enf\"", 5);
	assert_int_equal(bp_pos_parse(json, &back, &err), -1);
	SAYS(err_text(&err), "phase 'enf' is unknown");
}

static void signatures(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{"t.c:12: x", "t.c:99: x", true},
		{"took 0.31s", "took 12.5s", true},
		{"at 0x7ffe01ab", "at 0x55aa", true},
		{"in /tmp/tmp.Xy12/a.c: no", "in /tmp/zz/b.c: no", true},
		{"2026-11-20T13:37:27Z x", "2025-01-02T03:04:05Z x", true},
		{"commit 3f2a9bc1", "commit 9900aa12", true},
		{"\x1b[31mred\x1b[0m", "red", true},
		{"a  b\r\n", "a b\n", true},
		{"x is 1", "y is 1", false},
		{"expected foo", "expected bar", false},
		{"src/a.c: no", "src/b.c: no", false},
		{"", "x", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char a[65], b[65];

		bp_signature(cases[i].a, a);
		bp_signature(cases[i].b, b);
		assert_int_equal(strlen(a), 64);
		if (!strcmp(a, b) != cases[i].same)
			fail_msg("'%s' and '%s'", cases[i].a, cases[i].b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(positions_that_are_broken),
		cmocka_unit_test(signatures),
	};

	return cmocka_run_group_tests_name("engine_pos", tests, NULL, NULL);
}
