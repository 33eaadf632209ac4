/* prompt.c - see prompt.h */
#include "bot/prompt.h"

#include "agent/agent.h"
#include "base/mem.h"
#include "base/text.h"

#define FEEDBACK_MAX ((size_t)32 << 10) /* of a log: its end says what failed */

static void add_quoted(struct buf *b, const char *heading, const char *text)
{
	autofree char *fence = NULL;
	size_t from;

	if (!text || !*text)
		return;
	from = text_tail(text, strlen(text), FEEDBACK_MAX);
	fence = text_fence(text + from);
	buf_addf(b, "\n## %s\n\n%s%s\n%s%s%s\n", heading, from ? "(only the end)\n" : "", fence,
		 text + from, strlen(text) && text[strlen(text) - 1] == '\n' ? "" : "\n", fence);
}

static void add_rules(struct buf *b, const struct task_ctx *c)
{
	autofree char *allow = strvec_join(&c->bp.allow, "\n- ");
	const struct bp_step *s = &c->bp.steps[c->pos.step];

	buf_addf(b,
		 "\n## Rules\n\nYou work in the current folder, a checkout of branch `%s` of the "
		 "repository. Leave your work as files; it is committed for you. Only paths that "
		 "match these patterns may change:\n- %s\n",
		 c->repo.base, allow);
	if (s->kind != BP_AGENT || !s->gates.n)
		return;
	buf_adds(b, "\nWhen you stop, these commands are run and must succeed:\n");
	for (size_t i = 0; i < s->gates.n; i++)
		buf_addf(b, "- `%s`\n", s->gates.v[i]);
}

char *prompt_text(const struct task_ctx *c, const char *feedback)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	const struct task *t = &c->task;
	const struct bp_step *s = &c->bp.steps[c->pos.step];

	if (c->bp.prompt_preamble)
		buf_addf(&b, "%s\n", c->bp.prompt_preamble);
	buf_adds(&b, s->kind == BP_AGENT && s->prompt ? s->prompt : "");
	buf_addf(&b, "\n## Issue #%lld: %s\n", (long long)t->issue, t->title);
	add_quoted(&b, "Text of the issue", t->body);
	add_quoted(&b, "Said by maintainers since", t->said);
	if (feedback)
		buf_addf(&b, "\nThis is round %lld. The round before was not accepted.\n",
			 (long long)bp_pos_rounds(&c->pos));
	add_quoted(&b, "What was wrong", feedback);
	add_rules(&b, c);
	buf_addf(&b, "\n%s\n", agent_end_block_instructions);
	return buf_steal(&b);
}

void prompt_clean(const char *title, const char *body, char **ret_title, char **ret_body,
		  char **ret_hash, char **ret_removed)
{
	cleanup(buf_release) struct buf t = BUF_INIT, b = BUF_INIT, raw = BUF_INIT;
	struct text_cleaned in_title = {0}, in_body = {0};
	size_t comments, invisible;

	text_clean(title, strlen(title), &t, &in_title);
	text_clean(body, strlen(body), &b, &in_body);
	for (size_t i = 0; i < t.len; i++) /* one line: what follows a heading of ours is ours */
		if (t.s[i] == '\n')
			t.s[i] = ' ';
	/* Over the raw text: a change of what is hidden is a change too. */
	buf_addf(&raw, "%zu:%s%s", strlen(title), title, body);
	*ret_hash = text_sha256(raw.s, raw.len);
	comments = in_title.comments + in_body.comments;
	invisible = in_title.invisible + in_body.invisible;
	*ret_removed = NULL;
	if (comments || invisible)
		*ret_removed = xasprintf("%zu hidden HTML comment%s and %zu invisible character%s",
					 comments, comments == 1 ? "" : "s", invisible,
					 invisible == 1 ? "" : "s");
	*ret_title = buf_steal(&t);
	*ret_body = buf_steal(&b);
}
