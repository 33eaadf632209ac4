/*
 * notetree.h - the tree of a notes reference, in folders as Git's own notes have them.
 *
 * A note on commit aabbcc… is the blob "aabbcc…" of the tree, or "aa/bbcc…", or "aa/bb/cc…" and so on (notes.c of
 * git.git: construct_path_with_fanout). Git reads each of them and writes the one that it likes: a folder is divided
 * once each of the 16 first digits in it is that of two notes or of a subfolder (determine_fanout), about from the
 * 70th note on. What is written here follows the same rule, folder by folder, so that neither undoes what the other
 * made, and a landing in a repository of many thousands writes some KB.
 *
 * libgit2 1.5 reads a folder of two digits as soon as there is one, and then no undivided note that belongs into it.
 * So a folder that is divided is divided whole; an undivided tree of before is with its next note. Of a note that
 * is there in both forms the deeper counts, as in libgit2. Entries that are no notes stay where they are.
 */
#ifndef YM_GIT_NOTETREE_H
#define YM_GIT_NOTETREE_H

#include "git/repo.h"

#define GR_NOTES_MAX ((size_t)1000000)

#define GR_NOTE_WEAK 255u

struct gr_note {
	git_oid on, blob;
	unsigned
		rank; /* of two on one commit the lower counts: 0 replaces, GR_NOTE_WEAK leaves what is there */
};

struct gr_notes {
	struct gr_note *v; /* owned */
	size_t n, cap;
};

void gr_notes_release(struct gr_notes *l);

/* 1: *ret is the note's text, 0: there is none. */
int gr_note_find(struct gr_repo *r, const git_oid *tree, const git_oid *on, git_oid *ret,
		 struct err *err);
/* The text of the note on a commit: 1 and *ret, 0 there is none. */
int gr_note_text(struct gr_repo *r, const git_oid *tree, const git_oid *on, size_t max,
		 struct buf *ret, struct err *err);
/* All of a tree, in order, as weak ones. */
int gr_note_list(struct gr_repo *r, const git_oid *tree, struct gr_notes *ret, struct err *err);
/* The tree (NULL: none yet) with those notes; sorts the list. New objects are in memory (repo.h). */
int gr_note_put(struct gr_repo *r, const git_oid *tree, struct gr_notes *l, git_oid *ret,
		struct err *err);

#endif
