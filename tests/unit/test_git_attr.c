/*
 * test_git_attr.c - attributes: read as Git reads them, and the base's alone decide how a merge is made.
 *
 * YM_GIT=/path/to/git tries another version; YM_SEED and YM_ROUNDS as in test_git_merge.c.
 */
#include "git_fixture.h"

#include "git/attr.h"
#include "git/tree.h"

static uint64_t state_;

static unsigned rnd(unsigned n)
{
	state_ = state_ * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state_ >> 33) % n;
}

static unsigned from_env(const char *name, unsigned otherwise)
{
	const char *s = getenv(name);

	return s ? (unsigned)strtoul(s, NULL, 10) : otherwise;
}

#define PICK(a) ((a)[rnd(ARRAY_LEN(a))])

/* ---- reading ---- */

static const char *const dirs[] = {"", "a/", "a/b/", "a/b/c/", "a[b/", "d/"};
static const char *const files[] = {"x.c", "y.h", "ab", "a",   "b.c",
				    "[x]", "a b", "!n", "*.c", "\303\266.c"};

/* Now and then a whole path, else pieces; both often match something. */
static void add_pattern(struct buf *b)
{
	static const char *const pieces[] = {
		"*",     "**",          "/",      "a",    "b",        "x.c",  "[ab]", "[!a]",
		"[a-c]", "[[:alpha:]]", "?",      "**/",  "/**",      "\\*",  "\\[",  ".c",
		"[x",    "[]a]",        "[\\]a]", "[a-]", "[[:no:]]", "[[:]", "a*",   "*.c",
		"c",     ".",           "[^/]",   "\\",   "***",      "/**/"};

	if (rnd(4) == 0) {
		buf_addf(b, "%s%s%s", rnd(2) ? "/" : "", PICK(dirs), PICK(files));
		return;
	}
	for (unsigned n = 1 + rnd(4); n; n--)
		buf_adds(b, PICK(pieces));
}

static void add_states(struct buf *b)
{
	static const char *const words[] = {"merge",        "-merge",
					    "!merge",       "merge=union",
					    "merge=binary", "merge=own",
					    "text",         "-text",
					    "text=auto",    "eol=lf",
					    "eol=crlf",     "ident",
					    "-ident",       "filter=lfs",
					    "binary",       "-binary",
					    "!binary",      "one",
					    "two",          "-two",
					    "crlf=input",   "working-tree-encoding=utf8",
					    "other",        "-other=x",
					    "merge=",       "=bad",
					    "--bad",        "diff=x"};

	for (unsigned n = 1 + rnd(3); n; n--)
		buf_addf(b, "%s%s", rnd(5) ? " " : "\t ", rnd(40) ? words[rnd(25)] : PICK(words));
}

static char *attributes(void)
{
	struct buf b = BUF_INIT;

	if (rnd(30) == 0)
		buf_adds(&b, "\xef\xbb\xbf");
	for (unsigned n = 1 + rnd(8); n; n--) {
		unsigned kind = rnd(20);

		if (kind == 0)
			buf_adds(&b, "# note");
		else if (kind == 1)
			buf_addf(&b, "[attr]%s", rnd(3) ? "one" : rnd(2) ? "two" : "binary");
		else if (kind == 2)
			buf_addf(&b, "\"%s\\052.\\143\"", PICK(dirs));
		else
			add_pattern(&b);
		if (kind)
			add_states(&b);
		buf_adds(&b, rnd(10) ? "\n" : "\r\n");
	}
	return buf_steal(&b);
}

static void write_at(const char *dir, const char *sub, const char *name, const char *text)
{
	autofree char *folder = xasprintf("%s/%s", dir, sub);

	assert_int_equal(fs_mkdir_p(folder, 0755, NULL), 0);
	folder[strlen(folder) - (folder[strlen(folder) - 1] == '/')] = 0;
	{
		autofree char *path = path_join(folder, name);
		FILE *f = fopen(path, "w");

		assert_non_null(f);
		fputs(text, f);
		fclose(f);
	}
}

static const char *shown(const char *v)
{
	return v == gr_attr_set ? "set" : v == gr_attr_unset ? "unset" : v ? v : "unspecified";
}

static const char *const asked[GR_ATTRS] = {
	"merge", "text", "crlf", "eol", "ident", "working-tree-encoding", "filter"};

/* "path NUL attribute NUL value NUL" of every path, from Git and from us. */
static void git_says(struct fx *f, const struct buf *paths, struct buf *out)
{
	const char *args[] = {"-C", NULL, "check-attr", "-z", "--stdin", NULL, NULL,
			      NULL, NULL, NULL,         NULL, NULL,      NULL};
	autofree char *src = path_join(f->dir, "attr"), *git = path_join(src, ".git");
	struct err err = ERR_INIT;

	args[1] = src;
	for (size_t i = 0; i < GR_ATTRS; i++)
		args[5 + i] = asked[i];
	{
		autofree char *env = xasprintf("GIT_DIR=%s", git);
		const char *const envs[] = {env, NULL};

		if (gr_git(&f->g, NULL, envs, args, paths->s, paths->len, 60000, out, &err) != 0)
			print_error("%s\n", err_text(&err));
	}
	err_release(&err);
}

static void we_say(struct fx *f, const struct buf *paths, const char *commit, struct buf *out)
{
	struct gr_attr_tree *t;
	git_oid oid, tree;
	struct gr_repo *r;

	git_oid_fromstr(&oid, commit);
	assert_int_equal(gr_repo_open(&f->g, f->repo, &r, NULL), 0);
	assert_int_equal(gr_tree_of(r, &oid, &tree, NULL), 0);
	t = gr_attr_tree_new(r, &tree);
	for (const char *p = paths->s; p < paths->s + paths->len; p += strlen(p) + 1) {
		const char *v[GR_ATTRS];
		struct err err = ERR_INIT;
		int rc = gr_attr_tree_get(t, p, v, &err);

		if (rc < 0)
			print_error("%s\n", err_text(&err));
		assert_true(rc >= 0);
		for (size_t i = 0; i < GR_ATTRS; i++) {
			buf_add(out, p, strlen(p) + 1);
			buf_add(out, asked[i], strlen(asked[i]) + 1);
			/* Where versions of Git differ only the mark is asked for. */
			buf_add(out, shown(v[i]), strlen(shown(v[i])) + 1);
		}
	}
	gr_attr_tree_free(t);
}

/* The first answer that differs is shown. */
static bool same_words(const struct buf *git, const struct buf *ours, unsigned seed)
{
	const char *a = git->s, *b = ours->s, *path = "", *attr = "";

	if (git->len == ours->len && !memcmp(git->s, ours->s, git->len))
		return true;
	for (size_t i = 0; a < git->s + git->len && b < ours->s + ours->len; i++) {
		if (strcmp(a, b) != 0) {
			print_error("YM_SEED=%u: %s of '%s': git says %s, we say %s\n", seed, attr,
				    path, a, b);
			return false;
		}
		if (i % 3 == 0)
			path = a;
		if (i % 3 == 1)
			attr = a;
		a += strlen(a) + 1;
		b += strlen(b) + 1;
	}
	print_error("YM_SEED=%u: %zu bytes of git, %zu of ours\n", seed, git->len, ours->len);
	return false;
}

/* "a**" in front of any wildcard: Git before 2.52 and after read it differently. */
static bool doubtful(const char *text)
{
	for (const char *p = strstr(text, "**"); p; p = strstr(p + 2, "**"))
		if (p > text && !strchr("/\n*\r", p[-1]))
			return true;
	return false;
}

static void attributes_are_git_s(void **state)
{
	unsigned first = from_env("YM_SEED", 1),
		 rounds = from_env("YM_ROUNDS", getenv("YM_SEED") ? 1 : 20);
	cleanup(buf_release) struct buf paths = BUF_INIT;
	struct fx *f = *state;
	autofree char *src = path_join(f->dir, "attr");

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		for (size_t k = 0; k < ARRAY_LEN(files); k++) {
			buf_addf(&paths, "%s%s", dirs[i], files[k]);
			buf_addc(&paths, 0);
		}
	fx_run(f, "git init -q -b main attr; git init -q --bare -b main app.git");
	for (unsigned i = 0; i < rounds; i++) {
		cleanup(buf_release) struct buf git = BUF_INIT, ours = BUF_INIT;
		autofree char *commit = NULL;

		state_ = first + i;
		fx_run(f, "cd attr; find . -mindepth 1 -maxdepth 1 ! -name .git -exec rm -rf {} +");
		for (size_t k = 0; k < ARRAY_LEN(dirs); k++) {
			autofree char *text = attributes();

			write_at(src, dirs[k], "keep", "");
			if ((k == 0 || rnd(2)) && !doubtful(text))
				write_at(src, dirs[k], ".gitattributes", text);
		}
		commit = fx_sh(f, "cd attr; git add -A 2>/dev/null; git commit -qm x --allow-empty;"
				  "git push -qf ../app.git HEAD:main; git rev-parse HEAD");
		git_says(f, &paths, &git);
		we_say(f, &paths, commit, &ours);
		if (!same_words(&git, &ours, first + i)) {
			autofree char *all =
				fx_sh(f, "cd attr; grep -r . --include .gitattributes .");

			print_error("%s\n", all);
			fail();
		}
	}
}

/* ---- merging ---- */

static const char *const methods[] = {"merge", "squash", "rebase"};

/* Each method builds a candidate that the second opinion agrees with, or says conflict; *ret_oid is the last one's. */
static char *lands(struct fx *f, const char *base, const char *head, const char *want)
{
	char *commit = NULL;

	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		autojson json_t *c =
			fx_ok(f, "{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:s}", "op", "candidate", "base",
			      base, "head", head, "method", methods[i], "message", "m",
			      "author_name", "A", "author_email", "a@b", "time_ms",
			      (json_int_t)1000, "ref", "refs/yardmaster/candidates/1");
		autojson json_t *v = NULL;

		if (strcmp(json_str(c, "outcome", ""), want) != 0)
			print_error("%s: %s\n", methods[i], json_text(c));
		assert_string_equal(json_str(c, "outcome", ""), want);
		if (strcmp(want, "built") != 0)
			continue;
		free(commit);
		commit = xstrdup(json_str(c, "commit", ""));
		v = fx_ok(f, "{s:s,s:s,s:s,s:s,s:s}", "op", "verify", "base", base, "head", head,
			  "method", methods[i], "candidate", commit);
		if (!json_flag(v, "same"))
			print_error("%s: %s\n", methods[i], json_text(v));
		assert_true(json_flag(v, "same"));
	}
	return commit;
}

/* app.git as a clone of src, which is done with. */
static void publish(struct fx *f)
{
	autofree char *from = path_join(f->dir, "src/.git"), *config = path_join(f->repo, "config");
	git_config *c;

	gr_repo_forget(&f->g, f->repo);
	assert_int_equal(mkdir(f->repo, 0700), 0);
	git_copy(from, f->repo);
	assert_int_equal(git_config_open_ondisk(&c, config), 0);
	assert_int_equal(git_config_set_bool(c, "core.bare", 1), 0);
	git_config_free(c);
}

/* Two entries at one place of `path`, where the base's attributes are what `attributes` (a script) leaves. */
static void two_entries(struct fx *f, const char *path, const char *script, char **ret_base,
			char **ret_head)
{
	fx_run(f,
	       "rm -rf src app.git; git init -q -b main src; cd src; mkdir -p \"$(dirname '%s')\";"
	       "printf '# Changes\\n\\n' >'%s'; %s; git add -A; git commit -qm begin",
	       path, path, script);
	*ret_head = fx_sh(f,
			  "cd src; git checkout -qb head; echo '- two' >>'%s'; git commit -qam "
			  "two; git rev-parse HEAD",
			  path);
	*ret_base = fx_sh(f,
			  "cd src; git checkout -q main; echo '- one' >>'%s'; git commit -qam one; "
			  "git rev-parse HEAD",
			  path);
	publish(f);
}

static void the_base_s_attributes_decide(void **state)
{
	static const struct {
		const char *path, *attributes, *want;
	} cases[] = {
		{"CHANGES", ":", "conflict"},
		{"CHANGES", "echo 'CHANGES merge=union' >.gitattributes", "built"},
		{"CHANGES",
		 "echo '* merge=union' >.gitattributes; echo 'C* -merge' >>.gitattributes",
		 "conflict"},
		{"CHANGES",
		 "echo 'CHANGES merge=union' >.gitattributes; echo 'C* !merge' >>.gitattributes",
		 "conflict"},
		{"CHANGES", "echo 'CHANGES merge=own' >.gitattributes", "conflict"},
		{"CHANGES", "echo 'CHANGES binary' >.gitattributes", "conflict"},
		{"CHANGES", "printf '[attr]list merge=union\\n*S list\\n' >.gitattributes",
		 "built"},
		{"CHANGES", "printf '[attr]binary merge=union\\n*S binary\\n' >.gitattributes",
		 "built"},
		{"d/e/LOG", "echo 'LOG merge=union' >d/.gitattributes", "built"},
		{"d/e/LOG", "echo '/LOG merge=union' >d/.gitattributes", "conflict"},
		{"d/e/LOG",
		 "echo '* merge=union' >.gitattributes; echo 'LOG !merge' >d/e/.gitattributes",
		 "conflict"},
		{"d e/[x]/LOG", "echo '* merge=union' >'d e/[x]/.gitattributes'", "built"},
		{"d/LOG", "echo '* merge=union' >other; ln -s ../other d/.gitattributes",
		 "conflict"},
	};
	struct fx *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autofree char *base = NULL, *head = NULL, *made = NULL, *text = NULL;

		two_entries(f, cases[i].path, cases[i].attributes, &base, &head);
		made = lands(f, base, head, cases[i].want);
		if (!made)
			continue;
		text = fx_sh(f, "git -C app.git show '%s:%s'", made, cases[i].path);
		assert_string_equal(text, "# Changes\n\n- one\n- two");
	}
}

/* What both changed apart from each other is merged by lines, unless the base says that it has none. */
static void a_file_without_merge_conflicts(void **state)
{
	autofree char *base = NULL, *head = NULL, *made = NULL;
	struct fx *f = *state;

	for (int with = 0; with < 2; with++) {
		free(steal(&base));
		free(steal(&head));
		fx_run(f,
		       "rm -rf src app.git; git init -q -b main src; cd src; seq 20 >lock.json; %s"
		       "git add -A; git commit -qm begin",
		       with ? "echo 'lock.json -merge' >.gitattributes;" : "");
		head = fx_sh(f, "cd src; git checkout -qb head; sed -i s/^3$/x/ lock.json; git "
				"commit -qam two; git rev-parse HEAD");
		base = fx_sh(f, "cd src; git checkout -q main; sed -i s/^18$/y/ lock.json; git "
				"commit -qam one; git rev-parse HEAD");
		publish(f);
		free(lands(f, base, head, with ? "conflict" : "built"));
	}
	(void)made;
}

/* A pull request does not choose how it is merged: neither in its last commit nor in an earlier one. */
static void a_head_chooses_no_merge(void **state)
{
	autofree char *base = NULL, *head = NULL, *again = NULL;
	struct fx *f = *state;

	two_entries(f, "CHANGES", ":", &base, &head);
	again = fx_sh(f, "cd src; git checkout -q --detach main~1; echo 'CHANGES merge=union' "
			 ">.gitattributes; git add -A;"
			 "git commit -qm rules; echo '- two' >>CHANGES; git commit -qam two; git "
			 "push -q ../app.git HEAD:refs/heads/x;"
			 "git rev-parse HEAD");
	free(lands(f, base, again, "conflict"));
	free(steal(&base));
	free(steal(&head));
	free(steal(&again));

	/* nor does it take the base's away */
	two_entries(f, "CHANGES", "echo 'CHANGES merge=union' >.gitattributes", &base, &head);
	again = fx_sh(f, "cd src; git checkout -q --detach main~1; git rm -q .gitattributes;"
			 "git commit -qm rules; echo '- two' >>CHANGES; git commit -qam two; git "
			 "push -q ../app.git HEAD:refs/heads/x;"
			 "git rev-parse HEAD");
	free(lands(f, base, again, "built"));
}

/* The repository's HEAD may be on another branch, or further: Git 2.43 to 2.45 would read its attributes. */
static void head_of_the_repository_is_not_asked(void **state)
{
	autofree char *base = NULL, *head = NULL;
	struct fx *f = *state;

	two_entries(f, "CHANGES", ":", &base, &head);
	fx_run(f, "cd src; git checkout -q main; echo 'CHANGES merge=union' >.gitattributes; git "
		  "add -A;"
		  "git commit -qm later; git push -q ../app.git main");
	free(lands(f, base, head, "conflict"));
}

/* The name of a driver is never more than a name, whatever the repository's own configuration says. */
static void no_driver_is_run(void **state)
{
	autofree char *base = NULL, *head = NULL;
	struct fx *f = *state;

	two_entries(f, "CHANGES", "echo 'CHANGES merge=own' >.gitattributes", &base, &head);
	fx_run(f, "git -C app.git config merge.own.driver \"touch $PWD/ran\"");
	free(lands(f, base, head, "conflict"));
	fx_run(f, "test ! -e ran; test -z \"$(find app.git/objects -name 'tmp_objdir*')\"");
}

/* Rules without end are refused before Git is asked, in words. */
static void too_much_is_refused(void **state)
{
	autofree char *base = NULL, *head = NULL;
	struct fx *f = *state;

	two_entries(f, "CHANGES",
		    "{ yes '*.c text' | head -c 1100000; echo; echo 'CHANGES merge=union'; } "
		    ">.gitattributes",
		    &base, &head);
	{
		autojson json_t *a =
			fx_ask(f, "{s:s,s:s,s:s}", "op", "merge", "base", base, "head", head);

		assert_string_equal(fx_error(a), "limit");
	}
}

/* ---- submodules ---- */

static char *make_lib(struct fx *f)
{
	return fx_sh(f,
		     "git init -q -b main lib; cd lib; for i in 1 2 3; do echo $i >v; git add v; "
		     "git commit -qm v$i; git tag v$i; done; git checkout -q -b side v1; echo s "
		     ">s; git add s; git commit -qm side; git tag side; cd ..; mkdir repos; "
		     "git clone -q --bare lib repos/lib.git");
}

/* One submodule with the commits v1, v2, v3 in a line and `side` off v1; `main` has v1. */
static void sub_world(struct fx *f, const char *url)
{
	free(fx_once(f, make_lib));
	fx_run(f,
	       "git init -q -b main src; cd src;"
	       "printf '[submodule \"lib\"]\n\tpath = dep/lib\n\turl = %%s\n' \"%s\" "
	       ">.gitmodules; git add .gitmodules;"
	       "git update-index --add --cacheinfo 160000,$(git -C ../lib rev-parse v1),dep/lib; "
	       "git commit -qm begin; git config yardmaster.submodules local;"
	       "rm -f ../app.git; ln -s repos/app.git ../app.git",
	       url);
	publish(f);
}

static char *sub_at(struct fx *f, const char *tag)
{
	return fx_sh(f,
		     "cd src; git checkout -q --detach main 2>/dev/null; git update-index "
		     "--cacheinfo 160000,$(git -C ../lib rev-parse %s),dep/lib;"
		     "git commit -qm %s; git push -q ../repos/app.git HEAD:refs/heads/at-%s; git "
		     "rev-parse HEAD",
		     tag, tag, tag);
}

static void a_submodule_only_moves_forward(void **state)
{
	struct fx *f = *state;
	autofree char *repo = path_join(f->dir, "repos/app.git"), *v2 = NULL, *v3 = NULL,
		      *side = NULL, *made = NULL, *at = NULL;

	free(f->repo);
	f->repo = steal(&repo);
	sub_world(f, "../lib.git");
	v2 = sub_at(f, "v2");
	v3 = sub_at(f, "v3");
	side = sub_at(f, "side");
	made = lands(f, v2, v3, "built");
	at = fx_sh(f, "git -C repos/app.git rev-parse %s:dep/lib; git -C lib rev-parse v3", made);
	assert_true(strlen(at) == 81 && !memcmp(at, at + 41, 40));
	/* the base is further already */
	free(lands(f, v3, v2, "empty"));
	free(lands(f, v2, side, "conflict"));
}

/* Not a repository of this machine's forge, an address of elsewhere, or one that the head chose: as before. */
static void a_submodule_of_elsewhere_conflicts(void **state)
{
	static const char *const urls[] = {"https://example.invalid/lib.git",
					   "file:///etc",
					   "lib.git",
					   "../../../../etc",
					   "ext::touch ran",
					   "../lib.git"};
	struct fx *f = *state;
	autofree char *repo = path_join(f->dir, "repos/app.git");

	free(f->repo);
	f->repo = steal(&repo);
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		autofree char *v2 = NULL, *v3 = NULL;

		fx_run(f, "rm -rf lib repos src");
		gr_repo_forget(&f->g, f->repo);
		sub_world(f, urls[i]);
		if (i + 1 == ARRAY_LEN(urls))
			fx_run(f, "git -C repos/app.git config --unset yardmaster.submodules");
		v2 = sub_at(f, "v2");
		v3 = sub_at(f, "v3");
		free(lands(f, v2, v3, "conflict"));
	}
	fx_run(f, "test ! -e ran");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		FX_TEST(attributes_are_git_s),
		FX_TEST(the_base_s_attributes_decide),
		FX_TEST(a_file_without_merge_conflicts),
		FX_TEST(a_head_chooses_no_merge),
		FX_TEST(head_of_the_repository_is_not_asked),
		FX_TEST(no_driver_is_run),
		FX_TEST(too_much_is_refused),
		FX_TEST(a_submodule_only_moves_forward),
		FX_TEST(a_submodule_of_elsewhere_conflicts),
	};

	(void)argc;
	unpriv(argv);
	if (getenv("YM_TEST")) /* one of them, or "a_sub*" */
		cmocka_set_test_filter(getenv("YM_TEST"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
