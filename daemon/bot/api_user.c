/* api_user.c - users: who may do what. */
#include "bot/api_args.h"

#include "base/mem.h"

static int insert_user(struct request *q, const char *name, int64_t uid, struct user *ret,
		       struct err *err)
{
	cleanup(user_release) struct user other = {0};
	int rc = user_find(q->bot->db, ST_USER_BY_UID, &other, err, "i", uid);

	bool owner = uid == (int64_t)q->bot->owner, named = rc > 0 && strcmp(other.name, name) != 0;

	if (named && !owner)
		return err_set(err, ERR_EXISTS, "uid %lld: is %s already", (long long)uid,
			       other.name);
	if (rc >= 0)
		rc = user_find(q->bot->db, ST_USER_BY_NAME, ret, err, "s", name);
	if (rc > 0 && ret->uid != uid && named)
		return err_set(err, ERR_EXISTS, "user %s: is uid %lld already", name,
			       (long long)ret->uid);
	if (rc < 0)
		return -1;
	if (named) { /* the owner, who began under the system's name, gets the one that is wanted */
		row_set(&other.name, name);
		*ret = other;
		other = (struct user){0};
		return user_save(q->bot->db, ret, err);
	}
	row_set(&ret->name, name);
	ret->uid = uid;
	if (rc > 0)
		return user_save(q->bot->db, ret, err);
	ret->created_ms = bot_now(q->bot);
	return user_insert(q->bot->db, ret, err);
}

/* A permission in one repository adds to that in all: the higher of the two counts. */
static int set_level(struct request *q, const struct user *u, const struct repo *r,
		     enum forge_level level, struct err *err)
{
	int rc = level == FORGE_NONE
			 ? db_run(q->bot->db, ST_PERMISSION_CLEAR, err, "ii", u->id, r->id)
			 : db_run(q->bot->db, ST_PERMISSION_SET, err, "iii", u->id, r->id,
				  (int64_t)level);

	if (rc < 0)
		return -1;
	return bot_audit(q->bot, q->actor, "user-add",
			 json_pack("{s:s,s:s}", "permission", forge_level_name(level), "repo",
				   r->id ? r->name : "*"),
			 err, "user:%s", u->name);
}

/* What else there is to know about a permission that was given. Caller frees; NULL: error. */
static char *level_hint(struct request *q, const struct user *u, const struct repo *r,
			enum forge_level level, struct err *err)
{
	enum forge_level now;
	int64_t n = 0;

	if (bot_permission(q->bot, r->id, u->name, &now, err) < 0)
		return NULL;
	if (now > level)
		return xasprintf("; '%s' in all repositories counts there too",
				 forge_level_name(now));
	if (now >= FORGE_WRITE)
		return xstrdup("");
	if (db_int(q->bot->db, ST_APPROVAL_OPEN_BY, &n, err, "si", u->name, r->id) < 0)
		return NULL;
	return n ? xasprintf("; approvals of open PRs by it: %lld, which count only where it may "
			     "write",
			     (long long)n)
		 : xstrdup("");
}

int api_user_add(struct request *q, json_t **ret, struct err *err)
{
	cleanup(user_release) struct user u = {0};
	cleanup(repo_release) struct repo r = {0};
	const char *name = args_str(q->args, "name"), *in = args_str(q->args, "repo");
	autofree char *hint = NULL;
	const char *given;
	enum forge_level level;
	int64_t uid;

	if (args_name("user", name, err) < 0 || json_get_int(q->args, "uid", &uid, err) < 0)
		return -1;
	/* The owner who only takes another name keeps what an owner begins with. */
	given = uid == (int64_t)q->bot->owner ? "maintain" : "write";
	if (forge_level_parse(json_str(q->args, "permission", given), &level, err) < 0)
		return -1;
	if (!strcmp(name, "yardmaster"))
		return err_set(err, ERR_INPUT, "user 'yardmaster': is the program's own name");
	if (in && repo_find(q->bot->db, ST_REPO_BY_NAME, &r, err, "s", in) <= 0)
		return err_set(err, ERR_NOT_FOUND,
			       "repository '%s': not known; `yardmaster repo list` shows them", in);
	if (insert_user(q, name, uid, &u, err) < 0 || set_level(q, &u, &r, level, err) < 0)
		return -1;
	hint = level_hint(q, &u, &r, level, err);
	if (!hint)
		return -1;
	*ret = api_text("user %s: uid %lld, permission %s%s%s%s", name, (long long)uid,
			forge_level_name(level), in ? " on " : "", in ? in : "", hint);
	return API_DONE;
}

/* Its approvals of what is open are void: the name may be somebody else's tomorrow. */
static int remove_user(struct request *q, const struct user *u, int64_t *ret_approvals,
		       int64_t *ret_tasks, struct err *err)
{
	struct db *db = q->bot->db;
	autofree char *why = xasprintf("%s was removed by %s", u->name, q->actor);
	int n = db_run(db, ST_APPROVAL_VOID_USER, err, "sis", u->name, bot_now(q->bot), why);

	if (n < 0 || db_int(db, ST_TASK_OPEN_BY, ret_tasks, err, "s", u->name) < 0 ||
	    db_run(db, ST_PERMISSION_CLEAR, err, "ii", u->id, (int64_t)0) < 0 ||
	    db_run(db, ST_USER_REMOVE, err, "i", u->id) < 0)
		return -1;
	*ret_approvals = n;
	return bot_audit(
		q->bot, q->actor, "user-remove",
		json_pack("{s:I,s:I}", "uid", (json_int_t)u->uid, "approvals", (json_int_t)n), err,
		"user:%s", u->name);
}

int api_user_remove(struct request *q, json_t **ret, struct err *err)
{
	cleanup(user_release) struct user u = {0};
	const char *name = args_str(q->args, "name");
	int64_t approvals = 0, tasks = 0;
	int rc = user_find(q->bot->db, ST_USER_BY_NAME, &u, err, "s", name ? name : "");

	if (rc < 0)
		return -1;
	if (rc == 0)
		return err_set(err, ERR_NOT_FOUND,
			       "user '%s': not known; `yardmaster user list` shows them",
			       name ? name : "");
	if (u.uid == (int64_t)q->bot->owner)
		return err_set(err, ERR_DENIED,
			       "user %s: is the owner of the data directory (uid %lld) and stays",
			       name, (long long)u.uid);
	if (remove_user(q, &u, &approvals, &tasks, err) < 0)
		return -1;
	*ret = api_text("user %s removed; approvals of open PRs that are void with it: %lld; tasks "
			"of its issues that go on: %lld%s",
			name, (long long)approvals, (long long)tasks,
			tasks ? " (`yardmaster task list`, `yardmaster task cancel N`)" : "");
	return API_DONE;
}

int api_user_list(struct request *q, json_t **ret, struct err *err)
{
	cleanup(user_list_release) struct user_list l = {0};
	json_t *rows;

	if (user_all(q->bot->db, ST_USER_ALL, &l, err, "") < 0)
		return -1;
	rows = json_array();
	for (size_t i = 0; i < l.n; i++) {
		cleanup(permission_list_release) struct permission_list p = {0};
		json_t *o = row_json(&user_table, &l.v[i]);
		enum forge_level best = FORGE_NONE;

		json_array_append_new(rows, o);
		if (permission_all(q->bot->db, ST_PERMISSION_ALL, &p, err, "i", l.v[i].id) < 0) {
			json_decref(rows);
			return -1;
		}
		for (size_t j = 0; j < p.n; j++)
			best = (enum forge_level)p.v[j].level > best
				       ? (enum forge_level)p.v[j].level
				       : best;
		json_put_str(o, "permission", forge_level_name(best));
	}
	*ret = api_rows(rows);
	return API_DONE;
}
