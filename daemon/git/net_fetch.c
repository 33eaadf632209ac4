/* net_fetch.c - fetch and ls of the net role: see net.h */
#include "git/ancestry.h"
#include "git/net_part.h"
#include "git/refs.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define SPECS_MAX   1000
#define CHECK_MS    3600000
#define LEFTOVER_S  3600
#define LEFTOVER_IS "pack_git2_"

struct spec {
	char *src, *dst; /* of a pattern: without the '*' */
	bool force, pattern, found;
};

/* A reference that is to be at `oid` afterwards. */
struct move {
	char *dst;
	const char *src; /* the remote's name */
	git_oid oid;
	bool force;
};

struct fetch {
	struct gr_repo *r;
	struct spec *specs;
	size_t nspecs;
	struct move *moves;
	size_t nmoves, cap;
};

/* ---- decoding ---- */

static int decode_name(const char *s, size_t n, bool pattern, char **ret, struct err *err)
{
	autofree char *name = xstrndup(s, n);
	autofree char *probe = NULL;

	if (pattern)
		name[n - 1] = '\0';
	probe = xasprintf("%s%s", name, pattern ? "x" : "");
	if (pattern && (n < 2 || name[n - 2] != '/'))
		return err_set(err, ERR_INPUT, "'%.200s*': the star has to follow a slash", name);
	if (gr_check_ref(probe, err) < 0)
		return -1;
	*ret = steal(&name);
	return 0;
}

static int decode_spec(const char *s, struct spec *ret, struct err *err)
{
	const char *from = s + (*s == '+'), *colon = strchr(from, ':');
	size_t n = strlen(s);

	ret->force = *s == '+';
	ret->pattern = n && s[n - 1] == '*';
	if (!colon || colon == from || !colon[1] || (colon[-1] == '*') != ret->pattern)
		return err_set(err, ERR_INPUT,
			       "key 'refs': found '%.200s', expected [+]refs/A:refs/B, or a star "
			       "at the end of both",
			       s);
	if (decode_name(from, (size_t)(colon - from), ret->pattern, &ret->src, err) < 0 ||
	    decode_name(colon + 1, strlen(colon + 1), ret->pattern, &ret->dst, err) < 0)
		return err_wrap(err, "key 'refs'");
	return 0;
}

static int decode_specs(const json_t *req, struct fetch *f, struct err *err)
{
	json_t *list, *item;
	size_t i;

	if (json_get_array(req, "refs", &list, err) < 0)
		return -1;
	if (!json_array_size(list) || json_array_size(list) > SPECS_MAX)
		return err_set(err, ERR_INPUT, "key 'refs': found %zu of them, expected 1..%d",
			       json_array_size(list), SPECS_MAX);
	f->specs = xcalloc(json_array_size(list), sizeof(*f->specs));
	json_array_foreach (list, i, item) {
		if (!json_is_string(item))
			return err_set(err, ERR_INPUT, "key 'refs[%zu]': expected a string", i);
		if (decode_spec(json_string_value(item), &f->specs[f->nspecs++], err) < 0)
			return -1;
	}
	return 0;
}

/* ---- what the remote has ---- */

static bool spec_takes(const struct spec *s, const char *name)
{
	return s->pattern ? !strncmp(name, s->src, strlen(s->src)) && name[strlen(s->src)]
			  : !strcmp(name, s->src);
}

static int add_move(struct fetch *f, const struct spec *s, const git_remote_head *h,
		    struct err *err)
{
	const char *rest = s->pattern ? h->name + strlen(s->src) : "";
	struct move m = {.src = h->name, .oid = h->oid, .force = s->force};

	m.dst = xasprintf("%s%s", s->dst, rest);
	if (gr_check_ref(m.dst, err) < 0)
		return -1;
	if (f->nmoves == f->cap)
		f->moves = xreallocarray(f->moves, f->cap = f->cap ? 2 * f->cap : 64,
					 sizeof(*f->moves));
	f->moves[f->nmoves++] = m;
	return 0;
}

static int plan(struct net_call *c, struct net_link *l, struct fetch *f, struct err *err)
{
	const git_remote_head **heads;
	size_t n;

	if (net_heads(c, l, &heads, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		int valid = 0;

		/* What is no reference of ours: HEAD, peeled tags ("^{}"), names that Git forbids. */
		if (strncmp(heads[i]->name, "refs/", 5) != 0 ||
		    git_reference_name_is_valid(&valid, heads[i]->name) < 0 || !valid)
			continue;
		for (size_t s = 0; s < f->nspecs; s++) {
			if (!spec_takes(&f->specs[s], heads[i]->name))
				continue;
			f->specs[s].found = true;
			if (add_move(f, &f->specs[s], heads[i], err) < 0)
				return -1;
		}
	}
	return 0;
}

static json_t *missing_of(const struct fetch *f)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->nspecs; i++)
		if (!f->specs[i].found && !f->specs[i].pattern)
			json_array_append_new(list, json_string(f->specs[i].src));
	return list;
}

/* ---- objects ---- */

/* A worker that was killed, or whose machine stopped, leaves the pack that it was writing. Nobody writes
 * one for an hour without a byte. */
static void sweep(const struct gr_repo *r)
{
	autofree char *path = xasprintf("%s/objects/pack", r->path);
	DIR *dir = opendir(path);
	struct dirent *d;
	struct stat st;

	while (dir && (d = readdir(dir)))
		if (!strncmp(d->d_name, LEFTOVER_IS, strlen(LEFTOVER_IS)) &&
		    fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && time(NULL) - st.st_mtime > LEFTOVER_S)
			unlinkat(dirfd(dir), d->d_name, 0);
	if (dir)
		closedir(dir);
}

static int download(struct net_call *c, struct net_link *l, struct fetch *f, struct err *err)
{
	git_fetch_options o;
	cleanup(strvec_release) struct strvec names = STRVEC_INIT;
	git_strarray specs;
	int rc;

	for (size_t i = 0; i < f->nmoves; i++)
		if (!git_odb_exists(f->r->odb, &f->moves[i].oid))
			strvec_push(&names, f->moves[i].src);
	if (!names.n)
		return 0;
	git_fetch_options_init(&o, GIT_FETCH_OPTIONS_VERSION);
	specs = (git_strarray){names.v, names.n};
	o.callbacks = l->cb;
	o.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
	o.prune = GIT_FETCH_NO_PRUNE;
	o.update_fetchhead = 0;
	o.custom_headers = l->headers;
	o.follow_redirects = GIT_REMOTE_REDIRECT_NONE;
	o.proxy_opts.type = c->proxy.text ? GIT_PROXY_SPECIFIED : GIT_PROXY_NONE;
	o.proxy_opts.url = c->proxy.text;
	net_phase(c->watch, NET_NEGOTIATING);
	rc = git_remote_download(l->remote, &specs, &o);
	return rc < 0 ? net_fail(c, rc, err) : 0;
}

/* A pack can be whole and lack what its commits name: no reference goes to such a commit. */
static int check_connected(struct net_call *c, struct fetch *f, struct err *err)
{
	static const char *const args[] = {"rev-list", "--objects", "--quiet", "--stdin",
					   "--not",    "--all",     NULL};
	cleanup(err_release) struct err why = ERR_INIT;
	cleanup(buf_release) struct buf in = BUF_INIT, out = BUF_INIT;
	git_oid have;

	for (size_t i = 0; i < f->nmoves; i++)
		if (git_reference_name_to_id(&have, f->r->git, f->moves[i].dst) < 0 ||
		    !git_oid_equal(&have, &f->moves[i].oid))
			buf_addf(&in, "%s\n", git_oid_tostr_s(&f->moves[i].oid));
	if (!in.len)
		return 0;
	net_phase(c->watch, NET_CHECKING);
	if (gr_git(c->gr, f->r->path, NULL, args, in.s, in.len, CHECK_MS, &out, &why) == 0)
		return 0;
	return err_set(err, ERR_CORRUPT, "what it sent is not complete, no reference was moved: %s",
		       err_text(&why));
}

/* ---- references ---- */

static json_t *told(const char *ref, const git_oid *old, const git_oid *now)
{
	json_t *o = json_object();

	json_put_str(o, "ref", ref);
	gr_put_oid(o, "old", old);
	gr_put_oid(o, "new", now);
	return o;
}

/* 1 it may move, 0 it is no fast-forward. */
static int may_move(struct fetch *f, const struct move *m, const git_oid *old, struct err *err)
{
	int rc;

	if (m->force || !old)
		return 1;
	rc = gr_contains(f->r, old, &m->oid, err);
	return rc < 0 ? err_wrap(err, "reference %s", m->dst) : rc;
}

/* Does a pattern with a plus write here? */
static bool is_mirrored(const struct fetch *f, const char *name)
{
	for (size_t i = 0; i < f->nspecs; i++) {
		const struct spec *s = &f->specs[i];

		if (s->pattern && s->force && !strncmp(name, s->dst, strlen(s->dst)))
			return true;
	}
	return false;
}

/* "a" became "a/b", or the other way round. The remote cannot have both: what is here and in the way it has no more. */
static int make_way(struct net_call *c, struct fetch *f, const struct move *m, struct err *err)
{
	for (;;) {
		autofree char *other = NULL;
		git_oid found;
		bool has;
		int rc = is_mirrored(f, m->dst) ? gr_ref_blocker(f->r, m->dst, &other, err) : 0;

		if (rc <= 0 || !is_mirrored(f, other))
			return rc < 0 ? -1 : 0;
		if (gr_ref_move(c->gr, f->r, other, NULL, NULL, true, &found, &has, err) < 0)
			return -1;
	}
}

static int move_one(struct net_call *c, struct fetch *f, const struct move *m, json_t *updated,
		    json_t *refused, struct err *err)
{
	for (int tries = 0; tries < 3; tries++) {
		git_oid old, found;
		bool now;
		int has = gr_ref_read(f->r, m->dst, &old, err), may, rc;

		if (has < 0)
			return -1;
		if (has && git_oid_equal(&old, &m->oid))
			return 0;
		may = may_move(f, m, has ? &old : NULL, err);
		if (may < 0)
			return -1;
		if (!may) {
			json_array_append_new(refused, told(m->dst, &old, &m->oid));
			return 0;
		}
		if (!has && make_way(c, f, m, err) < 0)
			return -1;
		rc = gr_ref_move(c->gr, f->r, m->dst, has ? &old : NULL, &m->oid, false, &found,
				 &now, err);
		if (rc < 0)
			return -1;
		if (rc) {
			json_array_append_new(updated, told(m->dst, has ? &old : NULL, &m->oid));
			return 0;
		}
	}
	return err_set(err, ERR_UNAVAILABLE, "reference %s is moved by somebody else; try again",
		       m->dst);
}

static int move_all(struct net_call *c, struct fetch *f, json_t *ans, struct err *err)
{
	json_t *updated = json_array(), *refused = json_array();
	cleanup(gr_guard_release) struct gr_guard guard = GR_GUARD_NONE;

	json_put(ans, "updated", updated);
	json_put(ans, "refused", refused);
	net_phase(c->watch, NET_MOVING);
	if (gr_ref_guard(f->r, &guard, err) < 0)
		return -1;
	for (size_t i = 0; i < f->nmoves; i++)
		if (move_one(c, f, &f->moves[i], updated, refused, err) < 0)
			return -1;
	return 0;
}

int net_op_fetch(struct net_call *c, json_t *ans, struct err *err)
{
	struct fetch f = {0}; /* ends with the worker */
	struct net_link l;
	int rc;

	if (decode_specs(c->req, &f, err) < 0 || gr_get_repo(c->gr, c->req, &f.r, err) < 0)
		return -1;
	sweep(f.r);
	if (net_connect(c, f.r->git, GIT_DIRECTION_FETCH, &l, err) < 0)
		return -1;
	rc = plan(c, &l, &f, err);
	if (rc == 0)
		rc = download(c, &l, &f, err);
	/* Names of the remote's belong to the connection; only our own are used from here on. */
	net_close(&l);
	if (rc < 0 || check_connected(c, &f, err) < 0 || move_all(c, &f, ans, err) < 0)
		return -1;
	json_put(ans, "missing", missing_of(&f));
	return 0;
}

/* ---- ls ---- */

int net_op_ls(struct net_call *c, json_t *ans, struct err *err)
{
	const git_remote_head **heads;
	const char *prefix = "";
	json_t *refs = json_object();
	struct net_link l;
	size_t n;
	int rc;

	json_put(ans, "refs", refs);
	json_put_str(ans, "head", NULL);
	if (json_opt_str(c->req, "prefix", &prefix, err) < 0 ||
	    net_connect(c, NULL, GIT_DIRECTION_FETCH, &l, err) < 0)
		return -1;
	rc = net_heads(c, &l, &heads, &n, err);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		const git_remote_head *h = heads[i];
		int valid = 0;

		if (!strcmp(h->name, "HEAD") && h->symref_target)
			json_put_str(ans, "head", h->symref_target);
		/* A name that is not UTF-8 cannot be said in JSON; no ref of ours is. */
		if (!strncmp(h->name, "refs/", 5) && !strncmp(h->name, prefix, strlen(prefix)) &&
		    git_reference_name_is_valid(&valid, h->name) == 0 && valid)
			json_object_set_new(refs, h->name, json_string(git_oid_tostr_s(&h->oid)));
	}
	net_close(&l);
	return rc;
}
