/*
 * bench_merge.c - a pull request of 1, 5 and 20 files on a moved base of 100,000 files.
 *
 * Ours goes through the git role over a socket pair, JSON included; the peer is one process of
 * `git merge-tree --write-tree` (plus `git commit-tree` where commits are written). The two work on
 * two copies of one repository and take turns, and no merge is ever repeated: a repeated one finds
 * its objects there and measures nothing.
 *
 * The repository has 100 folders of 10 folders of 100 files. A base moves by 20 files; a pull request
 * of N files shares N / 5 of its files with them, changed in other lines, so that texts are merged,
 * too. Medians are printed; every tree is compared with git's.
 */
#include "merge_bench.h"

#define SAMPLES 21
#define FILES   100000
#define LINES   12

static const unsigned sizes[] = {1, 5, 20};

/* --- the repository: one fast-import --- */

static void add_path(struct buf *b, unsigned file)
{
	buf_addf(b, "d%02u/s%u/file%02u.c", file / 1000, file / 100 % 10, file % 100);
}

/* The text of a file, with one line replaced (line LINES: none). */
static void add_file(struct buf *b, unsigned file, unsigned line1, unsigned line2, unsigned version)
{
	cleanup(buf_release) struct buf text = BUF_INIT;

	for (unsigned i = 0; i < LINES; i++)
		if (i == line1 || i == line2)
			buf_addf(&text, "changed(%u, %u);\n", i, version);
		else
			buf_addf(&text, "line(%u, %u);\n", i, file * 7919u + i);
	buf_adds(b, "M 100644 inline ");
	add_path(b, file);
	buf_addf(b, "\ndata %zu\n%s\n", text.len, text.s);
}

static void begin_commit(struct buf *b, unsigned mark, unsigned parent)
{
	buf_addf(b, "commit refs/heads/m%u\nmark :%u\ncommitter C <c@d> %u +0000\ndata 1\nm\n",
		 mark, mark, 1700000000 + mark);
	if (parent)
		buf_addf(b, "from :%u\n", parent);
}

/* Marks 2k and 2k+1: a base that moved by 20 files, and a pull request of `size` files. */
static void add_pair(struct buf *b, unsigned mark, unsigned size)
{
	unsigned at = mark * 104729u % FILES, step = 4751;

	begin_commit(b, mark, 1);
	for (unsigned i = 0; i < 20; i++)
		add_file(b, (at + i * step) % FILES, 1, LINES, mark);
	begin_commit(b, mark + 1, 1);
	for (unsigned i = 0; i < size; i++) {
		unsigned shared = i < size / 5 ? 0 : 50 * step + 17;

		add_file(b, (at + i * step + shared) % FILES, LINES - 2, LINES, mark);
	}
}

static void build(struct bench *b)
{
	const char *init[] = {"git", "init", "-q", "--bare", b->ours, NULL};
	const char *import[] = {"git", "fast-import", "--quiet", "--export-marks=marks", NULL};
	const char *copy[] = {"git",   "clone",   "-q", "--mirror", "--no-hardlinks",
			      b->ours, b->theirs, NULL};
	cleanup(buf_release) struct buf in = BUF_INIT_MAX((size_t)512 << 20);
	autofree char *file = path_join(b->ours, "marks");
	unsigned mark = 2;

	begin_commit(&in, 1, 0);
	for (unsigned i = 0; i < FILES; i++)
		add_file(&in, i, LINES, LINES, 0);
	/* Two measures (asked for, written) of each size, and one to warm up. */
	for (size_t s = 0; s < ARRAY_LEN(sizes); s++)
		for (unsigned i = 0; i < 2 * SAMPLES + 2; i++, mark += 2)
			add_pair(&in, mark, sizes[s]);
	if (in.failed)
		die("build", NULL);
	free(run(b->dir, init, NULL, 0));
	free(run(b->ours, import, in.s, in.len));
	free(run(b->dir, copy, NULL, 0));
	read_marks(b, file, mark);
	b->next = 2;
}

/* --- the two who are measured --- */

static double measure_ours(struct bench *b, unsigned mark, bool write, char **ret_tree)
{
	const char *base = b->ids.v[mark], *head = b->ids.v[mark + 1];
	double start = now_ms();
	json_t *req = write ? json_pack("{s:i,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:s}", "id", 1,
					"op", "candidate", "repo", b->ours, "base", base, "head",
					head, "method", "merge", "message", "m", "author_name", "C",
					"author_email", "c@d", "time_ms", (json_int_t)1700000000000,
					"ref", "refs/yardmaster/c")
			    : json_pack("{s:i,s:s,s:s,s:s,s:s}", "id", 1, "op", "merge", "repo",
					b->ours, "base", base, "head", head);
	json_t *ans = ask(b, req);

	*ret_tree = xstrdup(json_str(ans, "tree", "no tree"));
	json_decref(ans);
	return now_ms() - start;
}

static double measure_git(struct bench *b, unsigned mark, bool write, char **ret_tree)
{
	const char *merge[] = {"git",          "merge-tree",       "--write-tree",
			       b->ids.v[mark], b->ids.v[mark + 1], NULL};
	double start = now_ms();

	*ret_tree = run(b->theirs, merge, NULL, 0);
	if (write) {
		const char *commit[] = {
			"git", "commit-tree",      "-m",      "m", "-p", b->ids.v[mark],
			"-p",  b->ids.v[mark + 1], *ret_tree, NULL};

		free(run(b->theirs, commit, NULL, 0));
	}
	return now_ms() - start;
}

static void measure(struct bench *b, unsigned size, bool write)
{
	double ours[SAMPLES], git[SAMPLES], o, g;

	/* One more than is counted: the first one warms up. */
	for (unsigned i = 0; i < SAMPLES + 1; i++, b->next += 2) {
		autofree char *a = NULL;
		autofree char *c = NULL;

		if (i % 2)
			g = measure_git(b, b->next, write, &c);
		o = measure_ours(b, b->next, write, &a);
		if (i % 2 == 0)
			g = measure_git(b, b->next, write, &c);
		if (strcmp(a, c)) {
			fprintf(stderr, "bench_merge: ours %s, git's %s\n", a, c);
			exit(1);
		}
		if (i) {
			ours[i - 1] = o;
			git[i - 1] = g;
		}
	}
	o = median(ours, SAMPLES);
	g = median(git, SAMPLES);
	printf("bench: %s-%u ours=%.2f ms peer=git-merge-tree%s:%.2f ratio=%.1f goal=%s\n",
	       write ? "candidate" : "merge", size, o, write ? "+commit-tree" : "", g, g / o,
	       write ? "-" : "10");
	fflush(stdout);
}

int main(void)
{
	struct bench b = {0};

	bench_begin(&b);
	build(&b);
	start_role(&b);
	for (size_t s = 0; s < ARRAY_LEN(sizes); s++) {
		measure(&b, sizes[s], false);
		measure(&b, sizes[s], true);
	}
	bench_end(&b);
	return 0;
}
