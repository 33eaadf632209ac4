/* checkup.c - see checkup.h */
#include "bot/checkup.h"

#include "base/log.h"
#include "base/mem.h"
#include "bot/api.h"
#include "bot/first_look.h"
#include "bot/shadow.h"
#include "forge/github.h"
#include "forge/github_doctor.h"

struct checkup {
	struct bot *bot;
	uint64_t ticket;
	struct github_doctor *doctor;
	struct github_doctor_repo *repos; /* strings are those of the lists */
	struct github_repo_list remotes;
	struct repo_list locals;
};

static void checkup_free(struct checkup *c)
{
	github_repo_list_release(&c->remotes);
	repo_list_release(&c->locals);
	free(c->repos);
	free(c);
}

void checkup_stop(struct bot *b)
{
	if (!b->checkup)
		return;
	github_doctor_cancel(b->checkup->doctor);
	checkup_free(b->checkup);
	b->checkup = NULL;
}

static void on_done(void *arg, json_t *rows)
{
	struct checkup *c = arg;
	struct bot *b = c->bot;
	cleanup(err_release) struct err err = ERR_INIT;

	b->checkup = NULL;
	if (first_look_doctor(b, rows, &err) < 0)
		log_warn("doctor: %s", err_text(&err));
	api_answer(b->api, c->ticket, api_rows(rows), NULL);
	checkup_free(c);
}

static const struct repo *local_of(const struct checkup *c, int64_t id)
{
	for (size_t i = 0; i < c->locals.n; i++)
		if (c->locals.v[i].id == id)
			return &c->locals.v[i];
	return NULL;
}

static int add_repo(struct checkup *c, const struct github_repo *gr, size_t *n, struct err *err)
{
	cleanup(conf_repo_release) struct conf_repo conf = {0};
	const struct repo *r = local_of(c, gr->repo);
	enum conf_method method;

	if (!r)
		return 0;
	if (bot_repo_conf(c->bot, r, &conf, err) < 0)
		return -1;
	method = conf.queue.method;
	c->repos[(*n)++] = (struct github_doctor_repo){.full_name = gr->full_name,
						       .base = r->base,
						       .installation = gr->installation,
						       .problem = gr->problem,
						       .method = conf_method_name(method),
						       .moves_heads = method != CONF_MERGE,
						       .merges = method == CONF_MERGE,
						       .drafts = conf.queue.draft_pr,
						       .shadow = shadow_on(c->bot, r->id)};
	return 0;
}

static int find_repos(struct checkup *c, size_t *ret_n, struct err *err)
{
	struct bot *b = c->bot;
	size_t n = 0;

	if (github_repo_all(b->db, ST_GITHUB_ALL, &c->remotes, err, "") < 0 ||
	    repo_all(b->db, ST_REPO_ALL, &c->locals, err, "") < 0)
		return -1;
	c->repos = xcalloc(c->remotes.n + 1, sizeof(*c->repos));
	for (size_t i = 0; i < c->remotes.n && n < GITHUB_DOCTOR_REPOS_MAX; i++)
		if (add_repo(c, &c->remotes.v[i], &n, err) < 0)
			return -1;
	*ret_n = n;
	return 0;
}

int api_doctor(struct request *q, json_t **ret, struct err *err)
{
	struct bot *b = q->bot;
	struct checkup *c;
	size_t n = 0;

	if (!b->gh) {
		*ret = api_rows(json_array());
		return API_DONE;
	}
	if (b->checkup)
		return err_set(
			err, ERR_UNAVAILABLE,
			"doctor: GitHub is being asked for somebody else already; try again in "
			"a minute");
	c = xcalloc(1, sizeof(*c));
	c->bot = b;
	c->ticket = q->ticket;
	if (find_repos(c, &n, err) < 0) {
		checkup_free(c);
		return -1;
	}
	b->checkup = c;
	c->doctor = github_doctor_start(
		&(struct github_doctor_opts){.client = b->gh,
					     .token = b->conf->github.token,
					     .listens = b->conf->hooks.listen != NULL,
					     .channel = b->conf->hooks.events,
					     .signs = b->conf->sign_key != NULL,
					     .email = b->conf->author_email,
					     .shadow = b->conf->github.shadow_all,
					     .repos = c->repos,
					     .n = n,
					     .done = on_done,
					     .arg = c});
	return API_LATER;
}
