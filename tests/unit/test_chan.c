/* test_chan.c - JSON lines both ways: whole and broken ones, slow peers, freeing inside callbacks */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "patience.h"
#include "sys/chan.h"
#include "sys/jsonl.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINE_BYTES    ((size_t)1000)
#define MESSAGE_BYTES ((size_t)1 << 20)

enum reaction {
	KEEP,
	ANSWER, /* send and flush inside the callback */
	FREE,   /* free the channel inside the callback */
	FINISH, /* answer and finish */
};

struct fixture {
	struct loop *loop;
	struct chan *chan;
	int peer; /* the other end, non-blocking */
	enum reaction reaction;
	size_t messages, closed;
	int64_t sum;
	struct err why; /* why it was closed */
	struct err err;
	bool in_call; /* inside a function of the channel: closed() must not come now */
};

static void on_message(void *arg, struct chan *c, json_t *msg)
{
	struct fixture *f = arg;

	assert_ptr_equal(c, f->chan);
	f->messages++;
	f->sum += json_int(msg, "n", 0);
	if (f->reaction == ANSWER || f->reaction == FINISH) {
		f->in_call = true;
		chan_send(c, msg);
		chan_flush(c);
		if (f->reaction == FINISH)
			chan_finish(c);
		f->in_call = false;
	}
	if (f->reaction == FREE) {
		chan_free(c);
		f->chan = NULL;
	}
}

static void on_closed(void *arg, struct chan *c, const struct err *why)
{
	struct fixture *f = arg;

	assert_ptr_equal(c, f->chan);
	assert_false(f->in_call);
	assert_int_equal(f->closed, 0);
	f->closed++;
	if (why->code)
		err_set(&f->why, why->code, "%s", err_text(why));
	if (f->reaction == FREE) {
		chan_free(c);
		f->chan = NULL;
	}
}

static const struct chan_ops ops = {.message = on_message, .closed = on_closed};

static void on_broken(void *arg, struct chan *c, const struct err *why)
{
	autojson json_t *msg = json_object();

	(void)arg;
	json_put_str(msg, "why", err_code_name(why->code));
	chan_send(c, msg);
}

static const struct chan_ops answering = {
	.message = on_message, .closed = on_closed, .broken = on_broken};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	int fds[2];

	*state = f;
	if (loop_new(&clock_system, &f->loop, &f->err) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return -1;
	f->peer = fds[1];
	fcntl(f->peer, F_SETFL, O_NONBLOCK);
	return chan_new(f->loop, fds[0], LINE_BYTES, &ops, f, &f->chan, &f->err);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	chan_free(f->chan);
	loop_free(f->loop);
	if (f->peer >= 0)
		close(f->peer);
	err_release(&f->why);
	err_release(&f->err);
	free(f);
	return 0;
}

static void turn(struct fixture *f, int timeout_ms)
{
	if (loop_turn(f->loop, timeout_ms, &f->err) < 0)
		fail_msg("%s", err_text(&f->err));
}

static void put(struct fixture *f, const char *s)
{
	assert_int_equal(write(f->peer, s, strlen(s)), (ssize_t)strlen(s));
}

/* What the peer finds, without waiting. */
static char *get(struct fixture *f)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	char chunk[4096];
	ssize_t n;

	while ((n = read(f->peer, chunk, sizeof(chunk))) > 0)
		buf_add(&b, chunk, (size_t)n);
	return buf_steal(&b);
}

static void expect_got(struct fixture *f, const char *want)
{
	autofree char *got = get(f);

	assert_string_equal(got, want);
}

static void send_n(struct fixture *f, int64_t n)
{
	autojson json_t *msg = json_object();

	json_put_int(msg, "n", n);
	chan_send(f->chan, msg);
}

static void expect_closed(struct fixture *f, enum err_code code, const char *text)
{
	for (int i = 0; i < 100 && !f->closed; i++)
		turn(f, PATIENT_MS);
	assert_int_equal(f->closed, 1);
	if (f->why.code != code || (code && !strstr(err_text(&f->why), text)))
		fail_msg("closed by %s: %s", err_code_name(f->why.code), err_text(&f->why));
	turn(f, 0);
}

/* --- reading --- */

static void lines_come_in_pieces(void **state)
{
	struct fixture *f = *state;

	put(f, "{\"n\":");
	turn(f, PATIENT_MS);
	assert_int_equal(f->messages, 0);
	put(f, "1}");
	turn(f, PATIENT_MS);
	assert_int_equal(f->messages, 0);
	put(f, "\n{\"n\":2}\r\n{\"n\":3}\n{\"n");
	turn(f, PATIENT_MS);
	assert_int_equal(f->messages, 3);
	assert_int_equal(f->sum, 6);
	put(f, "\":4}\n");
	turn(f, PATIENT_MS);
	assert_int_equal(f->sum, 10);
	close(f->peer);
	f->peer = -1;
	expect_closed(f, ERR_NONE, "");
}

static void broken_lines_end_it(void **state)
{
	static const struct {
		const char *line;
		enum err_code code;
		const char *text;
	} rows[] = {
		{"no json\n", ERR_INPUT, "not JSON"},
		{"[1]\n", ERR_INPUT, "not an object"},
		{"17\n", ERR_INPUT, "not an object"},
		{"\n", ERR_INPUT, "0 bytes"},
		{"{\"n\":1}{\"n\":2}\n", ERR_INPUT, "not JSON"},
		{"{\"n\":1,\"n\":2}\n", ERR_INPUT, "duplicate"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture *f;

		if (i)
			assert_int_equal(setup(state), 0);
		f = *state;
		put(f, "{\"n\":9}\n");
		put(f, rows[i].line);
		put(f, "{\"n\":1}\n");
		expect_closed(f, rows[i].code, rows[i].text);
		assert_int_equal(f->messages, 1); /* the one before, none after */
		if (i + 1 < ARRAY_LEN(rows))
			teardown(state);
	}
}

static void a_broken_line_can_be_answered(void **state)
{
	struct fixture *f = *state;
	int fds[2];

	chan_free(f->chan);
	close(f->peer);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	f->peer = fds[1];
	fcntl(f->peer, F_SETFL, O_NONBLOCK);
	assert_int_equal(chan_new(f->loop, fds[0], 0, &answering, f, &f->chan, NULL), 0);
	put(f, "no json\n{\"n\":1}\n");
	turn(f, PATIENT_MS);
	turn(f, 0);
	assert_int_equal(f->closed, 0); /* it was not flushed yet */
	expect_got(f, "");
	chan_flush(f->chan);
	expect_got(f, "{\"why\":\"input\"}\n");
	expect_closed(f, ERR_INPUT, "not JSON");
	assert_int_equal(f->messages, 0);
}

static void long_lines_end_it(void **state)
{
	struct fixture *f = *state;
	autofree char *fits = xmalloc(LINE_BYTES + 2);

	/* {"n":7} and spaces up to the limit, then one more. */
	memset(fits, ' ', LINE_BYTES);
	memcpy(fits, "{\"n\":7}", 7);
	memcpy(fits + LINE_BYTES, "\n", 2);
	put(f, fits);
	turn(f, PATIENT_MS);
	assert_int_equal(f->sum, 7);
	fits[LINE_BYTES] = ' '; /* no newline in sight, but too long already */
	put(f, fits);
	expect_closed(f, ERR_LIMIT, "more than 1000 bytes");
	assert_int_equal(f->messages, 1);
}

static void end_within_a_line_is_told(void **state)
{
	struct fixture *f = *state;

	put(f, "{\"n\":1}\n{\"n\"");
	close(f->peer);
	f->peer = -1;
	expect_closed(f, ERR_INPUT, "within a line");
	assert_int_equal(f->messages, 1);
}

/* --- sending --- */

static void nothing_leaves_before_flush(void **state)
{
	struct fixture *f = *state;

	send_n(f, 1);
	turn(f, 0);
	turn(f, 0);
	expect_got(f, "");
	chan_flush(f->chan);
	send_n(f, 2); /* after the flush: waits for the next */
	turn(f, 0);
	expect_got(f, "{\"n\":1}\n");
	turn(f, 0);
	expect_got(f, "");
	chan_flush(f->chan);
	expect_got(f, "{\"n\":2}\n");
}

static void what_was_not_flushed_can_be_taken_back(void **state)
{
	struct fixture *f = *state;

	assert_false(chan_unsend(f->chan));
	send_n(f, 1);
	chan_flush(f->chan);
	send_n(f, 2);
	send_n(f, 3);
	assert_true(chan_unsend(f->chan));
	assert_false(chan_unsend(f->chan));
	send_n(f, 4);
	chan_flush(f->chan);
	turn(f, 0);
	expect_got(f, "{\"n\":1}\n{\"n\":4}\n");
}

/* More than the socket holds: the rest follows as the peer reads, but not what was queued later. */
static void a_slow_peer_gets_everything_in_order(void **state)
{
	struct fixture *f = *state;
	cleanup(buf_release) struct buf want = BUF_INIT;
	cleanup(buf_release) struct buf have = BUF_INIT;

	for (int64_t i = 0; i < 200000; i++) {
		send_n(f, i);
		buf_addf(&want, "{\"n\":%lld}\n", (long long)i);
	}
	chan_flush(f->chan);
	send_n(f, -1);
	while (have.len < want.len) {
		autofree char *got = get(f);

		assert_true(*got);
		buf_adds(&have, got);
		turn(f, have.len < want.len ? PATIENT_MS : 0);
	}
	assert_int_equal(have.len, want.len);
	assert_memory_equal(have.s, want.s, want.len);
	expect_got(f, "");
	chan_flush(f->chan);
	expect_got(f, "{\"n\":-1}\n");
}

static void a_peer_that_does_not_read_is_left(void **state)
{
	struct fixture *f = *state;
	autofree char *big = xmalloc(MESSAGE_BYTES + 1);
	autojson json_t *msg = json_object();

	memset(big, 'x', MESSAGE_BYTES);
	big[MESSAGE_BYTES] = '\0';
	json_put_str(msg, "big", big);
	f->in_call = true;
	for (size_t i = 0; i <= CHAN_OUT_MAX / MESSAGE_BYTES; i++) {
		chan_send(f->chan, msg);
		chan_flush(f->chan);
	}
	f->in_call = false;
	expect_closed(f, ERR_LIMIT, "does not read");
	chan_send(f->chan, msg); /* harmless */
	chan_flush(f->chan);
	chan_finish(f->chan);
	turn(f, 0);
}

static void a_peer_that_is_gone_is_noticed_by_sending(void **state)
{
	struct fixture *f = *state;

	close(f->peer);
	f->peer = -1;
	f->in_call = true;
	send_n(f, 1);
	chan_flush(f->chan); /* EPIPE, no SIGPIPE, and no callback from inside */
	f->in_call = false;
	expect_closed(f, ERR_NONE, "");
}

static void answers_from_inside_a_callback(void **state)
{
	struct fixture *f = *state;

	f->reaction = ANSWER;
	put(f, "{\"n\":1}\n{\"n\":2}\n");
	turn(f, PATIENT_MS);
	expect_got(f, "{\"n\":1}\n{\"n\":2}\n");
}

static void freed_inside_message(void **state)
{
	struct fixture *f = *state;

	f->reaction = FREE;
	put(f, "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
	turn(f, PATIENT_MS);
	assert_int_equal(f->messages, 1);
	assert_null(f->chan);
	assert_int_equal(f->closed, 0);
	turn(f, 0);
}

static void freed_inside_closed(void **state)
{
	struct fixture *f = *state;

	f->reaction = FREE;
	put(f, "garbage\n");
	expect_closed(f, ERR_INPUT, "not JSON");
	assert_null(f->chan);
}

static void freed_while_closing(void **state)
{
	struct fixture *f = *state;

	chan_finish(f->chan); /* closed() is on its way */
	chan_free(f->chan);
	f->chan = NULL;
	turn(f, 0);
	turn(f, 0);
	assert_int_equal(f->closed, 0);
}

static void finish_lets_everything_leave(void **state)
{
	struct fixture *f = *state;

	f->reaction = FINISH;
	put(f, "{\"n\":1}\n{\"n\":2}\n");
	expect_closed(f, ERR_NONE, "");
	assert_int_equal(f->messages, 1);
	expect_got(f, "{\"n\":1}\n");
}

static void finish_waits_for_the_flush(void **state)
{
	struct fixture *f = *state;

	send_n(f, 1);
	chan_finish(f->chan);
	turn(f, 0);
	turn(f, 0);
	assert_int_equal(f->closed, 0);
	expect_got(f, "");
	chan_flush(f->chan);
	expect_closed(f, ERR_NONE, "");
	expect_got(f, "{\"n\":1}\n");
}

static void finish_does_not_wait_for_the_dead(void **state)
{
	struct fixture *f = *state;

	send_n(f, 1);
	chan_finish(f->chan);
	close(f->peer);
	f->peer = -1;
	expect_closed(f, ERR_NONE, "");
}

/* --- the decoder, fed byte by byte --- */

static void decoder_does_not_depend_on_the_cuts(void **state)
{
	static const char text[] = "{\"a\":\"x\\ny\"}\n{\"b\":[1,2]}\n{}\n";

	(void)state;
	for (size_t step = 1; step < sizeof(text); step++) {
		cleanup(jsonl_release) struct jsonl d;
		size_t got = 0;

		jsonl_init(&d, 20);
		for (size_t i = 0; i < sizeof(text) - 1; i += step) {
			size_t left = sizeof(text) - 1 - i;
			json_t *msg;

			jsonl_add(&d, text + i, left < step ? left : step);
			for (; jsonl_next(&d, &msg, NULL) > 0; got++)
				json_decref(msg);
		}
		assert_int_equal(got, 3);
		assert_int_equal(jsonl_end(&d, NULL), 0);
	}
}

static void decoder_stays_failed(void **state)
{
	cleanup(jsonl_release) struct jsonl d;
	cleanup(err_release) struct err err = ERR_INIT;
	json_t *msg = NULL;

	(void)state;
	jsonl_init(&d, 20);
	jsonl_add(&d, "x\n{}\n", 5);
	assert_int_equal(jsonl_next(&d, &msg, &err), -1);
	jsonl_add(&d, "{}\n", 3);
	assert_int_equal(jsonl_next(&d, &msg, &err), -1);
	assert_int_equal(err.code, ERR_STATE);
	assert_null(msg);
}

/* --- the blocking ends --- */

static void blocking_ends_talk(void **state)
{
	cleanup(err_release) struct err err = ERR_INIT;
	struct chan_sync *a;
	int fds[2], status;
	size_t big = (size_t)3 << 20; /* more than the socket holds */
	autojson json_t *got = NULL;
	pid_t pid;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	pid = fork();
	if (!pid) {
		struct chan_sync *b = chan_sync_new(fds[1], 8 * big);
		json_t *msg = NULL;
		int rc;

		close(fds[0]);
		fcntl(fds[1], F_SETFL, O_NONBLOCK); /* works just as well */
		rc = chan_sync_recv(b, PATIENT_MS, &msg, &err) == 1 &&
		     chan_sync_send(b, msg, &err) == 0 &&
		     chan_sync_recv(b, PATIENT_MS, &msg, &err) == 0;
		_exit(rc ? 0 : 1);
	}
	close(fds[1]);
	a = chan_sync_new(fds[0], 8 * big);
	assert_int_equal(chan_sync_recv(a, 0, &got, &err), -1);
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	{
		autofree char *text = xcalloc(big + 1, 1);
		autojson json_t *msg = json_object();

		memset(text, 'y', big);
		json_put_str(msg, "text", text);
		assert_int_equal(chan_sync_send(a, msg, &err), 0);
		assert_int_equal(chan_sync_recv(a, PATIENT_MS, &got, &err), 1);
		assert_true(json_equal(got, msg));
	}
	chan_sync_free(a);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

static void blocking_end_tells_what_is_wrong(void **state)
{
	cleanup(err_release) struct err err = ERR_INIT;
	autojson json_t *msg = json_object();
	struct chan_sync *a;
	json_t *got = NULL;
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	a = chan_sync_new(fds[0], 10);
	assert_int_equal(write(fds[1], "{\"n\":1}\n{}\n{", 12), 12);
	close(fds[1]);
	assert_int_equal(chan_sync_recv(a, PATIENT_MS, &got, &err), 1);
	json_decref(got);
	assert_int_equal(chan_sync_recv(a, PATIENT_MS, &got, &err), 1);
	json_decref(got);
	assert_int_equal(chan_sync_recv(a, PATIENT_MS, &got, &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	assert_int_equal(chan_sync_send(a, msg, &err), -1);
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	chan_sync_free(a);

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	a = chan_sync_new(fds[0], 10);
	assert_int_equal(write(fds[1], "{\"nnnn\":11}\n", 12), 12);
	assert_int_equal(chan_sync_recv(a, PATIENT_MS, &got, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	chan_sync_free(a);
	close(fds[1]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lines_come_in_pieces),
		TEST(broken_lines_end_it),
		TEST(a_broken_line_can_be_answered),
		TEST(long_lines_end_it),
		TEST(end_within_a_line_is_told),
		TEST(nothing_leaves_before_flush),
		TEST(what_was_not_flushed_can_be_taken_back),
		TEST(a_slow_peer_gets_everything_in_order),
		TEST(a_peer_that_does_not_read_is_left),
		TEST(a_peer_that_is_gone_is_noticed_by_sending),
		TEST(answers_from_inside_a_callback),
		TEST(freed_inside_message),
		TEST(freed_inside_closed),
		TEST(freed_while_closing),
		TEST(finish_lets_everything_leave),
		TEST(finish_waits_for_the_flush),
		TEST(finish_does_not_wait_for_the_dead),
		cmocka_unit_test(decoder_does_not_depend_on_the_cuts),
		cmocka_unit_test(decoder_stays_failed),
		cmocka_unit_test(blocking_ends_talk),
		cmocka_unit_test(blocking_end_tells_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
