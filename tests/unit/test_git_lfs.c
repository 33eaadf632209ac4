/* test_git_lfs.c - files of Git LFS in checkouts and in what a task commits (git/lfs.h). The store is as `git lfs push` of
 * git-lfs 3.3.0 leaves it in a bare repository. */
#include "git_fixture.h"

#include "git/lfs.h"

#define BYTES "twelve bytes" /* what big.bin stands for */

/* A commit with big.bin, whose object is in the store, and plain.bin, which is no pointer; its id. */
static char *make(struct fx *f)
{
	autofree char *seed = fx_seed(f);

	return fx_sh(
		f,
		"cd src; printf '*.bin filter=lfs diff=lfs merge=lfs -text\\n' >.gitattributes; "
		"git config filter.lfs.smudge 'touch ../../ran'; "
		"printf '" BYTES "' >../bytes; o=$(sha256sum ../bytes | cut -c1-64); "
		"d=../app.git/lfs/objects/$(echo $o | cut -c1-2)/$(echo $o | cut -c3-4); "
		"mkdir -p $d; cp ../bytes $d/$o; "
		"echo $d/$o | sed 's|^\\.\\./||' >../object; "
		"printf 'version https://git-lfs.github.com/spec/v1\\noid sha256:%%s\\nsize 12\\n' "
		"$o >big.bin; echo raw >plain.bin; : >empty.bin; git add -A; git commit -qm lfs; "
		"git push -q ../app.git main; git rev-parse HEAD");
}

static json_t *checkout(struct fx *f, const char *commit, bool lfs)
{
	autofree char *path = path_join(f->dir, "run/c1"),
		      *gitdir = path_join(f->dir, "run/c1.git");

	return fx_ask(f, "{s:s,s:s,s:s,s:s,s:b}", "op", "checkout", "commit", commit, "path", path,
		      "gitdir", gitdir, "lfs", lfs);
}

static void assert_error(const json_t *a, const char *code, const char *text)
{
	const char *said = json_str(json_object_get(a, "error"), "text", "");

	assert_string_equal(fx_error(a), code);
	if (!strstr(said, text))
		fail_msg("found    %s\nexpected %s", said, text);
}

static void files_have_their_bytes(void **state)
{
	struct fx *f = *state;
	autofree char *head = make(f);
	autojson json_t *a = checkout(f, head, true);

	assert_true(json_flag(a, "ok"));
	fx_run(f, "cd run/c1; cmp big.bin ../../bytes; test \"$(cat plain.bin)\" = raw; "
		  "test ! -s empty.bin; test ! -e ../../ran; "
		  "export GIT_DIR=$PWD/../c1.git GIT_WORK_TREE=$PWD "
		  "GIT_ALTERNATE_OBJECT_DIRECTORIES=$PWD/../../app.git/objects; "
		  "test -z \"$(git status --porcelain)\"");
}

static void pointers_are_left_where_they_are_wanted(void **state)
{
	struct fx *f = *state;
	autofree char *head = make(f);
	autojson json_t *a = checkout(f, head, false);

	assert_true(json_flag(a, "ok"));
	assert_string_equal(json_str(a, "filters", ""), "lfs");
	fx_run(f, "head -n 1 run/c1/big.bin | grep -q '^version '");
}

static void a_missing_object_is_a_refusal(void **state)
{
	struct fx *f = *state;
	autofree char *head = make(f), *text = NULL;
	autojson json_t *a = NULL, *b = NULL;

	fx_run(f, "mv $(cat object) away");
	a = checkout(f, head, true);
	text = fx_sh(f,
		     "echo \"1 file is kept with Git LFS, and its object is not in "
		     "$PWD/app.git/lfs/objects: 'big.bin' (object $(basename $(cat object) | cut "
		     "-c1-12), 12 bytes). Put it there (\\`git lfs push --all $PWD/app.git\\` from "
		     "a clone that has it)\"");
	assert_error(a, "denied", text);
	fx_run(f, "mv away $(cat object)");
	b = checkout(f, head, true);
	assert_true(json_flag(b, "ok"));
}

/* Whoever pushed may have a hard link to it, and writes what he likes into the store. */
static void an_object_is_what_its_name_says(void **state)
{
	static const char *const spoilt[] = {"printf 'TWELVE BYTES' >$o", "printf short >$o",
					     "printf 'twelve bytes and more' >$o",
					     "rm $o; ln -s $PWD/bytes $o", "rm $o; mkfifo $o"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(spoilt); i++) {
		void *own;
		struct fx *f;
		autofree char *head = NULL;
		autojson json_t *a = NULL;

		assert_int_equal(fx_setup(&own), 0);
		f = own;
		head = make(f);
		fx_run(f, "o=$(cat object); chmod u+w $o; %s", spoilt[i]);
		a = checkout(f, head, true);
		assert_false(json_flag(a, "ok"));
		assert_error(a, fx_error(a), "file 'big.bin': LFS object ");
		fx_teardown(&own);
	}
}

static void a_pointer_is_known_by_its_form(void **state)
{
#define V    "version https://git-lfs.github.com/spec/v1\n"
#define HEX1 "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"
	static const struct {
		const char *text;
		bool is;
	} rows[] = {
		{V "oid sha256:" HEX1 "\nsize 12345\n", true},
		{V "oid sha256:" HEX1 "\nsize 12345", true},
		{"version https://hawser.github.com/spec/v1\noid sha256:" HEX1 "\nsize 1\n", true},
		{V "oid sha256:" HEX1 "\nsize 0\n", false},
		{V "oid sha256:" HEX1 "\nsize -1\n", false},
		{V "oid sha256:" HEX1 "\nsize 99999999999999999999\n", false},
		{V "oid sha256:" HEX1 "\nsize 1\nmore\n", false},
		{V
		 "oid sha256:../../../../etc/passwd0000000000000000000000000000000000000000\nsize "
		 "1\n",
		 false},
		{V "oid md5:" HEX1 "\nsize 1\n", false},
		{V "size 1\noid sha256:" HEX1 "\n", false},
		{"version https://example.org/spec/v1\noid sha256:" HEX1 "\nsize 1\n", false},
		{"", false},
		{"version", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct gr_lfs l;

		if (gr_lfs_pointer(rows[i].text, strlen(rows[i].text), &l) != rows[i].is)
			fail_msg("row %zu: %s", i, rows[i].text);
	}
}

/* ---- what a task commits ---- */

static json_t *commit(struct fx *f, const char *head)
{
	autofree char *path = path_join(f->dir, "run/t1");

	return fx_ask(f, "{s:s,s:s,s:s,s:s,s:s,s:s,s:[s],s:[],s:[],s:i,s:i,s:i,s:s,s:s,s:s,s:I}",
		      "op", "worktree-commit", "name", "t1", "path", path, "branch",
		      "yardmaster/t1", "parent", head, "base", head, "allow", "**", "protect",
		      "except", "max_file_bytes", 100000, "max_files", 100, "max_bytes", 1000000,
		      "message", "m", "author_name", "A", "author_email", "a@b", "time_ms",
		      (json_int_t)1700000002000);
}

static void a_task_leaves_them_as_they_were(void **state)
{
	static const struct {
		const char *script, *outcome, *reason;
	} rows[] = {
		{"touch big.bin", "unchanged", ""},
		{"cp big.bin x; rm big.bin; mv x big.bin", "unchanged", ""},
		{"echo more >>big.bin", "refused", "lfs"},
		{"printf 'TWELVE BYTES' >big.bin", "refused", "lfs"},
		{"echo new >new.bin", "refused", "lfs"},
		{"rm big.bin", "committed", ""},
		{"echo more >>plain.bin", "committed", ""},
		{": >new.bin", "committed", ""},
		{"git -C ../../src show main:big.bin >copy.bin", "committed", ""},
		{"chmod +x big.bin", "committed", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		void *own;
		struct fx *f;
		autofree char *head = NULL, *path = NULL, *gitdir = NULL;
		autojson json_t *a = NULL, *b = NULL;

		assert_int_equal(fx_setup(&own), 0);
		f = own;
		head = make(f);
		path = path_join(f->dir, "run/t1");
		gitdir = path_join(f->dir, "run/t1.git");
		a = fx_ok(f, "{s:s,s:s,s:s,s:s,s:s,s:s,s:b}", "op", "worktree-add", "name", "t1",
			  "path", path, "gitdir", gitdir, "branch", "yardmaster/t1", "start", head,
			  "lfs", 1);
		fx_run(f, "cd run/t1; cmp big.bin ../../bytes; %s", rows[i].script);
		b = commit(f, head);
		if (strcmp(json_str(b, "outcome", ""), rows[i].outcome) ||
		    strcmp(json_str(b, "reason", ""), rows[i].reason)) {
			autofree char *text = json_text(b);

			fail_msg("%s: %s", rows[i].script, text);
		}
		fx_teardown(&own);
	}
}

/* A mode is the file's, the bytes stay a pointer. */
static void no_bytes_get_into_a_commit(void **state)
{
	struct fx *f = *state;
	autofree char *head = make(f), *path = path_join(f->dir, "run/t1"),
		      *gitdir = path_join(f->dir, "run/t1.git");
	autojson json_t *a = NULL;

	json_decref(fx_ok(f, "{s:s,s:s,s:s,s:s,s:s,s:s,s:b}", "op", "worktree-add", "name", "t1",
			  "path", path, "gitdir", gitdir, "branch", "yardmaster/t1", "start", head,
			  "lfs", 1));
	fx_run(f, "cd run/t1; chmod +x big.bin; touch big.bin");
	a = commit(f, head);
	assert_string_equal(json_str(a, "outcome", ""), "committed");
	fx_run(f, "test $(git -C app.git rev-parse yardmaster/t1:big.bin) = $(git -C src rev-parse "
		  "main:big.bin)");
}

static void a_repository_brings_its_objects(void **state)
{
	struct fx *f = *state;
	autofree char *head = make(f), *from = NULL, *repo = NULL;

	/* In a clone they are below .git, in a bare repository beside the refs. */
	fx_run(f, "mkdir -p src/.git/lfs; cp -r app.git/lfs/objects src/.git/lfs/; "
		  "mkdir -p src/.git/lfs/objects/zz; echo no >src/.git/lfs/objects/zz/no");
	for (int bare = 0; bare < 2; bare++) {
		from = path_join(f->dir, bare ? "app.git" : "src");
		repo = path_join(f->dir, bare ? "two.git" : "one.git");
		json_decref(fx_ok(f, "{s:s,s:s,s:s,s:s}", "op", "import", "repo", repo, "base",
				  "main", "from", from));
		fx_run(f,
		       "cd %s; cmp ../bytes $(sed s,^app.git/,, ../object); test ! -e "
		       "lfs/objects/zz",
		       repo);
		free(steal(&from));
		free(steal(&repo));
	}
	(void)head;
}

/* No hard link leads from one file system to another, and copy_file_range() does not either. */
static void a_repository_elsewhere_brings_them_too(void **state)
{
	struct fx *f = *state;
	autofree char *head = make(f), *far = xstrdup("/dev/shm/ym-lfs-XXXXXX");
	autofree char *from = NULL, *repo = path_join(f->dir, "far.git");
	autojson json_t *a = NULL;

	(void)head;
	if (!mkdtemp(far)) { /* no other file system: it is brought all the same */
		free(far);
		far = xasprintf("%s/far-XXXXXX", f->dir);
		assert_non_null(mkdtemp(far));
	}
	from = path_join(far, "src");
	fx_run(f, "mkdir -p src/.git/lfs; cp -r app.git/lfs/objects src/.git/lfs/; cp -r src %s",
	       from);
	a = fx_ask(f, "{s:s,s:s,s:s,s:s}", "op", "import", "repo", repo, "base", "main", "from",
		   from);
	fx_run(f, "rm -rf %s", far);
	if (!json_flag(a, "ok"))
		fail_msg("%s", json_str(json_object_get(a, "error"), "text", ""));
	fx_run(f, "cd far.git; cmp ../bytes $(sed s,^app.git/,, ../object)");
}

/* ---- of a network ---- */

#define URL "https://forge.example/o/app.git"

static json_t *checkout_from(struct fx *f, const char *op, const char *commit, const char *url,
			     const char *fetched)
{
	autofree char *path = path_join(f->dir, "run/c1"),
		      *gitdir = path_join(f->dir, "run/c1.git");

	return fx_ask(f, "{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:b,s:s*,s:[s*]}", "op", op, "commit",
		      commit, "start", commit, "name", "t1", "branch", "yardmaster/t1", "path",
		      path, "gitdir", gitdir, "lfs", true, "lfs_url", url, "fetched", fetched);
}

/* What is not in the store is wanted once, with the credential of the forge, and is had afterwards. */
static void what_is_missing_is_asked_for(void **state)
{
	static const char *const ops[] = {"checkout", "worktree-add"};
	struct fx *f = *state;
	autofree char *head = make(f);

	fx_run(f, "mv $(cat object) away");
	free(steal(&head));
	head = fx_sh(f, "cd src; cp big.bin same.bin; git add -A; git commit -qm two; git push -q "
			"../app.git main; git rev-parse HEAD");
	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		autojson json_t *a = checkout_from(f, ops[i], head, URL, NULL);
		autojson json_t *b = checkout_from(f, ops[i], head, URL, "lfs " URL);
		autojson json_t *c = NULL;
		const json_t *want = json_array_get(json_object_get(a, "fetch"), 0), *o;

		assert_string_equal(json_str(a, "outcome", ""), "wants");
		assert_int_equal(json_array_size(json_object_get(a, "fetch")), 1);
		assert_string_equal(json_str(want, "op", ""), "lfs");
		assert_string_equal(json_str(want, "repo", ""), f->repo);
		assert_string_equal(json_str(want, "url", ""), URL);
		assert_string_equal(json_str(want, "as", ""), "lfs " URL);
		assert_true(json_flag(want, "credential"));
		assert_int_equal(json_array_size(json_object_get(want, "objects")), 1);
		o = json_array_get(json_object_get(want, "objects"), 0);
		assert_int_equal(json_int(o, "size", 0), 12);
		assert_string_equal(json_str(o, "path", ""), "big.bin");
		assert_error(b, "denied",
			     "2 files are kept with Git LFS, and their objects are not");
		fx_run(f, "cp away $(cat object)");
		c = checkout_from(f, ops[i], head, URL, "lfs " URL);
		assert_true(json_flag(c, "ok") && !json_str(c, "outcome", NULL));
		fx_run(f,
		       "cmp run/c1/big.bin bytes; cmp run/c1/same.bin bytes; rm -r $(cat object) "
		       "run");
	}
}

/* Nothing is asked for that is too large, or from where nothing can be had. */
static void what_cannot_be_fetched_is_a_refusal(void **state)
{
	struct fx *f = *state;
	autofree char *head = make(f);
	autojson json_t *ssh = NULL;
	autojson json_t *large = NULL;

	fx_run(f, "rm $(cat object)");
	ssh = checkout_from(f, "checkout", head, "ssh://git@forge.example/o/app.git", NULL);
	assert_error(ssh, "denied", "1 file is kept with Git LFS, and its object is not in ");
	free(steal(&head));
	head = fx_sh(f,
		     "cd src; sed -i 's/size 12/size 4294967297/' big.bin; git commit -qam large; "
		     "git push -q ../app.git main; git rev-parse HEAD");
	large = checkout_from(f, "checkout", head, URL, NULL);
	assert_error(large, "denied", "objects of at most 4 GiB are fetched");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		FX_TEST(files_have_their_bytes),
		FX_TEST(pointers_are_left_where_they_are_wanted),
		FX_TEST(a_missing_object_is_a_refusal),
		cmocka_unit_test(an_object_is_what_its_name_says),
		cmocka_unit_test(a_pointer_is_known_by_its_form),
		cmocka_unit_test(a_task_leaves_them_as_they_were),
		FX_TEST(no_bytes_get_into_a_commit),
		FX_TEST(a_repository_brings_its_objects),
		FX_TEST(a_repository_elsewhere_brings_them_too),
		FX_TEST(what_is_missing_is_asked_for),
		FX_TEST(what_cannot_be_fetched_is_a_refusal),
	};

	(void)argc;
	unpriv(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
