/*
 * github_world.h - a backend with a client, a ledger with octo/app (number 5), and a GitHub (github_fixture.h).
 *
 *   world_open()     that answers as it is told, in turn (SAY); the repository was looked at before
 *   world_of_pages() that has these pages; `first`: the repository was not looked at before
 *   w.pages          {path without its query, body}: each has an ETag of its body and says 304 to it. Paths that
 *                    are not there are 404
 *   act()            one effect to its end: w.why, w.result
 *   told()           the events since the last call, "KIND NUMBER LABEL ACTOR; …"
 */
#ifndef YM_TESTS_GITHUB_WORLD_H
#define YM_TESTS_GITHUB_WORLD_H

#include "github_fixture.h"

#include "base/text.h"
#include "forge/forge.h"
#include "forge/github.h"
#include "store/ledger.h"

#define SINCE "2026-01-01T00:00:00Z"
#define REPO  "/repos/octo/app"

struct page {
	const char *path, *body;
};

struct world {
	struct fx *f;
	struct repo repo;
	struct forge forge;
	const struct page *pages;
	bool refused; /* the server accepts no credentials of ours */
	bool ended;
	struct err why;
	json_t *result;
};

static inline bool world_serve(struct stub_conn *c, const struct stub_seen *s, void *arg)
{
	struct world *w = arg;
	size_t n = strlen("GET "), path = strcspn(s->what + n, "?");
	autofree char *match = stub_header(s, "If-None-Match");

	if (w->refused) {
		stub_reply(c, 401, "", "{\"message\":\"Bad credentials\"}", 0);
		return true;
	}
	for (const struct page *p = w->pages; p && p->path; p++) {
		autofree char *hash = text_sha256(p->body, strlen(p->body));
		autofree char *etag = xasprintf("ETag: \"%s\"\r\n", hash);

		if (strncmp(s->what, "GET ", n) != 0 || strlen(p->path) != path ||
		    strncmp(p->path, s->what + n, path) != 0)
			continue;
		if (match && !strncmp(match + 1, hash, strlen(hash)))
			stub_reply(c, 304, etag, "", 0);
		else
			stub_reply(c, 200, etag, p->body, 0);
		return true;
	}
	return fx_hand_out_token(c, s, w->f);
}

static inline void world_done(void *arg, int64_t effect, json_t *result, const struct err *why,
			      int64_t not_before_ms)
{
	struct world *w = arg;

	(void)effect;
	(void)not_before_ms;
	w->ended = true;
	w->result = result;
	err_release(&w->why);
	if (why && why->code)
		err_set(&w->why, why->code, "%s", err_text(why));
}

static inline void world_github(struct world *w, bool (*shadow)(void *arg, int64_t repo))
{
	github_free(w->forge.github);
	w->forge.github = github_new(&(struct github_opts){.db = w->forge.db,
							   .clock = &w->f->clock,
							   .client = w->f->gh,
							   .self = "yard[bot]",
							   .marker_key = "k",
							   .shadow = shadow,
							   .done = world_done,
							   .arg = w});
}

static inline void world_begin(struct world *w, struct fx *f, bool first)
{
	struct github_repo gr = {.full_name = (char *)"octo/app",
				 .remote = 5,
				 .url = (char *)"https://github.com/octo/app.git",
				 .installation = FX_INSTALLATION,
				 .since = first ? NULL : (char *)SINCE,
				 .comments_since = first ? NULL : (char *)SINCE,
				 .listed_ms = 1};

	*w = (struct world){.f = f};
	assert_int_equal(db_open(":memory:", true, &w->forge.db, NULL), 0);
	w->repo = (struct repo){.name = xstrdup("octo/app"),
				.forge = xstrdup("github"),
				.path = xstrdup("/nowhere/app.git"),
				.base = xstrdup("main"),
				.next_number = 1};
	assert_int_equal(repo_insert(w->forge.db, &w->repo, NULL), 0);
	gr.repo = w->repo.id;
	assert_int_equal(github_repo_insert(w->forge.db, &gr, NULL), 0);
	w->forge.ops = &forge_github;
	w->forge.clock = &f->clock;
	world_github(w, NULL);
}

static inline void world_open(struct world *w, struct fx *f, const struct canned *answers)
{
	world_begin(w, f, false);
	f->stub->answers = answers;
}

static inline void world_of_pages(struct world *w, struct fx *f, const struct page *pages,
				  bool first)
{
	world_begin(w, f, first);
	w->pages = pages;
	f->stub->handler = world_serve;
	f->stub->arg = w;
}

static inline void world_release(struct world *w)
{
	github_free(w->forge.github);
	db_close(w->forge.db);
	repo_release(&w->repo);
	err_release(&w->why);
	json_decref(w->result);
}

/* To its end. `effect`: its row in the ledger, or 0. Takes payload. */
static inline void act_of(struct world *w, int64_t effect, const char *kind, json_t *payload)
{
	autojson json_t *p = payload;
	json_t *out = NULL;
	int rc;

	json_put_int(p, "repo", w->repo.id);
	w->ended = false;
	json_decref(w->result);
	w->result = NULL;
	rc = w->forge.ops->act(&w->forge, effect, kind, p, &out, &w->f->err);
	if (rc < 0)
		fail_msg("%s: %s", kind, err_text(&w->f->err));
	if (rc == FORGE_DONE) {
		w->ended = true;
		w->result = out;
		err_release(&w->why);
	}
	for (int64_t end = fx_now() + PATIENT_MS; !w->ended;) {
		fx_turn(w->f);
		if (fx_now() > end)
			fail_msg("%s does not end", kind);
	}
}

static inline void act(struct world *w, const char *kind, json_t *payload)
{
	act_of(w, 0, kind, payload);
}

/* Caller frees. */
static inline char *told(struct world *w)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	for (;;) {
		cleanup(event_release) struct event e = {0};
		autojson json_t *p = NULL;
		int rc = event_next(w->forge.db, &e, NULL);

		assert_true(rc >= 0);
		if (!rc)
			break;
		assert_int_equal(json_parse(e.payload, strlen(e.payload), SIZE_MAX, &p, NULL), 0);
		buf_addf(&b, "%s%s %lld %s %s", b.len ? "; " : "", e.kind,
			 (long long)json_int(p, "number", 0), json_str(p, "label", "-"),
			 json_str(p, "actor", "-"));
		assert_true(event_decided(w->forge.db, e.id, EVENT_DECIDED, NULL, 1, NULL) >= 0);
	}
	return b.len ? buf_steal(&b) : xstrdup("");
}

static inline void assert_told(struct world *w, const char *expected)
{
	autofree char *found = told(w);

	assert_string_equal(found, expected);
}

#endif
