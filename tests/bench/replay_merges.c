/*
 * replay_merges.c - the merges of a real repository, ours compared with git's.
 *
 *   build/tests/bench/replay_merges REPO.git [PAIRS [SEED]]
 *
 * REPO.git is bare (`git clone --mirror URL REPO.git`; forges show pull requests as refs/pull/N/head)
 * and should have a commit-graph (`git commit-graph write --reachable`). Three kinds of pairs are drawn,
 * a third each, the same ones for the same seed:
 *   merge   the two parents of a merge in the first-parent history of HEAD
 *   landing the head of a pull request and HEAD's history 1 to 1,000 landings after its merge base
 *   radar   two heads of pull requests of about the same age
 * Heads are refs/pull/N/head, or second parents of merges where there are none.
 *
 * Of each pair all merge bases are compared with libgit2's, and verdict, tree and conflicted paths
 * with `git merge-tree --write-tree`; a difference is printed with the two commits and makes the
 * exit code 1 (so does a `merge` attribute of the first commit's .gitattributes, which git reads in no
 * bare repository). Then milliseconds of processor time (ours with those of the gits that it starts), as
 * medians, 90th percentiles and means. Nothing is left in the repository.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "git/ancestry.h"
#include "git/merge.h"
#include "git/tree.h"
#include "sys/fs.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define GIT   "/usr/bin/git"
#define MAIN  200000 /* landings that are looked at */
#define HEADS 100000

enum { KIND_MERGE, KIND_LANDING, KIND_RADAR, KINDS };
static const char *const kind_names[] = {"merge", "landing", "radar"};

enum { CLEAN_FAST, CLEAN_GIT, CONFLICT_FAST, CONFLICT_GIT, WAYS };
static const char *const way_names[] = {"clean, in memory", "clean, by git", "conflict, in memory",
					"conflict, by git"};

struct times {
	double *v;
	size_t n;
};

struct pair {
	git_oid a, b;
};

/* The text follows. */
struct git_answer {
	int rc;
	double ms;
	size_t len;
};

struct replay {
	struct gr g;
	const char *repo;
	struct gr_repo *r;
	int git_fd;
	char *objects, *quarantine; /* where git writes */
	git_oid *line;              /* HEAD's first parents, oldest first */
	git_oid *second;            /* the other parent of each that is a merge, else zero */
	size_t nline;
	git_oid *heads;
	size_t nheads, wrong, skipped, asked;
	struct times ours[WAYS], git[WAYS], bases, bases_lg2, sum_ours, sum_git;
};

static uint64_t rnd_state;

static size_t rnd(size_t n)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 7;
	rnd_state ^= rnd_state << 17;
	return (size_t)(rnd_state >> 20) % n;
}

static void die(const char *what, const struct err *err)
{
	fprintf(stderr, "replay_merges: %s: %s\n", what, err ? err_text(err) : "failed");
	exit(2);
}

static double sum_ms(const struct timeval *a, const struct timeval *b)
{
	return (double)(a->tv_sec + b->tv_sec) * 1e3 + (double)(a->tv_usec + b->tv_usec) / 1e3;
}

/* Processor time of those that have ended: a busy machine changes it little. */
static double git_ms(void)
{
	struct rusage u;

	getrusage(RUSAGE_CHILDREN, &u);
	return sum_ms(&u.ru_utime, &u.ru_stime);
}

static double our_ms(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return sum_ms(&u.ru_utime, &u.ru_stime) + git_ms();
}

static void add_time(struct times *t, double ms)
{
	if (!(t->n & (t->n + 1)))
		t->v = xreallocarray(t->v, 2 * t->n + 2, sizeof(*t->v));
	t->v[t->n++] = ms;
}

static int by_value(const void *x, const void *y)
{
	double a = *(const double *)x, b = *(const double *)y;

	return a < b ? -1 : a > b;
}

static double mean(const struct times *t)
{
	double sum = 0;

	for (size_t i = 0; i < t->n; i++)
		sum += t->v[i];
	return t->n ? sum / (double)t->n : 0;
}

static double at(struct times *t, size_t percent)
{
	if (!t->n)
		return 0;
	qsort(t->v, t->n, sizeof(*t->v), by_value);
	return t->v[t->n * percent / 100 < t->n ? t->n * percent / 100 : t->n - 1];
}

static void report(const char *name, struct times *a, const char *peer, struct times *b)
{
	if (!a->n)
		return;
	printf("%-20s %5zu   ours %8.3f %8.3f %8.3f   %s %8.3f %8.3f %8.3f   ratio %6.1f %6.1f "
	       "%6.1f\n",
	       name, a->n, at(a, 50), at(a, 90), mean(a), peer, at(b, 50), at(b, 90), mean(b),
	       at(b, 50) / at(a, 50), at(b, 90) / at(a, 90), mean(b) / mean(a));
}

/* --- what there is to merge --- */

static void read_line(struct replay *p)
{
	git_oid at_oid;

	p->line = xcalloc(MAIN, sizeof(*p->line));
	p->second = xcalloc(MAIN, sizeof(*p->second));
	if (git_reference_name_to_id(&at_oid, p->r->git, "HEAD") < 0)
		die("HEAD", NULL);
	for (size_t i = MAIN; i-- > 0;) {
		auto_git(git_commit) *c = NULL;

		if (git_commit_lookup(&c, p->r->git, &at_oid) < 0)
			die("history of HEAD", NULL);
		p->line[i] = at_oid;
		if (git_commit_parentcount(c) == 2)
			p->second[i] = *git_commit_parent_id(c, 1);
		p->nline++;
		if (!git_commit_parentcount(c))
			break;
		at_oid = *git_commit_parent_id(c, 0);
	}
	memmove(p->line, p->line + MAIN - p->nline, p->nline * sizeof(*p->line));
	memmove(p->second, p->second + MAIN - p->nline, p->nline * sizeof(*p->second));
}

static void add_head(struct replay *p, const git_oid *oid)
{
	auto_git(git_commit) *c = NULL;

	if (p->nheads < HEADS && git_commit_lookup(&c, p->r->git, oid) == 0)
		p->heads[p->nheads++] = *oid;
}

static void read_heads(struct replay *p)
{
	auto_git(git_reference_iterator) *it = NULL;
	git_reference *ref;

	p->heads = xcalloc(HEADS, sizeof(*p->heads));
	if (git_reference_iterator_glob_new(&it, p->r->git, "refs/pull/*/head") < 0)
		die("refs/pull", NULL);
	while (git_reference_next(&ref, it) == 0) {
		if (git_reference_target(ref))
			add_head(p, git_reference_target(ref));
		git_reference_free(ref);
	}
	for (size_t i = 0; !p->nheads && i < p->nline; i++)
		if (!git_oid_is_zero(&p->second[i]))
			add_head(p, &p->second[i]);
}

static bool draw_merge(struct replay *p, git_oid *a, git_oid *b)
{
	for (int tries = 0; tries < 1000; tries++) {
		size_t i = rnd(p->nline);

		if (!i || git_oid_is_zero(&p->second[i]))
			continue;
		*a = p->line[i - 1];
		*b = p->second[i];
		return true;
	}
	return false;
}

static ssize_t place_of(struct replay *p, const git_oid *oid)
{
	for (size_t i = 0; i < p->nline; i++)
		if (git_oid_equal(&p->line[i], oid))
			return (ssize_t)i;
	return -1;
}

static bool draw_landing(struct replay *p, git_oid *a, git_oid *b)
{
	for (int tries = 0; tries < 100 && p->nheads; tries++) {
		git_oid base;
		ssize_t i = -1;
		size_t to;

		*b = p->heads[rnd(p->nheads)];
		if (gr_merge_base(p->r, &p->line[p->nline - 1], b, &base, NULL) == 1)
			i = place_of(p, &base);
		if (i < 0)
			continue;
		to = (size_t)i + 1 + rnd(1000);
		*a = p->line[to < p->nline ? to : p->nline - 1];
		return true;
	}
	return false;
}

static bool draw_radar(struct replay *p, git_oid *a, git_oid *b)
{
	size_t i;

	if (p->nheads < 2)
		return false;
	i = rnd(p->nheads);
	*a = p->heads[i];
	*b = p->heads[(i + 1 + rnd(50)) % p->nheads];
	return !git_oid_equal(a, b);
}

/* --- one pair; in turns: who comes second finds the pages in memory --- */

static int cmp_oid(const void *a, const void *b)
{
	return git_oid_cmp(a, b);
}

static void differ(struct replay *p, const char *what, const git_oid *a, const git_oid *b,
		   const char *ours, const char *theirs)
{
	char x[41], y[41];

	printf("DIFFERS: %s of %s and %s\nours:\n%s\ntheirs:\n%s\n", what, git_oid_tostr(x, 41, a),
	       git_oid_tostr(y, 41, b), ours, theirs);
	p->wrong++;
}

static void compare_bases(struct replay *p, const git_oid *a, const git_oid *b)
{
	autofree git_oid *ours = NULL;
	git_oidarray theirs = {0};
	double start = our_ms(), mid;
	size_t n = 0;
	struct err err = ERR_INIT;
	int rc = gr_merge_bases(p->r, a, b, &ours, &n, &err);

	mid = our_ms();
	if (rc != 1)
		die("merge bases", &err);
	rc = git_merge_bases(&theirs, p->r->git, a, b);
	add_time(&p->bases, mid - start);
	add_time(&p->bases_lg2, our_ms() - mid);
	if (rc < 0 && rc != GIT_ENOTFOUND)
		die("merge bases of libgit2", NULL);
	qsort(ours, n, sizeof(*ours), cmp_oid);
	if (theirs.count)
		qsort(theirs.ids, theirs.count, sizeof(*theirs.ids), cmp_oid);
	if (n != theirs.count || (n && memcmp(ours, theirs.ids, n * sizeof(*ours)) != 0)) {
		autofree char *x = xasprintf("%zu", n);
		autofree char *y = xasprintf("%zu", theirs.count);

		differ(p, "merge bases", a, b, x, y);
	}
	git_oidarray_dispose(&theirs);
}

/* Exit code, and the tree or the conflicted paths, one a line. */
static int run_git(struct replay *p, const struct pair *pair, struct buf *ret)
{
	char x[41], y[41];
	autofree char *dir = xasprintf("GIT_OBJECT_DIRECTORY=%s", p->quarantine);
	autofree char *alt = xasprintf("GIT_ALTERNATE_OBJECT_DIRECTORIES=%s", p->objects);
	const char *env[] = {dir, alt, NULL};
	const char *args[] = {"merge-tree",
			      "--write-tree",
			      "--name-only",
			      "--no-messages",
			      "-z",
			      git_oid_tostr(x, 41, &pair->a),
			      git_oid_tostr(y, 41, &pair->b),
			      NULL};
	struct err err = ERR_INIT;
	int rc = gr_git(&p->g, p->repo, env, args, NULL, 0, 600000, ret, &err);

	err_release(&err);
	for (size_t i = 0; i < ret->len; i++)
		if (!ret->s[i])
			ret->s[i] = '\n';
	return rc;
}

static void all_of(int fd, void *buf, size_t n, bool out)
{
	for (size_t done = 0; done < n;) {
		ssize_t k = out ? write(fd, (char *)buf + done, n - done)
				: read(fd, (char *)buf + done, n - done);

		if (k <= 0)
			exit(out ? 2 : 0);
		done += (size_t)k;
	}
}

/* Git is started by a process of its own: a fork makes each page that the one who forked writes to
 * afterwards a fault, and would be counted as ours. */
static void start_git(struct replay *p)
{
	struct pair pair;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		die("socketpair", NULL);
	p->git_fd = fds[0];
	if (fork() != 0) {
		close(fds[1]);
		return;
	}
	close(fds[0]);
	for (;;) {
		cleanup(buf_release) struct buf b = BUF_INIT;
		struct git_answer ans;

		all_of(fds[1], &pair, sizeof(pair), false);
		ans.ms = git_ms();
		ans.rc = run_git(p, &pair, &b);
		ans.ms = git_ms() - ans.ms;
		ans.len = b.len;
		all_of(fds[1], &ans, sizeof(ans), true);
		all_of(fds[1], b.s, b.len, true);
	}
}

static int ask_git(struct replay *p, const git_oid *a, const git_oid *b, struct buf *ret,
		   double *ret_ms)
{
	struct pair pair = {*a, *b};
	struct git_answer ans;

	all_of(p->git_fd, &pair, sizeof(pair), true);
	all_of(p->git_fd, &ans, sizeof(ans), false);
	all_of(p->git_fd, buf_room(ret, ans.len + 1), ans.len, false);
	buf_grown(ret, ans.len);
	*ret_ms = ans.ms;
	return ans.rc;
}

static void our_text(const struct gr_merge_out *o, struct buf *ret)
{
	json_t *c;
	size_t i;

	if (o->clean)
		buf_addf(ret, "%s\n", git_oid_tostr_s(&o->tree));
	json_array_foreach (o->conflicts, i, c)
		buf_addf(ret, "%s\n", json_str(c, "path", ""));
}

static int ask_ours(struct replay *p, const git_oid *a, const git_oid *b, struct gr_merge_out *ret)
{
	struct gr_merge_in in = {.ours = *a, .theirs = *b};
	struct err err = ERR_INIT;
	int rc = -1;

	if (gr_repo_open(&p->g, p->r->path, &p->r, &err) == 0 &&
	    gr_tree_of(p->r, a, &in.ours_tree, &err) == 0 &&
	    gr_tree_of(p->r, b, &in.theirs_tree, &err) == 0) {
		in.attrs = in.ours_tree;
		rc = gr_merge(&p->g, p->r, &in, ret, &err);
	}
	gr_mem_drop(p->r);
	err_release(&err);
	return rc;
}

static void compare_merge(struct replay *p, const git_oid *a, const git_oid *b)
{
	cleanup(gr_merge_out_release) struct gr_merge_out out = {0};
	cleanup(buf_release) struct buf ours = BUF_INIT;
	cleanup(buf_release) struct buf theirs = BUF_INIT;
	double start, ours_took, git_took;
	bool second = p->asked++ % 2;
	int rc, git = second ? ask_git(p, a, b, &theirs, &git_took) : 0, way;
	const char *answer;

	start = our_ms();
	rc = ask_ours(p, a, b, &out);
	ours_took = our_ms() - start;
	if (!second)
		git = ask_git(p, a, b, &theirs, &git_took);
	/* Unrelated histories, objects that are not there. */
	if (rc < 0 && git != 0 && git != 1) {
		p->skipped++;
		return;
	}
	if (rc == 0)
		our_text(&out, &ours);
	answer = git == 1 && theirs.len > 41 ? theirs.s + 41 : theirs.s;
	if (rc < 0 || (git == 0) != out.clean || strcmp(ours.s ? ours.s : "", answer ? answer : ""))
		differ(p, "merge", a, b, ours.s ? ours.s : "error", answer ? answer : "");
	way = (out.clean ? CLEAN_FAST : CONFLICT_FAST) + !out.fast;
	add_time(&p->ours[way], ours_took);
	add_time(&p->git[way], git_took);
	add_time(&p->sum_ours, ours_took);
	add_time(&p->sum_git, git_took);
}

static void run(struct replay *p, size_t pairs)
{
	static bool (*const draw[])(struct replay *, git_oid *,
				    git_oid *) = {draw_merge, draw_landing, draw_radar};
	size_t drawn[KINDS] = {0};

	for (size_t i = 0; i < pairs; i++) {
		git_oid a, b;

		if (!draw[i % KINDS](p, &a, &b))
			continue;
		drawn[i % KINDS]++;
		compare_bases(p, &a, &b);
		compare_merge(p, &a, &b);
	}
	for (size_t i = 0; i < KINDS; i++)
		printf("%zu %s, ", drawn[i], kind_names[i]);
	printf("%zu skipped, %zu differ; ms: median, 90 %%, mean\n", p->skipped, p->wrong);
	report("merge bases", &p->bases, "libgit2", &p->bases_lg2);
	for (size_t i = 0; i < WAYS; i++)
		report(way_names[i], &p->ours[i], "git", &p->git[i]);
	report("all", &p->sum_ours, "git", &p->sum_git);
}

int main(int argc, char **argv)
{
	struct replay p = {0};
	struct err err = ERR_INIT;
	size_t pairs = argc > 2 ? strtoul(argv[2], NULL, 10) : 300;

	if (argc < 2 || argv[1][0] != '/') {
		fputs("usage: replay_merges /ABSOLUTE/REPO.git [PAIRS [SEED]]\n", stderr);
		return 2;
	}
	rnd_state = (argc > 3 ? strtoul(argv[3], NULL, 10) : 1) * 0x9e3779b97f4a7c15u + 1;
	for (int i = 0; i < 8; i++)
		rnd(2);
	p.repo = argv[1];
	p.objects = path_join(argv[1], "objects");
	p.quarantine = path_join(argv[1], "objects/tmp_objdir-replay-XXXXXX");
	if (!mkdtemp(p.quarantine))
		die(p.quarantine, NULL);
	if (gr_init(&p.g, GIT, &err) < 0)
		die(argv[1], &err);
	start_git(&p);
	if (gr_repo_open(&p.g, argv[1], &p.r, &err) < 0)
		die(argv[1], &err);
	read_line(&p);
	read_heads(&p);
	printf("%zu landings, %zu heads\n", p.nline, p.nheads);
	run(&p, pairs);
	close(p.git_fd);
	fs_remove_tree(p.quarantine, NULL);
	return p.wrong ? 1 : 0;
}
