/* queue_conflict.c - see queue_flow.h: the report of a conflict. */
#include "bot/queue_flow.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

/* Who brought the lines to the base: PRs, or commits that no PR brought. */
static void add_by(struct bot *b, const struct repo *r, struct buf *out, const json_t *by)
{
	size_t i;
	json_t *oid;

	json_array_foreach (by, i, oid) {
		cleanup(pr_release) struct pr pr = {0};
		const char *commit = json_is_string(oid) ? json_string_value(oid) : "";

		buf_adds(out, i ? " and " : ", changed by ");
		if (pr_find(b->db, ST_PR_LANDED_AS, &pr, NULL, "is", r->id, commit) > 0) {
			autofree char *title = text_defuse(pr.title);

			buf_addf(out, "#%lld (%s)", (long long)pr.number, title);
		} else {
			buf_addf(out, "%.12s on `%s`", commit, r->base);
		}
	}
}

static void add_lines(struct buf *out, const json_t *lines)
{
	size_t i;
	json_t *range;

	json_array_foreach (lines, i, range) {
		buf_addf(out, "%s%lld-%lld", i ? ", " : " lines ",
			 (long long)json_integer_value(json_array_get(range, 0)),
			 (long long)json_integer_value(json_array_get(range, 1)));
	}
}

/* Of a submodule: why Git could not look into its history, which would have told whether one commit contains the other. */
static void add_why(struct buf *out, const json_t *c)
{
	autofree char *why = json_str(c, "why", NULL) ? text_defuse(json_str(c, "why", "")) : NULL;

	if (why)
		buf_addf(out, ": %s", why);
}

int queue_conflict_of(struct bot *b, const struct repo *r, int64_t pr, const char *head,
		      char **ret_text, struct err *err)
{
	cleanup(candidate_release) struct candidate c = {0};
	autojson json_t *j = NULL;
	int rc = pr && head ? candidate_find(b->db, ST_CANDIDATE_CONFLICT, &c, err, "iis", r->id,
					     pr, head)
			    : 0;

	if (rc <= 0)
		return rc;
	/* "empty": there is nothing that a round could resolve. */
	if (!c.detail || json_parse(c.detail, strlen(c.detail), SIZE_MAX, &j, NULL) < 0 ||
	    strcmp(json_str(j, "outcome", ""), "conflict") != 0)
		return 0;
	if (ret_text)
		*ret_text = queue_conflict_text(b, r, c.detail);
	return 1;
}

static void add_commit(struct buf *out, const json_t *c)
{
	autofree char *subject = text_code(json_str(c, "subject", "?"));

	buf_addf(out, "commit %.12s (%s)", json_str(c, "commit", "?"), subject);
}

/* Of a rebase: the commit that did not apply, and that a merge would do. */
static void add_step(struct buf *out, const json_t *j)
{
	if (!json_str(j, "commit", NULL))
		return;
	buf_adds(out, " in ");
	add_commit(out, j);
	buf_adds(out, " of the method rebase");
	if (json_flag(j, "merges_clean"))
		buf_adds(out, " (merging the head does not conflict: the methods merge and squash "
			      "would take it)");
}

/* Nobody can merge it, or what would land is not what was reviewed: the git role's own words, and where. */
static char *refused_text(const json_t *j)
{
	cleanup(buf_release) struct buf out = BUF_INIT;
	const json_t *merges = json_object_get(j, "merges");
	json_t *x;
	size_t i;

	buf_adds(&out, json_str(j, "text", "it could not be merged"));
	if (json_array_size(json_object_get(j, "paths")))
		buf_adds(&out, "\n");
	json_array_foreach (json_object_get(j, "paths"), i, x) {
		autofree char *name = text_code(json_string_value(x));

		buf_addf(&out, "\n- %s", name);
	}
	json_array_foreach (merges, i, x) {
		buf_adds(&out, i ? ", " : "\n\nMerge commits of the PR: ");
		add_commit(&out, x);
	}
	json_array_foreach (json_object_get(j, "commits"), i, x) {
		buf_adds(&out, i ? ", " : "\n\nWhat would come back: ");
		add_commit(&out, x);
	}
	return buf_steal(&out);
}

char *queue_conflict_word(const struct repo *r, const char *detail)
{
	cleanup(buf_release) struct buf out = BUF_INIT;
	autojson json_t *j = NULL;
	const char *outcome;

	if (!detail || json_parse(detail, strlen(detail), SIZE_MAX, &j, NULL) < 0)
		return xasprintf("it conflicts with `%s`", r->base);
	outcome = json_str(j, "outcome", "");
	if (!strcmp(outcome, "merged"))
		return xasprintf("merged by hand: `%s` contains its head", r->base);
	if (!strcmp(outcome, "empty"))
		return xasprintf(
			"empty: `%s` has all of its changes already, by other commits; close "
			"it, or push what is missing",
			r->base);
	if (!strcmp(outcome, "refused"))
		return xasprintf("it is refused: %s",
				 json_str(j, "text", "it could not be merged"));
	buf_addf(&out, "it conflicts with `%s`", r->base);
	add_step(&out, j);
	return buf_steal(&out);
}

bool queue_is_conflict(const char *detail)
{
	autojson json_t *j = NULL;

	return !detail || json_parse(detail, strlen(detail), SIZE_MAX, &j, NULL) < 0 ||
	       (strcmp(json_str(j, "outcome", ""), "merged") != 0 &&
		strcmp(json_str(j, "outcome", ""), "empty") != 0);
}

char *queue_conflict_text(struct bot *b, const struct repo *r, const char *detail)
{
	cleanup(buf_release) struct buf out = BUF_INIT;
	autojson json_t *j = NULL;
	const char *outcome;
	json_t *c;
	size_t i;

	if (!detail || json_parse(detail, strlen(detail), SIZE_MAX, &j, NULL) < 0)
		return xstrdup("it conflicts with the base");
	outcome = json_str(j, "outcome", "");
	if (!strcmp(outcome, "merged"))
		return xasprintf("`%s` contains its head already: it was merged by hand", r->base);
	if (!strcmp(outcome, "empty"))
		return xasprintf("nothing of it is left to land: `%s` has its changes already",
				 r->base);
	if (!strcmp(outcome, "refused"))
		return refused_text(j);
	buf_addf(&out, "it conflicts with `%s`", r->base);
	add_step(&out, j);
	buf_adds(&out, ":\n\n");
	json_array_foreach (json_object_get(j, "conflicts"), i, c) {
		const char *path = json_str(c, "path", "?");
		autofree char *name = text_code(path);

		buf_addf(&out, "- %s (%s)", name, json_str(c, "kind", "content"));
		add_lines(&out, json_object_get(c, "lines"));
		add_by(b, r, &out, json_object_get(c, "by"));
		add_why(&out, c);
		buf_addc(&out, '\n');
	}
	buf_adds(&out, "\nRebase it and push; the new head is approved and tested anew.");
	return buf_steal(&out);
}
