/* test_cli_parse.c - argv by the tables, and the request that follows from it. */
#include "cli_world.h"

#include "cli/parse.h"

/* Parses; the JSON text of the arguments, or "ERROR: ..." */
static char *parsed(struct cli_call *call, const char *const *argv, int argc)
{
	const struct cli_group *group = NULL;
	enum cli_wish wish;
	struct err err = ERR_INIT;
	char *s;

	*call = (struct cli_call){0};
	if (cli_parse(argc, (char *const *)argv, call, &group, &wish, &err) < 0) {
		assert_int_equal(err.code, ERR_INPUT);
		s = xasprintf("ERROR: %s", err_text(&err));
	} else {
		s = wish == CLI_WISH_RUN ? json_text(call->args) : xstrdup("WISH");
	}
	err_release(&err);
	cli_call_release(call);
	return s;
}

#define PARSE(...)                                                                                 \
	({                                                                                         \
		const char *argv_[] = {"yardmaster", __VA_ARGS__, NULL};                           \
		parsed(&call, argv_, (int)ARRAY_LEN(argv_) - 1);                                   \
	})
#define assert_parsed(expected, ...)                                                               \
	do {                                                                                       \
		struct cli_call call;                                                              \
		autofree char *got = PARSE(__VA_ARGS__);                                           \
		assert_string_equal(got, expected);                                                \
	} while (0)
#define assert_refused(part, ...)                                                                  \
	do {                                                                                       \
		struct cli_call call;                                                              \
		autofree char *got = PARSE(__VA_ARGS__);                                           \
		assert_true(!strncmp(got, "ERROR: ", 7));                                          \
		assert_contains(got, part);                                                        \
	} while (0)

static void test_options_in_every_form(void **state)
{
	(void)state;
	assert_parsed("{\"state\":\"merged\",\"repo\":\"site\"}", "task", "list", "--state",
		      "merged", "--repo", "site");
	assert_parsed("{\"state\":\"merged\",\"repo\":\"site\"}", "task", "list", "--state=merged",
		      "-Rsite");
	assert_parsed("{\"follow\":true,\"run\":\"a=b\",\"id\":7}", "task", "logs", "-f", "7",
		      "--run=a=b");
}

static void test_short_flags_are_bundled(void **state)
{
	(void)state;
	/* -h is a flag of every command, -f of this one, -R takes the rest. */
	assert_parsed("WISH", "task", "logs", "7", "-fh");
	assert_parsed("{\"repo\":\"fh\"}", "task", "list", "-Rfh");
	assert_refused("unknown option '-fx'", "task", "logs", "7", "-fx");
}

static void test_double_dash_ends_options(void **state)
{
	(void)state;
	assert_parsed("{\"name\":\"--from\"}", "repo", "add", "--", "--from");
	assert_parsed("{\"name\":\"-\"}", "repo", "add", "-");
	assert_parsed("{\"from\":\"--\",\"name\":\"x\"}", "repo", "add", "--from", "--", "x");
}

static void test_repeated_and_list_options(void **state)
{
	(void)state;
	assert_parsed("{\"title\":\"b\",\"label\":[\"x\",\"y\"]}", "issue", "create", "-t", "a",
		      "--label", "x", "--title", "b", "-ly");
}

static void test_keys_have_underscores(void **state)
{
	(void)state;
	assert_parsed("{\"repo_path\":\"/r\",\"commit\":\"abc\"}", "receipt", "verify",
		      "--repo-path", "/r", "abc");
}

static void test_integers(void **state)
{
	(void)state;
	assert_parsed("{\"number\":12}", "pr", "show", "12");
	assert_parsed("{\"number\":12}", "pr", "show", "#12");
	assert_parsed("{\"priority\":-5,\"pr\":3}", "queue", "add", "3", "--priority", "-5");
	assert_refused("found '12x', expected a whole number", "pr", "show", "12x");
	assert_refused("expected a whole number", "pr", "show", "");
	assert_refused("expected a whole number", "pr", "show", " 1");
	assert_refused("expected a whole number", "pr", "show", "99999999999999999999");
	assert_refused("expected 1 to", "pr", "show", "0");
	assert_refused("found 101, expected -100 to 100", "queue", "add", "3", "--priority", "101");
	assert_refused("found 11, expected 1 to 10", "task", "retry", "3", "--rounds=11");
}

static void test_what_is_missing_is_named(void **state)
{
	(void)state;
	assert_refused("issue create: --title TEXT is missing", "issue", "create");
	assert_refused("pr show: NUMBER is missing", "pr", "show");
	assert_refused("--repo: a value is missing, expected NAME", "task", "list", "--repo");
	assert_refused("--repo: a value is missing, expected NAME", "task", "list", "-R");
	assert_refused("unexpected argument '4'", "pr", "show", "3", "4");
	assert_refused("--json takes no value, found 'yes'", "status", "--json=yes");
	assert_refused("a command is missing", "--json");
	assert_refused("task: a command is missing", "task");
	assert_refused("--socket: found nothing", "status", "--socket=");
}

static void test_nearest_is_offered(void **state)
{
	(void)state;
	assert_refused("unknown command 'stauts'; did you mean 'status'?", "stauts");
	assert_refused("unknown command 'isue'; did you mean 'issue'?", "isue", "list");
	assert_refused("unknown command 'task lits'; did you mean 'task list'?", "task", "lits");
	assert_refused("unknown option '--stat'; did you mean '--state'?", "task", "list",
		       "--stat=x");
	assert_refused("found 'mergd', did you mean 'merged'?", "task", "list", "--state", "mergd");
	assert_refused("unknown command 'zzzzzzzz'; 'yardmaster help' lists them", "zzzzzzzz");
	assert_refused("options of a command stand after it", "-R", "x", "task", "list");
}

static void test_text_must_be_utf8(void **state)
{
	(void)state;
	assert_refused("not valid UTF-8", "issue", "create", "--title", "a\xff");
}

static void test_common_options_stand_anywhere(void **state)
{
	const char *argv[] = {"yardmaster",  "--json", "--as",     "anna", "task",
			      "--socket=/s", "list",   "--config", "/c",   NULL};
	struct cli_call call = {0};
	const struct cli_group *group;
	enum cli_wish wish;

	(void)state;
	assert_int_equal(cli_parse(9, (char *const *)argv, &call, &group, &wish, NULL), 0);
	assert_true(call.json);
	assert_string_equal(call.as, "anna");
	assert_string_equal(call.socket, "/s");
	assert_string_equal(call.config, "/c");
	assert_string_equal(call.cmd->path, "task list");
	assert_int_equal(json_object_size(call.args), 0); /* none of them goes into the request */
	cli_call_release(&call);
}

static int hook_seen(const struct cli_call *call)
{
	return call->rest[0] && !strcmp(call->rest[0], "--not-ours") &&
			       !strcmp(call->rest[1], "\xff") && !call->rest[2]
		       ? 42
		       : 1;
}

static void test_raw_commands_are_not_read(void **state)
{
	struct world *w = *state;

	w->entry.hook = hook_seen;
	assert_int_equal(world_run(w, "hook", "--not-ours", "\xff"), 42);
	assert_int_equal(world_run(w, "role", "git"), CLI_EXIT_INTERNAL);
	assert_contains(w->complained, "built without it");
}

/* Every row can be found by its words, names what it must, and has no key twice. */
static void test_tables_are_well_formed(void **state)
{
	(void)state;
	for (const struct cli_group *g = cli_groups; g->name; g++)
		for (const struct cli_command *c = g->commands; c->path; c++) {
			autofree char *first = xstrdup(c->path);
			char *space = strchr(first, ' ');
			size_t n = strlen(g->name);

			if (space)
				*space = '\0';
			assert_ptr_equal(cli_command_find(first, space ? space + 1 : NULL), c);
			assert_true(!n == !space && (!n || !strcmp(first, g->name)));
			assert_true(strlen(c->summary) > 10 && !strchr(c->summary, '\n'));
			assert_int_not_equal(c->summary[strlen(c->summary) - 1], '.');
			for (const struct cli_opt *o = c->opts; o && o->name; o++) {
				assert_non_null(o->help);
				assert_int_equal(o->kind == CLI_FLAG, o->arg == NULL);
				for (const struct cli_opt *p = o + 1; p->name; p++) {
					assert_string_not_equal(o->name, p->name);
					assert_true(!o->letter || o->letter != p->letter);
				}
				for (const struct cli_opt *p = cli_global_opts; p->name; p++)
					assert_string_not_equal(o->name, p->name);
			}
			for (const int *e = c->exits; e && *e >= 0; e++)
				assert_non_null(cli_exit_meaning(*e));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options_in_every_form),
		cmocka_unit_test(test_short_flags_are_bundled),
		cmocka_unit_test(test_double_dash_ends_options),
		cmocka_unit_test(test_repeated_and_list_options),
		cmocka_unit_test(test_keys_have_underscores),
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_what_is_missing_is_named),
		cmocka_unit_test(test_nearest_is_offered),
		cmocka_unit_test(test_text_must_be_utf8),
		cmocka_unit_test(test_common_options_stand_anywhere),
		WORLD_TEST(test_raw_commands_are_not_read),
		cmocka_unit_test(test_tables_are_well_formed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
