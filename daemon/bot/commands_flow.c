/* commands_flow.c - comments: find the commands, ask for the permission, do them, answer once. */
#include "bot/actions.h"
#include "bot/allowed.h"

#include "base/buf.h"
#include "base/mem.h"

static int react(struct bot *b, const struct repo *r, int64_t number, int64_t comment,
		 struct err *err)
{
	autofree char *subject = xasprintf("talk:%lld:%lld", (long long)r->id, (long long)number);
	json_t *p = json_object();

	json_put_int(p, "repo", r->id);
	json_put_int(p, "comment", comment);
	json_put_str(p, "reaction", "eyes");
	return bot_effect(b, subject, "forge-react", p, err, "react:%lld:%lld", (long long)r->id,
			  (long long)comment) < 0
		       ? -1
		       : 0;
}

/* One command in a savepoint: what it could not do leaves nothing behind but the reason. */
static int do_one(struct bot *b, const struct action *a, char **ret_text, struct err *err)
{
	cleanup(err_release) struct err why = ERR_INIT;

	if (allowed(b, a->repo, allowed_key(a->cmd->def->id), action_level(a->cmd->def), a->actor,
		    ret_text, err) < 0)
		return -1;
	if (*ret_text)
		return 0;
	if (db_savepoint(b->db, err) < 0)
		return -1;
	if (action_do(a, ret_text, &why) == 0)
		return db_release(b->db, err);
	db_rollback_to(b->db);
	/* What somebody may do elsewhere is asked first (decide.c): the whole event waits for that. */
	if (why.code == ERR_IO || why.code == ERR_CORRUPT ||
	    (why.code == ERR_UNAVAILABLE && b->asked_user))
		return err_move(err, &why);
	*ret_text = xstrdup(err_text(&why));
	return 0;
}

static bool allowed_here(const struct action *a, bool is_pr)
{
	return (a->cmd->def->where & (is_pr ? ON_PR : ON_ISSUE)) != 0;
}

static int answer(struct bot *b, struct action *a, bool is_pr, struct buf *out, struct err *err)
{
	autofree char *text = NULL;

	if (!a->cmd->def)
		text = xstrdup(a->cmd->problem);
	else if (!allowed_here(a, is_pr))
		text = xasprintf("belongs on %s, not here", is_pr ? "an issue" : "a PR");
	else if (do_one(b, a, &text, err) < 0)
		return -1;
	buf_addf(out, "%s> %s\n\n%s\n", out->len ? "\n" : "", a->cmd->source, text);
	return 0;
}

/* The commands in a text, by whoever wrote it; comment 0: it is none. */
static int obey(struct bot *b, const struct event *e, const json_t *p, const char *body,
		int64_t comment, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	cleanup(pr_release) struct pr pr = {0};
	cleanup(buf_release) struct buf out = BUF_INIT;
	struct commands cmds = {0};
	struct action a = {.bot = b,
			   .repo = &r,
			   .number = json_int(p, "number", 0),
			   .actor = json_str(p, "actor", ""),
			   .said_ms = json_int(p, "at_ms", 0),
			   .known_head = json_str(p, "head", NULL)};
	int is_pr, rc = 0;

	if (bot_repo(b, json_int(p, "repo", 0), &r, err) < 0)
		return -1;
	is_pr = pr_find(b->db, ST_PR_BY_NUMBER, &pr, err, "ii", r.id, a.number);
	if (is_pr < 0)
		return -1;
	commands_parse(body, strlen(body), b->conf->handle, &cmds);
	for (size_t i = 0; rc == 0 && i < cmds.n; i++) {
		a.cmd = &cmds.v[i];
		rc = answer(b, &a, is_pr > 0, &out, err);
	}
	if (rc == 0 && cmds.n && comment)
		rc = react(b, &r, a.number, comment, err) < 0
			     ? -1
			     : bot_say(b, r.id, a.number, xstrdup(out.s), err, "answer:%lld:%lld",
				       (long long)r.id, (long long)comment);
	else if (rc == 0 && cmds.n)
		rc = bot_say(b, r.id, a.number,
			     xasprintf("Asked for by @%s on the checks tab:\n\n%s", a.actor, out.s),
			     err, "answer:button:%lld", (long long)e->id);
	commands_release(&cmds);
	return rc;
}

int commands_on_comment(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	return obey(b, e, p, json_str(p, "body", ""), json_int(p, "comment", 0), err);
}

/* A button is a command that need not be typed. */
int commands_on_button(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	autofree char *line = xasprintf("/%s %s", b->conf->handle, json_str(p, "command", ""));

	return obey(b, e, p, line, 0, err);
}
