/*
 * fuzz_receive.c - what comes over HTTP, and what is in a webhook that was signed rightly.
 *
 * The first byte says how the rest is sent: 'r' as it is, to the port; otherwise as the body of a delivery with a right
 * signature, 'f' as a form, anything else as JSON. Whatever comes, every request has its end, a delivery that was
 * stored has an outcome, and the receiver answers the next one.
 */
#include "base/mem.h"
#include "base/text.h"
#include "web/web.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	struct bot bot;
	struct conf_daemon conf;
	struct conf_secret secret;
	struct web_options options;
	void *web;
	int port;
} x;

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "fuzz_receive: %s\n", what);
	abort();
}

/* Takes what a forge's decoder would take first. */
static int deliver(struct bot *b, const struct delivery *d, const json_t *payload,
		   struct deliver_said *ret, struct err *err)
{
	(void)b;
	(void)d;
	(void)ret;
	if (!json_is_object(payload))
		abort();
	return json_object_get(payload, "refuse") ? err_set(err, ERR_INPUT, "refused") : 0;
}

static void on_turn(void *arg)
{
	(void)arg;
	must(web_part.store(x.web, NULL) == 0, "store");
	must(web_part.work(x.web, NULL) >= 0, "work");
	must(db_commit(x.bot.db, NULL) == 0, "commit");
	web_part.committed(x.web);
}

static void start(void)
{
	autojson json_t *o = json_object();

	setenv("FUZZ_SECRET", "fuzz", 1);
	x.secret.ref = (char *)"env:FUZZ_SECRET";
	x.conf.hooks = (struct conf_hooks){
		.listen = (char *)"127.0.0.1:0", .secrets = &x.secret, .nsecrets = 1};
	x.conf.retention.deliveries_days = 1;
	x.conf.retention.deliveries_mb = 1;
	x.options.deliver = deliver;
	x.bot = (struct bot){.clock = &clock_system, .conf = &x.conf, .data = "/tmp"};
	must(db_open(":memory:", true, &x.bot.db, NULL) == 0, "ledger");
	must(loop_new(&clock_system, &x.bot.loop, NULL) == 0, "loop");
	x.bot.reconcile = loop_timer_new(x.bot.loop, on_turn, NULL);
	must(web_part.start(&x.bot, &x.options, &x.web, NULL) == 0, "start");
	must(web_part.status(x.web, true, o, NULL) == 0, "status");
	x.port = (int)strtol(
		strrchr(json_str(json_object_get(o, "webhooks"), "listen", ":0"), ':') + 1, NULL,
		10);
	loop_set_turn_hook(x.bot.loop, on_turn, NULL);
}

static int64_t counted(const char *key)
{
	autojson json_t *o = json_object();

	must(web_part.status(x.web, true, o, NULL) == 0, "status");
	return json_int(json_object_get(o, "webhooks"), key, -1);
}

static void turn(void)
{
	must(loop_turn(x.bot.loop, 0, NULL) == 0, "turn");
}

/* Sends it all, and turns until the other side has closed or has nothing to say for a while; then goes away. */
static int talk(const char *s, size_t n)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)x.port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), status = 0, quiet = 0;
	char answer[1024] = "", rest[4096];

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	must(connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0, "connect");
	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (quiet++ < 12) {
		ssize_t did = n ? send(fd, s, n, MSG_NOSIGNAL) : 0, got;

		turn();
		got = *answer ? recv(fd, rest, sizeof(rest), 0)
			      : recv(fd, answer, sizeof(answer) - 1, 0);
		if (got == 0 || (got < 0 && errno != EAGAIN))
			break;
		if (did > 0) {
			s += did;
			n -= (size_t)did;
		}
		if (did > 0 || got > 0)
			quiet = 0;
	}
	close(fd);
	for (int i = 0; i < 100 && counted("requests"); i++)
		turn();
	must(counted("requests") == 0, "a request has no end");
	if (*answer) {
		must(!strncmp(answer, "HTTP/1.", 7), "an answer that is no HTTP");
		status = (int)strtol(answer + 9, NULL, 10);
	}
	return status;
}

static int send_signed(const char *body, size_t n, bool form)
{
	autofree char *mac = text_hmac("fuzz", 4, body, n);
	cleanup(buf_release) struct buf b = BUF_INIT;

	buf_addf(&b,
		 "POST /webhook/github HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
		 "Content-Type: %s\r\nX-GitHub-Event: issues\r\nX-GitHub-Delivery: fuzz\r\n"
		 "X-Hub-Signature-256: sha256=%s\r\nContent-Length: %zu\r\n\r\n",
		 form ? "application/x-www-form-urlencoded" : "application/json", mac, n);
	buf_add(&b, body, n);
	return talk(b.s, b.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *s = (const char *)data + 1;

	if (!x.web)
		start();
	if (!size--)
		return 0;
	if (*data == 'r') {
		talk(s, size);
	} else {
		must(send_signed(s, size, *data == 'f') == (size ? 202 : 400), "not taken");
		/* While they come one behind the other they are decoded a little at a time. */
		for (int i = 0; i < 100 && counted("waiting"); i++)
			must(loop_turn(x.bot.loop, 1, NULL) == 0, "turn");
		must(counted("waiting") == 0, "a delivery has no outcome");
	}
	if (*data == 'r')
		must(send_signed("{}", 2, false) == 202, "the next one is not taken");
	return 0;
}
