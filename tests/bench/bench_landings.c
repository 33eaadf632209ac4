/*
 * bench_landings.c - 5,000 landings in one repository: is the last hundred as fast as the first, and how
 * much is there in the end?
 *
 * As the bot does it, through the git role over a socket pair: a candidate (each fourth pull request has one that did
 * not land, too), its landing with a receipt of some 1,200 bytes and the kept head; and `maintain` in a role of its own
 * whenever upkeep.h asks for it. Pull requests come 50 at a time, each changes one to three of 3,000 files of 60 lines on
 * top of a base of up to 50 landings ago. Maintenance is not counted in the time of a landing, as it is not in its
 * way: what is measured are candidate and landing, by the clock and by the role's processor time, which says more on a
 * machine that has something else to do.
 *
 * The size is that of all packs and loose objects against those of a mirror clone after `git gc --prune=now`, which
 * has nothing of what did not land.
 *
 *   build/tests/bench/bench_landings [LANDINGS]
 */
#include "merge_bench.h"

#include "bot/upkeep.h"

#include <dirent.h>
#include <string.h>

#define FILES  3000
#define LINES  60
#define PUSH   50
#define WINDOW 100
#define WARM   20

struct landings {
	struct bench b, upkeep; /* upkeep has the other role only */
	char *tip;
	unsigned n, all, maintained;
	double *took, *cpu; /* milliseconds of each landing */
};

/* What the role's processor time is so far: schedstat has nanoseconds. */
static double cpu_ms(const struct bench *b)
{
	autofree char *path = xasprintf("/proc/%d/schedstat", (int)b->pid);
	FILE *f = fopen(path, "re");
	long long ns = 0;

	if (!f || fscanf(f, "%lld", &ns) != 1)
		die(path, NULL);
	fclose(f);
	return (double)ns / 1e6;
}

static uint64_t rnd_state = 88172645463325252u;

static unsigned rnd(unsigned n)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 7;
	rnd_state ^= rnd_state << 17;
	return (unsigned)(rnd_state >> 33) % n;
}

/* A file as pull request `pr` leaves it (0: from the beginning). */
static void add_file(struct buf *in, unsigned file, unsigned pr)
{
	cleanup(buf_release) struct buf text = BUF_INIT;

	for (unsigned i = 0; i < LINES; i++)
		buf_addf(&text, "\tcall_of_line(%u, state->value[%u], %u);\n", i, file,
			 i == pr % LINES ? pr : 0);
	buf_addf(in, "M 100644 inline lib/d%02u/part%u/file%02u.c\ndata %zu\n%s\n", file / 100,
		 file / 20 % 5, file % 20, text.len, text.s);
}

static void begin_commit(struct buf *in, const char *ref, unsigned mark, unsigned time)
{
	buf_addf(in, "commit %s\nmark :%u\ncommitter C <c@d> %u +0000\ndata 1\nm\n", ref, mark,
		 1700000000 + time * 60);
}

/* Commits by mark, from 1; the caller frees the list. */
static void import(struct landings *l, const struct buf *in, struct strvec *ret)
{
	const char *argv[] = {"git",         "-c",      "fastimport.unpackLimit=1",
			      "fast-import", "--quiet", "--export-marks=marks",
			      NULL};
	autofree char *file = path_join(l->b.ours, "marks");
	cleanup(buf_release) struct buf marks = BUF_INIT;
	cleanup(strvec_release) struct strvec lines = STRVEC_INIT;

	if (in->failed)
		die("build", NULL);
	free(run(l->b.ours, argv, in->s, in->len));
	if (fs_read(file, (size_t)1 << 20, &marks, NULL) < 0)
		die(file, NULL);
	strvec_split(&lines, marks.s, '\n');
	for (unsigned m = 1; m < lines.n; m++)
		strvec_push(ret, "");
	strvec_foreach (&lines, line) {
		unsigned m;
		char id[41];

		if (sscanf(*line, ":%u %40s", &m, id) != 2 || m > ret->n)
			continue;
		free(ret->v[m - 1]);
		ret->v[m - 1] = xstrdup(id);
	}
}

static void build(struct landings *l)
{
	cleanup(buf_release) struct buf in = BUF_INIT_MAX((size_t)64 << 20);
	cleanup(strvec_release) struct strvec ids = STRVEC_INIT;

	json_decref(ask(&l->b, json_pack("{s:i,s:s,s:s,s:s}", "id", 1, "op", "init", "repo",
					 l->b.ours, "base", "main")));
	begin_commit(&in, "refs/heads/main", 1, 0);
	for (unsigned i = 0; i < FILES; i++)
		add_file(&in, i, 0);
	buf_adds(&in, "\n");
	import(l, &in, &ids);
	l->tip = xstrdup(ids.v[0]);
}

/* The next pull requests, no two of them with the same file, so that all are clean. */
static void push(struct landings *l, struct strvec *ret)
{
	cleanup(buf_release) struct buf in = BUF_INIT_MAX((size_t)64 << 20);
	unsigned first = rnd(FILES);

	for (unsigned i = 1; i <= PUSH; i++) {
		autofree char *ref = xasprintf("refs/yardmaster/heads/%u", l->n + i);
		unsigned n = 1 + rnd(3);

		begin_commit(&in, ref, i, l->n + i);
		buf_addf(&in, "from %s\n", l->tip);
		for (unsigned k = 0; k < n; k++)
			add_file(&in, (first + (3 * i + k) * 19) % FILES, l->n + i);
		buf_adds(&in, "\n");
	}
	import(l, &in, ret);
}

static double candidate(struct landings *l, const char *head, const char *message, char **ret)
{
	double start = now_ms();
	json_t *ans = ask(&l->b, json_pack("{s:i,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:s}", "id", 1,
					   "op", "candidate", "repo", l->b.ours, "base", l->tip,
					   "head", head, "method", "merge", "message", message,
					   "author_name", "Q", "author_email", "q@e", "time_ms",
					   (json_int_t)(1700000000 + l->n * 60) * 1000, "ref",
					   "refs/yardmaster/cand/1"));
	double took = now_ms() - start;

	if (strcmp(json_str(ans, "outcome", ""), "built") != 0)
		die("candidate", NULL);
	*ret = xstrdup(json_str(ans, "commit", ""));
	json_decref(ans);
	return took;
}

static json_t *receipt(const struct landings *l, const char *head)
{
	json_t *gates = json_array();

	for (unsigned i = 0; i < 4; i++)
		json_array_append_new(
			gates, json_pack("{s:s,s:s,s:I,s:s}", "name", "gate", "command",
					 "make check SANITIZE=address,undefined", "milliseconds",
					 (json_int_t)rnd(900000), "log", head));
	return json_pack("{s:i,s:s,s:s,s:s,s:s,s:o}", "pr", l->n + 1, "base", l->tip, "head", head,
			 "method", "merge", "approved_by", "somebody", "gates", gates);
}

static double land(struct landings *l, const char *head)
{
	autofree char *new = NULL, *ref = xasprintf("refs/yardmaster/heads/%u", l->n + 1);
	double took = 0, start;
	json_t *ans, *req;

	if (l->n % 4 == 0)
		candidate(l, head, "does not land", &new);
	free(steal(&new));
	took = candidate(l, head, "lands", &new);
	req = json_pack("{s:i,s:s,s:s,s:s,s:s,s:s,s:o,s:[{s:s,s:s}]}", "id", 1, "op", "land",
			"repo", l->b.ours, "branch", "main", "old", l->tip, "new", new, "receipt",
			receipt(l, head), "keep", "ref", ref, "oid", head);
	start = now_ms();
	ans = ask(&l->b, req);
	took += now_ms() - start;
	if (strcmp(json_str(ans, "outcome", ""), "landed") != 0)
		die("land", NULL);
	json_decref(ans);
	free(l->tip);
	l->tip = steal(&new);
	return took;
}

static void maintain_when_asked(struct landings *l)
{
	struct upkeep_size size;

	upkeep_size(l->b.ours, &size);
	if (size.packs < UPKEEP_PACKS && size.loose < UPKEEP_LOOSE)
		return;
	json_decref(ask(&l->upkeep,
			json_pack("{s:i,s:s,s:s}", "id", 1, "op", "maintain", "repo", l->b.ours)));
	l->maintained++;
}

/* Bytes of the objects in a repository, all kinds of files. */
static double kilobytes(const char *repo)
{
	const char *argv[] = {"du", "-sk", "--apparent-size", "objects", NULL};
	struct child_opts o = {
		.file = "/usr/bin/du", .argv = (char *const *)argv, .envp = env, .cwd = repo};
	cleanup(buf_release) struct buf out = BUF_INIT;

	if (child_run(&o, NULL, 0, 4096, 60000, &out, NULL) != 0)
		die("du", NULL);
	return strtod(out.s, NULL);
}

static double mean(const double *v, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += v[i];
	return sum / (double)n;
}

/* Above 1 is better in all lines: the goal of at most 1.1 times the first turned round. */
static void say_time(const struct landings *l, const char *name, const double *v)
{
	double first = mean(v + WARM, WINDOW), last = mean(v + l->all - WINDOW, WINDOW);

	printf("bench: %s-%u ours=%.3f ms peer=first-hundred:%.3f ratio=%.2f goal=0.91\n", name,
	       l->all, last, first, first / last);
}

static void say(struct landings *l)
{
	const char *clone[] = {"git",        "clone",   "-q",        "--mirror",
			       "--no-local", l->b.ours, l->b.theirs, NULL};
	const char *gc[] = {"git", "gc", "-q", "--prune=now", NULL};
	struct upkeep_size size;
	double ours, theirs;

	upkeep_size(l->b.ours, &size);
	free(run(l->b.dir, clone, NULL, 0));
	free(run(l->b.theirs, gc, NULL, 0));
	ours = kilobytes(l->b.ours);
	theirs = kilobytes(l->b.theirs);
	say_time(l, "landing-time", l->took);
	say_time(l, "landing-cpu", l->cpu);
	printf("bench: landing-size-%u ours=%.0f KiB peer=git-gc:%.0f ratio=%.2f goal=0.67 "
	       "(%lld packs, about %lld loose, maintained %u times)\n",
	       l->all, ours, theirs, theirs / ours, (long long)size.packs, (long long)size.loose,
	       l->maintained);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static struct landings l;

	l.all = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 5000;
	if (l.all < WARM + 2 * WINDOW)
		die("at least 220 landings", NULL);
	l.took = xcalloc(l.all, sizeof(*l.took));
	l.cpu = xcalloc(l.all, sizeof(*l.cpu));
	bench_begin(&l.b);
	start_role(&l.b);
	start_role(&l.upkeep);
	build(&l);
	while (l.n < l.all) {
		cleanup(strvec_release) struct strvec heads = STRVEC_INIT;

		push(&l, &heads);
		for (unsigned i = 0; i < PUSH && l.n < l.all; i++, l.n++) {
			double cpu = cpu_ms(&l.b);

			l.took[l.n] = land(&l, heads.v[i]);
			l.cpu[l.n] = cpu_ms(&l.b) - cpu;
			maintain_when_asked(&l);
		}
	}
	say(&l);
	chan_sync_free(l.upkeep.role);
	child_wait(l.upkeep.pid, NULL, NULL);
	bench_end(&l.b);
	free(l.tip);
	free(l.took);
	free(l.cpu);
	return 0;
}
