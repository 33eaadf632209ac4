/* api_args.c - see api_args.h */
#include "bot/api_args.h"

#include "base/mem.h"
#include "bot/shadow.h"

#include <errno.h>

int args_number(const json_t *args, const char *key, int64_t *ret, struct err *err)
{
	const json_t *v = json_object_get(args, key);
	const char *s = json_string_value(v);
	char *end;

	if (json_is_integer(v)) {
		*ret = json_integer_value(v);
		return 0;
	}
	if (s && *s == '#')
		s++;
	errno = 0;
	*ret = s ? strtoll(s, &end, 10) : 0;
	if (!s || !*s || *end || errno || *ret <= 0)
		return err_set(err, ERR_INPUT, "%s: found '%s'; expected a number such as 12", key,
			       s ? s : "");
	return 0;
}

const char *args_str(const json_t *args, const char *key)
{
	return json_str(args, key, NULL);
}

int args_issue(struct request *q, struct issue *ret, struct err *err)
{
	int64_t n;
	int rc;

	if (args_number(q->args, "number", &n, err) < 0)
		return -1;
	rc = issue_find(q->bot->db, ST_ISSUE_BY_NUMBER, ret, err, "ii", q->repo.id, n);
	if (rc == 0)
		return err_set(err, ERR_NOT_FOUND, "issue #%lld: no such issue in %s", (long long)n,
			       q->repo.name);
	return rc < 0 ? -1 : 0;
}

int args_pr(struct request *q, struct pr *ret, struct err *err)
{
	int64_t n;
	int rc;

	if (args_number(q->args, json_object_get(q->args, "pr") ? "pr" : "number", &n, err) < 0)
		return -1;
	rc = pr_find(q->bot->db, ST_PR_BY_NUMBER, ret, err, "ii", q->repo.id, n);
	if (rc == 0)
		return err_set(err, ERR_NOT_FOUND, "PR #%lld: no such PR in %s", (long long)n,
			       q->repo.name);
	return rc < 0 ? -1 : 0;
}

int args_need(struct request *q, int64_t repo, enum forge_level need, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	enum forge_level have;

	if (repo && repo_get(q->bot->db, repo, &r, err) > 0 && r.removed_ms)
		return err_set(err, ERR_NOT_FOUND,
			       "repository %s: was removed; `yardmaster repo add` takes it back",
			       r.name);
	if (bot_permission_here(q->bot, repo, q->actor, &have, err) < 0)
		return -1;
	if (have >= need)
		return 0;
	return err_set(err, ERR_DENIED, "needs the permission '%s'; %s has '%s'",
		       forge_level_name(need), q->actor, forge_level_name(have));
}

int args_task(struct request *q, struct task *ret, struct err *err)
{
	int64_t id;
	int rc;

	if (args_number(q->args, "id", &id, err) < 0)
		return -1;
	rc = task_get(q->bot->db, id, ret, err);
	if (rc == 0)
		return err_set(err, ERR_NOT_FOUND, "task %lld: no such task", (long long)id);
	return rc < 0 ? -1 : args_need(q, ret->repo, FORGE_READ, err);
}

int args_action(struct request *q, int64_t number, struct command *cmd, enum command_id id,
		json_t **ret, struct err *err)
{
	autofree char *text = NULL;
	struct action a = {
		.bot = q->bot, .repo = &q->repo, .number = number, .actor = q->actor, .cmd = cmd};

	cmd->def = &command_table[id];
	if (id != CMD_WHY && id != CMD_STATUS && shadow_on(q->bot, q->repo.id))
		return err_set(err, ERR_STATE,
			       "repository %s: in shadow mode (github.shadow in yardmaster.yml), "
			       "where nothing is done; `yardmaster stats` shows what would be",
			       q->repo.name);
	if (action_do(&a, &text, err) < 0)
		return -1;
	*ret = api_text("%s", text ? text : "done");
	return API_DONE;
}

int args_name(const char *what, const char *s, struct err *err)
{
	size_t n = s ? strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				 "._-")
		     : 0;

	if (s && n && !s[n] && n <= 64 && s[0] != '.' && s[0] != '-')
		return 0;
	return err_set(err, ERR_INPUT,
		       "%s '%s': expected 1 to 64 letters, digits, '.', '_' or '-', not beginning "
		       "with '.' or '-'",
		       what, s ? s : "");
}
