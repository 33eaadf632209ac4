/*
 * embed.h - files that are part of the program: SQL migrations, shipped blueprints, prompts.
 *
 * The table is generated at build time from the list EMBED in GNUmakefile; paths are as in the
 * source tree ("blueprints/bugfix.yml"). Data is NUL-terminated; `size` does not count the NUL.
 */
#ifndef YM_BASE_EMBED_H
#define YM_BASE_EMBED_H

#include <stddef.h>

struct embed_file {
	const char *path;
	const char *data;
	size_t size;
};

extern const struct embed_file embed_files[]; /* ends with path NULL, sorted by path */

const struct embed_file *embed_find(const char *path); /* NULL when there is none */

#endif
