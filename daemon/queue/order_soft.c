/* order_soft.c - which entries change the same files, by one hash table over all paths. */
#include "base/mem.h"
#include "queue/order.h"

/* Looking further than this for a free place gives the file up: the order is soft, and nobody can
 * make it slow with chosen names. */
#define PROBES_MAX 16

struct place {
	const char *file; /* NULL: free */
	size_t last;      /* the last entry that changes it */
};

static size_t hash(const char *s)
{
	uint64_t h = 14695981039346656037u; /* FNV-1a */

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 1099511628211u;
	return (size_t)(h ^ (h >> 32));
}

static size_t files_of(const struct plan_entry *e)
{
	return e->nfiles < PLAN_FILES_MAX ? e->nfiles : PLAN_FILES_MAX;
}

/* The file's place, or a free one, or NULL. */
static struct place *find(struct place *table, size_t size, const char *file)
{
	size_t at = hash(file);

	for (size_t i = 0; i < PROBES_MAX; i++) {
		struct place *p = &table[(at + i) & (size - 1)];

		if (!p->file || !strcmp(p->file, file))
			return p;
	}
	return NULL;
}

void order_soft(const struct order *o, const size_t *by_age, size_t n,
		void (*add)(void *arg, size_t before, size_t after), void *arg)
{
	autofree struct place *table = NULL;
	size_t files = 0, size = 16;

	for (size_t i = 0; i < n; i++)
		files += files_of(o->entry[by_age[i]]);
	while (size < files * 2)
		size *= 2;
	table = xcalloc(size, sizeof(*table));
	for (size_t i = 0; i < n; i++) {
		const struct plan_entry *e = o->entry[by_age[i]];

		for (size_t k = 0; k < files_of(e); k++) {
			struct place *p = find(table, size, e->files[k]);

			if (!p)
				continue;
			if (p->file && p->last != by_age[i])
				add(arg, p->last, by_age[i]);
			p->file = e->files[k];
			p->last = by_age[i];
		}
	}
}
