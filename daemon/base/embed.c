/* embed.c - see embed.h */
#include "base/embed.h"

const struct embed_file *embed_find(const char *path)
{
	for (const struct embed_file *f = embed_files; f->path; f++)
		if (!strcmp(f->path, path))
			return f;
	return NULL;
}
