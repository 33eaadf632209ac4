/* web.c - see web.h: the part's life; what a request goes through is in receive.c */
#include "web/receive.h"
#include "web/stream.h"

#include "base/log.h"
#include "base/mem.h"
#include "bot/waits.h"
#include "sys/aside.h"
#include "sys/fs.h"

#include <sys/resource.h>

#define PURGE_MS          60000
#define PURGE_STEP        200
#define QUIET_MS          20
#define SLOW_US           2000 /* a commit that takes longer: the disk's syncs are what costs */
#define FAILED_MS         5000
#define OTHER_FILES       256 /* descriptors for roles, runs, the ledger and clients of the socket */
#define UNDECODABLE_SHOWN 20

static const struct httpd_route routes[] = {
	{"POST", "/webhook/github", &receive_handler},
	{0},
};

static void on_wake(void *arg)
{
	(void)arg; /* waking up is all: the turn does the rest */
}

/* As many connections as the limit of open files leaves room for. */
static size_t connections(void)
{
	struct rlimit l;
	rlim_t want = 2 * WEB_CONNECTIONS + OTHER_FILES;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0)
		return WEB_CONNECTIONS / 4;
	if (l.rlim_cur < want && l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max < want ? l.rlim_max : want;
		if (setrlimit(RLIMIT_NOFILE, &l) < 0)
			getrlimit(RLIMIT_NOFILE, &l);
	}
	if (l.rlim_cur >= want)
		return WEB_CONNECTIONS;
	return l.rlim_cur > 2 * OTHER_FILES ? (size_t)(l.rlim_cur - OTHER_FILES) / 2 : 32;
}

static int listen_on(struct web *w, const char *address, struct err *err)
{
	size_t n = connections();
	struct httpd_options o = {.listen = address, .connections = n, .routes = routes, .arg = w};

	if (httpd_new(w->bot->loop, &o, &w->http, err) < 0)
		return -1;
	log_info("webhooks: listening on http://%s/webhook/github, %zu secrets",
		 httpd_address(w->http), hook_secrets_count(w->secrets));
	return 0;
}

/* --- the event channel --- */

static bool on_delivery(void *arg, const struct smee_delivery *d)
{
	struct receive_headers h = {
		.signature = d->signature, .event = d->event, .guid = d->guid, .type = d->type};

	return receive_whole(arg, &h, d->body, d->len) == 202;
}

/* What came while there was no connection, or was not taken, is lost: the forge has to be read. */
static void on_gap(void *arg)
{
	struct web *w = arg;

	loop_timer_in(w->bot->reconcile, 0);
}

static int stream_to(struct web *w, const struct conf_daemon *conf, struct stream **ret,
		     struct err *err)
{
	struct stream_options o = {.url = conf->hooks.events,
				   .proxy = conf->github.proxy,
				   .ca_file = conf->github.ca_file,
				   .deliver = on_delivery,
				   .again = on_gap,
				   .arg = w};

	*ret = NULL;
	return o.url ? stream_new(w->bot->loop, w->bot->rnd, &o, ret, err) : 0;
}

static void web_stop(void *self)
{
	struct web *w = self;

	stream_free(w->stream);
	httpd_free(w->http);
	receive_release(w);
	deliver_free(w->deliver);
	hook_secrets_unref(w->secrets);
	loop_timer_free(w->wake);
	free(w->spool);
	free(w);
}

static int web_start(struct bot *b, void *arg, void **ret_self, struct err *err)
{
	const struct web_options *o = arg;
	const struct conf_hooks *conf = &b->conf->hooks;
	struct web *w = xcalloc(1, sizeof(*w));

	w->bot = b;
	w->wake = loop_timer_new(b->loop, on_wake, w);
	w->spool = path_join(b->data, "spool");
	w->space.folder = w->spool;
	TAILQ_INIT(&w->coming);
	TAILQ_INIT(&w->arrived);
	TAILQ_INIT(&w->durable);
	if (deliver_new(b, o->deliver, &w->deliver, err) < 0 ||
	    deliveries_size(b->db, &w->bytes, &w->fresh, err) < 0 ||
	    hook_secrets_new(conf, &w->secrets, err) < 0 ||
	    (conf->listen && listen_on(w, conf->listen, err) < 0) ||
	    stream_to(w, b->conf, &w->stream, err) < 0) {
		web_stop(w);
		return -1;
	}
	*ret_self = w;
	return 0;
}

static int web_reload(void *self, const struct conf_daemon *fresh, struct err *err)
{
	struct web *w = self;
	const char *was = w->bot->conf->hooks.listen, *is = fresh->hooks.listen;
	const char *url = w->stream ? stream_url(w->stream) : "";
	struct hook_secrets *secrets;
	struct stream *stream = NULL;
	bool moved = strcmp(url, fresh->hooks.events ? fresh->hooks.events : "") != 0;

	if ((was != NULL) != (is != NULL) || (was && strcmp(was, is) != 0))
		return err_set(err, ERR_STATE, "'listen' cannot change while the daemon runs");
	if (hook_secrets_new(&fresh->hooks, &secrets, err) < 0)
		return -1;
	if (moved && stream_to(w, fresh, &stream, err) < 0) {
		hook_secrets_unref(secrets);
		return -1;
	}
	if (moved) {
		stream_free(w->stream);
		w->stream = stream;
	}
	hook_secrets_unref(w->secrets);
	w->secrets = secrets;
	return 0;
}

static void web_drain(void *self)
{
	struct web *w = self;
	struct clock *clock = w->bot->clock;

	stream_free(steal(&w->stream));
	if (!w->http || w->drain_until)
		return;
	w->drain_until = clock->mono_ms(clock) + WEB_DRAIN_MS;
	httpd_drain(w->http);
	loop_timer_set(w->wake, w->drain_until);
}

static bool web_drained(void *self)
{
	struct web *w = self;
	struct clock *clock = w->bot->clock;

	return !w->http || !httpd_counts(w->http).requests ||
	       clock->mono_ms(clock) >= w->drain_until;
}

/* --- the turn --------------------------------------------------------------------------------------- */

static void wake_in(struct web *w, int64_t ms)
{
	if (!w->drain_until)
		loop_timer_in(w->wake, ms);
}

/* By size always, by age only with a clock that can be trusted: 1, 0 not now, -1. */
static int may_purge(struct web *w, bool over, int64_t now, struct err *err)
{
	if (over)
		return 1;
	if (now - w->purged_ms < PURGE_MS && now >= w->purged_ms)
		return 0;
	w->purged_ms = now;
	return waits_may_age(w->bot, err);
}

/* In small steps: a turn must not wait for a whole day's rows. */
static int purge(struct web *w, size_t arrived, struct err *err)
{
	const int64_t day = 86400000, now = bot_now(w->bot);
	int64_t cap = w->bot->conf->retention.deliveries_mb << 20, gone = 0;
	int64_t before = now - w->bot->conf->retention.deliveries_days * day;
	bool over = w->bytes + w->turn_bytes > cap;
	int n = may_purge(w, over, now, err);

	w->full = w->full && over; /* `retention` may have been changed */
	if (n <= 0)
		return n;
	n = deliveries_purge(w->bot->db, before, over, PURGE_STEP + 2 * (int64_t)arrived, &gone,
			     err);
	if (n < 0)
		return -1;
	w->turn_bytes -= gone;
	w->full = over && !n && w->bytes + w->turn_bytes > cap;
	if (n >= PURGE_STEP)
		w->purged_ms = 0; /* there are more */
	return 0;
}

/* Between two deliveries of a sender that sends as fast as it can there are turns without any. */
static enum deliver_pace pace(struct web *w)
{
	struct clock *clock = w->bot->clock;
	int64_t now = clock->mono_ms(clock);

	if (w->nbatch)
		w->stored_ms = now;
	if (now - w->stored_ms >= QUIET_MS)
		return DELIVER_QUIET;
	if (w->bytes > w->bot->conf->retention.deliveries_mb << 19)
		return DELIVER_HURRY;
	return w->aside ? DELIVER_FLOOD : DELIVER_BUSY;
}

static int web_work(void *self, struct err *err)
{
	struct web *w = self;
	int n = 0;

	w->pace = pace(w);
	if (w->bot->clock->mono_ms(w->bot->clock) < w->work_after_ms)
		return 0;
	if (w->fresh + (int64_t)w->stored)
		n = deliver_pass(w->deliver, w->secrets, w->pace, err);
	if (n < 0)
		return -1;
	w->turn_done = n;
	return purge(w, w->nbatch, err);
}

struct commit {
	struct web *web;
	struct err *err;
	int64_t ms; /* that the commit took */
	int rc;
};

static void write_and_commit(void *arg)
{
	struct commit *c = arg;
	struct clock *clock = c->web->bot->clock;

	c->rc = receive_write(c->web, c->err);
	c->ms = clock->mono_ms(clock);
	if (c->rc == 0)
		c->rc = db_commit(c->web->bot->db, c->err);
	c->ms = clock->mono_ms(clock) - c->ms;
}

/* With each write-back of the journal go three syncs, which stand for as many deliveries as a commit each. */
static void learn_disk(struct web *w, int64_t ms)
{
	bool was = w->sync_us > SLOW_US;

	w->sync_us += (1000 * ms - w->sync_us) / 8;
	if (was != (w->sync_us > SLOW_US))
		db_write_back(w->bot->db, was ? DB_PAGES : DB_PAGES_SLOW);
}

/* The ledger is the other thread's meanwhile: nothing here touches it. */
static void receive_on(void *web, int fd)
{
	struct web *w = web;

	receive_answer_all(w);
	httpd_until(w->http, fd);
}

/* While many deliveries are written and synced the ones before are answered, and the next ones are read and their
 * signatures computed. What is read waits for the next turn. */
static int web_commit(void *self, struct err *err)
{
	struct web *w = self;
	struct commit c = {.web = w, .err = err};

	if (!w->aside)
		return db_commit(w->bot->db, err);
	w->writing = true;
	aside(write_and_commit, &c, receive_on, w);
	w->writing = false;
	learn_disk(w, c.ms);
	return c.rc;
}

static void web_committed(void *self)
{
	struct web *w = self;
	size_t stored = w->stored;

	w->fresh += (int64_t)stored - w->turn_done;
	w->bytes += w->turn_bytes;
	w->acknowledged += (int64_t)stored;
	receive_stored(w, 202);
	if (w->drain_until || !receive_more(w))
		receive_answer_all(w);
	if (!TAILQ_EMPTY(&w->arrived) || (w->fresh && w->pace == DELIVER_QUIET))
		wake_in(w, 0);
	else if (w->fresh)
		wake_in(w, w->pace == DELIVER_HURRY ? DELIVER_HURRY_MS : DELIVER_BUSY_MS);
	else
		wake_in(w, PURGE_MS);
}

/* The disk is full: what is to be put off can wait until somebody has made room. */
static void web_failed(void *self)
{
	struct web *w = self;
	struct clock *clock = w->bot->clock;

	w->refused_busy += (int64_t)w->nbatch;
	deliver_undone(w->deliver);
	receive_stored(w, 503);
	receive_answer_all(w);
	if (w->stream) /* whose server was not told */
		loop_timer_in(w->bot->reconcile, FAILED_MS);
	w->work_after_ms = clock->mono_ms(clock) + FAILED_MS;
	wake_in(w, FAILED_MS);
}

/* --- for people --------------------------------------------------------------------------------------- */

static int web_status(void *self, bool owner, json_t *o, struct err *err)
{
	struct web *w = self;
	autojson json_t *s = json_object();
	struct httpd_counts counts = {0};
	json_t *tally = NULL, *odd = NULL;

	if (!w->http && !w->stream && !w->fresh && !hook_secrets_count(w->secrets))
		return 0;
	json_put_str(s, "listen", w->http ? httpd_address(w->http) : NULL);
	if (w->stream)
		json_put(s, "channel", stream_state(w->stream));
	json_put_int(s, "secrets", (int64_t)hook_secrets_count(w->secrets));
	if (w->http)
		counts = httpd_counts(w->http);
	json_put_int(s, "connections", (int64_t)counts.open);
	json_put_int(s, "requests", (int64_t)counts.requests);
	json_put_int(s, "evicted", counts.evicted);
	json_put_int(s, "timed_out", counts.timed_out);
	json_put_int(s, "acknowledged", w->acknowledged);
	json_put_int(s, "refused_signature", w->refused_signature);
	json_put_int(s, "refused_malformed", w->refused_malformed);
	json_put_int(s, "refused_busy", w->refused_busy);
	json_put_int(s, "waiting", w->fresh);
	json_put_int(s, "bytes", w->bytes);
	json_put_int(s, "received_ms", w->received_ms);
	if (deliveries_tally(w->bot->db, &tally, err) < 0)
		return -1;
	json_put(s, "events", tally);
	if (owner && deliveries_undecodable(w->bot->db, UNDECODABLE_SHOWN, &odd, err) < 0)
		return -1;
	if (odd)
		json_put(s, "undecodable", odd);
	json_put(o, "webhooks", steal(&s));
	return 0;
}

const struct bot_part_ops web_part = {
	.start = web_start,
	.store = receive_store,
	.work = web_work,
	.commit = web_commit,
	.committed = web_committed,
	.failed = web_failed,
	.reload = web_reload,
	.drain = web_drain,
	.drained = web_drained,
	.status = web_status,
	.stop = web_stop,
};
