/* check.c - trying the walls: sandbox_check() for the daemon, --check in the keeper. */
#include "runner/run.h"

#include "base/buf.h"
#include "base/mem.h"
#include "runner/keeper.h"
#include "runner/landlock.h"
#include "runner/record.h"
#include "runner/supervise.h"
#include "sys/child.h"
#include "sys/fs.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHECK_MS      30000
#define CHECK_OUT_MAX ((size_t)64 << 10)

static int make_folders(const char *base, char **ret_runs, char **ret_work, struct err *err)
{
	autofree char *runs = path_join(base, "runs");
	autofree char *work = path_join(base, "work");

	if (mkdir(runs, 0700) < 0 || mkdir(work, 0700) < 0)
		return err_errno(err, "%s", base);
	*ret_runs = steal(&runs);
	*ret_work = steal(&work);
	return 0;
}

/* One harmless run in a folder of its own. */
static int try_run(const char *base, struct run_exit *ret, struct err *err)
{
	static char *const no_env[] = {NULL};
	cleanup(run_spec_release) struct run_spec s = {0};
	autofree char *runs = NULL;
	autofree char *self = NULL;
	autofree char *kill_path = path_join(base, "kill");
	autofree char *halt = path_join(base, "halt");
	autoclose int out = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct supervise_job job = {.spec = &s,
				    .environ_ = no_env,
				    .kill_path = kill_path,
				    .halt_path = halt,
				    .out_fd = out};

	s.id = xstrdup("check");
	strvec_push(&s.argv, "true");
	if (make_folders(base, &runs, &s.workdir, err) < 0 || child_self(&self, err) < 0)
		return -1;
	job.limits = run_limits_filled(&s.limits);
	job.limits.wall_ms = CHECK_MS / 3;
	job.keeper = self;
	job.runs = runs;
	supervise(&job, ret);
	return 0;
}

static int check(struct err *err)
{
	cleanup(run_exit_release) struct run_exit e = {0};
	autofree char *base = xstrdup("/tmp/yardmaster-check-XXXXXX");
	int r;

	if (getuid() == 0 || geteuid() == 0)
		return err_set(err, ERR_UNSAFE,
			       "found uid 0; agents and gates only run as an ordinary user");
	if (!mkdtemp(base))
		return err_errno(err, "%s", base);
	r = try_run(base, &e, err);
	fs_remove_tree(base, NULL);
	if (r < 0)
		return -1;
	if (e.outcome != RUN_EXITED || e.code != 0)
		return err_set(err, ERR_UNSAFE, "the sandbox does not work here: %s", e.detail);
	return 0;
}

int keeper_check_main(void)
{
	cleanup(err_release) struct err err = ERR_INIT;
	autojson json_t *o = json_object();
	json_t *extra = json_array();
	autofree char *text = NULL;
	int r;

	signal(SIGPIPE, SIG_IGN);
	r = check(&err);

	json_put_bool(o, "ok", r == 0);
	json_put_str(o, "error", r == 0 ? NULL : err_text(&err));
	if (landlock_available())
		json_array_append_new(extra, json_string("landlock"));
	json_put(o, "extra", extra);
	text = json_text(o);
	printf("%s\n", text);
	return r == 0 ? 0 : 1;
}

static int understand(const struct buf *out, struct strvec *ret_extra, struct err *err)
{
	autojson json_t *o = NULL;
	json_t *item = NULL;
	size_t i;

	if (json_parse(out->s, out->len, CHECK_OUT_MAX, &o, err) < 0)
		return -1;
	if (!json_flag(o, "ok"))
		return err_set(err, ERR_UNSAFE, "%s", json_str(o, "error", "no reason given"));
	json_array_foreach (json_object_get(o, "extra"), i, item) {
		if (ret_extra && json_is_string(item))
			strvec_push(ret_extra, json_string_value(item));
	}
	return 0;
}

int sandbox_check(const char *keeper, struct strvec *ret_extra, struct err *err)
{
	cleanup(buf_release) struct buf out = BUF_INIT_MAX(CHECK_OUT_MAX);
	cleanup(err_release) struct err why = ERR_INIT;
	const char *argv[] = {keeper, "--check", NULL};
	struct child_opts o = {.file = keeper, .argv = (char *const *)argv};

	if (child_run(&o, NULL, 0, CHECK_OUT_MAX, CHECK_MS, &out, &why) < 0)
		return err_set(err, ERR_UNSAFE, "the sandbox could not be tried: %s: %s", keeper,
			       err_text(&why));
	return understand(&out, ret_extra, err);
}
