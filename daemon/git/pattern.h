/*
 * pattern.h - a pattern of .gitattributes, compiled; matches what Git's own matcher matches.
 *
 * The rules are those of gitignore(5) as gitattributes(5) takes them over: without a '/' the pattern is for the last
 * component, else for the whole path below the file's folder; '*', '?', '[...]' with ranges and POSIX classes, '**' between
 * slashes, '\' quotes. A pattern that ends in '/' is for folders, and so for no file (gr_pattern_init: false).
 *
 * Whoever wrote it may be hostile: matching takes at most pattern times path steps (all positions of the pattern are
 * followed at once), never Git's own exponential time.
 *
 * One difference is known: Git before 2.52 reads the '**' of "a**b/c" as folders when nothing in front of it is a
 * wildcard (dir.c: match_pathname). `doubtful` marks such a pattern; here it is read as Git does today.
 */
#ifndef YM_GIT_PATTERN_H
#define YM_GIT_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#define GR_PATTERN_MAX 2048 /* bytes; Git leaves out longer lines */

struct gr_pattern_step;

struct gr_pattern {
	struct gr_pattern_step *step;
	size_t n;
	char *literal; /* no wildcard in it: compared as it is */
	bool base;     /* for the last component */
	bool doubtful;
};

/* false: it can match no file. */
bool gr_pattern_init(struct gr_pattern *p, const char *s, size_t n);
void gr_pattern_release(struct gr_pattern *p);
/* `path` is relative to the folder of the file with the pattern. */
bool gr_pattern_matches(const struct gr_pattern *p, const char *path);

#endif
