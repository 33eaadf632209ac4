/* bot.c - see bot.h: what handlers use. */
#include "bot/bot.h"

#include "base/mem.h"
#include "bot/secrets.h"
#include "bot/shadow.h"
#include "runner/run.h"

int64_t bot_now(struct bot *b)
{
	return b->clock->wall_ms(b->clock);
}

int bot_effect(struct bot *b, const char *subject, const char *kind, json_t *payload,
	       struct err *err, const char *key_fmt, ...)
{
	autojson json_t *p = payload;
	autofree char *key = NULL;
	va_list ap;

	va_start(ap, key_fmt);
	key = xvasprintf(key_fmt, ap);
	va_end(ap);
	secrets_mask_effect(b, kind, p);
	return effect_add(b->db, key, subject, kind, p, bot_now(b), err);
}

int bot_event(struct bot *b, const char *kind, json_t *payload, struct err *err,
	      const char *key_fmt, ...)
{
	autojson json_t *p = payload;
	autofree char *key = NULL;
	va_list ap;

	va_start(ap, key_fmt);
	key = xvasprintf(key_fmt, ap);
	va_end(ap);
	return event_add(b->db, key, kind, p, bot_now(b), err) < 0 ? -1 : 0;
}

int bot_audit(struct bot *b, const char *actor, const char *action, json_t *detail, struct err *err,
	      const char *subject_fmt, ...)
{
	autojson json_t *d = detail;
	autofree char *subject = NULL;
	va_list ap;

	va_start(ap, subject_fmt);
	subject = xvasprintf(subject_fmt, ap);
	va_end(ap);
	return audit_add(b->db, bot_now(b), actor, action, subject, d, err) < 0 ? -1 : 0;
}

int bot_say(struct bot *b, int64_t repo, int64_t number, char *body, struct err *err,
	    const char *key_fmt, ...)
{
	autojson json_t *p = json_object();
	autofree char *text = body, *key = NULL, *subject = NULL;
	int rc = 0;
	va_list ap;

	va_start(ap, key_fmt);
	key = xvasprintf(key_fmt, ap);
	va_end(ap);
	if (shadow_on(b, repo))
		return 0;
	subject = xasprintf("talk:%lld:%lld", (long long)repo, (long long)number);
	json_put_int(p, "repo", repo);
	json_put_int(p, "number", number);
	json_put_str(p, "key", key);
	json_put_str(p, "body", text);
	secrets_mask_effect(b, "forge-comment", p);
	/* The comment's key says which comment, the rest which version of it: what is said last stands, also
	 * when it was said before within the same millisecond. Saying the same twice does no harm. */
	for (int again = 0; rc == 0; again++) {
		autofree char *effect =
			xasprintf("say:%s:%lld:%d", key, (long long)bot_now(b), again);

		rc = effect_add(b->db, effect, subject, "forge-comment", p, bot_now(b), err);
	}
	return rc < 0 ? -1 : 0;
}

int bot_notify(struct bot *b, const char *what, int64_t repo, int64_t number, const char *text,
	       const char *once, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	autofree char *when = once ? xstrdup(once) : xasprintf("%lld", (long long)bot_now(b));
	json_t *p;

	if (bot_repo(b, repo, &r, err) < 0)
		return -1;
	if (shadow_on(b, repo)) /* what nobody has done needs nobody */
		return 0;
	p = json_object();
	json_put_str(p, "what", what);
	json_put_str(p, "repo", r.name);
	json_put_int(p, "number", number);
	json_put_str(p, "text", text);
	return bot_effect(b, "notify", "notify", p, err, "notify:%s:%lld:%lld:%s", what,
			  (long long)repo, (long long)number, when) < 0
		       ? -1
		       : 0;
}

struct forge bot_forge(struct bot *b, const struct repo *r)
{
	const struct forge_ops *ops = forge_find(r->forge);

	return (struct forge){ops ? ops : &forge_local, b->db, b->clock, b->github};
}

int bot_repo(struct bot *b, int64_t id, struct repo *ret, struct err *err)
{
	int rc = repo_get(b->db, id, ret, err);

	if (rc == 0)
		return err_set(err, ERR_NOT_FOUND, "repository %lld: not in the ledger",
			       (long long)id);
	return rc < 0 ? -1 : 0;
}

int bot_permission(struct bot *b, int64_t repo, const char *user, enum forge_level *ret,
		   struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	struct forge f = {&forge_local, b->db, b->clock, NULL};
	int rc;

	if (repo && bot_repo(b, repo, &r, err) < 0)
		return -1;
	if (repo)
		f = bot_forge(b, &r);
	rc = f.ops->permission(&f, repo, user, ret, err);
	if (rc != FORGE_LATER)
		return rc;
	b->asked_repo = repo;
	row_set(&b->asked_user, user);
	row_set(&b->asked_team, NULL);
	return err_set(err, ERR_UNAVAILABLE, "%s is asked what %s may do in %s", r.forge, user,
		       r.name);
}

/* An effect, unless one of its subject is open; takes over the payload. */
static int ask_once(struct bot *b, const char *subject, const char *kind, json_t *payload,
		    struct err *err)
{
	autojson json_t *p = payload;
	int64_t open = 0;

	if (db_int(b->db, ST_EFFECT_OPEN_OF, &open, err, "s", subject) < 0)
		return -1;
	if (open)
		return 0;
	return bot_effect(b, subject, kind, steal(&p), err, "%s:%lld", subject,
			  (long long)bot_now(b)) < 0
		       ? -1
		       : 0;
}

int bot_ask_level(struct bot *b, int64_t repo, const char *user, struct err *err)
{
	autofree char *subject = xasprintf("level:%lld:%s", (long long)repo, user);
	json_t *p = json_object();

	json_put_int(p, "repo", repo);
	json_put_str(p, "user", user);
	return ask_once(b, subject, "forge-level", p, err);
}

int bot_ask_member(struct bot *b, int64_t repo, const char *team, const char *user, struct err *err)
{
	autofree char *subject = xasprintf("member:%s:%s", team, user);
	json_t *p = json_object();

	json_put_int(p, "repo", repo);
	json_put_str(p, "team", team);
	json_put_str(p, "user", user);
	return ask_once(b, subject, "forge-member", p, err);
}

int bot_permission_here(struct bot *b, int64_t repo, const char *user, enum forge_level *ret,
			struct err *err)
{
	struct forge f = {&forge_local, b->db, b->clock, NULL};

	return forge_local.permission(&f, repo, user, ret, err);
}

int bot_repo_conf(struct bot *b, const struct repo *r, struct conf_repo *ret, struct err *err)
{
	autojson json_t *files = NULL;
	const char *text;

	(void)b;
	conf_repo_default(ret);
	if (!r->config)
		return 0;
	if (json_parse(r->config, strlen(r->config), SIZE_MAX, &files, err) < 0)
		return err_wrap(err, "repository %s: stored configuration", r->name);
	text = json_str(files, CONF_REPO_PATH, NULL);
	if (!text)
		return 0;
	conf_repo_release(ret);
	return conf_repo_load(CONF_REPO_PATH, text, strlen(text), ret, err);
}

bool bot_halted(struct bot *b, char **ret_why)
{
	cleanup(err_release) struct err err = ERR_INIT;
	autofree char *why = NULL;
	int halted = run_halted(b->data, &err);
	int waits;

	if (halted) {
		autofree char *by = halted > 0 && ret_why ? run_halt_text(b->data) : NULL;

		if (ret_why)
			*ret_why = halted < 0
					   ? xstrdup(err_text(&err))
					   : xasprintf("the kill switch is on%s%s%s; `yardmaster "
						       "resume` turns it off",
						       by ? " (" : "", by ? by : "", by ? ")" : "");
		return true;
	}
	waits = meta_get(b->db, "waits", &why, &err);
	if (waits && ret_why)
		*ret_why = waits < 0 ? xstrdup(err_text(&err)) : steal(&why);
	return waits != 0;
}

int bot_waits(struct bot *b, bool *ret, struct err *err)
{
	autofree char *why = NULL;
	int rc = meta_get(b->db, "waits", &why, err);

	*ret = rc > 0;
	return rc < 0 ? -1 : 0;
}

int bot_halt(struct bot *b, const char *actor, const char *reason, struct run_halting **ret_halting,
	     struct err *err)
{
	cleanup(run_halt_free) struct run_halting *h = NULL;
	autofree char *who =
		reason && *reason ? xasprintf("%s: %s", actor, reason) : xstrdup(actor);
	json_t *d;

	for (char *s = who; *s; s++) /* the file is one line */
		*s = (unsigned char)*s < ' ' ? ' ' : *s;
	if (run_halt_begin(b->data, who, &h, err) < 0)
		return -1;
	d = json_object();
	json_put_str(d, "reason", reason);
	json_put_int(d, "running", (int64_t)run_halt_found(h));
	if (bot_audit(b, actor, "halt", d, err, "all") < 0)
		return -1;
	if (ret_halting)
		*ret_halting = steal(&h);
	return 0;
}

int bot_resume(struct bot *b, const char *actor, struct err *err)
{
	if (run_halt_clear(b->data, err) < 0 || meta_clear(b->db, "waits", err) < 0)
		return -1;
	return bot_audit(b, actor, "resume", NULL, err, "all");
}
