/* gitdir.c - see gitdir.h */
#include "git/gitdir.h"

#include "git/checkout.h"
#include "sys/fs.h"

#define INDEX_MAX ((size_t)1 << 30)

void gr_gitdir_release(struct gr_gitdir *d)
{
	free(d->base);
	*d = (struct gr_gitdir){0};
}

int gr_gitdir_decode(const json_t *req, struct gr_gitdir *ret, struct err *err)
{
	if (json_opt_str(req, "origin", &ret->origin, err) < 0)
		return -1;
	if (!json_is_string(json_object_get(req, "base_branch")))
		return 0;
	if (gr_get_oid(req, "base_oid", &ret->base_oid, err) < 0)
		return -1;
	return gr_get_branch(req, "base_branch", &ret->base, err);
}

/* A value of Git's configuration, in quotes. */
static void add_value(struct buf *b, const char *s)
{
	buf_addc(b, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			buf_addc(b, '\\');
		if ((unsigned char)*s >= ' ')
			buf_addc(b, *s);
	}
	buf_addc(b, '"');
}

static int write_config(const struct gr_gitdir *d, struct err *err)
{
	/* Inside the sandbox files have another owner and device than the index says: all would be read again, and those
	 * of Git LFS, whose bytes are not their blobs', would be taken for changed. */
	static const char own[] = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n"
				  "\tcheckstat = minimal\n"
				  "\tbare = false\n\tlogallrefupdates = true\n"
				  "[user]\n\tname = agent\n\temail = agent@localhost\n"
				  "[gc]\n\tauto = 0\n";
	cleanup(buf_release) struct buf b = BUF_INIT;

	buf_adds(&b, own);
	if (d->origin) {
		buf_adds(&b, "[remote \"origin\"]\n\turl = ");
		add_value(&b, d->origin);
		buf_adds(&b, "\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n");
	}
	if (d->origin && d->base) {
		buf_adds(&b, "[branch ");
		add_value(&b, d->base + strlen("refs/heads/"));
		buf_addf(&b, "]\n\tremote = origin\n\tmerge = ");
		add_value(&b, d->base);
		buf_addc(&b, '\n');
	}
	if (d->config)
		buf_adds(&b, d->config);
	return gr_write_text(d->path, "config", b.s, err);
}

/* "oid name", and below it what an annotated tag is of. */
static int add_tags(struct gr_repo *r, struct buf *b, struct err *err)
{
	auto_git(git_reference_iterator) *it = NULL;
	cleanup(strvec_release) struct strvec lines = STRVEC_INIT;
	git_reference *ref = NULL;
	int rc = git_reference_iterator_glob_new(&it, r->git, "refs/tags/*");

	while (rc == 0 && (rc = git_reference_next(&ref, it)) == 0) {
		const git_oid *oid = git_reference_target(ref);
		auto_git(git_object) *peeled = NULL;
		char hex[GIT_OID_HEXSZ + 1] = "";

		/* One whose object is gone would make every look at the tags fail. */
		if (oid && git_reference_peel(&peeled, ref, GIT_OBJECT_ANY) == 0) {
			if (!git_oid_equal(git_object_id(peeled), oid))
				git_oid_tostr(hex, sizeof(hex), git_object_id(peeled));
			strvec_pushf(&lines, "%s %s%s%s", git_reference_name(ref),
				     git_oid_tostr_s(oid), *hex ? "\n^" : "", hex);
		}
		git_reference_free(ref);
	}
	if (rc != GIT_ITEROVER)
		return gr_fail(err, rc, "tags of %s", r->path);
	strvec_sort(&lines);
	strvec_foreach (&lines, line) {
		const char *space = strchr(*line, ' ');

		buf_addf(b, "%.40s %.*s%s\n", space + 1, (int)(space - *line), *line, space + 41);
	}
	return 0;
}

static int write_refs(const struct gr_gitdir *d, struct err *err)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	char base[GIT_OID_HEXSZ + 1];
	const char *name = d->base ? d->base + strlen("refs/heads/") : NULL;

	if (!d->base && !d->objects)
		return 0;
	buf_adds(&b, "# pack-refs with: peeled fully-peeled sorted \n");
	if (d->base) {
		git_oid_tostr(base, sizeof(base), &d->base_oid);
		buf_addf(&b, "%s %s\n%s refs/remotes/origin/%s\n", base, d->base, base, name);
	}
	if (add_tags(d->r, &b, err) < 0)
		return -1;
	if (b.failed)
		return err_set(err, ERR_LIMIT, "%s has too many tags", d->r->path);
	if (gr_write_text(d->path, "packed-refs", b.s, err) < 0)
		return -1;
	if (!d->base)
		return 0;
	buf_reset(&b);
	buf_addf(&b, "ref: refs/remotes/origin/%s\n", name);
	return gr_write_text(d->path, "refs/remotes/origin/HEAD", b.s, err);
}

static int copy_index(const struct gr_gitdir *d, struct err *err)
{
	cleanup(buf_release) struct buf b = BUF_INIT_MAX(INDEX_MAX);

	if (!d->index)
		return 0;
	if (fs_read(d->index, INDEX_MAX, &b, err) < 0)
		return -1;
	return gr_write_bytes(d->path, "index", b.s, b.len, err);
}

static int write_branch(const struct gr_gitdir *d, const char *id, struct err *err)
{
	autofree char *dir = NULL;

	if (!d->ref)
		return 0;
	dir = path_join(d->path, d->ref);
	*strrchr(dir, '/') = 0;
	if (fs_mkdir_p(dir, 0755, err) < 0)
		return -1;
	return gr_write_text(d->path, d->ref, id, err);
}

int gr_gitdir_write(const struct gr_gitdir *d, struct err *err)
{
	static const char *const dirs[] = {"objects/info", "objects/pack",        "refs/heads",
					   "refs/tags",    "refs/remotes/origin", "info"};
	autofree char *id = xasprintf("%s\n", git_oid_tostr_s(d->oid));
	autofree char *objects = xasprintf("%s\n", d->objects ? d->objects : "/yard/objects");
	autofree char *head = d->ref ? xasprintf("ref: %s\n", d->ref) : xstrdup(id);

	if (gr_fresh_dir(d->path, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		autofree char *dir = path_join(d->path, dirs[i]);

		if (fs_mkdir_p(dir, 0755, err) < 0)
			return -1;
	}
	if (write_branch(d, id, err) < 0 || write_refs(d, err) < 0 || write_config(d, err) < 0 ||
	    gr_write_text(d->path, "objects/info/alternates", objects, err) < 0 ||
	    copy_index(d, err) < 0)
		return -1;
	return gr_write_text(d->path, "HEAD", head, err);
}
