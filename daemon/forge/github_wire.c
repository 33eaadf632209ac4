/* github_wire.c - see github_wire.h */
#include "forge/github_wire.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "sys/http.h"

#include <strings.h>

#define RETRY_AFTER_MAX 86400
#define NUMBER_MAX      ((int64_t)1 << 40)
#define MESSAGE_MAX     400

/* --- headers --- */

/* Digits alone, as header values are; -1 for anything else. */
static int64_t number(const char *s)
{
	int64_t v = 0;

	if (!s || *s < '0' || *s > '9')
		return -1;
	for (; *s >= '0' && *s <= '9'; s++) {
		v = v * 10 + (*s - '0');
		if (v > NUMBER_MAX)
			return -1;
	}
	return s[strspn(s, " \t")] ? -1 : v;
}

static int64_t retry_after(const char *s, int64_t date_s)
{
	int64_t v = number(s);

	if (v < 0 && s && date_s >= 0) {
		v = http_date(s);
		v = v < 0 ? -1 : v - date_s < 0 ? 0 : v - date_s;
	}
	return v > RETRY_AFTER_MAX ? RETRY_AFTER_MAX : v;
}

void gh_seen_read(struct gh_seen *s, int status, gh_header_fn header, const void *from)
{
	const char *date = header(from, "Date");
	const char *resource = header(from, "X-RateLimit-Resource");

	*s = (struct gh_seen){.status = status};
	s->date_s = date ? http_date(date) : -1;
	if (s->date_s < 0 || s->date_s > NUMBER_MAX)
		s->date_s = -1;
	s->retry_after_s = retry_after(header(from, "Retry-After"), s->date_s);
	s->limit = number(header(from, "X-RateLimit-Limit"));
	s->remaining = number(header(from, "X-RateLimit-Remaining"));
	s->reset_s = number(header(from, "X-RateLimit-Reset"));
	s->other = resource && strcmp(resource, "core");
}

/* Is one of the parameters behind "<…>" rel=next? Quotes and several relations are allowed. */
static bool is_next(const char *p, const char *end)
{
	while (p < end) {
		const char *stop = memchr(p, ';', (size_t)(end - p));
		autofree char *one = xstrndup(p, (size_t)((stop ? stop : end) - p));
		char *s = one + strspn(one, " \t"), *word, *at = NULL;

		p = stop ? stop + 1 : end;
		if (strncasecmp(s, "rel=", 4))
			continue;
		for (word = strtok_r(s + 4, " \t\"", &at); word;
		     word = strtok_r(NULL, " \t\"", &at))
			if (!strcasecmp(word, "next"))
				return true;
	}
	return false;
}

/* The comma that ends this link, or the end; commas in quotes do not count. */
static const char *link_end(const char *p)
{
	bool quoted = false;

	for (; *p && (quoted || *p != ','); p++)
		if (*p == '"')
			quoted = !quoted;
	return p;
}

char *gh_link_next(const char *link)
{
	const char *p = link;

	while (p && (p = strchr(p, '<')) != NULL) {
		const char *url = p + 1, *close = strchr(url, '>'), *end;

		if (!close)
			return NULL;
		end = link_end(close + 1);
		if (close > url && is_next(close + 1, end))
			return xstrndup(url, (size_t)(close - url));
		p = end;
	}
	return NULL;
}

/* --- error bodies --- */

static void add_error(struct buf *b, const json_t *e, const char *before)
{
	const char *s = json_is_string(e) ? json_string_value(e) : json_str(e, "message", NULL);

	if (s) {
		buf_addf(b, "%s%s", before, s);
		return;
	}
	if (!json_str(e, "code", NULL))
		return;
	buf_addf(b, "%s%s %s is %s", before, json_str(e, "resource", ""),
		 json_str(e, "field", "(no field)"), json_str(e, "code", ""));
}

char *gh_message(const json_t *body)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	const char *message = json_is_object(body) ? json_str(body, "message", NULL) : NULL;
	const json_t *errors = json_object_get(body, "errors");

	if (!message)
		return NULL;
	buf_adds(&b, message);
	if (json_is_string(errors))
		add_error(&b, errors, ": ");
	for (size_t i = 0; i < json_array_size(errors) && i < 3; i++)
		add_error(&b, json_array_get(errors, i), i ? "; " : ": ");
	buf_truncate(&b, text_cut(b.s, b.len, MESSAGE_MAX));
	for (char *c = b.s; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	return buf_steal(&b);
}

static bool is_limit_text(const char *m)
{
	return strcasestr(m, "rate limit") || strcasestr(m, "abuse detection");
}

bool gh_says_limit(const json_t *body)
{
	const json_t *errors = json_object_get(body, "errors"), *e;
	size_t i;

	if (is_limit_text(json_is_object(body) ? json_str(body, "message", "") : ""))
		return true;
	json_array_foreach (errors, i, e) {
		const char *type = json_str(e, "type", "");

		if (!strcmp(type, "RATE_LIMITED") || !strcmp(type, "RATE_LIMIT") ||
		    !strcmp(json_str(e, "code", ""), "graphql_rate_limit") ||
		    is_limit_text(json_str(e, "message", "")))
			return true;
	}
	return false;
}

/* --- pages --- */

bool gh_page_join(json_t *all, json_t *page)
{
	const char *key;
	json_t *v;

	if (json_is_array(all) && json_is_array(page))
		return json_array_extend(all, page) == 0;
	if (!json_is_object(all) || !json_is_object(page))
		return false;
	json_object_foreach (page, key, v) {
		json_t *to = json_object_get(all, key);

		if (json_is_array(v) && (!json_is_array(to) || json_array_extend(to, v) < 0))
			return false;
	}
	return true;
}
