/* fuzz_yaml.c - a file of any bytes: a tree within its limits, or one line that says where and why. */
#include "base/mem.h"
#include "base/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

/* Each getter answers each node: with a value, or with a message that names the file. */
static void read_all(const struct yaml_doc *d, const struct yaml_node *n)
{
	static const char *const words[] = {"merge", "rebase", NULL};
	cleanup(err_release) struct err err = ERR_INIT;
	cleanup(strvec_release) struct strvec v = STRVEC_INIT;
	autofree char *s = NULL, *found = yaml_found(n);
	int64_t num = 5;
	bool flag;
	int i;
	int rc = 0;

	require(found && !strchr(found, '\n') && strlen(found) < 100);
	rc += yaml_str(d, n, &s, &err);
	rc += yaml_int(d, n, -9, 9, &num, &err);
	require(num >= -9 && num <= 9);
	rc += yaml_bool(d, n, &flag, &err);
	rc += yaml_money(d, n, &num, &err);
	require(num >= -9);
	rc += yaml_strs(d, n, &v, &err);
	rc += yaml_commands(d, n, &v, &err);
	rc += yaml_globs(d, n, &v, &err);
	rc += yaml_enum(d, n, words, &i, &err);
	rc += yaml_name(d, n, &s, &err);
	rc += yaml_line(d, n, 20, &s, &err);
	rc += yaml_only(d, n, words, &err);
	require(rc == 0 || !strncmp(err_text(&err), "f.yml:", 6));
}

static size_t walk(const struct yaml_doc *d, const struct yaml_node *n, int depth)
{
	size_t nodes = 1;

	require(depth <= YAML_DEPTH_MAX && n->line >= 1 && n->path && n->n <= YAML_ITEMS_MAX);
	require((n->kind == YAML_TEXT) == (n->text != NULL));
	require(n->kind == YAML_MAP || !n->keys);
	require(n->kind == YAML_MAP || n->kind == YAML_LIST || !n->n);
	read_all(d, n);
	for (size_t i = 0; i < n->n; i++) {
		require(!n->keys || yaml_get(n, n->keys[i]) == n->items[i]);
		nodes += walk(d, n->items[i], depth + 1);
	}
	return nodes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup(err_release) struct err err = ERR_INIT;
	cleanup(yaml_doc_release) struct yaml_doc d = {0};

	if (yaml_load("f.yml", (const char *)data, size, &d, &err) < 0) {
		require(!strncmp(err_text(&err), "f.yml:", 6) && !d.root);
		return 0;
	}
	require(d.root && walk(&d, d.root, 1) <= YAML_NODES_MAX);
	return 0;
}
