/*
 * test_git_growth.c - what landings, and candidates that did not land, leave in a repository.
 *
 * Landings as the bot makes them: a candidate, its landing with a receipt and a kept head, and maintenance
 * whenever upkeep.h asks for it. Packs, objects and bytes are counted, never the time: `make bench` has that.
 */
#include "git_fixture.h"

#include "bot/upkeep.h"

#define LANDINGS 320
#define EACH     40 /* so many pull requests come with one push */

struct growth {
	struct fx *f;
	char *tip;
	unsigned n, maintained;
	int64_t most_packs;
};

/* Heads on top of main, each with a file of its own and a line of one that all change. */
static void push(struct growth *g, struct strvec *ret)
{
	cleanup(buf_release) struct buf in = BUF_INIT;
	autofree char *path = path_join(g->f->dir, "in"), *ids = NULL;

	for (unsigned i = 1; i <= EACH; i++) {
		unsigned pr = g->n + i;

		buf_addf(&in,
			 "commit refs/yardmaster/heads/%u\nmark :%u\ncommitter C <c@d> %u +0000\n"
			 "data 1\nm\nfrom %s\nM 100644 inline src/d%u/f%u.c\ndata <<END\n"
			 "int pull_request_%u(void)\n{\n\treturn %u;\n}\nEND\n",
			 pr, i, 1700000000 + pr, g->tip, pr % 8, pr, pr, pr * 7919);
	}
	assert_int_equal(fs_write_atomic(path, in.s, in.len, 0600, NULL), 0);
	ids = fx_sh(g->f, "cd app.git; git -c fastimport.unpackLimit=1 fast-import --quiet "
			  "--export-marks=../marks <../in; sort -t: -k2n ../marks | cut -d' ' -f2");
	strvec_split(ret, ids, '\n');
	assert_int_equal(ret->n, EACH);
}

static char *candidate(struct growth *g, const char *head, const char *message)
{
	autojson json_t *a =
		fx_ok(g->f, "{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:s}", "op", "candidate", "base",
		      g->tip, "head", head, "method", "merge", "message", message, "author_name",
		      "Q", "author_email", "q@e", "time_ms",
		      (json_int_t)1700000000000 + g->n * 1000, "ref", "refs/yardmaster/cand/1");

	assert_string_equal(json_str(a, "outcome", ""), "built");
	return xstrdup(json_str(a, "commit", ""));
}

static void land(struct growth *g, const char *head)
{
	autofree char *new = NULL, *ref = xasprintf("refs/yardmaster/heads/%u", g->n + 1);
	autojson json_t *a = NULL;

	/* Every fourth one does not pass and is built anew. */
	if (g->n % 4 == 0)
		free(candidate(g, head, "does not land"));
	new = candidate(g, head, "lands");
	a = fx_ok(g->f, "{s:s,s:s,s:s,s:s,s:{s:i,s:s,s:s,s:s},s:[{s:s,s:s}]}", "op", "land",
		  "branch", "main", "old", g->tip, "new", new, "receipt", "pr", g->n + 1, "base",
		  g->tip, "head", head, "gate", "make check passed", "keep", "ref", ref, "oid",
		  head);
	assert_string_equal(json_str(a, "outcome", ""), "landed");
	free(g->tip);
	g->tip = steal(&new);
	g->n++;
}

static void maintain_when_asked(struct growth *g)
{
	struct upkeep_size size;

	upkeep_size(g->f->repo, &size);
	if (size.packs > g->most_packs)
		g->most_packs = size.packs;
	if (size.packs < UPKEEP_PACKS && size.loose < UPKEEP_LOOSE)
		return;
	json_decref(fx_ok(g->f, "{s:s}", "op", "maintain"));
	g->maintained++;
}

static int64_t number(struct fx *f, const char *script)
{
	autofree char *n = fx_sh(f, "%s", script);

	return strtoll(n, NULL, 10);
}

static void landings_leave_what_gc_would(void **state)
{
	struct fx *f = *state;
	struct growth g = {.f = f, .tip = fx_seed(f)};
	struct upkeep_size size;
	int64_t ours, gc;

	while (g.n < LANDINGS) {
		cleanup(strvec_release) struct strvec heads = STRVEC_INIT;

		push(&g, &heads);
		strvec_foreach (&heads, head) {
			land(&g, *head);
			maintain_when_asked(&g);
		}
	}
	assert_in_range(g.most_packs, 1, UPKEEP_PACKS + 2);
	assert_in_range(g.maintained, 5, 20);
	json_decref(fx_ok(f, "{s:s}", "op", "maintain"));
	upkeep_size(f->repo, &size);
	assert_in_range(size.packs, 1, 9);
	assert_int_equal(number(f, "find app.git/objects/?? -type f | wc -l"), 0);
	fx_run(f,
	       "cd app.git; git fsck --no-dangling; test $(git notes --ref yardmaster list | wc "
	       "-l) = 320; cd ..; git clone -q --mirror --no-local app.git gc.git; cd gc.git; git "
	       "gc -q --prune=now");
	ours = number(f, "cat app.git/objects/pack/* | wc -c");
	gc = number(f, "cat gc.git/objects/pack/* | wc -c");
	if (2 * ours > 3 * gc)
		print_error("%lld bytes, after git gc %lld\n", (long long)ours, (long long)gc);
	assert_true(2 * ours <= 3 * gc);
	/* What a landing writes does not grow: in one folder the notes' tree would have 67 bytes for each. */
	assert_in_range(number(f, "git -C app.git cat-file --batch-all-objects "
				  "--batch-check='%(objecttype) %(objectsize)' | sed -n 's/tree "
				  "//p' | sort -n | tail -1"),
			1, 12000);
	/* Each object once. */
	assert_int_equal(number(f,
				"cd app.git/objects/pack; for i in *.idx; do git show-index <$i; "
				"done | cut -d' ' -f2 | sort | uniq -d | wc -l"),
			 0);
	free(g.tip);
}

/* Makes as if the last whole packing was so long ago, and with it what it has found unreached. */
static void later(struct fx *f, const char *ago)
{
	fx_run(f, "cd app.git; touch -d '%s' yardmaster-packed", ago);
}

static bool there(struct fx *f, const char *oid)
{
	autofree char *has =
		fx_sh(f, "git -C app.git cat-file -e %s 2>&1 && echo yes || echo no", oid);

	return strstr(has, "yes") != NULL;
}

static void maintain(struct fx *f)
{
	json_decref(fx_ok(f, "{s:s}", "op", "maintain"));
	fx_run(f, "git -C app.git fsck");
}

/* Not before nothing has reached it for two weeks, however old its pack is. */
static void what_did_not_land_goes(void **state)
{
	struct fx *f = *state;
	struct growth g = {.f = f, .tip = fx_seed(f)};
	cleanup(strvec_release) struct strvec heads = STRVEC_INIT;
	autofree char *lost = NULL, *used = NULL;

	push(&g, &heads);
	lost = candidate(&g, heads.v[0], "does not land");
	used = candidate(&g, heads.v[1], "is used again");
	maintain(f);
	fx_run(f, "cd app.git; git update-ref -d refs/yardmaster/cand/1; touch -d '90 days ago' "
		  "objects/pack/*");
	maintain(f);
	assert_true(there(f, lost)); /* not yet due */
	later(f, "8 days ago");
	maintain(f);
	assert_true(there(f, lost));
	assert_int_equal(number(f, "ls app.git/objects/pack/*.mtimes | wc -l"), 1);
	/* As if that had been long ago; one of them is referenced again in the meantime. */
	fx_run(f,
	       "cd app.git/objects/pack; p=$(ls *.mtimes); p=${p%%.mtimes}; touch -d '20 days "
	       "ago' $p.*; rm $p.mtimes; git -C ../.. repack -q --cruft -d; git -C ../.. "
	       "update-ref refs/yardmaster/cand/2 %s",
	       used);
	later(f, "8 days ago");
	maintain(f);
	assert_false(there(f, lost));
	assert_true(there(f, used));
	free(g.tip);
}

static char *objects(struct fx *f)
{
	return fx_sh(f, "cd app.git/objects; find . -type f -o -name 'tmp_*' | sort");
}

static size_t lines(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += *s == '\n';
	return n;
}

/* A rename is Git's: its merge in a quarantine, of which a conflict leaves nothing and a clean merge one pack. */
static void a_merge_by_git_leaves_what_it_built(void **state)
{
	struct fx *f = *state;
	autofree char *base = NULL, *good = NULL, *bad = NULL, *before = NULL, *after = NULL;
	static const char *const methods[] = {"merge", "squash", "rebase"};

	free(fx_seed(f));
	base = fx_sh(f, "cd src; sed -i s/one/ONE/ src/a.c; git commit -qam moves; git push -q "
			"../app.git HEAD:main; git rev-parse HEAD");
	good = fx_sh(f, "cd src; git checkout -q -b good HEAD~1; git mv src/a.c src/moved.c; git "
			"commit -qm t1; git push -q ../app.git good; git rev-parse HEAD");
	bad = fx_sh(f, "cd src; git checkout -q -b bad; sed -i s/one/1/ src/moved.c; git commit "
		       "-qam t2; git push -q ../app.git bad; git rev-parse HEAD");
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		const char *heads[] = {bad, good};

		for (size_t k = 0; k < 2; k++) {
			autojson json_t *a = NULL;
			autofree char *new = NULL;

			free(before);
			before = objects(f);
			a = fx_ok(f, "{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:s}", "op", "candidate",
				  "base", base, "head", heads[k], "method", methods[i], "message",
				  "m", "author_name", "Q", "author_email", "q@e", "time_ms",
				  (json_int_t)1700000001000, "ref", "refs/yardmaster/cand/1");
			free(after);
			after = objects(f);
			assert_string_equal(json_str(a, "outcome", ""), k ? "built" : "conflict");
			if (!k) {
				assert_string_equal(before, after);
				continue;
			}
			assert_int_equal(lines(after), lines(before) + 2);
			new = xstrdup(json_str(a, "commit", ""));
			fx_run(f,
			       "cd app.git; git fsck --no-dangling; git show %s:src/moved.c | grep "
			       "-q ONE",
			       new);
			json_decref(fx_ok(f, "{s:s,s:s,s:s,s:s,s:s}", "op", "verify", "base", base,
					  "head", good, "method", methods[i], "candidate", new));
			free(before);
			before = objects(f);
			assert_string_equal(before, after);
		}
	}
}

/* libgit2's pack writer goes through all tags; what others leave among them is nothing of a landing's. */
static void a_broken_tag_hinders_no_landing(void **state)
{
	struct fx *f = *state;
	struct growth g = {.f = f, .tip = fx_seed(f)};
	cleanup(strvec_release) struct strvec heads = STRVEC_INIT;

	fx_run(f, "git -C app.git symbolic-ref refs/tags/gone refs/heads/gone");
	push(&g, &heads);
	land(&g, heads.v[0]);
	assert_int_equal(g.n, 1);
	free(g.tip);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FX_TEST(landings_leave_what_gc_would),
		FX_TEST(what_did_not_land_goes),
		FX_TEST(a_merge_by_git_leaves_what_it_built),
		FX_TEST(a_broken_tag_hinders_no_landing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
