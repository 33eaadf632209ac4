/* rewound.c - see rewound.h */
#include "git/rewound.h"

#include "base/strvec.h"
#include "git/ancestry.h"
#include "git/merge.h"
#include "git/refs.h"
#include "git/replay.h"
#include "sys/fs.h"

#include <dirent.h>
#include <errno.h>

#define LOOKED_AT       10000 /* lost commits that are counted */
#define PACKED_REFS_MAX ((size_t)256 << 20)

struct back {
	struct gr_repo *r;
	const git_oid *base, *head;
	const struct strvec *wanted; /* hexadecimal */
	git_oid *v;                  /* the newest lost commits of head, one each line */
	size_t n;
};

static void back_release(struct back *b)
{
	free(b->v);
}

/* Does somebody want it back? 1, 0, -1. */
static int is_wanted(const struct back *b, const git_oid *lost, struct err *err)
{
	for (size_t i = 0; i < b->wanted->n; i++) {
		git_oid oid;
		int rc = git_oid_fromstr(&oid, b->wanted->v[i]);

		if (rc < 0)
			return err_set(err, ERR_INPUT,
				       "key 'brought_back': found '%.50s', expected object ids",
				       b->wanted->v[i]);
		rc = gr_contains(b->r, lost, &oid, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int add_lost(struct back *b, const git_oid *common, struct err *err)
{
	int rc = gr_contains(b->r, common, b->base, err);

	if (rc == 0)
		rc = is_wanted(b, common, err);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	for (size_t i = 0; i < b->n; i++)
		if (git_oid_equal(&b->v[i], common))
			return 0;
	b->v = xreallocarray(b->v, b->n + 1, sizeof(*b->v));
	b->v[b->n++] = *common;
	return 0;
}

/* Where histories are cut off, merge bases are not all known: one stands for them. */
static int add_tip(struct back *b, const git_oid *tip, struct err *err)
{
	autofree git_oid *common = NULL;
	auto_git(git_commit) *there = NULL;
	git_oid one;
	size_t n = 0;
	int rc;

	/* Where histories are cut off libgit2 takes a commit that is gone for one that has nothing in common. */
	if (gr_commit_of(b->r, tip, &there, err) < 0)
		return -1;
	rc = gr_merge_bases(b->r, tip, b->head, &common, &n, err);
	if (rc == 0) {
		rc = gr_merge_base(b->r, tip, b->head, &one, err);
		if (rc > 0)
			rc = add_lost(b, &one, err);
	}
	for (size_t i = 0; rc >= 0 && i < n; i++)
		rc = add_lost(b, &common[i], err);
	return rc < 0 ? -1 : 0;
}

/* Kept tips are few, and this is asked at each landing: libgit2 would copy all references to find them. */
static int packed_names(const char *path, struct strvec *ret, struct err *err)
{
	static const char before[] = " " GR_REWOUND;
	cleanup(buf_release) struct buf b = BUF_INIT_MAX(PACKED_REFS_MAX + 1);
	autofree char *file = path_join(path, "packed-refs");
	const char *at, *end;

	if (!fs_exists(file))
		return 0;
	if (fs_read(file, PACKED_REFS_MAX, &b, err) < 0)
		return -1;
	for (at = b.s; (at = memmem(at, (size_t)(b.s + b.len - at), before, sizeof(before) - 1));
	     at = end) {
		at++;
		end = memchr(at, '\n', (size_t)(b.s + b.len - at));
		end = end ? end : b.s + b.len;
		strvec_pushf(ret, "%.*s", (int)(end - at), at);
	}
	return 0;
}

static int loose_names(const char *path, struct strvec *ret, struct err *err)
{
	autofree char *folder = path_join(path, GR_REWOUND);
	DIR *dir = opendir(folder);
	struct dirent *d;

	if (!dir)
		return errno == ENOENT ? 0 : err_errno(err, "read folder %s", folder);
	while ((d = readdir(dir)))
		if (d->d_name[0] != '.' && !strchr(d->d_name, '.')) /* no lock */
			strvec_pushf(ret, GR_REWOUND "%s", d->d_name);
	closedir(dir);
	return 0;
}

static int add_tips(struct back *b, struct err *err)
{
	cleanup(strvec_release) struct strvec names = STRVEC_INIT;

	/* Loose ones first: one that is packed in between is in the second list. */
	if (loose_names(b->r->path, &names, err) < 0 || packed_names(b->r->path, &names, err) < 0)
		return -1;
	strvec_foreach (&names, name) {
		git_oid tip;
		int rc = gr_ref_read(b->r, *name, &tip, err);

		if (rc < 0 || (rc > 0 && add_tip(b, &tip, err) < 0))
			return err_wrap(err, "%s of %s", *name, b->r->path);
	}
	return 0;
}

/* The lost commits themselves, newest first. */
static int list(struct back *b, json_t *commits, size_t *ret_n, struct err *err)
{
	auto_git(git_revwalk) *walk = NULL;
	git_oid oid;
	int rc = git_revwalk_new(&walk, b->r->git);

	if (rc == 0)
		rc = git_revwalk_hide(walk, b->base);
	for (size_t i = 0; rc == 0 && i < b->n; i++)
		rc = git_revwalk_push(walk, &b->v[i]);
	while (rc == 0 && *ret_n < LOOKED_AT && (rc = git_revwalk_next(&oid, walk)) == 0)
		if ((*ret_n)++ < GR_REWOUND_SHOWN) {
			json_t *o = json_object();

			gr_put_commit(b->r, &oid, o);
			json_array_append_new(commits, o);
		}
	return rc < 0 && rc != GIT_ITEROVER ? gr_fail(err, rc, "lost commits of %s", b->r->path)
					    : 0;
}

static int put(struct back *b, const char *branch, json_t *ans, struct err *err)
{
	json_t *commits = json_array(), *tops = json_array();
	autofree char *text = NULL;
	char top[GIT_OID_HEXSZ + 1];
	size_t n = 0;

	json_put(ans, "commits", commits);
	json_put(ans, "lost", tops);
	if (list(b, commits, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < b->n; i++)
		json_array_append_new(tops, json_string(git_oid_tostr_s(&b->v[i])));
	git_oid_tostr(top, 13, &b->v[0]);
	text = xasprintf("it would bring back %zu%s commit%s that %s taken out of `%s`, which was "
			 "moved back. Put its own commits onto `%s` as it is (`git rebase --onto "
			 "origin/%s %s`) and push; or, where they are meant to come back, approve "
			 "this head once more and queue it: what was approved before does not "
			 "count for that",
			 n, n == LOOKED_AT ? " or more" : "", n == 1 ? "" : "s",
			 n == 1 ? "was" : "were", branch, branch, branch, top);
	gr_put_refused(ans, "brings-back", text);
	return 0;
}

int gr_brings_back(struct gr_repo *r, const git_oid *base, const git_oid *head, const json_t *req,
		   json_t *ans, struct err *err)
{
	cleanup(strvec_release) struct strvec wanted = STRVEC_INIT;
	cleanup(back_release) struct back b = {
		.r = r, .base = base, .head = head, .wanted = &wanted};
	const char *branch = json_str(json_object_get(req, "fields"), "base", "the base");

	if (json_object_get(req, "brought_back") &&
	    gr_get_strings(req, "brought_back", &wanted, err) < 0)
		return -1;
	if (add_tips(&b, err) < 0)
		return -1;
	if (!b.n)
		return 0;
	return put(&b, branch, ans, err) < 0 ? -1 : 1;
}
