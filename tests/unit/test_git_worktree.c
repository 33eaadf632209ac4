/* test_git_worktree.c - worktrees and checkouts, and commits from files that an enemy wrote. */
#include "git_fixture.h"

struct wt {
	struct fx *f;
	char *head, *path, *gitdir;
};

static void wt_open(struct wt *w, struct fx *f)
{
	autojson json_t *a = NULL;

	*w = (struct wt){.f = f, .head = fx_seed(f)};
	w->path = path_join(f->dir, "trees/t1");
	w->gitdir = path_join(f->dir, "private/t1");
	a = fx_ok(f, "{s:s,s:s,s:s,s:s,s:s,s:s}", "op", "worktree-add", "name", "t1", "path",
		  w->path, "gitdir", w->gitdir, "branch", "yardmaster/t1", "start", w->head);
	assert_string_equal(json_str(a, "head", ""), w->head);
}

static void wt_close(struct wt *w)
{
	free(w->head);
	free(w->path);
	free(w->gitdir);
}

struct policy {
	const char *allow, *protect, *except;
	int file_bytes, files, bytes;
};

static const struct policy open_policy = {"**", ".github/**", "none", 100000, 100, 1000000};

static json_t *wt_commit_on(struct wt *w, const char *parent, const struct policy *p)
{
	return fx_ask(w->f,
		      "{s:s,s:s,s:s,s:s,s:s,s:s,s:[s],s:[s],s:[s],s:i,s:i,s:i,s:s,s:s,s:s,s:I,s:n}",
		      "op", "worktree-commit", "name", "t1", "path", w->path, "branch",
		      "yardmaster/t1", "parent", parent, "base", w->head, "allow", p->allow,
		      "protect", p->protect, "except", p->except, "max_file_bytes", p->file_bytes,
		      "max_files", p->files, "max_bytes", p->bytes, "message", "Fix it\n\nTask: t1",
		      "author_name", "Agent", "author_email", "agent@example.org", "time_ms",
		      (json_int_t)1700000002000, "sign_key");
}

static json_t *wt_commit(struct wt *w)
{
	return wt_commit_on(w, w->head, &open_policy);
}

static void assert_outcome(const json_t *a, const char *outcome)
{
	if (strcmp(json_str(a, "outcome", ""), outcome)) {
		autofree char *text = json_text(a);

		print_error("%s\n", text);
	}
	assert_string_equal(json_str(a, "outcome", ""), outcome);
}

static void assert_refused(const json_t *a, const char *reason, const char *path)
{
	assert_outcome(a, "refused");
	assert_string_equal(json_str(a, "reason", ""), reason);
	if (path)
		assert_string_equal(json_str(a, "path", ""), path);
	assert_true(strlen(json_str(a, "text", "")) > 5);
}

static void worktree_has_the_files_and_a_private_directory(void **state)
{
	struct wt w;

	wt_open(&w, *state);
	fx_run(w.f,
	       "test $(stat -c %%a trees/t1) = 700; cd trees/t1; test -x run.sh;"
	       "test \"$(readlink docs/link)\" = ../README; test \"$(cat docs/x.md)\" = x;"
	       "test $(git rev-parse HEAD) = %s; test -z \"$(git status --porcelain)\";"
	       "test $(git symbolic-ref HEAD) = refs/heads/yardmaster/t1;"
	       /* as the sandbox sees it, with the objects somewhere else */
	       "cat ../../private/t1/objects/info/alternates | grep -qx /yard/objects;"
	       "export GIT_DIR=$PWD/../../private/t1 GIT_ALTERNATE_OBJECT_DIRECTORIES=$PWD/"
	       "../../app.git/objects GIT_WORK_TREE=$PWD;"
	       "test -z \"$(git status --porcelain 2>/dev/null)\"; git commit -q --allow-empty "
	       "-m mine 2>/dev/null;"
	       "test $(git rev-parse HEAD) != %s; test $(git --git-dir ../../app.git rev-parse "
	       "yardmaster/t1) = %s",
	       w.head, w.head, w.head);
	wt_close(&w);
}

static void add_again_finds_the_work(void **state)
{
	autojson json_t *a = NULL;
	struct wt w;

	wt_open(&w, *state);
	fx_run(w.f, "echo work >trees/t1/work");
	a = fx_ok(w.f, "{s:s,s:s,s:s,s:s,s:s,s:s}", "op", "worktree-add", "name", "t1", "path",
		  w.path, "gitdir", w.gitdir, "branch", "yardmaster/t1", "start", w.head);
	assert_string_equal(json_str(a, "head", ""), w.head);
	fx_run(w.f, "test -e trees/t1/work");
	wt_close(&w);
}

/* What a role leaves that was killed before the index was in place. */
static void a_half_made_worktree_is_made_anew(void **state)
{
	autojson json_t *a = NULL;
	struct wt w;

	wt_open(&w, *state);
	fx_run(w.f, "rm app.git/worktrees/t1/index; rm trees/t1/README; >app.git/worktrees/t1/"
		    "index.new; >app.git/worktrees/t1/index.new.lock; echo x >trees/t1/junk");
	a = fx_ok(w.f, "{s:s,s:s,s:s,s:s,s:s,s:s}", "op", "worktree-add", "name", "t1", "path",
		  w.path, "gitdir", w.gitdir, "branch", "yardmaster/t1", "start", w.head);
	fx_run(w.f, "test -e trees/t1/README; test ! -e trees/t1/junk");
	wt_close(&w);
}

static void changes_become_a_commit_once(void **state)
{
	autojson json_t *a = NULL;
	autojson json_t *again = NULL;
	autojson json_t *more = NULL;
	autojson json_t *same = NULL;
	const char *commit;
	struct wt w;

	wt_open(&w, *state);
	fx_run(w.f, "cd trees/t1; echo 8 >>src/a.c; rm src/b.c; mkdir -p src/deep/er; echo n "
		    ">src/deep/er/new.c; chmod +x README; echo noise >x.log; echo n >src/y.log;"
		    "ln -s a.c src/alias");
	a = wt_commit(&w);
	assert_outcome(a, "committed");
	commit = json_str(a, "commit", "");
	assert_int_equal(json_array_size(json_object_get(a, "files")), 5);
	again = wt_commit(&w);
	assert_true(json_equal(a, again));
	fx_run(w.f,
	       "cd app.git; test $(git rev-parse yardmaster/t1) = %s;"
	       "test \"$(git diff-tree -r --name-status %s yardmaster/t1 | tr '\\t\\n' '  ')\" = "
	       "'M README M src/a.c A src/alias D src/b.c A src/deep/er/new.c ';"
	       "test \"$(git log -1 --format='%%an <%%ae> %%ct %%B' yardmaster/t1)\" = "
	       "'Agent <agent@example.org> 1700000002 Fix it\n\nTask: t1'; git fsck "
	       "--no-dangling",
	       commit, w.head);
	same = wt_commit_on(&w, commit, &open_policy);
	assert_outcome(same, "committed");
	assert_string_equal(json_str(same, "commit", ""), commit);
	fx_run(w.f, "echo 9 >>trees/t1/src/a.c");
	more = wt_commit_on(&w, commit, &open_policy);
	assert_outcome(more, "committed");
	fx_run(w.f, "test $(git -C app.git rev-parse yardmaster/t1~1) = %s", commit);
	wt_close(&w);
}

static char *joined(const json_t *list)
{
	cleanup(strvec_release) struct strvec v = STRVEC_INIT;
	const json_t *o;
	size_t i;

	json_array_foreach (list, i, o)
		strvec_push(&v, json_string_value(o));
	return strvec_join(&v, " ");
}

static json_t *wt_commit_since(struct wt *w, int64_t since_ms)
{
	return fx_ask(
		w->f, "{s:s,s:s,s:s,s:s,s:s,s:s,s:[s],s:[s],s:[s],s:i,s:i,s:i,s:s,s:s,s:s,s:I,s:I}",
		"op", "worktree-commit", "name", "t1", "path", w->path, "branch", "yardmaster/t1",
		"parent", w->head, "base", w->head, "allow", "**", "protect", "x", "except", "x",
		"max_file_bytes", 100000, "max_files", 100, "max_bytes", 1000000, "message",
		"Fix it", "author_name", "Agent", "author_email", "agent@example.org", "time_ms",
		(json_int_t)1700000002000, "since_ms", (json_int_t)since_ms);
}

/* When a file was changed last; what is made after that, and a moment, is newer. */
static int64_t changed_ms(struct wt *w, const char *path)
{
	autofree char *full = path_join(w->path, path);
	struct stat st;

	assert_int_equal(lstat(full, &st), 0);
	return (int64_t)st.st_ctim.tv_sec * 1000 + st.st_ctim.tv_nsec / 1000000;
}

/* Of what is ignored only that which the run has made or changed: not what the set-up put there. */
static void what_is_ignored_is_named(void **state)
{
	autojson json_t *a = NULL;
	autojson json_t *none = NULL;
	autojson json_t *many = NULL;
	autofree char *names = NULL;
	struct wt w;

	wt_open(&w, *state); /* its .gitignore names *.log */
	fx_run(w.f,
	       "cd trees/t1; echo '/dist/' >>.gitignore; mkdir -p dist/deep; echo 1 >old.log; "
	       "echo 1 >dist/deep/old.js; echo 1 >dist/deep/again.js; sleep 0.02; echo 2 "
	       ">first.log; "
	       "echo 2 >dist/deep/new.js; echo 3 >>dist/deep/again.js; ln -s new.js dist/link; "
	       "touch -d 2001-01-01 dist/deep/new.js; echo work >src/new.c");
	a = wt_commit_since(&w, changed_ms(&w, "first.log"));
	assert_outcome(a, "committed");
	names = joined(json_object_get(a, "ignored"));
	assert_string_equal(names, "dist/deep/again.js dist/deep/new.js dist/link first.log");
	assert_false(json_flag(a, "ignored_more"));
	none = wt_commit_since(&w, 0);
	assert_int_equal(json_array_size(json_object_get(none, "ignored")), 0);
	fx_run(w.f, "cd trees/t1; for i in $(seq 30); do echo $i >dist/$i.js; done");
	many = wt_commit_since(&w, 1);
	assert_int_equal(json_array_size(json_object_get(many, "ignored")), 20);
	assert_true(json_flag(many, "ignored_more"));
	wt_close(&w);
}

/* Whatever a run did to its own Git directory, the next one has a sound one, and its files. */
static void a_broken_private_directory_is_made_anew(void **state)
{
	static const char *const ways[] = {
		"rm -rf private/t1", "rm private/t1/HEAD", "echo x >private/t1/config",
		">private/t1/index.lock",
		"rm -rf private/t1/objects; ln -s /etc private/t1/objects"};
	struct wt w;

	wt_open(&w, *state);
	fx_run(w.f, "echo work >trees/t1/src/new.c; echo 8 >>trees/t1/src/a.c");
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		autojson json_t *back = NULL;

		fx_run(w.f, "%s", ways[i]);
		back = fx_ok(w.f, "{s:s,s:s,s:s,s:s,s:b}", "op", "worktree-restore", "path", w.path,
			     "gitdir", w.gitdir, "commit", w.head, "keep_files", 1);
		fx_run(w.f,
		       "cd trees/t1; export GIT_DIR=$PWD/../../private/t1 "
		       "GIT_ALTERNATE_OBJECT_DIRECTORIES=$PWD/../../app.git/objects "
		       "GIT_WORK_TREE=$PWD; test $(git rev-parse HEAD) = %s; "
		       "test \"$(git status --porcelain 2>/dev/null | tr '\\n' ,)\" = "
		       "' M src/a.c,?? src/new.c,'",
		       w.head);
	}
	wt_close(&w);
}

static void no_change_is_unchanged(void **state)
{
	autojson json_t *a = NULL;
	struct wt w;

	wt_open(&w, *state);
	fx_run(w.f, "cd trees/t1; echo noise >x.log; touch src/a.c; mkdir empty");
	a = wt_commit(&w);
	assert_outcome(a, "unchanged");
	fx_run(w.f, "test $(git -C app.git rev-parse yardmaster/t1) = %s", w.head);
	wt_close(&w);
}

/* Same size, same time of last change, within the tick of the clock: still seen. */
static void a_change_that_hides_its_time_is_seen(void **state)
{
	autojson json_t *a = NULL;
	struct wt w;

	wt_open(&w, *state);
	fx_run(w.f, "cd trees/t1; cp -p README ../ref; printf 'REAL\\n' >README; touch -r ../ref "
		    "README");
	a = wt_commit(&w);
	assert_outcome(a, "committed");
	wt_close(&w);
}

/* Recorded and unchanged: taken. Changed within the tick of the clock in which the index was written:
 * not, although every number is the same. */
static void racily_clean_files_are_looked_at(void **state)
{
	struct fx *f = *state;
	autofree char *index = path_join(f->dir, "index");
	autofree char *file = path_join(f->dir, "file");
	cleanup(gr_stats_release) struct gr_stats s = {0};
	auto_git(git_index) *made = NULL;
	git_oid oid = {{1}};
	struct stat st;

	fx_run(f, "echo x >file");
	assert_int_equal(lstat(file, &st), 0);
	assert_int_equal(gr_stats_begin(index, &made, NULL), 0);
	assert_int_equal(gr_stats_add(made, "file", 0100644, &oid, &st, NULL), 0);
	assert_int_equal(gr_stats_finish(made, index, NULL), 0);
	assert_int_equal(gr_stats_load(index, &s, NULL), 0);
	s.stamp = st.st_ctim;
	assert_null(gr_stats_match(&s, "file", &st));
	s.stamp.tv_sec++;
	assert_non_null(gr_stats_match(&s, "file", &st));
	assert_null(gr_stats_match(&s, "other", &st));
	st.st_ctim.tv_nsec ^= 1;
	assert_null(gr_stats_match(&s, "file", &st));
}

/* A branch that somebody else moved is not overwritten. */
static void a_moved_branch_is_an_error(void **state)
{
	autojson json_t *a = NULL;
	struct wt w;

	wt_open(&w, *state);
	fx_run(w.f,
	       "echo x >>trees/t1/src/a.c; cd app.git; git update-ref refs/heads/yardmaster/t1 "
	       "$(git commit-tree -p %s -m other %s^{tree})",
	       w.head, w.head);
	a = wt_commit(&w);
	assert_string_equal(fx_error(a), "exists");
	wt_close(&w);
}

struct hostile {
	const char *script; /* in the worktree */
	const char *reason, *path;
};

/* Each line of the table of bad input that an agent's files can be. */
static const struct hostile hostiles[] = {
	{"mkdir -p .github/workflows; echo x >.github/workflows/ci.yml", "protected",
	 ".github/workflows/ci.yml"},
	{"mkdir -p .GitHub/Workflows; echo x >.GitHub/Workflows/ci.yml", "protected",
	 ".GitHub/Workflows/ci.yml"},
	{"mkdir d; ln -s d .github", "protected", ".github"},
	{"echo x >.GITHUB", "protected", ".GITHUB"},
	{"mkdir sub; git init -q sub; echo x >sub/f", "dot-git", "sub/.git"},
	{"mkdir sub; echo 'gitdir: /tmp' >sub/.git", "dot-git", "sub/.git"},
	{"mkdir .GIT; echo x >.GIT/config", "dot-git", ".GIT"},
	{"mkdir -p a/git~1; echo x >a/git~1/config", "dot-git", "a/git~1"},
	{"mkdir '.git '; echo x >'.git /config'", "dot-git", ".git "},
	{"mkdir .git.; echo x >.git./config", "dot-git", ".git."},
	{"echo x >.git::\\$INDEX_ALLOCATION", "dot-git", ".git::$INDEX_ALLOCATION"},
	{"printf x >$(printf '.g\\342\\200\\214it')", "dot-git", NULL},
	{"printf x >'a\\.git\\config'", "dot-git", NULL},
	{"rm .git; mkdir .git; echo x >.git/config", "dot-git", ".git"},
	{"rm .git; ln -s /etc .git", "dot-git", ".git"},
	{"ln -s /etc/passwd leak", "symlink", "leak"},
	{"ln -s ../../x leak", "symlink", "leak"},
	{"mkdir d; ln -s ../../x d/leak", "symlink", "d/leak"},
	{"mkdir d; ln -s sub/../../../x d/leak", "symlink", "d/leak"},
	{"ln -s docs/.git/hooks leak", "dot-git", "leak"},
	{"rm docs/link; ln -s /etc/passwd docs/link", "symlink", "docs/link"},
	{"ln -s x .gitmodules", "symlink", ".gitmodules"},
	{"printf x >$(printf 'a\\nb')x", "name", NULL},
	{"printf x >$(printf 'a\\033b')", "name", NULL},
	{"printf x >$(printf 'a\\377b')", "name", NULL},
	{"printf x >$(printf 'src/exe\\342\\200\\256txt.c')", "name", NULL},
	{"printf x >$(printf 'src/a\\342\\200\\213.c')", "name", NULL},
	{"mkdir $(printf '.hus\\342\\204\\252y'); printf x >$(printf '.hus\\342\\204\\252y/run')",
	 "name", NULL},
	{"rm src/a.c; mkfifo src/a.c", "special", "src/a.c"},
	{"head -c 200000 /dev/zero >big", "file-size", "big"},
	{"truncate -s 1T sparse", "file-size", "sparse"},
	{"for i in $(seq 101); do echo $i >f$i; done", "file-count", NULL},
	{"for i in 1 2 3 4 5 6 7 8 9 10 11; do head -c 99000 /dev/urandom >f$i; done", "total-size",
	 NULL},
	{"p=d; for i in $(seq 300); do p=$p/d; done; mkdir -p $p; echo x >$p/f", "name", NULL},
	{"head -c 300000 /dev/zero | tr '\\0' x >.gitignore", "file-size", ".gitignore"},
};

static void hostile_files_are_refused(void **state)
{
	struct wt w;

	wt_open(&w, *state);
	for (size_t i = 0; i < ARRAY_LEN(hostiles); i++) {
		const struct hostile *h = &hostiles[i];
		autojson json_t *a = NULL;
		autojson json_t *back = NULL;
		autojson json_t *clean = NULL;

		fx_run(w.f, "cd trees/t1; echo ok >>README; %s", h->script);
		a = wt_commit(&w);
		if (strcmp(json_str(a, "reason", ""), h->reason))
			print_error("script: %s\n", h->script);
		assert_refused(a, h->reason, h->path);
		fx_run(w.f, "test $(git -C app.git rev-parse yardmaster/t1) = %s", w.head);
		back = fx_ok(w.f, "{s:s,s:s,s:s,s:s}", "op", "worktree-restore", "path", w.path,
			     "gitdir", w.gitdir, "commit", w.head);
		clean = wt_commit(&w);
		assert_outcome(clean, "unchanged");
	}
	wt_close(&w);
}

/* What git itself does not track is left out, and what looks dangerous but is not is let through. */
static void harmless_things_pass(void **state)
{
	autojson json_t *a = NULL;
	struct wt w;

	wt_open(&w, *state);
	fx_run(w.f, "cd trees/t1; mkfifo pipe; mkdir d; ln -s ../src/./a.c d/ok; echo x >.gitx;"
		    "echo x >git~2; echo x >'sp ace'; chmod 000 README; echo "
		    "node/ >>.gitignore; mkdir -p node/m/.git; echo x >node/m/.git/config; "
		    "echo u >$(printf '\\303\\274')");
	a = wt_commit(&w);
	assert_outcome(a, "committed");
	fx_run(w.f,
	       "cd app.git; test \"$(git -c core.quotePath=false diff-tree -r --name-only %s "
	       "yardmaster/t1 | tr '\\n' ' ')\" = '.gitignore .gitx d/ok git~2 sp ace \303\274 '",
	       w.head);
	wt_close(&w);
}

/* The agent's Git configuration, hooks, attributes and filters are never run. */
static void nothing_of_the_worktree_is_executed(void **state)
{
	autojson json_t *a = NULL;
	struct wt w;

	wt_open(&w, *state);
	fx_run(w.f,
	       "cd trees/t1; echo '* filter=evil text=auto eol=crlf ident' >.gitattributes;"
	       "printf 'dos\\r\\n$Id$\\n' >crlf.txt; cd ../../private/t1; git config -f config "
	       "core.fsmonitor 'touch %s/ran'; git config -f config filter.evil.clean 'touch "
	       "%s/ran; cat'; mkdir -p hooks; printf '#!/bin/sh\\ntouch %s/ran\\n' "
	       ">hooks/pre-commit; chmod +x hooks/pre-commit; echo \"gitdir: $PWD\" "
	       ">../../trees/t1/.git",
	       w.f->dir, w.f->dir, w.f->dir);
	a = wt_commit(&w);
	assert_outcome(a, "committed");
	fx_run(w.f, "test ! -e ran; git -C app.git cat-file blob yardmaster/t1:crlf.txt >blob; "
		    /* what Git itself makes of line ends is no program of anybody's */
		    "printf 'dos\\n$Id$\\n' | cmp - blob");
	wt_close(&w);
}

/* The folder above a file was swapped for a link to a secret: the file counts as deleted and the
 * link is refused; nothing behind it is read. */
static void a_folder_swapped_for_a_link_is_not_followed(void **state)
{
	autojson json_t *a = NULL;
	struct wt w;

	wt_open(&w, *state);
	fx_run(w.f,
	       "mkdir secret; echo password >secret/a.c; cd trees/t1; rm -r src; ln -s %s/secret "
	       "src",
	       w.f->dir);
	a = wt_commit(&w);
	assert_refused(a, "symlink", "src");
	wt_close(&w);
}

/* A run owns its folder and can close it; that must be no failure of the machine's, tried for ever. */
static void a_closed_folder_is_opened(void **state)
{
	autojson json_t *a = NULL, *b = NULL;
	struct wt w;

	wt_open(&w, *state);
	fx_run(w.f, "cd trees/t1; echo x >>README; chmod 000 src docs; cd ..; chmod 000 t1 "
		    "../private/t1");
	a = wt_commit(&w);
	assert_outcome(a, "committed");
	fx_run(w.f, "chmod 000 trees/t1");
	b = fx_ok(w.f, "{s:s,s:s,s:s,s:s}", "op", "worktree-restore", "path", w.path, "gitdir",
		  w.gitdir, "commit", w.head);
	fx_run(w.f, "test \"$(git -C app.git show %s:README)\" = \"$(cat trees/t1/README)\"",
	       w.head);
	wt_close(&w);
}

static json_t *wt_rebase(struct wt *w, const char *head, const char *onto)
{
	return fx_ask(w->f, "{s:s,s:s,s:s,s:s,s:s}", "op", "worktree-rebase", "path", w->path,
		      "gitdir", w->gitdir, "head", head, "onto", onto);
}

/* A worktree with a commit of the agent's, which changes line 2 and does what EDIT, a shell command, does. *ret_head:
 * that commit. */
static void wt_open_with_work(struct wt *w, struct fx *f, const char *edit, char **ret_head)
{
	autojson json_t *a = NULL;

	wt_open(w, f);
	fx_run(f, "cd trees/t1; sed -i 's/two/ours/' src/a.c; %s", edit);
	a = wt_commit(w);
	assert_outcome(a, "committed");
	*ret_head = xstrdup(json_str(a, "commit", ""));
}

/* The base moves on by a commit of what EDIT does; its name, which the caller frees. */
static char *base_moves(struct wt *w, const char *edit)
{
	return fx_sh(w->f,
		     "cd src; %s; git commit -qam base; git push -q ../app.git HEAD:main; "
		     "git rev-parse HEAD",
		     edit);
}

/* Both changed line 2: the worktree has both, on the base; what is committed next follows on that. */
static void a_conflict_is_in_the_files(void **state)
{
	autojson json_t *b = NULL, *c = NULL;
	autofree char *head = NULL, *onto = NULL;
	struct wt w;

	wt_open_with_work(&w, *state, "echo new >src/new.c", &head);
	onto = base_moves(&w, "sed -i 's/two/theirs/' src/a.c; echo more >>README");
	fx_run(w.f, "cd trees/t1; echo left >left; echo log >a.log");
	for (int i = 0; i < 2; i++) { /* a second time, as after a crash: the same */
		autojson json_t *r = wt_rebase(&w, head, onto);
		const json_t *in = json_array_get(json_object_get(r, "conflicts"), 0);

		assert_outcome(r, "conflict");
		assert_int_equal(json_array_size(json_object_get(r, "conflicts")), 1);
		assert_string_equal(json_str(in, "path", ""), "src/a.c");
		fx_run(w.f,
		       "test $(git -C app.git rev-parse yardmaster/t1) = %s; cd trees/t1; "
		       "test \"$(sed -n '2,6p' src/a.c | cut -c1-7 | tr '\\n' ' ')\" = '<<<<<<< "
		       "theirs "
		       "======= ours >>>>>>> '; test \"$(cat src/new.c)\" = new; grep -q more "
		       "README; "
		       "test ! -e left; test -e a.log; cat "
		       "../../private/t1/refs/heads/yardmaster/t1 | grep -q %s",
		       onto, onto);
	}
	free(w.head);
	w.head = xstrdup(onto);
	c = wt_commit(&w);
	assert_refused(c, "conflict-marker", "src/a.c");
	fx_run(w.f, "cd trees/t1; sed -i '/^[<=>]\\{7\\}/d' src/a.c; printf '<<<<<<< HEAD\\n' "
		    ">about-markers");
	b = wt_commit(&w);
	assert_outcome(b, "committed");
	assert_int_equal(json_array_size(json_object_get(b, "files")), 3);
	fx_run(w.f, "test $(git -C app.git rev-parse yardmaster/t1^) = %s", onto);
	wt_close(&w);
}

/* A branch that somebody else has moved is left alone. */
static void a_rebase_does_not_lose_a_branch(void **state)
{
	autojson json_t *r = NULL;
	autofree char *head = NULL, *other = NULL;
	struct wt w;

	wt_open_with_work(&w, *state, "true", &head);
	other = fx_sh(w.f, "git -C app.git commit-tree -m other -p main main^{tree}");
	fx_run(w.f, "git -C app.git update-ref refs/heads/yardmaster/t1 %s", other);
	r = wt_rebase(&w, head, w.head);
	assert_string_equal(fx_error(r), "exists");
	fx_run(w.f,
	       "test $(git -C app.git rev-parse yardmaster/t1) = %s; grep -q ours trees/t1/src/a.c",
	       other);
	wt_close(&w);
}

static void a_rebase_without_a_conflict(void **state)
{
	autojson json_t *r = NULL;
	autofree char *head = NULL, *onto = NULL;
	struct wt w;

	wt_open_with_work(&w, *state, "true", &head);
	onto = base_moves(&w, "echo more >>README");
	r = wt_rebase(&w, head, onto);
	assert_outcome(r, "clean");
	fx_run(w.f, "cd trees/t1; grep -q ours src/a.c; grep -q more README");
	wt_close(&w);
}

/* A commit that was taken out of the base comes back by no merge of a head that follows on it, but by this one. */
static void what_was_taken_out_of_the_base_stays_out(void **state)
{
	autojson json_t *whole = NULL;
	autojson json_t *part = NULL;
	autofree char *good = NULL, *head = NULL, *secret = NULL;
	struct wt w;

	wt_open(&w, *state);
	good = xstrdup(w.head);
	secret = base_moves(&w, "mkdir -p src; echo hunter2 >src/secret; git add -A");
	part = fx_ok(w.f, "{s:s,s:s,s:s,s:s,s:s}", "op", "worktree-rebase", "path", w.path,
		     "gitdir", w.gitdir, "head", good, "onto", secret);
	free(w.head);
	w.head = xstrdup(secret);
	fx_run(w.f, "cd trees/t1; test -e src/secret; echo ours >>src/a.c; echo new >src/new.c");
	whole = wt_commit(&w);
	assert_outcome(whole, "committed");
	head = xstrdup(json_str(whole, "commit", ""));
	json_decref(part);
	part = fx_ok(w.f, "{s:s,s:s,s:s,s:s,s:s,s:s}", "op", "worktree-rebase", "path", w.path,
		     "gitdir", w.gitdir, "head", head, "onto", good, "from", secret);
	assert_outcome(part, "clean");
	fx_run(w.f,
	       "cd trees/t1; test ! -e src/secret; grep -q ours src/a.c; grep -q new src/new.c; "
	       "test $(git rev-parse HEAD) = %s",
	       good);
	wt_close(&w);
}

/* What a killed role, a killed git and a push that was cut off leave, and what is none of that. */
static void leftovers_are_swept(void **state)
{
	static const char *const gone =
		"objects/pack/pack_git2_a1 objects/pack/tmp_pack_b2 "
		"objects/pack/.tmp-7-pack-c3.pack objects/tmp_object_git2_d4 "
		"objects/ab/tmp_obj_e5 objects/tmp_objdir-merge-f6/x "
		"objects/tmp_objdir-incoming-g7/x worktrees/t7/HEAD";
	static const char *const kept = "objects/pack/pack-h8.pack objects/pack/tmp_pack_new "
					"objects/ab/cdef worktrees/t8/HEAD worktrees/t90/HEAD "
					"worktrees/mine/HEAD objects/tmp_objdir-incoming-new/x";
	autojson json_t *a = NULL;
	autojson json_t *b = NULL;
	struct fx *f = *state;
	struct wt w;

	wt_open(&w, f);
	fx_run(f,
	       "cd app.git; for p in %s %s; do mkdir -p $(dirname $p); echo x >$p; done;"
	       "find objects worktrees/t7 worktrees/t8 worktrees/t90 worktrees/mine "
	       "! -name '*new*' ! -path '*new/*' -exec touch -h -d 2001-01-01 {} +",
	       gone, kept);
	a = fx_ok(f, "{s:s,s:I,s:i,s:[s,s]}", "op", "sweep", "before_ms", (json_int_t)1000000000000,
		  "last", 20, "keep", "t1", "t8");
	assert_int_equal(json_int(a, "removed", 0), 8);
	fx_run(f,
	       "cd app.git; for p in %s; do test ! -e $p; done; for p in %s; do test -e $p; done; "
	       "test -e worktrees/t1/index",
	       gone, kept);
	b = fx_ok(f, "{s:s,s:I,s:i,s:[s]}", "op", "sweep", "before_ms", (json_int_t)1000000000000,
		  "last", 20, "keep", "t1");
	assert_int_equal(json_int(b, "removed", 0), 1); /* t8 is over now */
	wt_close(&w);
}

/* Rules on many levels times many files: an answer comes in time all the same. */
static void ignore_rules_have_a_limit(void **state)
{
	static const struct policy wide = {"**", ".github/**", "none", 1000000, 1000, 100000000};
	autojson json_t *a = NULL, *b = NULL;
	struct wt w;

	wt_open(&w, *state);
	fx_run(w.f, "cd trees/t1; echo '*.o' >.gitignore; perl -e 'for (1..20) { mkdir \"d\"; "
		    "chdir \"d\"; "
		    "open($h, \">\", \".gitignore\"); print $h \"a*b*c*d*$_*x\\n\" for 1..4000; } "
		    "for (1..6000) { open($h, \">\", \"aaaaabbbbbcccccdddddd$_.o\") }'");
	a = wt_commit_on(&w, w.head, &wide);
	assert_refused(a, "file-count", NULL);
	fx_run(w.f, "cd trees/t1; rm -r d");
	b = wt_commit_on(&w, w.head, &wide);
	assert_outcome(b, "committed");
	wt_close(&w);
}

static void globs_decide(void **state)
{
	static const struct {
		struct policy p;
		const char *reason; /* NULL: committed */
	} cases[] = {
		{{"src/**", ".github/**", "none", 1000, 10, 1000}, NULL},
		{{"docs/**", ".github/**", "none", 1000, 10, 1000}, "outside-allow"},
		{{"**", "src/**", "none", 1000, 10, 1000}, "protected"},
		{{"**", "src/**", "src/a.c", 1000, 10, 1000}, NULL},
		{{"docs/**", "src/**", "src/a.c", 1000, 10, 1000}, "outside-allow"},
	};
	struct wt w;

	wt_open(&w, *state);
	fx_run(w.f, "echo x >>trees/t1/src/a.c");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autojson json_t *a = wt_commit_on(&w, w.head, &cases[i].p);

		if (cases[i].reason)
			assert_refused(a, cases[i].reason, "src/a.c");
		else
			assert_outcome(a, "committed");
	}
	wt_close(&w);
}

/* The checks hold for the whole difference from base, not for the last round alone. */
static void a_later_round_does_not_hide_an_earlier_one(void **state)
{
	autojson json_t *first = NULL;
	autojson json_t *second = NULL;
	const struct policy docs = {"docs/**", ".github/**", "none", 1000, 10, 1000};
	struct wt w;

	wt_open(&w, *state);
	fx_run(w.f, "echo x >>trees/t1/src/a.c");
	first = wt_commit(&w);
	assert_outcome(first, "committed");
	fx_run(w.f, "echo x >>trees/t1/docs/x.md");
	second = wt_commit_on(&w, json_str(first, "commit", ""), &docs);
	assert_refused(second, "outside-allow", "src/a.c");
	wt_close(&w);
}

static void bad_identities_are_refused(void **state)
{
	static const char *const names[] = {"", "a\nb", "a<b", "a>b"};
	struct wt w;

	wt_open(&w, *state);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		autojson json_t *a = fx_ask(
			w.f,
			"{s:s,s:s,s:s,s:s,s:s,s:s,s:[s],s:[],s:[],s:i,s:i,s:i,s:s,s:s,s:s,s:I}",
			"op", "worktree-commit", "name", "t1", "path", w.path, "branch",
			"yardmaster/t1", "parent", w.head, "base", w.head, "allow", "**", "protect",
			"except", "max_file_bytes", 1, "max_files", 1, "max_bytes", 1, "message",
			"m", "author_name", names[i], "author_email", "a@b", "time_ms",
			(json_int_t)1);

		assert_string_equal(fx_error(a), "input");
	}
	wt_close(&w);
}

static void restore_brings_the_files_back(void **state)
{
	autojson json_t *a = NULL;
	struct wt w;

	wt_open(&w, *state);
	fx_run(w.f,
	       "mkdir outside; echo keep >outside/keep; cd trees/t1; rm -r src; ln -s %s/outside "
	       "src; rm README; mkdir -p README/x; echo junk >junk; mkdir jd; chmod 000 jd; echo "
	       "log >keep.log; rm run.sh; mkfifo run.sh; echo '!*.log' >.gitignore; rm .git; mkdir "
	       ".git; echo x >docs/x.md; rm -rf ../../private/t1/refs",
	       w.f->dir);
	a = fx_ok(w.f, "{s:s,s:s,s:s,s:s}", "op", "worktree-restore", "path", w.path, "gitdir",
		  w.gitdir, "commit", w.head);
	fx_run(w.f,
	       "test -e outside/keep; cd trees/t1; test -d src -a ! -L src; test -f README; test ! "
	       "-e junk; test ! -e jd; test -e keep.log; test -f run.sh -a -x run.sh; test \"$(cat "
	       "docs/x.md)\" = x; test -z \"$(git status --porcelain)\"; test $(cat "
	       "../../private/t1/refs/heads/yardmaster/t1) = %s",
	       w.head);
	wt_close(&w);
}

static void remove_takes_the_tree_and_nothing_else(void **state)
{
	struct wt w;

	wt_open(&w, *state);
	fx_run(w.f,
	       "mkdir outside; echo keep >outside/keep; ln -s %s/outside trees/t1/out; mkdir "
	       "trees/t1/locked; >trees/t1/locked/f; chmod 000 trees/t1/locked",
	       w.f->dir);
	for (int i = 0; i < 2; i++) {
		json_decref(fx_ok(w.f, "{s:s,s:s,s:s,s:s,s:s,s:b}", "op", "worktree-remove", "name",
				  "t1", "path", w.path, "gitdir", w.gitdir, "branch",
				  "yardmaster/t1", "delete_branch", 1));

		fx_run(w.f,
		       "test -e outside/keep; test ! -e trees/t1; test ! -e private/t1; test ! -e "
		       "app.git/worktrees/t1; ! git -C app.git rev-parse -q --verify "
		       "refs/heads/yardmaster/t1");
	}
	wt_close(&w);
}

static void a_checkout_is_always_fresh(void **state)
{
	struct fx *f = *state;
	autofree char *head = fx_seed(f);
	autofree char *path = path_join(f->dir, "run/c1");
	autofree char *gitdir = path_join(f->dir, "run/c1.git");

	for (int i = 0; i < 2; i++) {
		json_decref(fx_ok(f, "{s:s,s:s,s:s,s:s}", "op", "checkout", "commit", head, "path",
				  path, "gitdir", gitdir));

		fx_run(f,
		       "cd run/c1; test ! -e junk; test -f README; test $(cat ../c1.git/HEAD) = %s;"
		       "test -f .git; cd ..; test $(ls | wc -l) = 2; >c1/junk; >c1.git/junk; rm -r "
		       "c1/src",
		       head);
	}
}

/* A commit that holds a name meaning ".git" is not written to disk. */
static void a_checkout_refuses_dotgit_in_a_tree(void **state)
{
	struct fx *f = *state;
	autofree char *path = path_join(f->dir, "run/c1");
	autofree char *gitdir = path_join(f->dir, "run/c1.git");
	autofree char *evil = NULL;
	autojson json_t *a = NULL;

	free(fx_seed(f));
	evil = fx_sh(f, "cd app.git; b=$(git rev-parse main:README); t=$(printf '100644 "
			"blob %%s\\thooks\\n' $b | git mktree); t=$(printf '040000 tree "
			"%%s\\t.GIT\\n' $t | git mktree); git commit-tree -m x $t");
	a = fx_ask(f, "{s:s,s:s,s:s,s:s}", "op", "checkout", "commit", evil, "path", path, "gitdir",
		   gitdir);
	assert_string_equal(fx_error(a), "unsafe");
	fx_run(f, "test ! -e run/c1/.GIT");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		FX_TEST(worktree_has_the_files_and_a_private_directory),
		FX_TEST(add_again_finds_the_work),
		FX_TEST(a_half_made_worktree_is_made_anew),
		FX_TEST(changes_become_a_commit_once),
		FX_TEST(what_is_ignored_is_named),
		FX_TEST(a_broken_private_directory_is_made_anew),
		FX_TEST(no_change_is_unchanged),
		FX_TEST(a_change_that_hides_its_time_is_seen),
		FX_TEST(racily_clean_files_are_looked_at),
		FX_TEST(a_moved_branch_is_an_error),
		FX_TEST(hostile_files_are_refused),
		FX_TEST(harmless_things_pass),
		FX_TEST(nothing_of_the_worktree_is_executed),
		FX_TEST(a_folder_swapped_for_a_link_is_not_followed),
		FX_TEST(a_conflict_is_in_the_files),
		FX_TEST(a_rebase_does_not_lose_a_branch),
		FX_TEST(a_rebase_without_a_conflict),
		FX_TEST(leftovers_are_swept),
		FX_TEST(what_was_taken_out_of_the_base_stays_out),
		FX_TEST(a_closed_folder_is_opened),
		FX_TEST(ignore_rules_have_a_limit),
		FX_TEST(globs_decide),
		FX_TEST(a_later_round_does_not_hide_an_earlier_one),
		FX_TEST(bad_identities_are_refused),
		FX_TEST(restore_brings_the_files_back),
		FX_TEST(remove_takes_the_tree_and_nothing_else),
		FX_TEST(a_checkout_is_always_fresh),
		FX_TEST(a_checkout_refuses_dotgit_in_a_tree),
	};

	(void)argc;
	unpriv(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
