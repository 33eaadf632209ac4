/* test_cli_docs.c - what is written from the tables: help, manual pages, completion. */
#include "cli_world.h"

#include "base/text.h"
#include "cli/completion.h"
#include "cli/help.h"
#include "patience.h"
#include "sys/child.h"

/* A check by a program that need not be on the machine. */
static bool has(const char *program)
{
	autofree char *path = NULL;
	bool found = child_which(program, "/usr/bin:/bin", &path, NULL) == 0;

	if (!found)
		print_message("# %s is not installed: nothing was checked with it\n", program);
	return found;
}

/* Runs a program of the system on a file. */
static int run_on(const char *program, const char *const *args, const char *file, struct buf *out)
{
	cleanup(strvec_release) struct strvec argv = STRVEC_INIT;
	autofree char *path = NULL;
	struct err err = ERR_INIT;
	struct child_opts o = {.envp = (char *const[]){(char *)"LC_ALL=C.UTF-8",
						       (char *)"PATH=/usr/bin:/bin", NULL}};
	int rc;

	assert_int_equal(child_which(program, "/usr/bin:/bin", &path, NULL), 0);
	strvec_push(&argv, program);
	for (; *args; args++)
		strvec_push(&argv, *args);
	strvec_push(&argv, file);
	o.file = path;
	o.argv = argv.v;
	rc = child_run(&o, NULL, 0, 1 << 20, PATIENT_MS, out, &err);
	if (rc && err.text)
		print_message("# %s\n", err.text);
	err_release(&err);
	return rc;
}

static void each_page(struct world *w, void (*fn)(const char *name, const char *file))
{
	cleanup(strvec_release) struct strvec names = STRVEC_INIT;

	man_names(&names);
	assert_true(names.n > 10);
	strvec_foreach (&names, name) {
		cleanup(buf_release) struct buf b = BUF_INIT;
		autofree char *file = xasprintf("%s/%s.1", w->dir, *name);

		assert_int_equal(man_page(&b, *name, NULL), 0);
		assert_int_equal(fs_write_atomic(file, b.s, b.len, 0600, NULL), 0);
		fn(*name, file);
	}
}

static void lint_mandoc(const char *name, const char *file)
{
	const char *const args[] = {"-T", "lint", "-W", "warning", NULL};
	cleanup(buf_release) struct buf out = BUF_INIT;

	if (run_on("mandoc", args, file, &out) || out.len)
		fail_msg("%s: %s", name, out.s);
}

static void lint_groff(const char *name, const char *file)
{
	/* Warnings go to standard error; 2>&1 needs a shell. */
	const char *const args[] = {"-c", "groff -man -Tutf8 -ww -z \"$0\" 2>&1", NULL};
	cleanup(buf_release) struct buf out = BUF_INIT;

	if (run_on("sh", args, file, &out) || out.len)
		fail_msg("%s: %s", name, out.s);
}

static void test_man_pages_pass_mandoc(void **state)
{
	if (has("mandoc"))
		each_page(*state, lint_mandoc);
}

static void test_man_pages_pass_groff(void **state)
{
	if (has("groff"))
		each_page(*state, lint_groff);
}

/* Everything in the tables is in the pages and in the help. */
/* A '-' of a name is written as roff's minus. */
static char *roff_heading(const char *path)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	buf_adds(&b, ".SS \"");
	for (; *path; path++)
		buf_addf(&b, "%s%c", *path == '-' ? "\\" : "", *path);
	buf_adds(&b, "\"\n");
	return buf_steal(&b);
}

static void test_nothing_is_undocumented(void **state)
{
	(void)state;
	for (const struct cli_group *g = cli_groups; g->name; g++) {
		autofree char *name =
			*g->name ? xasprintf("yardmaster-%s", g->name) : xstrdup("yardmaster");
		cleanup(buf_release) struct buf page = BUF_INIT, all = BUF_INIT;

		assert_int_equal(man_page(&page, name, NULL), 0);
		help_all(&all);
		for (const struct cli_command *c = g->commands; c->path; c++) {
			cleanup(buf_release) struct buf help = BUF_INIT;
			autofree char *heading = roff_heading(c->path);

			if (c->flags & CLI_HIDDEN) {
				assert_null(strstr(page.s, heading));
				continue;
			}
			assert_contains(page.s, heading);
			assert_contains(all.s, c->path);
			help_command(&help, c);
			for (const struct cli_opt *o = c->opts; o && o->name; o++) {
				autofree char *shown = xasprintf("--%s", o->name);

				assert_contains(help.s, shown);
			}
		}
	}
}

static void test_help_by_every_way(void **state)
{
	struct world *w = *state;

	assert_int_equal(world_run(w, "issue", "create", "--help"), CLI_EXIT_OK);
	assert_contains(w->printed, "usage: yardmaster issue create -t TEXT");
	assert_int_equal(world_run(w, "help", "issue", "create"), CLI_EXIT_OK);
	assert_contains(w->printed, "usage: yardmaster issue create -t TEXT");
	assert_int_equal(world_run(w, "help", "issue"), CLI_EXIT_OK);
	assert_contains(w->printed, "issue close");
	assert_int_equal(world_run(w, "issue", "-h"), CLI_EXIT_OK);
	assert_contains(w->printed, "issue close");
	assert_int_equal(world_run(w, "help"), CLI_EXIT_OK);
	assert_contains(w->printed, "Exit codes:");
	assert_int_equal(world_run(w, "--version"), CLI_EXIT_OK);
	assert_string_equal(w->printed, "yardmaster " YM_VERSION "\n");
	assert_int_equal(world_run(w, "help", "isue"), CLI_EXIT_USAGE);
	/* An error shows how it would have been right. */
	assert_int_equal(world_run(w, "issue", "create"), CLI_EXIT_USAGE);
	assert_contains(w->complained, "\nusage: yardmaster issue create -t TEXT");
}

static void test_help_fits_a_terminal(void **state)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	(void)state;
	help_all(&b);
	for (const char *line = b.s; *line; line += strcspn(line, "\n") + 1)
		if (strcspn(line, "\n") > 80)
			fail_msg("too long: %.100s", line);
}

/* What bash offers after these words, joined by spaces. */
static char *completed(struct world *w, const char *words)
{
	cleanup(buf_release) struct buf script = BUF_INIT, out = BUF_INIT;
	autofree char *file = xasprintf("%s/completion", w->dir);
	const char *const args[] = {"--norc", NULL};

	cli_completion_bash(&script);
	buf_addf(&script,
		 "\ncd '%s' && mkdir -p folder && touch file.yml\n"
		 "COMP_WORDS=(%s)\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_yardmaster\n"
		 "echo \"${COMPREPLY[*]}\"\n",
		 w->dir, words);
	assert_int_equal(fs_write_atomic(file, script.s, script.len, 0600, NULL), 0);
	assert_int_equal(run_on("bash", args, file, &out), 0);
	buf_rtrim(&out);
	return buf_steal(&out);
}

#define assert_completed(words, expected)                                                          \
	do {                                                                                       \
		autofree char *got = completed(*state, words);                                     \
		assert_string_equal(got, expected);                                                \
	} while (0)
#define assert_offers(words, part)                                                                 \
	do {                                                                                       \
		autofree char *got = completed(*state, words);                                     \
		assert_contains(got, part);                                                        \
	} while (0)

static void test_completion_of_commands(void **state)
{
	assert_completed("yardmaster st", "status stats");
	assert_offers("yardmaster ''", "serve init status stats doctor");
	assert_offers("yardmaster ''", "task queue blueprint");
	assert_completed("yardmaster task re", "retry");
	assert_completed("yardmaster --json --as anna task re", "retry");
	assert_completed("yardmaster --as = anna task re", "retry"); /* as bash cuts --as=anna */
	assert_completed("yardmaster nothing ''", "");
	assert_completed("yardmaster ro", ""); /* role is hidden */
}

static void test_completion_of_options(void **state)
{
	assert_completed("yardmaster task list --st", "--state");
	assert_completed("yardmaster --js", "--json");
	assert_offers("yardmaster issue create --", "--json");
	assert_offers("yardmaster issue create --", "--label");
	assert_completed("yardmaster repo add -- --fr", "");
}

static void test_completion_of_values(void **state)
{
	assert_completed("yardmaster task list --state m", "merged");
	assert_completed("yardmaster task list --state = m", "merged");
	assert_completed("yardmaster user add anna --permission ''", "none read write maintain");
	assert_completed("yardmaster task list -R ''", "");
	assert_completed("yardmaster issue create -F fi", "file.yml");
	assert_completed("yardmaster blueprint check fi", "file.yml");
	assert_completed("yardmaster repo add x --from fo", "folder");
	assert_completed("yardmaster --config fi", "file.yml");
	assert_completed("yardmaster blueprint check file.yml fi", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_man_pages_pass_mandoc),   WORLD_TEST(test_man_pages_pass_groff),
		WORLD_TEST(test_nothing_is_undocumented), WORLD_TEST(test_help_by_every_way),
		WORLD_TEST(test_help_fits_a_terminal),    WORLD_TEST(test_completion_of_commands),
		WORLD_TEST(test_completion_of_options),   WORLD_TEST(test_completion_of_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
