/*
 * glob_part.h - a pattern taken apart: for glob.c and glob_overlap.c, which so agree on its meaning.
 */
#ifndef YM_BASE_GLOB_PART_H
#define YM_BASE_GLOB_PART_H

#include <stdbool.h>

enum glob_kind {
	GLOB_BYTE,  /* itself; also a '[' that nothing closes */
	GLOB_ANY,   /* ? */
	GLOB_CLASS, /* [a-c] */
	GLOB_STAR,  /* a run of '*' within a component */
};

struct glob_part {
	enum glob_kind kind;
	const char *at;
	const char *next; /* behind it */
};

/* The part at p, which is before end, within one component. */
struct glob_part glob_part_at(const char *p, const char *end);
/* Does it match this byte, which is not '/'? Not for GLOB_STAR. */
bool glob_part_takes(const struct glob_part *part, unsigned char c);

struct glob_component {
	const char *p, *end;
	const char *next; /* the component behind the '/', or NULL when none follows */
	bool deep;        /* it is "**" */
	bool below;       /* the pattern ends with the '/' behind it */
};

struct glob_component glob_component_at(const char *p);

#endif
