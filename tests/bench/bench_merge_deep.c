/*
 * bench_merge_deep.c - pull requests of a repository with a past: 10,000 commits, and bases that have
 * moved on by 1 to 1,000 landings.
 *
 * A landing is two commits on a branch that began up to 50 landings ago, and their merge; each changes
 * one to five of 3,000 files of 120 lines. Of 20 pull requests 13 merge cleanly (half of their files
 * were changed on the base, too, in other lines), 6 conflict in a line that the base has changed, and
 * one renames a file that the base has changed. Each is merged once: a repeated one finds its objects
 * there and measures nothing.
 *
 * Ours goes through the git role over a socket pair, JSON included; the peer is one process of
 * `git merge-tree --write-tree`. Both have the same commit-graph, written before the pull requests
 * came. Trees and conflicted paths are compared, and all merge bases with libgit2's.
 */
#include "merge_bench.h"

#include "git/ancestry.h"

#include <string.h>

#define LANDINGS 3333
#define FILES    3000
#define LINES    120
#define PRS      240
#define FIRST_PR (3 * LANDINGS + 2) /* marks: 1 the root, 3 a landing, then the pull requests */

enum kind { CLEAN, CONFLICT, RENAME, KINDS };

struct change {
	unsigned landing, line;
};

/* What each file went through, in order. */
struct past {
	struct change *v;
	size_t n;
};

struct deep {
	struct bench b;
	struct past files[FILES];
	unsigned from[PRS]; /* the landing that each pull request began at */
};

static uint64_t rnd_state = 88172645463325252u;

static unsigned rnd(unsigned n)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 7;
	rnd_state ^= rnd_state << 17;
	return (unsigned)(rnd_state >> 33) % n;
}

/* --- the repository --- */

static unsigned landing_mark(unsigned landing)
{
	return 3 * landing + 1;
}

static void add_path(struct buf *b, unsigned file)
{
	buf_addf(b, "lib/d%02u/part%u/file%02u.c", file / 100, file / 20 % 5, file % 20);
}

/* The file as it was after `landing`; `line` (LINES: none) is changed by pull request `pr`. */
static void add_text(struct buf *b, const struct deep *d, unsigned file, unsigned landing,
		     unsigned line, unsigned pr)
{
	unsigned version[LINES] = {0};
	cleanup(buf_release) struct buf text = BUF_INIT;

	for (size_t i = 0; i < d->files[file].n && d->files[file].v[i].landing <= landing; i++)
		version[d->files[file].v[i].line] = d->files[file].v[i].landing;
	for (unsigned i = 0; i < LINES; i++)
		if (i == line)
			buf_addf(&text, "\tresult = changed_by(%u, \"pull request\");\n", pr);
		else if (i % 6 == 5)
			buf_adds(&text, "\n");
		else
			buf_addf(&text, "\tcall_of_line(%u, state->value[%u], %u);\n", i, file,
				 version[i]);
	buf_addf(b, "data %zu\n%s\n", text.len, text.s);
}

static void add_file(struct buf *b, const struct deep *d, unsigned file, unsigned landing,
		     unsigned line, unsigned pr)
{
	buf_adds(b, "M 100644 inline ");
	add_path(b, file);
	buf_addc(b, '\n');
	add_text(b, d, file, landing, line, pr);
}

static void begin_commit(struct buf *b, const char *ref, unsigned mark, unsigned parent,
			 unsigned other)
{
	buf_addf(b, "commit refs/heads/%s\nmark :%u\ncommitter C <c@d> %u +0000\ndata 1\nm\n", ref,
		 mark, 1700000000 + 60 * mark);
	if (parent)
		buf_addf(b, "from :%u\n", parent);
	if (other)
		buf_addf(b, "merge :%u\n", other);
}

static void change(struct deep *d, unsigned file, unsigned landing)
{
	struct past *p = &d->files[file];
	unsigned line = rnd(LINES / 6) * 6;

	if (p->n && p->v[p->n - 1].landing == landing)
		return;
	p->v = xreallocarray(p->v, p->n + 1, sizeof(*p->v));
	p->v[p->n++] = (struct change){landing, line};
}

/* The branch's two commits leave the files alone: what they changed comes with the merge, as the model
 * has one line of history only; a file of the branch's own makes them differ. */
static void add_landing(struct buf *b, struct deep *d, unsigned landing)
{
	unsigned first = landing_mark(landing) - 2, back = 1 + rnd(landing < 50 ? landing : 50);
	unsigned files[5], n = 1 + rnd(5);

	for (unsigned i = 0; i < 2; i++) {
		begin_commit(b, "topic", first + i, i ? first : landing_mark(landing - back), 0);
		buf_addf(b, "M 100644 inline topics/%u\ndata 2\n%u\n\n", landing % 100, i);
	}
	begin_commit(b, "main", first + 2, landing_mark(landing - 1), first + 1);
	buf_addf(b, "M 100644 inline topics/%u\ndata 2\n1\n\n", landing % 100);
	for (unsigned i = 0; i < n; i++)
		change(d, files[i] = rnd(FILES), landing);
	for (unsigned i = 0; i < n; i++)
		add_file(b, d, files[i], landing, LINES, 0);
}

static void add_root(struct buf *b, struct deep *d)
{
	begin_commit(b, "main", 1, 0, 0);
	for (unsigned i = 0; i < FILES; i++)
		add_file(b, d, i, 0, LINES, 0);
}

static enum kind kind_of(unsigned pr)
{
	return pr % 20 == 0 ? RENAME : pr % 20 <= 6 ? CONFLICT : CLEAN;
}

/* The base moves on by a landing with every eighth question. */
static unsigned base_landing(unsigned pr)
{
	return LANDINGS - (PRS - 1 - pr) / 8;
}

/* A file that the base of `pr` changed after `from`, and the line. */
static unsigned changed_since(const struct deep *d, unsigned from, unsigned pr, unsigned *ret_line)
{
	for (;;) {
		unsigned file = rnd(FILES);
		const struct past *p = &d->files[file];
		size_t n = p->n;

		while (n && p->v[n - 1].landing > base_landing(pr))
			n--;
		if (!n || p->v[n - 1].landing <= from)
			continue;
		*ret_line = p->v[n - 1].line;
		return file;
	}
}

static void add_rename(struct buf *b, const struct deep *d, unsigned file, unsigned from)
{
	buf_adds(b, "D ");
	add_path(b, file);
	buf_adds(b, "\nM 100644 inline lib/renamed/file.c\n");
	add_text(b, d, file, from, LINES, 0);
}

static void add_pr(struct buf *b, struct deep *d, unsigned pr)
{
	unsigned from = base_landing(pr) - 1 - (pr * 997 + 1) % 1000, line;
	unsigned hit = changed_since(d, from, pr, &line);
	enum kind kind = kind_of(pr);
	autofree char *name = xasprintf("pr%u", pr);

	d->from[pr] = from;
	begin_commit(b, name, FIRST_PR + pr, landing_mark(from), 0);
	if (kind == RENAME)
		add_rename(b, d, hit, from);
	else if (kind == CONFLICT)
		add_file(b, d, hit, from, line, pr);
	for (unsigned i = rnd(4) + 1; i; i--) {
		/* In a line that the base never changes. */
		unsigned other = i % 2 ? changed_since(d, from, pr, &line) : rnd(FILES);

		if (other != hit)
			add_file(b, d, other, from, rnd(LINES / 6) * 6 + 3, pr);
	}
}

static void import(struct deep *d, const struct buf *in)
{
	const char *argv[] = {"git",
			      "fast-import",
			      "--quiet",
			      "--export-marks=marks",
			      "--import-marks-if-exists=marks",
			      NULL};

	if (in->failed)
		die("build", NULL);
	free(run(d->b.ours, argv, in->s, in->len));
}

static void build(struct deep *d)
{
	const char *init[] = {"git", "init", "-q", "--bare", d->b.ours, NULL};
	const char *graph[] = {"git", "commit-graph", "write", "--reachable", NULL};
	const char *copy[] = {"cp", "-r", d->b.ours, d->b.theirs, NULL};
	cleanup(buf_release) struct buf in = BUF_INIT_MAX((size_t)512 << 20);
	autofree char *marks = path_join(d->b.ours, "marks");
	struct child_opts cp = {.file = "/bin/cp", .argv = (char *const *)copy, .envp = env};

	add_root(&in, d);
	for (unsigned i = 1; i <= LANDINGS; i++)
		add_landing(&in, d, i);
	free(run(d->b.dir, init, NULL, 0));
	import(d, &in);
	free(run(d->b.ours, graph, NULL, 0));
	buf_truncate(&in, 0);
	for (unsigned i = 0; i < PRS; i++)
		add_pr(&in, d, i);
	import(d, &in);
	if (child_run(&cp, NULL, 0, 4096, 60000, NULL, NULL) != 0)
		die("cp", NULL);
	read_marks(&d->b, marks, FIRST_PR + PRS);
}

/* --- the two who are measured --- */

/* The tree, or the conflicted paths, each after a line's end. */
static double measure_ours(struct bench *b, const char *base, const char *head, struct buf *ret)
{
	double start = now_ms(), took;
	json_t *ans = ask(b, json_pack("{s:i,s:s,s:s,s:s,s:s}", "id", 1, "op", "merge", "repo",
				       b->ours, "base", base, "head", head));
	json_t *c;
	size_t i;

	took = now_ms() - start;
	buf_adds(ret, json_str(ans, "tree", ""));
	json_array_foreach (json_object_get(ans, "conflicts"), i, c)
		buf_addf(ret, "\n%s", json_str(c, "path", ""));
	json_decref(ans);
	return took;
}

static double measure_git(struct bench *b, const char *base, const char *head, struct buf *ret)
{
	const char *argv[] = {"git",           "merge-tree", "--write-tree", "--name-only",
			      "--no-messages", base,         head,           NULL};
	double start = now_ms(), took;
	autofree char *text = NULL;
	int code;

	text = run_code(b->theirs, argv, NULL, 0, &code);
	took = now_ms() - start;
	buf_adds(ret, code ? text + strcspn(text, "\n") : text);
	return took;
}

struct times {
	double ours[PRS], git[PRS];
	size_t n;
};

static void add_times(struct times *t, double ours, double git)
{
	t->ours[t->n] = ours;
	t->git[t->n++] = git;
}

static void say(const char *name, double ours, const char *peer, double theirs, const char *goal)
{
	printf("bench: %s ours=%.3f ms peer=%s:%.3f ratio=%.1f goal=%s\n", name, ours, peer, theirs,
	       theirs / ours, goal);
	fflush(stdout);
}

static double mean(const double *v, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += v[i];
	return sum / (double)n;
}

static const char *base_of(const struct deep *d, unsigned pr)
{
	return d->b.ids.v[landing_mark(base_landing(pr))];
}

static void measure_merges(struct deep *d)
{
	static struct times t[KINDS], all;

	/* The first 20 are not counted: they warm up. */
	for (unsigned i = 0; i < PRS; i++) {
		cleanup(buf_release) struct buf ours = BUF_INIT;
		cleanup(buf_release) struct buf theirs = BUF_INIT;
		const char *base = base_of(d, i), *head = d->b.ids.v[FIRST_PR + i];
		double git = i % 2 ? measure_git(&d->b, base, head, &theirs) : 0, o;

		o = measure_ours(&d->b, base, head, &ours);
		if (i % 2 == 0)
			git = measure_git(&d->b, base, head, &theirs);
		if (strcmp(ours.s, theirs.s)) {
			fprintf(stderr, "bench: %s and %s: ours '%s', git's '%s'\n", base, head,
				ours.s, theirs.s);
			exit(1);
		}
		if (kind_of(i) != RENAME && (kind_of(i) == CONFLICT) != (ours.s[0] == '\n'))
			die("a pull request is not what it was made to be", NULL);
		if (i < 20)
			continue;
		add_times(&t[kind_of(i)], o, git);
		add_times(&all, o, git);
	}
	say("merge-deep-mix-mean", mean(all.ours, all.n), "git-merge-tree", mean(all.git, all.n),
	    "6");
	say("merge-deep-clean", median(t[CLEAN].ours, t[CLEAN].n), "git-merge-tree",
	    median(t[CLEAN].git, t[CLEAN].n), "10");
	say("merge-deep-conflict", median(t[CONFLICT].ours, t[CONFLICT].n), "git-merge-tree",
	    median(t[CONFLICT].git, t[CONFLICT].n), "10");
	say("merge-deep-rename", median(t[RENAME].ours, t[RENAME].n), "git-merge-tree",
	    median(t[RENAME].git, t[RENAME].n), "-");
}

/* Both are in this process: what the processor did, whoever else wants it. */
static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double ours_bases(struct gr_repo *r, const git_oid *a, const git_oid *b, git_oid *ret)
{
	autofree git_oid *v = NULL;
	double start = cpu_ms(), took;
	size_t n = 0;
	int rc = gr_merge_bases(r, a, b, &v, &n, NULL);

	took = cpu_ms() - start;
	if (rc != 1 || n != 1)
		die("merge bases", NULL);
	*ret = v[0];
	return took;
}

static double their_bases(struct gr_repo *r, const git_oid *a, const git_oid *b, git_oid *ret)
{
	git_oidarray v = {0};
	double start = cpu_ms(), took;
	int rc = git_merge_bases(&v, r->git, a, b);

	took = cpu_ms() - start;
	if (rc < 0 || v.count != 1)
		die("merge bases of libgit2", NULL);
	*ret = v.ids[0];
	git_oidarray_dispose(&v);
	return took;
}

/* In turns: who comes second finds the head's commit in libgit2's cache. */
static void measure_bases(struct deep *d)
{
	static struct times t;
	struct gr_repo *r;
	struct gr g;

	if (gr_init(&g, GIT, NULL) < 0 || gr_repo_open(&g, d->b.ours, &r, NULL) < 0)
		die(d->b.ours, NULL);
	for (unsigned i = 0; i < PRS; i++) {
		git_oid a, b, x, y;
		double theirs = 0, ours;

		git_oid_fromstr(&a, base_of(d, i));
		git_oid_fromstr(&b, d->b.ids.v[FIRST_PR + i]);
		if (i % 2)
			theirs = their_bases(r, &a, &b, &y);
		ours = ours_bases(r, &a, &b, &x);
		if (i % 2 == 0)
			theirs = their_bases(r, &a, &b, &y);
		if (!git_oid_equal(&x, &y))
			die("merge bases differ", NULL);
		add_times(&t, ours, theirs);
	}
	say("merge-base-mean", mean(t.ours, t.n), "libgit2", mean(t.git, t.n), "20");
	gr_release(&g);
}

int main(void)
{
	static struct deep d;

	bench_begin(&d.b);
	build(&d);
	start_role(&d.b);
	measure_merges(&d);
	measure_bases(&d);
	bench_end(&d.b);
	for (size_t i = 0; i < FILES; i++)
		free(d.files[i].v);
	return 0;
}
