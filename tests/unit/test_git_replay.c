/*
 * test_git_replay.c - what a rebase keeps, leaves out and refuses (replay.h, candidate.h), beside the real `git rebase`.
 */
#include "git_fixture.h"

static const char *const methods[] = {"merge", "squash", "rebase"};

static json_t *candidate(struct fx *f, const char *base, const char *head, const char *method)
{
	return fx_ok(f, "{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:s}", "op", "candidate", "base", base,
		     "head", head, "method", method, "message", "Merge it\n", "author_name", "Q",
		     "author_email", "q@example.org", "time_ms", (json_int_t)1700000001000, "ref",
		     "refs/yardmaster/cand/1");
}

static json_t *verify(struct fx *f, const char *base, const char *head, const char *commit)
{
	return fx_ok(f, "{s:s,s:s,s:s,s:s,s:s}", "op", "verify", "base", base, "head", head,
		     "method", "rebase", "candidate", commit);
}

/* A script in the clone `src`, whose branches `main` and `topic` are then the base and the head. */
static void work(struct fx *f, const char *script, char **ret_base, char **ret_head)
{
	free(fx_seed(f));
	fx_run(f,
	       "cd src; git config user.name U; git config user.email u@example.org; "
	       "git checkout -q -b topic; %s\n"
	       "git push -q ../app.git +main +topic",
	       script);
	*ret_base = fx_sh(f, "git -C app.git rev-parse main");
	*ret_head = fx_sh(f, "git -C app.git rev-parse topic");
}

/* The rebase of topic onto main: built, verified, and with these subjects, oldest first. */
static void rebase_gives(struct fx *f, const char *base, const char *head, const char *subjects)
{
	autojson json_t *a = candidate(f, base, head, "rebase");
	autofree char *log = NULL;

	if (strcmp(json_str(a, "outcome", ""), "built") != 0)
		print_error("%s\n", json_text(a));
	assert_string_equal(json_str(a, "outcome", ""), "built");
	log = fx_sh(f, "git -C app.git log --reverse --format=%%s %s..%s | tr '\\n' ' '", base,
		    json_str(a, "commit", ""));
	assert_string_equal(log, subjects);
	{
		autojson json_t *v = verify(f, base, head, json_str(a, "commit", ""));

		const json_t *commits = json_object_get(v, "commits");
		const json_t *last = json_array_get(commits, json_array_size(commits) - 1);

		assert_true(json_flag(v, "same"));
		assert_string_equal(json_str(last, "commit", ""), json_str(a, "commit", "-"));
		fx_run(f,
		       "test $(git -C app.git rev-list --count %s..%s) = %zu; test \"$(git -C "
		       "app.git log -1 --format=%%ad%%s %s)\" = \"$(git -C app.git log -1 "
		       "--format=%%ad%%s %s)\"",
		       base, json_str(a, "commit", ""), json_array_size(commits),
		       json_str(last, "commit", ""), json_str(last, "from", ""));
	}
}

/* ---- what is refused ---- */

#define EVIL                                                                                       \
	"echo 'call old' >use; git add use; git commit -qm 'use it'; git checkout -q main; "       \
	"echo new >def; git add def; git commit -qm rename; git checkout -q topic; "               \
	"git merge -q --no-commit main; echo 'call new' >use; git add use; git commit -qm "        \
	"'merge and mend';"

static void what_a_merge_commit_changed_is_not_lost(void **state)
{
	struct fx *f = *state;
	autofree char *base = NULL, *head = NULL, *lost = NULL;
	autojson json_t *a = NULL, *v = NULL;
	const json_t *merge;

	work(f, EVIL, &base, &head);
	a = candidate(f, base, head, "rebase");
	assert_string_equal(json_str(a, "outcome", ""), "refused");
	assert_string_equal(json_str(a, "reason", ""), "rebase-differs");
	assert_non_null(strstr(json_str(a, "text", ""), "merge or squash"));
	assert_string_equal(json_string_value(json_array_get(json_object_get(a, "paths"), 0)),
			    "use");
	merge = json_array_get(json_object_get(a, "merges"), 0);
	assert_string_equal(json_str(merge, "subject", ""), "merge and mend");
	/* And who builds the replay all the same is not believed. */
	lost = fx_sh(f, "cd src; git checkout -q main; git cherry-pick topic^1 >&2; "
			"git push -q ../app.git HEAD:lost; git rev-parse HEAD");
	v = verify(f, base, head, lost);
	assert_false(json_flag(v, "same"));
	assert_string_equal(json_str(v, "merge", ""), "clean");
}

/* The same, and the merge commit changed nothing of its own: the replay is the merge. */
static void a_plain_merge_commit_is_left_out(void **state)
{
	struct fx *f = *state;
	autofree char *base = NULL, *head = NULL;

	work(f,
	     "echo 1 >one; git add one; git commit -qm one; git checkout -q main; echo 2 >two; "
	     "git add two; git commit -qm two; git checkout -q topic; git merge -q --no-edit main; "
	     "echo 3 >one; git commit -qam three",
	     &base, &head);
	rebase_gives(f, base, head, "one three");
}

/* The tree is right, and the commits are not those that were approved. */
static void a_rebase_of_another_shape_is_not_believed(void **state)
{
	static const char *const shapes[] = {
		"commit-tree $c^{tree} -p $b -m squashed",
		"commit-tree $c^{tree} -p $c -m 'one more'",
		"commit-tree $c^{tree} -p $c^ -p $b -m 'a merge'",
	};
	struct fx *f = *state;
	autofree char *base = NULL, *head = NULL;
	autojson json_t *a = NULL;

	work(f,
	     "echo 1 >one; git add one; git commit -qm one; echo 2 >two; git add two; git commit "
	     "-qm two",
	     &base, &head);
	a = candidate(f, base, head, "rebase");
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		autofree char *script =
			xasprintf("c=%s b=%s; git -C app.git -c user.name=U -c user.email=u@e %s",
				  json_str(a, "commit", ""), base, shapes[i]);
		autofree char *other = fx_sh(f, "%s", script);
		autojson json_t *v = verify(f, base, head, other);

		assert_false(json_flag(v, "same"));
	}
}

static void a_step_that_conflicts_is_named(void **state)
{
	struct fx *f = *state;
	autofree char *base = NULL, *head = NULL, *step = NULL;
	autojson json_t *a = NULL;

	work(f,
	     "sed -i s/one/mine/ src/a.c; git commit -qam 'change the first line'; "
	     "echo y >y; git add y; git commit -qm y; git checkout -q main; sed -i "
	     "s/one/theirs/ src/a.c; git commit -qam theirs; git checkout -q topic; "
	     "git merge -q main || true; git checkout -q --theirs src/a.c; git commit -qam "
	     "resolved",
	     &base, &head);
	step = fx_sh(f, "git -C app.git rev-parse topic~2");
	a = candidate(f, base, head, "rebase");
	assert_string_equal(json_str(a, "outcome", ""), "conflict");
	assert_string_equal(json_str(a, "commit", ""), step);
	assert_string_equal(json_str(a, "subject", ""), "change the first line");
	assert_true(json_flag(a, "merges_clean"));
	assert_int_equal(json_array_size(json_object_get(a, "conflicts")), 1);
}

static void unrelated_histories_are_refused_by_every_method(void **state)
{
	struct fx *f = *state;
	autofree char *base = NULL, *head = NULL;
	autojson json_t *m = NULL;

	work(f,
	     "git checkout -q --orphan other; echo o >o; git add o; git commit -qm other; "
	     "git branch -f topic",
	     &base, &head);
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		autojson json_t *a = candidate(f, base, head, methods[i]);

		assert_string_equal(json_str(a, "outcome", ""), "refused");
		assert_string_equal(json_str(a, "reason", ""), "unrelated");
		assert_non_null(strstr(json_str(a, "text", ""), "no history in common"));
	}
	m = fx_ok(f, "{s:s,s:s,s:s}", "op", "merge", "base", base, "head", head);
	assert_string_equal(json_str(m, "reason", ""), "unrelated");
}

/* Some versions of Git fail an assertion on some inputs; trying again does not help. */
static void a_git_that_crashes_is_named(void **state)
{
	struct fx *f = *state;
	autofree char *base = NULL, *head = NULL, *git = NULL;

	work(f,
	     "git mv src/a.c moved.c; git commit -qm move; git checkout -q main; "
	     "sed -i s/one/theirs/ src/a.c; git commit -qam theirs",
	     &base, &head);
	fx_run(f, "printf '#!/bin/sh\\necho \"git: merge-ort.c:2000: Assertion failed\" >&2\\n"
		  "kill -ABRT $$\\n' >git; chmod +x git");
	f->g.git = git = path_join(f->dir, "git");
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		autojson json_t *a = candidate(f, base, head, methods[i]);

		assert_string_equal(json_str(a, "outcome", ""), "refused");
		assert_string_equal(json_str(a, "reason", ""), "git-failed");
		assert_non_null(strstr(json_str(a, "text", ""), "by this Git version"));
		assert_non_null(strstr(json_str(a, "text", ""), "Assertion failed"));
	}
	f->g.git = "/usr/bin/git";
}

/* ---- what is left out ---- */

/* The commit "take it" is on both sides; then main does `then`, and topic goes on. */
static void twin_work(struct fx *f, const char *then, char **base, char **head)
{
	autofree char *script = xasprintf(
		"sed -i s/four/FOUR/ src/a.c; git commit -qam 'take it'; echo z >z; git add z; "
		"git commit -qm z; git checkout -q main; echo q >q; git add q; git commit -qm q; "
		"git cherry-pick topic~1 >&2; %s",
		then);

	work(f, script, base, head);
}

static void a_twin_that_does_not_apply_is_left_out_and_named(void **state)
{
	struct fx *f = *state;
	autofree char *base = NULL, *head = NULL;
	autojson json_t *a = NULL, *v = NULL;
	const json_t *out;

	twin_work(f, "sed -i s/FOUR/five/ src/a.c; git commit -qam onwards", &base, &head);
	rebase_gives(f, base, head, "z");
	a = candidate(f, base, head, "rebase");
	v = verify(f, base, head, json_str(a, "commit", ""));
	assert_true(json_equal(json_object_get(a, "left_out"), json_object_get(v, "left_out")));
	out = json_array_get(json_object_get(a, "left_out"), 0);
	assert_string_equal(json_str(out, "subject", ""), "take it");
	assert_non_null(strstr(json_str(out, "why", ""), "same patch"));
	/* The merge conflicts; the receipt says so. */
	assert_string_equal(json_str(v, "merge", ""), "conflict");
}

/* git rebase would lose it: the base has the patch, and has taken it back. */
static void a_twin_that_the_base_reverted_is_applied(void **state)
{
	struct fx *f = *state;
	autofree char *base = NULL, *head = NULL;

	twin_work(f, "git revert --no-edit HEAD >&2", &base, &head);
	fx_run(f, "cd src; git checkout -q -B by-git topic; git rebase -q main 2>&1; "
		  "test $(git rev-list --count main..by-git) = 1");
	rebase_gives(f, base, head, "take it z");
	fx_run(f, "git -C app.git show refs/yardmaster/cand/1:src/a.c | grep -q FOUR");
}

/* A conflict that no twin explains stays one. */
static void a_conflict_beside_a_twin_stays_one(void **state)
{
	struct fx *f = *state;
	autofree char *base = NULL, *head = NULL;
	autojson json_t *a = NULL;

	twin_work(f,
		  "echo other >z; git add z; git commit -qm 'another z'; sed -i s/FOUR/five/ "
		  "src/a.c; git commit -qam onwards",
		  &base, &head);
	a = candidate(f, base, head, "rebase");
	assert_string_equal(json_str(a, "outcome", ""), "conflict");
	assert_string_equal(json_str(a, "subject", ""), "z");
}

static void commits_that_were_empty_on_purpose_stay(void **state)
{
	struct fx *f = *state;
	autofree char *base = NULL, *head = NULL;

	work(f,
	     "sed -i s/seven/SEVEN/ src/a.c; git commit -qam same; git commit -q --allow-empty -m "
	     "release; echo n >n; git add n; git commit -qm n; git checkout -q main; "
	     "sed -i s/seven/SEVEN/ src/a.c; git commit -qam 'the same by hand'",
	     &base, &head);
	fx_run(f, "cd src; git checkout -q -B by-git topic; git rebase -q main 2>&1; "
		  "test \"$(git log --reverse --format=%%s main..by-git | tr '\\n' ' ')\" = "
		  "'release n '");
	rebase_gives(f, base, head, "release n");
}

static void a_pr_that_changes_nothing_on_purpose_is_built(void **state)
{
	struct fx *f = *state;
	autofree char *base = NULL, *head = NULL, *ours = NULL;

	work(f,
	     "git checkout -q -b side; echo s >s; git add s; git commit -qm s; git checkout -q "
	     "topic; git commit -q --allow-empty -m release; git checkout -q main; echo m >m; "
	     "git add m; git commit -qm m",
	     &base, &head);
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		autojson json_t *a = candidate(f, base, head, methods[i]);

		assert_string_equal(json_str(a, "outcome", ""), "built");
		fx_run(f,
		       "test $(git -C app.git rev-parse %s^{tree}) = $(git -C app.git rev-parse "
		       "main^{tree})",
		       json_str(a, "commit", ""));
	}
	rebase_gives(f, base, head, "release");
	ours = fx_sh(f, "cd src; git checkout -q main; git checkout -q -b ours; git merge -q -s "
			"ours --no-edit side; git push -q ../app.git ours; git rev-parse ours");
	for (size_t i = 0; i < 2; i++) {
		autojson json_t *a = candidate(f, base, ours, methods[i]);

		assert_string_equal(json_str(a, "outcome", ""), "built");
	}
}

static void what_is_there_already_has_its_own_word(void **state)
{
	struct fx *f = *state;
	autofree char *base = NULL, *head = NULL, *merged = NULL;

	work(f,
	     "sed -i s/one/ONE/ src/a.c; git commit -qam one; git checkout -q main; echo m >m; "
	     "git add m; git commit -qm m; git cherry-pick topic >&2",
	     &base, &head);
	merged = fx_sh(f, "cd src; git checkout -q main; git merge -q --no-edit -s ours topic; "
			  "git push -q ../app.git HEAD:main; git rev-parse HEAD");
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		autojson json_t *a = candidate(f, base, head, methods[i]);
		autojson json_t *m = candidate(f, merged, head, methods[i]);

		assert_string_equal(json_str(a, "outcome", ""), "empty");
		assert_string_equal(json_str(m, "outcome", ""), "merged");
	}
}

/* ---- what is kept ---- */

/* Commits made by hand, with what `git commit` writes only when it is told to. */
#define ODD                                                                                        \
	"c() { git hash-object -t commit -w --stdin; }; t=$(git rev-parse main^{tree}); "          \
	"n() { (export GIT_INDEX_FILE=$PWD/.git/odd; git read-tree $1; git update-index --add "    \
	"--cacheinfo 100644,$(echo $2 | git hash-object -w --stdin),$2; git write-tree); }; "      \
	"t=$(n $t l1); p=$(printf 'tree %s\\nparent %s\\nauthor J\\366rg <j@example.org> "         \
	"1600000000 +0530\\ncommitter J <j@example.org> 1600000000 +0530\\nencoding "              \
	"ISO-8859-1\\n\\nGr\\366\\337e\\n\\nF\\374r alle.\\n' $t $(git rev-parse main) | c); "     \
	"t=$(n $t l2); p=$(printf 'tree %s\\nparent %s\\nauthor A  B <a@b> 1600000001 "            \
	"-0000\\ncommitter J <j@example.org> 1600000000 +0530\\ngpgsig -----BEGIN PGP "            \
	"SIGNATURE-----\\n \\n abc\\n -----END PGP SIGNATURE-----\\nHG:extra x\\n\\n  subject "    \
	"\\n# not a comment\\n\\n\\n\\nbody\\t\\n\\n\\n' $t $p | c); "                             \
	"t=$(n $t l3); p=$(printf 'tree %s\\nparent %s\\nauthor <x> <x@example.org> 1 "            \
	"+0000\\ncommitter J <j@example.org> 1600000000 +0530\\nencoding nonsense-8\\n\\nno "      \
	"newline \\377' $t $p | c); t=$(n $t l4); p=$(printf 'tree %s\\nparent %s\\nauthor E "     \
	"<e@example.org> 1600000002 +0000\\ncommitter J <j@example.org> 1600000000 +0530\\n\\n' "  \
	"$t $p | c); git branch -f later $p; git checkout -q main; git branch -f topic $p; echo "  \
	"m >m; git add m; git commit -qm m"

static void author_dates_encoding_and_message_stay(void **state)
{
	struct fx *f = *state;
	autofree char *base = NULL, *head = NULL, *was = NULL, *is = NULL, *raw = NULL;
	autojson json_t *a = NULL, *log = NULL;
	const json_t *first;
	const char *commit;

	work(f, ODD, &base, &head);
	a = candidate(f, base, head, "rebase");
	assert_string_equal(json_str(a, "outcome", ""), "built");
	commit = json_str(a, "commit", "");
	was = fx_sh(f, "git -C app.git log --format='%%an|%%ae|%%ad|%%e|%%B|' topic~4..topic");
	is = fx_sh(f, "git -C app.git log --format='%%an|%%ae|%%ad|%%e|%%B|' %s~4..%s", commit,
		   commit);
	assert_string_equal(is, was);
	fx_run(f, "git -C app.git log -1 --format=%%s %s~3 | grep -qx 'Größe'", commit);
	log = fx_ok(f, "{s:s,s:s,s:I}", "op", "log", "commit", commit, "max", (json_int_t)4);
	first = json_array_get(json_object_get(log, "commits"), 3);
	assert_string_equal(json_str(first, "subject", ""), "Größe");
	assert_string_equal(json_str(first, "author", ""), "Jörg <j@example.org>");
	assert_string_equal(json_str(first, "body", ""), "Für alle.");
	/* Signed was the old commit. */
	raw = fx_sh(f, "git -C app.git cat-file commit %s~2", commit);
	assert_null(strstr(raw, "gpgsig"));
	assert_null(strstr(raw, "HG:extra"));
	assert_non_null(strstr(raw, "committer Q <q@example.org> 1700000001 +0000\n"));
}

/* The committer's name is written in the commit's encoding, or nobody could read it. */
static void the_committer_is_written_in_the_commit_s_encoding(void **state)
{
	struct fx *f = *state;
	autofree char *base = NULL, *head = NULL, *who = NULL;
	autojson json_t *a = NULL;

	work(f,
	     "echo x >x; git add x; printf 'Gr\\366\\337e\\n' >../m; git -c "
	     "i18n.commitEncoding=ISO-8859-1 commit -q -F ../m; git checkout -q main; echo m >m; "
	     "git add m; git commit -qm m",
	     &base, &head);
	a = fx_ok(f, "{s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:s}", "op", "candidate", "base", base, "head",
		  head, "method", "rebase", "author_name", "Müller", "author_email", "q@e.org",
		  "time_ms", (json_int_t)1700000001000, "ref", "refs/yardmaster/cand/1");
	who = fx_sh(f, "git -C app.git log -1 --format='%%cn %%s' %s", json_str(a, "commit", ""));
	assert_string_equal(who, "Müller Größe");
}

/* ---- the real one ---- */

/* Branchy histories whose order matters; every commit that both keep has the same tree, author and message. */
static void histories_are_replayed_as_git_rebase_does(void **state)
{
	struct fx *f = *state;
	autofree char *base = NULL, *head = NULL, *git = NULL;

	work(f,
	     "w() { for i in 1 2 3; do echo \"$1 $i\" >>$1; git add $1; git commit -qm \"$1$i\"; "
	     "done; }; w a; git checkout -q -b side topic~2; w b; git checkout -q -b third "
	     "topic~1; w c; git checkout -q topic; git merge -q --no-edit side; w a; git merge -q "
	     "--no-edit third; w d; git checkout -q main; w m; git checkout -q topic; git merge "
	     "-q --no-edit main; w e; git checkout -q main; w n",
	     &base, &head);
	git = fx_sh(f, "cd src; git checkout -q -B by-git topic; git rebase -q main 2>&1; "
		       "git log --reverse --format=%%s main..by-git | tr '\\n' ' '");
	rebase_gives(f, base, head, git);
	fx_run(f, "test $(git -C app.git rev-parse refs/yardmaster/cand/1^{tree}) = $(git -C src "
		  "rev-parse by-git^{tree})");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		FX_TEST(what_a_merge_commit_changed_is_not_lost),
		FX_TEST(a_plain_merge_commit_is_left_out),
		FX_TEST(a_rebase_of_another_shape_is_not_believed),
		FX_TEST(a_step_that_conflicts_is_named),
		FX_TEST(unrelated_histories_are_refused_by_every_method),
		FX_TEST(a_git_that_crashes_is_named),
		FX_TEST(a_twin_that_does_not_apply_is_left_out_and_named),
		FX_TEST(a_twin_that_the_base_reverted_is_applied),
		FX_TEST(a_conflict_beside_a_twin_stays_one),
		FX_TEST(commits_that_were_empty_on_purpose_stay),
		FX_TEST(a_pr_that_changes_nothing_on_purpose_is_built),
		FX_TEST(what_is_there_already_has_its_own_word),
		FX_TEST(author_dates_encoding_and_message_stay),
		FX_TEST(the_committer_is_written_in_the_commit_s_encoding),
		FX_TEST(histories_are_replayed_as_git_rebase_does),
	};

	(void)argc;
	unpriv(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
