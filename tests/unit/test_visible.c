/* test_visible.c - commands as they are installed in home folders, and what the sandbox would see of them */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "runner/visible.h"
#include "sys/fs.h"

#include <sys/stat.h>
#include <unistd.h>

struct fixture {
	char *home;
	struct strvec read_only;
};

static char *in(const struct fixture *f, const char *name)
{
	return path_join(f->home, name);
}

static void put(const struct fixture *f, const char *name, const char *text, mode_t mode)
{
	autofree char *path = in(f, name);

	assert_int_equal(fs_write_atomic(path, text, strlen(text), mode, NULL), 0);
}

/* ~/.local/bin/claude leads to ~/.local/share/claude/versions/2.1/claude, as its installer makes it; nvm has
 * its programs beside its node. */
static int setup(void **state)
{
	static const char *const folders[] = {"bin", ".local", ".local/bin", ".local/share",
					      ".nvm"};
	struct fixture *f = xcalloc(1, sizeof(*f));
	autofree char *link = NULL, *dir = xstrdup("/tmp/yard-home-XXXXXX");

	assert_non_null(mkdtemp(dir));
	f->home = realpath(dir, NULL);
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		autofree char *path = in(f, folders[i]);

		assert_int_equal(mkdir(path, 0700), 0);
	}
	link = in(f, ".local/bin/claude");
	put(f, "bin/agent", "#!/bin/sh\necho hello\n", 0755);
	put(f, "bin/plain", "not a program", 0644);
	put(f, ".local/share/claude", "\177ELF...", 0755);
	put(f, ".nvm/codex", "#!/usr/bin/env no-such-interpreter\n", 0755);
	put(f, ".nvm/gemini", "#! /usr/bin/env -S sh -e\n", 0755);
	put(f, ".nvm/far", "#!/nowhere/bin/python3\n", 0755);
	assert_int_equal(symlink("../share/claude", link), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(fs_remove_tree(f->home, NULL), 0);
	strvec_release(&f->read_only);
	free(f->home);
	free(f);
	return 0;
}

static void show(struct fixture *f, const char *name)
{
	autofree char *path = in(f, name);

	strvec_push(&f->read_only, path);
}

static void assert_seen(struct fixture *f, const char *command, const char *end)
{
	cleanup(err_release) struct err err = ERR_INIT;
	autofree char *path = strchr(command, '/') ? in(f, command) : xstrdup(command);
	autofree char *want = strchr(end, '/') && *end != '/' ? in(f, end) : xstrdup(end);
	autofree char *file = NULL;

	if (visible_command(path, &f->read_only, &file, &err) < 0)
		fail_msg("%s: %s", command, err_text(&err));
	assert_string_equal(file, want);
}

static void assert_not_seen(struct fixture *f, const char *command, const char *why)
{
	cleanup(err_release) struct err err = ERR_INIT;
	autofree char *path = strchr(command, '/') ? in(f, command) : xstrdup(command),
		      *file = NULL;

	assert_int_equal(visible_command(path, &f->read_only, &file, &err), -1);
	if (!strstr(err_text(&err), why))
		fail_msg("%s: found \"%s\", expected \"%s\"", command, err_text(&err), why);
}

static void folders_that_are_named(void **state)
{
	struct fixture *f = *state;
	autofree char *bin = in(f, "bin"), *advice = xasprintf("read-only: [%s]", bin);

	assert_not_seen(f, "bin/agent", advice);
	show(f, "bin");
	assert_seen(f, "bin/agent", "bin/agent");
	assert_not_seen(f, "bin/plain", "may not be executed");
	assert_not_seen(f, "bin/none", "No such file");
}

static void links(void **state)
{
	struct fixture *f = *state;

	assert_not_seen(f, ".local/bin/claude", "/.local/bin/claude is not visible");
	show(f, ".local/bin");
	assert_not_seen(f, ".local/bin/claude", "/.local/share]");
	show(f, ".local/share");
	assert_seen(f, ".local/bin/claude", ".local/bin/claude");
}

static void interpreters(void **state)
{
	struct fixture *f = *state;

	show(f, ".nvm");
	assert_not_seen(f, ".nvm/codex", "its first line asks for 'no-such-interpreter'");
	assert_seen(f, ".nvm/gemini", ".nvm/gemini");
	assert_not_seen(f, ".nvm/far", "/nowhere/bin/python3 is not visible");
}

static void names_without_a_path(void **state)
{
	struct fixture *f = *state;

	assert_seen(f, "sh", "/usr/bin/sh");
	assert_not_seen(f, "no-such-agent",
			"'no-such-agent' is not on /usr/local/bin:/usr/bin:/bin");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(folders_that_are_named),
		TEST(links),
		TEST(interpreters),
		TEST(names_without_a_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
