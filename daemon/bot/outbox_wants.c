/* outbox_wants.c - see outbox_wants.h */
#include "bot/outbox_wants.h"

#include "base/mem.h"

struct wants {
	struct wants_conf c;
	json_t *list; /* of the round */
	json_t *got;  /* {fetched: addresses, unfetched: {address: why}}, of all rounds */
	size_t at;
	int rounds;
};

bool wants_is(const json_t *answer)
{
	return !strcmp(json_str(answer, "outcome", ""), "wants");
}

void wants_free(struct wants *w)
{
	if (!w)
		return;
	json_decref(w->list);
	json_decref(w->got);
	free(w);
}

static const json_t *current(const struct wants *w)
{
	return json_array_get(w->list, w->at);
}

static bool is_lfs(const struct wants *w)
{
	return !strcmp(json_str(current(w), "op", ""), "lfs");
}

static bool may_pass(const struct err *why)
{
	return why->code == ERR_UNAVAILABLE || why->code == ERR_IO;
}

/* What a person can do about it: the credential was no help, or there was none. */
static const char *advice(const struct wants *w, const struct err *why)
{
	if (!json_flag(current(w), "credential"))
		return ". It was asked for without a credential: only addresses that the daemon's "
		       "own file lists at `submodules:` are asked for with the forge's";
	if (why->code == ERR_NOT_FOUND || why->code == ERR_DENIED)
		return ". It was asked for with the credential of this repository's installation: "
		       "install the GitHub App on that repository too (it has to belong to the "
		       "same account), with read access to contents";
	return "";
}

static void next(struct wants *w);

/* The one who asked goes on without it, and says why. */
static void do_without(struct wants *w, const struct err *why)
{
	autofree char *text = xasprintf("%s%s", err_text(why), advice(w, why));

	json_put_str(json_object_get(w->got, "unfetched"), json_str(current(w), "url", "?"), text);
	w->at++;
	next(w);
}

/* What may pass by itself is tried again by the outbox; anything else is a person's. */
static void failed(struct wants *w, const struct err *why)
{
	cleanup(err_release) struct err e = ERR_INIT;
	bool lfs = is_lfs(w);
	autofree char *what = lfs ? xstrdup("Git LFS")
				  : xasprintf("submodule '%s'", json_str(current(w), "what", "?"));
	const char *url = json_str(current(w), "url", "?");

	if (json_flag(current(w), "optional") && (w->c.last || !may_pass(why))) {
		do_without(w, why);
		return;
	}
	if (may_pass(why))
		err_set(&e, why->code, "%s: %s could not be fetched: %s", what, url, err_text(why));
	else
		err_set(&e, ERR_DENIED,
			"%s: %s could not be fetched: %s%s. Or say "
			"`checkout: { %s: false }` in .github/yardmaster.yml on the base "
			"branch: %s",
			what, url, err_text(why), lfs ? "" : advice(w, why),
			lfs ? "lfs" : "submodules",
			lfs ? "gates and agents then see pointers" : "its folder is then empty");
	w->c.done(w->c.arg, NULL, &e);
}

static void on_fetched(void *arg, const json_t *answer, const struct err *why)
{
	struct wants *w = arg;

	(void)answer;
	if (why && why->code) {
		failed(w, why);
		return;
	}
	json_array_append_new(
		json_object_get(w->got, "fetched"),
		json_string(json_str(current(w), "as", json_str(current(w), "url", ""))));
	w->at++;
	next(w);
}

/* The way to the forge's host is that of its API. */
static void put_way(const struct wants *w, json_t *req)
{
	const char *url = json_str(req, "url", "");
	const char *own = json_str(w->c.request, "lfs_url", NULL);
	const char *forge = json_str(json_object_get(w->c.request, "submodules"), "forge", NULL);
	const struct conf_github *c = &w->c.bot->conf->github;

	if (strncmp(url, "https://", 8) != 0)
		return;
	if (c->ca_file &&
	    ((forge && !strncmp(url, forge, strlen(forge))) || (own && !strcmp(url, own))))
		json_put_str(req, "ca_file", c->ca_file);
	if (c->proxy)
		json_put_str(req, "proxy", c->proxy);
}

/* The credential leaves with the request and is kept nowhere. */
static void on_auth(void *arg, json_t *auth, const struct err *why)
{
	struct wants *w = arg;
	cleanup(err_release) struct err err = ERR_INIT;
	struct role *role;
	json_t *req;

	if (why && why->code) {
		json_decref(auth);
		failed(w, why);
		return;
	}
	req = json_copy((json_t *)current(w));
	json_object_del(req, "credential");
	json_object_del(req, "what");
	json_object_del(req, "optional");
	json_object_del(req, "as");
	json_put(req, "auth", auth ? auth : json_null());
	put_way(w, req);
	role = w->c.role(w->c.arg, req);
	if (role_ask(role, req, on_fetched, w, &err) < 0)
		failed(w, &err);
	else
		role_flush(role);
}

static void next(struct wants *w)
{
	cleanup(err_release) struct err err = ERR_INIT;
	autojson json_t *payload = NULL;

	if (w->at == json_array_size(w->list)) {
		w->c.done(w->c.arg, w->got, NULL);
		return;
	}
	if (!json_flag(current(w), "credential") || !w->c.auth) {
		on_auth(w, NULL, NULL);
		return;
	}
	/* That of the repository whose submodule it is. */
	payload = json_pack("{s:s,s:s}", "op", "fetch", "repo", json_str(w->c.request, "repo", ""));
	if (w->c.auth(w->c.auth_arg, payload, on_auth, w, &err) < 0)
		failed(w, &err);
}

int wants_fetch(struct wants **at, const struct wants_conf *conf, const json_t *answer,
		struct err *err)
{
	struct wants *w = *at;

	if (!w) {
		w = *at = xcalloc(1, sizeof(*w));
		w->c = *conf;
		w->got = json_pack("{s:[],s:{}}", "fetched", "unfetched");
	}
	if (++w->rounds > WANTS_ROUNDS)
		return err_set(err, ERR_DENIED,
			       "more than %d rounds of submodules inside submodules", WANTS_ROUNDS);
	json_decref(w->list);
	w->c.last = conf->last;
	w->list = json_incref(json_object_get(answer, "fetch"));
	w->at = 0;
	next(w);
	return 0;
}
