/*
 * linediff.h - which lines differ between two files, paired exactly as git's histogram diff does.
 *
 * Lines are numbers here (equal lines, equal numbers), made by gr_lines_split() from all the files
 * that are compared with each other.
 */
#ifndef YM_GIT_LINEDIFF_H
#define YM_GIT_LINEDIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gr_lines {
	const char *s; /* the file; not owned */
	size_t *at;    /* at[i] is where line i begins; at[n] the end */
	uint32_t *id;
	size_t n;
};

/* The table that gives equal lines the same number. */
struct gr_line_ids {
	struct gr_line_slot *slots;
	size_t nslots; /* a power of two */
	uint32_t n;    /* numbers given so far: 0 … n-1 */
};

/* One stretch: a[i1, i1+n1) became b[i2, i2+n2). */
struct gr_hunk {
	size_t i1, n1, i2, n2;
};

struct gr_hunks {
	struct gr_hunk *v; /* owned, in order */
	size_t n;
};

void gr_lines_split(struct gr_line_ids *ids, const char *s, size_t n, struct gr_lines *ret);
void gr_lines_release(struct gr_lines *l);
void gr_line_ids_release(struct gr_line_ids *ids);

/* false: git would fall back to its classic algorithm; *ret is empty then. */
bool gr_line_diff(const struct gr_lines *a, const struct gr_lines *b, uint32_t nids,
		  struct gr_hunks *ret);
void gr_hunks_release(struct gr_hunks *h);

#endif
