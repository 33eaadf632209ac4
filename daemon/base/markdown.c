/* markdown.c - see markdown.h */
#include "base/markdown.h"

#include "base/buf.h"
#include "base/mem.h"

#include <cmark-gfm.h>
#include <ctype.h>
#include <stdint.h>
#include <strings.h>

/* What may stand before a line's own text: indentation, quotes, list items. */
#define CONTAINERS " \t>-+*.)0123456789"

struct reader {
	struct markdown *ret;
	struct buf text;     /* of the line that is being read */
	const char **source; /* the beginnings of the source's lines; source[nsource] is its end */
	size_t nsource;
	size_t line;     /* of the source, from 0: of the line that is being read */
	size_t last;     /* no line after this belongs to the block */
	size_t next;     /* no line before this: it was used by an earlier one */
	bool anchored;   /* its beginning was found in the source */
	bool quoted;     /* the block stands in a quote */
	bool hidden;     /* inside an HTML comment that a raw block has left open */
	size_t skipping; /* inside <script> and the like, until this tag ends; 0: not */
};

/* ---- the source's lines ---- */

static bool ends_line(const char *s, const char *end, size_t *ret_n)
{
	*ret_n = *s == '\r' && s + 1 < end && s[1] == '\n' ? 2 : 1;
	return *s == '\n' || *s == '\r';
}

static void split(struct reader *r, const char *text, size_t n)
{
	const char *end = text + n, *s = text;
	size_t step;

	r->source = xreallocarray(NULL, n + 2, sizeof(*r->source));
	r->source[r->nsource++] = text;
	for (; s < end; s += step)
		if (ends_line(s, end, &step))
			r->source[r->nsource++] = s + step;
	r->source[r->nsource] = end;
}

static size_t length_of(const struct reader *r, size_t line)
{
	const char *s = r->source[line];
	size_t n = (size_t)(r->source[line + 1] - s);

	while (n && (s[n - 1] == '\n' || s[n - 1] == '\r'))
		n--;
	return n;
}

/* Blocks are nested at most as deep as the longest beginning of a line that could open or continue some. */
static bool too_deep(const struct reader *r)
{
	size_t deep = 0;

	for (size_t i = 0; i < r->nsource; i++) {
		size_t n = length_of(r, i), k = 0, columns = 0;

		for (; k < n && strchr(CONTAINERS, r->source[i][k]); k++)
			columns += r->source[i][k] == '\t' ? 4 : 1;
		deep = columns > deep ? columns : deep;
	}
	return deep * r->nsource > MARKDOWN_WORK_MAX;
}

/* Does the line of the source begin with this text, behind what opens or continues blocks? */
static bool begins(const struct reader *r, size_t line, const char *literal)
{
	const char *s = r->source[line];
	size_t n = length_of(r, line), want = strlen(literal);

	for (size_t i = 0; i + want <= n; i++) {
		if (!strncmp(s + i, literal, want))
			return true;
		if (!strchr(CONTAINERS, s[i]))
			return false;
	}
	return false;
}

/*
 * cmark counts a paragraph's lines wrongly behind a link's title of two lines and behind link definitions: too
 * few. So the line is looked for from there on.
 */
static void anchor(struct reader *r, cmark_node *node)
{
	const char *literal = cmark_node_get_literal(node);
	int start = cmark_node_get_start_line(node);

	if (r->anchored)
		return;
	r->anchored = true;
	r->line = start > 0 ? (size_t)start - 1 : r->next;
	if (r->line < r->next)
		r->line = r->next;
	if (cmark_node_get_type(node) != CMARK_NODE_TEXT || !*literal)
		return;
	for (size_t i = r->line; i <= r->last && i < r->nsource; i++)
		if (begins(r, i, literal)) {
			r->line = i;
			return;
		}
}

/* ---- lines ---- */

static bool has_quote_mark(const struct reader *r, size_t line)
{
	const char *s = r->source[line];
	size_t n = length_of(r, line);

	for (size_t i = 0; i < n && strchr(CONTAINERS, s[i]); i++)
		if (s[i] == '>')
			return true;
	return false;
}

static char *raw_of(const struct reader *r, size_t line)
{
	const char *s = r->source[line];
	size_t n = length_of(r, line);

	for (; n && *s && strchr(CONTAINERS, *s); s++)
		n--;
	return xstrndup(s, n);
}

static void end_line(struct reader *r)
{
	size_t from = strspn(r->text.s, " \t"), line = r->line < r->nsource ? r->line : 0;
	struct markdown *m = r->ret;

	buf_rtrim(&r->text);
	if (r->text.len > from && !(r->quoted && has_quote_mark(r, line))) {
		if (!(m->n & (m->n + 1)))
			m->v = xreallocarray(m->v, 2 * m->n + 2, sizeof(*m->v));
		m->v[m->n++] = (struct markdown_line){(int)line + 1, xstrdup(r->text.s + from),
						      raw_of(r, line)};
	}
	buf_reset(&r->text);
	r->next = r->line + 1;
	r->line = r->next;
	r->anchored = false;
}

/* The number behind the mark, 0 when there is none. */
static long long number_behind(const char *s, const char *mark)
{
	const char *p = strstr(s, mark);

	return p ? strtoll(p + strlen(mark), NULL, 10) : 0;
}

/* The text of a link has been written from `from` on. */
static void end_link(struct reader *r, size_t from, const char *url)
{
	const char *text = r->text.s + from;
	long long number = number_behind(text, "#");

	if (!url || !*url || !strcmp(text, url) ||
	    (number > 0 &&
	     (number == number_behind(url, "/pull/") || number == number_behind(url, "/issues/"))))
		return;
	if (number <= 0)
		buf_truncate(&r->text, from);
	else
		buf_addc(&r->text, ' ');
	buf_adds(&r->text, url);
}

static bool is_tag(const char *s, const char *name)
{
	size_t n = strlen(name);

	return *s == '<' && !strncasecmp(s + 1, name, n) && !isalnum((unsigned char)s[1 + n]);
}

/* ---- paragraphs ---- */

static void add_inline(struct reader *r, cmark_node *node)
{
	const char *literal = cmark_node_get_literal(node);

	switch (cmark_node_get_type(node)) {
	case CMARK_NODE_TEXT:
		anchor(r, node);
		buf_adds(&r->text, literal);
		break;
	case CMARK_NODE_CODE:
		anchor(r, node);
		buf_addf(&r->text, "`%s`", literal);
		break;
	case CMARK_NODE_HTML_INLINE:
		anchor(r, node);
		if (is_tag(literal, "br"))
			end_line(r);
		break;
	case CMARK_NODE_SOFTBREAK:
	case CMARK_NODE_LINEBREAK:
		end_line(r);
		break;
	default:
		break;
	}
}

/* A hidden region that a raw block has opened ends where somebody wrote its end. */
static void close_hidden(struct reader *r)
{
	char *close;

	if (!r->hidden)
		return;
	close = strstr(r->text.s, "-->");
	r->hidden = !close;
	buf_consume(&r->text, close ? (size_t)(close - r->text.s) + 3 : r->text.len);
}

static void begin_block(struct reader *r, cmark_node *block)
{
	r->next = r->line = (size_t)cmark_node_get_start_line(block) - 1;
	r->last = (size_t)cmark_node_get_end_line(block) - 1;
	r->anchored = false;
	r->quoted = false;
	for (cmark_node *p = block; p; p = cmark_node_parent(p))
		r->quoted = r->quoted || cmark_node_get_type(p) == CMARK_NODE_BLOCK_QUOTE;
	buf_reset(&r->text);
}

#define LINKS_MAX 100 /* links in pictures in links: deeper ones are only text */

static void read_inlines(struct reader *r, cmark_node *block)
{
	cmark_iter *it = cmark_iter_new(block);
	size_t from[LINKS_MAX], links = 0, pictures = 0;
	cmark_event_type e;

	begin_block(r, block);
	while ((e = cmark_iter_next(it)) != CMARK_EVENT_DONE) {
		cmark_node *node = cmark_iter_get_node(it);
		cmark_node_type type = cmark_node_get_type(node);

		if (type == CMARK_NODE_IMAGE)
			pictures += e == CMARK_EVENT_ENTER ? 1 : (size_t)-1;
		if (type == CMARK_NODE_SOFTBREAK || type == CMARK_NODE_LINEBREAK)
			close_hidden(r);
		if (type == CMARK_NODE_LINK && e == CMARK_EVENT_ENTER && links < LINKS_MAX)
			from[links++] = r->text.len;
		else if (type == CMARK_NODE_LINK && e == CMARK_EVENT_EXIT && links)
			end_link(r, from[--links] < r->text.len ? from[links] : r->text.len,
				 cmark_node_get_url(node));
		else if (e == CMARK_EVENT_ENTER && !pictures)
			add_inline(r, node);
	}
	close_hidden(r);
	end_line(r);
	cmark_iter_free(it);
}

/* ---- raw HTML ---- */

static const char *const unseen[] = {"script", "style", "pre", "textarea", "template", "title"};

/* Behind the tag at s; a comment's or an unseen element's end is looked for by the caller. */
static const char *skip_tag(struct reader *r, const char *s)
{
	const char *end = strchr(s, '>');

	for (size_t i = 0; i < ARRAY_LEN(unseen); i++)
		if (is_tag(s, unseen[i]))
			r->skipping = i + 1;
	return end ? end + 1 : s + strlen(s);
}

/* One line of a raw block, without its tags and comments. */
static void add_raw(struct reader *r, const char *s)
{
	while (*s) {
		if (r->hidden) {
			s = strstr(s, "-->");
			r->hidden = !s;
			s = s ? s + 3 : "";
		} else if (r->skipping) {
			s = strchr(s, '<');
			if (s && s[1] == '/' &&
			    !strncasecmp(s + 2, unseen[r->skipping - 1],
					 strlen(unseen[r->skipping - 1])))
				r->skipping = 0;
			s = s ? s + 1 : "";
			if (!r->skipping && strchr(s, '>'))
				s = strchr(s, '>') + 1;
		} else if (!strncmp(s, "<!--", 4)) {
			r->hidden = true;
			s += 4;
		} else if (*s == '<' && (isalpha((unsigned char)s[1]) || strchr("/!?", s[1]))) {
			bool br = is_tag(s, "br");
			size_t line = r->line;

			s = skip_tag(r, s);
			if (br) {
				end_line(r);
				r->line = r->next = line;
			}
		} else {
			buf_addc(&r->text, *s++);
		}
	}
}

static void read_html(struct reader *r, cmark_node *block)
{
	const char *s = cmark_node_get_literal(block);

	begin_block(r, block);
	while (s && *s) {
		size_t n = strcspn(s, "\n");
		autofree char *line = xstrndup(s, n);

		add_raw(r, line);
		end_line(r);
		s += n + (s[n] == '\n');
	}
	r->skipping = 0;
}

/* ---- the whole ---- */

static void read_blocks(struct reader *r, cmark_node *document)
{
	cmark_iter *it = cmark_iter_new(document);
	cmark_event_type e;

	while ((e = cmark_iter_next(it)) != CMARK_EVENT_DONE) {
		cmark_node *node = cmark_iter_get_node(it);
		cmark_node_type type = cmark_node_get_type(node);

		if (e != CMARK_EVENT_ENTER)
			continue;
		if (type == CMARK_NODE_PARAGRAPH || type == CMARK_NODE_HEADING) {
			read_inlines(r, node);
			cmark_iter_reset(it, node, CMARK_EVENT_EXIT);
		} else if (type == CMARK_NODE_HTML_BLOCK) {
			read_html(r, node);
		}
	}
	cmark_iter_free(it);
}

bool markdown_read(const char *text, size_t n, struct markdown *ret)
{
	struct reader r = {.ret = ret, .text = BUF_INIT};
	cmark_node *document;
	bool deep;

	*ret = (struct markdown){0};
	split(&r, text, n);
	deep = too_deep(&r);
	if (!deep) {
		document = cmark_parse_document(text, n, CMARK_OPT_SOURCEPOS);
		read_blocks(&r, document);
		cmark_node_free(document);
	}
	free(r.source);
	buf_release(&r.text);
	return !deep;
}

void markdown_release(struct markdown *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n; i++) {
		free(m->v[i].text);
		free(m->v[i].raw);
	}
	free(m->v);
	*m = (struct markdown){0};
}
