/* queue_busy.c - see queue_flow.h: what is being done about a candidate at this moment, and how long that usually takes. */
#include "bot/queue_flow.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "bot/stats.h"

#define USUAL_LEAST 3 /* ended runs of a gate, before one is called usual */
#define GATE_SHOWN  60
#define TESTED      "is being tested: "

/* "14:03:22 UTC": people see it in a comment, long after it was written. */
static char *clock_time(int64_t ms)
{
	autofree char *iso = clock_format(ms);

	return xasprintf("%.8s UTC", strchr(iso, 'T') + 1);
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* The middle of the latest runs of this gate that came to an end of their own, and how many those are. */
static size_t usual_ms(struct bot *b, const struct attempt *a, int64_t *ret)
{
	cleanup(attempt_list_release) struct attempt_list l = {0};
	autofree int64_t *v = NULL;

	if (attempt_all(b->db, ST_ATTEMPT_OF_GATE, &l, NULL, "is", a->repo, a->command) < 0 || !l.n)
		return 0;
	v = xcalloc(l.n, sizeof(*v));
	for (size_t i = 0; i < l.n; i++)
		v[i] = l.v[i].ended_ms - l.v[i].started_ms;
	qsort(v, l.n, sizeof(*v), by_size);
	*ret = stats_median(v, l.n);
	return l.n;
}

static void add_usual(struct bot *b, const struct attempt *a, struct buf *out)
{
	int64_t ms = 0;
	size_t n = usual_ms(b, a, &ms);
	autofree char *usual = text_duration(ms);

	if (n >= USUAL_LEAST)
		buf_addf(out, ", usually %s (the last %zu times)", usual, n);
	else
		buf_adds(out, ", how long it usually takes is not known yet");
}

static size_t gates_of(const struct candidate *c)
{
	autojson json_t *gates = NULL;

	return json_parse(c->gates, strlen(c->gates), SIZE_MAX, &gates, NULL) < 0
		       ? 0
		       : json_array_size(gates);
}

/* The run of a gate that has not ended: 1, 0 none. */
static int open_run(struct bot *b, const struct candidate *c, struct attempt *ret)
{
	return attempt_find(b->db, ST_ATTEMPT_OPEN_OF_CANDIDATE, ret, NULL, "i", c->id) > 0;
}

static void add_gate(struct bot *b, const struct candidate *c, struct buf *out)
{
	cleanup(attempt_release) struct attempt a = {0};
	autofree char *since = NULL, *shown = NULL, *code = NULL;

	if (!open_run(b, c, &a)) {
		buf_addf(out, TESTED "its files are made ready for gate %lld of %zu",
			 (long long)c->gate + 1, gates_of(c));
		return;
	}
	since = clock_time(a.created_ms);
	shown = xstrndup(a.command, text_cut(a.command, strcspn(a.command, "\n"), GATE_SHOWN));
	code = text_code(shown);
	buf_addf(out, TESTED "gate %lld of %zu, %s, runs since %s", (long long)a.number + 1,
		 gates_of(c), code, since);
	add_usual(b, &a, out);
	buf_addf(out, "; its log is runs/%s/out in the data directory", a.run);
}

static void add_landing(struct bot *b, const struct candidate *c, struct buf *out)
{
	cleanup(landing_release) struct landing l = {0};
	autofree char *since = NULL;

	if (landing_find(b->db, ST_LANDING_BY_CANDIDATE, &l, NULL, "i", c->id) <= 0)
		return;
	since = clock_time(l.at_ms);
	buf_addf(out, "%s, since %s",
		 strcmp(l.receipt, "{}") != 0
			 ? "is being landed"
			 : "is about to land: its tree is computed a second time",
		 since);
}

char *queue_busy_text(struct bot *b, const struct repo *r, const struct candidate *c)
{
	cleanup(buf_release) struct buf out = BUF_INIT;
	enum plan_cand state = plan_cand_of(c->state);

	if (state == PLAN_CAND_BUILDING) {
		autofree char *since = clock_time(c->created_ms);

		buf_addf(&out, "is being built: its %s with `%s` at %.12s, since %s", c->method,
			 r->base, c->base, since);
	} else if (state == PLAN_CAND_TESTING) {
		add_gate(b, c, &out);
	} else if (state == PLAN_CAND_CHECKING) {
		autofree char *since = clock_time(c->ci_ms);

		buf_addf(&out, "%s%ssince %s", c->detail ? c->detail : "",
			 c->detail && *c->detail ? ", " : "", since);
	} else if (state == PLAN_CAND_LANDING || state == PLAN_CAND_DOUBT) {
		add_landing(b, c, &out);
	}
	return out.len ? buf_steal(&out) : NULL;
}

char *queue_checks_text(const char *text, const struct candidate *c)
{
	bool detail = c->detail && *c->detail;
	autofree char *since = clock_time(c->ci_ms);

	return xasprintf("%s%s%s%s, since %s", text, detail ? " (" : "", detail ? c->detail : "",
			 detail ? ")" : "", since);
}

char *queue_base_busy_text(struct bot *b, const struct repo *r)
{
	cleanup(candidate_release) struct candidate c = {0};
	autofree char *text = NULL;

	if (candidate_find(b->db, ST_CANDIDATE_BASE_LIVE, &c, NULL, "i", r->id) <= 0)
		return NULL;
	text = queue_busy_text(b, r, &c);
	return xstrdup(text && !strncmp(text, TESTED, strlen(TESTED)) ? text + strlen(TESTED)
								      : text);
}

char *queue_busy_so_far(struct bot *b, int64_t candidate)
{
	cleanup(candidate_release) struct candidate c = {0};
	cleanup(attempt_release) struct attempt a = {0};

	if (!candidate || candidate_get(b->db, candidate, &c, NULL) <= 0 || !open_run(b, &c, &a))
		return NULL;
	return text_duration(bot_now(b) - a.created_ms);
}
