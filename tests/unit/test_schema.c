/*
 * test_schema.c - the schemas for editors (contrib/schema) say what the parsers say: the same keys in every mapping,
 * the same words, ranges, sizes and defaults. Both are asked, so that no list stands here: for each property of a
 * schema, values at its borders and beyond are written into a file, and the parser and the schema must agree.
 */
#include "schema_fixture.h"

#include "base/buf.h"
#include "sys/fs.h"

#include <dirent.h>

/* Every object of a schema that has keys stands in the table above. */
static size_t objects_in(const json_t *schema)
{
	const json_t *one;
	const char *key;
	size_t i, n = json_is_object(json_object_get(schema, "properties"));

	if (json_is_object(schema))
		json_object_foreach ((json_t *)schema, key, one)
			n += objects_in(one);
	json_array_foreach (schema, i, one)
		n += objects_in(one);
	return n;
}

static void all_mappings_are_tried(void **state)
{
	(void)state;
	for (int f = 0; f < FILES; f++) {
		size_t n = 0;

		for (size_t i = 0; i < ARRAY_LEN(maps); i++)
			n += maps[i].file == f;
		if (objects_in(files[f].root) != n)
			fail_msg("%s has %zu mappings, and %zu are tried here", files[f].schema,
				 objects_in(files[f].root), n);
	}
}

/* --- keys ----------------------------------------------------------------------------------------------- */

/* What the parser's message allows, as a set; NULL when it does not say. */
static json_t *allowed_by(int file, const char *text)
{
	cleanup(err_release) struct err err = ERR_INIT;
	cleanup(strvec_release) struct strvec words = STRVEC_INIT;
	json_t *set = json_object();
	const char *from;

	if (by_parser(file, text, NULL, &err))
		fail_msg("taken: %s", text);
	from = strstr(err_text(&err), "; allowed: ");
	if (!from)
		fail_msg("no list: %s", err_text(&err));
	for (from += strlen("; allowed: "); *from;) {
		size_t n = strcspn(from, ",");
		autofree char *word = xstrndup(from, n);

		json_put(set, word, json_true());
		from += n;
		from += strspn(from, ", ");
	}
	return set;
}

static void same_words(const struct map *m, const char *what, const char *text, json_t *have)
{
	autojson json_t *allowed = allowed_by(m->file, text);
	const json_t *v;
	const char *word;

	json_object_foreach (allowed, word, v)
		if (!json_object_get(have, word))
			fail_msg("%s: '%s' of '%s%s' is not in the schema", files[m->file].schema,
				 word, m->at, what);
	json_object_foreach (have, word, v)
		if (!json_object_get(allowed, word))
			fail_msg("%s: '%s' of '%s%s' is not in the parser", files[m->file].schema,
				 word, m->at, what);
}

static void keys_are_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
		const struct map *m = &maps[i];
		autofree char *unknown = file_with(m, "zzz", "1"),
			      *least = file_with(m, NULL, NULL);

		agree(m->file, least, true);
		agree(m->file, unknown, false);
		same_words(m, "", unknown, json_object_get(schema_at(m), "properties"));
		/* What is needed is needed by both. */
		for (size_t k = 0; k < ARRAY_LEN(m->need) && m->need[k][0]; k++) {
			struct map less = *m;
			autofree char *text = NULL;

			if (m->file == DAEMON && !strcmp(m->need[k][0], "token"))
				continue; /* only there so that 'head-seconds' is shown */
			for (size_t j = k; j + 1 < ARRAY_LEN(less.need); j++)
				memcpy(less.need[j], less.need[j + 1], sizeof(less.need[j]));
			text = file_with(&less, NULL, NULL);
			agree(m->file, text, false);
		}
	}
}

/* --- values --------------------------------------------------------------------------------------------- */

struct probe {
	const struct map *m;
	const char *key;
	const json_t *schema;
};

static void try(const struct probe *p, bool want, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void try(const struct probe *p, bool want, const char *fmt, ...)
{
	autofree char *value = NULL, *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	value = xvasprintf(fmt, ap);
	va_end(ap);
	text = file_with(p->m, p->key, value);
	agree(p->m->file, text, want);
}

static bool has_type(const json_t *schema, const char *type)
{
	const json_t *t = json_object_get(schema, "type"), *one;
	size_t i;

	json_array_foreach (t, i, one)
		if (!strcmp(json_string_value(one), type))
			return true;
	return json_is_string(t) && !strcmp(json_string_value(t), type);
}

static void try_number(const struct probe *p)
{
	long long min = json_int(p->schema, "minimum", -1),
		  max = json_int(p->schema, "maximum", -1);

	try(p, true, "%lld", min);
	try(p, true, "%lld", max);
	try(p, false, "%lld", min - 1);
	try(p, false, "%lld", max + 1);
	try(p, false, "x");
	try(p, false, "[%lld]", min);
	try(p, has_type(p->schema, "number"), "%lld.5", min);
}

static void try_words(const struct probe *p, const json_t *words)
{
	autojson json_t *set = json_object();
	autofree char *wrong = file_with(p->m, p->key, "zzz");
	const json_t *one;
	size_t i;

	json_array_foreach (words, i, one) {
		try(p, true, "%s", json_string_value(one));
		json_put(set, json_string_value(one), json_true());
	}
	agree(p->m->file, wrong, false);
	same_words(p->m, p->key, wrong, set);
}

/* A text of n bytes that is nothing but long. */
static char *text_of(const char *key, size_t n)
{
	char *s = xmalloc(n + 1);

	memset(s, 'a', n);
	s[n] = '\0';
	if (n && !strcmp(key, "email"))
		s[n - 1] = '@';
	return s;
}

static void try_length(const struct probe *p, const json_t *text)
{
	const json_t *max = json_object_get(text, "maxLength");

	if (max) {
		size_t n = (size_t)json_integer_value(max);
		autofree char *most = text_of(p->key, n), *more = text_of(p->key, n + 1);

		try(p, true, "%s", most);
		try(p, false, "%s", more);
	}
}

static void try_text(const struct probe *p)
{
	try(p, false, "[a, b]");
	try(p, false, "{a: b}");
	try(p, false, " ");
	try_length(p, p->schema);
	if (json_int(p->schema, "minLength", 0))
		try(p, false, "''");
}

static void repeat(const struct probe *p, const char *item, size_t n, bool want)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	for (size_t i = 0; i < n; i++)
		buf_addf(&b, "%s%s", i ? ", " : "", item);
	try(p, want, "[%s]", b.s);
}

static void try_truth(const struct probe *p)
{
	try(p, true, "true");
	try(p, true, "false");
	try(p, false, "yes");
	try(p, false, "1");
}

/* What an item of a list may be: its first word, or a text that its pattern takes. */
static const char *sample_of(const json_t *item)
{
	static const char *const samples[] = {"a", "a/b", "write"};
	const char *pattern = json_str(item, "pattern", "");

	if (json_object_get(item, "enum"))
		return json_string_value(json_array_get(json_object_get(item, "enum"), 0));
	for (size_t i = 0; i < ARRAY_LEN(samples); i++)
		if (schema_matches(pattern, samples[i]))
			return samples[i];
	fail_msg("no sample matches %s", pattern);
	return NULL;
}

/* A list, or one thing alone: a text as of its items, or true and false. */
static void try_texts(const struct probe *p, const json_t *one_of)
{
	const json_t *alone = json_array_get(one_of, 0), *list = json_array_get(one_of, 1);
	const json_t *item = json_object_get(list, "items"),
		     *max = json_object_get(list, "maxItems");
	const char *one = sample_of(item);

	if (has_type(alone, "boolean"))
		try_truth(p);
	else
		try(p, true, "%s", one);
	if (json_object_get(item, "enum"))
		try_words(p, json_object_get(item, "enum"));
	try(p, true, "[%s]", one);
	try(p, false, "{a: b}");
	try(p, false, "[[%s]]", one);
	try(p, false, " ");
	try(p, !json_int(list, "minItems", 0), "[]");
	if (!has_type(alone, "boolean"))
		try_length(p, item);
	if (json_int(item, "minLength", 0))
		try(p, false, "['']");
	if (max) {
		repeat(p, one, (size_t)json_integer_value(max), true);
		repeat(p, one, (size_t)json_integer_value(max) + 1, false);
	}
}

static void try_property(const struct probe *p)
{
	const json_t *s = p->schema, *one_of = json_object_get(s, "oneOf"), *any_of;

	any_of = json_object_get(s, "anyOf");
	if (has_type(s, "integer") || has_type(s, "number")) {
		try_number(p);
	} else if (has_type(s, "boolean")) {
		try_truth(p);
	} else if (json_object_get(s, "enum")) {
		try_words(p, json_object_get(s, "enum"));
	} else if (has_type(s, "string")) {
		try_text(p);
	} else if (one_of && has_type(json_array_get(one_of, 0), "boolean")) {
		try(p, true,
		    "true"); /* or a list: github.shadow, which tests/unit/test_shadow.c tries */
		try(p, false, "a");
		try(p, false, "{a: b}");
	} else if (one_of) {
		try_texts(p, one_of);
	} else if (any_of) {
		const json_t *root = files[p->m->file].root;

		try(p, true, "repository");
		try_texts(p, json_object_get(schema_of(root, json_array_get(any_of, 1)), "oneOf"));
	} else if (has_type(s, "object")) {
		try(p, has_type(s, "null"), " ");
		try(p, false, "[a]");
		try(p, false, "a");
	} else {
		assert_true(
			has_type(s, "array")); /* steps, command, webhook-secrets: by hand, below */
		try(p, false, "a");
		try(p, false, "{a: b}");
		try(p, !json_int(s, "minItems", 0), "[]");
	}
}

static void values_are_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
		const json_t *schema = schema_at(&maps[i]), *one;
		const char *key;

		json_object_foreach (json_object_get(schema, "properties"), key, one) {
			struct probe p = {&maps[i], key, schema_of(files[maps[i].file].root, one)};

			try_property(&p);
		}
	}
}

/* --- defaults ------------------------------------------------------------------------------------------- */

static const json_t *shown_at(const json_t *shown, const char *at)
{
	cleanup(strvec_release) struct strvec parts = STRVEC_INIT;

	if (*at)
		strvec_split(&parts, at, '/');
	strvec_foreach (&parts, part)
		shown = json_object_get(shown, strcmp(*part, "*") ? *part : "x");
	return shown;
}

static void defaults_are_the_same(void **state)
{
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
		const struct map *m = &maps[i];
		autofree char *text = file_with(m, NULL, NULL), *json = NULL;
		autojson json_t *shown = NULL;
		const json_t *one, *in;
		const char *key;

		if (*m->at == '#') /* steps are shown in another form */
			continue;
		assert_true(by_parser(m->file, text, &json, NULL));
		shown = json_loads(json, 0, NULL);
		in = shown_at(shown, m->at);
		json_object_foreach (json_object_get(schema_at(m), "properties"), key, one) {
			const json_t *want = json_object_get(one, "default");

			n += want != NULL;
			if (want && !json_equal(want, json_object_get(in, key)))
				fail_msg("%s: the default of '%s' in '%s' is another one",
					 files[m->file].schema, key, m->at);
		}
	}
	assert_true(n > 40);
}

/* --- whole files ---------------------------------------------------------------------------------------- */

static void bad_files(void **state)
{
	static const struct {
		int file;
		const char *text;
	} bad[] = {
		{DAEMON, "agents: {x: {command: []}}"},
		{DAEMON, "agents: {X: {command: [a]}}"},
		{DAEMON, "agents: {x: }"},
		{DAEMON, "agents: {x: {command: a}}"},
		{DAEMON, "data: ~/yard"},
		{DAEMON, "handle: '@yard'"},
		{DAEMON, "github: {token: ghp_secret}"},
		{DAEMON, "github: {webhook-secrets: [{secret: hunter2}]}"},
		{DAEMON, "github: {webhook-secrets: [env:A]}"},
		{DAEMON, "github: {events: ftp://smee.io/a}"},
		{DAEMON, "- data: x"},
		{REPO, "queue: [make]"},
		{REPO, "queue: {gates: ['  ']}"},
		{REPO, "labels: {hold: ' x'}"},
		{REPO, "text"},
		{BLUEPRINT, ""},
		{BLUEPRINT, "name: x"},
		{BLUEPRINT, WORK "{run: a}], name: Y}"},
		{BLUEPRINT, "{name: A_b, allow: a, steps: [{run: a}]}"},
		{BLUEPRINT, "{name: x, allow: [], steps: [{run: a}]}"},
		{BLUEPRINT, WORK "]}"},
		{BLUEPRINT, WORK "{run: a, agent: b}]}"},
		{BLUEPRINT, WORK "{agent: /etc/passwd}]}"},
		{BLUEPRINT, WORK "{agent: a//b}]}"},
		{BLUEPRINT, WORK "{agent: a, gates: {a: b}}]}"},
		{BLUEPRINT, WORK "{deploy: {}}]}"},
		{BLUEPRINT, WORK "run]}"},
		{BLUEPRINT, PR "{checks: {a: b}}]}"},
		{BLUEPRINT, PR "{review: 2}]}"},
		{BLUEPRINT, WORK "{run: a}, {pull-request: {reviewers: ['@me']}}]}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		agree(bad[i].file, bad[i].text, false);
}

static size_t good_files(int file, const char *folder, const char *ending)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	size_t n = 0;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		cleanup(buf_release) struct buf b = BUF_INIT;
		autofree char *path = path_join(folder, e->d_name);
		size_t len = strlen(e->d_name), tail = strlen(ending);

		if (len < tail || strcmp(e->d_name + len - tail, ending) != 0)
			continue;
		assert_int_equal(fs_read(path, YAML_SIZE_MAX, &b, NULL), 0);
		agree(file, b.s, true);
		n++;
	}
	closedir(d);
	return n;
}

static void shipped_files(void **state)
{
	(void)state;
	assert_int_equal(good_files(BLUEPRINT, "blueprints", ".yml"), 3);
	assert_int_equal(good_files(REPO, "contrib/demo/project/.github", "yardmaster.yml"), 1);
	assert_int_equal(good_files(DAEMON, "contrib/systemd", ".yml"), 1);
}

/* What the fuzzer has found worth keeping: a file that the parser takes is good by the schema, too. */
static void odd_files(void **state)
{
	static const char folder[] = "tests/fuzz/corpus/blueprint";
	DIR *d = opendir(folder);
	struct dirent *e;
	size_t taken = 0;

	(void)state;
	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		cleanup(buf_release) struct buf b = BUF_INIT;
		autofree char *path = path_join(folder, e->d_name);

		if (*e->d_name == '.')
			continue;
		assert_int_equal(fs_read(path, YAML_SIZE_MAX, &b, NULL), 0);
		for (int f = 0; f < FILES; f++) {
			if (!by_parser(f, b.s, NULL, NULL))
				continue;
			taken++;
			if (!by_schema(f, b.s))
				fail_msg("%s: %s refuses what the parser takes", path,
					 files[f].schema);
		}
	}
	closedir(d);
	assert_true(taken > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_mappings_are_tried),
		cmocka_unit_test(keys_are_the_same),
		cmocka_unit_test(values_are_the_same),
		cmocka_unit_test(defaults_are_the_same),
		cmocka_unit_test(bad_files),
		cmocka_unit_test(shipped_files),
		cmocka_unit_test(odd_files),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, read_schemas, drop_schemas);
}
