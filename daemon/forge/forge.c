/* forge.c - see forge.h */
#include "forge/forge.h"

#include "base/mem.h"

static const struct forge_ops *const backends[] = {&forge_local, &forge_github};
static const char *const levels[] = {"none", "read", "write", "maintain"};

const struct forge_ops *forge_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(backends); i++)
		if (!strcmp(backends[i]->name, name))
			return backends[i];
	return NULL;
}

const char *forge_level_name(enum forge_level l)
{
	return levels[l];
}

int forge_level_parse(const char *name, enum forge_level *ret, struct err *err)
{
	for (size_t i = FORGE_NONE; i < ARRAY_LEN(levels); i++) {
		if (strcmp(levels[i], name) != 0)
			continue;
		*ret = (enum forge_level)i;
		return 0;
	}
	return err_set(err, ERR_INPUT,
		       "permission '%s': unknown; allowed: none, read, write, maintain", name);
}

void forge_rules_release(struct forge_rules *r)
{
	if (!r)
		return;
	strvec_release(&r->no_methods);
	free(r->held);
	free(r->unknown);
	free(r->unread);
	*r = (struct forge_rules){0};
}

json_t *forge_changed_paths(const json_t *answer)
{
	static const char *const keys[] = {"path", "from"};
	json_t *list = json_array(), *file;
	size_t i;

	json_array_foreach (json_object_get(answer, "files"), i, file) {
		for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
			const char *path = json_str(file, keys[k], NULL);

			if (path)
				json_array_append_new(list, json_string(path));
		}
	}
	return list;
}
