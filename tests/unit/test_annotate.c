/* test_annotate.c - the places that compilers, linters and tests name, and what only looks like one. */
#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "bot/annotate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

/* What is found, as "path:line level message" lines. */
static void finds(const char *log, const char *expected)
{
	autojson json_t *found = annotate(log, strlen(log));
	autofree char *text = xstrdup("");
	const json_t *o;
	size_t i;

	json_array_foreach (found, i, o) {
		char *more = xasprintf("%s%s:%d %s %s\n", text, json_str(o, "path", "?"),
				       (int)json_int(o, "start_line", 0),
				       json_str(o, "annotation_level", "?"),
				       json_str(o, "message", "?"));

		free(text);
		text = more;
		assert_int_equal(json_int(o, "start_line", 0), json_int(o, "end_line", -1));
	}
	assert_string_equal(text, expected);
}

static void test_compilers(void **state)
{
	(void)state;
	finds("src/a.c: In function 'f':\n"
	      "src/a.c:12:5: error: 'x' undeclared\n"
	      "   12 |     x = 1;\n"
	      "src/a.c:13:1: warning: no return\n"
	      "src/a.c:12:5: note: once\n",
	      "src/a.c:12 failure error: 'x' undeclared\n"
	      "src/a.c:13 warning warning: no return\n");
	finds("src/a.ts(12,5): error TS2304: Cannot find name\r\n",
	      "src/a.ts:12 failure error TS2304: Cannot find name\n");
	finds("error[E0425]: cannot find value\n  --> src/main.rs:4:9\n   |\n",
	      "src/main.rs:4 failure error[E0425]: cannot find value\n");
	finds("./main_test.go:7: want 1\n", "main_test.go:7 failure want 1\n");
	finds("\033[1msrc/a.c:3:1: \033[31merror: \033[0mred\n", "src/a.c:3 failure error: red\n");
}

static void test_python(void **state)
{
	(void)state;
	finds("Traceback (most recent call last):\n"
	      "  File \"src/a.py\", line 2, in <module>\n"
	      "    f()\n"
	      "  File \"src/b.py\", line 9, in f\n"
	      "    raise ValueError(1)\n"
	      "ValueError: 1\n",
	      "src/b.py:9 failure ValueError: 1\n");
}

/* What tests print, of which no compiler knows. */
static void test_tests(void **state)
{
	(void)state;
	finds("--- FAIL: TestAdd (0.00s)\n    add_test.go:10: got 1, want 2\n",
	      "add_test.go:10 failure got 1, want 2\n");
	finds("tests/test_a.py:12: AssertionError\n",
	      "tests/test_a.py:12 failure AssertionError\n");
	finds("thread 'tests::adds' panicked at src/lib.rs:5:9:\nassertion `left == right` failed\n"
	      "  left: 1\n",
	      "src/lib.rs:5 failure assertion `left == right` failed\n");
	finds("AssertionError [ERR_ASSERTION]: 1 == 2\n"
	      "    at equal (/work/node_modules/x/index.js:1:1)\n"
	      "    at TestContext.<anonymous> (file:///work/src/a.test.mjs:3:5)\n"
	      "    at run (/work/src/b.mjs:9:1)\n",
	      "src/a.test.mjs:3 failure AssertionError [ERR_ASSERTION]: 1 == 2\n");
	finds("#   Failed test 'it adds'\n#   at t/add.t line 7.\n",
	      "t/add.t:7 failure Failed test 'it adds'\n");
	finds("[   LINE   ] --- tests/unit/test_x.c:12: error: Failure!\n",
	      "tests/unit/test_x.c:12 failure error: Failure!\n");
	finds("    at nothing that was thrown (src/a.js:1:1)\nat once\nat \n", "");
}

/* A log of GitHub Actions has the time before each line; a checkout is not at the root. */
static void test_runners(void **state)
{
	(void)state;
	finds("2026-11-21T17:00:00.1234567Z ##[error]src/a.c:3:1: error: red\n"
	      "2026-11-21T17:00:00.1234567Z /home/runner/work/app/app/src/b.c:4: error: red\n",
	      "src/a.c:3 failure error: red\nsrc/b.c:4 failure error: red\n");
	finds("/work/src/a.c:3:1: error: red\n  File \"/work/src/a.py\", line 2, in f\nValueError: "
	      "1\n",
	      "src/a.c:3 failure error: red\nsrc/a.py:2 failure ValueError: 1\n");
	finds("/home/runner/work/app:1: no\n/workers/a.c:1: no\n/work/../a.c:1: no\n//work/a.c:2: "
	      "no\n",
	      "");
}

static void test_grep(void **state)
{
	(void)state;
	finds("src/two.txt:1:here is a bug\n", "src/two.txt:1 failure here is a bug\n");
}

/* Nothing that leads out of the repository, no times, no addresses, no numbers alone. */
static void test_no_places(void **state)
{
	(void)state;
	finds("12:30:05 started\nhttp://127.0.0.1:8080: up\n/etc/passwd:1: root\n"
	      "../x.c:1: error: out\nsrc/../../x.c:1: no\n-x.c:1: no\nword:5: no\na.c:0: no\n"
	      "a.c:99999999: no\na.c:5x\na.c:12\n",
	      "");
	finds("", "");
}

static void test_bounded(void **state)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	autojson json_t *found = NULL;

	(void)state;
	for (int i = 1; i <= 200; i++)
		buf_addf(&b, "src/a.c:%d:1: error: e\n", i);
	for (int i = 0; i < 100000; i++)
		buf_addc(&b, 'x');
	found = annotate(b.s, b.len);
	assert_int_equal(json_array_size(found), ANNOTATE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compilers), cmocka_unit_test(test_python),
		cmocka_unit_test(test_tests),     cmocka_unit_test(test_runners),
		cmocka_unit_test(test_grep),      cmocka_unit_test(test_no_places),
		cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
