/* test_git_checkout.c - what a gate and an agent find: a clone as CI makes one, and files as a checkout by Git leaves them. */
#include "git_fixture.h"

/* Git on the private directory, with the objects where they are outside the sandbox. */
#define INSIDE                                                                                     \
	"export GIT_DIR=$PWD/run/c1.git GIT_WORK_TREE=$PWD/run/c1 "                                \
	"GIT_ALTERNATE_OBJECT_DIRECTORIES=$PWD/app.git/objects; cd run/c1;"

static json_t *checkout(struct fx *f, const char *commit, const char *base)
{
	autofree char *path = path_join(f->dir, "run/c1"),
		      *gitdir = path_join(f->dir, "run/c1.git");

	return fx_ok(f, "{s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "op", "checkout", "commit", commit, "path",
		     path, "gitdir", gitdir, "base_branch", "main", "base_oid", base, "origin",
		     "https://yardmaster.invalid/local/app.git");
}

/* What people's gates ask Git for. */
static void a_gate_sees_a_clone_like_ci_s(void **state)
{
	struct fx *f = *state;
	autofree char *base = fx_seed(f), *tip = NULL;

	fx_run(f,
	       "cd src; git tag -a v1.0 -m one; git tag light; git push -q ../app.git v1.0 light");
	tip = fx_sh(f, "cd src; git checkout -q -b topic; echo new >new.txt; git add -A; git "
		       "commit -qm new;"
		       "git push -q ../app.git topic; git rev-parse HEAD");
	json_decref(checkout(f, tip, base));
	fx_run(f,
	       INSIDE
	       "test \"$(git describe --tags)\" = v1.0-1-g%.7s; test \"$(git tag -l | xargs)\" = "
	       "'light v1.0';"
	       "test \"$(git rev-parse v1.0^{commit} main origin/main origin/HEAD | sort -u)\" = "
	       "%s;"
	       "test $(git merge-base HEAD origin/main) = %s;"
	       "test \"$(git diff --name-only origin/main...HEAD)\" = new.txt;"
	       "test \"$(git rev-parse --abbrev-ref HEAD)\" = HEAD; test $(git rev-parse HEAD) = "
	       "%s;"
	       "test \"$(git rev-parse --is-shallow-repository)\" = false;"
	       "test \"$(git remote get-url origin)\" = https://yardmaster.invalid/local/app.git;"
	       "test -n \"$(git config user.name)$(git config user.email)\";"
	       "test -z \"$(git status --porcelain 2>/dev/null)\"; git fsck --no-dangling "
	       ">/dev/null 2>&1;"
	       "! git rev-parse -q --verify topic; git fetch origin 2>/dev/null && exit 1;"
	       "git checkout -q -b mine main; git commit -q --allow-empty -m mine",
	       tip, base, base, tip);
}

static void an_agent_sees_the_same(void **state)
{
	struct fx *f = *state;
	autofree char *base = fx_seed(f), *path = path_join(f->dir, "run/c1"),
		      *gitdir = path_join(f->dir, "run/c1.git");

	fx_run(f, "git -C app.git tag v2 main");
	json_decref(fx_ok(f, "{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "op", "worktree-add", "name",
			  "t1", "path", path, "gitdir", gitdir, "branch", "yardmaster/t1", "start",
			  base, "base_branch", "main", "base_oid", base, "origin",
			  "https://x.invalid/a/b"));
	fx_run(f,
	       INSIDE
	       "test \"$(git describe --tags)\" = v2; test $(git rev-parse origin/main) = %s;"
	       "test \"$(git rev-parse --abbrev-ref HEAD)\" = yardmaster/t1;"
	       "test -z \"$(git status --porcelain 2>/dev/null)\"",
	       base);
}

/*
 * A folder for each line of attributes, in it one file for each kind of contents; blobs are put into the index as they are. A
 * clone by Git is what is expected.
 */
static char *every_conversion(struct fx *f)
{
	fx_run(f, "mkdir kinds; cd kinds; printf 'a\\nb\\n' >lf; printf 'a\\r\\nb\\r\\n' >crlf; "
		  "printf 'a\\r\\nb\\n' >mixed;"
		  "printf 'a\\rb\\n' >cr; printf 'a\\0\\nb\\n' >nul; printf "
		  "'a\\n\\001\\002\\003\\n' >odd; : >empty;"
		  "printf 'a\\n\\032' >dos; printf 'no end' >noend; printf 'gr\\303\\274n "
		  "\\342\\202\\254\\n' >utf8;"
		  "printf 'x $Id$ y $Id: old $ z $Id: a b c $ $Id:$ $Id\\n$Id: x\\n$ $Idx$ "
		  "$$Id$\\n' >ident;"
		  "printf '$Id' >ident2; printf 'p $Id: q' >ident3; printf '\\377\\376 bad\\n' "
		  ">latin");
	return fx_sh(
		f, "git init -q -b main src; cd src; i=0; while read -r line; do i=$((i + 1)); "
		   "mkdir a$i; cp ../kinds/* a$i; done <<'X'\n"
		   "text\n-text\ntext=auto\neol=crlf\neol=lf\ntext eol=crlf\n-text "
		   "eol=crlf\ntext=auto eol=crlf\ntext=auto eol=lf\n"
		   "crlf\n-crlf\ncrlf=input\ncrlf=input eol=crlf\nident\nident eol=crlf\nident "
		   "-ident\nbinary eol=crlf\n"
		   "text "
		   "working-tree-encoding=UTF-16LE\nworking-tree-encoding=UTF-16\nworking-tree-"
		   "encoding=utf16le-bom eol=crlf\n"
		   "working-tree-encoding=UTF-32BE "
		   "ident\nworking-tree-encoding=ISO-8859-1\nworking-tree-encoding=no-such\n"
		   "working-tree-encoding=utf8 text\nfilter=other text eol=crlf\ntext=x "
		   "eol=crlf\n!text eol=lf\nX\n"
		   "git add -A; git commit -qm raw; i=0; for line in text -text text=auto eol=crlf "
		   "eol=lf 'text eol=crlf' '-text eol=crlf' "
		   "'text=auto eol=crlf' 'text=auto eol=lf' crlf -crlf crlf=input 'crlf=input "
		   "eol=crlf' ident 'ident eol=crlf' "
		   "'ident -ident' 'binary eol=crlf' 'text working-tree-encoding=UTF-16LE' "
		   "working-tree-encoding=UTF-16 "
		   "'working-tree-encoding=utf16le-bom eol=crlf' 'working-tree-encoding=UTF-32BE "
		   "ident' "
		   "working-tree-encoding=ISO-8859-1 working-tree-encoding=no-such "
		   "'working-tree-encoding=utf8 text' "
		   "'filter=other text eol=crlf' 'text=x eol=crlf' '!text eol=lf'; do i=$((i + 1));"
		   "printf '* %%s\\n.gitattributes -working-tree-encoding !working-tree-encoding "
		   "-text -eol -ident\\n' \"$line\" >a$i/.gitattributes;"
		   "git update-index --add a$i/.gitattributes; done; git commit -qm rules;"
		   "git clone -q --bare . ../app.git; git clone -q . ../clone 2>/dev/null; git "
		   "rev-parse HEAD");
}

static void files_are_as_git_checks_them_out(void **state)
{
	struct fx *f = *state;
	autofree char *head = every_conversion(f);
	autojson json_t *a = checkout(f, head, head);

	assert_string_equal(json_str(a, "filters", ""), "other");
	fx_run(f, "diff -r -x .git clone run/c1");
}

/* The way back: what an agent wrote becomes what `git add` makes of it. */
static void work_is_committed_as_git_adds_it(void **state)
{
	struct fx *f = *state;
	autofree char *head = every_conversion(f), *path = path_join(f->dir, "run/c1"),
		      *gitdir = path_join(f->dir, "run/c1.git"), *want = NULL;
	autojson json_t *a = NULL;

	json_decref(fx_ok(f, "{s:s,s:s,s:s,s:s,s:s,s:s}", "op", "worktree-add", "name", "t1",
			  "path", path, "gitdir", gitdir, "branch", "yardmaster/t1", "start",
			  head));
	/* no-such and latin have no way back, and stay untouched */
	want = fx_sh(f,
		     "for d in clone run/c1; do (cd $d; for i in $(seq 1 17) 24 25 26 27; do"
		     "  for k in lf crlf mixed cr nul odd empty dos ident utf8; do printf "
		     "'more\\r\\n$Id: mine $\\n' >>a$i/$k; done;"
		     "  cp a$i/crlf a$i/new; done;"
		     "  for i in 19 20 21 22; do for k in lf utf8; do e=$(sed -n "
		     "'1s/.*encoding=\\([^ ]*\\).*/\\1/p' a$i/.gitattributes);"
		     "    [ $e = utf16le-bom ] && { printf '\\377\\376' >a$i/$k; e=UTF-16LE; } "
		     "|| : >a$i/$k;"
		     "    printf 'gr\\303\\274n\\r\\n$Id: mine $\\n' | iconv -f UTF-8 -t $e "
		     ">>a$i/$k; done; done); done;"
		     "cd clone; for i in $(seq 1 17) 24 25 26 27; do for k in lf crlf mixed cr nul "
		     "odd empty dos ident utf8 new; do git add a$i/$k; done; done 2>/dev/null;"
		     "git add a19/lf a20/lf a21/lf a22/lf a19/utf8 a20/utf8 a21/utf8 a22/utf8 "
		     "2>/dev/null; git write-tree");
	a = fx_ok(f, "{s:s,s:s,s:s,s:s,s:s,s:s,s:[s],s:[],s:[],s:i,s:i,s:i,s:s,s:s,s:s,s:I}", "op",
		  "worktree-commit", "name", "t1", "path", path, "branch", "yardmaster/t1",
		  "parent", head, "base", head, "allow", "**", "protect", "except",
		  "max_file_bytes", 100000, "max_files", 1000, "max_bytes", 1000000, "message", "m",
		  "author_name", "A", "author_email", "a@b", "time_ms", (json_int_t)1700000002000);
	if (strcmp(json_str(a, "tree", ""), want) != 0) {
		autofree char *d = fx_sh(f,
					 "cd clone; git fetch -q ../app.git yardmaster/t1; git "
					 "diff --stat %s FETCH_HEAD",
					 want);

		print_error("%s\n%s\n", json_text(a), d);
	}
	assert_string_equal(json_str(a, "tree", ""), want);
}

/* What cannot be what its attribute says is refused with the file's name, where git add would stop. */
static void what_is_in_no_encoding_is_refused(void **state)
{
	struct fx *f = *state;
	autofree char *head = NULL, *path = path_join(f->dir, "run/c1"),
		      *gitdir = path_join(f->dir, "run/c1.git");
	autojson json_t *a = NULL;

	head = fx_sh(f, "git init -q -b main src; cd src; echo '*.u text "
			"working-tree-encoding=UTF-16' >.gitattributes; git add -A;"
			"git commit -qm x; git clone -q --bare . ../app.git; git rev-parse HEAD");
	json_decref(fx_ok(f, "{s:s,s:s,s:s,s:s,s:s,s:s}", "op", "worktree-add", "name", "t1",
			  "path", path, "gitdir", gitdir, "branch", "yardmaster/t1", "start",
			  head));
	fx_run(f, "echo plain >run/c1/a.u");
	a = fx_ok(f, "{s:s,s:s,s:s,s:s,s:s,s:s,s:[s],s:[],s:[],s:i,s:i,s:i,s:s,s:s,s:s,s:I}", "op",
		  "worktree-commit", "name", "t1", "path", path, "branch", "yardmaster/t1",
		  "parent", head, "base", head, "allow", "**", "protect", "except",
		  "max_file_bytes", 100000, "max_files", 1000, "max_bytes", 1000000, "message", "m",
		  "author_name", "A", "author_email", "a@b", "time_ms", (json_int_t)1700000002000);
	assert_string_equal(json_str(a, "reason", ""), "encoding");
	assert_string_equal(json_str(a, "path", ""), "a.u");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		FX_TEST(a_gate_sees_a_clone_like_ci_s),
		FX_TEST(an_agent_sees_the_same),
		FX_TEST(files_are_as_git_checks_them_out),
		FX_TEST(work_is_committed_as_git_adds_it),
		FX_TEST(what_is_in_no_encoding_is_refused),
	};

	(void)argc;
	unpriv(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
