/* lfs_missing.c - see lfs.h: what a checkout did not find in the store. */
#include "git/decode.h"
#include "git/lfs.h"

int gr_lfs_missing_decode(const json_t *req, struct gr_lfs_missing *ret, struct err *err)
{
	ret->fetch = json_array();
	ret->credential = true;
	if (json_opt_bool(req, "lfs", &ret->on, err) < 0 ||
	    json_opt_str(req, "lfs_url", &ret->url, err) < 0)
		return -1;
	return json_object_get(req, "fetched") ? gr_get_strings(req, "fetched", &ret->tried, err)
					       : 0;
}

void gr_lfs_missing_release(struct gr_lfs_missing *m)
{
	strvec_release(&m->files);
	strvec_release(&m->tried);
	json_decref(m->fetch);
	*m = (struct gr_lfs_missing){0};
}

/* The request for this repository, made when there is none. */
static json_t *fetch_of(struct gr_lfs_missing *m, const struct gr_repo *r, const char *as)
{
	json_t *o;
	size_t i;

	json_array_foreach (m->fetch, i, o)
		if (!strcmp(json_str(o, "repo", ""), r->path))
			return o;
	o = json_object();
	json_put_str(o, "op", "lfs");
	json_put_str(o, "repo", r->path);
	json_put_str(o, "url", m->url);
	json_put(o, "objects", json_array());
	json_put_int(o, "max_bytes", GR_LFS_CHECKOUT_MAX);
	json_put_bool(o, "credential", m->credential);
	json_put_str(o, "as", as);
	json_array_append_new(m->fetch, o);
	return o;
}

/* Two files may be the same object. */
static void want(json_t *list, const char *path, const struct gr_lfs *l)
{
	json_t *o;
	size_t i;

	json_array_foreach (list, i, o)
		if (!strcmp(json_str(o, "oid", ""), l->oid))
			return;
	o = json_object();
	json_put_str(o, "oid", l->oid);
	json_put_int(o, "size", l->size);
	json_put(o, "path", json_utf8(path, strlen(path)));
	json_array_append_new(list, o);
}

void gr_lfs_missing_add(struct gr_lfs_missing *m, const struct gr_repo *r, const char *path,
			const struct gr_lfs *l)
{
	bool web = m->url && (!strncmp(m->url, "https://", 8) || !strncmp(m->url, "http://", 7));
	autofree char *as = xasprintf("lfs %s", m->url ? m->url : "");
	json_t *list;

	if (m->n++ < GR_LFS_MISSING)
		strvec_pushf(&m->files, "'%s' (object %.12s, %lld bytes)", path, l->oid,
			     (long long)l->size);
	m->bytes += l->size < GR_LFS_OBJECT_MAX ? l->size : GR_LFS_OBJECT_MAX;
	if (!web || strvec_has(&m->tried, as) || l->size > GR_LFS_OBJECT_MAX ||
	    m->bytes > GR_LFS_CHECKOUT_MAX) {
		m->lost++;
		return;
	}
	list = json_object_get(fetch_of(m, r, as), "objects");
	if (json_array_size(list) < GR_LFS_FETCH_MAX)
		want(list, path, l);
	else
		m->lost++;
}

int gr_lfs_missing_settle(const struct gr_lfs_missing *m, const struct gr_repo *r, json_t *ans,
			  struct err *err)
{
	autofree char *files = NULL, *limits = NULL;

	if (!m->n)
		return 0;
	if (!m->lost) {
		json_put_str(ans, "outcome", "wants");
		json_put(ans, "fetch", json_incref(m->fetch));
		return 1;
	}
	files = strvec_join(&m->files, ", ");
	if (m->url)
		limits = xasprintf(
			" (over https objects of at most %lld GiB are fetched, and %lld GiB or %d "
			"objects for one checkout)",
			(long long)(GR_LFS_OBJECT_MAX >> 30),
			(long long)(GR_LFS_CHECKOUT_MAX >> 30), GR_LFS_FETCH_MAX);
	return err_set(
		err, ERR_DENIED,
		"%zu file%s kept with Git LFS, and %s not in %s/lfs/objects: %s%s%s. Put %s "
		"there (`git lfs push --all %s` from a clone that has %s), or say `checkout: "
		"{ lfs: false }` in .github/yardmaster.yml on the base branch: gates and "
		"agents then see pointers",
		m->n, m->n == 1 ? " is" : "s are",
		m->n == 1 ? "its object is" : "their objects are", r->path, files,
		m->n > GR_LFS_MISSING ? " …" : "", limits ? limits : "", m->n == 1 ? "it" : "them",
		r->path, m->n == 1 ? "it" : "them");
}
