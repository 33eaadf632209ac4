/* blueprint_check.c - `yardmaster blueprint check FILE`. */
#include "cli/local.h"

#include "base/mem.h"
#include "blueprint/blueprint.h"
#include "sys/fs.h"

#define BLUEPRINT_MAX ((size_t)256 << 10) /* bytes of a blueprint or a prompt (base/yaml.h) */

/* Prompts are named relative to the blueprint; `arg` is its folder. */
static int read_beside(void *arg, const char *path, struct buf *ret, struct err *err)
{
	autofree char *full = path_join(arg, path);

	return fs_read(full, BLUEPRINT_MAX, ret, err);
}

static char *folder_of(const char *file)
{
	const char *slash = strrchr(file, '/');

	return !slash          ? xstrdup(".")
	       : slash == file ? xstrdup("/")
			       : xstrndup(file, (size_t)(slash - file));
}

int cli_blueprint_check(struct cli_call *call, json_t *ret, struct err *err)
{
	const char *file = json_str(call->args, "file", "");
	cleanup(buf_release) struct buf text = BUF_INIT_MAX(BLUEPRINT_MAX + 1);
	cleanup(blueprint_release) struct blueprint bp = {0};
	autofree char *folder = folder_of(file), *json = NULL, *told = NULL;
	autojson json_t *item = NULL;

	if (fs_read(file, BLUEPRINT_MAX, &text, err) < 0)
		return -1;
	if (blueprint_load(file, text.s, text.len, read_beside, folder, &bp, err) < 0) {
		call->exit = CLI_EXIT_CONFIG;
		return -1;
	}
	told = blueprint_describe(&bp);
	json_put_str(ret, "text", told);
	json = blueprint_json(&bp);
	if (json_parse(json, strlen(json), BLUEPRINT_MAX * 16, &item, err) < 0)
		return err_wrap(err, "blueprint check: %s", file);
	json_put(ret, "item", steal(&item));
	return CLI_EXIT_OK;
}
