/* test_cli_render.c - answers on a terminal, in a pipe, and as JSON. */
#include "cli_world.h"

#include "cli/render.h"
#include "cli/show.h"
#include "cli/table.h"

#include <fcntl.h>

static char *shown(void (*fn)(struct buf *, const char *, size_t), const char *s, size_t n)
{
	struct buf b = BUF_INIT;

	fn(&b, s, n);
	return buf_steal(&b);
}

#define assert_shown(fn, s, expected)                                                              \
	do {                                                                                       \
		autofree char *got = shown(fn, s, sizeof(s) - 1);                                  \
		assert_string_equal(got, expected);                                                \
	} while (0)

static void test_nothing_reaches_the_terminal_as_a_command(void **state)
{
	(void)state;
	assert_shown(cli_show_text, "a\x1b[2Jb", "a\\x1b[2Jb");
	assert_shown(cli_show_text, "a\rb\x7f\0c", "a\\rb\\x7f\\x00c");
	assert_shown(cli_show_text,
		     "\xc2\x9b"
		     "31m",
		     "\\x9b31m"); /* C1: CSI in one character */
	assert_shown(cli_show_text,
		     "\x9b"
		     "31m",
		     "\\x9b31m"); /* the same as a bare byte */
	assert_shown(cli_show_text,
		     "a\xe2\x80\xae"
		     "b",
		     "a\\u202eb"); /* right-to-left override */
	assert_shown(cli_show_text,
		     "a\xe2\x80\x8b"
		     "b",
		     "a\\u200bb");                                   /* zero-width space */
	assert_shown(cli_show_text, "\xf3\xa0\x80\x81", "\\ue0001"); /* a tag letter */
	assert_shown(cli_show_text, "tab\tline\n", "tab\tline\n");
	assert_shown(cli_show_line, "tab\tline\n", "tab\\tline\\n");
	assert_shown(cli_show_text, "gr\xc3\xbc\xc3\x9f \xe6\x97\xa5\xe6\x9c\xac",
		     "gr\xc3\xbc\xc3\x9f \xe6\x97\xa5\xe6\x9c\xac");
	assert_shown(cli_show_text, "\xc3", "\\xc3");
}

static void test_json_stays_json(void **state)
{
	(void)state;
	assert_shown(cli_show_json, "{\"a\":\"\xc2\x9b\x7f\"}", "{\"a\":\"\\u009b\\u007f\"}");
	assert_shown(cli_show_json, "\"\xf3\xa0\x80\x81\"", "\"\\udb40\\udc01\"");
	assert_shown(cli_show_json, "{\n  \"a\": 1\n}", "{\n  \"a\": 1\n}");
}

static void test_width_of_characters(void **state)
{
	const char *s = "a\xe6\x97\xa5"
			"b"; /* a, one of two columns, b */

	(void)state;
	assert_int_equal(cli_width("abc", 3), 3);
	assert_int_equal(cli_width(s, 5), 4);
	assert_int_equal(cli_width("e\xcc\x81", 3), 1); /* e and a combining accent */
	assert_int_equal(cli_width_cut(s, 5, 2), 1);    /* the wide one does not fit */
	assert_int_equal(cli_width_cut(s, 5, 3), 4);
}

static const struct cli_column columns[] = {
	{"id", "ID", CLI_COL_INT},        {"state", "STATE", CLI_COL_STATE},
	{"head", "HEAD", CLI_COL_OID},    {"at_ms", "AT", CLI_COL_TIME},
	{"title", "TITLE", CLI_COL_LONG}, {0},
};
static const struct cli_command listing = {.path = "x list", .columns = columns};
static const struct cli_command plain = {.path = "x show"};
static const struct cli_command content = {.path = "x diff", .flags = CLI_CONTENT};

static char *rendered(struct world *w, const struct cli_command *cmd, const char *answer, bool json)
{
	autojson json_t *msg = NULL;
	struct cli_answer a;

	assert_int_equal(json_parse(answer, strlen(answer), 1 << 20, &msg, NULL), 0);
	assert_int_equal(cli_answer_decode(msg, &a, NULL), 0);
	cli_render(&w->out, cmd, &a, json);
	assert_int_equal(cli_out_flush(&w->out, NULL), 0);
	free(w->printed);
	w->printed = world_take(w->out_fd);
	return w->printed;
}

#define ROWS                                                                                       \
	"{\"ok\":true,\"rows\":["                                                                  \
	"{\"id\":7,\"state\":\"running\",\"head\":\"0123456789abcdef\",\"at_ms\":1795182000123,"   \
	"\"title\":\"A long title with \\u001b[31m in it\"},"                                      \
	"{\"id\":12,\"state\":\"merged\",\"head\":null,\"title\":\"\\u65e5\\u672c\\tx\"}]}"

static void test_rows_on_a_terminal(void **state)
{
	struct world *w = *state;

	world_terminal(w, 0);
	assert_string_equal(
		rendered(w, &listing, ROWS, false),
		"ID  STATE    HEAD          AT                    TITLE\n"
		" 7  running  0123456789ab  2026-11-20 13:40:00Z  A long title with \\x1b[31m in "
		"it\n"
		"12  merged                                       \xe6\x97\xa5\xe6\x9c\xac\\tx\n");
}

static void test_rows_are_cut_to_the_width(void **state)
{
	struct world *w = *state;
	const char *line;

	world_terminal(w, 60);
	line = rendered(w, &listing, ROWS, false);
	assert_contains(line, "A long tit\xe2\x80\xa6\n");
	for (; *line; line += strcspn(line, "\n") + 1)
		assert_true(cli_width(line, strcspn(line, "\n")) <= 60);
	/* Narrower than what cannot give way: cut hard. */
	world_terminal(w, 20);
	for (line = rendered(w, &listing, ROWS, false); *line; line += strcspn(line, "\n") + 1)
		assert_true(cli_width(line, strcspn(line, "\n")) <= 20);
}

static void test_only_states_have_colours(void **state)
{
	struct world *w = *state;

	world_terminal(w, 0);
	w->out.colour = true;
	assert_contains(rendered(w, &listing, ROWS, false), "\x1b[36mrunning\x1b[0m  0123");
	assert_contains(w->printed, "\x1b[32mmerged\x1b[0m   ");
	assert_null(strstr(w->printed, "\x1b[31m"));
}

static void test_rows_in_a_pipe(void **state)
{
	struct world *w = *state;

	assert_string_equal(rendered(w, &listing, ROWS, false),
			    "7\trunning\t0123456789abcdef\t2026-11-20T13:40:00.123Z\t"
			    "A long title with \\x1b[31m in it\n"
			    "12\tmerged\t\t\t\xe6\x97\xa5\xe6\x9c\xac\\tx\n");
	assert_string_equal(rendered(w, &listing, "{\"ok\":true,\"rows\":[]}", false), "");
}

static void test_json_output(void **state)
{
	struct world *w = *state;

	assert_string_equal(
		rendered(w, &listing, "{\"ok\":true,\"rows\":[{\"id\":1}],\"text\":\"t\"}", true),
		"[{\"id\":1}]\n");
	assert_string_equal(rendered(w, &plain, "{\"ok\":true,\"item\":{\"id\":1}}", true),
			    "{\"id\":1}\n");
	assert_string_equal(rendered(w, &plain, "{\"ok\":true,\"text\":\"Done \\u009b.\"}", true),
			    "{\"text\":\"Done \\u009b.\"}\n");
	assert_string_equal(rendered(w, &plain, "{\"ok\":true}", true), "{\"text\":null}\n");
	world_terminal(w, 80);
	assert_string_equal(rendered(w, &plain, "{\"ok\":true,\"item\":{\"id\":1}}", true),
			    "{\n  \"id\": 1\n}\n");
}

#define ITEM                                                                                       \
	"{\"ok\":true,\"item\":{\"id\":3,\"state\":\"running\",\"started_ms\":1795182000000,"      \
	"\"run_ms\":65000,\"ended_ms\":0,\"pr\":0,\"note\":null,\"cost_microusd\":1250000,"        \
	"\"labels\":[\"a\",\"b\"],"                                                                \
	"\"body\":\"one\\n\\ntwo\\u001b\","                                                        \
	"\"steps\":[{\"kind\":\"agent\",\"state\":\"done\"}],"                                     \
	"\"comments\":[{\"author\":\"anna\",\"body\":\"hello\\nthere\"}]},\"text\":\"Said.\"}"

static void test_item_on_a_terminal(void **state)
{
	struct world *w = *state;

	world_terminal(w, 80);
	assert_string_equal(rendered(w, &plain, ITEM, false),
			    "Id       3\n"
			    "State    running\n"
			    "Started  2026-11-20 13:40:00Z\n"
			    "Run      1m 5s\n"
			    "Cost     1.2500 USD\n"
			    "Labels   a, b\n"
			    "\nBody\n    one\n\n    two\\x1b\n"
			    "\nSteps\n  KIND   STATE\n  agent  done\n"
			    "\nComments\n  anna\n    hello\n    there\n"
			    "Said.\n");
}

static void test_item_in_a_pipe(void **state)
{
	struct world *w = *state;

	assert_string_equal(rendered(w, &plain, ITEM, false),
			    "id\t3\nstate\trunning\nstarted\t2026-11-20T13:40:00.000Z\n"
			    "run_ms\t65000\ncost_microusd\t1250000\nlabels\ta\nlabels\tb\n"
			    "body\tone\nbody\t\nbody\ttwo\\x1b\n"
			    "steps.0.kind\tagent\nsteps.0.state\tdone\n"
			    "comments.0.author\tanna\ncomments.0.body\thello\n"
			    "comments.0.body\tthere\n");
}

static void test_content_is_exact_in_a_pipe(void **state)
{
	struct world *w = *state;
	const char *answer = "{\"ok\":true,\"text\":\"+a\\r\\u001b[m\"}";

	assert_string_equal(rendered(w, &content, answer, false), "+a\r\x1b[m");
	assert_string_equal(rendered(w, &plain, answer, false), "+a\\r\\x1b[m\n");
	world_terminal(w, 80);
	assert_string_equal(rendered(w, &content, answer, false), "+a\\r\\x1b[m\n");
}

/* A text longer than the parts that it is shown in, cut between any two of its bytes. */
static void test_long_texts_are_whole(void **state)
{
	struct world *w = *state;
	struct buf b = BUF_INIT;

	buf_adds(&b, "{\"ok\":true,\"text\":\"a");
	for (int i = 0; i < 100000; i++)
		buf_adds(&b, "\xe6\x97\xa5");
	buf_adds(&b, "\"}");
	world_terminal(w, 80);
	rendered(w, &plain, b.s, false);
	assert_int_equal(strlen(w->printed), 300002);
	assert_null(strstr(w->printed, "\\x"));
	buf_release(&b);
}

static void test_a_full_disk_is_an_error(void **state)
{
	struct world *w = *state;
	struct err err = ERR_INIT;
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	assert_true(full >= 0);
	w->out.fd = full;
	cli_out_adds(&w->out, "x");
	assert_int_equal(cli_out_flush(&w->out, &err), -1);
	assert_int_equal(err.code, ERR_IO);
	assert_contains(err_text(&err), "standard output: No space left on device");
	cli_out_adds(&w->out, "y");
	assert_int_equal(cli_out_flush(&w->out, &err), -1); /* it sticks */
	err_release(&err);
	close(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_reaches_the_terminal_as_a_command),
		cmocka_unit_test(test_json_stays_json),
		cmocka_unit_test(test_width_of_characters),
		WORLD_TEST(test_rows_on_a_terminal),
		WORLD_TEST(test_rows_are_cut_to_the_width),
		WORLD_TEST(test_only_states_have_colours),
		WORLD_TEST(test_rows_in_a_pipe),
		WORLD_TEST(test_json_output),
		WORLD_TEST(test_item_on_a_terminal),
		WORLD_TEST(test_item_in_a_pipe),
		WORLD_TEST(test_content_is_exact_in_a_pipe),
		WORLD_TEST(test_long_texts_are_whole),
		WORLD_TEST(test_a_full_disk_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
