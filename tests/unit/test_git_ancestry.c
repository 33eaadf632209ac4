/*
 * test_git_ancestry.c - merge bases compared with their definition, with and without a commit-graph.
 *
 * Random histories (merges of up to four parents, dates that lie) are written with one `git
 * fast-import`; the set of merge bases of every pair has to be the one that the definition gives.
 * YM_SEED=N begins elsewhere, YM_ROUNDS=N asks for more histories.
 */
#include "git_fixture.h"

#include "git/ancestry.h"
#include "git/commitgraph.h"

#define ROUNDS  16
#define COMMITS 24 /* of one history */

static uint64_t rnd_state;

static unsigned rnd(unsigned n)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 7;
	rnd_state ^= rnd_state << 17;
	return (unsigned)(rnd_state >> 33) % n;
}

static unsigned from_env(const char *name, unsigned otherwise)
{
	const char *s = getenv(name);

	return s ? (unsigned)strtoul(s, NULL, 10) : otherwise;
}

/* One history: reach[i] has bit k when commit i is commit k or has it in its history. */
struct past {
	unsigned long reach[COMMITS];
	git_oid oid[COMMITS];
};

/* How wrong the dates are: in order, some steps aside, anything, and far from each other. */
static unsigned date_of(unsigned i, unsigned kind)
{
	static const unsigned spread[] = {0, 200, 5000};

	if (kind == 3)
		return rnd(3) ? 1000 + i : 4000000000u + i;
	return 1700000000u + 100 * i + (spread[kind] ? rnd(spread[kind]) : 0);
}

static void write_past(struct buf *b, struct past *p, unsigned first_mark, unsigned kind)
{
	for (unsigned i = 0; i < COMMITS; i++) {
		unsigned parents = i ? rnd(8) ? 1 + rnd(2) : rnd(5) : 0, last = COMMITS;

		p->reach[i] = 1ul << i;
		buf_addf(b,
			 "commit refs/heads/c%u\nmark :%u\ncommitter C <c@d> %u +0000\ndata "
			 "6\n%06u\n",
			 first_mark + i, first_mark + i, date_of(i, kind), first_mark + i);
		for (unsigned k = 0; k < parents; k++) {
			unsigned near = i < 5 ? i : 5, to = i - 1 - rnd(rnd(4) ? near : i);

			if (to == last)
				continue;
			buf_addf(b, "%s :%u\n", last == COMMITS ? "from" : "merge",
				 first_mark + to);
			p->reach[i] |= p->reach[to];
			last = to;
		}
		buf_adds(b, last == COMMITS ? "deleteall\n\n" : "\n");
	}
}

static struct past *make_pasts(struct fx *f, unsigned rounds)
{
	autofree char *path = path_join(f->dir, "import");
	cleanup(buf_release) struct buf b = BUF_INIT;
	struct past *v = xcalloc(rounds, sizeof(*v));
	struct gr_repo *r;

	rnd_state = from_env("YM_SEED", 1) * 0x9e3779b97f4a7c15u + 1;
	for (unsigned i = 0; i < rounds; i++)
		write_past(&b, &v[i], 1 + i * COMMITS, i % 4);
	assert_int_equal(fs_write_atomic(path, b.s, b.len, 0644, NULL), 0);
	fx_run(f, "git init -q --bare app.git; git -C app.git fast-import --quiet <import;"
		  "git -C app.git pack-refs --all");
	assert_int_equal(gr_repo_open(&f->g, f->repo, &r, NULL), 0);
	for (unsigned i = 0; i < rounds * COMMITS; i++) {
		autofree char *name = xasprintf("refs/heads/c%u", i + 1);

		assert_int_equal(
			git_reference_name_to_id(&v[i / COMMITS].oid[i % COMMITS], r->git, name),
			0);
	}
	return v;
}

/* Bits of the common ancestors that no other one contains. */
static unsigned long bases_of(const struct past *p, unsigned a, unsigned b)
{
	unsigned long common = p->reach[a] & p->reach[b], best = common;

	for (unsigned i = 0; i < COMMITS; i++)
		if (common >> i & 1)
			best &= ~(p->reach[i] & ~(1ul << i));
	return best;
}

static void check_pair(struct gr_repo *r, const struct past *p, unsigned a, unsigned b,
		       const char *what)
{
	autofree git_oid *v = NULL;
	unsigned long expected = bases_of(p, a, b), found = 0;
	size_t n = 0;
	git_oid one;

	assert_int_equal(gr_merge_bases(r, &p->oid[a], &p->oid[b], &v, &n, NULL), 1);
	for (size_t i = 0; i < n; i++)
		for (unsigned k = 0; k < COMMITS; k++)
			if (git_oid_equal(&v[i], &p->oid[k]))
				found |= 1ul << k;
	if (found != expected || n != (size_t)__builtin_popcountl(expected))
		fail_msg("%s: bases of %s and %u: %lx (%zu), expected %lx", what,
			 git_oid_tostr_s(&p->oid[a]), b, found, n, expected);
	assert_int_equal(gr_merge_base(r, &p->oid[a], &p->oid[b], &one, NULL), n > 0);
	assert_int_equal(gr_contains(r, &p->oid[a], &p->oid[b], NULL), p->reach[b] >> a & 1);
}

static void check_all(struct fx *f, const struct past *v, unsigned rounds, const char *what)
{
	struct gr_repo *r;

	assert_int_equal(gr_repo_open(&f->g, f->repo, &r, NULL), 0);
	for (unsigned i = 0; i < rounds; i++)
		for (unsigned a = 0; a < COMMITS; a++)
			for (unsigned b = 0; b < COMMITS; b++)
				check_pair(r, &v[i], a, b, what);
}

/* Commits of the graph that can be used; 0 when there is none. */
static uint32_t graph_size(struct fx *f)
{
	struct gr_cgraph *c = gr_cgraph_open(f->repo);
	uint32_t n = c ? gr_cgraph_size(c) : 0;

	gr_cgraph_free(c);
	return n;
}

/* The commit-graph of the first `part` quarters of each history. */
static void write_graph(struct fx *f, const char *how, int version, unsigned part)
{
	fx_run(f,
	       "git -C app.git for-each-ref --format='%%(refname:lstrip=2) %%(objectname)' |"
	       "awk '(substr($1, 2) - 1) %% %d < %d { print $2 }' |"
	       "git -C app.git -c commitGraph.generationVersion=%d commit-graph write %s "
	       "--stdin-commits",
	       COMMITS, COMMITS * part / 4, version, how);
}

static void bases_are_those_of_the_definition(void **state)
{
	struct fx *f = *state;
	unsigned rounds = from_env("YM_ROUNDS", ROUNDS), all = rounds * COMMITS;
	autofree struct past *v = make_pasts(f, rounds);

	check_all(f, v, rounds, "no graph");
	for (int version = 1; version <= 2; version++) {
		fx_run(f, "rm -rf app.git/objects/info/commit-graph*");
		write_graph(f, "", version, 2);
		assert_int_equal(graph_size(f), all / 2);
		check_all(f, v, rounds, "a graph that is older than half of it");
		write_graph(f, "", version, 4);
		assert_int_equal(graph_size(f), all);
		check_all(f, v, rounds, "whole graph");
		fx_run(f, "rm app.git/objects/info/commit-graph");
		for (unsigned part = 1; part <= 3; part++)
			write_graph(f, "--split=no-merge", version, part);
		assert_int_equal(graph_size(f), all / 4 * 3);
		check_all(f, v, rounds, "chain");
	}
	/* A file of the middle is gone: the chain is none. */
	fx_run(f, "cd app.git/objects/info/commit-graphs; rm $(sed -n 's/.*/graph-&.graph/; 2p' "
		  "commit-graph-chain)");
	assert_int_equal(graph_size(f), 0);
}

static void put_graph(const char *path, const struct buf *b, size_t n)
{
	assert_int_equal(fs_write_atomic(path, b->s, n, 0644, NULL), 0);
}

/* Whatever is in the file, the answers are the same, only later. */
static void a_graph_that_is_broken_is_not_believed(void **state)
{
	struct fx *f = *state;
	autofree struct past *v = make_pasts(f, 4);
	cleanup(buf_release) struct buf b = BUF_INIT;
	autofree char *path = path_join(f->repo, "objects/info/commit-graph");
	unsigned char *commits;

	write_graph(f, "", 2, 4);
	assert_int_equal(fs_read(path, (size_t)1 << 20, &b, NULL), 0);
	for (size_t n = b.len - 1; n > 0; n -= n > 97 ? 97 : n) {
		put_graph(path, &b, n);
		assert_int_equal(graph_size(f), 0);
	}
	check_all(f, v, 4, "cut");
	b.s[8 + 4 + 4] = (char)0xff; /* the first chunk's place */
	put_graph(path, &b, b.len);
	assert_int_equal(graph_size(f), 0);
	/* Roots with a parent; then all generations zero, as the first versions of Git wrote them. */
	write_graph(f, "", 1, 4);
	buf_truncate(&b, 0);
	assert_int_equal(fs_read(path, (size_t)1 << 20, &b, NULL), 0);
	/* Where the table at the beginning has them: less than 64 KiB into the file. */
	commits = memmem(b.s, 100, "CDAT", 4);
	commits = (unsigned char *)b.s + (commits[10] << 8 | commits[11]);
	for (unsigned poke = 0; poke < 2; poke++) {
		for (size_t i = 0; i < 4 * COMMITS; i++)
			memset(commits + i * 36 + (poke ? 28 : 20), 0, poke ? 3 : 1);
		put_graph(path, &b, b.len);
		assert_int_equal(graph_size(f), 4 * COMMITS);
		check_all(f, v, 4, poke ? "generations of zero" : "wrong parents");
	}
}

static void other_parents_than_written_are_undecided(void **state)
{
	struct fx *f = *state;
	autofree struct past *v = make_pasts(f, 1);
	autofree git_oid *bases = NULL;
	struct gr_repo *r;
	size_t n;

	fx_run(f, "mkdir -p app.git/info; touch app.git/info/grafts");
	assert_int_equal(gr_repo_open(&f->g, f->repo, &r, NULL), 0);
	assert_int_equal(gr_merge_bases(r, &v->oid[3], &v->oid[4], &bases, &n, NULL), 0);
	fx_run(f, "mv app.git/info/grafts app.git/shallow");
	assert_int_equal(gr_merge_bases(r, &v->oid[3], &v->oid[4], &bases, &n, NULL), 0);
	fx_run(f, "rm app.git/shallow");
	assert_int_equal(gr_merge_bases(r, &v->oid[3], &v->oid[4], &bases, &n, NULL), 1);
}

static void a_commit_that_is_missing_is_named(void **state)
{
	struct fx *f = *state;
	autofree struct past *v = make_pasts(f, 1);
	cleanup(err_release) struct err err = ERR_INIT;
	autofree git_oid *bases = NULL;
	struct gr_repo *r;
	git_oid none = {{7}};
	size_t n;

	assert_int_equal(gr_repo_open(&f->g, f->repo, &r, NULL), 0);
	assert_int_equal(gr_merge_bases(r, &v->oid[3], &none, &bases, &n, &err), -1);
	assert_non_null(strstr(err_text(&err), "commit 0700"));
	check_all(f, v, 1, "after a failure");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		FX_TEST(bases_are_those_of_the_definition),
		FX_TEST(a_graph_that_is_broken_is_not_believed),
		FX_TEST(other_parents_than_written_are_undecided),
		FX_TEST(a_commit_that_is_missing_is_named),
	};

	(void)argc;
	unpriv(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
