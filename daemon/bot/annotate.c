/* annotate.c - see annotate.h */
#include "bot/annotate.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/strvec.h"

#include <ctype.h>
#include <string.h>

#define MESSAGE_MAX 1000
#define LINE_MAX_   2000
#define PATH_MAX_   400

struct place {
	char *path;
	long line;
	const char *rest; /* what stands behind it */
};

struct finder {
	json_t *found;
	char *title; /* the last line that began with "error" or "warning" */
	struct place python;
};

static const char path_chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				 "_-./+@~";

static bool is_path(const char *s, size_t n)
{
	if (!n || n > PATH_MAX_ || *s == '/' || *s == '-' || *s == '~')
		return false;
	for (size_t i = 0; i + 1 < n; i++)
		if (s[i] == '.' && s[i + 1] == '.')
			return false;
	return memchr(s, '.', n) || memchr(s, '/', n);
}

/* 1 to 7 digits: the number, and where it ends. 0: none. */
static long number(const char *s, const char **ret_end)
{
	long n = 0;
	size_t i;

	for (i = 0; i < 7 && isdigit((unsigned char)s[i]); i++)
		n = n * 10 + (s[i] - '0');
	if (!i || isdigit((unsigned char)s[i]))
		return 0;
	*ret_end = s + i;
	return n;
}

/* PATH:LINE[:COLUMN][:] or PATH(LINE[,COLUMN]): */
static bool find_place(const char *s, struct place *ret)
{
	size_t n = strspn(s, path_chars);
	const char *end;
	char open = s[n];
	long line, column;

	if (n > 2 && s[0] == '.' && s[1] == '/')
		s += 2, n -= 2;
	if ((open != ':' && open != '(') || !is_path(s, n))
		return false;
	line = number(s + n + 1, &end);
	if (!line)
		return false;
	if (open == '(') {
		if (*end == ',')
			number(end + 1, &end);
		if (end[0] != ')' || end[1] != ':')
			return false;
		end += 2;
	} else if (*end == ':') {
		const char *after = end;

		column = number(end + 1, &after);
		end = column ? after : end;
		end += *end == ':';
	} else if (*end) {
		return false;
	}
	ret->path = xstrndup(s, n);
	ret->line = line;
	ret->rest = end + strspn(end, " \t");
	return true;
}

static const char *level_of(const char *message)
{
	if (!strncasecmp(message, "warning", 7))
		return "warning";
	if (!strncasecmp(message, "note", 4) || !strncasecmp(message, "info", 4))
		return "notice";
	return "failure";
}

static bool is_known(const struct finder *f, const struct place *p)
{
	const json_t *o;
	size_t i;

	json_array_foreach (f->found, i, o) {
		if (json_int(o, "start_line", 0) == p->line &&
		    !strcmp(json_str(o, "path", ""), p->path))
			return true;
	}
	return false;
}

static void add(struct finder *f, const struct place *p, const char *message)
{
	json_t *o;
	size_t n = strlen(message);

	if (!n || is_known(f, p) || json_array_size(f->found) >= ANNOTATE_MAX)
		return;
	o = json_object();
	json_put_str(o, "path", p->path);
	json_put_int(o, "start_line", p->line);
	json_put_int(o, "end_line", p->line);
	json_put_str(o, "annotation_level", level_of(message));
	json_put(o, "message", json_utf8(message, n < MESSAGE_MAX ? n : MESSAGE_MAX));
	json_array_append_new(f->found, o);
}

/*   File "src/a.py", line 12[, in f] */
static bool find_python(const char *s, struct place *ret)
{
	static const char file[] = "File \"", line[] = "\", line ";
	const char *path = s + strspn(s, " "), *quote, *end;

	if (path == s || strncmp(path, file, sizeof(file) - 1) != 0)
		return false;
	path += sizeof(file) - 1;
	quote = strstr(path, line);
	if (!quote || !is_path(path, (size_t)(quote - path)))
		return false;
	ret->line = number(quote + sizeof(line) - 1, &end);
	if (!ret->line)
		return false;
	ret->path = xstrndup(path, (size_t)(quote - path));
	return true;
}

static void forget_python(struct finder *f)
{
	free(f->python.path);
	f->python = (struct place){0};
}

static void look(struct finder *f, const char *s)
{
	struct place p = {0};
	const char *arrow = s + strspn(s, " ");

	if (find_python(s, &p)) {
		forget_python(f); /* the innermost call is the one that failed */
		f->python = p;
		return;
	}
	if (f->python.path && *s && !isspace((unsigned char)*s)) {
		add(f, &f->python, s);
		forget_python(f);
	}
	if (!strncmp(s, "error", 5) || !strncmp(s, "warning", 7)) {
		free(f->title);
		f->title = xstrdup(s);
	}
	if (!strncmp(arrow, "--> ", 4) && find_place(arrow + 4, &p))
		add(f, &p, f->title ? f->title : "error");
	else if (find_place(s, &p))
		add(f, &p, p.rest);
	free(p.path);
}

/* Without the escapes of a terminal and the carriage return; too long a line is none that names a place. */
static char *plain(const char *s, size_t n)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	for (size_t i = 0; i < n && b.len < LINE_MAX_; i++) {
		if (s[i] == '\033' && i + 1 < n && s[i + 1] == '[') {
			for (i += 2; i < n && !isalpha((unsigned char)s[i]); i++)
				;
			continue;
		}
		if (s[i] != '\r' && s[i] != '\0')
			buf_addc(&b, s[i]);
	}
	return b.len ? buf_steal(&b) : xstrdup("");
}

json_t *annotate(const char *log, size_t n)
{
	struct finder f = {.found = json_array()};

	for (size_t at = 0; at < n;) {
		const char *end = memchr(log + at, '\n', n - at);
		size_t len = end ? (size_t)(end - log) - at : n - at;
		autofree char *line = plain(log + at, len);

		look(&f, line);
		at += len + 1;
	}
	free(f.title);
	forget_python(&f);
	return f.found;
}
