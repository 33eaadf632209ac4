/* test_roles.c - roles that end because they are idle, or are killed, leave nothing behind */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "bot/roles.h"
#include "patience.h"
#include "sys/fs.h"

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY_MS       ((int64_t)24 * 3600 * 1000)
#define RECONCILE_MS ((int64_t)300 * 1000) /* between two looks at the forge, which ask the role */
#define IDLE_MS      ((int64_t)60 * 1000)

/* A role in three lines: it answers whatever it is asked, and tells its pid. */
static const char program[] =
	"#!/bin/sh\n"
	"while read -r line; do id=${line##*\\\"id\\\":}; id=${id%%[!0-9]*}\n"
	"echo \"{\\\"id\\\":$id,\\\"ok\\\":true,\\\"pid\\\":$$}\" >&0; done\n";

struct fixture {
	struct clock clock;
	int64_t now;
	struct loop *loop;
	struct role *role;
	char *dir, *self;
	pid_t answered; /* by this process; 0: not yet */
	bool failed;
	struct err err;
};

static struct fixture *the_fixture(struct clock *c)
{
	return (struct fixture *)((char *)c - offsetof(struct fixture, clock));
}

static int64_t turned_ms(struct clock *c)
{
	return the_fixture(c)->now;
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	f->clock = (struct clock){turned_ms, turned_ms};
	f->now = 1000;
	f->dir = xstrdup("/tmp/yard-roles-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->self = path_join(f->dir, "role");
	assert_int_equal(fs_write_atomic(f->self, program, sizeof(program) - 1, 0700, &f->err), 0);
	assert_int_equal(loop_new(&f->clock, &f->loop, &f->err), 0);
	f->role = role_new(&(struct role_conf){f->loop, f->self, "git", "/bin/true", IDLE_MS});
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	role_free(f->role);
	loop_free(f->loop);
	assert_int_equal(fs_remove_tree(f->dir, &f->err), 0);
	err_release(&f->err);
	free(f->dir);
	free(f->self);
	free(f);
	return 0;
}

static void turn(struct fixture *f)
{
	if (loop_turn(f->loop, 1, &f->err) < 0)
		fail_msg("%s", err_text(&f->err));
}

static void on_answer(void *arg, const json_t *answer, const struct err *why)
{
	struct fixture *f = arg;

	(void)why;
	f->failed = !answer;
	f->answered = answer ? (pid_t)json_int(answer, "pid", -1) : -1;
}

static void ask(struct fixture *f)
{
	f->answered = 0;
	if (role_ask(f->role, json_object(), on_answer, f, &f->err) < 0)
		fail_msg("%s", err_text(&f->err));
	role_flush(f->role);
	for (int i = 0; i < PATIENT_MS && !f->answered; i++)
		turn(f);
	assert_false(f->failed);
	assert_true(f->answered > 0);
}

/* Children of this process, zombies among them. */
static size_t children(void)
{
	FILE *list = fopen("/proc/thread-self/children", "r");
	size_t n = 0;
	int pid;

	assert_non_null(list);
	while (fscanf(list, "%d", &pid) == 1)
		n++;
	fclose(list);
	return n;
}

static void await_no_children(struct fixture *f)
{
	for (int i = 0; i < PATIENT_MS && children(); i++)
		turn(f);
	assert_int_equal(children(), 0);
}

static void a_day_of_idle_stops_leaves_no_process(void **state)
{
	struct fixture *f = *state;
	pid_t before = 0;

	for (int64_t end = f->now + DAY_MS; f->now < end; f->now += RECONCILE_MS) {
		ask(f);
		assert_int_not_equal(f->answered, before); /* it had ended and was started again */
		before = f->answered;
		f->now += IDLE_MS;
		turn(f);
		f->now -= IDLE_MS;
	}
	await_no_children(f);
}

static void a_killed_role_is_reaped(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 20; i++) {
		ask(f);
		kill(f->answered, SIGKILL);
		for (int k = 0; k < PATIENT_MS && kill(f->answered, 0) == 0; k++)
			turn(f);
	}
	await_no_children(f);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_day_of_idle_stops_leaves_no_process),
		TEST(a_killed_role_is_reaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
