/* source.c - see source.h */
#include "bot/source.h"

#include "base/embed.h"
#include "base/mem.h"

#define SHIPPED_FOLDER "blueprints/"

const char *const source_paths[] = {
	CONF_REPO_PATH, ".github/blueprints", ".github/CODEOWNERS", /* codeowners.h */
	"CODEOWNERS",   "docs/CODEOWNERS",    NULL};

/* A source is {"file":NAME, "text":YAML, "files":{path: text}}; paths as the blueprint writes them. */
static int read_part(void *arg, const char *path, struct buf *ret, struct err *err)
{
	const char *text = json_str(json_object_get(arg, "files"), path, NULL);

	if (!text)
		return err_set(err, ERR_NOT_FOUND,
			       "%s: names the file '%s', which is not there; expected it beside "
			       "the blueprint",
			       json_str(arg, "file", "blueprint"), path);
	buf_adds(ret, text);
	return 0;
}

static int load(json_t *source, struct blueprint *ret, struct err *err)
{
	const char *text = json_str(source, "text", "");

	return blueprint_load(json_str(source, "file", ""), text, strlen(text), read_part, source,
			      ret, err);
}

int source_load(const char *source, struct blueprint *ret, struct err *err)
{
	autojson json_t *j = NULL;

	if (json_parse(source, strlen(source), SIZE_MAX, &j, err) < 0)
		return err_wrap(err, "blueprint");
	return load(j, ret, err);
}

static bool is_yaml(const char *path)
{
	size_t n = strlen(path);

	return (n > 4 && !strcmp(path + n - 4, ".yml")) ||
	       (n > 5 && !strcmp(path + n - 5, ".yaml"));
}

static json_t *new_source(const char *file, const char *text)
{
	json_t *s = json_object();

	json_put_str(s, "file", file);
	json_put_str(s, "text", text);
	json_put(s, "files", json_object());
	return s;
}

/* A repository's blueprint with everything below its folder that it may name. */
static json_t *own_source(const json_t *files, const char *file)
{
	json_t *s = new_source(file, json_str(files, file, ""));
	const size_t skip = strlen(SOURCE_FOLDER);
	const char *path;
	json_t *v;

	json_object_foreach ((json_t *)files, path, v) {
		if (!strncmp(path, SOURCE_FOLDER, skip) && !is_yaml(path))
			json_put(json_object_get(s, "files"), path + skip, json_incref(v));
	}
	return s;
}

static json_t *shipped_source(const struct embed_file *f)
{
	autofree char *name = xasprintf("shipped:%s", f->path + strlen(SHIPPED_FOLDER));
	json_t *s = new_source(name, f->data);

	for (const struct embed_file *p = embed_files; p->path; p++)
		if (!strncmp(p->path, SHIPPED_FOLDER "prompts/", strlen(SHIPPED_FOLDER "prompts/")))
			json_put_str(json_object_get(s, "files"), p->path + strlen(SHIPPED_FOLDER),
				     p->data);
	return s;
}

/* Calls for each source: the repository's first; a shipped one of the same name is hidden. */
typedef int (*each_fn)(void *arg, json_t *source, const struct blueprint *bp,
		       const struct err *why);

static int visit(json_t *source, const struct conf_repo *conf, each_fn fn, void *arg,
		 struct strvec *seen, bool shipped)
{
	cleanup(blueprint_release) struct blueprint bp = {0};
	cleanup(err_release) struct err why = ERR_INIT;
	int rc = load(source, &bp, &why);

	if (rc == 0) {
		if (shipped &&
		    (strvec_has(seen, bp.name) || !conf_repo_shipped_allowed(conf, bp.name)))
			return 0;
		strvec_push(seen, bp.name);
		conf_repo_apply(conf, &bp);
	}
	return fn(arg, source, rc == 0 ? &bp : NULL, &why);
}

static int each(const json_t *files, const struct conf_repo *conf, each_fn fn, void *arg)
{
	cleanup(strvec_release) struct strvec seen = STRVEC_INIT;
	const char *path;
	json_t *v;

	json_object_foreach ((json_t *)files, path, v) {
		autojson json_t *s = NULL;
		int rc;

		if (strncmp(path, SOURCE_FOLDER, strlen(SOURCE_FOLDER)) != 0 || !is_yaml(path))
			continue;
		s = own_source(files, path);
		rc = visit(s, conf, fn, arg, &seen, false);
		if (rc)
			return rc;
	}
	for (const struct embed_file *f = embed_files; f->path; f++) {
		autojson json_t *s = NULL;
		int rc;

		if (strncmp(f->path, SHIPPED_FOLDER, strlen(SHIPPED_FOLDER)) != 0 ||
		    !is_yaml(f->path))
			continue;
		s = shipped_source(f);
		rc = visit(s, conf, fn, arg, &seen, true);
		if (rc)
			return rc;
	}
	return 0;
}

struct search {
	const char *label, *name;
	char *source;
	struct strvec *known;
	struct err *err;
};

/* Is this broken file the one that is meant? Its name is all there is to go by. */
static bool file_is(const json_t *source, const char *name)
{
	const char *file = json_str(source, "file", ""), *base = strrchr(file, '/');
	size_t n = strlen(name);

	base = base ? base + 1 : file;
	return !strncmp(base, name, n) && base[n] == '.';
}

static int search_one(void *arg, json_t *source, const struct blueprint *bp, const struct err *why)
{
	struct search *s = arg;

	if (!bp) {
		if (s->name && file_is(source, s->name))
			return err_set(s->err, why->code, "%s", err_text(why));
		return 0;
	}
	strvec_push(s->known, s->label ? bp->label : bp->name);
	if (strcmp(s->label ? bp->label : bp->name, s->label ? s->label : s->name) != 0)
		return 0;
	s->source = json_text(source);
	return 1;
}

static int find(const struct repo *r, const struct conf_repo *conf, struct search *s,
		char **ret_source)
{
	autojson json_t *files = NULL;
	int rc;

	if (r->config && json_parse(r->config, strlen(r->config), SIZE_MAX, &files, s->err) < 0)
		return -1;
	rc = each(files, conf, search_one, s);
	if (rc > 0)
		*ret_source = s->source;
	return rc;
}

int source_of_label(const struct repo *r, const struct conf_repo *conf, const char *label,
		    char **ret_source, struct strvec *ret_known, struct err *err)
{
	size_t n = strlen(conf->label_prefix);
	struct search s = {.label = label, .known = ret_known, .err = err};
	struct search broken = {.known = ret_known, .err = err};
	int rc = find(r, conf, &s, ret_source);

	if (rc || strncmp(label, conf->label_prefix, n) != 0)
		return rc;
	/* Nobody has this label: is it a blueprint whose file does not load? */
	broken.name = label + n;
	strvec_release(ret_known);
	rc = find(r, conf, &broken, ret_source);
	if (rc > 0) {
		free(*ret_source); /* of that name, but with another label */
		*ret_source = NULL;
		rc = 0;
	}
	for (size_t i = 0; i < ret_known->n; i++) {
		char *full = xasprintf("%s%s", conf->label_prefix, ret_known->v[i]);

		free(ret_known->v[i]);
		ret_known->v[i] = full;
	}
	return rc;
}

int source_of_name(const struct repo *r, const struct conf_repo *conf, const char *name,
		   char **ret_source, struct strvec *ret_known, struct err *err)
{
	struct search s = {.name = name, .known = ret_known, .err = err};

	return find(r, conf, &s, ret_source);
}

static int check_one(void *arg, json_t *source, const struct blueprint *bp, const struct err *why)
{
	(void)source;
	return bp ? 0 : err_set(arg, why->code, "%s", err_text(why));
}

int source_check(const json_t *files, bool local, struct err *err)
{
	cleanup(conf_repo_release) struct conf_repo conf;
	const char *text = json_str(files, CONF_REPO_PATH, NULL);

	if (!text)
		conf_repo_default(&conf);
	else if (conf_repo_load(CONF_REPO_PATH, text, strlen(text), &conf, err) < 0) {
		conf_repo_default(&conf);
		return -1;
	}
	if (local && conf.queue.forge_key)
		return err_set(err, ERR_INPUT,
			       "%s: key 'queue.%s': found in a repository on this machine; only a "
			       "forge such as GitHub can obey it; remove the key here",
			       CONF_REPO_PATH, conf.queue.forge_key);
	return each(files, &conf, check_one, err);
}

static int list_one(void *arg, json_t *source, const struct blueprint *bp, const struct err *why)
{
	json_t *o = json_object();

	json_put_str(o, "file", json_str(source, "file", ""));
	json_put_str(o, "name", bp ? bp->name : "");
	json_put_str(o, "label", bp ? bp->label : "");
	json_put_str(o, "description", bp && bp->description ? bp->description : "");
	json_put_int(o, "steps", bp ? (int64_t)bp->nsteps : 0);
	json_put_str(o, "error", bp ? NULL : err_text(why));
	json_array_append_new(arg, o);
	return 0;
}

json_t *source_list(const struct repo *r, const struct conf_repo *conf)
{
	autojson json_t *files = NULL;
	json_t *rows = json_array();

	if (!r->config || json_parse(r->config, strlen(r->config), SIZE_MAX, &files, NULL) == 0)
		each(files, conf, list_one, rows);
	return rows;
}
