/* norefs.c - see norefs.h */
#include "git/norefs.h"

#include <git2/sys/refdb_backend.h>
#include <git2/sys/repository.h>

GR_CLEANUP(git_refdb)

static int exists(int *ret, git_refdb_backend *b, const char *name)
{
	(void)b;
	(void)name;
	*ret = 0;
	return 0;
}

static int lookup(git_reference **ret, git_refdb_backend *b, const char *name)
{
	(void)b;
	(void)name;
	*ret = NULL;
	return GIT_ENOTFOUND;
}

static int next(git_reference **ret, git_reference_iterator *it)
{
	(void)it;
	*ret = NULL;
	return GIT_ITEROVER;
}

static int next_name(const char **ret, git_reference_iterator *it)
{
	(void)it;
	*ret = NULL;
	return GIT_ITEROVER;
}

static void free_iterator(git_reference_iterator *it)
{
	free(it);
}

static int iterator(git_reference_iterator **ret, git_refdb_backend *b, const char *glob)
{
	(void)b;
	(void)glob;
	*ret = xcalloc(1, sizeof(**ret));
	**ret = (git_reference_iterator){
		.next = next, .next_name = next_name, .free = free_iterator};
	return 0;
}

/* libgit2 takes no backend without these; nobody calls them. */
static int no_write(git_refdb_backend *b, const git_reference *ref, int force,
		    const git_signature *who, const char *message, const git_oid *old,
		    const char *old_target)
{
	(void)b, (void)ref, (void)force, (void)who, (void)message, (void)old, (void)old_target;
	return -1;
}
static int no_rename(git_reference **ret, git_refdb_backend *b, const char *from, const char *to,
		     int force, const git_signature *who, const char *message)
{
	(void)ret, (void)b, (void)from, (void)to, (void)force, (void)who, (void)message;
	return -1;
}
static int no_del(git_refdb_backend *b, const char *name, const git_oid *old, const char *target)
{
	(void)b, (void)name, (void)old, (void)target;
	return -1;
}
static int no_log(git_refdb_backend *b, const char *name)
{
	(void)b, (void)name;
	return 0;
}
static int no_log_read(git_reflog **ret, git_refdb_backend *b, const char *name)
{
	(void)ret, (void)b, (void)name;
	return -1;
}
static int no_log_write(git_refdb_backend *b, git_reflog *log)
{
	(void)b, (void)log;
	return -1;
}
static int no_log_rename(git_refdb_backend *b, const char *from, const char *to)
{
	(void)b, (void)from, (void)to;
	return -1;
}

static void free_backend(git_refdb_backend *b)
{
	free(b);
}

static int set_no_references(git_repository *git)
{
	auto_git(git_refdb) *db = NULL;
	git_refdb_backend *b;
	int rc = git_refdb_new(&db, git);

	if (rc < 0)
		return rc;
	b = xcalloc(1, sizeof(*b));
	*b = (git_refdb_backend){.version = GIT_REFDB_BACKEND_VERSION,
				 .exists = exists,
				 .lookup = lookup,
				 .iterator = iterator,
				 .write = no_write,
				 .rename = no_rename,
				 .del = no_del,
				 .has_log = no_log,
				 .ensure_log = no_log,
				 .free = free_backend,
				 .reflog_read = no_log_read,
				 .reflog_write = no_log_write,
				 .reflog_rename = no_log_rename,
				 .reflog_delete = no_log};
	rc = git_refdb_set_backend(db, b);
	if (rc < 0)
		free(b);
	return rc < 0 ? rc : git_repository_set_refdb(git, db);
}

int gr_norefs_new(struct gr_repo *r, git_repository **ret, struct err *err)
{
	auto_git(git_repository) *git = NULL;
	auto_git(git_config) *config = NULL;
	int rc = git_repository_wrap_odb(&git, r->odb);

	if (rc == 0)
		rc = git_repository_config(&config, r->git);
	if (rc == 0)
		rc = git_repository_set_config(git, config);
	if (rc == 0)
		rc = set_no_references(git);
	if (rc < 0)
		return gr_fail(err, rc, "repository %s: its objects alone", r->path);
	*ret = steal(&git);
	return 0;
}
