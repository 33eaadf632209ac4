/* runs_spec.c - a run's specification as the payload of an effect. */
#include "bot/runs.h"

#include "base/mem.h"

/* The limits, by the name of their field. */
static const struct {
	const char *name;
	size_t offset;
} limits[] = {
#define LIMIT(f)                                                                                   \
	{                                                                                          \
#f, offsetof(struct run_limits, f)                                                 \
	}
	LIMIT(wall_ms),     LIMIT(silence_ms), LIMIT(cpu_ms),    LIMIT(mem_bytes), LIMIT(procs),
	LIMIT(fsize_bytes), LIMIT(disk_bytes), LIMIT(out_bytes), LIMIT(nofile),
#undef LIMIT
};

static int64_t *limit_at(const struct run_limits *l, size_t i)
{
	return (int64_t *)((char *)l + limits[i].offset);
}

static json_t *strings_json(const struct strvec *v)
{
	json_t *a = json_array();

	for (size_t i = 0; i < v->n; i++)
		json_array_append_new(a, json_utf8(v->v[i], strlen(v->v[i])));
	return a;
}

static void strings_parse(const json_t *a, struct strvec *ret)
{
	size_t i;
	json_t *v;

	json_array_foreach (a, i, v)
		if (json_is_string(v))
			strvec_push(ret, json_string_value(v));
}

json_t *runs_spec_json(const struct run_spec *s)
{
	json_t *o = json_object(), *l = json_object(), *binds = json_array();

	json_put_str(o, "id", s->id);
	json_put(o, "argv", strings_json(&s->argv));
	json_put_str(o, "workdir", s->workdir);
	json_put_str(o, "gitdir", s->gitdir);
	json_put_str(o, "objects", s->objects);
	json_put_str(o, "modules", s->modules);
	json_put(o, "input", s->input ? json_utf8(s->input, s->input_len) : json_null());
	json_put(o, "env", strings_json(&s->env));
	json_put(o, "env_pass", strings_json(&s->env_pass));
	json_put_bool(o, "network_host", s->network == RUN_NET_HOST);
	for (size_t i = 0; i < s->nbinds; i++) {
		json_t *b = json_object();

		json_put_str(b, "from", s->binds[i].from);
		json_put_str(b, "to", s->binds[i].to);
		json_put_bool(b, "writable", s->binds[i].writable);
		json_array_append_new(binds, b);
	}
	json_put(o, "binds", binds);
	for (size_t i = 0; i < ARRAY_LEN(limits); i++)
		json_put_int(l, limits[i].name, *limit_at(&s->limits, i));
	json_put(o, "limits", l);
	return o;
}

static void binds_parse(const json_t *a, struct run_spec *ret)
{
	size_t i;
	json_t *b;

	ret->binds = xcalloc(json_array_size(a), sizeof(*ret->binds));
	json_array_foreach (a, i, b) {
		ret->binds[ret->nbinds++] = (struct run_bind){
			.from = xstrdup(json_str(b, "from", "")),
			.to = xstrdup(json_str(b, "to", "")),
			.writable = json_flag(b, "writable"),
		};
	}
}

int runs_spec_parse(const json_t *j, struct run_spec *ret, struct err *err)
{
	const json_t *l = json_object_get(j, "limits");
	const char *id, *workdir, *input = json_str(j, "input", NULL);

	if (json_get_str(j, "id", &id, err) < 0 || json_get_str(j, "workdir", &workdir, err) < 0)
		return err_wrap(err, "run specification");
	run_spec_init(ret);
	ret->id = xstrdup(id);
	ret->workdir = xstrdup(workdir);
	ret->gitdir = xstrdup(json_str(j, "gitdir", NULL));
	ret->objects = xstrdup(json_str(j, "objects", NULL));
	ret->modules = xstrdup(json_str(j, "modules", NULL));
	ret->input = xstrdup(input);
	ret->input_len = input ? strlen(input) : 0;
	ret->network = json_flag(j, "network_host") ? RUN_NET_HOST : RUN_NET_NONE;
	strings_parse(json_object_get(j, "argv"), &ret->argv);
	strings_parse(json_object_get(j, "env"), &ret->env);
	strings_parse(json_object_get(j, "env_pass"), &ret->env_pass);
	binds_parse(json_object_get(j, "binds"), ret);
	for (size_t i = 0; i < ARRAY_LEN(limits); i++)
		*limit_at(&ret->limits, i) = json_int(l, limits[i].name, 0);
	return 0;
}
