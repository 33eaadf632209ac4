/* test_cli_local.c - the commands that do something in the client. */
#include "cli_world.h"
#include "unpriv.h"

#include "cli/conf.h"
#include "runner/run.h"
#include "sys/child.h"

#include <sys/stat.h>

/* The data directory of the tests, below the world's own. */
static char *data_dir(struct world *w)
{
	autofree char *file = path_join(w->dir, "ym.yml");
	char *data = path_join(w->dir, "data");
	autofree char *text = xasprintf("data: %s\nsocket: %s\n", data, w->socket);

	assert_int_equal(fs_mkdir_p(data, 0700, NULL), 0);
	assert_int_equal(fs_write_atomic(file, text, strlen(text), 0600, NULL), 0);
	setenv("YARDMASTER_CONFIG", file, 1);
	return data;
}

static void put_file(struct world *w, const char *name, const char *text, char **ret)
{
	*ret = path_join(w->dir, name);
	assert_int_equal(fs_write_atomic(*ret, text, strlen(text), 0600, NULL), 0);
}

/* --- halt --------------------------------------------------------------------------------------- */

static void test_halt_asks_the_daemon(void **state)
{
	struct world *w = *state;
	autofree char *data = data_dir(w), *file = run_halt_path(data);

	world_answer(w, "{\"ok\":true,\"text\":\"Halted.\"}\n");
	assert_int_equal(world_run(w, "halt", "--reason", "too hot"), CLI_EXIT_OK);
	assert_string_equal(w->request,
			    "{\"v\":1,\"cmd\":\"halt\",\"args\":{\"reason\":\"too hot\"}}\n");
	assert_string_equal(w->printed, "Halted.\n");
	assert_false(fs_exists(file)); /* that is the daemon's business */
}

static void test_halt_works_without_a_daemon(void **state)
{
	struct world *w = *state;
	autofree char *data = data_dir(w), *runs = path_join(data, "runs"), *file = NULL;

	assert_int_equal(fs_mkdir_p(runs, 0700, NULL), 0);
	assert_int_equal(world_run(w, "halt", "--reason", "too hot", "--json"), CLI_EXIT_OK);
	assert_contains(w->printed, "\"halted\":true,\"ended\":0,\"left\":0");
	file = run_halt_path(data);
	assert_true(fs_exists(file));
	assert_int_equal(run_halted(data, NULL), 1);
}

static void test_a_refusal_to_halt_stays_one(void **state)
{
	struct world *w = *state;
	autofree char *data = data_dir(w), *file = run_halt_path(data);

	world_answer(w,
		     "{\"ok\":false,\"error\":{\"code\":\"denied\",\"text\":\"needs write\"}}\n");
	assert_int_equal(world_run(w, "halt"), CLI_EXIT_DENIED);
	assert_false(fs_exists(file));
}

static void test_halt_needs_the_data_directory(void **state)
{
	struct world *w = *state;
	autofree char *data = data_dir(w);

	assert_int_not_equal(getuid(), 0); /* whom no permission stops */
	assert_int_equal(chmod(data, 0500), 0);
	assert_int_equal(world_run(w, "halt"), CLI_EXIT_DENIED);
	assert_contains(w->complained, "you may not write");
	assert_int_equal(chmod(data, 0700), 0);
	assert_int_equal(fs_remove_tree(data, NULL), 0);
	assert_int_equal(world_run(w, "halt"), CLI_EXIT_NOT_FOUND);
}

/* --- checks of files ---------------------------------------------------------------------------- */

static void test_config_check(void **state)
{
	struct world *w = *state;
	autofree char *good = NULL, *bad = NULL;

	put_file(w, "good.yml", "limits: { agents: 3 }\n", &good);
	put_file(w, "bad.yml", "limits:\n  agnts: 3\n", &bad);
	assert_int_equal(world_run(w, "config", "check", good, "--json"), CLI_EXIT_OK);
	assert_contains(w->printed, "\"limits\":{\"agents\":3,");
	assert_int_equal(world_run(w, "config", "check", bad), CLI_EXIT_CONFIG);
	assert_contains(w->complained, "bad.yml:2");
	assert_contains(w->complained, "agnts");
	assert_string_equal(w->printed, "");
	assert_int_equal(world_run(w, "config", "check"), CLI_EXIT_OK); /* none: the defaults */
	assert_int_equal(world_run(w, "config", "check", good, "--repository", good),
			 CLI_EXIT_USAGE);
}

static void test_config_check_of_a_repository(void **state)
{
	struct world *w = *state;
	autofree char *good = NULL, *bad = NULL, *gone = path_join(w->dir, "gone");

	put_file(w, "good.yml", "queue: { method: squash }\n", &good);
	put_file(w, "bad.yml", "queue: { method: sqash }\n", &bad);
	assert_int_equal(world_run(w, "config", "check", "--repository", good), CLI_EXIT_OK);
	assert_contains(w->printed, "queue.method\tsquash\n");
	assert_int_equal(world_run(w, "config", "check", "--repository", bad), CLI_EXIT_CONFIG);
	assert_contains(w->complained, "bad.yml:1");
	assert_int_equal(world_run(w, "config", "check", "--repository", gone), CLI_EXIT_NOT_FOUND);
}

#define BLUEPRINT                                                                                  \
	"name: fix\nallow: [\"src/**\"]\nsteps:\n  - agent: fix.md\n    gates: [\"make check\"]\n"

static void test_blueprint_check(void **state)
{
	struct world *w = *state;
	autofree char *file = NULL, *prompt = NULL;

	put_file(w, "fix.yml", BLUEPRINT, &file);
	assert_int_equal(world_run(w, "blueprint", "check", file), CLI_EXIT_CONFIG);
	assert_contains(w->complained, "fix.md"); /* the prompt is not there yet */
	put_file(w, "fix.md", "Mend it.\n", &prompt);
	assert_int_equal(world_run(w, "blueprint", "check", file), CLI_EXIT_OK);
	assert_contains(w->printed, "fix");
	assert_int_equal(world_run(w, "blueprint", "check", file, "--json"), CLI_EXIT_OK);
	assert_contains(w->printed, "\"name\":\"fix\"");
	/* Relative to the blueprint, not to the working directory. */
	assert_int_equal(chdir(w->dir), 0);
	assert_int_equal(world_run(w, "blueprint", "check", "fix.yml"), CLI_EXIT_OK);
	assert_int_equal(chdir("/"), 0);
}

/* --- what main.c hands in ----------------------------------------------------------------------- */

static int backup(const char *from, const char *to, struct err *err)
{
	if (!strstr(from, "/data/ledger.db"))
		return err_set(err, ERR_INTERNAL, "wrong ledger %s", from);
	return fs_write_atomic(to, "copy", 4, 0600, err);
}

static int verify(const char *path, const char *commit, json_t *ret, struct err *err)
{
	if (!strcmp(commit, "gone"))
		return err_set(err, ERR_NOT_FOUND, "commit gone: not in %s", path);
	json_put_str(ret, "text", "Looked.");
	return !strcmp(commit, "good");
}

static int audit(const char *ledger, json_t *ret, struct err *err)
{
	(void)err;
	json_put_str(ret, "text", ledger);
	return 0;
}

/* ---- the small program ---- */

static const char *handed[4];

static int hand_over(const struct cli_call *call, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(handed); i++)
		handed[i] = i && !handed[i - 1] ? NULL : call->argv[i];
	return err_set(err, ERR_IO, "handed over: %s", call->cmd->path);
}

/* Every command that needs the daemon's libraries, with all of its words. */
static void test_the_small_program_hands_over(void **state)
{
	static const char *const lines[][3] = {
		{"doctor"},          {"init"},
		{"serve"},           {"backup", "/x"},
		{"config", "check"}, {"blueprint", "check", "x.yml"},
		{"audit", "verify"}, {"receipt", "verify", "abc"},
		{"hooks", "status"},
	};
	struct world *w = *state;

	w->entry = (struct cli_entry_points){.hand_over = hand_over};
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		char *argv[] = {(char *)"yardmaster", (char *)lines[i][0], (char *)lines[i][1],
				(char *)lines[i][2], NULL};
		int argc = lines[i][2] ? 4 : lines[i][1] ? 3 : 2;

		memset(handed, 0, sizeof(handed));
		assert_int_equal(cli_run(argc, argv, &w->entry, &w->out), cli_exit_of(ERR_IO));
		for (int k = 0; k < argc; k++)
			assert_string_equal(handed[k], argv[k]);
	}
}

static void test_halt_is_handed_over_when_the_daemon_is_away(void **state)
{
	struct world *w = *state;

	w->entry = (struct cli_entry_points){.hand_over = hand_over};
	memset(handed, 0, sizeof(handed));
	world_run(w, "halt");
	assert_non_null(handed[0]);
	/* A daemon that answers is enough. */
	memset(handed, 0, sizeof(handed));
	world_answer(w, "{\"ok\":true,\"text\":\"halted\"}\n");
	assert_int_equal(world_run(w, "halt"), CLI_EXIT_OK);
	assert_null(handed[0]);
}

static void test_backup(void **state)
{
	struct world *w = *state;
	autofree char *data = data_dir(w), *ledger = path_join(data, "ledger.db");
	autofree char *to = path_join(w->dir, "copy.db");

	assert_int_equal(world_run(w, "backup", to), CLI_EXIT_INTERNAL); /* not built in */
	w->entry.backup = backup;
	assert_int_equal(world_run(w, "backup", to), CLI_EXIT_NOT_FOUND);
	assert_int_equal(fs_write_atomic(ledger, "x", 1, 0600, NULL), 0);
	assert_int_equal(world_run(w, "backup", to), CLI_EXIT_OK);
	assert_true(fs_exists(to));
}

static void test_verifications_have_three_outcomes(void **state)
{
	struct world *w = *state;
	autofree char *data = data_dir(w), *ledger = path_join(data, "ledger.db\n");

	w->entry.receipt_verify = verify;
	w->entry.audit_verify = audit;
	assert_int_equal(world_run(w, "receipt", "verify", "good"), CLI_EXIT_OK);
	assert_string_equal(w->printed, "Looked.\n");
	assert_int_equal(world_run(w, "receipt", "verify", "bad"), CLI_EXIT_NOT_SO);
	assert_string_equal(w->printed, "Looked.\n");
	assert_int_equal(world_run(w, "receipt", "verify", "gone", "--repo-path", "/r"),
			 CLI_EXIT_NOT_FOUND);
	assert_string_equal(w->complained, "yardmaster: commit gone: not in /r\n");
	assert_int_equal(world_run(w, "audit", "verify"), CLI_EXIT_NOT_SO);
	assert_string_equal(w->printed, ledger);
}

static int serve(const struct cli_call *call)
{
	struct cli_conf conf = {0};
	struct err err = ERR_INIT;
	int rc = cli_conf_load((struct cli_call *)call, &conf, &err);

	if (rc == 0)
		cli_out_addf(call->out, "%s %s", conf.c.data, conf.c.socket);
	cli_conf_release(&conf);
	err_release(&err);
	return rc < 0 ? 1 : 33;
}

static void test_serve_finds_its_data(void **state)
{
	struct world *w = *state;
	autofree char *data = data_dir(w);
	autofree char *file = path_join(w->dir, "plain.yml");
	autofree char *usual = xasprintf("%s %s/socket", data, data);
	autofree char *other = xasprintf("%s/o %s/o/socket", w->dir, w->dir);
	autofree char *other_data = path_join(w->dir, "o");
	autofree char *text = xasprintf("data: %s\n", data);

	unsetenv("YARDMASTER_SOCKET");
	w->entry.serve = serve;
	assert_int_equal(fs_write_atomic(file, text, strlen(text), 0600, NULL), 0);
	assert_int_equal(world_run(w, "serve", "--config", file), 33);
	assert_string_equal(w->printed, usual);
	/* --data goes before the file, and the socket with it. */
	assert_int_equal(world_run(w, "serve", "--config", file, "--data", other_data), 33);
	assert_string_equal(w->printed, other);
	assert_int_equal(world_run(w, "serve", "--log-level", "loud"), CLI_EXIT_USAGE);
}

/* --- doctor ------------------------------------------------------------------------------------- */

static void test_doctor(void **state)
{
	struct world *w = *state;
	autofree char *data = data_dir(w), *lock = path_join(data, "lock");
	autofree char *bad = NULL;
	int fd = -1;

	/* No keeper beside a test program: the sandbox cannot be tried, which is a failure. */
	assert_int_equal(world_run(w, "doctor"), CLI_EXIT_NOT_SO);
	assert_contains(w->printed, "ok    git: git version ");
	assert_contains(w->printed, "FAIL  sandbox: ");
	assert_contains(w->printed, "ok    configuration: ");
	assert_contains(w->printed, "ok    data directory: ");
	assert_contains(w->printed, "MiB free");
	assert_contains(w->printed, "ok    daemon: not running");

	world_answer(w, "{\"ok\":true,\"item\":{\"pid\":1}}\n");
	assert_int_equal(world_run(w, "doctor"), CLI_EXIT_NOT_SO);
	assert_contains(w->printed, "ok    daemon: answers on ");

	/* Somebody has the data directory and does not answer. */
	assert_int_equal(fs_lock(lock, &fd, NULL), 0);
	assert_int_equal(world_run(w, "doctor", "--json"), CLI_EXIT_NOT_SO);
	assert_contains(w->printed, "{\"check\":\"daemon\",\"ok\":false,");
	close(fd);

	assert_int_equal(chmod(data, 0777), 0);
	w->entry.audit_verify = audit;
	put_file(w, "data/ledger.db", "x", &bad);
	assert_int_equal(world_run(w, "doctor"), CLI_EXIT_NOT_SO);
	assert_contains(w->printed, "FAIL  data directory: ");
	assert_contains(w->printed, "to mend it: everybody may write there");
	assert_contains(w->printed, "FAIL  ledger: ");

	setenv("YARDMASTER_CONFIG", "/no/such/file", 1);
	assert_int_equal(world_run(w, "doctor"), CLI_EXIT_NOT_SO);
	assert_contains(w->printed, "FAIL  configuration: ");
}

/* What would keep the daemon from starting, and agents from running. */
static void test_doctor_names(void **state)
{
	struct world *w = *state;
	autofree char *data = data_dir(w), *file = NULL, *secret = NULL, *text = NULL;

	put_file(w, "hook", "it is a secret\n", &secret);
	text = xasprintf("data: %s\nagents:\n  here: {command: [sh], network: host}\n"
			 "  gone: {command: [/no/such/agent]}\ngithub:\n  webhook-secrets:\n"
			 "    - secret: file:hook\n",
			 data);
	put_file(w, "full.yml", text, &file);
	setenv("YARDMASTER_CONFIG", file, 1);
	world_run(w, "doctor");
	assert_contains(w->printed, "ok    agents: here: ");
	assert_contains(w->printed, "/sh, with the host's network");
	assert_contains(w->printed, "FAIL  agents: gone: /no/such/agent: ");
	assert_null(strstr(w->printed, "webhook secrets"));
	assert_int_equal(chmod(secret, 0644), 0);
	world_run(w, "doctor");
	assert_contains(w->printed, "FAIL  webhook secrets: secret file:");
	assert_contains(w->printed, "its mode is 0644");
	assert_null(strstr(w->printed, "it is a secret"));
}

/* --- pr checkout -------------------------------------------------------------------------------- */

static void sh(struct world *w, const char *script)
{
	struct err err = ERR_INIT;
	cleanup(buf_release) struct buf out = BUF_INIT;
	autofree char *home = xasprintf("HOME=%s", w->dir);
	char *const argv[] = {(char *)"sh", (char *)"-ec", (char *)script, NULL};
	char *const envp[] = {home,
			      (char *)"PATH=/usr/bin:/bin",
			      (char *)"GIT_CONFIG_NOSYSTEM=1",
			      (char *)"GIT_AUTHOR_NAME=a",
			      (char *)"GIT_AUTHOR_EMAIL=a@b",
			      (char *)"GIT_COMMITTER_NAME=a",
			      (char *)"GIT_COMMITTER_EMAIL=a@b",
			      NULL};
	struct child_opts o = {.file = "/bin/sh", .argv = argv, .envp = envp, .cwd = w->dir};

	if (child_run(&o, NULL, 0, 1 << 16, 60000, &out, &err) != 0)
		fail_msg("%s: %s", script, err_text(&err));
}

static void test_pr_checkout(void **state)
{
	struct world *w = *state;
	autofree char *clone = path_join(w->dir, "clone");
	autofree char *answer = xasprintf("{\"ok\":true,\"item\":{\"path\":\"%s/bare.git\","
					  "\"ref\":\"refs/pull/4/head\"}}\n",
					  w->dir);

	unsetenv("GIT_DIR");
	sh(w, "git init -q --bare -b main bare.git; git init -q -b main work; cd work;"
	      "echo 1 >f; git add f; git commit -qm 1; git push -q ../bare.git main;"
	      "cd ..; git clone -q bare.git clone; cd work; echo 2 >f; git commit -qam 2;"
	      "git push -q ../bare.git HEAD:refs/pull/4/head");
	assert_int_equal(chdir(clone), 0);
	world_answer(w, answer);
	assert_int_equal(world_run(w, "pr", "checkout", "4", "--json"), CLI_EXIT_OK);
	assert_contains(w->request, "\"cmd\":\"pr checkout\",\"args\":{\"number\":4}");
	assert_contains(w->printed, "\"branch\":\"pr/4\"");
	sh(w, "cd clone; test \"$(git symbolic-ref --short HEAD)\" = pr/4; test \"$(cat f)\" = 2");
	/* A push to the PR: the branch follows. */
	sh(w,
	   "cd work; echo 3 >f; git commit -qam 3; git push -q ../bare.git HEAD:refs/pull/4/head;"
	   "cd ../clone; git switch -q main");
	world_answer(w, answer);
	assert_int_equal(world_run(w, "pr", "checkout", "4"), CLI_EXIT_OK);
	sh(w, "cd clone; test \"$(cat f)\" = 3");
	/* Own work on the branch is not thrown away. */
	sh(w, "cd clone; echo own >f; git commit -qam own; cd ../work; git commit -q --amend -m 4;"
	      "git push -qf ../bare.git HEAD:refs/pull/4/head");
	world_answer(w, answer);
	assert_int_equal(world_run(w, "pr", "checkout", "4"), CLI_EXIT_STATE);
	sh(w, "cd clone; test \"$(cat f)\" = own");
	/* An answer that git would take for an option. */
	world_answer(w,
		     "{\"ok\":true,\"item\":{\"path\":\"--upload-pack=x\",\"ref\":\"refs/a\"}}\n");
	assert_int_equal(world_run(w, "pr", "checkout", "4"), CLI_EXIT_INTERNAL);
	world_answer(w, "{\"ok\":true}\n");
	assert_int_equal(world_run(w, "pr", "checkout", "4"), CLI_EXIT_INTERNAL);
	assert_int_equal(chdir("/"), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_halt_asks_the_daemon),
		WORLD_TEST(test_halt_works_without_a_daemon),
		WORLD_TEST(test_a_refusal_to_halt_stays_one),
		WORLD_TEST(test_halt_needs_the_data_directory),
		WORLD_TEST(test_config_check),
		WORLD_TEST(test_config_check_of_a_repository),
		WORLD_TEST(test_blueprint_check),
		WORLD_TEST(test_the_small_program_hands_over),
		WORLD_TEST(test_halt_is_handed_over_when_the_daemon_is_away),
		WORLD_TEST(test_backup),
		WORLD_TEST(test_verifications_have_three_outcomes),
		WORLD_TEST(test_serve_finds_its_data),
		WORLD_TEST(test_doctor),
		WORLD_TEST(test_doctor_names),
		WORLD_TEST(test_pr_checkout),
	};

	(void)argc;
	unpriv(argv);
	/* Git in the tests: no configuration of the machine, no questions. */
	setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
