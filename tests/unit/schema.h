/*
 * schema.h - as much of JSON Schema (draft 2020-12) as the schemas in contrib/schema use. A keyword that it does
 * not know fails the test: nothing is taken for checked that is not.
 *
 * Patterns go through the C library's extended regular expressions: the schemas use what is the same there and
 * in ECMAScript. Lengths are of ASCII.
 */
#ifndef YM_TESTS_SCHEMA_H
#define YM_TESTS_SCHEMA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/yaml.h"

#include <ctype.h>
#include <regex.h>
#include <string.h>

static bool schema_ok(const json_t *root, const json_t *schema, const json_t *v);

static inline bool schema_is(const char *type, const json_t *v)
{
	static const struct {
		const char *name;
		json_type type;
	} types[] = {{"object", JSON_OBJECT},
		     {"array", JSON_ARRAY},
		     {"string", JSON_STRING},
		     {"integer", JSON_INTEGER},
		     {"null", JSON_NULL}};

	if (!strcmp(type, "boolean"))
		return json_is_boolean(v);
	if (!strcmp(type, "number"))
		return json_is_number(v);
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (!strcmp(types[i].name, type))
			return json_typeof(v) == types[i].type;
	fail_msg("an unknown type: %s", type);
	return false;
}

static inline bool schema_matches(const char *pattern, const char *s)
{
	regex_t re;
	bool ok;

	if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		fail_msg("a bad pattern: %s", pattern);
	ok = regexec(&re, s, 0, NULL, 0) == 0;
	regfree(&re);
	return ok;
}

/* What "#/$defs/x" names, else the schema itself. */
static inline const json_t *schema_of(const json_t *root, const json_t *schema)
{
	const char *ref = json_str(schema, "$ref", NULL);
	const json_t *to;

	if (!ref)
		return schema;
	assert_int_equal(strncmp(ref, "#/$defs/", 8), 0);
	to = json_object_get(json_object_get(root, "$defs"), ref + 8);
	if (!to)
		fail_msg("%s is not there", ref);
	return to;
}

/* --- a keyword each: does the value keep to it? Of another type it always does. ---------------------- */

#define KEYWORD(name)                                                                              \
	static inline bool name(const json_t *root, const json_t *in, const json_t *k,             \
				const json_t *v)
#define UNUSED (void)root, (void)in

KEYWORD(kw_none)
{
	UNUSED, (void)k, (void)v;
	return true;
}

KEYWORD(kw_ref)
{
	(void)k;
	return schema_ok(root, schema_of(root, in), v);
}

KEYWORD(kw_type)
{
	const json_t *one;
	size_t i;

	UNUSED;
	if (json_is_string(k))
		return schema_is(json_string_value(k), v);
	json_array_foreach (k, i, one)
		if (schema_is(json_string_value(one), v))
			return true;
	return false;
}

KEYWORD(kw_const)
{
	UNUSED;
	return json_equal(k, v);
}

KEYWORD(kw_enum)
{
	const json_t *one;
	size_t i;

	UNUSED;
	json_array_foreach (k, i, one)
		if (json_equal(one, v))
			return true;
	return false;
}

static inline size_t schema_count(const json_t *root, const json_t *k, const json_t *v)
{
	const json_t *one;
	size_t i, n = 0;

	json_array_foreach (k, i, one)
		n += schema_ok(root, one, v);
	return n;
}

KEYWORD(kw_one_of)
{
	(void)in;
	return schema_count(root, k, v) == 1;
}

KEYWORD(kw_any_of)
{
	(void)in;
	return schema_count(root, k, v) > 0;
}

KEYWORD(kw_properties)
{
	const json_t *one;
	const char *key;

	(void)in;
	json_object_foreach ((json_t *)k, key, one) {
		const json_t *value = json_object_get(v, key);

		if (value && !schema_ok(root, one, value))
			return false;
	}
	return true;
}

KEYWORD(kw_additional)
{
	const json_t *known = json_object_get(in, "properties"), *value;
	const char *key;

	json_object_foreach ((json_t *)v, key, value) {
		if (json_object_get(known, key))
			continue;
		if (json_is_false(k) || (json_is_object(k) && !schema_ok(root, k, value)))
			return false;
	}
	return true;
}

KEYWORD(kw_property_names)
{
	const json_t *value;
	const char *key;

	(void)in;
	json_object_foreach ((json_t *)v, key, value) {
		autojson json_t *name = json_string(key);

		if (!schema_ok(root, k, name))
			return false;
	}
	return true;
}

KEYWORD(kw_required)
{
	const json_t *one;
	size_t i;

	UNUSED;
	if (!json_is_object(v))
		return true;
	json_array_foreach (k, i, one)
		if (!json_object_get(v, json_string_value(one)))
			return false;
	return true;
}

KEYWORD(kw_items)
{
	const json_t *one;
	size_t i;

	(void)in;
	json_array_foreach (v, i, one)
		if (!schema_ok(root, k, one))
			return false;
	return true;
}

#define BOUND(name, applies, value, op)                                                            \
	KEYWORD(name)                                                                              \
	{                                                                                          \
		UNUSED;                                                                            \
		return !(applies) || (double)(value)op json_number_value(k);                       \
	}
BOUND(kw_minimum, json_is_number(v), json_number_value(v), >=)
BOUND(kw_maximum, json_is_number(v), json_number_value(v), <=)
BOUND(kw_min_length, json_is_string(v), json_string_length(v), >=)
BOUND(kw_max_length, json_is_string(v), json_string_length(v), <=)
BOUND(kw_min_items, json_is_array(v), json_array_size(v), >=)
BOUND(kw_max_items, json_is_array(v), json_array_size(v), <=)
BOUND(kw_max_properties, json_is_object(v), json_object_size(v), <=)

KEYWORD(kw_pattern)
{
	UNUSED;
	return !json_is_string(v) || schema_matches(json_string_value(k), json_string_value(v));
}

static const struct {
	const char *name;
	bool (*keeps)(const json_t *root, const json_t *in, const json_t *k, const json_t *v);
} schema_keywords[] = {
	{"$schema", kw_none},
	{"title", kw_none},
	{"description", kw_none},
	{"default", kw_none},
	{"$defs", kw_none},
	{"$ref", kw_ref},
	{"type", kw_type},
	{"const", kw_const},
	{"enum", kw_enum},
	{"oneOf", kw_one_of},
	{"anyOf", kw_any_of},
	{"properties", kw_properties},
	{"additionalProperties", kw_additional},
	{"propertyNames", kw_property_names},
	{"required", kw_required},
	{"items", kw_items},
	{"minimum", kw_minimum},
	{"maximum", kw_maximum},
	{"minLength", kw_min_length},
	{"maxLength", kw_max_length},
	{"minItems", kw_min_items},
	{"maxItems", kw_max_items},
	{"maxProperties", kw_max_properties},
	{"pattern", kw_pattern},
};

static bool schema_ok(const json_t *root, const json_t *schema, const json_t *v)
{
	const json_t *k;
	const char *key;

	json_object_foreach ((json_t *)schema, key, k) {
		size_t i = 0;

		while (i < ARRAY_LEN(schema_keywords) && strcmp(schema_keywords[i].name, key) != 0)
			i++;
		if (i == ARRAY_LEN(schema_keywords))
			fail_msg("the keyword '%s' is unknown here", key);
		if (!schema_keywords[i].keeps(root, schema, k, v))
			return false;
	}
	return true;
}

/* --- what an editor makes of a YAML file (the core schema of YAML 1.2) ------------------------------- */

static inline json_t *schema_scalar(const char *s)
{
	char *end;
	double d;

	if (schema_matches("^[-+]?[0-9]+$", s))
		return json_integer(strtoll(s, NULL, 10));
	if (schema_matches("^(true|True|TRUE)$", s))
		return json_true();
	if (schema_matches("^(false|False|FALSE)$", s))
		return json_false();
	if (schema_matches("^(~|null|Null|NULL)$", s))
		return json_null();
	d = strtod(s, &end);
	if (schema_matches("^[-+]?(\\.[0-9]+|[0-9]+(\\.[0-9]*)?)([eE][-+]?[0-9]+)?$", s) && !*end)
		return json_real(d);
	return json_string(s);
}

static inline json_t *schema_value(const struct yaml_node *n)
{
	json_t *v;

	switch (n->kind) {
	case YAML_NULL:
		return json_null();
	case YAML_TEXT:
		return n->quoted ? json_string(n->text) : schema_scalar(n->text);
	case YAML_LIST:
		v = json_array();
		for (size_t i = 0; i < n->n; i++)
			json_array_append_new(v, schema_value(n->items[i]));
		return v;
	case YAML_MAP:
		v = json_object();
		for (size_t i = 0; i < n->n; i++)
			json_put(v, n->keys[i], schema_value(n->items[i]));
		return v;
	}
	return NULL;
}

#endif
