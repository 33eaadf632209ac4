/*
 * repo.h - the role's hold on libgit2: the process state, open repositories, errors, scope cleanup.
 *
 * `struct gr` is one git role (or one test). Repositories are opened once and kept, at most
 * GR_REPOS, with their object cache (at most 96 MB in all) warm; a repository whose pack folder has
 * changed since is opened afresh, so that a pack removed by maintenance is never read again.
 * libgit2's search paths for system, global, XDG and program-data configuration are empty: nothing
 * but a repository's own config, which only this program writes, is read.
 *
 * Each open repository carries an in-memory object store (`mem`) that is asked last on reading.
 * Speculative merges put their trees, blobs and commits there (gr_mem_put) and either drop them
 * (gr_mem_drop) or write them out as one pack (gr_mem_flush).
 */
#ifndef YM_GIT_REPO_H
#define YM_GIT_REPO_H

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/strvec.h"

#include <git2.h>
#include <git2/sys/odb_backend.h>
#include <time.h>

#define GR_REPOS 8

struct gr_repo {
	char *path; /* as asked for; absolute */
	git_repository *git;
	git_odb *odb;
	git_odb_backend *mem; /* owned by odb */
	git_oid *mem_oids;    /* what was put into it, in order */
	size_t mem_objects, mem_cap;
	struct timespec started;      /* of struct gr */
	struct timespec packs;        /* mtime of objects/pack when it was opened */
	struct gr_ancestry *ancestry; /* ancestry.h; outlives a repository that is opened afresh */
	uint64_t used;
};

struct gr_plain;

struct gr {
	const char *git;         /* absolute path of git, for the operations that run it */
	struct timespec started; /* files older than this were not made by this process */
	struct gr_repo *repos[GR_REPOS];
	uint64_t tick;
	struct gr_plain *plain; /* trees without a .gitattributes (attr_files.c) */
	struct strvec *later;   /* gets folders to remove when the answer is out; NULL: at once */
};

int gr_init(struct gr *g, const char *git, struct err *err);
void gr_release(struct gr *g);

/* The repository stays the role's and is valid until the next gr_repo_open() or _forget(). */
int gr_repo_open(struct gr *g, const char *path, struct gr_repo **ret, struct err *err);
void gr_repo_forget(struct gr *g, const char *path);

/* Memory objects: visible to every read through r->git and r->odb. */
int gr_mem_put(struct gr_repo *r, git_object_t type, const void *p, size_t n, git_oid *ret,
	       struct err *err);
void gr_mem_drop(struct gr_repo *r);
/* From here on what was put is forgotten: it stays visible until the next drop and is written by nothing. */
void gr_mem_rewind(struct gr_repo *r, size_t mem_objects);
int gr_mem_flush(struct gr_repo *r, struct err *err);
/* A pack of what there is in the folder of another store, for Git to see; it stays here. */
int gr_mem_show(struct gr_repo *r, const char *pack_dir, struct err *err);

/* Translates a libgit2 return code: "<fmt>: <libgit2's text>". Returns -1. */
int gr_fail(struct err *err, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Runs git on a repository (NULL: none) with an environment that holds nothing of the caller's;
 * `env` adds NAME=value pairs (NULL-terminated, may be NULL), args come after `git`. Returns git's
 * exit code, -1 when it did not run; *err is filled whenever that is not 0. */
int gr_git(struct gr *g, const char *repo, const char *const *env, const char *const *args,
	   const char *input, size_t input_len, int64_t timeout_ms, struct buf *out,
	   struct err *err);

int gr_op_init(struct gr *g, const json_t *req, json_t *ans, struct err *err);
int gr_op_import(struct gr *g, const json_t *req, json_t *ans, struct err *err);

/* `auto_git(git_commit) *c = NULL;` frees c at the end of the scope. */
#define GR_CLEANUP(type)                                                                           \
	static inline void gr_clean_##type(type **p)                                               \
	{                                                                                          \
		if (*p)                                                                            \
			type##_free(*p);                                                           \
	}
GR_CLEANUP(git_repository)
GR_CLEANUP(git_commit)
GR_CLEANUP(git_tree)
GR_CLEANUP(git_tree_entry)
GR_CLEANUP(git_blob)
GR_CLEANUP(git_object)
GR_CLEANUP(git_reference)
GR_CLEANUP(git_reference_iterator)
GR_CLEANUP(git_revwalk)
GR_CLEANUP(git_diff)
GR_CLEANUP(git_diff_stats)
GR_CLEANUP(git_signature)
GR_CLEANUP(git_index)
GR_CLEANUP(git_transaction)
GR_CLEANUP(git_config)
GR_CLEANUP(git_odb_object)
GR_CLEANUP(git_remote)
#define auto_git(type) cleanup(gr_clean_##type) type

#endif
