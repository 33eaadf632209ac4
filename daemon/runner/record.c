/* record.c - run specifications and exit records, to JSON and back. */
#include "runner/record.h"

#include "base/mem.h"

#include <stddef.h>
#include <string.h>

/*
 * The limits: name in spec.json, default, place in the struct. The defaults are for an agent's
 * round on a small machine: a build fits, and a run that went wrong is ended before it hurts the
 * others. nofile is the usual soft limit; larger ones make each process slow that closes them all.
 */
static const struct limit_row {
	const char *name;
	int64_t otherwise;
	size_t at;
} limit_rows[] = {
	{"wall_ms", 45 * 60 * 1000, offsetof(struct run_limits, wall_ms)},
	{"silence_ms", 0, offsetof(struct run_limits, silence_ms)},
	{"cpu_ms", 60 * 60 * 1000, offsetof(struct run_limits, cpu_ms)},
	{"mem_bytes", (int64_t)4 << 30, offsetof(struct run_limits, mem_bytes)},
	{"procs", 512, offsetof(struct run_limits, procs)},
	{"fsize_bytes", (int64_t)1 << 30, offsetof(struct run_limits, fsize_bytes)},
	{"disk_bytes", (int64_t)4 << 30, offsetof(struct run_limits, disk_bytes)},
	{"out_bytes", (int64_t)64 << 20, offsetof(struct run_limits, out_bytes)},
	{"nofile", 1024, offsetof(struct run_limits, nofile)},
};

static const struct outcome_row {
	const char *name;
	bool infrastructure; /* says nothing about the work: try again, do not count a round */
} outcome_rows[] = {
	[RUN_EXITED] = {"exited", false},   [RUN_SIGNALED] = {"signaled", false},
	[RUN_TIMEOUT] = {"timeout", false}, [RUN_SILENT] = {"silent", false},
	[RUN_CPU] = {"cpu", false},         [RUN_MEMORY] = {"memory", false},
	[RUN_PROCS] = {"procs", false},     [RUN_DISK] = {"disk", false},
	[RUN_OUTPUT] = {"output", false},   [RUN_KILLED] = {"killed", false},
	[RUN_LOST] = {"lost", true},        [RUN_NOT_STARTED] = {"not-started", true},
};

static int64_t *limit_at(struct run_limits *l, const struct limit_row *row)
{
	return (int64_t *)(void *)((char *)l + row->at);
}

static int64_t limit_get(const struct run_limits *l, const struct limit_row *row)
{
	int64_t v;

	memcpy(&v, (const char *)l + row->at, sizeof(v));
	return v;
}

const char *run_outcome_name(enum run_outcome o)
{
	return (size_t)o < ARRAY_LEN(outcome_rows) ? outcome_rows[o].name : "unknown";
}

bool run_outcome_infrastructure(enum run_outcome o)
{
	return (size_t)o < ARRAY_LEN(outcome_rows) && outcome_rows[o].infrastructure;
}

void run_spec_init(struct run_spec *s)
{
	*s = (struct run_spec){0};
}

void run_spec_release(struct run_spec *s)
{
	if (!s)
		return;
	free(s->id);
	free(s->workdir);
	free(s->gitdir);
	free(s->objects);
	free(s->modules);
	for (size_t i = 0; i < s->nbinds; i++) {
		free(s->binds[i].from);
		free(s->binds[i].to);
	}
	free(s->binds);
	if (s->input)
		mem_wipe(s->input, s->input_len);
	free(s->input);
	strvec_release(&s->argv);
	strvec_release(&s->env);
	strvec_release(&s->env_pass);
	run_spec_init(s);
}

void run_exit_release(struct run_exit *e)
{
	if (!e)
		return;
	free(e->detail);
	*e = (struct run_exit){0};
}

struct run_limits run_limits_filled(const struct run_limits *l)
{
	struct run_limits r = *l;

	for (size_t i = 0; i < ARRAY_LEN(limit_rows); i++)
		if (limit_get(l, &limit_rows[i]) == 0)
			*limit_at(&r, &limit_rows[i]) = limit_rows[i].otherwise;
	return r;
}

/* --- checks -------------------------------------------------------------------------------- */

bool run_id_ok(const char *id)
{
	static const char ok[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t n = id ? strlen(id) : 0;

	return n >= 1 && n <= 64 && strspn(id, ok) == n && strcmp(id, ".") != 0 &&
	       strcmp(id, "..") != 0;
}

static bool env_name_ok(const char *s, size_t n)
{
	static const char ok[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";

	return n >= 1 && strspn(s, ok) >= n && !(s[0] >= '0' && s[0] <= '9');
}

static int check_text(const char *what, const char *s, struct err *err)
{
	json_t *j = json_string(s);

	if (!j)
		return err_set(err, ERR_INPUT, "run: %s: found bytes that are not UTF-8", what);
	json_decref(j);
	return 0;
}

static int check_texts(const char *what, const struct strvec *v, struct err *err)
{
	for (size_t i = 0; i < v->n; i++)
		if (check_text(what, v->v[i], err) < 0)
			return -1;
	return 0;
}

/* An absolute path without "." or ".." components, so that a prefix of it means what it says. */
static int check_path(const char *what, const char *path, struct err *err)
{
	if (!path)
		return 0;
	if (path[0] != '/')
		return err_set(err, ERR_INPUT, "run: %s '%s': expected an absolute path", what,
			       path);
	for (const char *p = path; *p;) {
		size_t n = strcspn(++p, "/");

		if ((n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
			return err_set(err, ERR_INPUT,
				       "run: %s '%s': expected a path without '.' and '..'", what,
				       path);
		p += n;
	}
	return check_text(what, path, err);
}

static int check_env(const struct run_spec *s, struct err *err)
{
	for (size_t i = 0; i < s->env.n; i++) {
		const char *e = s->env.v[i];
		size_t n = strcspn(e, "=");

		if (e[n] != '=' || !env_name_ok(e, n))
			return err_set(err, ERR_INPUT,
				       "run: env: found '%.*s'; expected NAME=value", (int)n, e);
	}
	for (size_t i = 0; i < s->env_pass.n; i++)
		if (!env_name_ok(s->env_pass.v[i], strlen(s->env_pass.v[i])))
			return err_set(err, ERR_INPUT,
				       "run: env_pass: found '%s'; expected the name of a variable",
				       s->env_pass.v[i]);
	if (check_texts("env", &s->env, err) < 0)
		return -1;
	return 0;
}

static int check_limits(const struct run_limits *l, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(limit_rows); i++)
		if (limit_get(l, &limit_rows[i]) < 0)
			return err_set(err, ERR_INPUT,
				       "run: limit %s: found %lld; expected 0 (default) or more",
				       limit_rows[i].name, (long long)limit_get(l, &limit_rows[i]));
	return 0;
}

int run_spec_check(const struct run_spec *s, struct err *err)
{
	if (!run_id_ok(s->id))
		return err_set(err, ERR_INPUT, "run: id '%s': expected 1 to 64 of [A-Za-z0-9._-]",
			       s->id ? s->id : "");
	if (s->argv.n == 0 || s->argv.v[0][0] == '\0')
		return err_set(err, ERR_INPUT, "run %s: argv: found no command", s->id);
	if (!s->workdir)
		return err_set(err, ERR_INPUT, "run %s: workdir: found none; expected a folder",
			       s->id);
	if (s->input_len > RUN_INPUT_MAX)
		return err_set(err, ERR_LIMIT, "run %s: input: found %zu bytes; at most %zu", s->id,
			       s->input_len, RUN_INPUT_MAX);
	if (check_texts("argv", &s->argv, err) < 0 || check_env(s, err) < 0 ||
	    check_path("workdir", s->workdir, err) < 0 ||
	    check_path("gitdir", s->gitdir, err) < 0 ||
	    check_path("objects", s->objects, err) < 0 ||
	    check_path("modules", s->modules, err) < 0)
		return -1;
	for (size_t i = 0; i < s->nbinds; i++)
		if (!s->binds[i].from || !s->binds[i].to ||
		    check_path("bind from", s->binds[i].from, err) < 0 ||
		    check_path("bind to", s->binds[i].to, err) < 0)
			return err && err->code ? -1
						: err_set(err, ERR_INPUT,
							  "run %s: bind without a path", s->id);
	return check_limits(&s->limits, err);
}

/* --- spec.json ------------------------------------------------------------------------------ */

static json_t *texts_json(const struct strvec *v)
{
	json_t *a = json_array();

	for (size_t i = 0; i < v->n; i++)
		json_array_append_new(a, json_utf8(v->v[i], strlen(v->v[i])));
	return a;
}

static int texts_read(const json_t *o, const char *key, struct strvec *ret, struct err *err)
{
	json_t *a = NULL;
	json_t *item = NULL;
	size_t i;

	if (json_get_array(o, key, &a, err) < 0)
		return -1;
	json_array_foreach (a, i, item) {
		if (!json_is_string(item))
			return err_set(err, ERR_CORRUPT, "spec.json: %s[%zu]: expected a text", key,
				       i);
		strvec_push(ret, json_string_value(item));
	}
	return 0;
}

json_t *run_spec_json(const struct run_spec *s)
{
	json_t *o = json_object();
	json_t *binds = json_array();
	json_t *limits = json_object();

	json_put_str(o, "id", s->id);
	json_put(o, "argv", texts_json(&s->argv));
	json_put_str(o, "workdir", s->workdir);
	json_put_str(o, "gitdir", s->gitdir);
	json_put_str(o, "objects", s->objects);
	json_put_str(o, "modules", s->modules);
	for (size_t i = 0; i < s->nbinds; i++) {
		json_t *b = json_object();

		json_put_str(b, "from", s->binds[i].from);
		json_put_str(b, "to", s->binds[i].to);
		json_put_bool(b, "writable", s->binds[i].writable);
		json_array_append_new(binds, b);
	}
	json_put(o, "binds", binds);
	json_put_int(o, "input_len", (int64_t)s->input_len);
	json_put(o, "env", texts_json(&s->env));
	json_put(o, "env_pass", texts_json(&s->env_pass));
	json_put_str(o, "network", s->network == RUN_NET_HOST ? "host" : "none");
	for (size_t i = 0; i < ARRAY_LEN(limit_rows); i++)
		json_put_int(limits, limit_rows[i].name, limit_get(&s->limits, &limit_rows[i]));
	json_put(o, "limits", limits);
	return o;
}

static int binds_read(const json_t *o, struct run_spec *s, struct err *err)
{
	json_t *a = NULL;
	json_t *item = NULL;
	size_t i;

	if (json_get_array(o, "binds", &a, err) < 0)
		return -1;
	s->binds = xcalloc(json_array_size(a) + 1, sizeof(*s->binds));
	json_array_foreach (a, i, item) {
		struct run_bind *b = &s->binds[i];
		const char *from = NULL;
		const char *to = NULL;

		if (json_get_str(item, "from", &from, err) < 0 ||
		    json_get_str(item, "to", &to, err) < 0 ||
		    json_get_bool(item, "writable", &b->writable, err) < 0)
			return -1;
		b->from = xstrdup(from);
		b->to = xstrdup(to);
		s->nbinds = i + 1;
	}
	return 0;
}

static int limits_read(const json_t *o, struct run_limits *ret, struct err *err)
{
	json_t *l = NULL;

	if (json_get_object(o, "limits", &l, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(limit_rows); i++)
		if (json_get_int(l, limit_rows[i].name, limit_at(ret, &limit_rows[i]), err) < 0)
			return -1;
	return 0;
}

static int network_read(const json_t *o, enum run_network *ret, struct err *err)
{
	const char *net = NULL;

	if (json_get_str(o, "network", &net, err) < 0)
		return -1;
	if (strcmp(net, "host") != 0 && strcmp(net, "none") != 0)
		return err_set(err, ERR_CORRUPT,
			       "spec.json: network: found '%s'; expected none or host", net);
	*ret = strcmp(net, "host") == 0 ? RUN_NET_HOST : RUN_NET_NONE;
	return 0;
}

int run_spec_read(const json_t *o, struct run_spec *ret, struct err *err)
{
	cleanup(run_spec_release) struct run_spec s = {0};
	const char *id = NULL;
	const char *workdir = NULL;
	const char *gitdir = NULL;
	const char *objects = NULL, *modules = NULL;
	int64_t len = 0;

	if (json_get_str(o, "id", &id, err) < 0 || json_get_str(o, "workdir", &workdir, err) < 0 ||
	    json_opt_str(o, "gitdir", &gitdir, err) < 0 ||
	    json_opt_str(o, "objects", &objects, err) < 0 ||
	    json_opt_str(o, "modules", &modules, err) < 0 ||
	    json_get_int(o, "input_len", &len, err) < 0 ||
	    texts_read(o, "argv", &s.argv, err) < 0 || texts_read(o, "env", &s.env, err) < 0 ||
	    texts_read(o, "env_pass", &s.env_pass, err) < 0 || binds_read(o, &s, err) < 0 ||
	    limits_read(o, &s.limits, err) < 0 || network_read(o, &s.network, err) < 0)
		return -1;
	s.id = xstrdup(id);
	s.workdir = xstrdup(workdir);
	s.gitdir = xstrdup(gitdir);
	s.objects = xstrdup(objects);
	s.modules = xstrdup(modules);
	s.input_len = len > 0 ? (size_t)len : 0;
	if (run_spec_check(&s, err) < 0)
		return -1;
	*ret = s;
	run_spec_init(&s);
	return 0;
}

/* --- exit.json ------------------------------------------------------------------------------ */

json_t *run_exit_json(const struct run_exit *e)
{
	json_t *o = json_object();

	json_put_str(o, "outcome", run_outcome_name(e->outcome));
	json_put_int(o, "code", e->code);
	json_put_int(o, "signo", e->signo);
	json_put_str(o, "detail", e->detail ? e->detail : "");
	json_put_int(o, "started_ms", e->started_ms);
	json_put_int(o, "ended_ms", e->ended_ms);
	json_put_int(o, "cpu_ms", e->cpu_ms);
	json_put_int(o, "rss_bytes", e->rss_bytes);
	json_put_int(o, "out_bytes", e->out_bytes);
	return o;
}

int run_exit_read(const json_t *o, struct run_exit *ret, struct err *err)
{
	const char *name = NULL;

	if (json_get_str(o, "outcome", &name, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(outcome_rows); i++) {
		if (strcmp(name, outcome_rows[i].name) != 0)
			continue;
		*ret = (struct run_exit){
			.outcome = (enum run_outcome)i,
			.code = (int)json_int(o, "code", 0),
			.signo = (int)json_int(o, "signo", 0),
			.detail = xstrdup(json_str(o, "detail", "")),
			.started_ms = json_int(o, "started_ms", 0),
			.ended_ms = json_int(o, "ended_ms", 0),
			.cpu_ms = json_int(o, "cpu_ms", 0),
			.rss_bytes = json_int(o, "rss_bytes", 0),
			.out_bytes = json_int(o, "out_bytes", 0),
		};
		return 0;
	}
	return err_set(err, ERR_CORRUPT, "exit.json: outcome: found '%s', which is none", name);
}
