/*
 * init_app.c - `yardmaster init --github`: the manifest flow, through a page on this machine.
 *
 *   browser ── GET /TOKEN ──► we: a form with the manifest, and a state
 *   browser ── POST ────────► GitHub, which asks its user
 *   browser ── GET /TOKEN/done?code=…&state=… ──► we ── POST conversions ──► GitHub: id, key, secret
 *
 * TOKEN is only on the terminal, so that nobody else on this machine can have their App registered here; the
 * state counts once, so that no other page can make a browser come back with a code that is not ours.
 */
#include "cli/init.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/hmac.h"
#include "base/mem.h"
#include "forge/github_app.h"
#include "forge/github_client.h"
#include "sys/http.h"
#include "sys/httpd.h"

#include <signal.h>
#include <stdarg.h>
#include <string.h>

#define WAIT_MS    ((int64_t)3600 * 1000) /* what GitHub gives a manifest */
#define ANSWER_MAX ((size_t)1 << 20)
#define CODE_MAX   200
#define PEERS_MAX  32

struct flow {
	struct cli_call *call;
	const struct init_app *want;
	struct loop *loop;
	struct httpd *httpd;
	struct http *http;
	struct http_call *asking;
	struct loop_timer *limit;
	char *first_path, *done_path;
	char *url;   /* "http://127.0.0.1:PORT/TOKEN" */
	char *state; /* of the page that was shown last; NULL: none counts */
	struct visit
		*asked; /* whose code is being exchanged; NULL: none, or its browser has gone */
	bool kept;      /* registered and kept: end when the page has left */
	bool over;
	struct err why; /* set: end with it */
};

struct visit {
	struct flow *f;
	struct httpd_request *r;
	bool last; /* its answer is the end */
};

static void end_flow(struct flow *f)
{
	f->over = true;
	loop_stop(f->loop);
}

/* --- pages ---------------------------------------------------------------------------------------- */

static void add_escaped(struct buf *b, const char *s)
{
	static const struct {
		char c;
		const char *as;
	} odd[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};

	for (; *s; s++) {
		size_t i = 0;

		while (i < ARRAY_LEN(odd) && odd[i].c != *s)
			i++;
		if (i < ARRAY_LEN(odd))
			buf_adds(b, odd[i].as);
		else
			buf_addc(b, *s);
	}
}

static void begin_page(struct buf *b, const char *title)
{
	buf_adds(
		b,
		"<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Yardmaster</title>"
		"<style>body{font:1rem/1.5 sans-serif;max-width:40rem;margin:3rem auto;padding:0 "
		"1rem}button{font:inherit;padding:.5rem 1rem}</style><h1>");
	add_escaped(b, title);
	buf_adds(b, "</h1>");
}

static void answer_page(struct visit *v, int status, const struct buf *b)
{
	httpd_answer_with(v->r, status, "text/html; charset=utf-8", b->s, b->len);
}

__attribute__((format(printf, 4, 5))) static void say(struct visit *v, int status,
						      const char *title, const char *fmt, ...)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	autofree char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	begin_page(&b, title);
	buf_adds(&b, "<p>");
	add_escaped(&b, text);
	if (status != 200) {
		buf_adds(&b, "<p><a href=\"");
		add_escaped(&b, v->f->url);
		buf_adds(&b, "\">Begin again</a>");
	}
	answer_page(v, status, &b);
}

static void show_form(struct visit *v)
{
	struct flow *f = v->f;
	const struct init_app *w = f->want;
	cleanup(buf_release) struct buf b = BUF_INIT;
	autofree char *redirect = xasprintf("%s/done", f->url);
	autojson json_t *manifest = github_manifest(&(struct github_manifest){
		.name = w->name, .home = w->web, .redirect = redirect, .hook = w->hook});
	autofree char *text = json_text(manifest);
	autofree char *where = w->owner ? gh_path("/organizations/%s", w->owner) : xstrdup("");

	free(f->state);
	f->state = rnd_hex(&rnd_system, HMAC_BYTES / 2);
	begin_page(&b, "Register a GitHub App");
	buf_adds(&b,
		 "<p>GitHub will show what the App may do, and ask for its name. It can read and "
		 "write code, issues and pull requests of the repositories that it is installed "
		 "on, and nothing before that.<form method=\"post\" action=\"");
	add_escaped(&b, w->web);
	add_escaped(&b, where);
	buf_addf(&b,
		 "/settings/apps/new?state=%s\"><input type=\"hidden\" name=\"manifest\" value=\"",
		 f->state);
	add_escaped(&b, text);
	buf_adds(&b, "\"><button>Go on to ");
	add_escaped(&b, w->web);
	buf_adds(&b, "</button></form>");
	answer_page(v, 200, &b);
}

/* --- the exchange --------------------------------------------------------------------------------- */

/* GitHub's own words, when it has some. */
static char *words_of(const struct http_answer *a)
{
	autojson json_t *o = NULL;

	if (a->end != HTTP_WHOLE)
		return xstrdup(a->text);
	if (json_parse(a->body, a->len, ANSWER_MAX, &o, NULL) == 0 && json_str(o, "message", NULL))
		return xasprintf("status %d: %.300s", a->status, json_str(o, "message", ""));
	return xasprintf("status %d", a->status);
}

static void refused(struct flow *f, struct visit *v, const struct http_answer *a)
{
	autofree char *words = words_of(a);
	autofree char *line = xasprintf("GitHub did not hand the App over: %s", words);

	cli_out_complain(f->call->out, line);
	if (v)
		say(v, 502, "GitHub did not hand the App over",
		    "%s. A code is good once and for an hour. If the App is listed in the settings "
		    "of the account all the same, delete it there before beginning again.",
		    words);
}

static void on_converted(void *arg, const struct http_answer *a)
{
	struct flow *f = arg;
	struct visit *v = steal(&f->asked);
	autojson json_t *app = NULL;

	f->asking = NULL;
	if (a->end != HTTP_WHOLE || a->status != 201) {
		refused(f, v, a);
	} else if (json_parse(a->body, a->len, ANSWER_MAX, &app, &f->why) < 0 ||
		   f->want->keep(f->want->arg, app, &f->why) < 0) {
		if (v)
			say(v, 500, "The App was registered and could not be kept", "%s",
			    err_text(&f->why));
		f->kept = true;
	} else {
		f->kept = true;
		if (v)
			say(v, 200, "The App is registered",
			    "Go on in the terminal: it says what is next. This page has done its "
			    "work.");
	}
	if (v)
		v->last = f->kept;
	httpd_flush(f->httpd);
	if (f->kept && !v)
		end_flow(f);
}

static int exchange(struct flow *f, const char *code, struct err *err)
{
	cleanup(strvec_release) struct strvec headers = STRVEC_INIT;
	autofree char *path = gh_path("/app-manifests/%s/conversions", code);
	autofree char *url = xasprintf("%s%s", f->want->api, path);

	strvec_push(&headers, "Accept: application/vnd.github+json");
	strvec_push(&headers, "X-GitHub-Api-Version: 2022-11-28");
	return http_start(f->http,
			  &(struct http_req){.method = "POST",
					     .url = url,
					     .headers = &headers,
					     .body = "",
					     .once = true,
					     .secret = true,
					     .max = ANSWER_MAX,
					     .connect_ms = 10000,
					     .total_ms = 60000,
					     .stall_ms = 30000},
			  on_converted, f, &f->asking, err);
}

static bool code_ok(const char *s)
{
	size_t n = s ? strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
		     : 0;

	return n && !s[n] && n <= CODE_MAX;
}

/* In a time that does not tell how much of it was right. */
static bool same(const char *a, const char *b)
{
	return strlen(a) == HMAC_BYTES && strlen(b) == HMAC_BYTES &&
	       hmac_equal((const unsigned char *)a, (const unsigned char *)b);
}

static void take_code(struct visit *v)
{
	struct flow *f = v->f;
	const char *code = httpd_query(v->r, "code"), *state = httpd_query(v->r, "state");
	cleanup(err_release) struct err err = ERR_INIT;

	if (f->asking || f->kept) {
		say(v, 409, "This page was visited already",
		    "The App is being registered, or is. Look at the terminal.");
		return;
	}
	if (!f->state || !state || !same(state, f->state)) {
		say(v, 400, "Not from here",
		    "This does not follow from the page that was shown last: 'state' is %s. "
		    "Nothing "
		    "was registered.",
		    state ? "another one" : "missing");
		return;
	}
	if (!code_ok(code)) {
		say(v, 400, "No code", "GitHub comes back with a 'code'; none was found.");
		return;
	}
	free(steal(&f->state)); /* it counts once */
	f->asked = v;
	if (exchange(f, code, &err) < 0) {
		f->asked = NULL;
		say(v, 500, "GitHub cannot be asked", "%s", err_text(&err));
	}
}

/* --- requests ------------------------------------------------------------------------------------- */

/* Only by the name that was printed: another one is a page elsewhere that resolves to this machine. */
static bool host_ok(const struct flow *f, struct httpd_request *r)
{
	const char *host = httpd_header(r, "Host"), *port = strrchr(httpd_address(f->httpd), ':');
	autofree char *name = xasprintf("localhost%s", port ? port : "");

	return host && (!strcmp(host, httpd_address(f->httpd)) || !strcmp(host, name));
}

static void *visit_begin(void *arg, struct httpd_request *r)
{
	struct flow *f = arg;
	struct visit *v;

	if (!host_ok(f, r)) {
		httpd_answer(r, 404, 0);
		return NULL;
	}
	v = xcalloc(1, sizeof(*v));
	*v = (struct visit){.f = f, .r = r};
	return v;
}

static void visit_data(void *state, const void *p, size_t n)
{
	(void)state;
	(void)p;
	(void)n;
}

static void first_complete(void *state)
{
	show_form(state);
}

static void done_complete(void *state)
{
	take_code(state);
}

static void visit_end(void *state)
{
	struct visit *v = state;

	if (v->f->asked == v)
		v->f->asked = NULL;
	if (v->last)
		end_flow(v->f);
	free(v);
}

static const struct httpd_handler first_handler = {0, visit_begin, visit_data, first_complete,
						   visit_end};
static const struct httpd_handler done_handler = {0, visit_begin, visit_data, done_complete,
						  visit_end};

/* --- its life ------------------------------------------------------------------------------------- */

static void on_signal(void *arg, int signo)
{
	struct flow *f = arg;

	err_set(&f->why, ERR_STATE, "init --github: ended by a signal (%s); %s", strsignal(signo),
		f->asking ? "the App may be registered at GitHub and its key is lost: delete it "
			    "there, "
			    "and begin again"
			  : "nothing was registered and nothing was written");
	end_flow(f);
}

static void on_limit(void *arg)
{
	struct flow *f = arg;

	err_set(&f->why, ERR_LIMIT,
		"init --github: nobody came back from GitHub within an hour; nothing was written");
	end_flow(f);
}

static int prepare(struct flow *f, const struct httpd_route *routes, struct err *err)
{
	const struct init_app *w = f->want;
	struct http_conf conf = {.ca_file = w->ca_file,
				 .user_agent = "yardmaster/" YM_VERSION,
				 .plain = !http_url_is_https(w->api)};
	autofree char *listen = xasprintf("127.0.0.1:%lld", (long long)w->port);
	struct httpd_options o = {
		.listen = listen, .connections = PEERS_MAX, .routes = routes, .arg = f};

	if (loop_signal(f->loop, SIGINT, on_signal, f, err) < 0 ||
	    loop_signal(f->loop, SIGTERM, on_signal, f, err) < 0 ||
	    http_new(f->loop, &conf, &f->http, err) < 0 ||
	    httpd_new(f->loop, &o, &f->httpd, err) < 0)
		return -1;
	f->url = xasprintf("http://%s%s", httpd_address(f->httpd), f->first_path);
	f->limit = loop_timer_new(f->loop, on_limit, f);
	loop_timer_in(f->limit, WAIT_MS);
	return 0;
}

static void invite(struct flow *f)
{
	autofree char *text = xasprintf(
		"Open this page in a browser on this machine, and go on to GitHub from there:\n\n  "
		"%s\n\nWaiting for GitHub; Ctrl-C ends it.\n",
		f->url);

	/* With --json standard output is the result's alone. */
	if (f->call->json) {
		cli_out_error_raw(f->call->out, text);
		return;
	}
	cli_out_adds(f->call->out, text);
	cli_out_flush(f->call->out, NULL);
}

static void flow_release(struct flow *f)
{
	http_cancel(f->asking);
	httpd_free(f->httpd);
	http_free(f->http);
	if (f->limit)
		loop_timer_free(f->limit);
	loop_free(f->loop);
	free(f->first_path);
	free(f->done_path);
	free(f->url);
	free(f->state);
	err_release(&f->why);
}

int init_app_register(struct cli_call *call, const struct init_app *want, struct err *err)
{
	cleanup(flow_release) struct flow f = {.call = call, .want = want};
	autofree char *token = rnd_hex(&rnd_system, 16);
	struct httpd_route routes[3] = {{0}};

	f.first_path = xasprintf("/%s", token);
	f.done_path = xasprintf("/%s/done", token);
	routes[0] = (struct httpd_route){"GET", f.first_path, &first_handler};
	routes[1] = (struct httpd_route){"GET", f.done_path, &done_handler};
	if (loop_new(&clock_system, &f.loop, err) < 0 || prepare(&f, routes, err) < 0)
		return err_wrap(err, "init --github");
	invite(&f);
	while (!f.over)
		if (loop_run(f.loop, err) < 0)
			return -1;
	return f.why.code ? err_move(err, &f.why) : 0;
}
