/* test_cli_remote.c - whole commands against a daemon that says what the test wants. */
#include "cli_world.h"

#include "cli/remote.h"

#include <fcntl.h>
#include <sys/stat.h>

static void test_request_and_result(void **state)
{
	struct world *w = *state;

	world_answer(w,
		     "{\"ok\":true,\"text\":\"Issue #3 was opened.\",\"item\":{\"number\":3}}\n");
	assert_int_equal(world_run(w, "issue", "create", "--title", "T", "-l", "a", "--label", "b",
				   "--as", "anna", "--body", "x"),
			 CLI_EXIT_OK);
	assert_string_equal(w->request,
			    "{\"v\":1,\"cmd\":\"issue create\",\"as\":\"anna\",\"args\":"
			    "{\"title\":\"T\",\"label\":[\"a\",\"b\"],\"body\":\"x\"}}\n");
	assert_string_equal(w->printed, "number\t3\n");
	assert_string_equal(w->complained, "");
}

static void test_request_without_arguments(void **state)
{
	struct world *w = *state;

	world_answer(w, "{\"ok\":true,\"rows\":[]}\n");
	assert_int_equal(world_run(w, "repo", "list", "--json"), CLI_EXIT_OK);
	assert_string_equal(w->request, "{\"v\":1,\"cmd\":\"repo list\",\"args\":{}}\n");
	assert_string_equal(w->printed, "[]\n");
}

static void test_errors_become_exit_codes(void **state)
{
	static const struct {
		const char *code;
		int exit;
	} cases[] = {
		{"input", 2},  {"not-found", 3}, {"denied", 4},       {"state", 5},
		{"exists", 5}, {"limit", 7},     {"internal", 70},    {"corrupt", 70},
		{"io", 74},    {"unsafe", 5},    {"unavailable", 75}, {"of a newer version", 70},
		{"none", 70},
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autofree char *answer = xasprintf(
			"{\"ok\":false,\"error\":{\"code\":\"%s\",\"text\":\"no\\u001b[m\"}}\n",
			cases[i].code);

		world_answer(w, answer);
		assert_int_equal(world_run(w, "queue", "why", "3"), cases[i].exit);
		assert_string_equal(w->complained, "yardmaster: no\\x1b[m\n");
		assert_string_equal(w->printed, "");
	}
}

static void test_errors_as_json(void **state)
{
	struct world *w = *state;

	world_answer(w,
		     "{\"ok\":false,\"error\":{\"code\":\"denied\",\"text\":\"needs write\"}}\n");
	assert_int_equal(world_run(w, "queue", "thaw", "--json"), CLI_EXIT_DENIED);
	assert_string_equal(w->complained,
			    "{\"error\":{\"code\":\"denied\",\"text\":\"needs write\"}}\n");
	/* Also one that comes before the parser has seen --json. */
	assert_int_equal(world_run(w, "queue", "thww", "--json"), CLI_EXIT_USAGE);
	assert_contains(w->complained, "{\"error\":{\"code\":\"input\",");
}

static void test_daemon_away(void **state)
{
	struct world *w = *state;

	assert_int_equal(world_run(w, "status"), CLI_EXIT_AWAY);
	assert_contains(w->complained, "/socket: the daemon does not answer");
	assert_contains(w->complained, "yardmaster serve");
	world_answer(w, ""); /* takes the request and dies */
	assert_int_equal(world_run(w, "status"), CLI_EXIT_AWAY);
	assert_contains(w->complained, "before its answer was complete");
	world_answer(w, "{\"chunk\":\"a\"}\n");
	assert_int_equal(world_run(w, "task", "logs", "1"), CLI_EXIT_AWAY);
	assert_string_equal(w->printed, "a");
}

static void test_garbage_is_refused(void **state)
{
	static const char *const garbage[] = {
		"hello\n",
		"[]\n",
		"{}\n",
		"{\"ok\":1}\n",
		"{\"ok\":true,\"rows\":{}}\n",
		"{\"ok\":true,\"rows\":[1]}\n",
		"{\"ok\":true,\"item\":[]}\n",
		"{\"ok\":true,\"text\":7}\n",
		"{\"ok\":false}\n",
		"{\"ok\":false,\"error\":{\"code\":\"denied\"}}\n",
		"{\"ok\":false,\"error\":\"denied\"}\n",
		"{\"chunk\":7}\n{\"ok\":true}\n",
		"{\"ok\":true,\"ok\":false}\n",
		"\xff\xfe\n",
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(garbage); i++) {
		world_answer(w, garbage[i]);
		assert_int_not_equal(world_run(w, "status"), CLI_EXIT_OK);
		assert_string_equal(w->printed, "");
		assert_true(strlen(w->complained) > 20);
	}
}

static void test_answers_have_a_limit(void **state)
{
	struct world *w = *state;
	size_t n = CLI_ANSWER_LINE_MAX + 100;
	autofree char *line = xmalloc(n);

	memset(line, 'a', n);
	memcpy(line, "{\"chunk\":\"", 10);
	world_answer_bytes(w, line, n);
	assert_int_equal(world_run(w, "task", "logs", "1"), CLI_EXIT_LIMIT);
	assert_string_equal(w->printed, "");
}

static void test_rows_have_a_limit(void **state)
{
	struct world *w = *state;
	cleanup(buf_release) struct buf b = BUF_INIT;

	buf_adds(&b, "{\"ok\":true,\"rows\":[{}");
	for (int i = 0; i < CLI_ANSWER_ROWS_MAX; i++)
		buf_adds(&b, ",{}");
	buf_adds(&b, "]}\n");
	world_answer_bytes(w, b.s, b.len);
	assert_int_equal(world_run(w, "task", "list"), CLI_EXIT_LIMIT);
}

static void test_requests_have_a_limit(void **state)
{
	struct world *w = *state;
	autofree char *title = xmalloc(CLI_REQUEST_MAX + 1);

	memset(title, 'a', CLI_REQUEST_MAX);
	title[CLI_REQUEST_MAX] = '\0';
	world_answer(w, "{\"ok\":true}\n");
	assert_int_equal(world_run(w, "issue", "create", "--title", title), CLI_EXIT_LIMIT);
	assert_string_equal(w->request, "");
}

static void test_chunks_come_before_the_end(void **state)
{
	struct world *w = *state;
	const char *answer =
		"{\"chunk\":\"one\\n\\u001b[2J\"}\n{\"chunk\":\"two\\n\"}\n{\"ok\":true}\n";

	world_answer(w, answer);
	assert_int_equal(world_run(w, "task", "logs", "7", "-f"), CLI_EXIT_OK);
	assert_string_equal(w->printed, "one\n\x1b[2Jtwo\n"); /* a file gets the log as it is */
	assert_contains(w->request, "\"args\":{\"follow\":true,\"id\":7}");
	world_answer(w, answer);
	assert_int_equal(world_run(w, "task", "logs", "7", "--json"), CLI_EXIT_OK);
	assert_string_equal(w->printed,
			    "{\"chunk\":\"one\\n\\u001B[2J\"}\n{\"chunk\":\"two\\n\"}\n");
	world_terminal(w, 80);
	world_answer(w, answer);
	assert_int_equal(world_run(w, "task", "logs", "7"), CLI_EXIT_OK);
	assert_string_equal(w->printed, "one\n\\x1b[2Jtwo\n");
}

static void test_output_that_fails_is_an_error(void **state)
{
	struct world *w = *state;
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	assert_true(full >= 0);
	w->out.fd = full;
	world_answer(w, "{\"ok\":true,\"text\":\"done\"}\n");
	assert_int_equal(world_run(w, "status"), CLI_EXIT_IO);
	assert_contains(w->complained, "standard output: No space left on device");
	w->out.fd = w->out_fd;
	close(full);
}

static void test_follow_stops_when_nobody_reads(void **state)
{
	struct world *w = *state;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	w->out.fd = ends[1];
	w->out.pipe_quiet = true;
	world_answer(w, "{\"chunk\":\"a\"}\n{\"chunk\":\"b\"}\n");
	assert_int_equal(world_run(w, "task", "logs", "7"), CLI_EXIT_IO);
	assert_string_equal(w->complained, "");
	w->out.fd = w->out_fd;
	close(ends[1]);
}

static void test_body_from_a_file(void **state)
{
	struct world *w = *state;
	autofree char *file = path_join(w->dir, "body.md");
	autofree char *long_text = xmalloc(70000);

	assert_int_equal(fs_write_atomic(file, "two\nlines\n", 10, 0600, NULL), 0);
	world_answer(w, "{\"ok\":true}\n");
	assert_int_equal(world_run(w, "issue", "comment", "4", "--file", file), CLI_EXIT_OK);
	assert_contains(w->request, "\"args\":{\"number\":4,\"body\":\"two\\nlines\\n\"}");
	assert_int_equal(world_run(w, "issue", "comment", "4", "--file", file, "--body", "x"),
			 CLI_EXIT_USAGE);
	assert_int_equal(world_run(w, "issue", "comment", "4"), CLI_EXIT_USAGE);
	assert_contains(w->complained, "--body TEXT or --file FILE");
	assert_int_equal(world_run(w, "issue", "label", "4"), CLI_EXIT_USAGE);
	memset(long_text, 'x', 70000);
	assert_int_equal(fs_write_atomic(file, long_text, 70000, 0600, NULL), 0);
	assert_int_equal(world_run(w, "issue", "comment", "4", "--file", file), CLI_EXIT_LIMIT);
	assert_int_equal(fs_write_atomic(file, "\xff", 1, 0600, NULL), 0);
	assert_int_equal(world_run(w, "issue", "comment", "4", "--file", file), CLI_EXIT_USAGE);
	unlink(file);
	assert_int_equal(world_run(w, "issue", "comment", "4", "--file", file), CLI_EXIT_NOT_FOUND);
}

static void test_paths_for_the_daemon_are_absolute(void **state)
{
	struct world *w = *state;
	autofree char *expected = xasprintf("\"from\":\"%s/src\"", w->dir);

	assert_int_equal(chdir(w->dir), 0);
	world_answer(w, "{\"ok\":true}\n");
	assert_int_equal(world_run(w, "repo", "add", "x", "--from", "src"), CLI_EXIT_OK);
	assert_contains(w->request, expected);
	world_answer(w, "{\"ok\":true}\n");
	assert_int_equal(world_run(w, "repo", "add", "x", "--from", "/a/b"), CLI_EXIT_OK);
	assert_contains(w->request, "\"from\":\"/a/b\"");
	assert_int_equal(chdir("/"), 0);
}

static void test_socket_from_the_configuration(void **state)
{
	struct world *w = *state;
	autofree char *file = path_join(w->dir, "ym.yml");
	autofree char *text = xasprintf("socket: %s\n", w->socket);

	unsetenv("YARDMASTER_SOCKET");
	assert_int_equal(fs_write_atomic(file, text, strlen(text), 0600, NULL), 0);
	world_answer(w, "{\"ok\":true,\"text\":\"up\"}\n");
	assert_int_equal(world_run(w, "--config", file, "status"), CLI_EXIT_OK);
	assert_string_equal(w->printed, "up\n");
	setenv("YARDMASTER_CONFIG", file, 1);
	world_answer(w, "{\"ok\":true,\"text\":\"up\"}\n");
	assert_int_equal(world_run(w, "status"), CLI_EXIT_OK);
	assert_int_equal(fs_write_atomic(file, "socet: x\n", 9, 0600, NULL), 0);
	assert_int_equal(world_run(w, "status"), CLI_EXIT_CONFIG);
	assert_contains(w->complained, "ym.yml:1");
	/* Without any configuration: the default data directory. */
	unsetenv("YARDMASTER_CONFIG");
	assert_int_equal(world_run(w, "status"), CLI_EXIT_AWAY);
	assert_contains(w->complained, "/.local/state/yardmaster/socket");
	assert_int_equal(world_run(w, "--config", "/no/such/file", "status"), CLI_EXIT_CONFIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_request_and_result),
		WORLD_TEST(test_request_without_arguments),
		WORLD_TEST(test_errors_become_exit_codes),
		WORLD_TEST(test_errors_as_json),
		WORLD_TEST(test_daemon_away),
		WORLD_TEST(test_garbage_is_refused),
		WORLD_TEST(test_answers_have_a_limit),
		WORLD_TEST(test_rows_have_a_limit),
		WORLD_TEST(test_requests_have_a_limit),
		WORLD_TEST(test_chunks_come_before_the_end),
		WORLD_TEST(test_output_that_fails_is_an_error),
		WORLD_TEST(test_follow_stops_when_nobody_reads),
		WORLD_TEST(test_body_from_a_file),
		WORLD_TEST(test_paths_for_the_daemon_are_absolute),
		WORLD_TEST(test_socket_from_the_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
