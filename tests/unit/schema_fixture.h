/*
 * schema_fixture.h - the configuration files with their parsers and schemas, and every mapping in them, for
 * test_schema.c.
 */
#ifndef YM_TESTS_SCHEMA_FIXTURE_H
#define YM_TESTS_SCHEMA_FIXTURE_H

#include "schema.h"

#include "base/buf.h"
#include "blueprint/blueprint.h"
#include "bot/conf_daemon.h"
#include "bot/conf_repo.h"

/* --- the parsers -------------------------------------------------------------------------------------- */

static int prompt(void *arg, const char *path, struct buf *ret, struct err *err)
{
	(void)arg;
	(void)err;
	buf_adds(ret, path);
	return 0;
}

static int parse_daemon(const char *text, char **ret, struct err *err)
{
	cleanup(conf_daemon_release) struct conf_daemon c = {0};

	if (conf_daemon_load("/etc/y.yml", text, strlen(text), "/var/lib/y", &c, err) < 0)
		return -1;
	*ret = conf_daemon_json(&c);
	return 0;
}

static int parse_repo(const char *text, char **ret, struct err *err)
{
	cleanup(conf_repo_release) struct conf_repo c = {0};

	if (conf_repo_load("y.yml", text, strlen(text), &c, err) < 0)
		return -1;
	*ret = conf_repo_json(&c);
	return 0;
}

static int parse_blueprint(const char *text, char **ret, struct err *err)
{
	cleanup(blueprint_release) struct blueprint bp = {0};

	if (blueprint_load("b.yml", text, strlen(text), prompt, NULL, &bp, err) < 0)
		return -1;
	*ret = blueprint_json(&bp);
	return 0;
}

enum { DAEMON, REPO, BLUEPRINT, FILES };
static struct {
	const char *schema;
	int (*parse)(const char *text, char **ret, struct err *err);
	json_t *root;
} files[FILES] = {
	[DAEMON] = {"contrib/schema/yardmaster.schema.json", parse_daemon, NULL},
	[REPO] = {"contrib/schema/repository.schema.json", parse_repo, NULL},
	[BLUEPRINT] = {"contrib/schema/blueprint.schema.json", parse_blueprint, NULL},
};

/* From the root of the source, as the build does. */
static int read_schemas(void **state)
{
	(void)state;
	for (size_t i = 0; i < FILES; i++) {
		json_error_t e;

		files[i].root = json_load_file(files[i].schema, JSON_REJECT_DUPLICATES, &e);
		if (!files[i].root)
			fail_msg("%s:%d: %s", files[i].schema, e.line, e.text);
	}
	return 0;
}

static int drop_schemas(void **state)
{
	(void)state;
	for (size_t i = 0; i < FILES; i++)
		json_decref(files[i].root);
	return 0;
}

static inline bool by_schema(int file, const char *text)
{
	cleanup(yaml_doc_release) struct yaml_doc doc = {0};
	autojson json_t *v = NULL;

	if (yaml_load("y.yml", text, strlen(text), &doc, NULL) < 0)
		return false;
	v = schema_value(doc.root);
	return schema_ok(files[file].root, files[file].root, v);
}

static bool by_parser(int file, const char *text, char **ret_json, struct err *err)
{
	autofree char *json = NULL;
	bool ok = files[file].parse(text, &json, err) == 0;

	if (ret_json)
		*ret_json = steal(&json);
	return ok;
}

static inline void agree(int file, const char *text, bool want)
{
	cleanup(err_release) struct err err = ERR_INIT;
	bool schema = by_schema(file, text), parser = by_parser(file, text, NULL, &err);

	if (schema != want || parser != want)
		fail_msg("%s: wanted %s, the schema %s, the parser %s (%s), of\n%.300s",
			 files[file].schema, want ? "good" : "bad", schema ? "takes it" : "refuses",
			 parser ? "takes it" : "refuses", err_text(&err), text);
}

/* --- every mapping of every file ----------------------------------------------------------------------- */

#define WORK  "{name: x, allow: a, steps: ["
#define PR    WORK "{run: a}, {pull-request: {}}, "
#define AGENT "{agents: {x: "

/* Where it stands in the schema and in a file, and what it must have beside the key that is tried. */
static const struct map {
	int file;
	const char *at, *before, *after;
	const char *need[4][2];
} maps[] = {
	{DAEMON, "", "", "", {{0}}},
	{DAEMON, "agents/*", "{agents: {x: ", "}}", {{"command", "[a]"}}},
	{DAEMON, "limits", "{limits: ", "}", {{0}}},
	{DAEMON, "runs", "{runs: ", "}", {{0}}},
	{DAEMON, "notify", "{notify: ", "}", {{0}}},
	{DAEMON, "retention", "{retention: ", "}", {{0}}},
	{DAEMON, "author", "{author: ", "}", {{0}}},
	{DAEMON, "github", "{github: ", "}", {{"token", "env:A"}}},
	{DAEMON, "github/permissions", "{github: {token: env:A, permissions: ", "}}", {{0}}},
	{DAEMON,
	 "github/webhook-secrets/*",
	 "{github: {webhook-secrets: [",
	 "]}}",
	 {{"secret", "env:A"}}},
	{REPO, "", "", "", {{0}}},
	{REPO, "queue", "{queue: ", "}", {{0}}},
	{REPO, "queue/environment", "{queue: {environment: ", "}}", {{0}}},
	{REPO, "auto-queue", "{auto-queue: ", "}", {{0}}},
	{REPO, "checkout", "{checkout: ", "}", {{0}}},
	{REPO, "labels", "{labels: ", "}", {{0}}},
	{BLUEPRINT, "", "", "", {{"name", "x"}, {"allow", "a"}, {"steps", "[{run: a}]"}}},
	{BLUEPRINT, "on", WORK "{run: a}], on: ", "}", {{0}}},
	{BLUEPRINT, "limits", WORK "{run: a}], limits: ", "}", {{0}}},
	{BLUEPRINT, "environment", WORK "{run: a}], environment: ", "}", {{0}}},
	{BLUEPRINT, "on-failure", WORK "{run: a}], on-failure: ", "}", {{0}}},
	{BLUEPRINT, "#run", WORK, "]}", {{"run", "a"}}},
	{BLUEPRINT, "#agent", WORK, "]}", {{"agent", "a"}}},
	{BLUEPRINT, "#pull-request", WORK "{run: a}, ", "]}", {{"pull-request", "{}"}}},
	{BLUEPRINT, "#pull-request/pull-request", WORK "{run: a}, {pull-request: ", "}]}", {{0}}},
	{BLUEPRINT, "#checks", PR, "]}", {{"checks", "{}"}}},
	{BLUEPRINT, "#review", PR, "]}", {{"review", "{}"}}},
	{BLUEPRINT, "#review/review", PR "{review: ", "}]}", {{0}}},
	{BLUEPRINT, "#queue", PR, "]}", {{"queue", "{}"}}},
};

/* The schema of a mapping: a '/' before each key, '*' for what a list or a mapping of names holds, '#' for $defs. */
static const json_t *schema_at(const struct map *m)
{
	cleanup(strvec_release) struct strvec parts = STRVEC_INIT;
	const json_t *root = files[m->file].root, *at = root;

	if (*m->at)
		strvec_split(&parts, m->at, '/');
	strvec_foreach (&parts, part) {
		if (**part == '#')
			at = json_object_get(json_object_get(root, "$defs"), *part + 1);
		else if (**part == '*')
			at = json_object_get(at, json_object_get(at, "items")
							 ? "items"
							 : "additionalProperties");
		else
			at = json_object_get(json_object_get(at, "properties"), *part);
		at = schema_of(root, at);
	}
	if (!json_object_get(at, "properties"))
		fail_msg("%s has no mapping '%s'", files[m->file].schema, m->at);
	return at;
}

/* A file that says `key: value` in this mapping; key NULL: only what it needs. */
static char *file_with(const struct map *m, const char *key, const char *value)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	const char *comma = "";

	buf_addf(&b, "%s{", m->before);
	for (size_t i = 0; i < ARRAY_LEN(m->need) && m->need[i][0]; i++) {
		if (key && !strcmp(m->need[i][0], key))
			continue;
		buf_addf(&b, "%s%s: %s", comma, m->need[i][0], m->need[i][1]);
		comma = ", ";
	}
	if (key)
		buf_addf(&b, "%s%s: %s", comma, key, value);
	buf_addf(&b, "}%s\n", m->after);
	return buf_steal(&b);
}

#endif
