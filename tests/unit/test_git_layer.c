/* test_git_layer.c - layers of set-up steps; signing; maintenance; ignore rules and names. */
#include "git_fixture.h"

#include "git/ignore.h"
#include "git/names.h"

static json_t *layer(struct fx *f, const char *op, const char *head, const char *path)
{
	autofree char *full = path_join(f->dir, path);
	autofree char *to = path_join(f->dir, "layers/l1");

	return fx_ok(f, "{s:s,s:s,s:s,s:s}", "op", op, "commit", head, "path", full, "layer", to);
}

/* Holes and further names take no room where the run was measured, and all of it in a copy. */
static void a_layer_is_no_bomb(void **state)
{
	static const char *const scripts[] = {
		"for i in $(seq 20); do truncate -s 30M hole$i; done",
		"head -c 2000000 /dev/zero >big; for i in $(seq 20); do ln big name$i; done",
	};
	struct fx *f = *state;
	autofree char *head = fx_seed(f), *from = path_join(f->dir, "w1");
	autofree char *to = path_join(f->dir, "layers/l1");

	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		autojson json_t *a = NULL;

		fx_run(f, "rm -rf w1; git clone -q app.git w1; cd w1; %s", scripts[i]);
		a = fx_ask(f, "{s:s,s:s,s:s,s:s,s:I}", "op", "layer-save", "commit", head, "path",
			   from, "layer", to, "max_bytes", (json_int_t)20000000);
		assert_string_equal(fx_error(a), "limit");
		fx_run(f, "test -z \"$(ls -A layers)\"");
	}
}

static void a_layer_is_kept_and_laid(void **state)
{
	struct fx *f = *state;
	autofree char *head = fx_seed(f);
	autojson json_t *none = NULL;
	autojson json_t *saved = NULL;
	autojson json_t *again = NULL;
	autojson json_t *laid = NULL;
	autojson json_t *twice = NULL;

	fx_run(f,
	       "mkdir outside; echo s >outside/secret; git clone -q app.git w1; git clone -q "
	       "app.git "
	       "w2; cd w1; none=x; mkdir -p m/bin; echo 1 >m/bin/tool; chmod 755 m/bin/tool; ln -s "
	       "bin/tool m/t; ln -s %s/outside m/out; mkfifo m/pipe; echo gen >src/gen.c; touch -d "
	       "2001-01-01 m/bin/tool; echo changed >README; chmod u+s m/bin/tool; cd ../w2; echo "
	       "mine >src/gen.c",
	       f->dir);
	none = layer(f, "layer-apply", head, "w2");
	assert_false(json_flag(none, "found"));
	saved = layer(f, "layer-save", head, "w1");
	/* what is not in the commit, and nothing else; the worktree goes on as it was */
	fx_run(f, "test \"$(cd layers/l1; find . | sort | tr '\\n' ' ')\" = '. ./m ./m/bin "
		  "./m/bin/tool "
		  "./m/out ./m/t ./src ./src/gen.c '; test -x w1/m/bin/tool; test $(ls layers | wc "
		  "-l) = 1; echo later >w1/m/later");
	again = layer(f, "layer-save", head, "w1");
	fx_run(f, "test ! -e layers/l1/m/later");
	laid = layer(f, "layer-apply", head, "w2");
	assert_true(json_flag(laid, "found"));
	twice = layer(f, "layer-apply", head, "w2");
	assert_true(json_flag(twice, "found"));
	fx_run(f,
	       "cd w2; test -x m/bin/tool; test ! -u m/bin/tool; test \"$(readlink m/t)\" = "
	       "bin/tool;"
	       "test \"$(stat -c %%y m/bin/tool | cut -c1-4)\" = 2001; test -L m/out; test \"$(cat "
	       "src/gen.c)\" = mine; test ! -e m/pipe; test \"$(cat README)\" = read");
}

/* A link in the place of a layer's folder is not walked through. */
static void a_layer_does_not_follow_links(void **state)
{
	struct fx *f = *state;
	autofree char *head = fx_seed(f);
	autojson json_t *saved = NULL;
	autojson json_t *laid = NULL;

	fx_run(f,
	       "mkdir outside; git clone -q app.git w1; git clone -q app.git w2; mkdir w1/m; echo "
	       "x "
	       ">w1/m/planted; ln -s %s/outside w2/m",
	       f->dir);
	saved = layer(f, "layer-save", head, "w1");
	laid = layer(f, "layer-apply", head, "w2");
	fx_run(f, "test -z \"$(ls outside)\"");
}

static void maintenance_packs_and_keeps(void **state)
{
	struct fx *f = *state;
	autofree char *head = fx_seed(f);
	autofree char *orphan = fx_sh(f, "cd app.git; echo young | git hash-object -w --stdin");
	autofree char *old =
		fx_sh(f, "cd app.git; o=$(echo old | git hash-object -w --stdin); touch -d "
			 "'30 days ago' objects/$(echo $o | cut -c1-2)/$(echo $o | cut "
			 "-c3-); echo $o");
	autojson json_t *a = NULL;

	/* A lock that a killed pack-refs left must not end maintenance for ever. */
	fx_run(f, "cd app.git; echo x >packed-refs.lock; >refs/heads/main.lock; touch -d '1 hour "
		  "ago' packed-refs.lock refs/heads/main.lock; for l in '? packed-refs' '? *'; do "
		  "echo \"$(date -d '2 hours ago' +%%s)000000000 $l\"; done >yardmaster.locks");
	a = fx_ok(f, "{s:s}", "op", "maintain");
	autojson json_t *ref = fx_ok(f, "{s:s,s:s}", "op", "ref", "ref", "refs/heads/main");
	autojson json_t *file = fx_ok(f, "{s:s,s:s,s:s,s:i}", "op", "file", "commit", head, "path",
				      "README", "max", 10);

	assert_string_equal(json_str(ref, "oid", ""), head);
	assert_true(json_flag(file, "found"));
	fx_run(f,
	       "cd app.git; test -s packed-refs; git cat-file -e %s; ! git cat-file -e %s "
	       "2>/dev/null; git fsck",
	       orphan, old);
}

static void a_commit_is_signed(void **state)
{
	struct fx *f = *state;
	autofree char *head = fx_seed(f);
	autofree char *path = path_join(f->dir, "trees/t1");
	autofree char *gitdir = path_join(f->dir, "private/t1");
	autofree char *key = path_join(f->dir, "key");
	autofree char *missing = path_join(f->dir, "nokey");

	fx_run(f,
	       "ssh-keygen -q -t ed25519 -N '' -f key -C ym; echo \"a@b $(cat key.pub)\" >allowed");
	json_decref(fx_ok(f, "{s:s,s:s,s:s,s:s,s:s,s:s}", "op", "worktree-add", "name", "t1",
			  "path", path, "gitdir", gitdir, "branch", "yardmaster/t1", "start",
			  head));
	fx_run(f, "echo x >trees/t1/new");
	for (int i = 0; i < 3; i++) {
		autojson json_t *a =
			fx_ask(f, "{s:s,s:s,s:s,s:s,s:s,s:s,s:[s],s:i,s:i,s:i,s:s,s:s,s:s,s:I,s:s}",
			       "op", "worktree-commit", "name", "t1", "path", path, "branch",
			       "yardmaster/t1", "parent", head, "base", head, "allow", "**",
			       "max_file_bytes", 1000, "max_files", 10, "max_bytes", 10000,
			       "message", "signed", "author_name", "A", "author_email", "a@b",
			       "time_ms", (json_int_t)1700000001000, "sign_key", i ? key : missing);

		if (!i) {
			assert_false(json_flag(a, "ok"));
			continue;
		}
		assert_string_equal(json_str(a, "outcome", ""), "committed");
		fx_run(f,
		       "cd app.git; test $(git rev-parse yardmaster/t1) = %s; git -c "
		       "gpg.ssh.allowedSignersFile=../allowed verify-commit yardmaster/t1 2>&1 | "
		       "grep "
		       "-q 'Good \"git\" signature for a@b'",
		       json_str(a, "commit", ""));
	}
}

/* Question k about rules i: a path as a file, or for an odd k as a folder. */
static void ask_later(const char *top, size_t i, size_t k, const char *rules, const char *path,
		      struct buf *asked)
{
	autofree char *dir = xasprintf("%s/%zu-%zu", top, i, k), *full = path_join(dir, path),
		      *file = path_join(dir, ".gitignore"), *up = xstrdup(full);

	*strrchr(up, '/') = 0;
	assert_int_equal(fs_mkdir_p(k % 2 ? full : up, 0755, NULL), 0);
	if (k % 2 == 0)
		assert_int_equal(fs_write_atomic(full, "", 0, 0644, NULL), 0);
	assert_int_equal(fs_write_atomic(file, rules, strlen(rules), 0644, NULL), 0);
	buf_addf(asked, "%zu-%zu/%s", i, k, path);
	buf_addc(asked, 0);
}

static bool we_ignore(const char *rules, const char *path, bool is_dir)
{
	struct gr_ignore ig;
	bool ours = false;

	gr_ignore_init(&ig, NULL, 0);
	gr_ignore_add(&ig, rules, strlen(rules));
	/* A file is ignored with the folder that it is in. */
	for (const char *p = strchr(path, '/'); p && !ours; p = strchr(p + 1, '/')) {
		autofree char *up = xstrndup(path, (size_t)(p - path));

		ours = gr_ignored(&ig, up, true);
	}
	ours = ours || gr_ignored(&ig, path, is_dir);
	gr_ignore_release(&ig);
	return ours;
}

/* The rules of gitignore(5), compared with `git check-ignore`. */
static void ignore_rules_are_git_s(void **state)
{
	static const char *const files[] = {"*.log\n!keep.log\n/top\nsub/only\n",
					    "build/\n**/deep/*.o\na/**/z\nabc/**\n",
					    "[a-c]x\n[!a-c]y\n\\#hash\n\\!bang\nsp\\ \ntrail  \n",
					    "*\n!*.c\n!*/\n",
					    "foo*bar\n*a*b*c\n?\n",
					    "a/b/\n!a/b/keep\n**\n!x\n",
					    "/a/*\n!/a/b\n\xef\xbb\xbf\161\n",
					    "dir/\ndir\n/*/c.o\n",
					    "a[\n[]]x\n[a-\n*.[oa]\n"};
	static const char *const paths[] = {
		"x.log",      "keep.log", "a/x.log", "top",      "a/top",        "sub/only",
		"a/sub/only", "build",    "a/build", "deep/x.o", "a/b/deep/x.o", "a/z",
		"a/b/c/z",    "abc",      "abc/d",   "ax",       "dx",           "dy",
		"ay",         "#hash",    "!bang",   "sp ",      "trail",        "foobar",
		"foo1bar",    "foo/bar",  "xaybzc",  "q",        "ab/keep",      "a/b",
		"a/b/keep",   "a/c",      "x",       "dir",      "z/c.o",        "z/y/c.o",
		"a[",         "]x",       "m.o",     "m.a",      "m.c",          "d/m.c"};
	cleanup(buf_release) struct buf asked = BUF_INIT, ignored = BUF_INIT_MAX((size_t)1 << 20);
	struct fx *f = *state;
	autofree char *top = path_join(f->dir, "w"), *list = path_join(f->dir, "asked"),
		      *answer = path_join(f->dir, "ignored");
	const char *next;

	/* Each question has a folder of its own, with the rules and the path alone: so Git can be asked all at once. */
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		for (size_t k = 0; k < 2 * ARRAY_LEN(paths); k++)
			ask_later(top, i, k, files[i], paths[k / 2], &asked);
	assert_int_equal(fs_write_atomic(list, asked.s, asked.len, 0644, NULL), 0);
	fx_run(f, "git init -q w; cd w; git -c core.excludesFile=/dev/null check-ignore --no-index "
		  "-z --stdin <../asked >../ignored");
	assert_int_equal(fs_read(answer, (size_t)1 << 20, &ignored, NULL), 0);
	next = ignored.s;
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		for (size_t k = 0; k < 2 * ARRAY_LEN(paths); k++) {
			autofree char *name = xasprintf("%zu-%zu/%s", i, k, paths[k / 2]);
			bool git = next < ignored.s + ignored.len && !strcmp(next, name);
			bool ours = we_ignore(files[i], paths[k / 2], k % 2);

			next += git ? strlen(next) + 1 : 0;
			if (ours != git)
				fail_msg("rules %zu, %s '%s': git says %s", i,
					 k % 2 ? "folder" : "file", paths[k / 2],
					 git ? "yes" : "no");
		}
	assert_ptr_equal(next, ignored.s + ignored.len);
}

/* A pattern that backtracking would take for ever over. */
static void hostile_patterns_are_quick(void **state)
{
	struct gr_ignore ig;
	cleanup(buf_release) struct buf pattern = BUF_INIT;
	cleanup(buf_release) struct buf path = BUF_INIT;

	(void)state;
	for (int i = 0; i < 40; i++)
		buf_adds(&pattern, "**/*a*a*a*a*a/");
	buf_adds(&pattern, "x\n");
	for (int i = 0; i < 200; i++)
		buf_adds(&path, "aaaaaaaaaaaaaaaaaaa/");
	buf_adds(&path, "b");
	gr_ignore_init(&ig, NULL, 0);
	gr_ignore_add(&ig, pattern.s, pattern.len);
	for (int i = 0; i < 10; i++)
		assert_false(gr_ignored(&ig, path.s, false));
	gr_ignore_release(&ig);
}

static void names_that_mean_git(void **state)
{
	static const char *const yes[] = {".git",
					  ".GIT",
					  ".gIt",
					  "git~1",
					  "GIT~1",
					  ".git ",
					  ".git...",
					  ".git. .",
					  ".git:x",
					  ".git::$INDEX_ALLOCATION",
					  ".g\xe2\x80\x8cit",
					  "\xef\xbb\xbf.git",
					  ".git\xe2\x80\xae",
					  "a\\.git",
					  ".git\\config",
					  "git~1:x"};
	static const char *const no[] = {".gitignore", "git",          ".gi",   "git~2",
					 ".git-x",     "x.git",        "..git", ".gitx",
					 "git~11",     "\xc3\xbc.git", "a\\b"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(yes); i++)
		assert_true(gr_name_is_dotgit(yes[i], strlen(yes[i])));
	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		assert_false(gr_name_is_dotgit(no[i], strlen(no[i])));
	assert_true(gr_link_stays_inside("../a", 4, 1));
	assert_false(gr_link_stays_inside("../a", 4, 0));
	assert_false(gr_link_stays_inside("a/../b", 6, 3));
	assert_false(gr_link_stays_inside("/a", 2, 3));
	assert_false(gr_link_stays_inside("", 0, 3));
	assert_true(gr_link_stays_inside("./a/b..", 7, 0));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		FX_TEST(a_layer_is_no_bomb),
		FX_TEST(a_layer_is_kept_and_laid),
		FX_TEST(a_layer_does_not_follow_links),
		FX_TEST(maintenance_packs_and_keeps),
		FX_TEST(a_commit_is_signed),
		FX_TEST(ignore_rules_are_git_s),
		cmocka_unit_test(hostile_patterns_are_quick),
		cmocka_unit_test(names_that_mean_git),
	};

	(void)argc;
	unpriv(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
