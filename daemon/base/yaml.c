/* yaml.c - see yaml.h. This file builds the tree; yaml_get.c has the typed reads. */
#include "base/yaml.h"

#include "base/buf.h"
#include "base/mem.h"

#include <yaml.h>

/* One load: the parser and what is counted on the way. */
struct loader {
	yaml_parser_t parser;
	const char *file;
	const char *text;
	size_t size;
	size_t nodes;
	struct err *err;
};

static void node_free(struct yaml_node *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->n; i++) {
		node_free(n->items[i]);
		if (n->keys)
			free(n->keys[i]);
	}
	free(n->items);
	free(n->keys);
	free(n->text);
	free(n->path);
	free(n);
}

static void cleanup_node(struct yaml_node **n)
{
	node_free(*n);
}

static void cleanup_event(yaml_event_t *ev)
{
	yaml_event_delete(ev);
}

void yaml_doc_release(struct yaml_doc *d)
{
	if (!d)
		return;
	node_free(d->root);
	free(d->file);
	*d = (struct yaml_doc){0};
}

static int line_of(const yaml_event_t *ev)
{
	return (int)ev->start_mark.line + 1;
}

static int refuse(struct loader *l, int line, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
static int refuse(struct loader *l, int line, enum err_code code, const char *fmt, ...)
{
	va_list ap;
	autofree char *text = NULL;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	return err_set(l->err, code, "%s:%d: %s", l->file, line, text);
}

static int line_at(const struct loader *l, size_t offset)
{
	int line = 1;

	for (size_t i = 0; i < offset && i < l->size; i++)
		line += l->text[i] == '\n';
	return line;
}

/* Is there a tab in front of the first word of the line? The parser's own words for it do not help
 * anybody. */
static bool tab_indented(const struct loader *l, size_t line)
{
	const char *p = l->text, *end = l->text + l->size;

	for (; line && p < end; p++)
		line -= *p == '\n';
	for (; p < end && (*p == ' ' || *p == '\t' || *p == '-'); p++)
		if (*p == '\t')
			return true;
	return false;
}

static int parser_failed(struct loader *l)
{
	const yaml_parser_t *p = &l->parser;
	int line = (int)p->problem_mark.line + 1;

	if (p->error == YAML_MEMORY_ERROR)
		abort();
	if (p->error == YAML_READER_ERROR)
		return refuse(l, line_at(l, p->problem_offset), ERR_INPUT,
			      "found the byte or character 0x%x (%s); allowed: text in UTF-8 "
			      "without control characters",
			      (unsigned)p->problem_value, p->problem);
	if (tab_indented(l, p->problem_mark.line))
		return refuse(l, line, ERR_INPUT,
			      "not YAML: found a tab in the indentation; allowed: spaces");
	if (p->context)
		return refuse(l, line, ERR_INPUT, "not YAML: %s, %s", p->problem, p->context);
	return refuse(l, line, ERR_INPUT, "not YAML: %s", p->problem);
}

static int next(struct loader *l, yaml_event_t *ev)
{
	return yaml_parser_parse(&l->parser, ev) ? 0 : parser_failed(l);
}

static struct yaml_node *node_new(enum yaml_kind kind, int line, const char *path)
{
	struct yaml_node *n = xcalloc(1, sizeof(*n));

	n->kind = kind;
	n->line = line;
	n->path = xstrdup(path);
	return n;
}

static bool is_null(const char *s)
{
	static const char *const words[] = {"", "~", "null", "Null", "NULL"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!strcmp(s, words[i]))
			return true;
	return false;
}

/* Escapes in double quotes can say what the reader refuses as a byte. */
static int check_scalar(struct loader *l, const yaml_event_t *ev)
{
	const char *s = (const char *)ev->data.scalar.value;

	if (memchr(s, 0, ev->data.scalar.length))
		return refuse(l, line_of(ev), ERR_INPUT, "found a NUL in a text; allowed: none");
	if (ev->data.scalar.tag)
		return refuse(l, line_of(ev), ERR_INPUT,
			      "found the tag '%s'; allowed: values without tags",
			      (const char *)ev->data.scalar.tag);
	if (ev->data.scalar.anchor)
		return refuse(l, line_of(ev), ERR_INPUT,
			      "found the anchor '&%s'; allowed: no anchors, write the value again",
			      (const char *)ev->data.scalar.anchor);
	return 0;
}

static int scalar(struct loader *l, const yaml_event_t *ev, int line, const char *path,
		  struct yaml_node **ret)
{
	const char *s = (const char *)ev->data.scalar.value;
	bool quoted = ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	struct yaml_node *n;

	if (check_scalar(l, ev) < 0)
		return -1;
	n = node_new(!quoted && is_null(s) ? YAML_NULL : YAML_TEXT, line, path);
	n->quoted = quoted;
	if (n->kind == YAML_TEXT)
		n->text = xstrdup(s);
	*ret = n;
	return 0;
}

static int node(struct loader *l, const yaml_event_t *ev, int line, const char *path, int depth,
		struct yaml_node **ret);

static int append(struct loader *l, struct yaml_node *n, struct yaml_node *item, char *key)
{
	if (n->n == YAML_ITEMS_MAX) {
		node_free(item);
		free(key);
		return refuse(l, n->line, ERR_LIMIT,
			      "key '%s': found more than %d entries; allowed: at most %d", n->path,
			      YAML_ITEMS_MAX, YAML_ITEMS_MAX);
	}
	n->items = xreallocarray(n->items, n->n + 1, sizeof(struct yaml_node *));
	n->items[n->n] = item;
	if (key) {
		n->keys = xreallocarray(n->keys, n->n + 1, sizeof(*n->keys));
		n->keys[n->n] = key;
	}
	n->n++;
	return 0;
}

static int list(struct loader *l, struct yaml_node *n, int depth)
{
	for (;;) {
		cleanup(cleanup_event) yaml_event_t ev = {0};
		autofree char *path = NULL;
		struct yaml_node *item = NULL;

		if (next(l, &ev) < 0)
			return -1;
		if (ev.type == YAML_SEQUENCE_END_EVENT)
			return 0;
		path = xasprintf("%s[%zu]", n->path, n->n);
		if (node(l, &ev, line_of(&ev), path, depth + 1, &item) < 0 ||
		    append(l, n, item, NULL) < 0)
			return -1;
	}
}

/* A key is a short printable text: it stands in paths and messages. */
static int check_key(struct loader *l, const struct yaml_node *map, const yaml_event_t *ev)
{
	const unsigned char *k;

	if (ev->type != YAML_SCALAR_EVENT)
		return refuse(l, line_of(ev), ERR_INPUT,
			      "key '%s': found a key that is no text; allowed: a plain word",
			      map->path);
	if (check_scalar(l, ev) < 0)
		return -1;
	k = ev->data.scalar.value;
	if (!*k || ev->data.scalar.length > YAML_KEY_MAX)
		return refuse(l, line_of(ev), ERR_INPUT,
			      "key '%s': found a key of %zu bytes; allowed: 1 to %d bytes",
			      map->path, ev->data.scalar.length, YAML_KEY_MAX);
	for (const unsigned char *p = k; *p; p++)
		if (*p < 0x20 || *p == 0x7f)
			return refuse(l, line_of(ev), ERR_INPUT,
				      "key '%s': found a key with a control character; allowed: "
				      "printable text",
				      map->path);
	for (size_t i = 0; i < map->n; i++)
		if (!strcmp(map->keys[i], (const char *)k))
			return refuse(l, line_of(ev), ERR_INPUT,
				      "key '%s%s%s': found it twice, first in line %d; allowed: "
				      "once",
				      map->path, *map->path ? "." : "", (const char *)k,
				      map->items[i]->line);
	return 0;
}

static int map_value(struct loader *l, struct yaml_node *n, const yaml_event_t *key, int depth)
{
	cleanup(cleanup_event) yaml_event_t ev = {0};
	const char *k = (const char *)key->data.scalar.value;
	autofree char *path = xasprintf("%s%s%s", n->path, *n->path ? "." : "", k);
	struct yaml_node *item = NULL;

	if (next(l, &ev) < 0 || node(l, &ev, line_of(key), path, depth + 1, &item) < 0)
		return -1;
	return append(l, n, item, xstrdup(k));
}

static int map(struct loader *l, struct yaml_node *n, int depth)
{
	for (;;) {
		cleanup(cleanup_event) yaml_event_t key = {0};

		if (next(l, &key) < 0)
			return -1;
		if (key.type == YAML_MAPPING_END_EVENT)
			return 0;
		if (check_key(l, n, &key) < 0 || map_value(l, n, &key, depth) < 0)
			return -1;
	}
}

static int collection(struct loader *l, const yaml_event_t *ev, int line, const char *path,
		      int depth, struct yaml_node **ret)
{
	bool seq = ev->type == YAML_SEQUENCE_START_EVENT;
	const yaml_char_t *tag = seq ? ev->data.sequence_start.tag : ev->data.mapping_start.tag;
	const yaml_char_t *anchor =
		seq ? ev->data.sequence_start.anchor : ev->data.mapping_start.anchor;
	cleanup(cleanup_node) struct yaml_node *n = NULL;

	if (tag)
		return refuse(l, line, ERR_INPUT,
			      "found the tag '%s'; allowed: values without tags",
			      (const char *)tag);
	if (anchor)
		return refuse(l, line, ERR_INPUT,
			      "found the anchor '&%s'; allowed: no anchors, write the value again",
			      (const char *)anchor);
	n = node_new(seq ? YAML_LIST : YAML_MAP, line, path);
	if ((seq ? list(l, n, depth) : map(l, n, depth)) < 0)
		return -1;
	*ret = steal(&n);
	return 0;
}

/* The node that begins with ev. Recursion is bounded by YAML_DEPTH_MAX. */
static int node(struct loader *l, const yaml_event_t *ev, int line, const char *path, int depth,
		struct yaml_node **ret)
{
	if (depth > YAML_DEPTH_MAX)
		return refuse(l, line, ERR_LIMIT, "found more than %d levels; allowed: at most %d",
			      YAML_DEPTH_MAX, YAML_DEPTH_MAX);
	if (++l->nodes > YAML_NODES_MAX)
		return refuse(l, line, ERR_LIMIT, "found more than %d values; allowed: at most %d",
			      YAML_NODES_MAX, YAML_NODES_MAX);
	if (ev->type == YAML_ALIAS_EVENT)
		return refuse(l, line, ERR_INPUT,
			      "found the alias '*%s'; allowed: no aliases, write the value again",
			      (const char *)ev->data.alias.anchor);
	if (ev->type == YAML_SCALAR_EVENT)
		return scalar(l, ev, line, path, ret);
	return collection(l, ev, line, path, depth, ret);
}

/* Reads one event and wants it to be of the type. */
static int expect(struct loader *l, yaml_event_type_t type, const char *otherwise)
{
	cleanup(cleanup_event) yaml_event_t ev = {0};

	if (next(l, &ev) < 0)
		return -1;
	if (ev.type != type)
		return refuse(l, line_of(&ev), ERR_INPUT, "%s", otherwise);
	return 0;
}

/* STREAM-START (DOCUMENT-START node DOCUMENT-END)? STREAM-END */
static int document(struct loader *l, struct yaml_node **ret)
{
	cleanup(cleanup_event) yaml_event_t ev = {0}, first = {0};
	cleanup(cleanup_node) struct yaml_node *root = NULL;

	if (expect(l, YAML_STREAM_START_EVENT, "not YAML") < 0 || next(l, &ev) < 0)
		return -1;
	if (ev.type == YAML_STREAM_END_EVENT) {
		*ret = node_new(YAML_NULL, 1, "");
		return 0;
	}
	if (next(l, &first) < 0 || node(l, &first, line_of(&first), "", 1, &root) < 0 ||
	    expect(l, YAML_DOCUMENT_END_EVENT, "not YAML") < 0 ||
	    expect(l, YAML_STREAM_END_EVENT, "found a second document; allowed: one") < 0)
		return -1;
	*ret = steal(&root);
	return 0;
}

static void strip_bom(struct loader *l)
{
	if (l->size >= 3 && !memcmp(l->text, "\xef\xbb\xbf", 3)) {
		l->text += 3;
		l->size -= 3;
	}
}

int yaml_load(const char *file, const char *s, size_t n, struct yaml_doc *ret, struct err *err)
{
	struct loader l = {.file = file, .text = s ? s : "", .size = n, .err = err};
	struct yaml_node *root = NULL;
	const char *nul;
	int rc;

	if (n > YAML_SIZE_MAX)
		return err_set(err, ERR_LIMIT, "%s: found %zu bytes; allowed: at most %zu", file, n,
			       YAML_SIZE_MAX);
	strip_bom(&l);
	nul = memchr(l.text, 0, l.size);
	if (nul)
		return refuse(&l, line_at(&l, (size_t)(nul - l.text)), ERR_INPUT,
			      "found a NUL byte; allowed: text in UTF-8");
	if (!yaml_parser_initialize(&l.parser))
		abort(); /* out of memory */
	yaml_parser_set_encoding(&l.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&l.parser, (const unsigned char *)l.text, l.size);
	rc = document(&l, &root);
	yaml_parser_delete(&l.parser);
	if (rc < 0)
		return -1;
	*ret = (struct yaml_doc){.file = xstrdup(file), .root = root};
	return 0;
}
