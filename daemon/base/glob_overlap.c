/*
 * glob_overlap.c - glob_overlap() of glob.h: is there a path that two patterns match?
 *
 * The classic question whether two regular languages meet, asked twice: of two components, whose
 * letters are sets of bytes, and of two lists of components, whose letters are components. Both
 * times `*` (or "**") stands for any run of letters, and the same small table answers it.
 */
#include "base/glob.h"
#include "base/glob_part.h"
#include "base/mem.h"

#include <stdint.h>

struct letter {
	bool run;          /* a star: any number of any letters */
	uint64_t bytes[4]; /* else those it takes */
};

struct word {
	struct letter *v;
	size_t n;
};

struct component {
	bool run; /* "**" */
	struct word word;
};

struct list {
	struct component *v;
	size_t n;
};

static void list_release(struct list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].word.v);
	free(l->v);
}

static struct letter letter_of(const struct glob_part *part)
{
	struct letter l = {.run = part->kind == GLOB_STAR};

	for (unsigned c = 1; c < 256 && !l.run; c++)
		if (c != '/' && glob_part_takes(part, (unsigned char)c))
			l.bytes[c / 64] |= UINT64_C(1) << (c % 64);
	return l;
}

static struct word word_of(const char *p, const char *end)
{
	struct word w = {.v = xcalloc((size_t)(end - p), sizeof(*w.v))};

	while (p < end) {
		struct glob_part part = glob_part_at(p, end);

		w.v[w.n++] = letter_of(&part);
		p = part.next;
	}
	return w;
}

static void list_add(struct list *l, bool run, const char *p, const char *end)
{
	l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
	l->v[l->n++] = (struct component){.run = run};
	if (!run)
		l->v[l->n - 1].word = word_of(p, end);
}

/* At the end, "**" and '/' mean at least one component: a "**" that may be nothing, then a '*'. */
static void list_init(struct list *l, const char *pattern)
{
	static const char one[] = "*";
	const char *p = pattern;
	bool at_end = false;

	while (p && *p) {
		struct glob_component c = glob_component_at(p);

		list_add(l, c.deep, c.p, c.end);
		at_end = c.below || (c.deep && !c.next);
		if (c.below && !c.deep)
			list_add(l, true, NULL, NULL);
		p = c.next;
	}
	if (at_end)
		list_add(l, false, one, one + 1);
}

struct pair {
	const void *a, *b;
	size_t na, nb;
	bool (*run)(const void *v, size_t i);
	bool (*meet)(const void *a, size_t i, const void *b, size_t j);
};

/*
 * below[j] says whether a from letter i+1 and b from j have a word in common, row[j] the same from
 * letter i. A run ends here (one step in its own word) or takes the other's next letter.
 */
static bool words_meet(const struct pair *p)
{
	autofree bool *below = xcalloc(p->nb + 1, sizeof(bool));
	autofree bool *row = xcalloc(p->nb + 1, sizeof(bool));

	for (size_t i = p->na + 1; i-- > 0;) {
		bool *other = below;

		for (size_t j = p->nb + 1; j-- > 0;) {
			bool a_left = i < p->na, b_left = j < p->nb;

			if (!a_left && !b_left)
				row[j] = true;
			else if (a_left && p->run(p->a, i))
				row[j] = below[j] || (b_left && row[j + 1]);
			else if (b_left && p->run(p->b, j))
				row[j] = row[j + 1] || (a_left && below[j]);
			else
				row[j] = a_left && b_left && below[j + 1] &&
					 p->meet(p->a, i, p->b, j);
		}
		below = row;
		row = other;
	}
	return below[0];
}

static bool letter_run(const void *v, size_t i)
{
	return ((const struct letter *)v)[i].run;
}

static bool letters_meet(const void *a, size_t i, const void *b, size_t j)
{
	const struct letter *x = (const struct letter *)a + i, *y = (const struct letter *)b + j;

	for (size_t k = 0; k < ARRAY_LEN(x->bytes); k++)
		if (x->bytes[k] & y->bytes[k])
			return true;
	return false;
}

static bool component_run(const void *v, size_t i)
{
	return ((const struct component *)v)[i].run;
}

static bool components_meet(const void *a, size_t i, const void *b, size_t j)
{
	const struct word *x = &((const struct component *)a)[i].word;
	const struct word *y = &((const struct component *)b)[j].word;
	struct pair p = {x->v, y->v, x->n, y->n, letter_run, letters_meet};

	return words_meet(&p);
}

bool glob_overlap(const char *a, const char *b)
{
	cleanup(list_release) struct list la = {0};
	cleanup(list_release) struct list lb = {0};
	struct pair p;

	list_init(&la, a);
	list_init(&lb, b);
	p = (struct pair){la.v, lb.v, la.n, lb.n, component_run, components_meet};
	return words_meet(&p);
}
