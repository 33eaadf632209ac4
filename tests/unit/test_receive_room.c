/* test_receive_room.c - whose room a delivery gets when all is taken (web/receive.c), and who is known. */
#include "httpd_fixture.h"

#include "base/text.h"
#include "web/receive.h"

#define SIGNED                                                                                     \
	"X-Hub-Signature-256: sha256=00112233445566778899aabbccddeeff"                             \
	"00112233445566778899aabbccddeeff\r\n"
#define POST(more) "POST /in HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n" SIGNED more "\r\n"
#define KNOWN      "X-GitHub-Hook-ID: 7\r\n"

static const struct httpd_route to_receive[] = {{"POST", "/in", &receive_handler}, {0}};

struct room {
	struct conf_daemon conf;
	struct bot bot;
	struct web web;
};

static void on_wake(void *arg)
{
	(void)arg;
}

/* A server of deliveries that knows the hook 7. */
static void open_room(struct fixture *f, struct room *r)
{
	static struct conf_secret secret = {.ref = (char *)"env:X"};
	struct httpd_options o = {
		.listen = "127.0.0.1:0", .connections = 8, .routes = to_receive, .arg = &r->web};

	setenv("X", "x", 1);
	*r = (struct room){.conf.hooks = {.secrets = &secret, .nsecrets = 1}};
	r->bot = (struct bot){.clock = &f->clock, .conf = &r->conf, .data = "/tmp"};
	r->web = (struct web){.bot = &r->bot, .hooks = {7}, .nhooks = 1};
	r->web.space.folder = "/tmp";
	TAILQ_INIT(&r->web.coming);
	TAILQ_INIT(&r->web.arrived);
	TAILQ_INIT(&r->web.durable);
	assert_int_equal(hook_secrets_new(&r->conf.hooks, &r->web.secrets, &f->err), 0);
	r->web.wake = loop_timer_new(f->loop, on_wake, NULL);
	httpd_free(f->http);
	assert_int_equal(httpd_new(f->loop, &o, &f->http, &f->err), 0);
	f->port = (int)strtol(strrchr(httpd_address(f->http), ':') + 1, NULL, 10);
}

static void close_room(struct fixture *f, struct room *r)
{
	httpd_free(steal(&f->http));
	receive_release(&r->web);
	hook_secrets_unref(r->web.secrets);
	loop_timer_free(r->web.wake);
}

/* n bytes of a body. */
static void send_body(struct fixture *f, int fd, size_t n)
{
	char piece[5001];

	memset(piece, 'x', n);
	piece[n] = '\0';
	say(f, fd, piece);
}

/* Beside what is held here all is taken. */
static void fill_up(struct room *r)
{
	r->web.space.memory = BODY_MEMORY_ALL;
	r->web.space.spool = BODY_SPOOL_ALL;
}

static void test_a_stranger_gives_way(void **state)
{
	struct fixture *f = *state;
	struct room r;
	int little, much, known;

	open_room(f, &r);
	little = dial(f, 1);
	say(f, little, POST(""));
	send_body(f, little, 1000);
	much = dial(f, 2);
	say(f, much, POST(""));
	send_body(f, much, 4000);
	known = dial(f, 3);
	say(f, known, POST(KNOWN));
	fill_up(&r);
	send_body(f, known, 100);
	assert_int_equal(status(known), 0);
	assert_int_equal(status(much), -1); /* who held most */
	assert_int_equal(status(little), 0);
	assert_int_equal(r.web.refused_busy, 1);
	close(little);
	close(much);
	close(known);
	close_room(f, &r);
}

static void test_not_the_other_way_round(void **state)
{
	struct fixture *f = *state;
	struct room r;
	int known, stranger;

	open_room(f, &r);
	known = dial(f, 1);
	say(f, known, POST(KNOWN));
	send_body(f, known, 4000);
	stranger = dial(f, 2);
	say(f, stranger, POST(""));
	fill_up(&r);
	send_body(f, stranger, 5000);
	assert_int_equal(status(stranger), 503);
	assert_int_equal(status(known), 0);
	close(known);
	close(stranger);
	close_room(f, &r);
}

/* A whole delivery of the hook `id`, signed with the key. */
static void deliver(struct fixture *f, int fd, int id, const char *key)
{
	autofree char *mac = text_hmac(key, strlen(key), "{}", 2);
	autofree char *request =
		xasprintf("POST /in HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
			  "X-Hub-Signature-256: sha256=%s\r\nX-GitHub-Event: issues\r\n"
			  "X-GitHub-Delivery: g\r\nContent-Type: application/json\r\n"
			  "X-GitHub-Hook-ID: %d\r\n\r\n{}",
			  mac, id);

	say(f, fd, request);
}

/* A hook is known by a right signature, once; one that anybody names is not. */
static void test_a_signature_makes_known(void **state)
{
	struct fixture *f = *state;
	struct room r;
	int fd[3];

	open_room(f, &r);
	for (int i = 0; i < 3; i++) {
		fd[i] = dial(f, 1);
		deliver(f, fd[i], i ? 9 : 10, i ? "x" : "other");
	}
	assert_int_equal(status(fd[0]), 401);
	assert_int_equal(status(fd[1]), 0); /* it is to be stored */
	assert_int_equal(r.web.waiting, 2);
	assert_int_equal(r.web.nhooks, 2);
	assert_int_equal(r.web.hooks[1], 9);
	for (int i = 0; i < 3; i++)
		close(fd[i]);
	close_room(f, &r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_stranger_gives_way, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_signature_makes_known, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_the_other_way_round, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
