/* test_git_notes.c - receipts in Git's own fan-out: Git, libgit2 and we read what each of them wrote. */
#include "git_fixture.h"

#include "git/land.h"
#include "git/notetree.h"
#include "git/sign.h"

static struct gr_repo *repo(struct fx *f)
{
	struct gr_repo *r;

	assert_int_equal(gr_repo_open(&f->g, f->repo, &r, NULL), 0);
	return r;
}

/* A name that no object needs to have; the same for the same number. */
static git_oid name(unsigned i)
{
	git_oid oid;

	git_odb_hash(&oid, &i, sizeof(i), GIT_OBJECT_BLOB);
	return oid;
}

static void add_note(struct gr_repo *r, struct gr_notes *l, unsigned i, const char *text)
{
	struct gr_note note = {.on = name(i)};

	assert_int_equal(gr_mem_put(r, GIT_OBJECT_BLOB, text, strlen(text), &note.blob, NULL), 0);
	l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
	l->v[l->n++] = note;
	l->cap = l->n;
}

static const char *text_of(unsigned i)
{
	static char text[16];

	snprintf(text, sizeof(text), "text %u", i % 64);
	return text;
}

static void add_notes(struct gr_repo *r, struct gr_notes *l, unsigned from, unsigned end)
{
	for (; from < end; from++)
		add_note(r, l, from, text_of(from));
}

static git_oid tree_of_ref(struct fx *f, const char *ref)
{
	autofree char *tree = xasprintf("%s^{tree}", ref);
	git_object *object;
	git_oid oid;

	assert_int_equal(git_revparse_single(&object, repo(f)->git, tree), 0);
	oid = *git_object_id(object);
	git_object_free(object);
	return oid;
}

/* Puts the list, `each` at a time, on what the reference has, and empties it. */
static void put(struct fx *f, struct gr_notes *l, size_t each)
{
	struct gr_repo *r = repo(f);
	git_oid tree, parent;
	git_signature *who;
	struct gr_commit c = {.message = "notes"};
	bool has = git_reference_name_to_id(&parent, r->git, GR_NOTES_REF) == 0;

	if (has) {
		tree = tree_of_ref(f, GR_NOTES_REF);
		c.parents = &parent;
		c.nparents = 1;
	}
	for (size_t i = 0; i < l->n; i += each) {
		struct gr_notes some = {l->v + i, l->n - i < each ? l->n - i : each, 0};

		assert_int_equal(gr_note_put(r, has || i ? &tree : NULL, &some, &tree, NULL), 0);
	}
	assert_int_equal(git_signature_new(&who, "Y", "y@e", 1700000000, 0), 0);
	c.author = c.committer = who;
	c.tree = tree;
	assert_int_equal(gr_commit_put(r, &c, &parent, NULL), 0);
	assert_int_equal(gr_mem_flush(r, NULL), 0);
	git_signature_free(who);
	fx_run(f, "git -C app.git update-ref " GR_NOTES_REF " %s; git -C app.git fsck",
	       git_oid_tostr_s(&parent));
	gr_notes_release(l);
}

static void reads(struct fx *f, unsigned i, const char *text)
{
	git_oid on = name(i), tree = tree_of_ref(f, GR_NOTES_REF);
	cleanup(buf_release) struct buf ours = BUF_INIT;
	struct gr_repo *r = repo(f);
	git_note *note;

	assert_int_equal(gr_note_text(r, &tree, &on, 100, &ours, NULL), 1);
	assert_string_equal(ours.s, text);
	assert_int_equal(git_note_read(&note, r->git, GR_NOTES_REF, &on), 0);
	assert_string_equal(git_note_message(note), text);
	git_note_free(note);
}

/* All of 0..n-1 are there for us, libgit2 and Git; the number is the whole. */
static void reads_all(struct fx *f, unsigned n)
{
	autofree char *count = fx_sh(f, "git -C app.git notes --ref yardmaster list | wc -l");
	git_oid last = name(n - 1), none = name(n + 1000000);
	autofree char *shown =
		fx_sh(f,
		      "cd app.git; git cat-file -p $(git notes --ref yardmaster list "
		      "| sed -n 's/ %s$//p')",
		      git_oid_tostr_s(&last));
	git_oid tree = tree_of_ref(f, GR_NOTES_REF);

	assert_int_equal(strtoul(count, NULL, 10), n);
	for (unsigned i = 0; i<n; i += n> 1000 ? 37 : 1)
		reads(f, i, text_of(i));
	assert_string_equal(shown, text_of(n - 1));
	assert_int_equal(gr_note_find(repo(f), &tree, &none, &last, NULL), 0);
}

static char *paths(struct fx *f)
{
	return fx_sh(f, "git -C app.git ls-tree -r --name-only " GR_NOTES_REF);
}

/* Git adds one, and takes it away again. */
#define BY_GIT                                                                                     \
	"cd app.git; export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@e GIT_COMMITTER_NAME=a "          \
	"GIT_COMMITTER_EMAIL=a@e; "

static void git_agrees(struct fx *f)
{
	autofree char *ours = paths(f), *git = NULL;

	fx_run(f, BY_GIT "git notes --ref yardmaster add -m x main");
	fx_run(f, BY_GIT "git notes --ref yardmaster remove main");
	git = paths(f);
	assert_string_equal(ours, git);
}

static char *levels(struct fx *f)
{
	return fx_sh(f, "git -C app.git ls-tree -r --name-only " GR_NOTES_REF
			" | tr -d a-f0-9 | sort -u | tail -1");
}

static void the_fan_out_is_gits_own(void **state)
{
	static const struct {
		unsigned n;
		size_t each; /* landings one by one, and a merge of many */
		const char *levels;
	} sizes[] = {{1, 1, ""}, {40, 1, ""}, {200, 1, "/"}, {400, 200, "/"}, {20000, 19600, "//"}};
	struct fx *f = *state;
	unsigned n = 0;

	free(fx_seed(f));
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct gr_notes l = {0};
		autofree char *found = NULL;

		add_notes(repo(f), &l, n, sizes[i].n);
		put(f, &l, sizes[i].each);
		n = sizes[i].n;
		found = levels(f);
		assert_string_equal(found, sizes[i].levels);
		git_agrees(f);
		reads_all(f, n);
	}
}

/* As libgit2 wrote it: one folder, however many there are, here beside two that are no notes. */
static void flat_entry(git_treebuilder *t, git_repository *git, const char *name, const char *text)
{
	git_oid blob;

	assert_int_equal(git_blob_create_from_buffer(&blob, git, text, strlen(text)), 0);
	assert_int_equal(git_treebuilder_insert(NULL, t, name, &blob, GIT_FILEMODE_BLOB), 0);
}

static void flat(struct fx *f, unsigned n)
{
	char folder[3] = "";
	git_oid on = name(0), tree, commit;
	git_repository *git;
	git_treebuilder *t;
	git_signature *who;
	git_tree *made;

	memcpy(folder, git_oid_tostr_s(&on), 2);
	assert_int_equal(git_repository_open(&git, f->repo), 0);
	assert_int_equal(git_treebuilder_new(&t, git, NULL), 0);
	flat_entry(t, git, "README", "x");
	flat_entry(t, git, folder, "y");
	for (unsigned i = 0; i < n; i++) {
		on = name(i);
		flat_entry(t, git, git_oid_tostr_s(&on), text_of(i));
	}
	assert_int_equal(git_treebuilder_write(&tree, t), 0);
	assert_int_equal(git_tree_lookup(&made, git, &tree), 0);
	assert_int_equal(git_signature_new(&who, "Y", "y@e", 1700000000, 0), 0);
	assert_int_equal(
		git_commit_create_v(&commit, git, GR_NOTES_REF, who, who, NULL, "flat", made, 0),
		0);
	git_signature_free(who);
	git_tree_free(made);
	git_treebuilder_free(t);
	git_repository_free(git);
}

static void a_flat_tree_of_before_is_divided_with_its_next_note(void **state)
{
	struct fx *f = *state;
	struct gr_notes l = {0};
	autofree char *found = NULL;

	free(fx_seed(f));
	flat(f, 150);
	reads_all(f, 150);
	add_notes(repo(f), &l, 150, 151);
	put(f, &l, 1);
	reads_all(f, 151);
	found = fx_sh(f, "git -C app.git ls-tree " GR_NOTES_REF " | sed 's/[0-9a-f]* *\\t/ /' | "
			 "cut -d' ' -f2,4 | grep -v 'tree [0-9a-f][0-9a-f]$'");
	/* What has a folder's name gives way to it; Git reads no note there either. */
	assert_string_equal(found, "blob README");
}

/* A folder of two digits beside undivided notes that belong into it: another tool's, which Git reads, too. */
static void a_mixed_tree_is_read_and_divided_whole(void **state)
{
	struct fx *f = *state;
	struct gr_notes l = {0};
	git_oid on = name(4), tree;
	cleanup(buf_release) struct buf text = BUF_INIT;

	free(fx_seed(f));
	flat(f, 9);
	fx_run(f,
	       "cd app.git; n=%s; t=$(printf '100644 blob %%s\\t%%s\\n' $(printf other | git "
	       "hash-object -w --stdin) 00000000000000000000000000000000000000 | git mktree); { "
	       "git ls-tree " GR_NOTES_REF "; printf '040000 tree "
	       "%%s\\t%%s\\n' $t $(echo $n | cut -c1-2); } | git mktree >../mixed; git "
	       "update-ref " GR_NOTES_REF " $(git commit-tree -m mixed $(cat ../mixed))",
	       git_oid_tostr_s(&on));
	tree = tree_of_ref(f, GR_NOTES_REF);
	assert_int_equal(gr_note_text(repo(f), &tree, &on, 100, &text, NULL), 1);
	assert_string_equal(text.s, text_of(4));
	add_notes(repo(f), &l, 9, 10);
	put(f, &l, 1);
	for (unsigned i = 0; i < 10; i++)
		reads(f, i, text_of(i));
	fx_run(f, "test $(git -C app.git notes --ref yardmaster list | wc -l) = 11");
	fx_run(f, "test $(git -C app.git ls-tree " GR_NOTES_REF " | grep -vc ' tree ') = 1");
}

static void one_note_is_replaced_and_a_weak_one_is_not_put(void **state)
{
	struct fx *f = *state;
	struct gr_notes l = {0};

	free(fx_seed(f));
	add_notes(repo(f), &l, 0, 120);
	put(f, &l, 120);
	add_note(repo(f), &l, 5, "other");
	add_note(repo(f), &l, 6, "weak");
	l.v[1].rank = GR_NOTE_WEAK;
	put(f, &l, 2);
	reads(f, 5, "other");
	reads(f, 6, text_of(6));
	fx_run(f, "test $(git -C app.git notes --ref yardmaster list | wc -l) = 120");
}

/* The forge's notes, of which we have some: one commit, and of those that both have ours stay. */
static void two_histories_become_one(void **state)
{
	struct fx *f = *state;
	struct gr_notes l = {0};
	autofree char *before = NULL;

	free(fx_seed(f));
	add_notes(repo(f), &l, 0, 150);
	put(f, &l, 150);
	fx_run(f, "git -C app.git update-ref refs/yardmaster/notes/forge " GR_NOTES_REF "; git -C "
		  "app.git update-ref -d " GR_NOTES_REF);
	add_note(repo(f), &l, 7, "ours");
	add_note(repo(f), &l, 500, "ours alone");
	put(f, &l, 1);
	before = fx_sh(f, "git -C app.git rev-parse " GR_NOTES_REF);
	json_decref(
		fx_ok(f, "{s:s,s:s}", "op", "notes-merge", "from", "refs/yardmaster/notes/forge"));
	reads(f, 7, "ours");
	reads(f, 500, "ours alone");
	reads(f, 8, text_of(8));
	fx_run(f,
	       "cd app.git; test $(git notes --ref yardmaster list | wc -l) = 151; git fsck; test "
	       "\"$(git rev-parse " GR_NOTES_REF "^1 " GR_NOTES_REF "^2)\" = \"$(git rev-parse %s "
	       "refs/yardmaster/notes/forge)\"",
	       before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FX_TEST(the_fan_out_is_gits_own),
		FX_TEST(a_flat_tree_of_before_is_divided_with_its_next_note),
		FX_TEST(a_mixed_tree_is_read_and_divided_whole),
		FX_TEST(one_note_is_replaced_and_a_weak_one_is_not_put),
		FX_TEST(two_histories_become_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
