/* reflock.c - see reflock.h */
#include "git/reflock.h"

#include "base/text.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINES_MAX ((size_t)1 << 20)
#define SLACK_NS  (int64_t)1000000000 /* a file system's clock ticks more coarsely than ours */
#define SECOND_NS (int64_t)1000000000

static int64_t ns_of(struct timespec t)
{
	return (int64_t)t.tv_sec * SECOND_NS + t.tv_nsec;
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return ns_of(t);
}

static int64_t boot_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return now_ns() - ns_of(t);
}

static char *lock_path(const char *repo, const char *ref)
{
	return xasprintf("%s/%s.lock", repo, ref);
}

/* ---- the lines ---- */

static int add_line(struct gr_repo *r, const char *what, const char *ref, struct err *err)
{
	autofree char *path = path_join(r->path, "yardmaster.locks");
	autofree char *line = xasprintf("%lld %s %s\n", (long long)now_ns(), what, ref);
	autoclose int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	size_t n = strlen(line);

	if (fd < 0)
		return err_errno(err, "open %s", path);
	return write(fd, line, n) == (ssize_t)n ? 0 : err_errno(err, "write %s", path);
}

int gr_lock_intend(struct gr_repo *r, const char *ref, const git_oid *to, struct err *err)
{
	return add_line(r, to ? git_oid_tostr_s(to) : "-", ref, err);
}

int gr_lock_intend_any(struct gr_repo *r, const char *ref, struct err *err)
{
	return add_line(r, "?", ref, err);
}

struct line {
	int64_t at_ns;
	const char *what, *ref;
	int64_t before_ns; /* a lock made later is too young */
};

static bool read_line(char *s, struct line *ret)
{
	char *what = strchr(s, ' '), *ref = what ? strchr(what + 1, ' ') : NULL;

	if (!ref || strstr(ref, ".."))
		return false;
	*what++ = 0;
	*ref++ = 0;
	*ret = (struct line){strtoll(s, NULL, 10), what, ref, 0};
	return ret->at_ns > 0;
}

/* ---- a lock ---- */

/* Empty, or what the line says that it would hold. */
static bool holds(const char *path, const struct stat *st, const char *what)
{
	cleanup(buf_release) struct buf b = BUF_INIT_MAX(128);

	if (!st->st_size || *what == '?')
		return true;
	if (st->st_size > 64 || fs_read(path, 64, &b, NULL) < 0)
		return false;
	buf_rtrim(&b);
	return !strcmp(b.s, what);
}

/* 1 taken away or not there, 0 too young, -1 not ours (no error). */
static int take_away(const char *path, const struct line *l)
{
	int64_t at;
	struct stat st;

	if (lstat(path, &st) < 0)
		return 1;
	at = ns_of(st.st_mtim);
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || at + SLACK_NS < l->at_ns ||
	    !holds(path, &st, l->what))
		return -1;
	if (at >= l->before_ns)
		return 0;
	unlink(path);
	return 1;
}

/* Below refs/, of git pack-refs: empty ones only. */
static bool sweep_all(const char *repo, const struct line *l)
{
	autofree char *refs = path_join(repo, "refs");
	char *const roots[] = {refs, NULL};
	struct line empty = {l->at_ns, "-", l->ref, l->before_ns};
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	bool young = false;
	FTSENT *e;

	while (walk && (e = fts_read(walk)))
		if (e->fts_info == FTS_F && e->fts_namelen > 5 &&
		    !strcmp(e->fts_name + e->fts_namelen - 5, ".lock"))
			young |= take_away(e->fts_accpath, &empty) == 0;
	if (walk)
		fts_close(walk);
	return young;
}

/* The last holder died: 1 something is still too young. */
static bool clear_line(const char *repo, const struct line *l)
{
	autofree char *path = lock_path(repo, l->ref);

	return strcmp(l->ref, "*") ? take_away(path, l) == 0 : sweep_all(repo, l);
}

static void clear_left(struct gr_repo *r, struct gr_guard *g)
{
	cleanup(buf_release) struct buf text = BUF_INIT;
	cleanup(strvec_release) struct strvec lines = STRVEC_INIT;
	int64_t before;

	if (fs_read(g->lines, LINES_MAX, &text, NULL) < 0 || !text.len)
		return;
	before = now_ns() - GR_LOCK_AGE_S * SECOND_NS;
	if (before < ns_of(r->started))
		before = ns_of(r->started);
	strvec_split(&lines, text.s, '\n');
	strvec_foreach (&lines, s) {
		struct line l;

		if (!read_line(*s, &l))
			continue;
		l.before_ns = before;
		g->keep |= clear_line(r->path, &l);
	}
}

/* ---- the guard ---- */

int gr_ref_guard(struct gr_repo *r, struct gr_guard *ret, struct err *err)
{
	autofree char *path = path_join(r->path, "yardmaster.lock");
	autoclose int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc;

	if (fd < 0)
		return err_errno(err, "open %s", path);
	do
		rc = flock(fd, LOCK_EX);
	while (rc < 0 && errno == EINTR);
	if (rc < 0)
		return err_errno(err, "lock %s", path);
	*ret = (struct gr_guard){.fd = steal_fd(&fd),
				 .lines = path_join(r->path, "yardmaster.locks")};
	clear_left(r, ret);
	return 0;
}

void gr_guard_release(struct gr_guard *g)
{
	if (g->fd < 0)
		return;
	if (!g->keep && truncate(g->lines, 0) < 0 && errno != ENOENT)
		g->keep = true; /* the next holder looks at lines without locks */
	free(g->lines);
	close(g->fd);
	*g = (struct gr_guard)GR_GUARD_NONE;
}

bool gr_lock_is_old(struct gr_repo *r, const char *ref)
{
	autofree char *path = lock_path(r->path, ref);
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT;
	return S_ISREG(st.st_mode) && st.st_uid == geteuid() && ns_of(st.st_ctim) < boot_ns() &&
	       unlink(path) == 0;
}

int gr_lock_held(struct gr_repo *r, const char *ref, struct err *err)
{
	autofree char *path = lock_path(r->path, ref);
	autofree char *age = NULL;
	struct stat st;
	int64_t at;

	if (lstat(path, &st) < 0)
		return err_set(err, ERR_UNAVAILABLE,
			       "reference %s in %s was being written by another process; try again",
			       ref, r->path);
	at = ns_of(st.st_mtim);
	age = text_duration((now_ns() - at) / 1000000);
	return err_set(
		err, ERR_UNAVAILABLE,
		"reference %s in %s is being written by another process: %s was made %s ago. "
		"If no git works on the repository any longer, remove that file; then try "
		"again",
		ref, r->path, path, age);
}
