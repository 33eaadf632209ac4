/*
 * markdown.h - what somebody who reads a text on a forge sees as the writer's own words, line by line.
 *
 * Commands of a comment, `Depends-On:`, `Scope:` are taken from these lines and from nothing else: what stands
 * in a code block (fenced or indented), an HTML comment or a quote is none. GitHub renders by cmark-gfm, so
 * the same library reads here, and not a reader of our own: whether four spaces are code or the inside of a
 * list item, and where a comment ends, is settled by the block structure of CommonMark (spec.commonmark.org).
 *
 *   paragraphs and headings, also in list items, and the text of HTML blocks (<details>) are lines
 *   a line that only continues a quote (without a '>' of its own) is the writer's: a person began it anew
 *   markup is taken out: "**Depends-On:** [#1](…/pull/1)" is "Depends-On: #1"; code spans keep their backticks
 *   a link is its text where that names a number, and its address where they differ; a picture is nothing
 *   an unclosed "<!--" in the middle of a line is text, as on GitHub; at a line's start it hides the rest
 *
 * cmark's time is the depth of the nesting times the number of lines: 64 KiB of "- - - …" before empty lines
 * take 11 s, measured with 0.29.0.gfm.6. A text that could be so deep is not read (MARKDOWN_WORK_MAX, some
 * 50 ms); nobody writes one.
 */
#ifndef YM_BASE_MARKDOWN_H
#define YM_BASE_MARKDOWN_H

#include <stdbool.h>
#include <stddef.h>

struct markdown_line {
	int line;   /* of the source, from 1 */
	char *text; /* as it is seen, without the space at both ends */
	char *raw; /* as it was typed, behind what opens quotes and lists: with stars that are no emphasis */
};

struct markdown {
	struct markdown_line *v;
	size_t n;
};

#define MARKDOWN_WORK_MAX ((size_t)2 << 20)

/* false: nested too deeply to be read; nothing is in *ret. */
bool markdown_read(const char *text, size_t n, struct markdown *ret);
void markdown_release(struct markdown *m);

#endif
