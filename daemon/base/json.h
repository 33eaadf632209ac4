/*
 * json.h - reading JSON from outside with limits, and writing it.
 *
 * On top of jansson: every text from outside goes through json_parse(), which has a size and a
 * depth limit, refuses duplicate keys and NUL in strings, and says what was wrong and where. The
 * getters name the key, what was found and what was expected, so that a decoder is a list of calls:
 *
 *     if (json_get_str(o, "name", &name, err) < 0 || json_get_int(o, "pr", &pr, err) < 0)
 *             return -1;
 *
 * `json_opt_*` leave *ret alone when the key is absent or null, and fail on a wrong type.
 * Strings handed out belong to the object.
 */
#ifndef YM_BASE_JSON_H
#define YM_BASE_JSON_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define JSON_DEPTH_MAX 64 /* deeper input is refused before jansson recurses into it */

void ym_cleanup_json(json_t **j);
#define autojson __attribute__((__cleanup__(ym_cleanup_json), __unused__))

/* Parses n bytes; the text must be one value. Over `max` bytes: ERR_LIMIT; else ERR_INPUT. */
int json_parse(const char *s, size_t n, size_t max, json_t **ret, struct err *err);
char *json_text(const json_t *j); /* compact, one line, keys in insertion order; caller frees */

int json_get_str(const json_t *o, const char *key, const char **ret, struct err *err);
int json_get_int(const json_t *o, const char *key, int64_t *ret, struct err *err);
int json_get_bool(const json_t *o, const char *key, bool *ret, struct err *err);
int json_get_array(const json_t *o, const char *key, json_t **ret, struct err *err);
int json_get_object(const json_t *o, const char *key, json_t **ret, struct err *err);
int json_opt_str(const json_t *o, const char *key, const char **ret, struct err *err);
int json_opt_int(const json_t *o, const char *key, int64_t *ret, struct err *err);
int json_opt_bool(const json_t *o, const char *key, bool *ret, struct err *err);

/* Lenient reads of what this program wrote itself: a default when absent or of another type. */
const char *json_str(const json_t *o, const char *key, const char *otherwise);
int64_t json_int(const json_t *o, const char *key, int64_t otherwise);
bool json_flag(const json_t *o, const char *key);

/* Set a key. A NULL string sets null. Text that is not UTF-8 is stored with each bad byte replaced
 * by U+FFFD, so that no output of a program can make a message impossible to write. */
void json_put_str(json_t *o, const char *key, const char *s);
void json_put_int(json_t *o, const char *key, int64_t v);
void json_put_bool(json_t *o, const char *key, bool v);
void json_put(json_t *o, const char *key, json_t *v); /* takes the reference */
json_t *json_utf8(const char *s, size_t n);           /* a string value, repaired as above */

#endif
