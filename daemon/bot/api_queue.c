/* api_queue.c - the merge queue. */
#include "bot/api_args.h"

#include "base/mem.h"

#define PRIORITY_MAX 100 /* as in a comment: command.h */

/* Waits is "3: waits for #12 to be merged"; the list shows its parts. */
static json_t *entry_json(struct request *q, const struct queue_entry *e)
{
	cleanup(pr_release) struct pr p = {0};
	cleanup(candidate_release) struct candidate c = {0};
	json_t *o = row_json(&queue_entry_table, e);
	const char *colon = e->waits ? strstr(e->waits, ": ") : NULL;

	json_put_int(o, "place", e->waits ? strtoll(e->waits, NULL, 10) : 0);
	json_put_str(o, "waits", colon ? colon + 2 : "");
	if (pr_find(q->bot->db, ST_PR_BY_NUMBER, &p, NULL, "ii", q->repo.id, e->pr) > 0)
		json_put_str(o, "title", p.title);
	if (e->candidate && candidate_get(q->bot->db, e->candidate, &c, NULL) > 0)
		json_put_str(o, "state", c.state);
	return o;
}

static int by_place(const void *a, const void *b)
{
	int64_t x = json_int(*(json_t *const *)a, "place", 0);
	int64_t y = json_int(*(json_t *const *)b, "place", 0);

	return (x > y) - (x < y);
}

int api_queue_list(struct request *q, json_t **ret, struct err *err)
{
	cleanup(queue_entry_list_release) struct queue_entry_list l = {0};
	autofree json_t **v = NULL;
	json_t *rows = json_array();

	if (queue_entry_all(q->bot->db, ST_QUEUE_OPEN, &l, err, "i", q->repo.id) < 0) {
		json_decref(rows);
		return -1;
	}
	v = xcalloc(l.n, sizeof(json_t *));
	for (size_t i = 0; i < l.n; i++)
		v[i] = entry_json(q, &l.v[i]);
	if (l.n)
		qsort(v, l.n, sizeof(json_t *), by_place);
	for (size_t i = 0; i < l.n; i++)
		json_array_append_new(rows, v[i]);
	*ret = api_rows(rows);
	return API_DONE;
}

static int act(struct request *q, struct command *cmd, enum command_id id, json_t **ret,
	       struct err *err)
{
	int64_t n = 0;

	if (id != CMD_FREEZE && id != CMD_THAW && args_number(q->args, "pr", &n, err) < 0)
		return -1;
	return args_action(q, n, cmd, id, ret, err);
}

int api_queue_why(struct request *q, json_t **ret, struct err *err)
{
	struct command cmd = {0};

	return act(q, &cmd, CMD_WHY, ret, err);
}

int api_queue_add(struct request *q, json_t **ret, struct err *err)
{
	struct command cmd = {.sha = (char *)args_str(q->args, "head"),
			      .priority = json_int(q->args, "priority", 0),
			      .has_priority =
				      json_is_integer(json_object_get(q->args, "priority"))};

	if (cmd.priority < -PRIORITY_MAX || cmd.priority > PRIORITY_MAX)
		return err_set(err, ERR_INPUT, "priority %lld: expected -%d to %d",
			       (long long)cmd.priority, PRIORITY_MAX, PRIORITY_MAX);
	return act(q, &cmd, CMD_QUEUE, ret, err);
}

int api_queue_remove(struct request *q, json_t **ret, struct err *err)
{
	struct command cmd = {0};

	return act(q, &cmd, CMD_DEQUEUE, ret, err);
}

int api_queue_hold(struct request *q, json_t **ret, struct err *err)
{
	struct command cmd = {.text = (char *)args_str(q->args, "reason")};

	return act(q, &cmd, CMD_HOLD, ret, err);
}

int api_queue_unhold(struct request *q, json_t **ret, struct err *err)
{
	struct command cmd = {0};

	return act(q, &cmd, CMD_UNHOLD, ret, err);
}

int api_queue_freeze(struct request *q, json_t **ret, struct err *err)
{
	struct command cmd = {.text = (char *)args_str(q->args, "reason")};

	return act(q, &cmd, CMD_FREEZE, ret, err);
}

int api_queue_thaw(struct request *q, json_t **ret, struct err *err)
{
	struct command cmd = {0};

	return act(q, &cmd, CMD_THAW, ret, err);
}
