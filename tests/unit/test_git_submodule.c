/* test_git_submodule.c - a merge asks for the histories of submodules over a network, and decides as Git does once it has
 * them (git/submodule.h). */
#include "git_fixture.h"

#define OWN   "https://127.0.0.1:9/o/app.git"
#define FORGE "https://127.0.0.1:9/"
#define LIB   FORGE "o/lib.git"

static const char *const methods[] = {"merge", "squash", "rebase"};

/* The submodule dep/lib is at v1 in the base; v1, v2, v3 are in a line, `side` is off v1, and `lost` is on no branch. */
static void world(struct fx *f, const char *url)
{
	fx_run(f,
	       "git init -q -b main lib; cd lib; for i in 1 2 3; do echo $i >v; git add v; git "
	       "commit -qm v$i; git tag v$i; done;"
	       "git checkout -q -b side v1; echo s >s; git add s; git commit -qm side; git tag "
	       "side; git checkout -q --detach v3; git commit -q --allow-empty -m lost; git "
	       "rev-parse HEAD >../lost; git checkout -q main; cd ..;"
	       "git init -q --bare -b main app.git; git init -q -b main src; cd src;"
	       "printf '[submodule \"lib\"]\\n\\tpath = dep/lib\\n\\turl = %%s\\n' '%s' "
	       ">.gitmodules; git add .gitmodules;"
	       "git update-index --add --cacheinfo 160000,$(git -C ../lib rev-parse v1),dep/lib; "
	       "git commit -qm begin; git push -q ../app.git main",
	       url);
}

static char *at(struct fx *f, const char *what)
{
	return fx_sh(
		f,
		"cd src; git checkout -q --detach main 2>/dev/null; git update-index "
		"--cacheinfo 160000,$(git -C ../lib rev-parse %s),dep/lib;"
		"git commit -qm 'at %.6s'; git push -q ../app.git HEAD:refs/heads/at-%.6s; git "
		"rev-parse HEAD",
		what, what, what);
}

static json_t *rules(const char *allowed)
{
	return json_pack("{s:s,s:s,s:[s*]}", "own", OWN, "forge", FORGE, "allowed", allowed);
}

struct ask {
	const char *base, *head, *method, *candidate;
	const char *allowed;
	const char *fetched, *unfetched;
	bool plain; /* without `submodules` */
};

static json_t *ask(struct fx *f, const char *op, const struct ask *a)
{
	return fx_ok(f, "{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:s,s:s*,s:o*,s:[s*],s:{s:s*}}", "op", op,
		     "base", a->base, "head", a->head, "method", a->method, "message", "m",
		     "author_name", "A", "author_email", "a@b", "time_ms", (json_int_t)1000, "ref",
		     "refs/yardmaster/candidates/1", "candidate", a->candidate, "submodules",
		     a->plain ? NULL : rules(a->allowed), "fetched", a->fetched, "unfetched", LIB,
		     a->unfetched);
}

static const json_t *wanted(const json_t *answer)
{
	assert_string_equal(json_str(answer, "outcome", ""), "wants");
	assert_int_equal(json_array_size(json_object_get(answer, "fetch")), 1);
	return json_array_get(json_object_get(answer, "fetch"), 0);
}

static void assert_conflict(const json_t *answer, const char *why)
{
	const json_t *c = json_array_get(json_object_get(answer, "conflicts"), 0);

	assert_string_equal(json_str(answer, "outcome", ""), "conflict");
	assert_string_equal(json_str(c, "path", ""), "dep/lib");
	if (why ? !strstr(json_str(c, "why", ""), why) : json_str(c, "why", NULL) != NULL)
		fail_msg("found %s, expected %s", json_str(c, "why", "nothing"),
			 why ? why : "nothing");
}

/* What the net role does with such a request. */
static void fetch(struct fx *f, const json_t *want)
{
	const json_t *refs = json_object_get(want, "refs");

	fx_run(f, "git -C '%s' fetch -q \"$PWD/lib\" '%s' '%s'", json_str(want, "repo", ""),
	       json_string_value(json_array_get(refs, 0)),
	       json_string_value(json_array_get(refs, 1)));
}

static void its_history_is_asked_for(void **state)
{
	struct fx *f = *state;
	autofree char *v2 = NULL, *v3 = NULL, *repo = NULL;

	world(f, "../lib.git");
	v2 = at(f, "v2");
	v3 = at(f, "v3");
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		for (int listed = 0; listed < 2; listed++) {
			autojson json_t *a =
				ask(f, "candidate",
				    &(struct ask){.base = v2,
						  .head = v3,
						  .method = methods[i],
						  .allowed = listed ? FORGE "o/lib" : NULL});
			const json_t *want = wanted(a);

			assert_string_equal(json_str(want, "op", ""), "fetch");
			assert_string_equal(json_str(want, "url", ""), LIB);
			assert_string_equal(json_str(want, "what", ""), "dep/lib");
			assert_int_equal(json_flag(want, "credential"), listed);
			assert_true(json_flag(want, "optional"));
			assert_true(json_int(want, "max_bytes", 0) == (json_int_t)2 << 30);
			/* What came with the credential is apart from what everybody may read. */
			if (listed)
				assert_string_not_equal(json_str(want, "repo", ""), repo);
			free(steal(&repo));
			repo = xstrdup(json_str(want, "repo", ""));
		}
	/* Where no run sees it. */
	fx_run(f, "test $(ls app.git/submodules | wc -l) = 2; test ! -e app.git/modules; test -z "
		  "\"$(git -C app.git for-each-ref refs/yardmaster)\"");
}

static void it_decides_as_git_does(struct fx *f, const char *v2, const char *v3, const char *side)
{
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		struct ask q = {.base = v2, .head = v3, .method = methods[i], .fetched = LIB};
		autojson json_t *c = ask(f, "candidate", &q);
		autojson json_t *v = NULL;
		autojson json_t *plain = NULL;
		autojson json_t *back = NULL;
		autojson json_t *apart = NULL;
		autofree char *now = NULL;

		assert_string_equal(json_str(c, "outcome", ""), "built");
		now = fx_sh(
			f,
			"test $(git -C app.git rev-parse %s:dep/lib) = $(git -C lib rev-parse v3) "
			"&& echo v3",
			json_str(c, "commit", ""));
		assert_string_equal(now, "v3");
		q.candidate = json_str(c, "commit", "");
		v = ask(f, "verify", &q);
		assert_true(json_flag(v, "same"));
		/* A receipt is verified later, by who has no rules. */
		q.plain = true;
		plain = ask(f, "verify", &q);
		assert_true(json_flag(plain, "same"));
		q = (struct ask){.base = v3, .head = v2, .method = methods[i]};
		back = ask(f, "candidate", &q);
		assert_string_equal(json_str(back, "outcome", ""), "empty");
		q = (struct ask){.base = v2, .head = side, .method = methods[i]};
		apart = ask(f, "candidate", &q);
		assert_conflict(apart, NULL);
	}
}

static void only_forward_is_merged(void **state)
{
	struct fx *f = *state;
	autofree char *v2 = NULL, *v3 = NULL, *side = NULL;
	autojson json_t *a = NULL;
	autojson json_t *m = NULL;

	world(f, "../lib.git");
	v2 = at(f, "v2");
	v3 = at(f, "v3");
	side = at(f, "side");
	a = ask(f, "verify",
		&(struct ask){.base = v2, .head = v3, .method = "merge", .candidate = v3});
	fetch(f, wanted(a));
	it_decides_as_git_does(f, v2, v3, side);
	m = ask(f, "merge", &(struct ask){.base = v2, .head = v3, .method = "merge"});
	assert_string_equal(json_str(m, "outcome", ""), "clean");
}

static void what_cannot_be_had_conflicts_with_its_reason(void **state)
{
	struct fx *f = *state;
	autofree char *v2 = NULL, *v3 = NULL, *lost = NULL, *tip = fx_sh(f, "echo");

	world(f, "../lib.git");
	v2 = at(f, "v2");
	v3 = at(f, "v3");
	free(steal(&tip));
	tip = fx_sh(f, "cat lost");
	lost = at(f, tip);
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		struct ask q = {
			.base = v2, .head = v3, .method = methods[i], .unfetched = "no such host"};
		autojson json_t *a = ask(f, "candidate", &q);
		autojson json_t *b = NULL;

		assert_conflict(a, "could not be fetched from " LIB ": no such host");
		q = (struct ask){.base = v2, .head = lost, .method = methods[i]};
		if (!i) {
			autojson json_t *w = ask(f, "candidate", &q);

			fetch(f, wanted(w));
		}
		q.fetched = LIB;
		b = ask(f, "candidate", &q);
		assert_conflict(b, "is on no branch and no tag of " LIB);
		if (!i)
			fx_run(f, "rm -rf app.git/submodules");
	}
}

/* Addresses that modules may not fetch, either; and one that only the head names. */
static void what_may_not_be_had_is_not_asked_for(void **state)
{
	static const struct {
		const char *url, *why;
	} cases[] = {
		{"https://example.com/o/lib.git", "is not one that this repository may have here"},
		{"ssh://git@example.com/o/lib.git",
		 "is not one that this repository may have here"},
		{"ext::touch ran", "its address in .gitmodules is 'ext::touch ran'"},
		{"/etc", "its address in .gitmodules is '/etc'"},
		{"", NULL},
	};
	struct fx *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autofree char *v2 = NULL, *v3 = NULL;
		struct ask q = {.method = "merge"};
		autojson json_t *a = NULL;

		fx_run(f, "rm -rf lib src app.git");
		gr_repo_forget(&f->g, f->repo);
		world(f, cases[i].url);
		if (!*cases[i].url)
			fx_run(f,
			       "cd src; git rm -q --cached .gitmodules; git commit -qm none; git "
			       "push -q ../app.git main");
		q.base = v2 = at(f, "v2");
		fx_run(f, "%s",
		       *cases[i].url
			       ? ":"
			       : "cd src; git config -f .gitmodules submodule.lib.path dep/lib; "
				 "git "
				 "config -f .gitmodules submodule.lib.url ../lib.git; git add "
				 ".gitmodules");
		q.head = v3 = at(f, "v3");
		a = ask(f, "candidate", &q);
		assert_conflict(a, cases[i].why);
	}
	fx_run(f, "test ! -e ran; test ! -e app.git/submodules");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		FX_TEST(its_history_is_asked_for),
		FX_TEST(only_forward_is_merged),
		FX_TEST(what_cannot_be_had_conflicts_with_its_reason),
		FX_TEST(what_may_not_be_had_is_not_asked_for),
	};

	(void)argc;
	unpriv(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
