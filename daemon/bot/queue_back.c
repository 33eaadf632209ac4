/* queue_back.c - see queue_flow.h: a PR that would bring back what was taken out of the base (git/rewound.h). */
#include "bot/queue_flow.h"

#include "base/mem.h"
#include "bot/approvals.h"

#define TOLD "told" /* of a candidate's detail: people were */

/* Of a candidate that would have brought back what the base has lost; NULL: it is none, or is refused for another reason. */
static json_t *refusal_of(const struct candidate *c)
{
	autojson json_t *detail = NULL;

	if (!c->detail || json_parse(c->detail, strlen(c->detail), SIZE_MAX, &detail, NULL) < 0 ||
	    strcmp(json_str(detail, "reason", ""), "brings-back") != 0)
		return NULL;
	return steal(&detail);
}

int queue_back_told(struct bot *b, const struct candidate *told, struct err *err)
{
	cleanup(candidate_release) struct candidate c = {0};
	autojson json_t *refusal = refusal_of(told);

	if (!refusal)
		return 0;
	if (candidate_get(b->db, told->id, &c, err) < 0)
		return -1;
	json_put_bool(refusal, TOLD, true);
	row_take(&c.detail, json_text(refusal));
	if (candidate_save(b->db, &c, err) < 0)
		return -1;
	return db_run(b->db, ST_APPROVAL_VOID, err, "iiiss", c.repo, c.pr, bot_now(b),
		      "it would bring back what was taken out of the base, which was not known "
		      "then",
		      "") < 0
		       ? -1
		       : 0;
}

int queue_back_wanted(struct bot *b, const struct repo *r, int64_t pr, const char *head, json_t *q,
		      struct err *err)
{
	cleanup(candidate_release) struct candidate c = {0};
	autojson json_t *refusal = NULL;
	int64_t n = 0;
	int rc = candidate_find(b->db, ST_CANDIDATE_CONFLICT, &c, err, "iis", r->id, pr, head);

	if (rc <= 0)
		return rc;
	refusal = refusal_of(&c);
	/* One that was found of a base that moved on was thrown away without a word. */
	if (!refusal || !json_flag(refusal, TOLD))
		return 0;
	if (approvals_count(b, r, pr, head, NULL, &n, err) < 0)
		return -1;
	if (n) /* those from before are void */
		json_put(q, "brought_back", json_incref(json_object_get(refusal, "lost")));
	return 0;
}
