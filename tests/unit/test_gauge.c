/* test_gauge.c - what a look at a sandbox's processes says of those whose files may not be listed */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
/* clang-format on */
#include "runner/gauge.h"
#include "unpriv.h"

#include "base/mem.h"
#include "base/text.h"
#include "sys/fs.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A process as /proc shows it, whose descriptors may not be listed. */
static bool hides(char state, unsigned flags, int threads)
{
	char base[] = "/tmp/ym-gauge-XXXXXX";
	autofree char *stat = NULL, *fds = NULL;
	cleanup(err_release) struct err err = ERR_INIT;
	autofree char *text =
		xasprintf("42 (a) b) %c 1 1 1 0 -1 %u 0 0 0 0 0 0 0 0 20 0 %d 0 7 0 0 "
			  "18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0\n",
			  state, flags, threads);
	struct gauge g = GAUGE_INIT;
	dev_t none = 0;
	bool hidden;

	assert_non_null(mkdtemp(base));
	stat = path_join(base, "42/stat");
	fds = path_join(base, "42/fd");
	g.proc = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(fs_mkdir_p(fds, 0700, &err), 0);
	assert_int_equal(fs_write_atomic(stat, text, strlen(text), 0600, &err), 0);
	assert_int_equal(chmod(fds, 0), 0);
	gauge_deleted_bytes(&g, &none, 1, &hidden);
	close(g.proc);
	chmod(fds, 0700);
	fs_remove_tree(base, NULL);
	return hidden;
}

/* Memory gone, files not closed yet: its owner is root in /proc, and its state is that of a living one. */
static void who_ends_hides_nothing(void **state)
{
	(void)state;
	assert_true(hides('R', 0x400000, 1));
	assert_true(hides('S', 0x400140, 3));
	assert_false(hides('R', 0x400004, 1));
	assert_false(hides('D', 0x40000c, 1));
	assert_false(hides('Z', 0x40000c, 1));
	assert_false(hides('X', 0, 0));
}

/* The first of several threads has ended: the others hold what it held. */
static void but_for_its_last_thread(void **state)
{
	(void)state;
	assert_true(hides('Z', 0x40000c, 2));
	assert_true(hides('R', 0x400004, 2));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_ends_hides_nothing),
		cmocka_unit_test(but_for_its_last_thread),
	};

	(void)argc;
	unpriv(argv); /* root may list everything */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
