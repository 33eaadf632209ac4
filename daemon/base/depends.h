/*
 * depends.h - "land this only after that": one grammar for the text of a PR, the messages of its commits, the
 * commit-msg hook and `/yard depends`.
 *
 * A line says so when it begins with one of the keys, in upper or lower case:
 *
 *   Depends-On: LIST   Blocked-By: LIST   Merge-After: LIST      '-', '_' or a space between the words
 *   Depends on #12     This PR depends on #12                    without a colon when a reference follows
 *
 * LIST is references with commas, "and", "&" or space between them, which may go on in the lines that follow when
 * it is empty or ends with a comma; or "none". Behind it may stand a remark: in parentheses or behind a dash.
 *
 *   #12  GH-12  12  PR #12         a PR of the same repository
 *   owner/repo#12  repo#12         of that one, by the name under which it is known here
 *   https://HOST/owner/repo/pull/12, owner/repo/pull/12          with whatever follows ("/files", "#issuecomment-1")
 *
 * These are what Zuul (zuul-ci.org, "Cross-Project Dependencies": `Depends-On:` and the change's address) and
 * Mergify (docs.mergify.com, "Built-in Merge Protections": #N, owner/repo#N, address) document, what the action
 * gregsdennis/dependencies-action takes ("depends on|blocked by", with or without a colon, also owner/repo/pull/N
 * and Markdown links), and what people write in the pull requests of nuttx, ceph and submariner (a list in
 * brackets, "?query" behind an address, several on a line). Whatever else follows a key is not understood and is
 * handed out as such: whoever lands things must not land this one. That holds for a Change-Id of Gerrit's and a
 * time behind Merge-After (Mergify), too.
 *
 * The text is read by markdown.h: code, comments, quotes say nothing; what is struck out ("~~") neither.
 */
#ifndef YM_BASE_DEPENDS_H
#define YM_BASE_DEPENDS_H

#include "base/strvec.h"

#include <stdint.h>

#define DEPENDS_MAX       50 /* of one text */
#define DEPENDS_PR_MAX    2147483647
#define DEPENDS_EXPECTED  "#12, owner/repo#12 or the address of a pull request"
#define DEPENDS_SHOWN_MAX 120 /* bytes of a line that was not understood */

struct depend {
	char *what; /* as it was written: "#12", "https://…/pull/12" */
	char *name; /* the repository's; NULL: the same one */
	int64_t number;
};

struct depends {
	struct depend *v;
	size_t n;
	struct strvec
		bad; /* what was not understood, each with what is wrong: "Depends-On: later: found 'later'; …" */
};

/* What a text of people says. *ret must be zero. */
void depends_read(const char *text, size_t n, struct depends *ret);
/* What the message of a commit says. Its first line is a subject: "depends-on: read it with care" is none. */
void depends_of_message(const char *message, struct depends *ret);
/* A list of references alone, as behind a key. */
void depends_list(const char *list, struct depends *ret);
void depends_release(struct depends *d);
/* One reference; false: it is none. */
bool depends_word(const char *word, struct depend *ret);
void depend_release(struct depend *d);
/* Adds one, unless it is there already; takes it. */
void depends_add(struct depends *d, struct depend one);
/* Does the line begin with one of the keys, whatever follows, and whatever markup stands before it? */
bool depends_begins(const char *line);
/* "12" or "owner/repo#12"; caller frees. */
char *depend_text(const struct depend *d);

#endif
