/* shadow.c - see shadow.h */
#include "bot/shadow.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bot/command.h"
#include "forge/github.h"

#define DETAIL_MAX 200 /* of what somebody wrote */

static bool any(const struct bot *b)
{
	return b->conf->github.shadow_all || b->conf->github.shadow.n;
}

/* ---- in and out ---- */

/* By the name that it has, or had when it came into shadow. */
static bool is_named(const struct bot *b, const struct repo *r, const struct shadow_repo *s)
{
	const struct conf_github *c = &b->conf->github;

	return conf_github_shadows(c, r->name) || (s->name && conf_github_shadows(c, s->name));
}

static int enter(struct bot *b, const struct repo *r, struct shadow_repo *s, struct err *err)
{
	if (s->id && !s->until_ms)
		return 0;
	s->repo = r->id;
	s->since_ms = bot_now(b);
	s->until_ms = 0;
	row_set(&s->name, r->name);
	if ((s->id ? shadow_repo_save(b->db, s, err) : shadow_repo_insert(b->db, s, err)) < 0)
		return -1;
	log_info("repository %s: in shadow mode, nothing is written there", r->name);
	return bot_audit(b, "yardmaster", "shadow-on", NULL, err, "repo:%s", r->name);
}

static int leave(struct bot *b, const struct repo *r, struct shadow_repo *s, struct err *err)
{
	if (!s->id || s->until_ms)
		return 0;
	s->until_ms = bot_now(b);
	if (shadow_repo_save(b->db, s, err) < 0)
		return -1;
	log_info("repository %s: not in shadow mode any more; what happened in it is left",
		 r->name);
	return bot_audit(b, "yardmaster", "shadow-off", NULL, err, "repo:%s", r->name);
}

int shadow_enter(struct bot *b, const struct repo *r, struct err *err)
{
	cleanup(shadow_repo_release) struct shadow_repo s = {0};

	if (strcmp(r->forge, "github") != 0)
		return 0;
	if (shadow_repo_find(b->db, ST_SHADOW_OF, &s, err, "i", r->id) < 0)
		return -1;
	return is_named(b, r, &s) ? enter(b, r, &s, err) : leave(b, r, &s, err);
}

int shadow_start(struct bot *b, struct err *err)
{
	cleanup(repo_list_release) struct repo_list l = {0};

	/* Without GitHub nothing is written there, and nobody has said that it should be again. */
	if (!b->conf->github.set)
		return 0;
	if (repo_all(b->db, ST_REPO_ALL, &l, err, "") < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++)
		if (shadow_enter(b, &l.v[i], err) < 0)
			return -1;
	return 0;
}

bool shadow_on(struct bot *b, int64_t repo)
{
	cleanup(shadow_repo_release) struct shadow_repo s = {0};
	cleanup(repo_release) struct repo r = {0};

	if (!any(b))
		return false;
	if (repo_get(b->db, repo, &r, NULL) <= 0)
		return true;
	if (strcmp(r.forge, "github") != 0)
		return false;
	return shadow_repo_find(b->db, ST_SHADOW_OF, &s, NULL, "i", repo) < 0 ||
	       (s.id && !s.until_ms) || is_named(b, &r, &s);
}

int shadow_until(struct bot *b, int64_t repo, int64_t *ret, struct err *err)
{
	cleanup(shadow_repo_release) struct shadow_repo s = {0};

	if (shadow_repo_find(b->db, ST_SHADOW_OF, &s, err, "i", repo) < 0)
		return -1;
	*ret = s.until_ms;
	return 0;
}

/* Was it of the time in shadow? */
static bool is_old(struct bot *b, int64_t repo, int64_t at_ms)
{
	int64_t until = 0;

	return shadow_until(b, repo, &until, NULL) < 0 || at_ms < until;
}

/* ---- walls ---- */

/* "/repos/OWNER/NAME…": the repository's name; NULL: another path. Caller frees. */
static char *name_in(const char *path)
{
	static const char begin[] = "/repos/";
	const char *s = path + sizeof(begin) - 1, *slash;

	if (strncmp(path, begin, sizeof(begin) - 1) != 0)
		return NULL;
	slash = strchr(s, '/');
	return slash && slash > s ? xstrndup(s, (size_t)(slash - s) + 1 + strcspn(slash + 1, "/?"))
				  : NULL;
}

bool shadow_may_write(void *bot, const char *path)
{
	static const char deliveries[] = "/app/hook/deliveries/";
	struct bot *b = bot;
	autofree char *name = name_in(path);
	cleanup(github_repo_release) struct github_repo gr = {0};

	if (!any(b))
		return true;
	/* A delivery once more: of the App, not of a repository. */
	if (!strncmp(path, deliveries, sizeof(deliveries) - 1))
		return !b->conf->github.shadow_all;
	if (!name || conf_github_shadows(&b->conf->github, name) ||
	    github_repo_find(b->db, ST_GITHUB_BY_NAME, &gr, NULL, "s", name) <= 0)
		return false;
	return !shadow_on(b, gr.repo);
}

/* The repository that a payload is about: its number, or its path. 0: none. */
static int64_t repo_of(struct bot *b, const json_t *payload)
{
	cleanup(repo_release) struct repo r = {0};
	const char *path = json_str(payload, "repo", NULL);

	if (path)
		return repo_find(b->db, ST_REPO_BY_PATH, &r, NULL, "s", path) > 0 ? r.id : 0;
	return json_int(payload, "repo", 0);
}

bool shadow_refuses(struct bot *b, const struct effect_kind *k, const json_t *payload,
		    int64_t at_ms)
{
	bool writes = k->executor == EXEC_FORGE || k->executor == EXEC_NET ||
		      (k->executor == EXEC_FETCH && strcmp(json_str(payload, "op", ""), "fetch"));
	int64_t repo;

	if (!writes)
		return false;
	repo = repo_of(b, payload);
	return shadow_on(b, repo) || is_old(b, repo, at_ms);
}

/* ---- counting ---- */

int shadow_note(struct bot *b, const struct shadow_event *x, struct err *err)
{
	return db_run(b->db, ST_SHADOW_PUT, err, "isississsi", x->repo, x->kind, x->pr,
		      x->head ? x->head : "", x->base ? x->base : "", x->other, x->oid, x->tree,
		      x->detail, x->at_ms ? x->at_ms : bot_now(b));
}

static int count(struct bot *b, const struct event *e, const json_t *p, const char *kind,
		 const char *what, size_t index, struct err *err)
{
	autofree char *key = xasprintf("%s#%zu", e->key, index);
	autofree char *text = xstrndup(what, text_cut(what, strcspn(what, "\n"), DETAIL_MAX));

	return shadow_note(b,
			   &(struct shadow_event){.repo = json_int(p, "repo", 0),
						  .kind = (char *)kind,
						  .pr = json_int(p, "number", 0),
						  .head = key,
						  .detail = text},
			   err);
}

static int count_label(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	cleanup(conf_repo_release) struct conf_repo conf = {0};
	const char *label = json_str(p, "label", "");

	if (bot_repo(b, json_int(p, "repo", 0), &r, err) < 0 ||
	    bot_repo_conf(b, &r, &conf, err) < 0)
		return -1;
	return strncmp(label, conf.label_prefix, strlen(conf.label_prefix))
		       ? 0
		       : count(b, e, p, "label", label, 0, err);
}

static int count_comment(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	const char *body = json_str(p, "body", "");
	struct commands cmds = {0};
	int rc = 0;

	commands_parse(body, strlen(body), b->conf->handle, &cmds);
	for (size_t i = 0; rc >= 0 && i < cmds.n; i++)
		rc = count(b, e, p, "command", cmds.v[i].source, i, err);
	commands_release(&cmds);
	return rc;
}

static int count_button(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	return count(b, e, p, "button", json_str(p, "command", ""), 0, err);
}

/* What people ask for, in whichever way. NULL: nothing to count. */
static const struct {
	const char *kind;
	decide_fn count;
} asked[] = {
	{"issue-labeled", count_label},
	{"issue-unlabeled", NULL},
	{"issue-edited", NULL},
	{"issue-closed", NULL},
	{"issue-reopened", NULL},
	{"comment-created", count_comment},
	{"button-pressed", count_button},
	{"pr-changes-requested", NULL},
	{"pr-approved", NULL},
};

int shadow_take(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	int64_t repo = json_int(p, "repo", 0), at = json_int(p, "at_ms", e->at_ms);
	size_t i = 0;

	while (i < ARRAY_LEN(asked) && strcmp(asked[i].kind, e->kind) != 0)
		i++;
	if (i == ARRAY_LEN(asked) ||
	    (!shadow_on(b, repo) && !is_old(b, repo, at < e->at_ms ? at : e->at_ms)))
		return 0;
	return asked[i].count && asked[i].count(b, e, p, err) < 0 ? -1 : 1;
}
