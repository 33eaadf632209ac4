/* queue_conflict.c - see queue_flow.h: the report of a conflict. */
#include "bot/queue_flow.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

/* The PR that landed last and changed this file. */
static const struct pr *culprit(const struct pr_list *landed, const char *path)
{
	autofree char *quoted = NULL;
	autojson json_t *s = json_string(path);

	quoted = json_text(s);
	for (size_t i = 0; i < landed->n; i++)
		if (strstr(landed->v[i].files, quoted))
			return &landed->v[i];
	return NULL;
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

char *queue_conflict_text(struct bot *b, const struct repo *r, const char *detail)
{
	cleanup(buf_release) struct buf out = BUF_INIT;
	cleanup(pr_list_release) struct pr_list landed = {0};
	autojson json_t *j = NULL;
	json_t *c;
	size_t i;

	if (!detail || json_parse(detail, strlen(detail), SIZE_MAX, &j, NULL) < 0 ||
	    pr_all(b->db, ST_PR_LAST_LANDED, &landed, NULL, "i", r->id) < 0)
		return xstrdup("it conflicts with the base");
	if (!strcmp(json_str(j, "outcome", ""), "empty"))
		return xasprintf("nothing of it is left to land: `%s` has its changes already",
				 r->base);
	buf_addf(&out, "it conflicts with `%s`:\n\n", r->base);
	json_array_foreach (json_object_get(j, "conflicts"), i, c) {
		const char *path = json_str(c, "path", "?");
		const struct pr *other = culprit(&landed, path);
		autofree char *name = text_code(path), *title = NULL;

		buf_addf(&out, "- %s (%s)", name, json_str(c, "kind", "content"));
		add_lines(&out, json_object_get(c, "lines"));
		if (other) {
			title = text_defuse(other->title);
			buf_addf(&out, ", changed by #%lld (%s)", (long long)other->number, title);
		}
		buf_addc(&out, '\n');
	}
	buf_adds(&out, "\nRebase it and push; the new head is approved and tested anew.");
	return buf_steal(&out);
}
