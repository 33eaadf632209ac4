/* test_secret.c - secrets come from where the configuration says, and from nowhere that others can read. */
#include "base/mem.h"
#include "sys/fs.h"
#include "sys/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct world {
	char dir[32];
	struct err err;
};

static int set_up(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	*w = (struct world){.dir = "/tmp/ym-secret-XXXXXX"};
	assert_non_null(mkdtemp(w->dir));
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	assert_int_equal(fs_remove_tree(w->dir, NULL), 0);
	err_release(&w->err);
	free(w);
	return 0;
}

static void put(struct world *w, const char *name, const void *p, size_t n, mode_t mode)
{
	autofree char *path = path_join(w->dir, name);

	assert_int_equal(fs_write_atomic(path, p, n, mode, &w->err), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void reads(struct world *w, const char *source, const char *expected)
{
	cleanup(secret_release) struct secret s = {0};

	assert_int_equal(secret_read(source, w->dir, &s, &w->err), 0);
	assert_string_equal(s.s, expected);
	assert_int_equal(s.n, strlen(expected));
}

static void fails(struct world *w, const char *source, enum err_code code, const char *word)
{
	cleanup(secret_release) struct secret s = {0};

	assert_int_equal(secret_read(source, w->dir, &s, &w->err), -1);
	assert_int_equal(w->err.code, code);
	assert_non_null(strstr(err_text(&w->err), word));
	assert_null(s.s);
}

static void test_sources(void **state)
{
	struct world *w = *state;

	put(w, "key", "hunter2\n", 8, 0600);
	reads(w, "file:key", "hunter2");
	put(w, "dos", "hunter2\r\n", 9, 0400);
	reads(w, "file:dos", "hunter2");
	put(w, "lines", "one\ntwo\n\n", 9, 0600);
	reads(w, "file:lines", "one\ntwo\n");
	setenv("YM_TEST_SECRET", "from the environment", 1);
	reads(w, "env:YM_TEST_SECRET", "from the environment");
	put(w, "shared", "of systemd", 10, 0444);
	setenv("CREDENTIALS_DIRECTORY", w->dir, 1);
	reads(w, "cred:shared", "of systemd");
	unsetenv("CREDENTIALS_DIRECTORY");
	fails(w, "cred:shared", ERR_NOT_FOUND, "LoadCredential=shared");
}

static void test_refused(void **state)
{
	struct world *w = *state;
	autofree char *big = xcalloc(1, SECRET_MAX + 1);

	put(w, "open", "hunter2", 7, 0640);
	fails(w, "file:open", ERR_UNSAFE, "0640");
	put(w, "empty", "\n", 1, 0600);
	fails(w, "file:empty", ERR_INPUT, "empty");
	put(w, "nul", "a\0b", 3, 0600);
	fails(w, "file:nul", ERR_INPUT, "NUL");
	memset(big, 'x', SECRET_MAX + 1);
	put(w, "big", big, SECRET_MAX + 1, 0600);
	fails(w, "file:big", ERR_LIMIT, "at most");
	fails(w, "file:.", ERR_UNSAFE, "regular");
	fails(w, "file:none", ERR_NOT_FOUND, "none");
	fails(w, "env:YM_TEST_NONE", ERR_NOT_FOUND, "no such variable");
	fails(w, "cred:../x", ERR_INPUT, "cred:NAME");
}

/* Whoever wrote the secret into the file must not find it in the log. */
static void test_not_repeated(void **state)
{
	struct world *w = *state;

	assert_int_equal(secret_check("hunter2", &w->err), -1);
	assert_null(strstr(err_text(&w->err), "hunter2"));
	assert_int_equal(secret_check("env:", &w->err), -1);
	assert_int_equal(secret_check("file:x", &w->err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_sources, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_not_repeated, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
