/*
 * mask.h - values that must not be shown: found in any text, in their usual encodings, and replaced.
 *
 * An agent that is handed a key may print it, on purpose or in an error message, and what it prints becomes
 * a log, a comment, a check's summary or a commit, which on a public repository everybody reads. So each
 * value that is handed in is masked wherever text leaves the run, and a diff that holds one is refused.
 *
 * Of a value, these are found:
 *
 *   as it is               of several lines: each line by itself, as GitHub Actions does for its secrets
 *   base64                 both alphabets, at each of the three places where it can begin within what was
 *                          encoded, with line breaks in between (`base64` breaks after 76 characters)
 *   hexadecimal            lower and upper case
 *   percent-encoded        as in an address, both cases of the digits
 *   in JSON, XML, a shell  escaped as these escape it, where that differs
 *
 * Not found: what was encrypted, compressed, encoded twice, spelt backwards or with spaces. It is a guard
 * against accidents, and the reason why a key belongs where the agent never sees it.
 *
 * A value of fewer than MASK_MIN bytes is not masked: it stands in ordinary text by chance ("true", "1").
 * The text never grows: MASK_TEXT is no longer than any value.
 */
#ifndef YM_BASE_MASK_H
#define YM_BASE_MASK_H

#include "base/buf.h"
#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>

#define MASK_MIN  6
#define MASK_TEXT "***"

struct mask;

struct mask *mask_new(void);
void mask_free(struct mask *m); /* wipes; NULL is fine */
void mask_add(struct mask *m, const char *value);
bool mask_empty(const struct mask *m);

/* Is one of them in the text? */
bool mask_found(const struct mask *m, const char *s, size_t n);
/* The text with each of them replaced; NULL gives NULL. Caller frees. */
char *mask_text(const struct mask *m, const char *s);
/* Every string below v, keys not counted, in place. Arrays and objects that v shares are changed, too. */
void mask_json(const struct mask *m, json_t *v);

/*
 * A text that comes in pieces. What may be the beginning of a value is held back until the next piece, or
 * the end, shows whether it is. The stream is the caller's: zeroed before the first piece, released after the
 * last.
 */
struct mask_stream {
	struct buf held;
};
void mask_feed(const struct mask *m, struct mask_stream *st, const char *s, size_t n, bool end,
	       struct buf *to);
void mask_stream_release(struct mask_stream *st); /* wipes */

#endif
