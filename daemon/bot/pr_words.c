/* pr_words.c - see pr_words.h */
#include "bot/pr_words.h"

#include "base/mem.h"
#include "base/text.h"
#include "bot/queue_flow.h"
#include "forge/local.h"

json_t *pr_words_below(struct bot *b, const struct repo *r, int64_t number, const char *head,
		       const json_t *commits, struct err *err)
{
	cleanup(pr_list_release) struct pr_list l = {0};
	autojson json_t *oids = json_array();
	autofree char *text = NULL;
	json_t *below;
	const json_t *c;
	size_t i;

	json_array_foreach (commits, i, c)
		json_array_append_new(oids, json_string(json_str(c, "oid", "")));
	text = json_text(oids);
	if (pr_all(b->db, ST_PR_HEADS_AMONG, &l, err, "iiss", r->id, number, head, text) < 0)
		return NULL;
	below = json_array();
	for (i = 0; i < l.n; i++)
		json_array_append_new(below, json_string(l.v[i].head));
	return below;
}

/* The subject as it is shown: one line, nothing in it that a terminal obeys or nobody sees. */
static char *title_of(const char *subject)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	text_clean(subject, strlen(subject), &b, NULL);
	buf_truncate(&b, text_cut(b.s, b.len, LOCAL_TITLE_MAX));
	for (size_t i = 0; i < b.len; i++)
		if (b.s[i] == '\n' || b.s[i] == '\t')
			b.s[i] = ' ';
	return buf_steal(&b);
}

void pr_words_of(const json_t *commits, const char *topic, char **ret_title, char **ret_body)
{
	const json_t *c = json_array_get(commits, json_array_size(commits) - 1);
	const char *body = json_str(c, "body", "");
	autofree char *title = title_of(json_str(c, "subject", ""));

	*ret_title = *title ? steal(&title) : xstrdup(topic);
	*ret_body = xstrndup(body, text_cut(body, strlen(body), LOCAL_BODY_MAX));
}

json_t *pr_words_stack(struct bot *b, const struct repo *r, int64_t pr, struct err *err)
{
	cleanup(pr_list_release) struct pr_list l = {0};
	json_t *heads;

	if (pr_all(b->db, ST_PR_STACK, &l, err, "ii", r->id, pr) < 0)
		return NULL;
	heads = json_array();
	for (size_t i = 0; i < l.n; i++)
		json_array_append_new(heads, json_string(l.v[i].head));
	return heads;
}

int pr_words_ask(struct bot *b, const struct repo *r, const struct pr *pr, int64_t nonce,
		 struct err *err)
{
	autofree char *subject = xasprintf("pr:%lld:%lld", (long long)r->id, (long long)pr->number);
	json_t *below, *p;

	if (bot_forge(b, r).ops->remote || !r->base_oid || pr->task ||
	    pr->edited == (PR_EDITED_TITLE | PR_EDITED_BODY))
		return 0;
	below = pr_words_stack(b, r, pr->number, err);
	if (!below || !json_array_size(below)) {
		json_decref(below);
		return below ? 0 : -1;
	}
	json_array_append_new(below, json_string(r->base_oid));
	p = queue_pr_request(r, pr, "log");
	json_put(p, "not", below);
	json_put_str(p, "commit", pr->head);
	json_put_int(p, "max", QUEUE_COMMITS_MAX);
	return bot_effect(b, subject, "pr-words", p, err, "pr-words:%lld:%lld:%s:%lld",
			  (long long)r->id, (long long)pr->number, pr->head, (long long)nonce) < 0
		       ? -1
		       : 0;
}

/* A failure leaves the words as they were: those of a PR below it, perhaps, but nothing waits for them. */
int pr_words_did(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	cleanup(pr_release) struct pr pr = {0};
	autofree char *title = NULL, *body = NULL;
	const json_t *x = json_object_get(p, "ctx");
	const json_t *commits = json_object_get(json_object_get(p, "result"), "commits");
	int rc = queue_event_pr(b, x, &r, &pr, err);

	(void)e;
	if (rc <= 0)
		return rc;
	if (!json_array_size(commits) || strcmp(pr.state, "open") != 0 ||
	    strcmp(json_str(x, "head", ""), pr.head) != 0)
		return 0;
	pr_words_of(commits, pr.topic, &title, &body);
	if (!(pr.edited & PR_EDITED_TITLE))
		row_set(&pr.title, title);
	if (!(pr.edited & PR_EDITED_BODY) && strcmp(pr.body, body) != 0) {
		row_set(&pr.body, body);
		if (queue_learn_body(b, &r, &pr, err) < 0)
			return -1;
	}
	return pr_save(b->db, &pr, err);
}
