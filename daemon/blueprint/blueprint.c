/* blueprint.c - the life of a blueprint, and the ones that are part of the program. */
#include "blueprint/blueprint.h"

#include "base/embed.h"
#include "base/mem.h"
#include "base/text.h"

#define SHIPPED_DIR "blueprints/"
#define SUFFIX      ".yml"

static void step_release(struct bp_step *s)
{
	strvec_release(&s->commands);
	free(s->prompt_file);
	free(s->prompt);
	free(s->agent);
	strvec_release(&s->gates);
	strvec_release(&s->reviewers);
}

void blueprint_release(struct blueprint *bp)
{
	if (!bp)
		return;
	for (size_t i = 0; i < bp->nsteps; i++)
		step_release(&bp->steps[i]);
	free(bp->steps);
	free(bp->file);
	free(bp->name);
	free(bp->description);
	free(bp->label);
	free(bp->agent);
	free(bp->failure_label);
	free(bp->prompt_preamble);
	strvec_release(&bp->allow);
	strvec_release(&bp->protect_except);
	strvec_release(&bp->setup);
	strvec_release(&bp->setup_key);
	*bp = (struct blueprint){0};
}

/* "blueprints/NAME.yml" gives a copy of NAME; anything else NULL. */
static char *shipped_name(const char *path)
{
	size_t n = strlen(path), dir = strlen(SHIPPED_DIR), suffix = strlen(SUFFIX);

	if (n <= dir + suffix || strncmp(path, SHIPPED_DIR, dir) ||
	    strcmp(path + n - suffix, SUFFIX) || strchr(path + dir, '/'))
		return NULL;
	return xstrndup(path + dir, n - dir - suffix);
}

void blueprint_shipped_names(struct strvec *ret)
{
	for (const struct embed_file *f = embed_files; f->path; f++) {
		char *name = shipped_name(f->path);

		if (name)
			strvec_push_take(ret, name);
	}
}

static int read_shipped(void *arg, const char *path, struct buf *ret, struct err *err)
{
	autofree char *full = xasprintf(SHIPPED_DIR "%s", path);
	const struct embed_file *f = embed_find(full);

	(void)arg;
	if (!f)
		return err_set(err, ERR_NOT_FOUND, "no such file in the program");
	buf_add(ret, f->data, f->size);
	return 0;
}

static int no_such(const char *name, struct err *err)
{
	cleanup(strvec_release) struct strvec names = STRVEC_INIT;
	autofree char *all = NULL;
	const char *near;

	blueprint_shipped_names(&names);
	all = strvec_join(&names, ", ");
	near = names.n ? text_nearest(name, (const char *const *)names.v) : NULL;
	return err_set(err, ERR_NOT_FOUND,
		       "blueprint '%.80s': found none of that name%s%s%s; allowed: %s", name,
		       near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "", all);
}

int blueprint_shipped(const char *name, struct blueprint *ret, struct err *err)
{
	autofree char *path = xasprintf(SHIPPED_DIR "%s" SUFFIX, name);
	autofree char *file = xasprintf("shipped:%s", name);
	const struct embed_file *f = strchr(name, '/') ? NULL : embed_find(path);

	if (!f)
		return no_such(name, err);
	return blueprint_load(file, f->data, f->size, read_shipped, NULL, ret, err);
}
