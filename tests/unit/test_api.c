/* test_api.c - the daemon's socket: nonsense, too many connections, slow readers, a turn that is lost. */
#include "bot_fixture.h"

#include "bot/api.h"
#include "patience.h"
#include "sys/usock.h"
#include "unpriv.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static void turn_hook(void *arg)
{
	struct fx *f = arg;

	assert_int_equal(db_commit(f->bot.db, NULL), 0);
	api_flush(f->bot.api);
}

static int setup(void **state)
{
	cleanup(user_release) struct user u = {.name = xstrdup("anna"), .uid = getuid()};
	struct fx *f;

	if (fx_setup(state) < 0)
		return -1;
	f = *state;
	assert_int_equal(user_insert(f->bot.db, &u, NULL), 0);
	assert_int_equal(loop_new(&clock_system, &f->bot.loop, NULL), 0);
	f->bot.owner = getuid() + 1; /* who runs the test is somebody else */
	row_take(&f->conf.socket, xasprintf("%s/socket", f->dir));
	assert_int_equal(api_new(&f->bot, &f->bot.api, NULL), 0);
	loop_set_turn_hook(f->bot.loop, turn_hook, f);
	return 0;
}

static int teardown(void **state)
{
	struct fx *f = *state;

	api_free(f->bot.api);
	loop_free(f->bot.loop);
	return fx_teardown(state);
}

static int connected(struct fx *f)
{
	cleanup(err_release) struct err err = ERR_INIT;
	int fd;

	if (usock_connect(f->conf.socket, &fd, &err) < 0)
		fail_msg("%s", err_text(&err));
	return fd;
}

static void say(int fd, const char *s)
{
	assert_int_equal(send(fd, s, strlen(s), MSG_NOSIGNAL), (ssize_t)strlen(s));
}

/* The next bytes for fd, while the daemon's loop turns; "" when the daemon has hung up. */
static char *heard(struct fx *f, int fd)
{
	char buf[4096];
	ssize_t n;

	for (int ms = 0; ms < PATIENT_MS; ms += 10) {
		struct pollfd p = {.fd = fd, .events = POLLIN};

		assert_true(loop_turn(f->bot.loop, 0, NULL) >= 0);
		if (poll(&p, 1, 10) <= 0)
			continue;
		n = read(fd, buf, sizeof(buf));
		return xstrndup(buf, n > 0 ? (size_t)n : 0);
	}
	fail_msg("nothing came");
	return NULL;
}

#define assert_heard(f, fd, part)                                                                  \
	do {                                                                                       \
		autofree char *got_ = heard(f, fd);                                                \
                                                                                                   \
		if (!strstr(got_, part) || (!*(part) && *got_))                                    \
			fail_msg("expected '%s', found '%s'", part, got_);                         \
	} while (0)

static const char list[] = "{\"v\":1,\"cmd\":\"user list\"}\n";

static void nonsense_is_answered_before_the_end(void **state)
{
	static const char *const lines[] = {"no json\n", "[]\n", "{\"v\":1\n", "\n"};
	struct fx *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		autoclose int fd = connected(f);

		say(fd, list);
		assert_heard(f, fd, "\"ok\":true");
		say(fd, lines[i]);
		assert_heard(f, fd, "expected a JSON object on one line");
		assert_heard(f, fd, "");
	}
}

static void a_line_without_an_end_is_answered(void **state)
{
	struct fx *f = *state;
	autoclose int fd = connected(f);

	say(fd, "{\"v\":1");
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	assert_heard(f, fd, "ended within a line");
	assert_heard(f, fd, "");
}

static void one_user_does_not_take_all_places(void **state)
{
	struct fx *f = *state;
	int fds[32];

	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = connected(f);
		say(fds[i], list);
		assert_heard(f, fds[i], "\"ok\":true");
	}
	for (int i = 0; i < 3; i++) {
		autoclose int fd = connected(f);

		assert_heard(f, fd, "has 32 connections open");
		assert_heard(f, fd, "");
	}
	/* The others go on, and a place that becomes free is taken. */
	say(fds[0], list);
	assert_heard(f, fds[0], "\"ok\":true");
	close(fds[1]);
	for (int i = 0; i < 3; i++)
		assert_true(loop_turn(f->bot.loop, 10, NULL) >= 0);
	fds[1] = connected(f);
	say(fds[1], list);
	assert_heard(f, fds[1], "\"ok\":true");
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
}

static void the_owner_has_more(void **state)
{
	struct fx *f = *state;
	int fds[40];

	f->bot.owner = getuid();
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = connected(f);
		say(fds[i], list);
		assert_heard(f, fds[i], "\"ok\":true");
	}
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
}

/* Asks on and on and reads nothing. */
static void who_does_not_read_is_not_answered_for_ever(void **state)
{
	struct fx *f = *state;
	autoclose int fd = connected(f);
	cleanup(buf_release) struct buf all = BUF_INIT;
	size_t asked = 0;

	for (int i = 0; i < 500; i++) {
		cleanup(user_release) struct user u = {.name = xasprintf("user-number-%d", i),
						       .uid = 500000 + i};

		assert_int_equal(user_insert(f->bot.db, &u, NULL), 0);
	}
	for (int quiet = 0; quiet < 20;) {
		ssize_t n = send(fd, list, sizeof(list) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);

		asked += n > 0;
		quiet = n > 0 ? 0 : quiet + 1;
		assert_true(asked < 100000);
		assert_true(loop_turn(f->bot.loop, 0, NULL) >= 0);
	}
	for (;;) {
		autofree char *got = heard(f, fd);

		if (!*got)
			break;
		buf_adds(&all, got);
	}
	assert_non_null(strstr(all.s, "before the answers to the last ones were read"));
	assert_true(all.len < (size_t)4 << 20);
}

/* What was decided in a turn that could not be committed is not said; the reason is. */
static void a_lost_turn_is_told(void **state)
{
	struct fx *f = *state;
	cleanup(err_release) struct err full = ERR_INIT;
	autoclose int fd = connected(f), idle = connected(f);
	struct pollfd p = {.events = POLLIN};
	autofree char *got = NULL;

	loop_set_turn_hook(f->bot.loop, NULL, NULL); /* the turn is ended below */
	say(fd, list);
	for (int i = 0; i < 5; i++)
		assert_true(loop_turn(f->bot.loop, 10, NULL) >= 0);
	err_set(&full, ERR_LIMIT, "the disk is full");
	api_fail_all(f->bot.api, &full);
	p.fd = fd;
	assert_int_equal(poll(&p, 1, 0), 1);
	got = heard(f, fd);
	assert_string_equal(got, "{\"ok\":false,\"error\":{\"code\":\"limit\",\"text\":\"the disk "
				 "is full\"}}\n");
	p.fd = idle;
	assert_int_equal(poll(&p, 1, 0), 0); /* it asked nothing */
}

int main(int argc, char **argv)
{
	(void)argc;
	unpriv(argv); /* uid 0 is no user */
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(nonsense_is_answered_before_the_end),
		TEST(a_line_without_an_end_is_answered),
		TEST(one_user_does_not_take_all_places),
		TEST(the_owner_has_more),
		TEST(who_does_not_read_is_not_answered_for_ever),
		TEST(a_lost_turn_is_told),
	};

	return cmocka_run_group_tests_name("api", tests, NULL, NULL);
}
