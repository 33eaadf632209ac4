/* smee.c - see smee.h */
#include "web/smee.h"

#include "base/json.h"
#include "base/mem.h"
#include "git/net_coding.h"

#include <strings.h>

#define HEADER_MAX ((size_t)4096) /* bytes of a header's value, as JSON */

/* A piece of the text. */
struct span {
	const char *p;
	size_t n;
};

/* --- the members of an object, without decoding them ------------------------------------------------- */

struct scan {
	const char *p, *end;
};

static void skip_blank(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
		s->p++;
}

static bool take(struct scan *s, char c)
{
	skip_blank(s);
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

/* With its quotes. */
static bool take_string(struct scan *s, struct span *ret)
{
	const char *from;

	skip_blank(s);
	from = s->p;
	if (s->p == s->end || *s->p != '"')
		return false;
	for (s->p++; s->p < s->end && *s->p != '"'; s->p++)
		if (*s->p == '\\' && ++s->p == s->end)
			return false;
	if (s->p == s->end)
		return false;
	s->p++;
	*ret = (struct span){from, (size_t)(s->p - from)};
	return true;
}

/* Up to the bracket that closes it. What is between them is looked at by whoever decodes it. */
static bool take_nested(struct scan *s, struct span *ret)
{
	const char *from = s->p;
	size_t depth = 0;

	while (s->p < s->end) {
		struct span unused;

		if (*s->p == '"') {
			if (!take_string(s, &unused))
				return false;
			continue;
		}
		if (*s->p == '{' || *s->p == '[')
			depth++;
		else if (*s->p == '}' || *s->p == ']')
			depth--;
		s->p++;
		if (!depth) {
			*ret = (struct span){from, (size_t)(s->p - from)};
			return true;
		}
	}
	return false;
}

static bool take_value(struct scan *s, struct span *ret)
{
	const char *from;

	skip_blank(s);
	from = s->p;
	if (s->p < s->end && *s->p == '"')
		return take_string(s, ret);
	if (s->p < s->end && (*s->p == '{' || *s->p == '['))
		return take_nested(s, ret);
	while (s->p < s->end && !strchr(",}] \t\r\n", *s->p))
		s->p++;
	*ret = (struct span){from, (size_t)(s->p - from)};
	return ret->n != 0;
}

/* --- what is wanted of them -------------------------------------------------------------------------- */

enum member { SIGNATURE, EVENT, GUID, TYPE, BODY, BODY_BYTES, MEMBERS };
static const char *const members[MEMBERS] = {
	[SIGNATURE] = "x-hub-signature-256",
	[EVENT] = "x-github-event",
	[GUID] = "x-github-delivery",
	[TYPE] = "content-type",
	[BODY] = "body",
	[BODY_BYTES] = "bodyB",
};

/* Headers are the same in any case; a member of the object is not. */
static bool is_member(size_t i, const struct span *key)
{
	const char *p = key->p + 1;
	size_t n = key->n - 2;

	if (strlen(members[i]) != n)
		return false;
	// cppcheck-suppress arrayIndexOutOfBoundsCond ; the caller ends at MEMBERS
	return i < BODY ? !strncasecmp(p, members[i], n) : !memcmp(p, members[i], n);
}

static int note(struct span *found, const struct span *key, const struct span *value,
		struct err *err)
{
	for (size_t i = 0; i < MEMBERS; i++) {
		if (!is_member(i, key))
			continue;
		if (found[i].p)
			return err_set(err, ERR_INPUT, "it has '%s' twice", members[i]);
		found[i] = *value;
	}
	return 0;
}

static int broken(const struct scan *s, const char *text, struct err *err)
{
	return err_set(err, ERR_INPUT, "its JSON is broken at byte %zu", (size_t)(s->p - text));
}

static int scan(const char *text, size_t n, struct span *found, struct err *err)
{
	struct scan s = {text, text + n};
	bool whole, first = true;

	if (!take(&s, '{'))
		return err_set(err, ERR_INPUT, "it is no JSON object");
	for (whole = take(&s, '}'); !whole; whole = take(&s, '}')) {
		struct span key, value;

		if (!first && !take(&s, ','))
			return broken(&s, text, err);
		first = false;
		if (!take_string(&s, &key) || !take(&s, ':') || !take_value(&s, &value))
			return broken(&s, text, err);
		if (note(found, &key, &value, err) < 0)
			return -1;
	}
	skip_blank(&s);
	return s.p == s.end ? 0 : err_set(err, ERR_INPUT, "there is more behind its JSON");
}

static int decode(const struct span *v, enum member which, size_t max, char **ret, size_t *ret_len,
		  struct err *err)
{
	cleanup(err_release) struct err why = ERR_INIT;
	autojson json_t *j = NULL;

	if (!v->p)
		return 0;
	if (json_parse(v->p, v->n, max, &j, &why) < 0 || !json_is_string(j))
		return err_set(err, ERR_INPUT, "its '%s' is no text", members[which]);
	*ret = xstrndup(json_string_value(j), json_string_length(j));
	if (ret_len)
		*ret_len = json_string_length(j);
	return 0;
}

static int take_bytes(struct smee_delivery *d, const struct span *v, struct err *err)
{
	size_t n = v->n < 2 ? 0 : v->n - 2;
	int len;

	d->own = xmalloc(n + 1);
	len = *v->p == '"' ? net_unbase64(v->p + 1, n, (unsigned char *)d->own, n) : -1;
	if (len < 0)
		return err_set(err, ERR_INPUT, "its 'bodyB' is no base64");
	d->body = d->own;
	d->len = (size_t)len;
	return 0;
}

static int take_body(struct smee_delivery *d, const struct span *found, struct err *err)
{
	const struct span *v = &found[BODY];

	if (found[BODY_BYTES].p)
		return take_bytes(d, &found[BODY_BYTES], err);
	if (*v->p == '"') {
		if (decode(v, BODY, v->n, &d->own, &d->len, err) < 0)
			return -1;
		d->body = d->own;
		return 0;
	}
	if (*v->p != '{')
		return err_set(err, ERR_INPUT, "its 'body' is neither an object nor text");
	d->body = v->p;
	d->len = v->n;
	return 0;
}

int smee_read(const char *s, size_t n, struct smee_delivery *ret, struct err *err)
{
	cleanup(smee_delivery_release) struct smee_delivery d = {0};
	struct span found[MEMBERS] = {{0}};

	if (scan(s, n, found, err) < 0)
		return -1;
	if (!found[BODY].p && !found[BODY_BYTES].p)
		return 0;
	if (decode(&found[SIGNATURE], SIGNATURE, HEADER_MAX, &d.signature, NULL, err) < 0 ||
	    decode(&found[EVENT], EVENT, HEADER_MAX, &d.event, NULL, err) < 0 ||
	    decode(&found[GUID], GUID, HEADER_MAX, &d.guid, NULL, err) < 0 ||
	    decode(&found[TYPE], TYPE, HEADER_MAX, &d.type, NULL, err) < 0 ||
	    take_body(&d, found, err) < 0)
		return -1;
	*ret = d;
	d = (struct smee_delivery){0};
	return 1;
}

void smee_delivery_release(struct smee_delivery *d)
{
	if (!d)
		return;
	free(d->signature);
	free(d->event);
	free(d->guid);
	free(d->type);
	free(d->own);
	*d = (struct smee_delivery){0};
}
