/* watch.c - see watch.h */
#include "bot/watch.h"

#include "base/log.h"
#include "base/mem.h"
#include "bot/reconcile.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

/* A reference is renamed into place, deleted, or (by hand) written. */
#define CHANGES (IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR)

/* What is of interest in one folder. */
struct spot {
	int wd;
	int64_t repo;
	char *name;
};

struct watch {
	struct bot *bot;
	int fd;
	struct loop_watch *loop;
	struct spot *v;
	size_t n;
	bool full; /* the machine's limit was reached, and said */
};

static void add_spot(struct watch *w, const struct repo *r, const char *dir, const char *name)
{
	int wd = inotify_add_watch(w->fd, dir, CHANGES);

	if (wd < 0) {
		/* No such folder yet: its parent tells when there is. */
		if (errno == ENOSPC && !w->full) {
			w->full = true;
			log_warn("repository %s: %s: no inotify watches are left "
				 "(fs.inotify.max_user_watches); moves of the base are noticed "
				 "every %lld s",
				 r->name, dir, (long long)w->bot->conf->reconcile_seconds);
		}
		return;
	}
	for (size_t i = 0; i < w->n; i++)
		if (w->v[i].wd == wd && w->v[i].repo == r->id && !strcmp(w->v[i].name, name))
			return;
	w->v = xreallocarray(w->v, w->n + 1, sizeof(*w->v));
	w->v[w->n++] = (struct spot){wd, r->id, xstrdup(name)};
}

/* refs/heads, and below it each folder that is a part of the branch's name. */
static void add_repo(struct watch *w, const struct repo *r)
{
	autofree char *path = xasprintf("%s/refs/heads/%s", r->path, r->base);
	char *name = path + strlen(r->path) + strlen("/refs/heads/");

	add_spot(w, r, r->path, "packed-refs");
	for (char *slash; name; name = slash ? slash + 1 : NULL) {
		slash = strchr(name, '/');
		if (slash)
			*slash = '\0';
		name[-1] = '\0';
		add_spot(w, r, path, name);
		name[-1] = '/';
		if (slash)
			*slash = '/';
	}
}

void watch_repos(struct watch *w)
{
	cleanup(repo_list_release) struct repo_list l = {0};

	if (!w || repo_all(w->bot->db, ST_REPO_ALL, &l, NULL, "") < 0)
		return;
	for (size_t i = 0; i < l.n; i++)
		add_repo(w, &l.v[i]);
}

static void ask(struct watch *w, int64_t repo)
{
	cleanup(repo_release) struct repo r = {0};
	cleanup(err_release) struct err err = ERR_INIT;

	if (bot_repo(w->bot, repo, &r, &err) < 0 || reconcile_base(w->bot, &r, &err) < 0)
		log_warn("watch: %s", err_text(&err));
	else
		add_repo(w, &r); /* a folder on the way to it may be new */
}

static void forget(struct watch *w, int wd)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n; i++) {
		if (w->v[i].wd == wd)
			free(w->v[i].name);
		else
			w->v[n++] = w->v[i];
	}
	w->n = n;
}

/* Each repository once for all that was read. */
struct due {
	int64_t *v;
	size_t n;
};

static void due_add(struct due *d, int64_t repo)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->v[i] == repo)
			return;
	d->v = xreallocarray(d->v, d->n + 1, sizeof(*d->v));
	d->v[d->n++] = repo;
}

static void on_event(struct watch *w, const struct inotify_event *e, struct due *due)
{
	const char *name = e->len ? e->name : "";

	for (size_t i = 0; i < w->n; i++)
		if ((e->mask & IN_Q_OVERFLOW) ||
		    (w->v[i].wd == e->wd && !strcmp(w->v[i].name, name)))
			due_add(due, w->v[i].repo);
	if (e->mask & IN_IGNORED)
		forget(w, e->wd);
}

static void on_ready(void *arg, uint32_t events)
{
	struct watch *w = arg;
	struct due due = {0};
	union {
		char bytes[16384];
		struct inotify_event align;
	} buf;
	ssize_t n;

	(void)events;
	while ((n = read(w->fd, buf.bytes, sizeof(buf.bytes))) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *e =
				(const struct inotify_event *)(const void *)(buf.bytes + at);

			on_event(w, e, &due);
			at += (ssize_t)(sizeof(*e) + e->len);
		}
	}
	for (size_t i = 0; i < due.n; i++)
		ask(w, due.v[i]);
	free(due.v);
}

struct watch *watch_new(struct bot *b)
{
	cleanup(err_release) struct err err = ERR_INIT;
	struct watch *w = xcalloc(1, sizeof(*w));

	w->bot = b;
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd < 0)
		err_errno(&err, "inotify");
	else if (loop_watch_new(b->loop, w->fd, EPOLLIN, on_ready, w, &w->loop, &err) == 0)
		return w;
	log_warn("%s: moves of the base are noticed every %lld s", err_text(&err),
		 (long long)b->conf->reconcile_seconds);
	watch_free(w);
	return NULL;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	loop_watch_free(w->loop);
	if (w->fd >= 0)
		close(w->fd);
	for (size_t i = 0; i < w->n; i++)
		free(w->v[i].name);
	free(w->v);
	free(w);
}
