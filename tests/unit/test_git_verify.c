/* test_git_verify.c - the second opinion does not rest on what misled the first one. */
#include "git_fixture.h"

/* A commit's number in the graph: names in order. */
static size_t place(struct fx *f, const char *commit)
{
	autofree char *n = fx_sh(f,
				 "cd app.git; git rev-list --all | sort | grep -n $(git rev-parse "
				 "%s) | cut -d: -f1",
				 commit);

	return strtoul(n, NULL, 10) - 1;
}

/* gitformat-commit-graph(5): of each commit its tree, two parents (numbers), and level and date. */
static void lie(struct fx *f, unsigned char *commits, const char *child, const char *parent,
		unsigned level)
{
	unsigned char *c = commits + place(f, child) * 36;

	c[23] = (unsigned char)place(f, parent);
	c[31] = (unsigned char)(level << 2);
}

/* Of a tip Git reads the commit itself, whatever the graph says: the lie is one below it. */
static void write_lies(struct fx *f)
{
	autofree char *path = path_join(f->repo, "objects/info/commit-graph");
	cleanup(buf_release) struct buf b = BUF_INIT;
	unsigned char *commits;

	fx_run(f,
	       "git -C app.git -c commitGraph.generationVersion=1 commit-graph write --reachable "
	       "--no-progress");
	assert_int_equal(fs_read(path, (size_t)1 << 20, &b, NULL), 0);
	commits = memmem(b.s, 100, "CDAT", 4);
	commits = (unsigned char *)b.s + (commits[10] << 8 | commits[11]);
	lie(f, commits, "topic~1", "main~1", 3);
	lie(f, commits, "topic", "topic~1", 4);
	fx_run(f, "rm -f %s", path);
	assert_int_equal(fs_write_atomic(path, b.s, b.len, 0600, NULL), 0);
}

/* The graph says that the topic began behind what main has changed: a merge would take it back. */
static void a_commit_graph_that_lies_does_not_make_two_agree(void **state)
{
	static const char *const methods[] = {"merge", "squash", "rebase"};
	struct fx *f = *state;
	autofree char *base = NULL, *head = NULL;

	free(fx_seed(f));
	base = fx_sh(f, "cd src; sed -i s/one/ONE/ src/a.c; git commit -qam 'main moves'; echo b2 "
			">src/b.c; git commit -qam 'and again'; git push -q ../app.git HEAD:main; "
			"git rev-parse HEAD");
	head = fx_sh(f,
		     "cd src; git checkout -q -b topic HEAD~2; sed -i s/seven/SEVEN/ src/a.c; git "
		     "commit -qam t; echo b3 >src/new; git add src/new; git commit -qm u; git push "
		     "-q ../app.git HEAD:topic; git rev-parse HEAD");
	write_lies(f);
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		autojson json_t *v = NULL;
		autojson json_t *c =
			fx_ok(f, "{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:s}", "op", "candidate", "base",
			      base, "head", head, "method", methods[i], "message", "m",
			      "author_name", "Q", "author_email", "q@e", "time_ms",
			      (json_int_t)1700000001000, "ref", "refs/yardmaster/cand/1");

		if (strcmp(methods[i], "rebase") != 0) {
			assert_string_equal(json_str(c, "outcome", ""), "built");
			fx_run(f, "git -C app.git show %s:src/a.c | grep -q one",
			       json_str(c, "commit", ""));
		}
		if (strcmp(json_str(c, "outcome", ""), "built") != 0)
			continue;
		v = fx_ok(f, "{s:s,s:s,s:s,s:s,s:s}", "op", "verify", "base", base, "head", head,
			  "method", methods[i], "candidate", json_str(c, "commit", ""));
		assert_false(json_flag(v, "same"));
		assert_string_equal(json_str(v, "merge", ""), "clean");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FX_TEST(a_commit_graph_that_lies_does_not_make_two_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
