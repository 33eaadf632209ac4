/* clone_uninstall.c - see clone.h: taking the hooks out. */
#include "hooks/clone.h"

#include "base/mem.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONFIG_MAX ((size_t)8 << 20)

static void say(struct strvec *left, const char *path, const char *why)
{
	strvec_pushf(left, "%s: left as it is: %s", path, why);
}

/* ---- files ---- */

/* Tools that come later move what they find aside under these names. */
static const char *const suffixes[] = {"", ".legacy", ".old"};

static int take_file(const char *path, const char *hash, struct strvec *left, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		autofree char *p = xasprintf("%s%s", path, suffixes[i]);
		autofree char *now = NULL;

		if (!fs_exists(p))
			continue;
		now = clone_file_hash(p);
		if (now && !strcmp(now, hash)) {
			if (unlink(p) < 0 && errno != ENOENT)
				return err_errno(err, "%s: remove", p);
		} else if (i == 0) {
			say(left, p, "somebody else has written it");
		}
	}
	return 0;
}

static int take_files(const struct clone_state *s, struct strvec *left, struct err *err)
{
	const json_t *f;
	size_t i;

	json_array_foreach (json_object_get(s->j, "files"), i, f)
		if (take_file(json_str(f, "path", ""), json_str(f, "sha256", ""), left, err) < 0)
			return -1;
	return 0;
}

static void take_dir(const char *dir, struct strvec *left)
{
	if (rmdir(dir) < 0 && errno != ENOENT)
		say(left, dir, "it has files that are not ours");
}

/* ---- configuration ---- */

/* Under git's own lock, so that no git writes in between. */
static int put_config_back(const struct clone_place *p, const char *config,
			   const struct clone_state *s, struct err *err)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	autofree char *lock = xasprintf("%s.lock", config);
	mode_t mode = (mode_t)json_int(s->j, "config_mode", 0644);
	autoclose int fd = -1;

	if (!json_flag(s->j, "had_config"))
		return unlink(config) < 0 && errno != ENOENT ? err_errno(err, "%s: remove", config)
							     : 0;
	if (fs_read(p->before, CONFIG_MAX, &b, err) < 0)
		return -1;
	fd = open(lock, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_errno(err, "%s: take git's lock on the configuration", lock);
	if (write(fd, b.s, b.len) == (ssize_t)b.len && fchmod(fd, mode) == 0 && fsync(fd) == 0 &&
	    rename(lock, config) == 0)
		return 0;
	err_errno(err, "%s: put back", config);
	unlink(lock);
	return -1;
}

static int git_config(const struct clone_place *p, const char *config, const char *a, const char *b,
		      const char *c, struct buf *out, struct err *err)
{
	cleanup(strvec_release) struct strvec argv = STRVEC_INIT;

	strvec_pushl(&argv, "git", "config", "--file", config, a, b, NULL);
	if (c)
		strvec_push(&argv, c);
	return clone_git(p->dir, &argv, out, err);
}

/* 5: it was not there, which is as it should be. */
static int unset(const struct clone_place *p, const char *config, const char *key, struct err *err)
{
	int rc = git_config(p, config, "--unset-all", key, NULL, NULL, err);

	if (rc != 0 && rc != 5)
		return -1;
	err_release(err);
	return 0;
}

/* Others wrote since: only our own values go, and only while they are ours. */
static int take_values(const struct clone_place *p, const char *config, const struct clone_state *s,
		       struct strvec *left, struct err *err)
{
	cleanup(buf_release) struct buf now = BUF_INIT;
	const json_t *v;
	size_t i;

	if (!fs_exists(config))
		return 0;
	if (unset(p, config, "yardmaster.repo", err) < 0 ||
	    unset(p, config, "yardmaster.socket", err) < 0)
		return -1;
	if (strcmp(json_str(s->j, "mode", ""), "front") != 0)
		return 0;
	if (git_config(p, config, "--get", "core.hooksPath", NULL, &now, err) != 0 ||
	    strcmp(now.s, json_str(s->j, "dir_set", "")) != 0) {
		err_release(err);
		strvec_pushf(left, "%s: core.hooksPath is left as it is: somebody else has set it",
			     config);
		return 0;
	}
	if (unset(p, config, "core.hooksPath", err) < 0)
		return -1;
	json_array_foreach (json_object_get(s->j, "old_hooks_path"), i, v)
		if (git_config(p, config, "--add", "core.hooksPath", json_string_value(v), NULL,
			       err) != 0)
			return -1;
	return 0;
}

static int take_config(const struct clone_place *p, const struct clone_state *s,
		       struct strvec *left, struct err *err)
{
	const char *config = json_str(s->j, "config", p->config);
	const char *after = json_str(s->j, "config_after", NULL);
	autofree char *now = clone_file_hash(config);

	if (after && now && !strcmp(after, now))
		return put_config_back(p, config, s, err);
	return take_values(p, config, s, left, err);
}

/* ---- the whole ---- */

/* The configuration first: from then on git looks where it did before. */
int clone_take_out(const struct clone_place *p, const struct clone_state *s, struct strvec *left,
		   struct err *err)
{
	bool front = !strcmp(json_str(s->j, "mode", ""), "front");

	if (take_config(p, s, left, err) < 0 || take_files(s, left, err) < 0)
		return -1;
	if (front || json_flag(s->j, "made_dir"))
		take_dir(json_str(s->j, "dir", ""), left);
	if ((unlink(p->before) < 0 && errno != ENOENT) ||
	    (unlink(p->state_file) < 0 && errno != ENOENT))
		return err_errno(err, "%s: remove", p->state_dir);
	if (rmdir(p->state_dir) < 0 && errno != ENOENT && errno != ENOTEMPTY)
		return err_errno(err, "%s: remove", p->state_dir);
	return 0;
}

int clone_uninstall(const struct clone_opts *o, json_t *ret, struct err *err)
{
	cleanup(clone_place_release) struct clone_place p = {0};
	cleanup(clone_state_release) struct clone_state s = {0};
	cleanup(strvec_release) struct strvec left = STRVEC_INIT;
	autofree char *said = NULL, *text = NULL;
	json_t *item = json_object(), *list = json_array();

	json_put(item, "left", list);
	json_put(ret, "item", item);
	if (clone_place_find(o->dir, &p, err) < 0 || clone_state_read(&p, &s, err) < 0)
		return -1;
	if (!s.there) {
		json_put_str(ret, "text", "There are no hooks of yardmaster's here.");
		return 1;
	}
	if (clone_take_out(&p, &s, &left, err) < 0)
		return err_wrap(err, "uninstall the hooks");
	strvec_foreach (&left, l)
		json_array_append_new(list, json_utf8(*l, strlen(*l)));
	said = strvec_join(&left, "\n");
	text = xasprintf("The hooks are out.%s%s", left.n ? "\n" : "", left.n ? said : "");
	json_put_str(ret, "text", text);
	return 1;
}
