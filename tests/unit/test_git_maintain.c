/* test_git_maintain.c - many candidates leave few packs, and who reads meanwhile does not notice. */
#include "git_fixture.h"

#include "git/commitgraph.h"

#define ROUNDS 6
#define EACH   20

static int64_t packs(struct fx *f)
{
	autofree char *n = fx_sh(f, "ls app.git/objects/pack | grep -c 'pack$' || true");

	return strtoll(n, NULL, 10);
}

static void build(struct fx *f, const char *base, const char *head, int i)
{
	autofree char *message = xasprintf("m%d", i);
	autojson json_t *a =
		fx_ok(f, "{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:s}", "op", "candidate", "base", base,
		      "head", head, "method", "merge", "message", message, "author_name", "Q",
		      "author_email", "q@e", "time_ms", (json_int_t)1700000001000 + i * 1000, "ref",
		      "refs/yardmaster/cand/1");

	assert_string_equal(json_str(a, "outcome", ""), "built");
}

static void fork_work(struct fx *f, char **base, char **head)
{
	free(fx_seed(f));
	*base = fx_sh(f, "cd src; sed -i s/one/ONE/ src/a.c; git commit -qam 'base moves';"
			 "git push -q ../app.git HEAD:main; git rev-parse HEAD");
	*head = fx_sh(f,
		      "cd src; git checkout -q -b topic HEAD~1; sed -i s/seven/SEVEN/ src/a.c;"
		      "git commit -qam t1; git push -q ../app.git HEAD:topic; git rev-parse HEAD");
}

static void many_candidates_leave_few_packs(void **state)
{
	struct fx *f = *state;
	autofree char *base = NULL, *head = NULL;

	fork_work(f, &base, &head);
	for (int i = 0; i < ROUNDS * EACH; i++) {
		build(f, base, head, i);
		if (i % EACH == EACH - 1) {
			assert_true(packs(f) >= EACH);
			json_decref(fx_ok(f, "{s:s}", "op", "maintain"));
			assert_in_range(packs(f), 1, 6);
		}
	}
	fx_run(f, "cd app.git; git fsck; test -z \"$(find objects/?? -type f)\"");
}

/* Another process packs, while this one has read what packs there are, and opened none of them. */
static void a_reader_does_not_miss_a_pack_that_is_gone(void **state)
{
	struct fx *f = *state;
	autofree char *base = NULL, *head = NULL, *one = NULL, *two = NULL;
	auto_git(git_odb_object) *o = NULL;
	struct gr_repo *r;
	struct gr other;
	git_oid a, b;

	fork_work(f, &base, &head);
	build(f, base, head, 1);
	one = fx_sh(f, "git -C app.git rev-parse refs/yardmaster/cand/1");
	build(f, base, head, 2);
	two = fx_sh(f, "git -C app.git rev-parse refs/yardmaster/cand/1");
	gr_repo_forget(&f->g, f->repo);
	assert_int_equal(gr_repo_open(&f->g, f->repo, &r, NULL), 0);
	git_oid_fromstr(&a, one);
	git_oid_fromstr(&b, two);
	assert_int_equal(git_odb_read(&o, r->odb, &a), 0);
	git_odb_object_free(o);
	o = NULL;
	assert_int_equal(gr_init(&other, f->g.git, NULL), 0);
	{
		struct gr mine = f->g;

		f->g = other;
		json_decref(fx_ok(f, "{s:s}", "op", "maintain"));
		other = f->g;
		f->g = mine;
	}
	gr_release(&other);
	assert_int_equal(packs(f), 2); /* one of what nothing reaches any more */
	assert_int_equal(git_odb_read(&o, r->odb, &b), 0);
}

static void the_history_is_in_a_commit_graph(void **state)
{
	struct fx *f = *state;
	autofree char *base = NULL, *head = NULL;
	struct gr_cgraph *c;
	uint32_t pos;
	git_oid oid;

	fork_work(f, &base, &head);
	assert_null(gr_cgraph_open(f->repo));
	json_decref(fx_ok(f, "{s:s}", "op", "maintain"));
	c = gr_cgraph_open(f->repo);
	assert_non_null(c);
	git_oid_fromstr(&oid, head);
	assert_true(gr_cgraph_find(c, &oid, &pos));
	gr_cgraph_free(c);
	fx_run(f, "git -C app.git commit-graph verify");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FX_TEST(many_candidates_leave_few_packs),
		FX_TEST(a_reader_does_not_miss_a_pack_that_is_gone),
		FX_TEST(the_history_is_in_a_commit_graph),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
