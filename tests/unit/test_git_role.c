/* test_git_role.c - references, history, worktrees, candidates and landings through the table. */
#include "git_fixture.h"
#include "patience.h"

#include "git/role.h"
#include "sys/chan.h"

#include <sys/socket.h>
#include <sys/wait.h>

#define OID_NONE "0123456789012345678901234567890123456789"

static void import_brings_branches_and_tags(void **state)
{
	struct fx *f = *state;
	autofree char *head = fx_seed(f);
	autofree char *found = NULL;
	autojson json_t *a = NULL;
	autojson json_t *again = NULL;

	fx_run(f, "cd src; git tag v1; git branch other; cd ..; rm -rf app.git");
	again = fx_ok(f, "{s:s,s:s,s:s}", "op", "import", "base", "main", "from",
		      found = xasprintf("%s/src", f->dir));
	assert_string_equal(json_str(again, "base_oid", ""), head);
	a = fx_ok(f, "{s:s,s:s}", "op", "refs", "prefix", "refs/");
	assert_int_equal(json_object_size(json_object_get(a, "refs")), 3);
	assert_string_equal(json_str(json_object_get(a, "refs"), "refs/tags/v1", ""), head);
	fx_run(f, "test \"$(git -C app.git config gc.auto)\" = 0;"
		  "test \"$(git -C app.git symbolic-ref HEAD)\" = refs/heads/main");
}

static void import_of_a_missing_branch_says_so(void **state)
{
	struct fx *f = *state;
	autofree char *src = xasprintf("%s/src", f->dir);
	autojson json_t *a = NULL;

	free(fx_seed(f));
	fx_run(f, "rm -rf app.git");
	a = fx_ask(f, "{s:s,s:s,s:s}", "op", "import", "base", "nope", "from", src);
	assert_string_equal(fx_error(a), "not-found");
}

static void ref_set_compares(void **state)
{
	struct fx *f = *state;
	autofree char *head = fx_seed(f);
	autofree char *second =
		fx_sh(f, "git -C app.git commit-tree -p %s -m 2 %s^{tree}", head, head);
	const char *ref = "refs/yardmaster/x";
	const struct {
		const char *old, *new, *outcome;
		int any;
	} steps[] = {
		{NULL, head, "set", 0},         {NULL, head, "set", 0}, /* repeated */
		{NULL, second, "moved", 0},     {second, head, "set", 0},
		{OID_NONE, second, "moved", 0}, {head, second, "set", 0},
		{OID_NONE, head, "set", 1},     {OID_NONE, NULL, "moved", 0},
		{head, NULL, "set", 0},         {head, NULL, "set", 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		autojson json_t *a =
			fx_ok(f, "{s:s,s:s,s:s?,s:s?,s:b}", "op", "ref-set", "ref", ref, "old",
			      steps[i].old, "new", steps[i].new, "any", steps[i].any);
		autojson json_t *now = fx_ok(f, "{s:s,s:s}", "op", "ref", "ref", ref);

		assert_string_equal(json_str(a, "outcome", ""), steps[i].outcome);
		if (!strcmp(steps[i].outcome, "set"))
			assert_string_equal(json_str(now, "oid", "null"),
					    steps[i].new ? steps[i].new : "null");
	}
}

static void bad_requests_are_refused(void **state)
{
	struct fx *f = *state;
	autofree char *head = fx_seed(f);
	static const char *const refs[] = {"main",
					   "refs/heads/../x",
					   "refs/heads/a..b",
					   "refs/heads/a\nb",
					   "refs/heads/x.lock",
					   ""};
	static const char *const oids[] = {
		"main", "0123456789abcdef", "0123456789ABCDEF0123456789ABCDEF01234567",
		"0123456789012345678901234567890123456789012345678901234567890123"};
	autojson json_t *unknown = fx_ask(f, "{s:s}", "op", "explode");
	autojson json_t *dots = fx_ask(f, "{s:s,s:s,s:s}", "op", "ref", "ref", "refs/heads/main",
				       "repo", "/tmp/../etc");

	assert_string_equal(fx_error(unknown), "input");
	assert_string_equal(fx_error(dots), "input");
	for (size_t i = 0; i < ARRAY_LEN(refs); i++) {
		autojson json_t *a = fx_ask(f, "{s:s,s:s}", "op", "ref", "ref", refs[i]);

		assert_string_equal(fx_error(a), "input");
	}
	for (size_t i = 0; i < ARRAY_LEN(oids); i++) {
		autojson json_t *a =
			fx_ask(f, "{s:s,s:s,s:s}", "op", "contains", "commit", oids[i], "in", head);

		assert_string_equal(fx_error(a), "input");
	}
}

static void files_and_logs_are_read(void **state)
{
	struct fx *f = *state;
	autofree char *head = fx_seed(f);
	autofree char *two = fx_sh(f, "cd src; echo new >src/new.c; git rm -q src/b.c; git add -A;"
				      "git commit -qm 'second\n\nbody\n\nDepends-On: #12\n';"
				      "git push -q ../app.git HEAD:refs/heads/topic;"
				      "git rev-parse HEAD");
	autojson json_t *file = fx_ok(f, "{s:s,s:s,s:s,s:i}", "op", "file", "commit", head, "path",
				      "src/b.c", "max", 100);
	autojson json_t *gone = fx_ok(f, "{s:s,s:s,s:s,s:i}", "op", "file", "commit", two, "path",
				      "src/b.c", "max", 100);
	autojson json_t *link = fx_ok(f, "{s:s,s:s,s:s,s:i}", "op", "file", "commit", two, "path",
				      "docs/link", "max", 100);
	autojson json_t *large = fx_ask(f, "{s:s,s:s,s:s,s:i}", "op", "file", "commit", two, "path",
					"src/a.c", "max", 3);
	autojson json_t *files =
		fx_ok(f, "{s:s,s:s,s:s}", "op", "files", "commit", two, "dir", "src");
	autojson json_t *log =
		fx_ok(f, "{s:s,s:s,s:s,s:i}", "op", "log", "not", head, "commit", two, "max", 10);
	autojson json_t *changed =
		fx_ok(f, "{s:s,s:s,s:s}", "op", "changed", "base", head, "head", two);
	autojson json_t *diff = fx_ok(f, "{s:s,s:s,s:s,s:i}", "op", "diff", "base", head, "head",
				      two, "max", 10000);
	autojson json_t *cut =
		fx_ok(f, "{s:s,s:s,s:s,s:i}", "op", "diff", "base", head, "head", two, "max", 20);
	const json_t *c = json_array_get(json_object_get(log, "commits"), 0);

	assert_string_equal(json_str(file, "text", ""), "b\n");
	assert_false(json_flag(gone, "found"));
	assert_false(json_flag(link, "found"));
	assert_string_equal(fx_error(large), "limit");
	assert_int_equal(json_array_size(json_object_get(files, "files")), 2);
	assert_string_equal(
		json_str(json_array_get(json_object_get(files, "files"), 1), "path", ""),
		"src/new.c");
	assert_int_equal(json_array_size(json_object_get(log, "commits")), 1);
	assert_false(json_flag(log, "more"));
	assert_string_equal(json_str(c, "subject", ""), "second");
	assert_string_equal(json_str(c, "author", ""), "A U Thor <a@example.org>");
	assert_string_equal(json_str(c, "message", ""), "second\n\nbody\n\nDepends-On: #12\n");
	assert_string_equal(json_str(changed, "merge_base", ""), head);
	assert_int_equal(json_array_size(json_object_get(changed, "files")), 2);
	assert_int_equal(json_int(changed, "insertions", -1), 1);
	assert_int_equal(json_int(changed, "deletions", -1), 1);
	assert_non_null(strstr(json_str(diff, "text", ""), "+new"));
	assert_false(json_flag(diff, "cut"));
	assert_true(json_flag(cut, "cut"));
	assert_in_range(strlen(json_str(cut, "text", "")), 1, 20);
}

static void containment_is_an_order(void **state)
{
	struct fx *f = *state;
	autofree char *head = fx_seed(f);
	autofree char *a = fx_sh(f, "git -C app.git commit-tree -p %s -m a %s^{tree}", head, head);
	autofree char *b = fx_sh(f, "git -C app.git commit-tree -p %s -m b %s^{tree}", a, head);
	autofree char *c = fx_sh(f, "git -C app.git commit-tree -p %s -m c %s^{tree}", b, head);
	autofree char *d = fx_sh(f, "git -C app.git commit-tree -p %s -m d %s^{tree}", a, head);
	const char *away = "1234567890123456789012345678901234567890";
	autojson json_t *of_b = fx_ok(f, "{s:s,s:s,s:s,s:[s,s,s,s,s,s]}", "op", "contained", "base",
				      head, "head", b, "heads", c, a, head, a, away, d);
	autojson json_t *of_a = fx_ok(f, "{s:s,s:s,s:s,s:[s,s,s,s]}", "op", "contained", "base",
				      head, "head", a, "heads", d, head, away, c);
	autojson json_t *yes = fx_ok(f, "{s:s,s:s,s:s}", "op", "contains", "commit", a, "in", b);
	autojson json_t *no = fx_ok(f, "{s:s,s:s,s:s}", "op", "contains", "commit", b, "in", a);
	autojson json_t *trees =
		fx_ok(f, "{s:s,s:[s,s,s]}", "op", "trees", "commits", head, b, away);
	const json_t *all = json_object_get(trees, "trees");
	autofree char *tree = fx_sh(f, "git -C app.git rev-parse %s^{tree}", head);
	const char *above[] = {
		json_string_value(json_array_get(json_object_get(of_a, "above"), 0)),
		json_string_value(json_array_get(json_object_get(of_a, "above"), 1))};

	/* The base's own commit is nobody's dependency, and siblings have nothing to do with each other. */
	assert_int_equal(json_array_size(json_object_get(of_b, "below")), 1);
	assert_string_equal(json_string_value(json_array_get(json_object_get(of_b, "below"), 0)),
			    a);
	assert_int_equal(json_array_size(json_object_get(of_b, "above")), 1);
	assert_string_equal(json_string_value(json_array_get(json_object_get(of_b, "above"), 0)),
			    c);
	assert_int_equal(json_array_size(json_object_get(of_a, "below")), 0);
	assert_int_equal(json_array_size(json_object_get(of_a, "above")), 2);
	assert_true((!strcmp(above[0], c) && !strcmp(above[1], d)) ||
		    (!strcmp(above[0], d) && !strcmp(above[1], c)));
	assert_true(json_flag(yes, "contains"));
	assert_false(json_flag(no, "contains"));
	assert_true(json_is_null(json_object_get(all, away)));
	assert_string_equal(json_str(json_object_get(all, b), "parent", ""), a);
	assert_string_equal(json_str(json_object_get(all, head), "tree", ""), tree);
}

/* --- candidates and landings --- */

/* What a role writes down before it locks; of one that died two hours ago the line is still there. */
#define DIED "echo \"$(date -d '2 hours ago' +%%s)000000000 "

static json_t *candidate(struct fx *f, const char *base, const char *head, const char *method)
{
	return fx_ok(f, "{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:s}", "op", "candidate", "base", base,
		     "head", head, "method", method, "message", "Merge it\n", "author_name", "Q",
		     "author_email", "q@example.org", "time_ms", (json_int_t)1700000001000, "ref",
		     "refs/yardmaster/cand/1");
}

/* Two lines of work: main changes the first line, topic the last one in two commits. */
static void fork_work(struct fx *f, char **base, char **head)
{
	free(fx_seed(f));
	*base = fx_sh(f, "cd src; sed -i s/one/ONE/ src/a.c; git commit -qam 'base moves';"
			 "git push -q ../app.git HEAD:main; git rev-parse HEAD");
	*head = fx_sh(f, "cd src; git checkout -q -b topic HEAD~1; sed -i s/seven/SEVEN/ src/a.c;"
			 "git commit -qam t1; echo more >>src/b.c; git commit -qam t2;"
			 "git push -q ../app.git HEAD:topic; git rev-parse HEAD");
}

static void candidates_are_built_and_verified(void **state)
{
	static const char *const methods[] = {"merge", "squash", "rebase"};
	struct fx *f = *state;
	autofree char *base = NULL;
	autofree char *head = NULL;
	autofree char *tree = NULL;

	fork_work(f, &base, &head);
	tree = fx_sh(f, "git -C app.git merge-tree --write-tree %s %s", base, head);
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		autojson json_t *a = candidate(f, base, head, methods[i]);
		autojson json_t *again = candidate(f, base, head, methods[i]);
		const char *commit = json_str(a, "commit", "");
		autojson json_t *same =
			fx_ok(f, "{s:s,s:s,s:s,s:s,s:s}", "op", "verify", "base", base, "head",
			      head, "method", methods[i], "candidate", commit);
		autojson json_t *other =
			fx_ok(f, "{s:s,s:s,s:s,s:s,s:s}", "op", "verify", "base", base, "head",
			      head, "method", methods[i], "candidate", head);

		assert_string_equal(json_str(a, "outcome", ""), "built");
		assert_true(json_equal(a, again));
		assert_string_equal(json_str(a, "tree", ""), tree);
		assert_true(json_flag(same, "same"));
		assert_non_null(strstr(json_str(same, "git_version", ""), "git version"));
		assert_false(json_flag(other, "same"));
		fx_run(f,
		       "test $(git -C app.git rev-parse refs/yardmaster/cand/1) = %s; "
		       "git -C app.git fsck --no-dangling",
		       commit);
	}
	fx_run(f,
	       "test \"$(git -C app.git log --format=%%an%%s refs/yardmaster/cand/1 -2 | tr '\\n' "
	       "' ')\" = 'A U Thort2 A U Thort1 '");
}

/* The right tree with the wrong parents is not the candidate that was asked for. */
static void verify_looks_at_parents(void **state)
{
	struct fx *f = *state;
	autofree char *base = NULL;
	autofree char *head = NULL;
	autofree char *forged = NULL;
	autojson json_t *a = NULL;
	autojson json_t *v = NULL;

	fork_work(f, &base, &head);
	a = candidate(f, base, head, "merge");
	forged = fx_sh(f, "git -C app.git commit-tree -p %s -p %s -m x %s", base, base,
		       json_str(a, "tree", ""));
	v = fx_ok(f, "{s:s,s:s,s:s,s:s,s:s}", "op", "verify", "base", base, "head", head, "method",
		  "merge", "candidate", forged);
	assert_false(json_flag(v, "same"));
	assert_string_equal(json_str(v, "expected", ""), json_str(v, "found", "-"));
}

/* The right parents with something slipped into the tree: that is what verify is for. */
static void verify_finds_a_forged_tree(void **state)
{
	struct fx *f = *state;
	autofree char *base = NULL;
	autofree char *head = NULL;
	autofree char *forged = NULL;
	static const char *const methods[] = {"merge", "squash", "rebase"};

	fork_work(f, &base, &head);
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		autojson json_t *a = candidate(f, base, head, methods[i]);
		autojson json_t *v = NULL;

		free(steal(&forged));
		forged = fx_sh(
			f,
			"cd app.git; export GIT_INDEX_FILE=$PWD/forge; git read-tree %s; git "
			"update-index --add --cacheinfo 100644,$(echo evil | git hash-object -w "
			"--stdin),evil; t=$(git write-tree); git cat-file commit %s | sed "
			"\"s/^tree .*/tree $t/\" | git hash-object -t commit -w --stdin",
			json_str(a, "commit", ""), json_str(a, "commit", ""));
		v = fx_ok(f, "{s:s,s:s,s:s,s:s,s:s}", "op", "verify", "base", base, "head", head,
			  "method", methods[i], "candidate", forged);
		assert_false(json_flag(v, "same"));
		assert_string_equal(json_str(v, "expected", ""), json_str(a, "tree", "-"));
	}
}

/* A commit that the base has already in other words is left out of a rebase. */
static void a_rebase_leaves_out_what_is_there(void **state)
{
	struct fx *f = *state;
	autofree char *base = NULL;
	autofree char *head = NULL;
	autojson json_t *a = NULL;
	autojson json_t *v = NULL;

	fork_work(f, &base, &head);
	free(steal(&base));
	base = fx_sh(f,
		     "cd src; git checkout -q main; sed -i s/seven/SEVEN/ src/a.c; git commit -qam "
		     "'the same by hand'; git push -q ../app.git main; git rev-parse HEAD");
	a = candidate(f, base, head, "rebase");
	assert_string_equal(json_str(a, "outcome", ""), "built");
	fx_run(f, "test $(git -C app.git rev-list --count %s..%s) = 1", base,
	       json_str(a, "commit", ""));
	v = fx_ok(f, "{s:s,s:s,s:s,s:s,s:s}", "op", "verify", "base", base, "head", head, "method",
		  "rebase", "candidate", json_str(a, "commit", ""));
	assert_true(json_flag(v, "same"));
}

static void a_head_that_the_base_has_is_said(void **state)
{
	struct fx *f = *state;
	autofree char *base = NULL;
	autofree char *head = NULL;
	autofree char *old = NULL;
	static const char *const methods[] = {"merge", "squash", "rebase"};

	fork_work(f, &base, &head);
	old = fx_sh(f, "git -C app.git rev-parse main~1");
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		autojson json_t *a = candidate(f, base, old, methods[i]);

		assert_string_equal(json_str(a, "outcome", ""), "merged");
	}
}

static void a_conflict_names_the_files(void **state)
{
	static const char *const methods[] = {"merge", "squash", "rebase"};
	struct fx *f = *state;
	autofree char *base = NULL;
	autofree char *head = NULL;

	fork_work(f, &base, &head);
	free(steal(&head));
	head = fx_sh(f, "cd src; sed -i 's/^one/eins/' src/a.c; git commit -qam t3;"
			"git push -q ../app.git HEAD:topic; git rev-parse HEAD");
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		autojson json_t *a = candidate(f, base, head, methods[i]);
		const json_t *c = json_array_get(json_object_get(a, "conflicts"), 0);

		assert_string_equal(json_str(a, "outcome", ""), "conflict");
		assert_int_equal(json_array_size(json_object_get(a, "conflicts")), 1);
		assert_string_equal(json_str(c, "path", ""), "src/a.c");
		assert_string_equal(json_str(c, "kind", ""), "contents");
	}
}

/* After its parent was squashed, a stacked child is clean only with the parent's head as its base. */
static void an_explicit_merge_base_is_obeyed(void **state)
{
	struct fx *f = *state;
	autofree char *base = NULL;
	autofree char *head = NULL;
	autofree char *child = NULL;
	autojson json_t *squashed = NULL;
	autojson json_t *plain = NULL;
	autojson json_t *based = NULL;
	autojson json_t *v = NULL;

	fork_work(f, &base, &head);
	child = fx_sh(f, "cd src; sed -i s/SEVEN/seven-of-nine/ src/a.c; git commit -qam child;"
			 "git push -q ../app.git HEAD:child; git rev-parse HEAD");
	squashed = candidate(f, base, head, "squash");
	plain = fx_ok(f, "{s:s,s:s,s:s}", "op", "merge", "base", json_str(squashed, "commit", ""),
		      "head", child);
	based = fx_ok(f, "{s:s,s:s,s:s,s:s}", "op", "merge", "base",
		      json_str(squashed, "commit", ""), "head", child, "merge_base", head);
	assert_string_equal(json_str(plain, "outcome", ""), "conflict");
	assert_string_equal(json_str(based, "outcome", ""), "clean");
	v = fx_ok(f, "{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:s}", "op", "candidate", "base",
		  json_str(squashed, "commit", ""), "head", child, "merge_base", head, "method",
		  "squash", "message", "m", "author_name", "Q", "author_email", "q@e", "time_ms",
		  (json_int_t)1700000001000, "ref", "refs/yardmaster/cand/2");
	assert_string_equal(json_str(v, "tree", ""), json_str(based, "tree", "-"));
}

static json_t *land(struct fx *f, const char *old, const char *new)
{
	return fx_ask(f, "{s:s,s:s,s:s,s:s,s:{s:s,s:i},s:[{s:s,s:s}]}", "op", "land", "branch",
		      "main", "old", old, "new", new, "receipt", "tree", "t", "pr", 3, "keep",
		      "ref", "refs/yardmaster/landed/3", "oid", new);
}

static void landing_moves_everything_once(void **state)
{
	struct fx *f = *state;
	autofree char *base = NULL;
	autofree char *head = NULL;
	autojson json_t *cand = NULL;
	autojson json_t *first = NULL;
	autojson json_t *again = NULL;
	autojson json_t *receipt = NULL;
	autojson json_t *none = NULL;
	const char *commit;

	fork_work(f, &base, &head);
	cand = candidate(f, base, head, "merge");
	commit = json_str(cand, "commit", "");
	/* Something else was kept there: it is set aside. */
	fx_run(f, "git -C app.git update-ref refs/yardmaster/landed/3 %s", head);
	first = land(f, base, commit);
	assert_string_equal(json_str(first, "outcome", ""), "landed");
	again = land(f, base, commit);
	assert_string_equal(json_str(again, "outcome", ""), "already");
	fx_run(f,
	       "cd app.git; test $(git rev-parse main) = %s;"
	       "test $(git rev-parse refs/yardmaster/landed/3) = %s;"
	       "test $(git for-each-ref refs/yardmaster/landed | wc -l) = 2;"
	       "test $(git rev-parse refs/yardmaster/landed/3-$(git rev-parse main^2 | cut "
	       "-c1-12)) = "
	       "$(git rev-parse main^2);"
	       "git notes --ref yardmaster show %s | grep -q '\"pr\": 3';"
	       "test $(git rev-list --count refs/notes/yardmaster) = 1",
	       commit, commit, commit);
	receipt = fx_ok(f, "{s:s,s:s}", "op", "receipt", "commit", commit);
	assert_int_equal(json_int(json_object_get(receipt, "receipt"), "pr", 0), 3);
	none = fx_ok(f, "{s:s,s:s}", "op", "receipt", "commit", base);
	assert_false(json_flag(none, "found"));
}

static void a_moved_branch_is_not_landed_on(void **state)
{
	struct fx *f = *state;
	autofree char *base = NULL;
	autofree char *head = NULL;
	autofree char *other = NULL;
	autojson json_t *cand = NULL;
	autojson json_t *a = NULL;

	fork_work(f, &base, &head);
	cand = candidate(f, base, head, "merge");
	other = fx_sh(f,
		      "cd app.git; c=$(git commit-tree -p %s -m x %s^{tree}); git update-ref "
		      "refs/heads/main $c; echo $c",
		      base, base);
	a = land(f, base, json_str(cand, "commit", ""));
	assert_string_equal(json_str(a, "outcome", ""), "moved");
	assert_string_equal(json_str(a, "found", ""), other);
	fx_run(f, "cd app.git; ! git rev-parse -q --verify refs/notes/yardmaster;"
		  "! git rev-parse -q --verify refs/yardmaster/landed/3; test -z \"$(find . -name "
		  "'*.lock' ! -name yardmaster.lock)\"");
}

static void only_descendants_land(void **state)
{
	struct fx *f = *state;
	autofree char *base = NULL;
	autofree char *head = NULL;
	autojson json_t *a = NULL;

	fork_work(f, &base, &head);
	a = land(f, base, head);
	assert_string_equal(fx_error(a), "unsafe");
	fx_run(f, "test $(git -C app.git rev-parse main) = %s", base);
}

/* What a role killed after the first rename leaves: the note and the kept reference are there, the
 * branch is not moved, and its lock file lies around from before this process began. */
static void a_landing_cut_in_half_is_completed(void **state)
{
	struct fx *f = *state;
	autofree char *base = NULL;
	autofree char *head = NULL;
	autojson json_t *cand = NULL;
	autojson json_t *young = NULL;
	autojson json_t *a = NULL;
	const char *commit;

	fork_work(f, &base, &head);
	cand = candidate(f, base, head, "merge");
	commit = json_str(cand, "commit", "");
	fx_run(f, "cd app.git; git update-ref refs/yardmaster/landed/3 %s; >refs/heads/main.lock",
	       commit);
	young = land(f, base, commit);
	assert_string_equal(fx_error(young), "unavailable");
	fx_run(f,
	       "test $(git -C app.git rev-parse main) = %s;"
	       "touch -d '1 hour ago' app.git/refs/heads/main.lock; " DIED
	       "- refs/heads/main\" >>app.git/yardmaster.locks",
	       base);
	a = land(f, base, commit);
	assert_string_equal(json_str(a, "outcome", ""), "landed");
	fx_run(f, "cd app.git; test $(git rev-parse main) = %s; git notes --ref yardmaster show %s",
	       commit, commit);
}

/* `git update-ref --stdin` between prepare and commit: no file of the repository is open, and it may be anywhere. */
static pid_t start_update_ref(struct fx *f, const char *lines, int *ret_fd)
{
	autofree char *dir = xasprintf("--git-dir=%s", f->repo);
	char answer[64] = "";
	int in[2], out[2];
	size_t n = 0;
	pid_t pid;

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		if (chdir("/") == 0)
			execl("/usr/bin/git", "git", dir, "update-ref", "--stdin", NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	assert_int_equal(write(in[1], lines, strlen(lines)), strlen(lines));
	while (!strstr(answer, "prepare: ok")) {
		ssize_t got = read(out[0], answer + n, sizeof(answer) - 1 - n);

		assert_true(got > 0);
		n += (size_t)got;
	}
	close(out[0]);
	*ret_fd = in[1];
	return pid;
}

/* A lock of a process that lives is not ours to remove, however old, whatever it holds. */
static void a_living_lock_is_respected(void **state)
{
	struct fx *f = *state;
	autofree char *base = NULL;
	autofree char *head = NULL;
	autojson json_t *cand = NULL;
	pid_t pid;
	int fd;

	fork_work(f, &base, &head);
	cand = candidate(f, base, head, "merge");
	for (int i = 0; i < 2; i++) {
		autofree char *lines =
			i ? xasprintf("start\ndelete refs/heads/main\nprepare\n")
			  : xasprintf("start\nupdate refs/heads/main %s\nprepare\n", head);
		autojson json_t *a = NULL;
		const char *text;

		pid = start_update_ref(f, lines, &fd);
		fx_run(f, "touch -d '3 hours ago' app.git/refs/heads/main.lock");
		a = land(f, base, json_str(cand, "commit", ""));
		assert_string_equal(fx_error(a), "unavailable");
		text = json_str(json_object_get(a, "error"), "text", "");
		assert_non_null(strstr(text, "app.git/refs/heads/main.lock was made 3h ago"));
		fx_run(f, "test -e app.git/refs/heads/main.lock");
		close(fd); /* without "commit" it lets go */
		assert_int_equal(child_wait(pid, NULL, NULL), 0);
	}
	{
		autojson json_t *a = land(f, base, json_str(cand, "commit", ""));

		assert_string_equal(json_str(a, "outcome", ""), "landed");
	}
}

/* The last holder of the guard died; but this lock is another's: made before, or with another content. */
static void only_what_a_dead_holder_wrote_down_is_removed(void **state)
{
	static const struct {
		const char *line, *made, *content;
		bool goes;
	} cases[] = {
		{"- refs/heads/x", "1 hour ago", "", true},
		{"- refs/heads/x", "3 hours ago", "", false},
		{"- refs/heads/x", "now", "", false},
		{"- refs/heads/x", "1 hour ago", OID_NONE, false},
		{OID_NONE " refs/heads/x", "1 hour ago", OID_NONE, true},
		{"? refs/heads/x", "1 hour ago", "anything", true},
		{"- refs/heads/y", "1 hour ago", "", false},
		{"- *", "1 hour ago", "", true},
		{"- *", "1 hour ago", OID_NONE, false},
		{"- ../x", "1 hour ago", "", false},
	};
	struct fx *f = *state;
	autofree char *head = fx_seed(f);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autojson json_t *a = NULL;

		fx_run(f,
		       "cd app.git; rm -f refs/heads/x* yardmaster.locks; printf '%s' "
		       ">refs/heads/x.lock; touch -d '%s' refs/heads/x.lock; " DIED
		       "%s\" >yardmaster.locks",
		       cases[i].content, cases[i].made, cases[i].line);
		a = fx_ask(f, "{s:s,s:s,s:n,s:s}", "op", "ref-set", "ref", "refs/heads/x", "old",
			   "new", head);
		if (json_flag(a, "ok") != cases[i].goes)
			print_error("case %zu\n", i);
		assert_int_equal(json_flag(a, "ok"), cases[i].goes);
	}
}

/* While somebody packs references none is deleted, however often one asks; then it is. */
static void a_packed_reference_waits_for_its_lock(void **state)
{
	struct fx *f = *state;
	autofree char *head = fx_seed(f);

	fx_run(f, "cd app.git; git branch gone; git pack-refs --all; >packed-refs.lock; touch -d "
		  "'1 hour ago' packed-refs.lock");
	for (int i = 0; i < 4; i++) {
		autojson json_t *a = NULL;

		if (i == 2)
			fx_run(f, DIED "? packed-refs\" >app.git/yardmaster.locks");
		a = fx_ask(f, "{s:s,s:s,s:s,s:n}", "op", "ref-set", "ref", "refs/heads/gone", "old",
			   head, "new");
		assert_string_equal(i < 2 ? fx_error(a) : json_str(a, "outcome", ""),
				    i < 2 ? "unavailable" : "set");
		fx_run(f,
		       "cd app.git; test \"$(git rev-parse -q --verify refs/heads/gone)\" = "
		       "'%s'; test %s -e packed-refs.lock",
		       i < 2 ? head : "", i < 2 ? "" : "!");
	}
}

/* --- the process --- */

static pid_t start_role(int *ret_fd)
{
	int fds[2];
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		_exit(git_role_main(fds[1], "/usr/bin/git"));
	}
	close(fds[1]);
	*ret_fd = fds[0];
	return pid;
}

static int end_of(pid_t pid)
{
	int status;

	assert_int_equal(child_wait(pid, &status, NULL), 0);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Requests sent at once are answered one a line in their order; end of file ends the role. */
static void the_role_answers_in_order(void **state)
{
	struct fx *f = *state;
	autofree char *head = fx_seed(f);
	struct chan_sync *c;
	pid_t pid;
	int fd;

	pid = start_role(&fd);
	c = chan_sync_new(fd, 1 << 20);
	for (int i = 0; i < 20; i++) {
		autojson json_t *req =
			json_pack("{s:i,s:s,s:s,s:s}", "id", i, "op", i % 3 ? "ref" : "nonsense",
				  "repo", f->repo, "ref", "refs/heads/main");

		assert_int_equal(chan_sync_send(c, req, NULL), 0);
	}
	for (int i = 0; i < 20; i++) {
		autojson json_t *ans = NULL;

		assert_int_equal(chan_sync_recv(c, PATIENT_MS, &ans, NULL), 1);
		assert_int_equal(json_int(ans, "id", -1), i);
		assert_int_equal(json_flag(ans, "ok"), i % 3 != 0);
		if (i % 3)
			assert_string_equal(json_str(ans, "oid", ""), head);
	}
	chan_sync_free(c);
	assert_int_equal(end_of(pid), 0);
}

/* A merge that is Git's leaves its folder until the answer is out, and no longer. */
static void the_role_removes_what_a_merge_needed(void **state)
{
	struct fx *f = *state;
	autofree char *base = NULL, *head = NULL, *left = NULL;
	struct chan_sync *c;
	pid_t pid;
	int fd;

	free(fx_seed(f));
	base = fx_sh(f, "cd src; sed -i s/one/ONE/ src/a.c; git commit -qam moves; git push -q "
			"../app.git HEAD:main; git rev-parse HEAD");
	head = fx_sh(f, "cd src; git checkout -q -b topic HEAD~1; git mv src/a.c src/moved.c; git "
			"commit -qm t; git push -q ../app.git topic; git rev-parse HEAD");
	pid = start_role(&fd);
	c = chan_sync_new(fd, 1 << 20);
	for (int i = 0; i < 3; i++) {
		autojson json_t *ans = NULL;
		autojson json_t *req = json_pack("{s:i,s:s,s:s,s:s,s:s}", "id", i, "op", "merge",
						 "repo", f->repo, "base", base, "head", head);

		assert_int_equal(chan_sync_send(c, req, NULL), 0);
		assert_int_equal(chan_sync_recv(c, PATIENT_MS, &ans, NULL), 1);
		assert_string_equal(json_str(ans, "outcome", ""), "clean");
	}
	chan_sync_free(c);
	assert_int_equal(end_of(pid), 0);
	left = fx_sh(f, "ls app.git/objects | grep tmp_ || true");
	assert_string_equal(left, "");
}

static void the_role_ends_on_garbage(void **state)
{
	pid_t pid;
	char c;
	int fd;

	(void)state;
	pid = start_role(&fd);
	assert_int_equal(write(fd, "not json\n", 9), 9);
	assert_int_equal(read(fd, &c, 1), 0);
	close(fd);
	assert_int_equal(end_of(pid), 1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		FX_TEST(import_brings_branches_and_tags),
		FX_TEST(import_of_a_missing_branch_says_so),
		FX_TEST(ref_set_compares),
		FX_TEST(bad_requests_are_refused),
		FX_TEST(files_and_logs_are_read),
		FX_TEST(containment_is_an_order),
		FX_TEST(candidates_are_built_and_verified),
		FX_TEST(verify_looks_at_parents),
		FX_TEST(verify_finds_a_forged_tree),
		FX_TEST(a_rebase_leaves_out_what_is_there),
		FX_TEST(a_head_that_the_base_has_is_said),
		FX_TEST(a_conflict_names_the_files),
		FX_TEST(an_explicit_merge_base_is_obeyed),
		FX_TEST(landing_moves_everything_once),
		FX_TEST(a_moved_branch_is_not_landed_on),
		FX_TEST(only_descendants_land),
		FX_TEST(a_landing_cut_in_half_is_completed),
		FX_TEST(a_living_lock_is_respected),
		FX_TEST(only_what_a_dead_holder_wrote_down_is_removed),
		FX_TEST(a_packed_reference_waits_for_its_lock),
		FX_TEST(the_role_answers_in_order),
		FX_TEST(the_role_removes_what_a_merge_needed),
		FX_TEST(the_role_ends_on_garbage),
	};

	(void)argc;
	unpriv(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
