/* approvals.c - see approvals.h */
#include "bot/approvals.h"

#include "base/mem.h"

int approval_counts(struct bot *b, const struct repo *r, const struct approval *a, bool *ret,
		    char **ret_why, struct err *err)
{
	enum forge_level have = FORGE_NONE;
	struct forge f = bot_forge(b, r);
	int rc;

	*ret = false;
	if (a->void_ms)
		return 0;
	rc = f.ops->permission(&f, r->id, a->user, &have, err);
	/* Not known, or known for too long: what was said last counts until the answer is there. */
	if (rc == FORGE_LATER)
		rc = bot_ask_level(b, r->id, a->user, err);
	if (rc < 0)
		return err_wrap(err, "the approval by %s", a->user);
	*ret = have >= FORGE_WRITE;
	if (!*ret && ret_why)
		*ret_why = xasprintf("%s has the permission '%s' now; it takes '%s'", a->user,
				     forge_level_name(have), forge_level_name(FORGE_WRITE));
	return 0;
}

int approvals_count(struct bot *b, const struct repo *r, int64_t pr, const char *head,
		    const char *but, int64_t *ret, struct err *err)
{
	cleanup(approval_list_release) struct approval_list l = {0};
	int64_t n = 0;

	if (approval_all(b->db, ST_APPROVAL_OF, &l, err, "ii", r->id, pr) < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		bool counts;

		if (strcmp(l.v[i].head, head) != 0 || (but && !strcmp(l.v[i].user, but)))
			continue;
		if (approval_counts(b, r, &l.v[i], &counts, NULL, err) < 0)
			return -1;
		n += counts;
	}
	*ret = n;
	return 0;
}
