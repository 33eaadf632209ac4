/* allowed.c - see allowed.h */
#include "bot/allowed.h"

#include "base/buf.h"
#include "base/mem.h"
#include "bot/members.h"

static const struct {
	enum command_id id;
	enum conf_allow key;
} keys[] = {
	{CMD_RUN, CONF_ALLOW_RUN},        {CMD_CANCEL, CONF_ALLOW_RUN},
	{CMD_RETRY, CONF_ALLOW_RUN},      {CMD_SAY, CONF_ALLOW_RUN},
	{CMD_QUEUE, CONF_ALLOW_QUEUE},    {CMD_DEQUEUE, CONF_ALLOW_QUEUE},
	{CMD_HOLD, CONF_ALLOW_QUEUE},     {CMD_UNHOLD, CONF_ALLOW_QUEUE},
	{CMD_RESOLVE, CONF_ALLOW_RUN},    {CMD_DEPENDS, CONF_ALLOW_QUEUE},
	{CMD_UNDEPEND, CONF_ALLOW_QUEUE}, {CMD_FREEZE, CONF_ALLOW_FREEZE},
	{CMD_THAW, CONF_ALLOW_FREEZE},    {CMD_HALT, CONF_ALLOW_HALT},
	{CMD_RESUME, CONF_ALLOW_RESUME},
};

enum conf_allow allowed_key(enum command_id id)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (keys[i].id == id)
			return keys[i].key;
	return CONF_ALLOW_NONE;
}

static int by_level(struct bot *b, const struct repo *r, enum forge_level need, const char *user,
		    char **ret_refusal, struct err *err)
{
	enum forge_level have;

	if (bot_permission(b, r->id, user, &have, err) < 0)
		return -1;
	*ret_refusal = have >= need
			       ? NULL
			       : xasprintf("needs the permission `%s`; @%s has `%s`",
					   forge_level_name(need), user, forge_level_name(have));
	return 0;
}

/* One way in. 1: it is open; 0 not, and what is said about it is added. */
static int try_one(struct bot *b, const struct repo *r, const char *way, const char *user,
		   struct buf *needs, struct buf *has, struct err *err)
{
	const char *sep = needs->len ? " or " : "", *and = has->len ? ", " : "";
	autofree char *why = NULL;
	enum forge_level need, have;
	enum member m;

	if (!strncmp(way, CONF_TEAM, strlen(CONF_TEAM))) {
		way += strlen(CONF_TEAM);
		if (members_ask(b, r, way, user, &m, &why, err) < 0)
			return -1;
		buf_addf(needs, "%sto be in the team `%s`", sep, way);
		if (m == MEMBER_UNKNOWN)
			buf_addf(has, "%s%s", and,
				 why ? why : "the forge does not say who is in it");
		else
			buf_addf(has, "%sis not in `%s`", and, way);
		return m == MEMBER_YES;
	}
	if (forge_level_parse(way, &need, err) < 0 ||
	    bot_permission(b, r->id, user, &have, err) < 0)
		return -1;
	buf_addf(needs, "%sthe permission `%s`", sep, way);
	buf_addf(has, "%shas `%s`", and, forge_level_name(have));
	return have >= need;
}

int allowed(struct bot *b, const struct repo *r, enum conf_allow what, enum forge_level otherwise,
	    const char *user, char **ret_refusal, struct err *err)
{
	const struct strvec *ways = &b->conf->github.allow[what];
	cleanup(buf_release) struct buf needs = BUF_INIT;
	cleanup(buf_release) struct buf has = BUF_INIT;

	/* The people of this machine are given what they may do here (`yardmaster user`). */
	if (!ways->n || !bot_forge(b, r).ops->member)
		return by_level(b, r, otherwise, user, ret_refusal, err);
	for (size_t i = 0; i < ways->n; i++) {
		int rc = try_one(b, r, ways->v[i], user, &needs, &has, err);

		if (rc < 0)
			return -1;
		if (rc > 0) {
			*ret_refusal = NULL;
			return 0;
		}
	}
	*ret_refusal = xasprintf("needs %s; @%s %s", needs.s, user, has.s);
	return 0;
}

/* One way in, by what is known. */
static int look_one(struct bot *b, const struct repo *r, const char *way, const char *user,
		    enum allowed_still *ret, struct err *err)
{
	struct forge f = bot_forge(b, r);
	enum forge_level need, have = FORGE_NONE;
	enum member m;
	int rc;

	if (!strncmp(way, CONF_TEAM, strlen(CONF_TEAM))) {
		rc = members_look(b, r, way + strlen(CONF_TEAM), user, &m, NULL, err);
		*ret = m == MEMBER_YES  ? ALLOWED_YES
		       : m == MEMBER_NO ? ALLOWED_NO
					: ALLOWED_UNKNOWN;
		return rc < 0 ? -1 : 0;
	}
	if (forge_level_parse(way, &need, err) < 0)
		return -1;
	rc = f.ops->permission(&f, r->id, user, &have, err);
	*ret = have >= need ? ALLOWED_YES : rc == FORGE_LATER ? ALLOWED_UNKNOWN : ALLOWED_NO;
	if (rc == FORGE_LATER)
		rc = bot_ask_level(b, r->id, user, err);
	return rc < 0 ? -1 : 0;
}

int allowed_still(struct bot *b, const struct repo *r, enum conf_allow what,
		  enum forge_level otherwise, const char *user, enum allowed_still *ret,
		  char **ret_refusal, struct err *err)
{
	const struct strvec *ways = &b->conf->github.allow[what];
	bool by_ways = ways->n && bot_forge(b, r).ops->member;
	enum allowed_still one, all = ALLOWED_NO;

	for (size_t i = 0; i < (by_ways ? ways->n : 1) && all != ALLOWED_YES; i++) {
		const char *way = by_ways ? ways->v[i] : forge_level_name(otherwise);

		if (look_one(b, r, way, user, &one, err) < 0)
			return -1;
		if (one != ALLOWED_NO)
			all = one;
	}
	*ret = all;
	return all == ALLOWED_NO ? allowed(b, r, what, otherwise, user, ret_refusal, err) : 0;
}
