/* land.c - see land.h */
#include "git/land.h"

#include "git/complete.h"
#include "git/history.h"
#include "git/notetree.h"
#include "git/sign.h"
#include "git/tree.h"

#include "base/fault.h"

struct keep {
	char *ref;
	git_oid oid;
};

struct landing {
	struct gr *g;
	struct gr_repo *r;
	char *named;  /* full name of the branch that was asked for */
	char *branch; /* the one that is moved: another one when that is symbolic */
	git_oid old_oid, new_oid;
	char *notes;   /* the notes' reference, followed as well */
	char *receipt; /* JSON text */
	struct keep *keep;
	size_t nkeep;
	git_signature *who;
};

static void landing_release(struct landing *l)
{
	if (l->r)
		gr_mem_drop(l->r);
	for (size_t i = 0; i < l->nkeep; i++)
		free(l->keep[i].ref);
	free(l->keep);
	free(l->named);
	free(l->branch);
	free(l->notes);
	free(l->receipt);
	git_signature_free(l->who);
}

static int get_keep(const json_t *req, struct landing *l, struct err *err)
{
	const json_t *list = json_object_get(req, "keep");
	json_t *item;
	size_t i;

	if (json_array_size(list) > GR_KEEP_MAX)
		return err_set(err, ERR_LIMIT, "key 'keep': more than %d references", GR_KEEP_MAX);
	l->keep = xcalloc(json_array_size(list) + 1, sizeof(*l->keep));
	json_array_foreach (list, i, item) {
		const char *ref;

		if (gr_get_ref(item, "ref", &ref, err) < 0 ||
		    gr_get_oid(item, "oid", &l->keep[i].oid, err) < 0)
			return err_wrap(err, "key 'keep[%zu]'", i);
		if (!git_odb_exists(l->r->odb, &l->keep[i].oid))
			return err_set(err, ERR_NOT_FOUND, "key 'keep[%zu]': no object %s in %s", i,
				       git_oid_tostr_s(&l->keep[i].oid), l->r->path);
		l->keep[l->nkeep++].ref = xstrdup(ref);
	}
	return 0;
}

static int decode(struct gr *g, const json_t *req, struct landing *l, struct err *err)
{
	auto_git(git_commit) *new = NULL;
	json_t *receipt;
	int rc;

	l->g = g;
	if (gr_get_repo(g, req, &l->r, err) < 0 ||
	    gr_get_branch(req, "branch", &l->named, err) < 0 ||
	    gr_ref_follow(l->r, l->named, "refs/heads/", &l->branch, err) < 0 ||
	    gr_ref_follow(l->r, GR_NOTES_REF, "refs/notes/", &l->notes, err) < 0 ||
	    gr_get_oid(req, "old", &l->old_oid, err) < 0 ||
	    gr_get_oid(req, "new", &l->new_oid, err) < 0 ||
	    gr_commit_of(l->r, &l->new_oid, &new, err) < 0 ||
	    json_get_object(req, "receipt", &receipt, err) < 0 || get_keep(req, l, err) < 0)
		return -1;
	l->receipt = json_dumps(receipt, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
	if (!l->receipt || strlen(l->receipt) > GR_RECEIPT_MAX)
		return err_set(err, ERR_LIMIT, "receipt over %zu bytes", GR_RECEIPT_MAX);
	rc = git_signature_new(&l->who, "yardmaster", "yardmaster@localhost", git_commit_time(new),
			       0);
	return rc < 0 ? gr_fail(err, rc, "sign the note") : 0;
}

/* The notes so far: 1 and their commit and tree, 0 none yet. */
static int notes_so_far(const struct landing *l, git_oid *ret, git_oid *ret_tree, struct err *err)
{
	cleanup(err_release) struct err why = ERR_INIT;
	git_oid at;
	int has = gr_ref_read(l->r, l->notes, &at, err);

	*ret = at;
	if (has <= 0)
		return has;
	if (gr_tree_of(l->r, &at, ret_tree, &why) == 0)
		return 1;
	return err_set(
		err, ERR_CORRUPT,
		"%s in %s names %s, which is not there, so that no receipt can be added: %s. "
		"Point it to a commit that is (`git -C %s update-ref %s COMMIT`, fetched from a "
		"clone "
		"or backup), or delete it (`update-ref -d`) and with it the receipts so far",
		l->notes, l->r->path, git_oid_tostr_s(&at), err_text(&why), l->r->path, l->notes);
}

/* 1 the note is there with this very text, 0 not. */
static int note_is(const struct landing *l, const git_oid *tree, struct err *err)
{
	cleanup(buf_release) struct buf text = BUF_INIT;
	int has = gr_note_text(l->r, tree, &l->new_oid, GR_RECEIPT_MAX, &text, err);

	return has <= 0 ? has : !strcmp(text.s, l->receipt);
}

/* A commit of notes with ours among them, in one pack; the reference is not moved here. 1 made, 0 it was there. */
static int note_commit(const struct landing *l, git_oid *ret, struct err *err)
{
	autofree char *message = xasprintf("Receipt of %s", git_oid_tostr_s(&l->new_oid));
	struct gr_note note = {.on = l->new_oid};
	struct gr_notes notes = {&note, 1, 1};
	git_oid parent, was;
	struct gr_commit c = {
		.author = l->who, .committer = l->who, .message = message, .parents = &parent};
	int has = notes_so_far(l, &parent, &was, err), is = 0;

	if (has > 0)
		is = note_is(l, &was, err);
	if (has < 0 || is != 0)
		return has < 0 || is < 0 ? -1 : 0;
	c.nparents = (size_t)has;
	if (gr_mem_put(l->r, GIT_OBJECT_BLOB, l->receipt, strlen(l->receipt), &note.blob, err) <
		    0 ||
	    gr_note_put(l->r, has ? &was : NULL, &notes, &c.tree, err) < 0 ||
	    gr_commit_put(l->r, &c, ret, err) < 0 || gr_mem_flush(l->r, err) < 0)
		return err_wrap(err, "write the receipt of %s", git_oid_tostr_s(&l->new_oid));
	return 1;
}

static int lock_ref(const struct landing *l, git_transaction *tx, const char *name, struct err *err)
{
	int rc;

	if (gr_lock_intend(l->r, name, NULL, err) < 0)
		return -1;
	rc = git_transaction_lock_ref(tx, name);
	if (rc == GIT_ELOCKED && gr_lock_is_old(l->r, name))
		rc = git_transaction_lock_ref(tx, name);
	if (rc == GIT_ELOCKED)
		return gr_lock_held(l->r, name, err);
	return rc < 0 ? gr_fail(err, rc, "lock %s in %s", name, l->r->path) : 0;
}

static int set_ref(const struct landing *l, git_transaction *tx, const char *name,
		   const git_oid *to, struct err *err)
{
	int rc;

	if (gr_lock_intend(l->r, name, to, err) < 0)
		return -1;
	rc = git_transaction_set_target(tx, name, to, l->who, "yardmaster: land");
	return rc < 0 ? gr_fail(err, rc, "set %s", name) : 0;
}

/* A kept reference is never lost: what another head has been kept under this name goes to NAME-OID. */
static int keep_old(const struct landing *l, git_transaction *tx, const char *name,
		    const git_oid *at, struct err *err)
{
	autofree char *aside = xasprintf("%s-%.12s", name, git_oid_tostr_s(at));
	git_oid found;
	int has;

	if (lock_ref(l, tx, aside, err) < 0)
		return -1;
	has = gr_ref_read(l->r, aside, &found, err);
	if (has != 0)
		return has < 0 ? -1 : 0;
	return gr_ref_room(l->r, aside, err) < 0 ? -1 : set_ref(l, tx, aside, at, err);
}

static int keep_one(const struct landing *l, git_transaction *tx, const struct keep *k,
		    struct err *err)
{
	git_oid at;
	int has;

	has = gr_ref_read(l->r, k->ref, &at, err);
	if (has < 0 || (!has && gr_ref_room(l->r, k->ref, err) < 0) ||
	    lock_ref(l, tx, k->ref, err) < 0)
		return -1;
	has = gr_ref_read(l->r, k->ref, &at, err); /* now that nobody else moves it */
	if (has < 0)
		return -1;
	if (has && git_oid_equal(&at, &k->oid))
		return 0;
	if (has && keep_old(l, tx, k->ref, &at, err) < 0)
		return -1;
	return set_ref(l, tx, k->ref, &k->oid, err);
}

/* Everything but the branch: what nobody acts on before the branch has moved. */
static int stage_rest(const struct landing *l, git_transaction *tx, struct err *err)
{
	git_oid note;
	int rc = gr_ref_read(l->r, l->notes, &note, err);

	if (rc < 0 || (rc == 0 && gr_ref_room(l->r, l->notes, err) < 0) ||
	    lock_ref(l, tx, l->notes, err) < 0)
		return -1;
	rc = note_commit(l, &note, err);
	if (rc < 0 || (rc > 0 && set_ref(l, tx, l->notes, &note, err) < 0))
		return -1;
	for (size_t i = 0; i < l->nkeep; i++) {
		/* The same reference twice is one lock; the last value counts. */
		for (size_t j = 0; j < i; j++)
			if (!strcmp(l->keep[j].ref, l->keep[i].ref))
				return err_set(err, ERR_INPUT, "key 'keep': %s is named twice",
					       l->keep[i].ref);
		if (keep_one(l, tx, &l->keep[i], err) < 0)
			return -1;
	}
	return 0;
}

static int commit_tx(const struct landing *l, git_transaction *tx, const char *what,
		     struct err *err)
{
	int rc = git_transaction_commit(tx);

	return rc < 0 ? gr_fail(err, rc, "land on %s in %s: %s", l->branch, l->r->path, what) : 0;
}

/* What the branch's value means for us; NULL: it is at old, go on. */
static int judge(const struct landing *l, git_oid *ret_found, bool *ret_has, const char **ret,
		 struct err *err)
{
	int has = gr_ref_read(l->r, l->branch, ret_found, err), in;

	*ret = NULL;
	if (has < 0)
		return -1;
	*ret_has = has;
	if (!has) {
		*ret = "moved";
		return 0;
	}
	in = gr_contains(l->r, &l->new_oid, ret_found, err);
	if (in < 0)
		return -1;
	if (in)
		*ret = "already";
	else if (!git_oid_equal(ret_found, &l->old_oid))
		*ret = "moved";
	return 0;
}

static int land_locked(const struct landing *l, git_oid *ret_found, bool *ret_has, const char **ret,
		       struct err *err)
{
	auto_git(git_transaction) *branch = NULL;
	auto_git(git_transaction) *rest = NULL;
	int rc = git_transaction_new(&rest, l->r->git);

	if (rc == 0)
		rc = git_transaction_new(&branch, l->r->git);
	if (rc < 0)
		return gr_fail(err, rc, "begin a transaction in %s", l->r->path);
	/* A symbolic one is held, so that it stands for the same branch until that has moved. */
	if ((strcmp(l->named, l->branch) && lock_ref(l, branch, l->named, err) < 0) ||
	    lock_ref(l, branch, l->branch, err) < 0 || judge(l, ret_found, ret_has, ret, err) < 0)
		return -1;
	if (*ret && strcmp(*ret, "already"))
		return 0;
	if (stage_rest(l, rest, err) < 0)
		return -1;
	fault_point("land", "locked");
	if (!*ret && set_ref(l, branch, l->branch, &l->new_oid, err) < 0)
		return -1;
	if (commit_tx(l, rest, "receipt and kept references", err) < 0)
		return -1;
	fault_point("land", "between");
	if (*ret)
		return 0;
	if (commit_tx(l, branch, "branch", err) < 0)
		return -1;
	fault_point("land", "moved");
	*ret = "landed";
	return 0;
}

int gr_op_land(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	cleanup(landing_release) struct landing l = {0};
	cleanup(gr_guard_release) struct gr_guard guard = GR_GUARD_NONE;
	const char *outcome = NULL;
	git_oid found;
	bool has = false;
	int rc;

	if (decode(g, req, &l, err) < 0)
		return -1;
	rc = gr_contains(l.r, &l.old_oid, &l.new_oid, err);
	if (rc < 0)
		return -1;
	if (!rc || git_oid_equal(&l.old_oid, &l.new_oid))
		return err_set(err, ERR_UNSAFE,
			       "land on %s: the new commit %s is no descendant of the old tip; "
			       "a branch is only ever moved forward",
			       l.branch, git_oid_tostr_s(&l.new_oid));
	if (gr_complete(l.r, &l.new_oid, &l.old_oid, err) < 0 ||
	    gr_ref_guard(l.r, &guard, err) < 0 || land_locked(&l, &found, &has, &outcome, err) < 0)
		return -1;
	json_put_str(ans, "outcome", outcome);
	gr_put_oid(ans, "found", has ? &found : NULL);
	return 0;
}
