/*
 * git_fixture.h - what the tests of the git role share: a folder, a shell, requests.
 *
 * A test gets an empty folder and one role state; fx_sh() runs a shell script in the folder with
 * plain git and a clean environment, fx_ask() sends one request to the role's table. What many tests of a
 * program begin with is made once and copied: fx_once().
 */
#ifndef YM_TESTS_GIT_FIXTURE_H
#define YM_TESTS_GIT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "git/ops.h"
#include "sys/child.h"
#include "sys/fs.h"
#include "unpriv.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "git_copy.h"

struct fx {
	char *dir;  /* removed at the end */
	char *repo; /* dir/app.git */
	struct gr g;
};

static inline int fx_setup(void **state)
{
	struct fx *f = xcalloc(1, sizeof(*f));
	const char *tmp = getenv("TMPDIR"), *git = getenv("YM_GIT"); /* another version of Git */

	f->dir = xasprintf("%s/ym-git-XXXXXX", tmp && access(tmp, W_OK) == 0 ? tmp : "/tmp");
	if (!mkdtemp(f->dir) || gr_init(&f->g, git ? git : "/usr/bin/git", NULL) < 0)
		return -1;
	f->repo = path_join(f->dir, "app.git");
	*state = f;
	return 0;
}

static inline int fx_teardown(void **state)
{
	struct fx *f = *state;
	struct err err = ERR_INIT;

	gr_release(&f->g);
	if (fs_remove_tree(f->dir, &err) < 0)
		print_error("%s\n", err_text(&err));
	free(f->dir);
	free(f->repo);
	free(f);
	return 0;
}

/*
 * What scripts begin with. A start of git costs ten milliseconds, and a push starts ten: so the shell itself reads a
 * branch that is in a file of its own, and what is pushed from a worktree to ../NAME.git is copied, no matter whether it
 * goes forward. Everything else, options included, is git's.
 */
// clang-format off
#define FX_PRELUDE \
	"fx_ref() { case $2 in\n" \
		"HEAD | refs/*) set -- \"$1\" \"$1/$2\" ;;\n" \
		"*) [ ! -e \"$1/refs/tags/$2\" ] || return 1; set -- \"$1\" \"$1/refs/heads/$2\" ;;\n" \
	"esac\n" \
	"[ -f \"$2\" ] && [ -z \"${GIT_DIR-}\" ] || return 1\n" \
	"read -r fx_oid <\"$2\" || :\n" \
	"case $fx_oid in 'ref: '*) fx_ref \"$1\" \"${fx_oid#ref: }\" ;; *) [ ${#fx_oid} = 40 ] ;; esac; }\n" \
	"fx_rev() {\n" \
	"if [ -d \"$1/.git\" ]; then fx_ref \"$1/.git\" \"$2\"; else [ -d \"$1/objects\" ] && fx_ref \"$1\" \"$2\"; fi &&\n" \
		"echo $fx_oid; }\n" \
	"fx_push() { fx_to=$3; shift 3\n" \
	"[ -d \"$fx_to/refs/heads\" ] && [ ! -e .git/objects/info/alternates ] || return 1\n" \
	"for fx_s; do fx_s=${fx_s#+}\n" \
		"case ${fx_s#*:} in HEAD | *[*^~]*) return 1 ;; esac\n" \
		"fx_ref .git \"${fx_s%%:*}\" || return 1\n" \
	"done\n" \
	"cp -Ruf .git/objects \"$fx_to/\"\n" \
	"for fx_s; do fx_s=${fx_s#+}; fx_ref .git \"${fx_s%%:*}\"; fx_s=${fx_s#*:}\n" \
		"case $fx_s in refs/*) ;; *) fx_s=refs/heads/$fx_s ;; esac; fx_s=$fx_to/$fx_s\n" \
		"[ -d \"${fx_s%/*}\" ] || mkdir -p \"${fx_s%/*}\"\n" \
		"echo $fx_oid >\"$fx_s\"\n" \
	"done; }\n" \
	"git() { case \"$#:$1:${2-}:${3-}\" in\n" \
		"2:rev-parse:[!-]*) fx_rev . \"$2\" && return ;;\n" \
		"4:-C:*:rev-parse) fx_rev \"$2\" \"$4\" && return ;;\n" \
		"[45]:push:-q:../*.git | [45]:push:-qf:../*.git) fx_push \"$@\" && return ;;\n" \
	"esac; command git \"$@\"; }\n"
// clang-format on

/* Runs a script in the folder; returns its output without the last newline. Fails the test when the
 * script does. */
__attribute__((format(printf, 2, 3))) static inline char *fx_sh(struct fx *f, const char *fmt, ...)
{
	static const char *const env[] = {
		"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/nonexistent", "LC_ALL=C.UTF-8",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TEMPLATE_DIR=",
		/* nothing is tidied up behind a command */
		"GIT_CONFIG_COUNT=3", "GIT_CONFIG_KEY_0=maintenance.auto",
		"GIT_CONFIG_VALUE_0=false", "GIT_CONFIG_KEY_1=gc.auto", "GIT_CONFIG_VALUE_1=0",
		"GIT_CONFIG_KEY_2=receive.autogc", "GIT_CONFIG_VALUE_2=false",
		"GIT_AUTHOR_NAME=A U Thor", "GIT_AUTHOR_EMAIL=a@example.org",
		"GIT_AUTHOR_DATE=1700000000 +0000", "GIT_COMMITTER_NAME=C",
		"GIT_COMMITTER_EMAIL=c@example.org", "GIT_COMMITTER_DATE=1700000000 +0000", NULL};
	struct buf out = BUF_INIT;
	struct err err = ERR_INIT;
	autofree char *own = NULL, *script = NULL;
	va_list ap;
	int rc;

	va_start(ap, fmt);
	own = xvasprintf(fmt, ap);
	va_end(ap);
	script = xasprintf("%s%s", FX_PRELUDE, own);
	{
		const char *argv[] = {"sh", "-euc", script, NULL};
		struct child_opts o = {.file = "/bin/sh",
				       .argv = (char *const *)argv,
				       .envp = (char *const *)env,
				       .cwd = f->dir};

		rc = child_run(&o, NULL, 0, (size_t)64 << 20, 120000, &out, &err);
	}
	if (rc != 0)
		print_error("script: %s\nexit %d: %s\n%s\n", own, rc, err_text(&err), out.s);
	err_release(&err);
	assert_int_equal(rc, 0);
	buf_rtrim(&out);
	return buf_steal(&out);
}

#define fx_run(...) free(fx_sh(__VA_ARGS__))

/* One request; "repo" is added. The answer belongs to the caller. */
static inline json_t *fx_ask(struct fx *f, const char *fmt, ...)
{
	json_t *req, *ans;
	json_error_t je;
	va_list ap;

	va_start(ap, fmt);
	req = json_vpack_ex(&je, 0, fmt, ap);
	va_end(ap);
	if (!req)
		print_error("request: %s\n", je.text);
	assert_non_null(req);
	if (!json_object_get(req, "repo"))
		json_object_set_new(req, "repo", json_string(f->repo));
	json_object_set_new(req, "id", json_integer(7));
	ans = gr_request(&f->g, req);
	json_decref(req);
	assert_int_equal(json_int(ans, "id", 0), 7);
	return ans;
}

/* The same, and it has to succeed. */
#define fx_ok(f, ...)                                                                              \
	({                                                                                         \
		json_t *fx_ans = fx_ask(f, __VA_ARGS__);                                           \
		if (!json_flag(fx_ans, "ok"))                                                      \
			print_error("%s\n", json_text(fx_ans));                                    \
		assert_true(json_flag(fx_ans, "ok"));                                              \
		fx_ans;                                                                            \
	})

static inline const char *fx_error(const json_t *ans)
{
	return json_str(json_object_get(ans, "error"), "code", "none");
}

/* ---- made once ---- */

typedef char *fx_make(struct fx *f);

struct fx_made {
	fx_make *make;
	char *said;
	void *world;
};
static struct fx_made fx_made[4];
static pid_t fx_maker; /* a child that ends by exit() leaves them */

static inline void fx_forget(void)
{
	for (size_t i = 0; fx_maker == getpid() && i < ARRAY_LEN(fx_made) && fx_made[i].make; i++) {
		fx_teardown(&fx_made[i].world);
		free(fx_made[i].said);
	}
}

/* What `make` leaves in an empty folder is copied into this test's; returns what it returned. It is called once, so
 * nothing of it may name its folder. */
static inline char *fx_once(struct fx *f, fx_make *make)
{
	struct fx_made *m = fx_made;

	while (m->make && m->make != make)
		assert_true(++m < fx_made + ARRAY_LEN(fx_made));
	if (!m->make) {
		assert_int_equal(fx_setup(&m->world), 0);
		if (!fx_maker)
			atexit(fx_forget);
		fx_maker = getpid();
		m->make = make;
		m->said = make(m->world);
	}
	git_copy(((struct fx *)m->world)->dir, f->dir);
	return xstrdup(m->said);
}

static inline char *fx_make_seed(struct fx *f)
{
	autofree char *from = path_join(f->dir, "src");

	fx_run(f, "git init -q -b main src; cd src; mkdir -p src docs .github;"
		  "printf 'one\\ntwo\\nthree\\nfour\\nfive\\nsix\\nseven\\n' >src/a.c;"
		  "echo b >src/b.c; echo read >README; echo '*.log' >.gitignore;"
		  "echo x >docs/x.md; ln -s ../README docs/link; printf '#!/bin/sh\\n' >run.sh;"
		  "chmod +x run.sh; git add -A; git commit -qm 'first commit'");
	json_decref(fx_ok(f, "{s:s,s:s,s:s}", "op", "import", "base", "main", "from", from));
	return fx_sh(f, "git -C app.git rev-parse main");
}

/* A bare repository with one commit of a few files on main; returns its id. */
static inline char *fx_seed(struct fx *f)
{
	return fx_once(f, fx_make_seed);
}

#define FX_TEST(fn) cmocka_unit_test_setup_teardown(fn, fx_setup, fx_teardown)

#endif
