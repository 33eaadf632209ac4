/*
 * net_push.c - pushing under lease: see net.h.
 *
 * libgit2 pushes from references only, so the commits get some below refs/yardmaster/push/ meanwhile; a
 * push that was killed leaves them to the next one, which removes them. The lease is compared three
 * times: with what the remote advertises when the connection opens, again when libgit2 has fixed what it
 * is going to ask for (push_negotiation), and by the remote itself, to which the old value is sent.
 */
#include "base/text.h"
#include "git/ancestry.h"
#include "git/net_part.h"
#include "git/refs.h"

#define UPDATES_MAX 100
#define SIDE_MAX    4096
#define FROM        "refs/yardmaster/push/"

struct update {
	const char *ref;
	git_oid old_oid, new_oid, found;
	bool has_old, has_new, has_found, fast_forward;
	const char *outcome; /* NULL: to be sent, and nothing is known yet */
	char *text;
};

struct push {
	struct gr_repo *r;
	struct update *v;
	size_t n;
};

/* ---- decoding ---- */

static int decode_update(struct gr_repo *r, const json_t *o, struct update *u, struct err *err)
{
	int has_old = gr_opt_oid(o, "old", &u->old_oid, err), has_new;
	git_object_t type;
	size_t size;

	if (has_old < 0 || gr_get_ref(o, "ref", &u->ref, err) < 0 ||
	    json_opt_bool(o, "fast_forward", &u->fast_forward, err) < 0)
		return -1;
	has_new = gr_opt_oid(o, "new", &u->new_oid, err);
	if (has_new < 0)
		return -1;
	u->has_old = has_old;
	u->has_new = has_new;
	if (!has_old && !has_new)
		return err_set(err, ERR_INPUT, "reference %s: neither 'old' nor 'new'", u->ref);
	if (has_new && (git_odb_read_header(&size, &type, r->odb, &u->new_oid) < 0 ||
			(type != GIT_OBJECT_COMMIT && type != GIT_OBJECT_TAG)))
		return err_set(err, ERR_NOT_FOUND, "reference %s: %s is no commit or tag of %s",
			       u->ref, git_oid_tostr_s(&u->new_oid), r->path);
	return 0;
}

static int decode_updates(const json_t *req, struct push *p, struct err *err)
{
	json_t *list, *item;
	size_t i;

	if (json_get_array(req, "updates", &list, err) < 0)
		return -1;
	if (!json_array_size(list) || json_array_size(list) > UPDATES_MAX)
		return err_set(err, ERR_INPUT, "key 'updates': found %zu of them, expected 1..%d",
			       json_array_size(list), UPDATES_MAX);
	p->v = xcalloc(json_array_size(list), sizeof(*p->v));
	json_array_foreach (list, i, item) {
		if (decode_update(p->r, item, &p->v[i], err) < 0)
			return err_wrap(err, "key 'updates[%zu]'", i);
		for (size_t j = 0; j < i; j++)
			if (!strcmp(p->v[j].ref, p->v[i].ref))
				return err_set(err, ERR_INPUT,
					       "key 'updates': reference %s is there twice",
					       p->v[i].ref);
		p->n++;
	}
	return 0;
}

/* ---- before anything is sent ---- */

static bool is_at(bool has, const git_oid *found, bool has_want, const git_oid *want)
{
	return has == has_want && (!has || git_oid_equal(found, want));
}

static int look(struct net_call *c, struct net_link *l, struct push *p, struct err *err)
{
	const git_remote_head **heads;
	size_t n;

	if (net_heads(c, l, &heads, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < p->n; i++) {
		struct update *u = &p->v[i];

		u->has_found = false;
		for (size_t h = 0; h < n && !u->has_found; h++)
			if (!strcmp(heads[h]->name, u->ref)) {
				u->has_found = true;
				u->found = heads[h]->oid;
			}
	}
	return 0;
}

/* 1 `new` contains `old`, or nobody asked for that. */
static int forward(struct push *p, const struct update *u, struct err *err)
{
	int rc;

	if (!u->fast_forward || !u->has_old)
		return 1;
	if (!u->has_new)
		return 0;
	if (!git_odb_exists(p->r->odb, &u->old_oid))
		return err_set(err, ERR_UNSAFE,
			       "reference %s: cannot tell whether %s contains the old value, which "
			       "is not in %s; fetch it first",
			       u->ref, git_oid_tostr_s(&u->new_oid), p->r->path);
	if (git_oid_equal(&u->new_oid, &u->old_oid))
		return 1;
	rc = gr_contains(p->r, &u->old_oid, &u->new_oid, err);
	return rc < 0 ? err_wrap(err, "reference %s", u->ref) : rc;
}

/* Decides what can be known without sending: 1 there is something to send. */
static int judge(struct push *p, struct err *err)
{
	bool clear = true, some = false;

	for (size_t i = 0; i < p->n; i++) {
		struct update *u = &p->v[i];
		int ff = forward(p, u, err);

		if (ff < 0)
			return -1;
		if (is_at(u->has_found, &u->found, u->has_new, &u->new_oid)) {
			u->outcome = "already";
		} else if (!is_at(u->has_found, &u->found, u->has_old, &u->old_oid)) {
			u->outcome = "stale";
		} else if (!ff) {
			u->outcome = "refused";
			u->text = xstrdup("not a fast-forward");
		}
		clear &= !u->outcome || !strcmp(u->outcome, "already");
		some |= !u->outcome;
	}
	for (size_t i = 0; i < p->n && !clear; i++)
		if (!p->v[i].outcome)
			p->v[i].outcome = "held";
	return clear && some;
}

/* ---- sending ---- */

static struct update *update_of(struct push *p, const char *ref)
{
	for (size_t i = 0; i < p->n; i++)
		if (!strcmp(p->v[i].ref, ref))
			return &p->v[i];
	return NULL;
}

static int on_negotiation(const git_push_update **list, size_t n, void *arg)
{
	struct net_call *c = arg;

	for (size_t i = 0; i < n; i++) {
		const struct update *u = update_of(c->job, list[i]->dst_refname);

		if (u && !u->outcome &&
		    is_at(!git_oid_is_zero(&list[i]->src), &list[i]->src, u->has_old,
			  &u->old_oid) &&
		    is_at(!git_oid_is_zero(&list[i]->dst), &list[i]->dst, u->has_new, &u->new_oid))
			continue;
		err_set(&c->why, ERR_UNAVAILABLE,
			"%s has moved while it was looked at; nothing was sent, try again",
			list[i]->dst_refname);
		git_error_set_str(GIT_ERROR_NET, err_text(&c->why));
		return GIT_EUSER;
	}
	net_phase(c->watch, NET_PACKING);
	return 0;
}

static int on_report(const char *ref, const char *status, void *arg)
{
	struct net_call *c = arg;
	struct update *u = update_of(c->job, ref);

	if (!u || u->outcome)
		return 0;
	u->outcome = status ? "refused" : "pushed";
	u->text = xstrdup(status);
	return 0;
}

static int drop_from(const char *name, void *arg)
{
	strvec_push(arg, name);
	return 0;
}

/* The references that we push from, also those of an earlier push that was killed. */
static int clear_from(struct net_call *c, struct push *p, struct err *err)
{
	cleanup(strvec_release) struct strvec names = STRVEC_INIT;
	int rc = git_reference_foreach_glob(p->r->git, FROM "*", drop_from, &names);

	if (rc < 0)
		return gr_fail(err, rc, "references below " FROM);
	strvec_foreach (&names, name) {
		git_oid found;
		bool has;

		if (gr_ref_move(c->gr, p->r, *name, NULL, NULL, true, &found, &has, err) < 0)
			return -1;
	}
	return 0;
}

static int set_from(struct net_call *c, struct push *p, struct strvec *specs, struct err *err)
{
	cleanup(gr_guard_release) struct gr_guard guard = GR_GUARD_NONE;

	if (gr_ref_guard(p->r, &guard, err) < 0 || clear_from(c, p, err) < 0)
		return -1;
	for (size_t i = 0; i < p->n; i++) {
		struct update *u = &p->v[i];
		autofree char *from = NULL;
		git_oid found;
		bool has;

		if (u->outcome)
			continue;
		from = u->has_new ? xasprintf(FROM "%s", git_oid_tostr_s(&u->new_oid))
				  : xstrdup("");
		if (u->has_new &&
		    gr_ref_move(c->gr, p->r, from, NULL, &u->new_oid, true, &found, &has, err) < 0)
			return -1;
		strvec_pushf(specs, "+%s:%s", from, u->ref);
	}
	return 0;
}

static void unset_from(struct net_call *c, struct push *p)
{
	cleanup(err_release) struct err err = ERR_INIT; /* left to the next push */
	cleanup(gr_guard_release) struct gr_guard guard = GR_GUARD_NONE;

	if (gr_ref_guard(p->r, &guard, &err) == 0)
		clear_from(c, p, &err);
}

/* The remote could not keep the objects: a quota, a check of its own. It is a refusal of all. */
static bool unpack_failed(struct push *p)
{
	const git_error *e = git_error_last();

	if (!e || !strstr(e->message, "unpacking the sent packfile failed"))
		return false;
	for (size_t i = 0; i < p->n; i++)
		if (!p->v[i].outcome) {
			p->v[i].outcome = "refused";
			p->v[i].text = xstrdup("the remote could not unpack the objects");
		}
	return true;
}

static int send_them(struct net_call *c, struct net_link *l, struct push *p, struct err *err)
{
	cleanup(strvec_release) struct strvec specs = STRVEC_INIT;
	git_push_options o;
	git_strarray list;
	int rc;

	if (set_from(c, p, &specs, err) < 0)
		return -1;
	git_push_options_init(&o, GIT_PUSH_OPTIONS_VERSION);
	list = (git_strarray){specs.v, specs.n};
	l->cb.push_negotiation = on_negotiation;
	l->cb.push_update_reference = on_report;
	o.callbacks = l->cb;
	o.custom_headers = l->headers;
	o.follow_redirects = GIT_REMOTE_REDIRECT_NONE;
	o.proxy_opts.type = c->proxy.text ? GIT_PROXY_SPECIFIED : GIT_PROXY_NONE;
	o.proxy_opts.url = c->proxy.text;
	rc = git_remote_upload(l->remote, &list, &o);
	if (rc < 0 && !c->why.code && unpack_failed(p))
		rc = 0;
	if (rc < 0)
		net_fail(c, rc, err);
	for (size_t i = 0; rc == 0 && i < p->n; i++)
		if (!p->v[i].outcome)
			rc = err_set(err, ERR_UNAVAILABLE,
				     "it has not said what became of %s; asked again it will be "
				     "seen",
				     p->v[i].ref);
	return rc < 0 ? -1 : 0;
}

/* Somebody else was faster than we, after we looked: the remote refuses then in words of its own, so it
 * is looked at once more. */
static int look_again(struct net_call *c, struct push *p, struct err *err)
{
	struct net_link l;
	int rc;

	c->asked = 0;
	if (net_connect(c, p->r->git, GIT_DIRECTION_FETCH, &l, err) < 0)
		return -1;
	rc = look(c, &l, p, err);
	net_close(&l);
	for (size_t i = 0; rc == 0 && i < p->n; i++) {
		struct update *u = &p->v[i];

		if (strcmp(u->outcome, "refused") != 0)
			continue;
		if (is_at(u->has_found, &u->found, u->has_new, &u->new_oid))
			u->outcome = "already";
		else if (!is_at(u->has_found, &u->found, u->has_old, &u->old_oid))
			u->outcome = "stale";
	}
	return rc;
}

static bool some_refused(const struct push *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (!strcmp(p->v[i].outcome, "refused"))
			return true;
	return false;
}

/* ---- the answer ---- */

static void put_results(struct net_call *c, const struct push *p, json_t *ans)
{
	cleanup(buf_release) struct buf said = BUF_INIT;
	json_t *list = json_array();
	struct text_cleaned what;
	size_t from;

	for (size_t i = 0; i < p->n; i++) {
		const struct update *u = &p->v[i];
		bool pushed = !strcmp(u->outcome, "pushed");
		bool has = pushed ? u->has_new : u->has_found;
		json_t *o = json_object();

		json_put_str(o, "ref", u->ref);
		json_put_str(o, "outcome", u->outcome);
		gr_put_oid(o, "found", !has ? NULL : pushed ? &u->new_oid : &u->found);
		json_put_str(o, "text", u->text);
		json_array_append_new(list, o);
	}
	json_put(ans, "results", list);
	text_clean(c->side.s, c->side.len, &said, &what);
	from = text_tail(said.s, said.len, SIDE_MAX);
	json_put_str(ans, "messages", said.s + from);
}

int net_op_push(struct net_call *c, json_t *ans, struct err *err)
{
	struct push p = {0}; /* ends with the worker */
	bool sent = false;
	struct net_link l;
	int rc;

	if (gr_get_repo(c->gr, c->req, &p.r, err) < 0 || decode_updates(c->req, &p, err) < 0 ||
	    net_connect(c, p.r->git, GIT_DIRECTION_PUSH, &l, err) < 0)
		return -1;
	c->job = &p;
	rc = look(c, &l, &p, err);
	if (rc == 0)
		rc = judge(&p, err);
	if (rc > 0) {
		sent = true;
		rc = send_them(c, &l, &p, err);
	}
	net_close(&l);
	if (sent)
		unset_from(c, &p);
	if (rc < 0 || (sent && some_refused(&p) && look_again(c, &p, err) < 0))
		return -1;
	put_results(c, &p, ans);
	return 0;
}
