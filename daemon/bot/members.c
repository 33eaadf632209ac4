/* members.c - see members.h */
#include "bot/members.h"

#include "base/mem.h"

/* 0, FORGE_LATER, -1. */
static int look(struct bot *b, const struct repo *r, const char *team, const char *user,
		enum member *ret, char **ret_why, struct err *err)
{
	struct forge f = bot_forge(b, r);
	int said = -1, rc;

	*ret = MEMBER_NO;
	if (!f.ops->member)
		return 0;
	rc = f.ops->member(&f, team, user, &said, ret_why, err);
	*ret = said < 0 ? MEMBER_UNKNOWN : said ? MEMBER_YES : MEMBER_NO;
	return rc;
}

int members_look(struct bot *b, const struct repo *r, const char *team, const char *user,
		 enum member *ret, char **ret_why, struct err *err)
{
	int rc = look(b, r, team, user, ret, ret_why, err);

	return rc == FORGE_LATER ? bot_ask_member(b, r->id, team, user, err) : rc;
}

int members_ask(struct bot *b, const struct repo *r, const char *team, const char *user,
		enum member *ret, char **ret_why, struct err *err)
{
	autofree char *why = NULL;
	int rc = look(b, r, team, user, ret, &why, err);

	if (rc != FORGE_LATER) {
		if (ret_why)
			*ret_why = steal(&why);
		return rc;
	}
	b->asked_repo = r->id;
	row_set(&b->asked_user, user);
	row_set(&b->asked_team, team);
	return err_set(err, ERR_UNAVAILABLE, "%s is asked whether %s is in the team %s", r->forge,
		       user, team);
}
