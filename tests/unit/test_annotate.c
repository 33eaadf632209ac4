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
		cmocka_unit_test(test_grep),      cmocka_unit_test(test_no_places),
		cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
