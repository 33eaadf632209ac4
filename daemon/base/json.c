/* json.c - see json.h */
#include "base/json.h"

#include "base/buf.h"
#include "base/mem.h"

void ym_cleanup_json(json_t **j)
{
	json_decref(*j);
}

/* jansson recurses as deep as its input; measure before it does. Brackets in strings do not count.
 */
static size_t depth_of(const char *s, size_t n)
{
	size_t depth = 0, deepest = 0;
	bool in_string = false;

	for (size_t i = 0; i < n; i++) {
		if (in_string) {
			if (s[i] == '\\')
				i++;
			else if (s[i] == '"')
				in_string = false;
		} else if (s[i] == '"') {
			in_string = true;
		} else if (s[i] == '{' || s[i] == '[') {
			depth++;
			deepest = depth > deepest ? depth : deepest;
		} else if ((s[i] == '}' || s[i] == ']') && depth) {
			depth--;
		}
	}
	return deepest;
}

int json_parse(const char *s, size_t n, size_t max, json_t **ret, struct err *err)
{
	json_error_t je;
	json_t *j;

	if (n > max)
		return err_set(err, ERR_LIMIT, "JSON text of %zu bytes; at most %zu are read", n,
			       max);
	if (depth_of(s, n) > JSON_DEPTH_MAX)
		return err_set(err, ERR_LIMIT, "JSON nested deeper than %d levels", JSON_DEPTH_MAX);
	j = json_loadb(s, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &je);
	if (!j)
		return err_set(err, ERR_INPUT, "not JSON: line %d, column %d: %s", je.line,
			       je.column, je.text);
	*ret = j;
	return 0;
}

char *json_text(const json_t *j)
{
	char *s = json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY);

	return s ? s : xstrdup("null");
}

static const char *type_name(const json_t *v)
{
	static const char *const names[] = {"an object",     "a list", "a string", "a whole number",
					    "a real number", "true",   "false",    "null"};

	return v ? names[json_typeof(v)] : "nothing";
}

static int wrong(const json_t *o, const char *key, const char *expected, struct err *err)
{
	return err_set(err, ERR_INPUT, "key '%s': found %s, expected %s", key,
		       type_name(json_object_get(o, key)), expected);
}

int json_get_str(const json_t *o, const char *key, const char **ret, struct err *err)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_string(v))
		return wrong(o, key, "a string", err);
	*ret = json_string_value(v);
	return 0;
}

int json_get_int(const json_t *o, const char *key, int64_t *ret, struct err *err)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_integer(v))
		return wrong(o, key, "a whole number", err);
	*ret = json_integer_value(v);
	return 0;
}

int json_get_bool(const json_t *o, const char *key, bool *ret, struct err *err)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_boolean(v))
		return wrong(o, key, "true or false", err);
	*ret = json_is_true(v);
	return 0;
}

int json_get_array(const json_t *o, const char *key, json_t **ret, struct err *err)
{
	json_t *v = json_object_get(o, key);

	if (!json_is_array(v))
		return wrong(o, key, "a list", err);
	*ret = v;
	return 0;
}

int json_get_object(const json_t *o, const char *key, json_t **ret, struct err *err)
{
	json_t *v = json_object_get(o, key);

	if (!json_is_object(v))
		return wrong(o, key, "an object", err);
	*ret = v;
	return 0;
}

static bool absent(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	return !v || json_is_null(v);
}

int json_opt_str(const json_t *o, const char *key, const char **ret, struct err *err)
{
	return absent(o, key) ? 0 : json_get_str(o, key, ret, err);
}

int json_opt_int(const json_t *o, const char *key, int64_t *ret, struct err *err)
{
	return absent(o, key) ? 0 : json_get_int(o, key, ret, err);
}

int json_opt_bool(const json_t *o, const char *key, bool *ret, struct err *err)
{
	return absent(o, key) ? 0 : json_get_bool(o, key, ret, err);
}

const char *json_str(const json_t *o, const char *key, const char *otherwise)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : otherwise;
}

int64_t json_int(const json_t *o, const char *key, int64_t otherwise)
{
	const json_t *v = json_object_get(o, key);

	return json_is_integer(v) ? json_integer_value(v) : otherwise;
}

bool json_flag(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

/* Length of the well-formed UTF-8 sequence at s (n > 0 bytes left), or 0. RFC 3629, table 3-7 of
 * the Unicode standard: no overlong forms, no surrogates, nothing above U+10FFFF. */
static size_t utf8_sequence(const unsigned char *s, size_t n)
{
	unsigned char lo = 0x80, hi = 0xbf;
	size_t len;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	len = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (s[0] == 0xe0)
		lo = 0xa0;
	else if (s[0] == 0xed)
		hi = 0x9f;
	else if (s[0] == 0xf0)
		lo = 0x90;
	else if (s[0] == 0xf4)
		hi = 0x8f;
	if (n < len || s[1] < lo || s[1] > hi)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

json_t *json_utf8(const char *s, size_t n)
{
	json_t *whole = json_stringn(s, n);
	cleanup(buf_release) struct buf b = BUF_INIT_MAX(3 * n + 1);

	if (whole)
		return whole;
	for (size_t i = 0; i < n;) {
		size_t len = utf8_sequence((const unsigned char *)s + i, n - i);

		if (len)
			buf_add(&b, s + i, len);
		else
			buf_adds(&b, "\xef\xbf\xbd");
		i += len ? len : 1;
	}
	return json_stringn(b.s, b.len);
}

void json_put(json_t *o, const char *key, json_t *v)
{
	if (json_object_set_new(o, key, v) < 0)
		abort(); /* out of memory, or a key that is not UTF-8: both broken invariants */
}

void json_put_str(json_t *o, const char *key, const char *s)
{
	json_put(o, key, s ? json_utf8(s, strlen(s)) : json_null());
}

void json_put_int(json_t *o, const char *key, int64_t v)
{
	json_put(o, key, json_integer(v));
}

void json_put_bool(json_t *o, const char *key, bool v)
{
	json_put(o, key, json_boolean(v));
}
