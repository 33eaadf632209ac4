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
	char *title;         /* the last line that began with "error" or "warning" */
	char *thrown;        /* the last "…Error…" line, until its innermost call was met */
	char *failed;        /* the last "Failed test…" line */
	struct place before; /* its message is the next line that is not indented */
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

/* Behind the folder of a checkout: /work/, or /home/runner/work/NAME/NAME/. */
static const char *in_checkout(const char *s)
{
	static const char file[] = "file://", ours[] = "/work/", theirs[] = "/home/runner/work/";
	const char *from = s;

	if (!strncmp(s, file, sizeof(file) - 1))
		from += sizeof(file) - 1;
	if (!strncmp(from, ours, sizeof(ours) - 1))
		return from + sizeof(ours) - 1;
	if (strncmp(from, theirs, sizeof(theirs) - 1) != 0)
		return s;
	from += sizeof(theirs) - 1;
	for (int i = 0; i < 2; i++) {
		from += strcspn(from, "/");
		if (!*from++)
			return s;
	}
	return from;
}

/* PATH:LINE[:COLUMN][:] or PATH(LINE[,COLUMN]): */
static bool find_place(const char *s, struct place *ret)
{
	const char *end;
	long line, column;
	size_t n;
	char open;

	s = in_checkout(s);
	if (s[0] == '.' && s[1] == '/')
		s += 2;
	n = strspn(s, path_chars);
	open = s[n];
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
	path = in_checkout(path + sizeof(file) - 1);
	quote = strstr(path, line);
	if (!quote || !is_path(path, (size_t)(quote - path)))
		return false;
	ret->line = number(quote + sizeof(line) - 1, &end);
	if (!ret->line)
		return false;
	ret->path = xstrndup(path, (size_t)(quote - path));
	return true;
}

static void keep_line(char **where, const char *line)
{
	free(*where);
	*where = xstrdup(line);
}

static void forget_before(struct finder *f)
{
	free(f->before.path);
	f->before = (struct place){0};
}

/* A place whose message comes on the next line. Takes the path. */
static void wait_for_message(struct finder *f, struct place *p)
{
	forget_before(f); /* the innermost call is the one that failed */
	f->before = *p;
	p->path = NULL;
}

/* at f (PATH:LINE:COLUMN), at PATH:LINE:COLUMN */
static bool find_call(const char *s, struct place *ret)
{
	const char *open = strchr(s, '('), *at = open ? open + 1 : s + 3;
	autofree char *text = xstrdup(at);

	text[strcspn(text, ")")] = '\0';
	return !strstr(text, "node_modules/") && find_place(text, ret);
}

/* at PATH line N. */
static bool find_perl(const char *s, struct place *ret)
{
	const char *path = in_checkout(s + 3), *line = strstr(path, " line "), *end;

	if (!line || !is_path(path, (size_t)(line - path)))
		return false;
	ret->line = number(line + 6, &end);
	if (!ret->line)
		return false;
	ret->path = xstrndup(path, (size_t)(line - path));
	return true;
}

/* "at …": a call of what was thrown, or a test that failed. */
static void look_at(struct finder *f, const char *s)
{
	struct place p = {0};

	if (f->thrown && find_call(s, &p)) {
		add(f, &p, f->thrown);
		free(steal(&f->thrown)); /* the calls around it say no more */
	} else if (f->failed && find_perl(s, &p)) {
		add(f, &p, f->failed);
	}
	free(p.path);
}

/* The lines that say what a later one says where of. */
static void remember(struct finder *f, const char *s)
{
	if (!strncmp(s, "error", 5) || !strncmp(s, "warning", 7))
		keep_line(&f->title, s);
	if (strstr(s, "Error: ") || strstr(s, "Error ["))
		keep_line(&f->thrown, s);
	if (!strncmp(s, "Failed test", 11))
		keep_line(&f->failed, s);
}

static void look(struct finder *f, const char *line)
{
	static const char panic[] = " panicked at ";
	const char *s = line + strspn(line, " \t"), *panicked = strstr(s, panic);
	struct place p = {0};

	if (find_python(line, &p)) {
		wait_for_message(f, &p);
		return;
	}
	if (f->before.path && *line && s == line) {
		add(f, &f->before, s);
		forget_before(f);
	}
	remember(f, s);
	if (panicked && !strncmp(s, "thread ", 7) && find_place(panicked + sizeof(panic) - 1, &p))
		wait_for_message(f, &p);
	else if (!strncmp(s, "at ", 3))
		look_at(f, s);
	else if (!strncmp(s, "--> ", 4) && find_place(s + 4, &p))
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

/* "2026-01-31T12:00:00.1234567Z ": how many bytes; 0: none. */
static size_t time_at(const char *s)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd";
	size_t i;

	for (i = 0; form[i]; i++)
		if (form[i] == 'd' ? !isdigit((unsigned char)s[i]) : s[i] != form[i])
			return 0;
	i += strspn(s + i, ".0123456789");
	return s[i] == 'Z' && s[i + 1] == ' ' ? i + 2 : 0;
}

/* Behind what a runner puts in front of each line. */
static const char *behind_prefix(const char *s)
{
	static const char *const prefixes[] = {"##[error]", "##[warning]", "# ",
					       "[   LINE   ] --- "};

	s += time_at(s);
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (!strncmp(s, prefixes[i], strlen(prefixes[i])))
			return s + strlen(prefixes[i]);
	return s;
}

json_t *annotate(const char *log, size_t n)
{
	struct finder f = {.found = json_array()};

	for (size_t at = 0; at < n;) {
		const char *end = memchr(log + at, '\n', n - at);
		size_t len = end ? (size_t)(end - log) - at : n - at;
		autofree char *line = plain(log + at, len);

		look(&f, behind_prefix(line));
		at += len + 1;
	}
	free(f.title);
	free(f.thrown);
	free(f.failed);
	forget_before(&f);
	return f.found;
}
