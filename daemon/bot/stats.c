/* stats.c - see stats.h */
#include "bot/stats.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "bot/api_args.h"
#include "bot/shadow.h"

#define DAY_MS    ((int64_t)24 * 3600 * 1000)
#define SHOWN_MAX 20 /* of a list; all are in `value` */

/* ---- numbers ---- */

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

int64_t stats_median(const int64_t *v, size_t n)
{
	return n % 2 ? v[n / 2] : v[n / 2 - 1] + (v[n / 2] - v[n / 2 - 1]) / 2;
}

int64_t stats_p90(const int64_t *v, size_t n)
{
	return v[(n * 9 + 9) / 10 - 1];
}

struct numbers {
	int64_t *v;
	size_t n;
};

static void numbers_release(struct numbers *s)
{
	free(s->v);
}

static void add_number(struct numbers *s, int64_t n)
{
	s->v = xreallocarray(s->v, s->n + 1, sizeof(*s->v));
	s->v[s->n++] = n;
}

static bool has_number(const struct numbers *s, int64_t n)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i] == n)
			return true;
	return false;
}

static void add_new(struct numbers *s, int64_t n)
{
	if (!has_number(s, n))
		add_number(s, n);
}

/* ---- rows ---- */

/* Takes value; shown NULL: the value as it is. */
static void put(json_t *rows, const char *key, const char *what, json_t *value, const char *shown)
{
	autofree char *text = shown ? NULL : json_dumps(value, JSON_ENCODE_ANY);
	json_t *o = json_object();

	json_put_str(o, "key", key);
	json_put_str(o, "what", what);
	json_put(o, "value", value);
	json_put_str(o, "shown", shown ? shown : text);
	json_array_append_new(rows, o);
}

static void put_count(json_t *rows, const char *key, const char *what, int64_t n)
{
	put(rows, key, what, json_integer(n), NULL);
}

static void put_time(json_t *rows, const char *key, const char *what, const int64_t *ms)
{
	autofree char *text = ms ? text_duration(*ms) : NULL;

	put(rows, key, what, ms ? json_integer(*ms) : json_null(), ms ? text : "-");
}

/* Median and p90 of times in any order. */
static void put_times(json_t *rows, const char *const keys[2], const char *const what[2],
		      struct numbers *s)
{
	int64_t median = 0, p90 = 0;

	if (s->n) {
		qsort(s->v, s->n, sizeof(*s->v), by_size);
		median = stats_median(s->v, s->n);
		p90 = stats_p90(s->v, s->n);
	}
	put_time(rows, keys[0], what[0], s->n ? &median : NULL);
	put_time(rows, keys[1], what[1], s->n ? &p90 : NULL);
}

/* ---- shadow ---- */

/* The events, of which those before since_ms are there to be looked up only. */
struct seen {
	const struct shadow_event *v;
	size_t n;
	int64_t since_ms;
};

static bool is_kind(const struct shadow_event *e, const char *kind)
{
	return !strcmp(e->kind, kind);
}

static bool counts(const struct seen *l, size_t i, const char *kind)
{
	return l->v[i].at_ms >= l->since_ms && is_kind(&l->v[i], kind);
}

static int64_t count(const struct seen *l, const char *kind, const char *word)
{
	int64_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += counts(l, i, kind) &&
		     (!word || (l->v[i].detail && strstr(l->v[i].detail, word)));
	return n;
}

/* The PRs of a kind of event, in the order of their first ones. */
static void prs_of(const struct seen *l, const char *kind, struct numbers *ret)
{
	for (size_t i = 0; i < l->n; i++)
		if (counts(l, i, kind))
			add_new(ret, l->v[i].pr);
}

static void put_prs(json_t *rows, const char *key, const char *what, const struct seen *l,
		    const char *kind)
{
	cleanup(numbers_release) struct numbers prs = {0};

	prs_of(l, kind, &prs);
	put_count(rows, key, what, (int64_t)prs.n);
}

static void put_order(json_t *rows, const struct seen *l)
{
	cleanup(numbers_release) struct numbers prs = {0};
	cleanup(buf_release) struct buf b = BUF_INIT;
	json_t *list = json_array();

	prs_of(l, "would-land", &prs);
	for (size_t i = 0; i < prs.n; i++) {
		json_array_append_new(list, json_integer(prs.v[i]));
		if (i < SHOWN_MAX)
			buf_addf(&b, "%s#%lld", i ? " " : "", (long long)prs.v[i]);
		else if (i == SHOWN_MAX)
			buf_addf(&b, " and %zu more", prs.n - i);
	}
	put(rows, "landing_order", "would have landed, in this order", list, prs.n ? b.s : "none");
}

static bool told_before(const struct seen *l, size_t n)
{
	const struct shadow_event *e = &l->v[n];

	for (size_t i = 0; i < n; i++) {
		const struct shadow_event *o = &l->v[i];

		if (is_kind(o, e->kind) && ((o->pr == e->pr && o->other == e->other) ||
					    (o->pr == e->other && o->other == e->pr)))
			return true;
	}
	return false;
}

static void add_conflict(struct buf *b, const struct shadow_event *e, const char *path)
{
	buf_addf(b, "%s#%lld", b->len ? "; " : "", (long long)e->pr);
	if (e->other)
		buf_addf(b, " with #%lld", (long long)e->other);
	if (path)
		buf_addf(b, " in %s", path);
}

/* Conflicts with the base, or of two PRs with each other: who, with whom, in which files. */
static void put_conflicts(json_t *rows, const char *key, const char *what, const struct seen *l,
			  const char *kind)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	json_t *list = json_array();

	for (size_t i = 0; i < l->n; i++) {
		const struct shadow_event *e = &l->v[i];
		size_t n = json_array_size(list);
		json_t *files = NULL, *o;

		if (!counts(l, i, kind) || told_before(l, i))
			continue;
		if (!e->detail ||
		    json_parse(e->detail, strlen(e->detail), SIZE_MAX, &files, NULL) < 0)
			files = json_array();
		if (n < SHOWN_MAX)
			add_conflict(&b, e, json_string_value(json_array_get(files, 0)));
		o = json_object();
		json_put_int(o, "pr", e->pr);
		json_put_int(o, "other", e->other);
		json_put(o, "files", files);
		json_array_append_new(list, o);
	}
	put(rows, key, what, list, b.len ? b.s : "none");
}

/* Since when the head that was merged had been ready; 0: it had not. */
static int64_t ready_ms(const struct seen *l, const struct shadow_event *m)
{
	for (size_t i = 0; i < l->n; i++)
		if (is_kind(&l->v[i], "ready") && l->v[i].pr == m->pr &&
		    !strcmp(l->v[i].head, m->head))
			return l->v[i].at_ms;
	return 0;
}

static void put_waiting(json_t *rows, const struct seen *l)
{
	static const char *const keys[] = {"ready_to_merge_median", "ready_to_merge_p90"};
	static const char *const what[] = {"from ready to people's merge, median",
					   "from ready to people's merge, 9 of 10"};
	cleanup(numbers_release) struct numbers times = {0};
	int64_t not_ready = 0;

	for (size_t i = 0; i < l->n; i++) {
		bool merged = counts(l, i, "merged");
		int64_t at = merged ? ready_ms(l, &l->v[i]) : 0;

		if (at)
			add_number(&times, l->v[i].at_ms - at);
		not_ready += merged && !at;
	}
	put_count(rows, "merged", "merged by people", count(l, "merged", NULL));
	put_count(rows, "merged_unready", "of these without being ready for the queue", not_ready);
	put_times(rows, keys, what, &times);
}

json_t *stats_shadow(const struct shadow_event_list *events, int64_t since_ms)
{
	const struct seen all = {events->v, events->n, since_ms}, *l = &all;
	json_t *rows = json_array();

	put_prs(rows, "prs_seen", "PRs seen", l, "seen");
	put_prs(rows, "ready", "PRs that were ready", l, "ready");
	put_prs(rows, "would_land", "PRs that would have landed", l, "would-land");
	put_order(rows, l);
	put_conflicts(rows, "conflicts", "ready, but in conflict with the base", l, "conflict");
	put_conflicts(rows, "collisions", "conflicts found before people met them", l, "collision");
	put_prs(rows, "unbuilt", "ready, but could not be merged here (see the log)", l, "unbuilt");
	put_waiting(rows, l);
	put_count(rows, "same_tree", "merges with the very tree that would have landed",
		  count(l, "merged", "same=1"));
	put_count(rows, "other_tree", "merges with another tree", count(l, "merged", "same=0"));
	put_count(rows, "unseen_tree", "merges whose tree no check had seen",
		  count(l, "merged", "unseen=1"));
	put_count(rows, "not_compared", "merges whose commit never came with the base",
		  count(l, "merged", "not fetched"));
	put_count(rows, "base_moves", "moves of the base", count(l, "base", NULL));
	put_count(rows, "base_red", "of these left it red", count(l, "base", "red"));
	put_count(rows, "labels", "labels for agents, not acted upon", count(l, "label", NULL));
	put_count(rows, "commands", "commands, not acted upon", count(l, "command", NULL));
	return rows;
}

/* ---- a repository that is worked on ---- */

static int put_tasks(struct bot *b, int64_t repo, int64_t since, json_t *rows, struct err *err)
{
	sqlite3_stmt *st;
	int64_t cost = 0, rounds = 0;
	autofree char *dollars = NULL;
	int rc;

	if (db_query(b->db, ST_STATS_TASKS, &st, err, "ii", repo, since) < 0)
		return -1;
	while ((rc = db_step(b->db, st, err)) > 0) {
		const char *state = (const char *)sqlite3_column_text(st, 0);
		autofree char *key = xasprintf("tasks_%s", state);
		autofree char *what = xasprintf("tasks: %s", state);

		put_count(rows, key, what, sqlite3_column_int64(st, 1));
		cost += sqlite3_column_int64(st, 2);
	}
	db_done(st);
	if (rc < 0 || db_int(b->db, ST_STATS_ROUNDS, &rounds, err, "ii", repo, since) < 0)
		return -1;
	put_count(rows, "rounds", "rounds of agents", rounds);
	dollars = xasprintf("$%.2f", (double)cost / 1e6);
	put(rows, "cost_microusd", "cost, as the agents said it", json_integer(cost), dollars);
	return 0;
}

static int put_landed(struct bot *b, int64_t repo, int64_t since, json_t *rows, struct err *err)
{
	static const char *const keys[] = {"queue_to_landing_median", "queue_to_landing_p90"};
	static const char *const what[] = {"from queue to landing, median",
					   "from queue to landing, 9 of 10"};
	cleanup(numbers_release) struct numbers times = {0};
	sqlite3_stmt *st;
	int rc;

	if (db_query(b->db, ST_STATS_LANDED, &st, err, "ii", repo, since) < 0)
		return -1;
	while ((rc = db_step(b->db, st, err)) > 0)
		add_number(&times, sqlite3_column_int64(st, 0));
	db_done(st);
	if (rc < 0)
		return -1;
	put_count(rows, "landed", "PRs landed", (int64_t)times.n);
	put_times(rows, keys, what, &times);
	return 0;
}

int stats_active(struct bot *b, int64_t repo, int64_t since, json_t **ret, struct err *err)
{
	autojson json_t *rows = json_array();
	int64_t conflicts = 0, red = 0;

	if (put_tasks(b, repo, since, rows, err) < 0 || put_landed(b, repo, since, rows, err) < 0 ||
	    db_int(b->db, ST_STATS_VERDICTS, &conflicts, err, "iis", repo, since, "conflict") < 0 ||
	    db_int(b->db, ST_STATS_VERDICTS, &red, err, "iis", repo, since, "red") < 0)
		return -1;
	put_count(rows, "conflicts", "conflicts", conflicts);
	put_count(rows, "red", "red candidates, kept from the base", red);
	*ret = json_incref(rows);
	return 0;
}

/* ---- the command ---- */

static int add_repo(struct bot *b, const struct repo *r, int64_t since, json_t *rows,
		    struct err *err)
{
	cleanup(shadow_event_list_release) struct shadow_event_list l = {0};
	autojson json_t *own = NULL;
	bool shadow = shadow_on(b, r->id);
	json_t *row;
	size_t i;

	if (shadow && shadow_event_all(b->db, ST_SHADOW_ALL, &l, err, "i", r->id) < 0)
		return -1;
	if (shadow)
		own = stats_shadow(&l, since);
	else if (stats_active(b, r->id, since, &own, err) < 0)
		return -1;
	json_array_foreach (own, i, row) {
		json_put_str(row, "repo", r->name);
		json_put_str(row, "mode", shadow ? "shadow" : "active");
		json_array_append(rows, row);
	}
	return 0;
}

int api_stats(struct request *q, json_t **ret, struct err *err)
{
	cleanup(repo_list_release) struct repo_list l = {0};
	const char *name = args_str(q->args, "repo");
	int64_t days = json_int(q->args, "since", STATS_DAYS);
	int64_t since = bot_now(q->bot) - days * DAY_MS;
	autojson json_t *rows = json_array();
	bool found = false;

	if (days < 1 || days > STATS_DAYS_MAX)
		return err_set(err, ERR_INPUT, "since %lld: expected 1 to %d days", (long long)days,
			       STATS_DAYS_MAX);
	if (repo_all(q->bot->db, ST_REPO_ALL, &l, err, "") < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		if ((name && strcmp(l.v[i].name, name) != 0) ||
		    args_need(q, l.v[i].id, FORGE_READ, NULL) < 0)
			continue;
		found = true;
		if (add_repo(q->bot, &l.v[i], since, rows, err) < 0)
			return -1;
	}
	if (name && !found)
		return err_set(err, ERR_NOT_FOUND,
			       "repository %s: there is none of that name that you may read; "
			       "`yardmaster repo list` shows them",
			       name);
	*ret = api_rows(json_incref(rows));
	return API_DONE;
}
