/* follow.c - see follow.h */
#include "bot/follow.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "bot/api.h"
#include "runner/run.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define CHUNK   ((size_t)64 << 10)
#define POLL_MS 200 /* how often a growing file is looked at */
#define WAIT_MS 20  /* for a client that has not read what was sent */

enum sent { SENT_GONE = -1, SENT_MORE, SENT_ALL, SENT_WAITS };

struct follow {
	struct bot *bot;
	uint64_t ticket;
	int64_t task;
	char *only; /* one run, or NULL: all */
	bool follow;
	int64_t last; /* attempt that is being sent */
	off_t at;     /* how much of it was sent */
	struct loop_timer *timer;
	struct follow *next;
};

static void follow_free(struct follow *f)
{
	struct follow **at = &f->bot->follows;

	while (*at && *at != f)
		at = &(*at)->next;
	if (*at)
		*at = f->next;
	loop_timer_free(f->timer);
	free(f->only);
	free(f);
}

void follow_stop_all(struct bot *b)
{
	while (b->follows)
		follow_free(b->follows);
}

/* Sends what is new in a run's output: ALL that is there now, or WAITS for the client to read. A log
 * can be longer than what is queued for anybody. */
static enum sent send_output(struct follow *f, const char *run)
{
	autofree char *path = run_path(f->bot->runs, run, "out");
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	autofree char *chunk = xmalloc(CHUNK);
	ssize_t n;

	while (fd >= 0 && (n = pread(fd, chunk, CHUNK, f->at)) > 0) {
		int room = api_room(f->bot->api, f->ticket);

		if (room <= 0)
			return room < 0 ? SENT_GONE : SENT_WAITS;
		if (n == (ssize_t)CHUNK) /* more follows: no character is cut in two */
			n = (ssize_t)text_cut(chunk, CHUNK, CHUNK - 4);
		if (!api_chunk(f->bot->api, f->ticket, chunk, (size_t)n))
			return SENT_GONE;
		f->at += n;
	}
	return SENT_ALL;
}

static bool send_heading(struct follow *f, const struct attempt *a)
{
	autofree char *line = xasprintf("==> %s: %s, round %lld: %s\n", a->run, a->kind,
					(long long)a->round, a->command);

	return api_chunk(f->bot->api, f->ticket, line, strlen(line));
}

/* Goes over the runs in order; stops at the first one that is still going. GONE also when the ledger
 * fails, with *err. */
static enum sent send_all(struct follow *f, struct err *err)
{
	cleanup(attempt_list_release) struct attempt_list l = {0};
	enum sent sent;

	if (attempt_all(f->bot->db, ST_ATTEMPT_OF_TASK, &l, err, "i", f->task) < 0)
		return SENT_GONE;
	for (size_t i = 0; i < l.n; i++) {
		const struct attempt *a = &l.v[i];
		bool over = !strcmp(a->state, "ended");

		if (a->id < f->last || (f->only && strcmp(f->only, a->run) != 0))
			continue;
		if (a->id > f->last) {
			f->last = a->id;
			f->at = 0;
			if (!send_heading(f, a))
				return SENT_GONE;
		}
		sent = send_output(f, a->run);
		if (sent != SENT_ALL)
			return sent;
		if (!over)
			return SENT_MORE;
	}
	return SENT_ALL;
}

static void on_timer(void *arg)
{
	struct follow *f = arg;
	cleanup(err_release) struct err err = ERR_INIT;
	cleanup(task_release) struct task t = {0};
	enum sent sent;
	int rc = task_get(f->bot->db, f->task, &t, &err);

	/* Asked before the sending: what ends in between is seen the next time. */
	sent = rc < 0 ? SENT_GONE : send_all(f, &err);
	if (sent == SENT_WAITS) {
		loop_timer_in(f->timer, WAIT_MS);
		return;
	}
	/* One run that was asked for is over when it is over, however long the task goes on. */
	if (f->follow && rc > 0 &&
	    (sent == SENT_MORE || (sent == SENT_ALL && !t.ended_ms && !f->only))) {
		loop_timer_in(f->timer, POLL_MS);
		return;
	}
	api_answer(f->bot->api, f->ticket, json_object(), err.code ? &err : NULL);
	follow_free(f);
}

static int check_run(struct bot *b, const struct task *t, const char *run, struct err *err)
{
	cleanup(attempt_release) struct attempt a = {0};
	int rc = attempt_find(b->db, ST_ATTEMPT_BY_RUN, &a, err, "s", run);

	if (rc == 0 || (rc > 0 && a.task != t->id))
		return err_set(err, ERR_NOT_FOUND,
			       "run '%s': task %lld has no such run; `yardmaster task show %lld` "
			       "lists them",
			       run, (long long)t->id, (long long)t->id);
	return rc < 0 ? -1 : 0;
}

int follow_start(struct bot *b, uint64_t ticket, const struct task *t, const char *run, bool follow,
		 struct err *err)
{
	struct follow *f;

	if (run && check_run(b, t, run, err) < 0)
		return -1;
	f = xcalloc(1, sizeof(*f));
	f->bot = b;
	f->ticket = ticket;
	f->task = t->id;
	f->only = xstrdup(run);
	f->follow = follow;
	f->timer = loop_timer_new(b->loop, on_timer, f);
	f->next = b->follows;
	b->follows = f;
	loop_timer_in(f->timer, 0);
	return 0;
}
