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

char *queue_conflict_text(struct bot *b, const struct repo *r, const char *detail)
{
	cleanup(buf_release) struct buf out = BUF_INIT;
	autojson json_t *j = NULL;
	json_t *c;
	size_t i;

	if (!detail || json_parse(detail, strlen(detail), SIZE_MAX, &j, NULL) < 0)
		return xstrdup("it conflicts with the base");
	if (!strcmp(json_str(j, "outcome", ""), "empty"))
		return xasprintf("nothing of it is left to land: `%s` has its changes already",
				 r->base);
	buf_addf(&out, "it conflicts with `%s`:\n\n", r->base);
	json_array_foreach (json_object_get(j, "conflicts"), i, c) {
		const char *path = json_str(c, "path", "?");
		autofree char *name = text_code(path);

		buf_addf(&out, "- %s (%s)", name, json_str(c, "kind", "content"));
		add_lines(&out, json_object_get(c, "lines"));
		add_by(b, r, &out, json_object_get(c, "by"));
		buf_addc(&out, '\n');
	}
	buf_adds(&out, "\nRebase it and push; the new head is approved and tested anew.");
	return buf_steal(&out);
}
