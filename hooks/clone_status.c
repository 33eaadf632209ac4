/* clone_status.c - see clone.h: what is there, and does it work? */
#include "hooks/clone.h"

#include "hooks/ask.h"

#include "base/mem.h"

#define ASK_MS 2000

/* "yes", or why not. The answer says whether the repository is one of the daemon's. */
static char *daemon_state(const char *socket, const char *repo, bool *ret_known)
{
	cleanup(err_release) struct err err = ERR_INIT;
	autojson json_t *item = NULL;
	json_t *args = json_object();
	struct ask *a = NULL;
	int rc;

	*ret_known = false;
	json_put_str(args, "repo", repo);
	if (ask_open(socket, ask_now() + ASK_MS, &a, &err) < 0) {
		json_decref(args);
		return xstrdup(err_text(&err));
	}
	rc = ask_item(a, "clone push", args, &item, &err);
	ask_free(a);
	*ret_known = rc == 0;
	return rc == 0 || err.code != ERR_UNAVAILABLE ? xstrdup("answers")
						      : xstrdup(err_text(&err));
}

static char *config_value(const struct clone_place *p, const char *key)
{
	cleanup(strvec_release) struct strvec argv = STRVEC_INIT;
	cleanup(buf_release) struct buf out = BUF_INIT;

	strvec_pushl(&argv, "git", "config", "--get", key, NULL);
	return clone_git(p->dir, &argv, &out, NULL) == 0 ? buf_steal(&out) : NULL;
}

static const char *env_or(const char *name, const char *otherwise)
{
	const char *v = getenv(name);

	return v && *v ? v : otherwise;
}

static char *text_of(const struct clone_state *s, bool in_force, const char *daemon, bool known)
{
	if (!s->there)
		return xstrdup("The hooks are not installed here: yardmaster hooks install");
	if (!in_force)
		return xstrdup("Not all hooks are in force; 'yardmaster hooks install' mends it.");
	if (strcmp(daemon, "answers") != 0)
		return xasprintf("The hooks are in force. The daemon is away, so they let "
				 "everything through: %s",
				 daemon);
	return xstrdup(known ? "The hooks are in force."
			     : "The hooks are in force, but the daemon does not know the "
			       "repository, or not this user.");
}

int clone_status(const struct clone_opts *o, json_t *ret, struct err *err)
{
	cleanup(clone_place_release) struct clone_place p = {0};
	cleanup(clone_state_release) struct clone_state s = {0};
	autofree char *repo = NULL, *socket = NULL, *daemon = NULL, *text = NULL;
	json_t *item = json_object(), *hooks = json_array();
	const char *at, *name;
	bool in_force, known = false;

	json_put(ret, "item", item);
	if (clone_place_find(o->dir, &p, err) < 0 || clone_state_read(&p, &s, err) < 0) {
		json_decref(hooks);
		return -1;
	}
	in_force = clone_in_force(&p, &s, hooks);
	repo = config_value(&p, "yardmaster.repo");
	socket = config_value(&p, "yardmaster.socket");
	at = o->socket ? o->socket : env_or("YARDMASTER_SOCKET", socket);
	name = env_or("YARDMASTER_REPO", repo);
	daemon = at && name ? daemon_state(at, name, &known) : xstrdup("not asked: not installed");
	json_put_bool(item, "installed", s.there);
	json_put_bool(item, "in_force", in_force);
	json_put_str(item, "place", json_str(s.j, "mode", NULL));
	json_put_str(item, "folder", p.hooks);
	json_put_str(item, "repo", name);
	json_put_bool(item, "repo_known", known);
	json_put_str(item, "socket", at);
	json_put_str(item, "daemon", daemon);
	json_put(item, "hooks", hooks);
	text = text_of(&s, in_force, daemon, known);
	json_put_str(ret, "text", text);
	return in_force;
}
