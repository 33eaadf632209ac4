/*
 * textmerge.h - the three-way merge of one file's lines, as git's merge-ort has it.
 *
 * Git compares the ancestor with each side by the histogram algorithm, moves each group of changed
 * lines as far down as it can slide (or to where the other file's group ends), and takes two changes
 * that touch or adjoin as a conflict unless they are the same. Which lines are paired decides what a
 * merge makes of them, so nothing here may be "as good": the same pairing is computed, and where git
 * itself falls back to another algorithm (a stretch whose common lines all occur more than 64 times)
 * the answer is "unsure".
 *
 * Everything takes time in proportion to lines times changes; inputs over GR_TEXT_MAX are "unsure".
 * What git calls binary (a NUL within the first 8000 bytes of one of them) is a conflict without lines.
 */
#ifndef YM_GIT_TEXTMERGE_H
#define YM_GIT_TEXTMERGE_H

#include "base/buf.h"

#include <stddef.h>

#define GR_TEXT_MAX ((size_t)4 << 20) /* bytes of one of the three */

enum gr_text { GR_TEXT_CLEAN, GR_TEXT_CONFLICT, GR_TEXT_BINARY, GR_TEXT_UNSURE };

struct gr_range {
	size_t first, last; /* lines of "ours", from 1 */
};

struct gr_ranges {
	struct gr_range *v; /* owned */
	size_t n;
};

void gr_ranges_release(struct gr_ranges *r);

/* The three differ from each other. CLEAN fills *ret (an initialised buffer, large enough for both sides), CONFLICT fills *ret_where;
 * either may be NULL. */
enum gr_text gr_text_merge(const struct buf *ancestor, const struct buf *ours,
			   const struct buf *theirs, struct buf *ret, struct gr_ranges *ret_where);

#endif
