/*
 * ask.c - what the integration tests ask again and again, without a program started for each question.
 *
 *   ask FOLDER
 *
 * Prints the port of the loopback at which it answers, and ends when standard input does. On a machine where the
 * start of a program costs ten milliseconds of processor time a look through `yardmaster … --json | jq` costs sixty;
 * here the program that is tested is started as it is for people, and its output is filtered by libjq, which keeps
 * the filters that it has compiled (each takes it twenty). FOLDER is where the answers are written.
 *
 * One request a connection, fields that end with NUL: their number, then
 *   PID NAME   the asking process, and a file name of its own for the answer
 *   SOURCE     "none"     the filter's input is null
 *              "input"    the standard input of PID
 *              "file"     the next field's file
 *              "run"      the output of a command: the next field is its number of words, then these
 *              "http"     the body of an answer: METHOD http://127.0.0.1:PORT/… BODY
 *   then jq's options and its filter as of the command line: -r -c -s -e, -R (with -s: the input is
 *   one text), --arg NAME TEXT, --argjson NAME JSON. Without
 *   a filter the answer is the input.
 * The answer is "CODE\n", CODE as jq has it (the command's, where it failed; 1 for an HTTP status from 400), once
 * FOLDER/NAME is there with the output, and FOLDER/NAME.err with what was wrong, where something was.
 * Keys of objects are sorted.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <jq.h>
#include <pthread.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIELDS_MAX  200
#define REQUEST_MAX ((size_t)4 << 20)

extern char **environ;

struct text {
	char *p;
	size_t n;
};

struct ask {
	int fd;
	char *bytes, *field[FIELDS_MAX + 1];
	int n, at;
	const char *pid, *name;
	FILE *out, *err;
};

static const char *folder;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static const char *next(struct ask *a)
{
	return a->at < a->n ? a->field[a->at++] : "";
}

/* --- what is filtered ---------------------------------------------------------------------------- */

static struct text read_all(int fd)
{
	struct text t = {malloc(1), 0};
	size_t room = 0;
	ssize_t k;

	do {
		if (room - t.n < 65536) {
			room = room ? 2 * room : 131072;
			t.p = realloc(t.p, room + 1);
			if (!t.p)
				die("memory");
		}
		k = read(fd, t.p + t.n, room - t.n);
		t.n += k > 0 ? (size_t)k : 0;
	} while (k > 0 || (k < 0 && errno == EINTR));
	t.p[t.n] = '\0';
	close(fd);
	return t;
}

static struct text read_file(struct ask *a, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		fprintf(a->err, "%s: %s\n", path, strerror(errno));
		return (struct text){strdup(""), 0};
	}
	return read_all(fd);
}

/* In the folder of the asking process. */
static struct text run(struct ask *a, int *ret_code)
{
	int n = atoi(next(a)), pipes[2], status = 0;
	char *argv[FIELDS_MAX + 1], cwd[64];
	posix_spawn_file_actions_t f;
	struct text t = {NULL, 0};
	pid_t pid;

	for (int i = 0; i < n; i++)
		argv[i] = (char *)next(a);
	argv[n] = NULL;
	snprintf(cwd, sizeof(cwd), "/proc/%s/cwd", a->pid);
	if (pipe2(pipes, O_CLOEXEC) < 0)
		die("pipe");
	posix_spawn_file_actions_init(&f);
	posix_spawn_file_actions_addopen(&f, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&f, pipes[1], 1);
	posix_spawn_file_actions_adddup2(&f, fileno(a->err), 2);
	posix_spawn_file_actions_addchdir_np(&f, cwd);
	*ret_code = posix_spawnp(&pid, argv[0], &f, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&f);
	close(pipes[1]);
	if (*ret_code) {
		fprintf(a->err, "start %s: %s\n", argv[0], strerror(*ret_code));
		*ret_code = 127;
		close(pipes[0]);
		return (struct text){strdup(""), 0};
	}
	t = read_all(pipes[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	*ret_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return t;
}

static struct text http(struct ask *a, int *ret_code)
{
	const char *method = next(a), *url = next(a), *body = next(a);
	struct sockaddr_in to = {.sin_family = AF_INET};
	struct text t;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), port = 0, at = 0;
	char *start;

	sscanf(url, "http://127.0.0.1:%d%n", &port, &at);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons((uint16_t)port);
	if (!at || fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		fprintf(a->err, "%s: %s\n", url,
			at ? strerror(errno) : "no address of the loopback");
		close(fd);
		*ret_code = 1;
		return (struct text){strdup(""), 0};
	}
	dprintf(fd,
		"%s %s HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
		"Content-Length: %zu\r\n\r\n%s",
		method, url + at, strlen(body), body);
	t = read_all(fd);
	start = strstr(t.p, "\r\n\r\n");
	*ret_code = t.n < 12 || !start || t.p[9] >= '4';
	if (start) {
		t.n -= (size_t)(start + 4 - t.p);
		memmove(t.p, start + 4, t.n + 1);
	}
	return t;
}

static struct text source(struct ask *a, int *ret_code, bool *ret_none)
{
	const char *kind = next(a);
	char path[64];

	*ret_code = 0;
	*ret_none = !strcmp(kind, "none");
	if (!strcmp(kind, "run"))
		return run(a, ret_code);
	if (!strcmp(kind, "http"))
		return http(a, ret_code);
	if (!strcmp(kind, "file"))
		return read_file(a, next(a));
	if (*ret_none)
		return (struct text){strdup(""), 0};
	snprintf(path, sizeof(path), "/proc/%s/fd/0", a->pid);
	return read_file(a, path);
}

/* --- the filter ---------------------------------------------------------------------------------- */

struct filter {
	char *text;
	jq_state *jq;
	struct filter *older;
};
static struct filter *filters;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of filters, and of what they run */

struct options {
	bool raw, compact, slurp, text, exit;
	jv values;
	const char *program;
};

static void on_error(void *arg, jv message)
{
	message = jq_format_error(message);
	fprintf(arg, "%s\n", jv_string_value(message));
	jv_free(message);
}

static bool flags_of(struct ask *a, const char *s, struct options *o)
{
	for (s++; *s; s++) {
		if (*s == 'r')
			o->raw = true;
		else if (*s == 'c')
			o->compact = true;
		else if (*s == 's')
			o->slurp = true;
		else if (*s == 'R')
			o->text = true;
		else if (*s == 'e')
			o->exit = true;
		else if (*s != 'n')
			return fprintf(a->err, "ask: no option -%c\n", *s), false;
	}
	return true;
}

static bool options(struct ask *a, struct options *o)
{
	*o = (struct options){.values = jv_object()};
	while (a->at < a->n) {
		const char *s = next(a), *name;
		bool json = !strcmp(s, "--argjson");

		if (json || !strcmp(s, "--arg")) {
			name = next(a);
			s = next(a);
			o->values = jv_object_set(o->values, jv_string(name),
						  json ? jv_parse(s) : jv_string(s));
		} else if (s[0] == '-' && s[1]) {
			if (!flags_of(a, s, o))
				return false;
		} else if (o->program) {
			return fprintf(a->err, "ask: two filters: %s, %s\n", o->program, s), false;
		} else {
			o->program = s;
		}
	}
	return true;
}

/* Values go in with the input, so that a filter is compiled once for all of them. */
static char *wrapped(const struct options *o)
{
	jv keys = jv_keys(jv_copy(o->values)), names = jv_string("");
	char *text;

	jv_array_foreach(keys, i, name)
	{
		names = jv_string_append_str(names, i ? ", $" : "{$");
		names = jv_string_concat(names, name);
	}
	if (asprintf(&text,
		     jv_array_length(keys) ? ".[0] as %s} | .[1] | (%s\n)" : "%s.[1] | (%s\n)",
		     jv_string_value(names), o->program) < 0)
		die("memory");
	jv_free(names);
	return text;
}

static jq_state *compiled(struct ask *a, const struct options *o)
{
	char *text = wrapped(o);
	struct filter *f;

	for (f = filters; f && strcmp(f->text, text) != 0; f = f->older)
		;
	if (f) {
		free(text);
		jq_set_error_cb(f->jq, on_error, a->err);
		return f->jq;
	}
	f = calloc(1, sizeof(*f));
	if (!f || !(f->jq = jq_init()))
		die("memory");
	jq_set_error_cb(f->jq, on_error, a->err);
	if (!jq_compile(f->jq, text)) {
		jq_teardown(&f->jq);
		free(f);
		free(text);
		return NULL;
	}
	*f = (struct filter){text, f->jq, filters};
	return (filters = f)->jq;
}

static void print(struct ask *a, const struct options *o, jv v)
{
	int how = JV_PRINT_SORTED | (o->compact ? 0 : JV_PRINT_INDENT_FLAGS(2) | JV_PRINT_PRETTY);

	if (o->raw && jv_get_kind(v) == JV_KIND_STRING)
		fwrite(jv_string_value(v), 1, (size_t)jv_string_length_bytes(jv_copy(v)), a->out);
	else
		jv_dumpf(jv_copy(v), a->out, how);
	fputc('\n', a->out);
	jv_free(v);
}

/* One input through the filter. *last: what -e judges. */
static int one(struct ask *a, const struct options *o, jq_state *jq, jv input, int *last)
{
	jv v;

	jq_start(jq, jv_array_append(jv_array_set(jv_array(), 0, jv_copy(o->values)), input), 0);
	while (jv_is_valid(v = jq_next(jq))) {
		jv_kind kind = jv_get_kind(v);

		*last = kind == JV_KIND_NULL || kind == JV_KIND_FALSE;
		print(a, o, v);
	}
	if (!jv_invalid_has_msg(jv_copy(v))) {
		jv_free(v);
		return 0;
	}
	v = jv_invalid_get_msg(v);
	if (jv_get_kind(v) != JV_KIND_STRING)
		v = jv_dump_string(v, 0);
	fprintf(a->err, "jq: error: %s\n", jv_string_value(v));
	jv_free(v);
	return 5;
}

static int filter(struct ask *a, const struct options *o, const struct text *t, bool none)
{
	jq_state *jq = o->program ? compiled(a, o) : NULL;
	struct jv_parser *p;
	int code = 0, last = -1;
	jv all = jv_array(), v;

	if (!o->program)
		fwrite(t->p, 1, t->n, a->out);
	if (!jq)
		return o->program ? 3 : 0;
	if (o->text) {
		code = one(a, o, jq, jv_string_sized(t->p, (int)t->n), &last);
		jv_free(all);
		return code;
	}
	p = jv_parser_new(0);
	jv_parser_set_buf(p, none ? "null" : t->p, none ? 4 : (int)t->n, 0);
	while (jv_is_valid(v = jv_parser_next(p))) {
		if (o->slurp)
			all = jv_array_append(all, v);
		else
			code = one(a, o, jq, v, &last);
	}
	if (jv_invalid_has_msg(jv_copy(v))) {
		v = jv_invalid_get_msg(v);
		fprintf(a->err, "jq: error: %s in: %.300s\n", jv_string_value(v), t->p);
		code = 2;
	} else if (o->slurp) {
		code = one(a, o, jq, jv_copy(all), &last);
	}
	jv_free(v);
	jv_free(all);
	jv_parser_free(p);
	return code ? code : o->exit ? (last < 0 ? 4 : last) : 0;
}

/* --- a request ----------------------------------------------------------------------------------- */

/* Until all fields are there: their number is the first of them. */
static bool read_fields(struct ask *a)
{
	size_t n = 0, from = 0;
	int want = 1;

	a->bytes = malloc(REQUEST_MAX + 1);
	while (a->bytes && a->n < want) {
		ssize_t k = read(a->fd, a->bytes + n, REQUEST_MAX - n);

		if (k <= 0)
			return false;
		n += (size_t)k;
		for (char *end; a->n < want && (end = memchr(a->bytes + from, '\0', n - from));
		     from = (size_t)(end + 1 - a->bytes)) {
			if (want == 1 && a->n == 0) {
				want = atoi(a->bytes);
				if (want < 2 || want > FIELDS_MAX)
					return false;
			} else {
				a->field[a->n++] = a->bytes + from;
			}
		}
	}
	return a->bytes != NULL;
}

static FILE *open_answer(const struct ask *a, const char *end, char **ret)
{
	FILE *f;

	if (asprintf(ret, "%s/%s%s", folder, a->name, end) < 0)
		die("memory");
	unlink(*ret);
	f = fopen(*ret, "ae");
	if (!f)
		die(*ret);
	return f;
}

static void answer(struct ask *a)
{
	char *out, *err;
	struct options o;
	struct text t;
	int code = 2, failed;
	struct stat st;
	bool none;

	a->pid = next(a);
	a->name = next(a);
	a->out = open_answer(a, "", &out);
	a->err = open_answer(a, ".err", &err);
	t = source(a, &failed, &none);
	if (options(a, &o)) {
		pthread_mutex_lock(&lock);
		code = filter(a, &o, &t, none);
		pthread_mutex_unlock(&lock);
	}
	jv_free(o.values);
	free(t.p);
	fclose(a->out);
	fclose(a->err);
	if (stat(err, &st) == 0 && st.st_size == 0)
		unlink(err);
	dprintf(a->fd, "%d\n", failed ? failed : code);
	free(out);
	free(err);
}

static void *serve(void *arg)
{
	struct ask a = {.fd = (int)(intptr_t)arg};

	if (read_fields(&a))
		answer(&a);
	free(a.bytes);
	close(a.fd);
	return NULL;
}

static void *until_the_end(void *arg)
{
	char c;

	(void)arg;
	while (read(0, &c, 1) > 0)
		;
	_exit(0);
}

int main(int argc, char **argv)
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pthread_attr_t detached;
	pthread_t t;

	if (argc != 2)
		return 2;
	folder = argv[1];
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(fd, 64) < 0 ||
	    getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
		die("ask");
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&t, &detached, until_the_end, NULL) != 0)
		die("ask");
	printf("%d\n", ntohs(sa.sin_port));
	fflush(stdout);
	for (;;) {
		int c = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

		if (c >= 0 && pthread_create(&t, &detached, serve, (void *)(intptr_t)c) != 0)
			close(c);
	}
}
