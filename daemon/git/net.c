/*
 * net.c - the role's side of net.h: reads requests, forks a worker for each, watches and ends it.
 *
 * What a credential leaves in memory: the worker's copies go with its process. Here the line is read
 * into a buffer that is never moved and overwritten once decoded, jansson's memory is overwritten when it
 * is given back, and the string itself as soon as the worker has it. The dynamic linker, where it resolves a name at its
 * first use, saves the vector registers on the stack (glibc: _dl_runtime_resolve_xsave), and in them is what was copied
 * last: so the role is started with LD_BIND_NOW, and refuses to be without.
 */
#include "git/net.h"

#include "base/clock.h"
#include "base/log.h"
#include "git/net_part.h"
#include "sys/chan.h"
#include "sys/fs.h"
#include "sys/jsonl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER_MAX ((size_t)31 << 20) /* the daemon reads lines of 32 MiB from a role */
#define LOOK_MS    200
#define READ_SIZE  65536

/* ---- the worker ---- */

static const struct {
	const char *name;
	int (*fn)(struct net_call *c, json_t *ans, struct err *err);
} ops[] = {
	{"fetch", net_op_fetch},
	{"push", net_op_push},
	{"ls", net_op_ls},
	{"lfs", net_op_lfs},
};

static int dispatch(struct net_call *c, json_t *ans, struct err *err)
{
	if (json_get_str(c->req, "op", &c->op, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		if (strcmp(c->op, ops[i].name) != 0)
			continue;
		if (net_decode_call(c, err) < 0)
			return err_wrap(err, "%s", c->op);
		return ops[i].fn(c, ans, err) < 0 ? err_wrap(err, "%s %s", c->op, c->url.text) : 0;
	}
	return err_set(err, ERR_INPUT, "key 'op': found '%.50s', which is no operation", c->op);
}

static json_t *refusal(const struct err *err)
{
	json_t *ans = json_object(), *e = json_object();

	json_put_bool(ans, "ok", false);
	json_put_str(e, "code", err_code_name(err->code));
	json_put_str(e, "text", err_text(err));
	json_put(ans, "error", e);
	return ans;
}

json_t *net_work(struct gr *g, const json_t *req, const char *home, struct net_watch *w)
{
	cleanup(err_release) struct err err = ERR_INIT;
	struct net_call c = {.gr = g, .req = req, .home = home, .watch = w};
	json_t *ans = json_object();

	buf_init(&c.side, 0);
	json_put_bool(ans, "ok", true);
	if (dispatch(&c, ans, &err) < 0) {
		json_decref(ans);
		ans = refusal(&err);
	}
	return ans;
}

/* Never returns. What it holds is given back by its end. */
static void worker_main(struct gr *g, const json_t *req, const char *home, struct net_watch *w,
			int to)
{
	const json_t *auth = json_object_get(req, "auth");
	struct net_auth a = {.token = json_str(auth, "token", NULL)};
	struct rlimit none = {0, 0};
	json_t *ans;
	size_t n;
	char *s;

	signal(SIGPIPE, SIG_IGN);
	setrlimit(RLIMIT_CORE, &none);
	ans = net_work(g, req, home, w);
	s = json_text(ans);
	n = strlen(s);
	net_redact(&a, s, n);
	for (ssize_t put; n; s += put, n -= (size_t)put) {
		put = write(to, s, n);
		if (put < 0)
			_exit(1);
	}
	_exit(0);
}

/* ---- the watch ---- */

struct worker {
	pid_t pid;
	int from;  /* its answer */
	int other; /* whose end ends it; -1: none */
	struct net_watch *watch;
	struct net_limits limits;
	int64_t begun_ms;
	struct buf answer;
};

static bool local(int phase)
{
	return phase == NET_CHECKING || phase == NET_MOVING;
}

/* 1 it may go on, 0 the reason why not. */
static int verdict(const struct worker *w, struct err *err)
{
	int64_t now = clock_system.mono_ms(&clock_system);
	int64_t idle = now - atomic_load(&w->watch->progress_ms);
	int phase = atomic_load(&w->watch->phase);
	const char *doing = net_phase_name(phase);

	/* References are moved in a moment, and not left half moved. */
	if (phase == NET_MOVING)
		return 1;
	if (atomic_load(&w->watch->over))
		err_set(err, ERR_LIMIT,
			"%s: it sends more than is taken (at most %lld bytes, and %lld references: "
			"max_bytes, max_refs); ended",
			doing, (long long)w->limits.max_bytes, (long long)w->limits.max_refs);
	else if (!local(phase) && idle > w->limits.idle_seconds * 1000)
		err_set(err, ERR_UNAVAILABLE, "%s: nothing moved for %lld s (idle_seconds); ended",
			doing, (long long)w->limits.idle_seconds);
	else if (now - w->begun_ms > w->limits.max_seconds * 1000)
		err_set(err, ERR_LIMIT, "%s: not done within %lld s (max_seconds); ended", doing,
			(long long)w->limits.max_seconds);
	else
		return 1;
	return 0;
}

/* 1 more may come, 0 the end. */
static int take_answer(struct worker *w, struct err *err)
{
	char *room = buf_room(&w->answer, READ_SIZE);
	ssize_t n;

	if (!room)
		return err_set(err, ERR_LIMIT, "an answer of more than %zu bytes", ANSWER_MAX);
	n = read(w->from, room, READ_SIZE);
	if (n < 0 && errno != EINTR)
		return err_errno(err, "read from the worker");
	if (n > 0)
		buf_grown(&w->answer, (size_t)n);
	return n != 0;
}

static int collect(struct worker *w, struct err *err)
{
	struct pollfd p[] = {{.fd = w->from, .events = POLLIN},
			     {.fd = w->other, .events = POLLRDHUP}};
	int more = 1;

	while (more > 0) {
		int n = poll(p, ARRAY_LEN(p), LOOK_MS);

		if (n < 0 && errno != EINTR)
			return err_errno(err, "poll");
		if (n > 0 && p[1].revents)
			return err_set(err, ERR_UNAVAILABLE, "the daemon has gone");
		if (n > 0 && p[0].revents)
			more = take_answer(w, err);
		else if (!verdict(w, err))
			return -1;
	}
	return more;
}

/* The packs that it has not finished; their names are libgit2's. Other processes write such files too, so
 * only those that this one has open are meant. */
static void open_packs(pid_t pid, struct strvec *ret)
{
	autofree char *path = xasprintf("/proc/%ld/fd", (long)pid);
	DIR *dir = opendir(path);
	struct dirent *d;
	char to[4096];

	while (dir && (d = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), d->d_name, to, sizeof(to) - 1);

		to[n > 0 ? n : 0] = '\0';
		if (n > 0 && strstr(to, "/objects/pack/pack_git2_"))
			strvec_push(ret, to);
	}
	if (dir)
		closedir(dir);
}

static void end_worker(struct worker *w, bool killed, int *ret_status)
{
	cleanup(strvec_release) struct strvec packs = STRVEC_INIT;

	if (killed) {
		kill(w->pid, SIGSTOP);
		open_packs(w->pid, &packs);
		kill(w->pid, SIGKILL);
	}
	while (waitpid(w->pid, ret_status, 0) < 0 && errno == EINTR)
		;
	strvec_foreach (&packs, pack)
		unlink(*pack);
}

static int await_answer(struct worker *w, json_t **ret, struct err *err)
{
	int rc = collect(w, err), status = 0;

	end_worker(w, rc < 0, &status);
	if (rc < 0)
		return -1;
	if (WIFSIGNALED(status))
		return err_set(err, ERR_UNAVAILABLE, "%s: the worker was ended by signal %d",
			       net_phase_name(atomic_load(&w->watch->phase)), WTERMSIG(status));
	if (json_parse(w->answer.s, w->answer.len, ANSWER_MAX, ret, err) < 0)
		return err_wrap(err, "the worker's answer");
	return 0;
}

/* ---- one request ---- */

/* jansson hands out const strings, and this one is ours: the request came from the wire. */
static void wipe_token(const json_t *req)
{
	const json_t *t = json_object_get(json_object_get(req, "auth"), "token");

	if (json_is_string(t))
		mem_wipe((char *)json_string_value(t), json_string_length(t));
}

static int start_worker(struct gr *g, struct worker *w, json_t *req, const char *home,
			struct err *err)
{
	pid_t parent = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(err, "pipe");
	w->pid = fork();
	if (w->pid < 0) {
		close(ends[0]);
		close(ends[1]);
		return err_errno(err, "fork");
	}
	if (w->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		close(ends[0]);
		worker_main(g, req, home, w->watch, ends[1]);
	}
	close(ends[1]);
	w->from = ends[0];
	return 0;
}

static int make_home(const json_t *req, char **ret, struct err *err)
{
	const char *tmp = getenv("TMPDIR");
	autofree char *home = NULL;

	if (strncmp(json_str(req, "url", ""), "ssh:", 4) != 0)
		return 0;
	home = xasprintf("%s/yardmaster-net-XXXXXX", tmp && *tmp == '/' ? tmp : "/tmp");
	if (!mkdtemp(home))
		return err_errno(err, "make a folder %s", home);
	*ret = steal(&home);
	return 0;
}

static int ask_worker(struct gr *g, struct worker *w, json_t *req, json_t **ret, struct err *err)
{
	autofree char *home = NULL;
	int rc;

	if (net_decode_limits(req, &w->limits, err) < 0 || make_home(req, &home, err) < 0)
		return -1;
	net_progress(w->watch);
	w->begun_ms = clock_system.mono_ms(&clock_system);
	rc = start_worker(g, w, req, home, err);
	wipe_token(req);
	if (rc == 0)
		rc = await_answer(w, ret, err);
	if (home)
		fs_remove_tree(home, NULL);
	return rc;
}

/* For what the worker itself could not say. */
static int name_request(const json_t *req, struct err *err)
{
	cleanup(net_url_release) struct net_url url = {0};
	const char *op = json_str(req, "op", "request");

	if (net_decode_url(json_str(req, "url", ""), &url, NULL) < 0)
		return err_wrap(err, "%.20s", op);
	return err_wrap(err, "%.20s %s", op, url.text);
}

json_t *net_request(struct gr *g, int fd, json_t *req)
{
	cleanup(err_release) struct err err = ERR_INIT;
	struct worker w = {.from = -1, .other = fd};
	json_t *id = json_object_get(req, "id"), *ans = NULL;
	void *page = mmap(NULL, sizeof(*w.watch), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	buf_init(&w.answer, ANSWER_MAX);
	if (page == MAP_FAILED) {
		err_errno(&err, "map a page");
	} else {
		w.watch = page;
		if (ask_worker(g, &w, req, &ans, &err) < 0)
			name_request(req, &err);
		munmap(page, sizeof(*w.watch));
	}
	wipe_token(req);
	if (w.from >= 0)
		close(w.from);
	buf_release(&w.answer);
	if (!ans)
		ans = refusal(&err);
	json_put(ans, "id", id ? json_incref(id) : json_null());
	return ans;
}

/* ---- the role ---- */

static void wiping_free(void *p)
{
	if (p)
		mem_wipe(p, malloc_usable_size(p));
	free(p);
}

/* Reads requests without leaving copies of them behind. */
struct reader {
	int fd;
	struct jsonl lines;
	char chunk[READ_SIZE];
};

static int next_request(struct reader *r, json_t **ret, struct err *err)
{
	for (;;) {
		int rc = jsonl_next(&r->lines, ret, err);
		size_t before = r->lines.in.len;
		ssize_t n;

		if (rc < 0)
			return -1;
		if (rc > 0) {
			mem_wipe(r->lines.in.s, r->lines.at);
			return 1;
		}
		n = read(r->fd, r->chunk, sizeof(r->chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 && errno != ECONNRESET ? err_errno(err, "read")
							    : jsonl_end(&r->lines, err);
		jsonl_add(&r->lines, r->chunk, (size_t)n);
		mem_wipe(r->chunk, (size_t)n);
		/* What was moved to the front is still behind it. */
		if (r->lines.in.len < before)
			mem_wipe(r->lines.in.s + r->lines.in.len, before - r->lines.in.len);
	}
}

static int serve(struct gr *g, struct reader *r, struct err *err)
{
	/* Of its own descriptor: closing the channel must not close what is read from. */
	struct chan_sync *out = chan_sync_new(dup(r->fd), 0);
	int rc;

	for (;;) {
		autojson json_t *req = NULL;
		autojson json_t *ans = NULL;

		rc = next_request(r, &req, err);
		if (rc <= 0)
			break;
		ans = net_request(g, r->fd, req);
		rc = chan_sync_send(out, ans, err);
		if (rc < 0 && err->code == ERR_UNAVAILABLE)
			rc = 0; /* the daemon ended while we worked: an ordinary end */
		else if (rc == 0)
			continue;
		break;
	}
	chan_sync_free(out);
	return rc;
}

int net_role_main(int fd, const char *git)
{
	cleanup(err_release) struct err err = ERR_INIT;
	struct rlimit none = {0, 0};
	struct reader *r;
	struct gr g;
	int rc;

	log_set_name("net");
	if (geteuid() == 0) {
		log_error("refused as uid 0: what strangers send is read here; "
			  "start yardmaster as an unprivileged user");
		return 1;
	}
	if (!getenv("LD_BIND_NOW")) {
		log_error("net: LD_BIND_NOW is not set, expected in the environment of this role; "
			  "roles are started by the daemon");
		return 1;
	}
	json_set_alloc_funcs(malloc, wiping_free);
	setrlimit(RLIMIT_CORE, &none);
	if (gr_init(&g, git, &err) < 0) {
		log_error("%s", err_text(&err));
		return 1;
	}
	r = xcalloc(1, sizeof(*r));
	r->fd = fd;
	jsonl_init(&r->lines, NET_REQUEST_MAX);
	/* Large enough for ever, so that no smaller one is left behind with what was in it. */
	buf_room(&r->lines.in, NET_REQUEST_MAX + 2 * READ_SIZE);
	rc = serve(&g, r, &err);
	if (rc < 0)
		log_error("%s", err_text(&err));
	jsonl_release(&r->lines);
	free(r);
	close(fd);
	gr_release(&g);
	return rc < 0;
}
