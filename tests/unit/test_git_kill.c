/*
 * test_git_kill.c - kill -9 between any two steps of an operation, then the same request again.
 *
 * Each operation runs in a child that is traced; before its Nth system call that could change a file
 * the child is killed, for N = 1, 2, … until one run gets through. The request is then repeated, and
 * its answer and the references have to be those of a run that nobody disturbed.
 */
#include "git_fixture.h"

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define STEPS_MAX 400

/* What can be seen by others: a file made, written to its end, moved, removed. */
static bool changes_files(uint64_t nr, const uint64_t *args)
{
	static const long calls[] = {
#ifdef SYS_rename
		SYS_rename,    SYS_link,      SYS_unlink, SYS_mkdir,    SYS_rmdir,   SYS_symlink,
#endif
		SYS_renameat,  SYS_renameat2, SYS_linkat, SYS_unlinkat, SYS_mkdirat, SYS_symlinkat,
		SYS_ftruncate, SYS_fsync,
	};

	if (nr == SYS_openat)
		return args[2] & O_CREAT;
#ifdef SYS_open
	if (nr == SYS_open)
		return args[1] & O_CREAT;
#endif
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		if ((uint64_t)calls[i] == nr)
			return true;
	return false;
}

/* true: killed before its nth change; false: it came to its end. */
static bool run_until(struct fx *f, const json_t *req, unsigned n)
{
	struct __ptrace_syscall_info info;
	unsigned seen = 0;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct gr g;

		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		if (gr_init(&g, f->g.git, NULL) == 0)
			gr_request(&g, req);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSTOPPED(status));
	ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
	for (int signo = 0;;) {
		ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(intptr_t)signo);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status) || WIFSIGNALED(status)) {
			assert_true(WIFEXITED(status));
			return false;
		}
		signo = WSTOPSIG(status) == (SIGTRAP | 0x80) ? 0 : WSTOPSIG(status);
		if (signo ||
		    ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info) <= 0 ||
		    info.op != PTRACE_SYSCALL_INFO_ENTRY ||
		    !changes_files(info.entry.nr, (const uint64_t *)info.entry.args) || ++seen < n)
			continue;
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		return true;
	}
}

static json_t *request(struct fx *f, const char *fmt, ...)
{
	va_list ap;
	json_t *req;

	va_start(ap, fmt);
	req = json_vpack_ex(NULL, 0, fmt, ap);
	va_end(ap);
	assert_non_null(req);
	json_object_set_new(req, "repo", json_string(f->repo));
	json_object_set_new(req, "id", json_integer(1));
	return req;
}

/* A new role, as the daemon starts one after the first has died. */
static json_t *ask_again(struct fx *f, const json_t *req)
{
	json_t *ans;

	gr_release(&f->g);
	assert_int_equal(gr_init(&f->g, "/usr/bin/git", NULL), 0);
	ans = gr_request(&f->g, req);
	if (!json_flag(ans, "ok")) {
		autofree char *text = json_text(ans);

		print_error("%s\n", text);
	}
	assert_true(json_flag(ans, "ok"));
	return ans;
}

/* What references there are, in a text; and what more has to be equal in the end. */
static int add_ref(git_reference *ref, void *arg)
{
	const git_oid *oid = git_reference_target(ref);

	buf_addf(arg, "%s %s\n", git_reference_name(ref), oid ? git_oid_tostr_s(oid) : "symbolic");
	git_reference_free(ref);
	return 0;
}

static char *state_of(struct fx *f, const char *script)
{
	autofree char *more = script ? fx_sh(f, "%s", script) : NULL;
	struct buf b = BUF_INIT;
	git_repository *git;

	assert_int_equal(git_repository_open(&git, f->repo), 0);
	assert_int_equal(git_reference_foreach(git, add_ref, &b), 0);
	git_repository_free(git);
	buf_adds(&b, more ? more : "");
	return buf_steal(&b);
}

/* GIT_KILL_SPARSE=N in the environment: of all that only every Nth, where there is little time. */
static unsigned sparse(void)
{
	const char *s = getenv("GIT_KILL_SPARSE");
	unsigned long n = s ? strtoul(s, NULL, 10) : 1;

	return n > 0 && n < STEPS_MAX ? (unsigned)n : 1;
}

/* Away with all in the test's folder; then it is as it was saved. */
static void as_saved(struct fx *f, const char *saved)
{
	assert_int_equal(fs_remove_tree(f->dir, NULL), 0);
	assert_int_equal(mkdir(f->dir, 0700), 0);
	git_copy(saved, f->dir);
}

/* `state` is a shell command whose output, beside the references, says what has to be equal in the end, or NULL;
 * `between` one that has to succeed after each kill. `stride`: operations of many like steps try every so manieth. */
static void kill_everywhere(struct fx *f, const json_t *req, unsigned stride, const char *state,
			    const char *between)
{
	autojson json_t *wanted = NULL;
	autofree char *after = NULL, *saved = xasprintf("%s-saved", f->dir);
	unsigned n = 1;

	stride *= sparse();
	assert_int_equal(mkdir(saved, 0700), 0);
	git_copy(f->dir, saved);
	wanted = ask_again(f, req);
	after = state_of(f, state);
	for (; n < STEPS_MAX; n += stride) {
		autojson json_t *ans = NULL;
		autofree char *now = NULL;
		bool killed;

		as_saved(f, saved);
		killed = run_until(f, req, n);
		if (between)
			fx_run(f, "%s", between);
		ans = ask_again(f, req);
		/* A repeated landing says that it is there already. */
		if (!strcmp(json_str(ans, "outcome", ""), "already"))
			json_object_set(ans, "outcome", json_object_get(wanted, "outcome"));
		if (json_object_get(wanted, "found"))
			json_object_set(ans, "found", json_object_get(wanted, "found"));
		now = state_of(f, state);
		if (!json_equal(ans, wanted) || strcmp(now, after)) {
			autofree char *text = json_text(ans);

			print_error("killed before change %u: %s\n%s\n--- wanted\n%s\n", n, text,
				    now, after);
			fail();
		}
		if (!killed || n % 8 == 0)
			fx_run(f, "git -C app.git fsck --no-dangling 2>&1 | (! grep -v '^notice')");
		if (!killed)
			break;
	}
	assert_int_equal(fs_remove_tree(saved, NULL), 0);
	assert_in_range(n, 3, STEPS_MAX - 1);
	print_message("# %u steps\n", n - 1);
}

static void fork_work(struct fx *f, char **base, char **head)
{
	free(fx_seed(f));
	*base = fx_sh(f, "cd src; sed -i s/one/ONE/ src/a.c; git commit -qam 'base moves';"
			 "git push -q ../app.git HEAD:main; git rev-parse HEAD");
	*head = fx_sh(f, "cd src; git checkout -q -b topic HEAD~1; sed -i s/seven/SEVEN/ src/a.c;"
			 "git commit -qam t1; echo more >>src/b.c; git commit -qam t2;"
			 "git push -q ../app.git HEAD:topic; git rev-parse HEAD");
}

static json_t *candidate_request(struct fx *f, const char *base, const char *head)
{
	return request(f, "{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:s}", "op", "candidate", "base", base,
		       "head", head, "method", "rebase", "message", "m", "author_name", "Q",
		       "author_email", "q@e", "time_ms", (json_int_t)1700000001000, "ref",
		       "refs/yardmaster/cand/1");
}

static void a_candidate_survives(void **state)
{
	struct fx *f = *state;
	autofree char *base = NULL;
	autofree char *head = NULL;
	autojson json_t *req = NULL;

	fork_work(f, &base, &head);
	req = candidate_request(f, base, head);
	kill_everywhere(f, req, 1, NULL, NULL);
}

/* Whenever the branch has moved, the note and the kept reference are there. */
static void a_landing_survives(void **state)
{
	struct fx *f = *state;
	autofree char *base = NULL;
	autofree char *head = NULL;
	autofree char *between = NULL;
	autojson json_t *make = NULL;
	autojson json_t *made = NULL;
	autojson json_t *req = NULL;
	const char *new;

	fork_work(f, &base, &head);
	make = candidate_request(f, base, head);
	made = ask_again(f, make);
	new = json_str(made, "commit", "");
	req = request(f, "{s:s,s:s,s:s,s:s,s:{s:i},s:[{s:s,s:s},{s:s,s:s}]}", "op", "land",
		      "branch", "main", "old", base, "new", new, "receipt", "pr", 3, "keep", "ref",
		      "refs/yardmaster/heads/3", "oid", head, "ref", "refs/yardmaster/heads/4",
		      "oid", head);
	between = xasprintf("cd app.git; if test $(git rev-parse main) != %s; then git notes --ref "
			    "yardmaster show %s >/dev/null; git rev-parse refs/yardmaster/heads/3 "
			    "refs/yardmaster/heads/4 >/dev/null; fi",
			    base, new);
	kill_everywhere(f, req, 1, NULL, between);
}

static void a_reference_survives(void **state)
{
	struct fx *f = *state;
	autofree char *base = NULL;
	autofree char *head = NULL;
	autojson json_t *req = NULL;

	fork_work(f, &base, &head);
	fx_run(f, "git -C app.git pack-refs --all");
	req = request(f, "{s:s,s:s,s:s,s:n}", "op", "ref-set", "ref", "refs/heads/topic", "old",
		      head, "new");
	kill_everywhere(f, req, 1, NULL, NULL);
}

static void a_worktree_survives(void **state)
{
	struct fx *f = *state;
	autofree char *head = fx_seed(f);
	autofree char *path = path_join(f->dir, "trees/t1");
	autofree char *gitdir = path_join(f->dir, "private/t1");
	autojson json_t *req =
		request(f, "{s:s,s:s,s:s,s:s,s:s,s:s}", "op", "worktree-add", "name", "t1", "path",
			path, "gitdir", gitdir, "branch", "yardmaster/t1", "start", head);

	kill_everywhere(f, req, 3,
			"cd trees/t1; find . -type f | sort | xargs md5sum | grep -v '/.git$';"
			"git status --porcelain; cd ../../private/t1; cat HEAD; git ls-files -s "
			"| md5sum",
			NULL);
}

static json_t *commit_request(struct fx *f, const char *head)
{
	autofree char *path = path_join(f->dir, "trees/t1");

	return request(f, "{s:s,s:s,s:s,s:s,s:s,s:s,s:[s],s:i,s:i,s:i,s:s,s:s,s:s,s:I}", "op",
		       "worktree-commit", "name", "t1", "path", path, "branch", "yardmaster/t1",
		       "parent", head, "base", head, "allow", "**", "max_file_bytes", 1000,
		       "max_files", 10, "max_bytes", 10000, "message", "m", "author_name", "A",
		       "author_email", "a@b", "time_ms", (json_int_t)1700000001000);
}

static void add_worktree(struct fx *f, const char *head)
{
	autofree char *path = path_join(f->dir, "trees/t1");
	autofree char *gitdir = path_join(f->dir, "private/t1");

	json_decref(fx_ok(f, "{s:s,s:s,s:s,s:s,s:s,s:s}", "op", "worktree-add", "name", "t1",
			  "path", path, "gitdir", gitdir, "branch", "yardmaster/t1", "start",
			  head));
}

static void a_commit_survives(void **state)
{
	struct fx *f = *state;
	autofree char *head = fx_seed(f);
	autojson json_t *req = NULL;

	add_worktree(f, head);
	fx_run(f, "cd trees/t1; echo x >>src/a.c; mkdir n; echo y >n/new; rm src/b.c");
	req = commit_request(f, head);
	kill_everywhere(f, req, 1, NULL, NULL);
}

static void a_restore_survives(void **state)
{
	struct fx *f = *state;
	autofree char *head = fx_seed(f);
	autofree char *path = path_join(f->dir, "trees/t1");
	autofree char *gitdir = path_join(f->dir, "private/t1");
	autojson json_t *req = NULL;

	add_worktree(f, head);
	fx_run(f, "cd trees/t1; echo x >>src/a.c; mkdir n; echo y >n/new; rm src/b.c");
	req = request(f, "{s:s,s:s,s:s,s:s}", "op", "worktree-restore", "path", path, "gitdir",
		      gitdir, "commit", head);
	kill_everywhere(f, req, 3,
			"cd trees/t1; git status --porcelain; cd ../../private/t1; cat HEAD", NULL);
}

static void a_removal_survives(void **state)
{
	struct fx *f = *state;
	autofree char *head = fx_seed(f);
	autofree char *path = path_join(f->dir, "trees/t1");
	autofree char *gitdir = path_join(f->dir, "private/t1");
	autojson json_t *req = NULL;

	add_worktree(f, head);
	req = request(f, "{s:s,s:s,s:s,s:s,s:s,s:b}", "op", "worktree-remove", "name", "t1", "path",
		      path, "gitdir", gitdir, "branch", "yardmaster/t1", "delete_branch", 1);
	kill_everywhere(f, req, 3, "find trees private app.git/worktrees | sort", NULL);
}

static void a_layer_survives(void **state)
{
	struct fx *f = *state;
	autofree char *head = fx_seed(f);
	autofree char *path = path_join(f->dir, "trees/t1");
	autofree char *layer = path_join(f->dir, "layers/l1");
	autojson json_t *req = NULL;

	add_worktree(f, head);
	fx_run(f, "cd trees/t1; mkdir -p m/a/b; echo 1 >m/a/b/c; echo 2 >m/d; ln -s d m/e; echo 3 "
		  ">src/built.o");
	req = request(f, "{s:s,s:s,s:s,s:s}", "op", "layer-save", "commit", head, "path", path,
		      "layer", layer);
	kill_everywhere(f, req, 1, "cd layers/l1; find . | sort; cat m/a/b/c m/e src/built.o",
			"cd layers 2>/dev/null || exit 0; test ! -e l1 || test \"$(cat l1/m/a/b/c "
			"l1/m/e l1/src/built.o | tr -d '\\n')\" = 123");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		FX_TEST(a_candidate_survives), FX_TEST(a_landing_survives),
		FX_TEST(a_reference_survives), FX_TEST(a_worktree_survives),
		FX_TEST(a_commit_survives),    FX_TEST(a_restore_survives),
		FX_TEST(a_removal_survives),   FX_TEST(a_layer_survives),
	};

	(void)argc;
	unpriv(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
