/*
 * fuzz_github.c - what GitHub, or whoever answers in its place, sends beside a body: a line each of Date,
 * Retry-After, the three X-RateLimit-*, Link, a time, a path's part; the rest is an error body. Numbers
 * stay in their ranges, the next page is a part of its header, no hold lasts for ever, what is escaped has
 * nothing left to escape.
 */
#include "base/mem.h"
#include "base/utf8.h"
#include "forge/github_auth.h"
#include "forge/github_client.h"
#include "forge/github_rate.h"
#include "forge/github_wire.h"
#include "sys/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {"Date",
				    "Retry-After",
				    "X-RateLimit-Limit",
				    "X-RateLimit-Remaining",
				    "X-RateLimit-Reset",
				    "Link",
				    "time",
				    "part"};

struct input {
	char *lines[ARRAY_LEN(names)];
	char *body;
	size_t body_len;
};

static void must(bool ok)
{
	if (!ok)
		abort();
}

static const char *line_of(const void *from, const char *name)
{
	const struct input *in = from;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(names[i], name))
			return in->lines[i];
	return NULL;
}

static void cut_up(struct input *in, const char *s, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *end = n ? memchr(s, '\n', n) : NULL;
		size_t len = end ? (size_t)(end - s) : n;

		in->lines[i] = xstrndup(s, len);
		s += end ? len + 1 : len;
		n -= end ? len + 1 : len;
	}
	in->body = xmalloc(n + 1);
	memcpy(in->body, s, n);
	in->body_len = n;
}

static void check_rate(const struct gh_seen *seen, int64_t wall)
{
	static const int64_t now = 5000000;
	const char *why;
	struct gh_rate r;

	gh_rate_init(&r, 4, 1000);
	for (int kind = GH_RATE_READ; kind <= GH_RATE_CREATE; kind++) {
		int64_t at = now + GH_RATE_HOLD_MAX;

		gh_rate_begin(&r, kind, now);
		gh_rate_end(&r, kind, seen, wall, now);
		must(gh_rate_when(&r, kind, at, &why) == at);
		must(r.reads == 0 && r.writes == 0);
	}
}

static void check_seen(const struct input *in)
{
	static const int status[] = {200, 304, 403, 429, 500};
	struct gh_seen s;

	for (size_t i = 0; i < ARRAY_LEN(status); i++) {
		gh_seen_read(&s, status[i], line_of, in);
		must(s.retry_after_s >= -1 && s.retry_after_s <= 86400);
		must(s.limit >= -1 && s.remaining >= -1 && s.reset_s >= -1);
		check_rate(&s, 1700000000);
	}
}

static void check_link(const char *link)
{
	autofree char *next = gh_link_next(link);
	autofree char *url = next ? http_url_join("https://api.github.com/x", next) : NULL;

	must(!next || (*next && strstr(link, next) && !strpbrk(next, ">")));
	must(!url || !strncmp(url, "https://", 8) || !strncmp(url, "http://", 7));
	if (url && http_url_same_origin(url, "https://api.github.com"))
		must(!strncasecmp(url, "https://api.github.com", 22));
}

static void check_message(const char *s, size_t n)
{
	autojson json_t *body = NULL;
	autofree char *text = NULL;

	if (json_parse(s, n, (size_t)1 << 20, &body, NULL) < 0)
		return;
	text = gh_message(body);
	gh_says_limit(body);
	must(!text || (strlen(text) <= 400 && !strpbrk(text, "\r\n\x1b")));
	for (size_t i = 0, len, end = text ? strlen(text) : 0; i < end; i += len) {
		uint32_t cp;

		len = utf8_decode(text + i, end - i, &cp);
		must(len > 0);
	}
}

static void check_path(const char *part)
{
	autofree char *one = gh_path("/%s", part);
	autofree char *many = gh_path("/%r", part);

	must(strspn(one + 1,
		    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%") ==
	     strlen(one + 1));
	must(!strstr(many, "/../") && strcmp(one, "/..") && strcmp(one, "/."));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {0};

	cut_up(&in, (const char *)data, size);
	check_seen(&in);
	check_link(line_of(&in, "Link"));
	must(gh_time(line_of(&in, "time")) >= -1);
	check_path(line_of(&in, "part"));
	check_message(in.body, in.body_len);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		free(in.lines[i]);
	free(in.body);
	return 0;
}
