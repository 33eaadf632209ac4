/* net_lfs.c - the operation "lfs" of the net role: see net_lfs.h */
#include "git/net_lfs.h"

#include "git/lfs_store.h"
#include "git/net_coding.h"
#include "git/net_part.h"
#include "sys/http.h"

#include <curl/curl.h>

#define CA_FILE     "/etc/ssl/certs/ca-certificates.crt"
#define CONNECT_MS  15000L
#define REFUSAL_MAX 4096 /* bytes of a refused download that are read */
#define TRIES       2    /* of an address that ran out */
#define NAMED_MAX   10
#define TYPE        "application/vnd.git-lfs+json"

struct object {
	struct gr_lfs l;
	const char *path; /* for people */
};

struct lfs {
	struct net_call *c;
	struct gr_repo *r;
	CURL *easy;
	struct object *v;
	size_t n;
	char *batch;
	struct buf failed; /* those that cannot be had, by name */
	size_t nfailed;
};

/* One HTTP request and its answer: the body is kept, or written as an object when its status is 200. */
struct get {
	struct lfs *x;
	struct buf body;
	struct gr_lfs_write *to; /* NULL: none */
	struct err why;
	curl_off_t seen;
	long status;
	char *location, *retry_after;
};

static void get_release(struct get *g)
{
	buf_release(&g->body);
	err_release(&g->why);
	free(g->location);
	free(g->retry_after);
}

/* ---- what is wanted ---- */

static int decode_object(const json_t *o, struct object *ret, struct err *err)
{
	const char *oid;

	if (json_get_str(o, "oid", &oid, err) < 0 || json_get_int(o, "size", &ret->l.size, err) < 0)
		return err_wrap(err, "key 'objects'");
	if (strlen(oid) != GR_LFS_OID_HEX || strspn(oid, "0123456789abcdef") != GR_LFS_OID_HEX ||
	    ret->l.size < 1)
		return err_set(err, ERR_INPUT, "key 'objects': no object of Git LFS");
	memcpy(ret->l.oid, oid, GR_LFS_OID_HEX + 1);
	ret->path = json_str(o, "path", "?");
	if (ret->l.size > GR_LFS_OBJECT_MAX)
		return err_set(err, ERR_LIMIT, "'%s' has %lld bytes; at most %lld are fetched",
			       ret->path, (long long)ret->l.size, (long long)GR_LFS_OBJECT_MAX);
	return 0;
}

static int decode(struct lfs *x, struct err *err)
{
	int64_t total = 0;
	json_t *list, *o;
	size_t i;

	if (json_get_array(x->c->req, "objects", &list, err) < 0)
		return -1;
	if (x->c->url.ssh || json_array_size(list) > NET_LFS_OBJECTS)
		return err_set(err, ERR_INPUT, "expected an https address, and at most %d objects",
			       NET_LFS_OBJECTS);
	x->v = xcalloc(json_array_size(list) + 1, sizeof(*x->v));
	json_array_foreach (list, i, o) {
		if (decode_object(o, &x->v[x->n], err) < 0)
			return -1;
		total += x->v[x->n++].l.size;
	}
	if (total > x->c->limits.max_bytes)
		return err_set(err, ERR_LIMIT,
			       "the objects have %lld bytes; at most %lld are fetched at once "
			       "(max_bytes)",
			       (long long)total, (long long)x->c->limits.max_bytes);
	return 0;
}

/* docs/api/server-discovery.md: ".git" is added when it is not there. */
static char *batch_url(const char *url)
{
	size_t n = strlen(url);

	while (n && url[n - 1] == '/')
		n--;
	return xasprintf("%.*s%s/info/lfs/objects/batch", (int)n, url,
			 n > 4 && !strncmp(url + n - 4, ".git", 4) ? "" : ".git");
}

/* ---- HTTP ---- */

static size_t on_data(char *p, size_t size, size_t n, void *arg)
{
	struct get *g = arg;

	curl_easy_getinfo(g->x->easy, CURLINFO_RESPONSE_CODE, &g->status);
	if (g->to && g->status == 200)
		return gr_lfs_write_add(g->to, p, size * n, &g->why) < 0 ? 0 : size * n;
	/* Of a download's refusal the beginning will do. */
	if (g->to && g->body.len + size * n > REFUSAL_MAX)
		return size * n;
	buf_add(&g->body, p, size * n);
	return g->body.failed ? 0 : size * n;
}

static char *value_of(const char *p, size_t len, const char *name)
{
	size_t n = strlen(name);

	if (len <= n || strncasecmp(p, name, n) != 0)
		return NULL;
	while (n < len && (p[n] == ' ' || p[n] == '\t'))
		n++;
	while (len > n && (p[len - 1] == '\r' || p[len - 1] == '\n' || p[len - 1] == ' '))
		len--;
	return xstrndup(p + n, len - n);
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
	struct get *g = arg;
	char *location = value_of(p, size * n, "Location:");
	char *after = value_of(p, size * n, "Retry-After:");

	if (location) {
		free(g->location);
		g->location = location;
	}
	if (after) {
		free(g->retry_after);
		g->retry_after = after;
	}
	return size * n;
}

static int on_moved(void *arg, curl_off_t total, curl_off_t now, curl_off_t all, curl_off_t up)
{
	struct get *g = arg;

	(void)total;
	(void)all;
	if (now + up != g->seen)
		net_progress(g->x->c->watch);
	g->seen = now + up;
	return 0;
}

/* The forge's private authority is for the forge's own host. */
static CURLcode set_tls(struct lfs *x, const char *url)
{
	const char *ca = json_str(x->c->req, "ca_file", NULL);
	bool own = http_url_same_origin(url, x->batch);
	CURLcode rc = curl_easy_setopt(x->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);

	if (!rc)
		rc = curl_easy_setopt(x->easy, CURLOPT_SSL_VERIFYPEER, 1L);
	if (!rc)
		rc = curl_easy_setopt(x->easy, CURLOPT_SSL_VERIFYHOST, 2L);
	if (!rc)
		rc = curl_easy_setopt(x->easy, CURLOPT_CAINFO, own && ca ? ca : CA_FILE);
	if (!rc)
		rc = curl_easy_setopt(x->easy, CURLOPT_CAPATH, NULL);
	return rc;
}

static CURLcode set_manners(struct lfs *x, const char *url)
{
	const char *proxy = http_url_is_https(url) ? x->c->proxy.text : NULL;
	CURLcode rc;

	curl_easy_reset(x->easy);
	rc = curl_easy_setopt(x->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	if (!rc)
		rc = curl_easy_setopt(x->easy, CURLOPT_PROXY, proxy ? proxy : "");
	if (!rc)
		rc = curl_easy_setopt(x->easy, CURLOPT_NOPROXY, "");
	if (!rc)
		rc = curl_easy_setopt(x->easy, CURLOPT_FOLLOWLOCATION, 0L);
	if (!rc)
		rc = curl_easy_setopt(x->easy, CURLOPT_URL, url);
	return rc ? rc : set_tls(x, url);
}

static void set_callbacks(struct get *g, CURL *e)
{
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "yardmaster");
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, g);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, g);
	curl_easy_setopt(e, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(e, CURLOPT_XFERINFOFUNCTION, on_moved);
	curl_easy_setopt(e, CURLOPT_XFERINFODATA, g);
}

/* 0: there is an answer, with its status. */
static int perform(struct get *g, const char *url, const struct strvec *headers, const char *post,
		   struct err *err)
{
	CURL *e = g->x->easy;
	struct curl_slist *list = NULL;
	CURLcode rc = set_manners(g->x, url);

	set_callbacks(g, e);
	for (size_t i = 0; headers && i < headers->n; i++)
		list = curl_slist_append(list, headers->v[i]);
	list = curl_slist_append(list, "Expect:");
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, list);
	if (post) {
		curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(post));
		curl_easy_setopt(e, CURLOPT_POSTFIELDS, post);
	}
	if (!rc)
		rc = curl_easy_perform(e);
	curl_easy_getinfo(e, CURLINFO_RESPONSE_CODE, &g->status);
	for (struct curl_slist *s = list; s; s = s->next)
		mem_wipe(s->data, strlen(s->data));
	curl_slist_free_all(list);
	if (!rc)
		return 0;
	if (g->why.code)
		return err_move(err, &g->why);
	if (g->body.failed)
		return err_set(err, ERR_LIMIT, "an answer of more than %zu bytes", NET_LFS_ANSWER);
	return err_set(err, rc == CURLE_PEER_FAILED_VERIFICATION ? ERR_UNSAFE : ERR_UNAVAILABLE,
		       "%s: %s", net_phase_name(atomic_load(&g->x->c->watch->phase)),
		       curl_easy_strerror(rc));
}

/* ---- refusals ---- */

static int refused(const struct get *g, const char *what, struct err *err)
{
	enum err_code code = g->status == 404                       ? ERR_NOT_FOUND
			     : g->status == 429 || g->status >= 500 ? ERR_UNAVAILABLE
								    : ERR_DENIED;
	autojson json_t *body = NULL;
	const char *said = "";
	autofree char *after = NULL;

	if (json_parse(g->body.s ? g->body.s : "", g->body.len, NET_LFS_ANSWER, &body, NULL) == 0)
		said = json_str(body, "message", "");
	if (g->retry_after && strlen(g->retry_after) < 64)
		after = xasprintf(" (again after %s)", g->retry_after);
	return err_set(err, code, "%s: HTTP status %ld%s%.500s%s", what, g->status,
		       *said ? ": " : "", said, after ? after : "");
}

static void fail_one(struct lfs *x, const struct object *o, int code, const char *text)
{
	if (x->nfailed++ >= NAMED_MAX)
		return;
	buf_addf(&x->failed, "%s'%s' (object %.12s, %lld bytes): ", x->failed.len ? "; " : "",
		 o->path, o->l.oid, (long long)o->l.size);
	if (code)
		buf_addf(&x->failed, "%d ", code);
	buf_adds(&x->failed, text);
}

/* ---- the batch ---- */

static char *batch_body(const struct object *v, size_t n)
{
	autojson json_t *o = json_pack("{s:s,s:[s],s:s,s:[]}", "operation", "download", "transfers",
				       "basic", "hash_algo", "sha256", "objects");

	for (size_t i = 0; i < n; i++)
		json_array_append_new(
			json_object_get(o, "objects"),
			json_pack("{s:s,s:I}", "oid", v[i].l.oid, "size", (json_int_t)v[i].l.size));
	return json_text(o);
}

static void batch_headers(const struct net_call *c, struct strvec *ret)
{
	static const char pads[3][3] = {"", "==", "="};
	autofree char *pair = NULL, *text = NULL;

	strvec_push(ret, "Accept: " TYPE);
	strvec_push(ret, "Content-Type: " TYPE);
	if (!c->auth.token)
		return;
	pair = xasprintf("x-access-token:%s", c->auth.token);
	text = net_base64(pair, strlen(pair));
	strvec_pushf(ret, "Authorization: Basic %s%s", text, pads[strlen(pair) % 3]);
	mem_wipe(pair, strlen(pair));
	mem_wipe(text, strlen(text));
}

static int ask_batch(struct lfs *x, const struct object *v, size_t n, struct net_lfs_answer *ret,
		     struct err *err)
{
	cleanup(get_release) struct get g = {.x = x, .body = BUF_INIT_MAX(NET_LFS_ANSWER)};
	cleanup(strvec_release) struct strvec headers = STRVEC_INIT;
	autofree char *body = batch_body(v, n);
	autofree struct gr_lfs *asked = xcalloc(n, sizeof(*asked));
	int rc;

	for (size_t i = 0; i < n; i++)
		asked[i] = v[i].l;
	net_phase(x->c->watch, NET_NEGOTIATING);
	batch_headers(x->c, &headers);
	rc = perform(&g, x->batch, &headers, body, err);
	for (size_t i = 0; i < headers.n; i++)
		mem_wipe(headers.v[i], strlen(headers.v[i]));
	if (rc < 0)
		return -1;
	if (g.status >= 300 && g.status < 400)
		return err_set(err, ERR_UNSAFE,
			       "it redirects to another place, to which no credential goes; if it "
			       "has moved, change the address");
	if (g.status != 200)
		return refused(&g, "the batch was refused", err);
	return net_lfs_decode(g.body.s ? g.body.s : "", g.body.len, asked, n, ret, err);
}

/* ---- one object ---- */

enum outcome { GOT, RAN_OUT, FAILED };

/* Its status is in g; a redirect is followed, with the headers only where they belong. */
static int follow(struct get *g, const struct net_lfs_action *a, struct err *err)
{
	autofree char *url = xstrdup(a->href);

	for (int i = 0; i <= NET_LFS_REDIRECTS; i++) {
		const struct strvec *headers =
			http_url_same_origin(a->href, url) ? &a->headers : NULL;
		char *next;

		free(steal(&g->location));
		buf_reset(&g->body);
		if (perform(g, url, headers, NULL, err) < 0)
			return -1;
		if (g->status < 300 || g->status >= 400)
			return 0;
		next = g->location ? http_url_join(url, g->location) : NULL;
		free(url);
		url = next;
		if (!url || !net_lfs_href_ok(url))
			return err_set(err, ERR_UNSAFE,
				       "it redirects to where nothing is fetched from (https, or "
				       "this machine)");
	}
	return err_set(err, ERR_UNSAFE, "it redirects more than %d times", NET_LFS_REDIRECTS);
}

/* What is wrong with one object is said at its name; what may pass ends the request. */
static int settle(struct lfs *x, const struct object *o, const struct err *why, enum outcome *ret,
		  struct err *err)
{
	if (why->code == ERR_UNAVAILABLE || why->code == ERR_IO)
		return err_set(err, why->code, "'%s' (object %.12s): %s", o->path, o->l.oid,
			       err_text(why));
	fail_one(x, o, 0, err_text(why));
	*ret = FAILED;
	return 0;
}

static int download(struct lfs *x, const struct object *o, const struct net_lfs_action *a,
		    enum outcome *ret, struct err *err)
{
	cleanup(gr_lfs_write_release) struct gr_lfs_write w = {.dir = -1, .fd = -1};
	cleanup(get_release) struct get g = {.x = x, .to = &w, .body = BUF_INIT_MAX(REFUSAL_MAX)};
	cleanup(err_release) struct err why = ERR_INIT;
	int rc;

	*ret = GOT;
	net_phase(x->c->watch, NET_RECEIVING);
	if (gr_lfs_write_begin(x->r, &o->l, &w, err) < 0)
		return -1;
	if (follow(&g, a, &why) < 0)
		return settle(x, o, &why, ret, err);
	if (g.status == 401 || g.status == 403 || g.status == 410) {
		*ret = RAN_OUT;
		return 0;
	}
	if (g.status != 200) {
		refused(&g, "the download was refused", &why);
		return settle(x, o, &why, ret, err);
	}
	rc = gr_lfs_write_end(&w, err);
	if (rc == 0) {
		fail_one(x, o, 0, "the bytes that came are not those of its name");
		*ret = FAILED;
	}
	return rc < 0 ? -1 : 0;
}

/* One batch. What ran out is moved to the front: *ret_left of them. */
static int fetch_some(struct lfs *x, struct object *v, size_t n, size_t *ret_left, struct err *err)
{
	cleanup(net_lfs_answer_release) struct net_lfs_answer a = {0};
	size_t left = 0;

	if (ask_batch(x, v, n, &a, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		enum outcome how = FAILED;

		if (!a.v[i].href)
			fail_one(x, &v[i], a.v[i].code, a.v[i].text);
		else if (download(x, &v[i], &a.v[i], &how, err) < 0)
			return -1;
		if (how == RAN_OUT)
			v[left++] = v[i];
	}
	*ret_left = left;
	return 0;
}

static int fetch_batch(struct lfs *x, struct object *v, size_t n, struct err *err)
{
	for (int i = 0; i < TRIES && n; i++)
		if (fetch_some(x, v, n, &n, err) < 0)
			return -1;
	for (size_t i = 0; i < n; i++)
		fail_one(x, &v[i], 0, "its address is refused where the bytes are kept");
	return 0;
}

static int fetch_all(struct lfs *x, struct err *err)
{
	size_t n = 0;

	for (size_t i = 0; i < x->n; i++)
		if (!gr_lfs_has(x->r, &x->v[i].l))
			x->v[n++] = x->v[i];
	for (size_t at = 0; at < n; at += NET_LFS_BATCH)
		if (fetch_batch(x, x->v + at, n - at < NET_LFS_BATCH ? n - at : NET_LFS_BATCH,
				err) < 0)
			return -1;
	if (x->nfailed)
		return err_set(err, ERR_DENIED, "%zu of %zu could not be had: %s%s", x->nfailed,
			       x->n, x->failed.s, x->nfailed > NAMED_MAX ? " …" : "");
	return 0;
}

int net_op_lfs(struct net_call *c, json_t *ans, struct err *err)
{
	struct lfs x = {.c = c}; /* ends with the worker */
	int rc;

	buf_init(&x.failed, 65536);
	if (decode(&x, err) < 0 || gr_get_repo(c->gr, c->req, &x.r, err) < 0)
		return -1;
	x.batch = batch_url(c->url.text);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
		x.easy = curl_easy_init();
	if (!x.easy)
		return err_set(err, ERR_INTERNAL, "libcurl cannot start");
	rc = fetch_all(&x, err);
	curl_easy_cleanup(x.easy);
	json_put_int(ans, "objects", (int64_t)x.n);
	return rc;
}
