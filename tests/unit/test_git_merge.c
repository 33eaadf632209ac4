/*
 * test_git_merge.c - merges compared with `git merge-tree --write-tree`, by the hundred.
 *
 * A random base and two random sides are written with one `git fast-import`; each merge's verdict,
 * tree and set of conflicted paths has to be git's. A failure prints the seed; YM_SEED=N repeats it,
 * YM_ROUNDS=N and YM_TEXTS=N ask for more.
 */
#include "git_fixture.h"

#include "git/linediff.h"
#include "git/merge_fast.h"
#include "git/textmerge.h"
#include "git/tree.h"

static uint64_t rnd_state;

static unsigned rnd(unsigned n)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 7;
	rnd_state ^= rnd_state << 17;
	return (unsigned)(rnd_state >> 33) % n;
}

static void seed(uint64_t n)
{
	rnd_state = n * 0x9e3779b97f4a7c15u + 1;
	for (int i = 0; i < 8; i++)
		rnd(2);
}

static unsigned from_env(const char *name, unsigned otherwise)
{
	const char *s = getenv(name);

	return s ? (unsigned)strtoul(s, NULL, 10) : otherwise;
}

/* --- texts: few different lines, so that there is much to pair wrongly --- */

static void add_line(struct buf *b, unsigned kinds)
{
	static unsigned unique;

	if (rnd(4) == 0)
		buf_addf(b, "unique %u\n", unique++);
	else
		buf_addf(b, "%c\n", 'a' + (int)rnd(kinds));
}

static char *random_text(unsigned lines, unsigned kinds)
{
	struct buf b = BUF_INIT;

	for (unsigned i = 0; i < lines; i++)
		add_line(&b, kinds);
	if (b.len && rnd(12) == 0)
		buf_truncate(&b, b.len - 1); /* no newline at the end */
	return buf_steal(&b);
}

/* A few edits: lines deleted, inserted, replaced, doubled, moved. */
static char *edit_text(const char *s, unsigned edits, unsigned kinds)
{
	struct strvec lines = STRVEC_INIT;
	struct buf b = BUF_INIT;

	for (const char *p = s; *p;) {
		size_t n = strcspn(p, "\n");

		n += p[n] == '\n';
		strvec_push_take(&lines, xstrndup(p, n));
		p += n;
	}
	for (unsigned e = 0; e < edits; e++) {
		size_t at = lines.n ? rnd((unsigned)lines.n) : 0;
		struct buf line = BUF_INIT;

		add_line(&line, kinds);
		switch (lines.n ? rnd(5) : 1) {
		case 0:
			lines.v[at][0] = 0;
			break;
		case 1:
			if (!lines.n) {
				strvec_push(&lines, line.s);
				break;
			}
			buf_adds(&line, lines.v[at]);
			free(lines.v[at]);
			lines.v[at] = xstrdup(line.s);
			break;
		case 2:
			free(lines.v[at]);
			lines.v[at] = xstrdup(line.s);
			break;
		case 3: {
			size_t from = rnd((unsigned)lines.n);
			char *doubled = xasprintf("%s%s", lines.v[from], lines.v[at]);

			free(lines.v[at]);
			lines.v[at] = doubled;
			break;
		}
		default: {
			size_t other = rnd((unsigned)lines.n);
			char *t = lines.v[at];

			lines.v[at] = lines.v[other];
			lines.v[other] = t;
		}
		}
		buf_release(&line);
	}
	strvec_foreach (&lines, line)
		buf_adds(&b, *line);
	strvec_release(&lines);
	return buf_steal(&b);
}

/* --- trees --- */

#define FILES_MAX 400

struct file {
	char *path, *text;
	unsigned mode;
};

struct tree {
	struct file v[FILES_MAX];
	size_t n;
};

static void tree_free(struct tree *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->v[i].path);
		free(t->v[i].text);
	}
	free(t);
}

static struct tree *tree_copy(const struct tree *t)
{
	struct tree *c = xcalloc(1, sizeof(*c));

	for (size_t i = 0; i < t->n; i++)
		c->v[c->n++] =
			(struct file){xstrdup(t->v[i].path), xstrdup(t->v[i].text), t->v[i].mode};
	return c;
}

static void tree_drop(struct tree *t, size_t i)
{
	free(t->v[i].path);
	free(t->v[i].text);
	t->v[i] = t->v[--t->n];
}

static bool below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return !strncmp(path, dir, n) && path[n] == '/';
}

/* A file at this path replaces what is in its way: the file, the folder, a file above. */
static void tree_put(struct tree *t, const char *path, const char *text, unsigned mode)
{
	for (size_t i = t->n; i-- > 0;)
		if (!strcmp(t->v[i].path, path) || below(t->v[i].path, path) ||
		    below(path, t->v[i].path))
			tree_drop(t, i);
	if (t->n < FILES_MAX)
		t->v[t->n++] = (struct file){xstrdup(path), xstrdup(text), mode};
}

static char *random_path(void)
{
	static const char *const dirs[] = {"", "", "a/", "b/", "a/x/", "a/x.y/", "c/d/e/", "c/"};

	return xasprintf("%sf%u%s", dirs[rnd(ARRAY_LEN(dirs))], rnd(12), rnd(3) ? ".c" : "");
}

static struct tree *random_tree(void)
{
	struct tree *t = xcalloc(1, sizeof(*t));

	for (unsigned n = 4 + rnd(25); n; n--) {
		autofree char *path = random_path();
		autofree char *text = random_text(rnd(25), 6);

		tree_put(t, path, text, rnd(8) ? 0100644 : 0100755);
	}
	return t;
}

static void rename_dir(struct tree *t, const char *from, const char *to)
{
	struct tree *old = tree_copy(t);

	for (size_t i = 0; i < old->n; i++)
		if (below(old->v[i].path, from)) {
			autofree char *path = xasprintf("%s%s", to, old->v[i].path + strlen(from));

			for (size_t k = t->n; k-- > 0;)
				if (!strcmp(t->v[k].path, old->v[i].path))
					tree_drop(t, k);
			tree_put(t, path, old->v[i].text, old->v[i].mode);
		}
	tree_free(old);
}

/* One random change. Edits are the most frequent, as in life. */
static void change_tree(struct tree *t, bool odd)
{
	size_t i = t->n ? rnd((unsigned)t->n) : 0;
	autofree char *path = random_path();
	autofree char *text = NULL;
	autofree char *old = NULL;
	unsigned what = rnd(odd ? 16 : 10);

	if (!t->n)
		return;
	if (what < 7) {
		text = edit_text(t->v[i].text, 1 + rnd(3), 6);
		free(t->v[i].text);
		t->v[i].text = steal(&text);
	} else if (what == 7) {
		text = random_text(rnd(15), 6);
		tree_put(t, path, text, 0100644);
	} else if (what == 8) {
		tree_drop(t, i);
	} else if (what == 9) {
		t->v[i].mode = t->v[i].mode == 0100644 ? 0100755 : 0100644;
	} else if (what < 13) { /* a rename, half of them with an edit */
		text = rnd(2) ? xstrdup(t->v[i].text) : edit_text(t->v[i].text, 1 + rnd(2), 6);
		unsigned mode = t->v[i].mode;

		tree_drop(t, i);
		tree_put(t, path, text, mode);
	} else if (what ==
		   13) { /* new to the base: a link, or a file where the other has a folder */
		static const char *const paths[] = {"a/x/f1", "n", "n/f", "a/n", "a/n/f"};
		unsigned which = rnd(ARRAY_LEN(paths));

		tree_put(t, paths[which], "a/x/f2", which ? 0100644 : 0120000);
	} else if (what == 14) {
		static const char *const dirs[] = {"a", "b", "a/x", "c/d", "c", "new", "a/y"};

		rename_dir(t, dirs[rnd(5)], dirs[rnd(7)]);
	} else { /* a folder becomes a file or a file a folder */
		old = rnd(2) ? xasprintf("%s/in", t->v[i].path) : xstrdup(rnd(2) ? "a" : "c/d");
		tree_put(t, old, "swapped\n", 0100644);
	}
}

static void write_commit(struct buf *b, unsigned mark, unsigned parent, const struct tree *t)
{
	buf_addf(b, "commit refs/heads/m%u\nmark :%u\ncommitter C <c@d> %u +0000\ndata 0\n", mark,
		 mark, 1700000000 + mark);
	if (parent)
		buf_addf(b, "from :%u\n", parent);
	buf_adds(b, "deleteall\n");
	for (size_t i = 0; i < t->n; i++)
		buf_addf(b, "M %o inline %s\ndata %zu\n%s\n", t->v[i].mode, t->v[i].path,
			 strlen(t->v[i].text), t->v[i].text);
}

static void import(struct fx *f, const struct buf *b)
{
	autofree char *path = path_join(f->dir, "import");

	assert_false(b->failed);
	assert_int_equal(fs_write_atomic(path, b->s, b->len, 0644, NULL), 0);
	fx_run(f, "git init -q --bare app.git; git -C app.git fast-import --quiet <import");
}

static void get_ref(struct fx *f, unsigned mark, git_oid *ret)
{
	autofree char *name = xasprintf("refs/heads/m%u", mark);
	struct gr_repo *r;

	assert_int_equal(gr_repo_open(&f->g, f->repo, &r, NULL), 0);
	assert_int_equal(git_reference_name_to_id(ret, r->git, name), 0);
}

/* Git's own answer: exit code, tree and conflicted paths, one a line. */
static int ask_git(struct fx *f, const git_oid *a, const git_oid *b, struct buf *out)
{
	char x[41], y[41];
	const char *args[] = {"merge-tree", "--write-tree", "--name-only", "--no-messages", x, y,
			      NULL};
	struct err err = ERR_INIT;
	int rc;

	git_oid_tostr(x, 41, a);
	git_oid_tostr(y, 41, b);
	rc = gr_git(&f->g, f->repo, NULL, args, NULL, 0, 60000, out, &err);
	if (rc != 0 && rc != 1)
		print_error("%s\n", err_text(&err));
	err_release(&err);
	return rc;
}

/* What ask_git() says of every round at once, which Git can since 2.39; false: it cannot. */
static bool ask_git_once(struct fx *f, unsigned rounds, struct buf *out, int *rcs)
{
	const char *args[] = {"merge-tree",    "--write-tree", "--name-only",
			      "--no-messages", "--stdin",      NULL};
	cleanup(buf_release) struct buf in = BUF_INIT, all = BUF_INIT_MAX((size_t)64 << 20);
	const char *p;
	git_oid oid;

	/* By their ids: names would be in those of the files that Git makes for a conflict. */
	for (unsigned i = 0; i < 2 * rounds; i++) {
		get_ref(f, i / 2 * 3 + i % 2 + 2, &oid);
		buf_addf(&in, "%s%c", git_oid_tostr_s(&oid), i % 2 ? '\n' : ' ');
	}
	if (gr_git(&f->g, f->repo, NULL, args, in.s, in.len, 600000, &all, NULL) != 0)
		return false;
	/* "1" or "0" for a conflict, the tree, the paths, and an empty one: each with its NUL. */
	p = all.s;
	for (unsigned i = 0; i < rounds; i++) {
		assert_true(p < all.s + all.len && (!strcmp(p, "0") || !strcmp(p, "1")));
		rcs[i] = *p != '1';
		for (p += 2; p < all.s + all.len && *p; p += strlen(p) + 1)
			buf_addf(&out[i], "%s\n", p);
		p++;
	}
	assert_ptr_equal(p, all.s + all.len);
	return true;
}

static void ask_git_all(struct fx *f, unsigned rounds, struct buf *out, int *rcs)
{
	git_oid a, b;

	if (ask_git_once(f, rounds, out, rcs))
		return;
	for (unsigned i = 0; i < rounds; i++) {
		get_ref(f, 3 * i + 2, &a);
		get_ref(f, 3 * i + 3, &b);
		rcs[i] = ask_git(f, &a, &b, &out[i]);
	}
}

static char *our_answer(const json_t *ans)
{
	struct buf b = BUF_INIT;
	json_t *c;
	size_t i;

	if (!strcmp(json_str(ans, "outcome", ""), "clean")) {
		buf_addf(&b, "%s\n", json_str(ans, "tree", ""));
		return buf_steal(&b);
	}
	json_array_foreach (json_object_get(ans, "conflicts"), i, c)
		buf_addf(&b, "%s\n", json_str(c, "path", ""));
	return buf_steal(&b);
}

/* Returns whether the fast way decided it. */
static bool compare(struct fx *f, unsigned mark, unsigned round_seed, int rc, const char *git)
{
	char x[41], y[41];
	autojson json_t *ans = NULL;
	autofree char *ours = NULL;
	struct gr_repo *r;
	cleanup(gr_merge_out_release) struct gr_merge_out out = {0};
	struct gr_merge_in in = {0};
	git_oid o, a, b, to;
	const char *theirs;
	int fast;

	get_ref(f, mark, &o);
	get_ref(f, mark + 1, &a);
	get_ref(f, mark + 2, &b);
	assert_int_equal(gr_repo_open(&f->g, f->repo, &r, NULL), 0);
	assert_int_equal(gr_tree_of(r, &o, &to, NULL) | gr_tree_of(r, &a, &in.ours_tree, NULL) |
				 gr_tree_of(r, &b, &in.theirs_tree, NULL),
			 0);
	in.attrs = in.ours_tree;
	fast = gr_merge_fast(r, &to, &in, &out, NULL);
	gr_mem_drop(r);
	ans = fx_ok(f, "{s:s,s:s,s:s}", "op", "merge", "base", git_oid_tostr(x, 41, &a), "head",
		    git_oid_tostr(y, 41, &b));
	ours = our_answer(ans);
	theirs = rc == 0 ? git : git + 41;
	if ((rc == 0) != !strcmp(json_str(ans, "outcome", ""), "clean") || strcmp(ours, theirs)) {
		print_error("YM_SEED=%u fast %d\ngit %d:\n%sours:\n%s", round_seed, fast, rc, git,
			    ours);
		fail();
	}
	return fast == 1;
}

/* `shared`: chance in 10 that a change is made on both sides alike. */
static unsigned run_rounds(struct fx *f, unsigned rounds, bool odd, unsigned *ret_total)
{
	unsigned first = from_env("YM_SEED", odd ? 1000 : 1), fast = 0;
	cleanup(buf_release) struct buf b = BUF_INIT;
	autofree struct buf *git = NULL;
	autofree int *rcs = NULL;

	rounds = from_env("YM_ROUNDS", getenv("YM_SEED") ? 1 : rounds);
	for (unsigned i = 0; i < rounds; i++) {
		struct tree *base, *ours, *theirs;

		seed(first + i);
		base = random_tree();
		ours = tree_copy(base);
		theirs = tree_copy(base);
		for (unsigned n = 1 + rnd(6); n; n--)
			change_tree(ours, odd);
		for (unsigned n = 1 + rnd(6); n; n--)
			change_tree(theirs, odd);
		/* A change that both made. */
		if (rnd(4) == 0 && base->n) {
			size_t at = rnd((unsigned)base->n);
			autofree char *path = xstrdup(base->v[at].path);
			autofree char *text = edit_text(base->v[at].text, 2, 6);

			tree_put(ours, path, text, 0100644);
			tree_put(theirs, path, text, 0100644);
		}
		write_commit(&b, 3 * i + 1, 0, base);
		write_commit(&b, 3 * i + 2, 3 * i + 1, ours);
		write_commit(&b, 3 * i + 3, 3 * i + 1, theirs);
		tree_free(base);
		tree_free(ours);
		tree_free(theirs);
	}
	import(f, &b);
	git = xcalloc(rounds, sizeof(*git));
	rcs = xcalloc(rounds, sizeof(*rcs));
	ask_git_all(f, rounds, git, rcs);
	for (unsigned i = 0; i < rounds; i++) {
		fast += compare(f, 3 * i + 1, first + i, rcs[i], git[i].s);
		buf_release(&git[i]);
	}
	*ret_total = rounds;
	return fast;
}

static void plain_merges_are_git_s(void **state)
{
	unsigned total, fast = run_rounds(*state, 300, false, &total);

	print_message("# plain: %u of %u decided fast\n", fast, total);
	if (total >= 100)
		assert_true(fast * 4 > total);
}

static void odd_merges_are_git_s(void **state)
{
	unsigned total, fast = run_rounds(*state, 300, true, &total);

	print_message("# odd: %u of %u decided fast\n", fast, total);
	if (total >= 100)
		assert_true(fast * 20 > total);
}

/* One merge with many files: each is a case of its own. */
static void texts_round(struct fx *f, unsigned round, unsigned lines, unsigned kinds,
			unsigned counts[4])
{
	cleanup(buf_release) struct buf git = BUF_INIT;
	cleanup(buf_release) struct buf b = BUF_INIT;
	struct tree *t[3];
	git_oid oid[2], tree;
	struct gr_repo *r;
	char first[42] = "";

	for (size_t k = 0; k < 3; k++)
		t[k] = xcalloc(1, sizeof(**t));
	for (unsigned i = 0; i < FILES_MAX; i++) {
		autofree char *text = random_text(1 + rnd(lines), kinds);

		for (size_t k = 0; k < 3; k++) {
			char *now = k ? edit_text(text, 1 + rnd(4), kinds) : xstrdup(text);

			t[k]->v[t[k]->n++] = (struct file){xasprintf("f%u", i), now, 0100644};
		}
	}
	for (unsigned k = 0; k < 3; k++)
		write_commit(&b, k + 1, k ? 1 : 0, t[k]);
	import(f, &b);
	gr_repo_forget(&f->g, f->repo);
	get_ref(f, 2, &oid[0]);
	get_ref(f, 3, &oid[1]);
	assert_in_range(ask_git(f, &oid[0], &oid[1], &git), 0, 1);
	memcpy(first, git.s, 41);
	first[40] = 0;
	assert_int_equal(gr_oid_parse(first, &tree, NULL), 0);
	gr_repo_forget(&f->g, f->repo);
	assert_int_equal(gr_repo_open(&f->g, f->repo, &r, NULL), 0);
	for (unsigned i = 0; i < FILES_MAX; i++) {
		cleanup(buf_release) struct buf out = BUF_INIT;
		struct buf in[3];
		autofree char *line = xasprintf("\nf%u\n", i);
		bool conflict = strstr(git.s, line) != NULL;
		enum gr_text verdict;
		unsigned mode;
		git_oid blob, ours;

		for (size_t k = 0; k < 3; k++)
			in[k] = (struct buf){.s = t[k]->v[i].text, .len = strlen(t[k]->v[i].text)};
		verdict = gr_text_merge(&in[0], &in[1], &in[2], &out, NULL);
		counts[verdict]++;
		assert_int_equal(gr_tree_path(r, &tree, t[0]->v[i].path, &mode, &blob, NULL), 1);
		git_odb_hash(&ours, out.s, out.len, GIT_OBJECT_BLOB);
		if (verdict == GR_TEXT_UNSURE ||
		    (conflict ? verdict == GR_TEXT_CONFLICT
			      : verdict == GR_TEXT_CLEAN && git_oid_equal(&ours, &blob)))
			continue;
		print_error("round %u file %u: git %s, ours %d\n--- ancestor\n%s--- ours\n%s--- "
			    "theirs\n%s--- merged\n%s",
			    round, i, conflict ? "conflict" : "clean", (int)verdict, in[0].s,
			    in[1].s, in[2].s, out.s);
		fail();
	}
	for (size_t k = 0; k < 3; k++)
		tree_free(t[k]);
	fx_run(f, "rm -rf app.git");
}

static void texts_merge_as_git_merges_them(void **state)
{
	unsigned rounds = from_env("YM_TEXTS", 15), counts[4] = {0};

	for (unsigned i = 0; i < rounds; i++) {
		seed(from_env("YM_SEED", 500) + i);
		texts_round(*state, i, i % 3 ? 30 : 120, i % 2 ? 3 : 12, counts);
	}
	print_message("# texts: %u clean, %u conflicts, %u unsure\n", counts[GR_TEXT_CLEAN],
		      counts[GR_TEXT_CONFLICT], counts[GR_TEXT_UNSURE]);
	assert_true(counts[GR_TEXT_UNSURE] * 20 < counts[GR_TEXT_CLEAN]);
}

static enum gr_text merge3(const char *o, const char *a, const char *b, struct gr_ranges *where)
{
	struct buf in[] = {{.s = (char *)(uintptr_t)o, .len = strlen(o)},
			   {.s = (char *)(uintptr_t)a, .len = strlen(a)},
			   {.s = (char *)(uintptr_t)b, .len = strlen(b)}};

	return gr_text_merge(&in[0], &in[1], &in[2], NULL, where);
}

static void conflicts_name_their_lines(void **state)
{
	struct gr_ranges w = {0};

	(void)state;
	assert_int_equal(merge3("1\n2\n3\n4\n5\n6\n7\n", "1\nX\nx\n3\n4\n5\n6\n7\n",
				"1\nY\n3\n4\n5\n6\n7\n", &w),
			 GR_TEXT_CONFLICT);
	assert_int_equal(w.n, 1);
	assert_int_equal(w.v[0].first, 2);
	assert_int_equal(w.v[0].last, 3);
	gr_ranges_release(&w);
	assert_int_equal(merge3("1\n2\n3\n", "1\n2\n3\n4\n", "0\n1\n2\n3\n", NULL), GR_TEXT_CLEAN);
	/* neighbours are a conflict, and so is a binary file's every change: unsure */
	assert_int_equal(merge3("1\n2\n", "x\n2\n", "1\ny\n", NULL), GR_TEXT_CONFLICT);
}

/* Nothing may be written by a merge that is only asked for. */
static void asking_writes_nothing(void **state)
{
	/* The file `a` merges cleanly in memory before the conflict in `t` is met. */
	static const char *const contents[] = {"x\n2\n3\n4\n", "y\n2\n3\n4\n", "1\n2\n3\nz\n"};
	static const char *const first[] = {"A\n2\n3\n4\n", "1\n2\n3\nB\n", "1\n2\n3\nC\n"};
	struct fx *f = *state;
	autofree char *count = NULL;
	autofree char *head = fx_seed(f);
	autofree char *oid[3] = {NULL, NULL, NULL};

	fx_run(f, "cd src; printf '1\\n2\\n3\\n4\\n' | tee a >t; git add a t; git commit -qm t");
	for (size_t i = 0; i < 3; i++)
		oid[i] = fx_sh(
			f,
			"cd src; git checkout -q -B b%zu main; printf '%s' >t; printf '%s' >a; "
			"git commit -qam %zu; git push -q ../app.git b%zu; git rev-parse HEAD",
			i, contents[i], first[i], i, i);
	count = fx_sh(f, "cd app.git; find . | sort | md5sum");
	for (size_t i = 1; i < 3; i++) {
		autojson json_t *a =
			fx_ok(f, "{s:s,s:s,s:s}", "op", "merge", "base", oid[0], "head", oid[i]);
		autofree char *now = fx_sh(f, "cd app.git; find . | sort | md5sum");

		assert_string_equal(json_str(a, "outcome", ""), i == 1 ? "conflict" : "clean");
		assert_string_equal(now, count);
	}
	for (size_t i = 0; i < 3; i++)
		free(steal(&oid[i]));
	(void)head;
}

static void merge_both_ways(struct fx *f, const char *base, const char *head,
			    struct gr_merge_out out[2])
{
	struct gr_merge_in in = {0};
	struct gr_repo *r;

	git_oid_fromstr(&in.ours, base);
	git_oid_fromstr(&in.theirs, head);
	assert_int_equal(gr_repo_open(&f->g, f->repo, &r, NULL), 0);
	assert_int_equal(gr_tree_of(r, &in.ours, &in.ours_tree, NULL), 0);
	assert_int_equal(gr_tree_of(r, &in.theirs, &in.theirs_tree, NULL), 0);
	in.attrs = in.ours_tree;
	for (size_t i = 0; i < 2; i++) {
		in.way = i ? GR_MERGE_BY_GIT : GR_MERGE_ANY;
		assert_int_equal(gr_merge(&f->g, r, &in, &out[i], NULL), 0);
		gr_mem_drop(r);
	}
}

/* Paths, kinds and lines as git's way has them, without git. */
static void conflicts_of_contents_are_decided_in_memory(void **state)
{
	static const char *const sides[] = {"l", "r"};
	struct fx *f = *state;
	autofree char *seeded = fx_seed(f);
	struct gr_merge_out out[2];

	fx_run(f, "cd src; seq 30 >n; seq 30 >m; seq 30 >clean; printf 'a\\0b' >bin; mkdir d;"
		  "ln -s x d/link; seq 9 >d/n; seq 9 >mode; git add -A; git commit -qm n");
	for (size_t i = 0; i < 2; i++)
		fx_run(f,
		       "cd src; git checkout -qb %s main; sed -i 's/^7$/%s/; 2,4d' n;"
		       "sed -i '%zus/$/%s/' m clean; printf 'a\\0%s' >bin; ln -sf %s d/link;"
		       "sed -i '3a %s' d/n; sed -i %zus/$/x/ mode; chmod %s mode;"
		       "git add -A; git commit -qm %s; git push -q ../app.git %s",
		       sides[i], sides[i], 10 + i, sides[i], sides[i], sides[i], sides[i],
		       1 + 5 * i, i ? "-x" : "+x", sides[i], sides[i]);
	for (size_t i = 0; i < 2; i++) {
		autofree char *base = fx_sh(f, "git -C app.git rev-parse %s", sides[i]);
		autofree char *head = fx_sh(f, "git -C app.git rev-parse %s", sides[!i]);

		merge_both_ways(f, base, head, out);
		assert_true(out[0].fast && !out[0].clean);
		assert_false(out[1].fast || out[1].clean);
		if (!json_equal(out[0].conflicts, out[1].conflicts))
			fail_msg("%s\n%s", json_text(out[0].conflicts),
				 json_text(out[1].conflicts));
		assert_int_equal(json_array_size(out[0].conflicts), 6);
		gr_merge_out_release(&out[0]);
		gr_merge_out_release(&out[1]);
	}
}

/* Everything was moved out of the root, into which the other side adds a file: a folder that is still
 * there was not renamed. */
static void the_root_is_never_renamed(void **state)
{
	struct fx *f = *state;
	autofree char *seeded = fx_seed(f);
	autofree char *base = NULL;
	autofree char *head = NULL;
	struct gr_merge_out out[2];

	fx_run(f, "cd src; git rm -qr .; for i in 1 2 3; do seq $i 40 >f$i; done; git add -A;"
		  "git commit -qm o; git checkout -qb moved; mkdir in; git mv f1 f2 f3 in;"
		  "git commit -qm m; git checkout -qb added main; seq 2 41 >f4; git add -A;"
		  "git commit -qm a; git push -q ../app.git moved added");
	base = fx_sh(f, "git -C src rev-parse moved");
	head = fx_sh(f, "git -C src rev-parse added");
	merge_both_ways(f, base, head, out);
	assert_true(out[0].fast && out[0].clean && out[1].clean && !out[1].fast);
	assert_true(git_oid_equal(&out[0].tree, &out[1].tree));
	merge_both_ways(f, head, base, out);
	assert_true(out[0].fast && git_oid_equal(&out[0].tree, &out[1].tree));
}

/* Two merge bases, and either alone would bring a change back that was taken out on purpose. */
static void several_merge_bases_are_git_s_to_decide(void **state)
{
	cleanup(buf_release) struct buf git = BUF_INIT;
	struct fx *f = *state;
	autofree char *head = fx_seed(f);
	autofree char *a = NULL;
	autofree char *b = NULL;
	autojson json_t *ans = NULL;
	git_oid x, y;

	a = fx_sh(f, "cd src; git checkout -qb l; sed -i s/one/L/ src/a.c; git commit -qam l;"
		     "git checkout -qb r main; sed -i s/seven/R/ src/a.c; git commit -qam r;"
		     "l=$(git rev-parse l); r=$(git rev-parse r); git checkout -q l;"
		     "git merge -q -m lr $r >&2; git checkout -q r; git merge -q -m rl $l >&2;"
		     "sed -i 's/L/one/; s/R/seven/' src/a.c; git commit -qam back;"
		     "git push -q ../app.git r; git rev-parse r");
	b = fx_sh(f, "cd src; git checkout -q l; sed -i s/four/F/ src/a.c; git commit -qam l3;"
		     "git push -q ../app.git l; git rev-parse l");
	ans = fx_ok(f, "{s:s,s:s,s:s}", "op", "merge", "base", a, "head", b);
	git_oid_fromstr(&x, a);
	git_oid_fromstr(&y, b);
	assert_int_equal(ask_git(f, &x, &y, &git), 0);
	buf_rtrim(&git);
	assert_string_equal(json_str(ans, "tree", ""), git.s);
	(void)head;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		FX_TEST(plain_merges_are_git_s),
		FX_TEST(odd_merges_are_git_s),
		FX_TEST(texts_merge_as_git_merges_them),
		FX_TEST(asking_writes_nothing),
		FX_TEST(conflicts_of_contents_are_decided_in_memory),
		FX_TEST(the_root_is_never_renamed),
		FX_TEST(several_merge_bases_are_git_s_to_decide),
		cmocka_unit_test(conflicts_name_their_lines),
	};

	(void)argc;
	unpriv(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
