/* test_git_modules.c - submodules in checkouts: which addresses are taken, and what gates and agents find (git/modules.h). */
#include "git_fixture.h"

#include "git/module_url.h"

/* ---- addresses ---- */

#define OWN "https://github.com/octo/site.git"

static struct gr_module_rules rules_of(const char *own, const char *forge, const char *const *list)
{
	struct gr_module_rules r = {.own = own, .forge = forge, .allowed = STRVEC_INIT};

	for (; list && *list; list++)
		strvec_push(&r.allowed, *list);
	return r;
}

static void an_address_means_what_git_makes_of_it(void **state)
{
	static const char *const allowed[] = {"https://other.example.org/pub/",
					      "ssh://git@elsewhere.org/x/y",
					      "https://github.com/octo/private", NULL};
	static const struct {
		const char *said, *url;
		bool credential;
	} rows[] = {
		{"../lib.git", "https://github.com/octo/lib.git", false},
		{"../../else/lib", "https://github.com/else/lib", false},
		{"./inner", OWN "/inner", false},
		{"https://github.com/google/googletest", "https://github.com/google/googletest",
		 false},
		{"git@github.com:google/googletest.git", "https://github.com/google/googletest.git",
		 false},
		{"ssh://git@github.com/a/b", "https://github.com/a/b", false},
		{"https://github.com/octo/private.git", "https://github.com/octo/private.git",
		 true},
		{"../private", "https://github.com/octo/private", true},
		{"git@github.com:octo/private/", "https://github.com/octo/private", true},
		{"https://other.example.org/pub/x.git", "https://other.example.org/pub/x.git",
		 false},
		{"git@elsewhere.org:x/y.git", "ssh://git@elsewhere.org/x/y.git", false},
	};
	struct gr_module_rules r = rules_of(OWN, "https://github.com/", allowed);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup(gr_module_url_release) struct gr_module_url u = {0};
		cleanup(err_release) struct err err = ERR_INIT;

		if (gr_module_url(&r, rows[i].said, &u, &err) < 0)
			fail_msg("%s: %s", rows[i].said, err_text(&err));
		assert_string_equal(u.text, rows[i].url);
		assert_int_equal(u.credential, rows[i].credential);
		assert_false(u.local);
	}
	strvec_release(&r.allowed);
}

static void others_are_refused(void **state)
{
	static const char *const all[] = {"https://github.com/", "https://other.example.org/", "/",
					  NULL};
	static const struct {
		const char *said;
		enum err_code code;
	} rows[] = {
		/* never, whatever is allowed */
		{"-u./payload", ERR_UNSAFE},
		{"--upload-pack=touch x", ERR_UNSAFE},
		{"ssh://-oProxyCommand=x/y", ERR_UNSAFE},
		{"ssh://-x@host/y", ERR_UNSAFE},
		{"ext::sh -c touch% x", ERR_UNSAFE},
		{"ext::sh", ERR_UNSAFE},
		{"fd::7", ERR_UNSAFE},
		{"git://github.com/a/b", ERR_UNSAFE},
		{"http://github.com/a/b", ERR_UNSAFE},
		{"ftp://github.com/a", ERR_UNSAFE},
		{"https://u:p@github.com/a/b", ERR_UNSAFE},
		{"https://github.com@evil.org/a", ERR_UNSAFE},
		{"https://github.com/octo/../secret/x", ERR_UNSAFE},
		{"https://github.com/octo/%2e%2e/x", ERR_UNSAFE},
		{"https://github.com/octo//x", ERR_UNSAFE},
		{"https://github.com/octo/./x", ERR_UNSAFE},
		{"https://github.com", ERR_UNSAFE},
		{"https://github.com/a?b", ERR_UNSAFE},
		{"https://github.com/a b", ERR_UNSAFE},
		{"https://github.com/a\nb", ERR_UNSAFE},
		{"https://github.com\\@evil.org/a", ERR_UNSAFE},
		{"../../../../../x", ERR_UNSAFE},
		{"../../../../..", ERR_UNSAFE},
		{"", ERR_UNSAFE},
		{"lib", ERR_UNSAFE},
		/* what is a path on the machine of whoever wrote it */
		{"/etc", ERR_UNSAFE},
		{"file:///etc", ERR_UNSAFE},
		/* not listed */
		{"https://elsewhere.org/a/b", ERR_DENIED},
		{"git@elsewhere.org:a/b", ERR_DENIED},
		{"https://github.com.evil.org/a/b", ERR_DENIED},
		{"https://other.example.org.evil.org/a/b", ERR_DENIED},
	};
	struct gr_module_rules r = rules_of(OWN, "https://github.com/", all);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup(gr_module_url_release) struct gr_module_url u = {0};
		cleanup(err_release) struct err err = ERR_INIT;

		if (gr_module_url(&r, rows[i].said, &u, &err) == 0)
			fail_msg("taken: %s as %s", rows[i].said, u.text);
		if (err.code != rows[i].code)
			fail_msg("%s: %s", rows[i].said, err_text(&err));
	}
	strvec_release(&r.allowed);
}

/* ---- repositories ---- */

static char *make_first(struct fx *f)
{
	autofree char *seed = fx_seed(f);

	return fx_sh(
		f,
		"export GIT_ALLOW_PROTOCOL=file; "
		"git init -q -b main inner; cd inner; echo i >i; git add -A; git commit -qm i; cd "
		"..; "
		"git clone -q --bare inner inner.git; "
		"git init -q -b main lib; cd lib; echo '*.o' >.gitignore; echo one >v; git add -A; "
		"git commit -qm one; git tag -a v1 -m v1; "
		"git -c protocol.file.allow=always submodule --quiet add ../inner.git in; "
		"git commit -qam inner; cd ..; git clone -q --bare lib lib.git; "
		"cd src; git -c protocol.file.allow=always submodule --quiet add --name odd.name "
		"$PWD/../lib.git dep/lib; sed -i 's|url = .*|url = ../lib.git|' .gitmodules; "
		"git add -A; git commit -qm sub; git push -q ../app.git main; git rev-parse HEAD");
}

/* lib.git with inner.git inside it, and app.git with lib.git at dep/lib; all of this machine. */
static char *make(struct fx *f)
{
	return fx_once(f, make_first);
}

static json_t *rules(struct fx *f, const char *one, const char *two)
{
	json_t *list = json_array();

	for (int i = 0; i < 2; i++) {
		const char *name = i ? two : one;
		autofree char *path = name ? path_join(f->dir, name) : NULL;

		if (path)
			json_array_append_new(list, json_string(path));
	}
	return json_pack("{s:s,s:o}", "own", f->repo, "allowed", list);
}

static json_t *checkout(struct fx *f, const char *commit, json_t *rules)
{
	autofree char *path = path_join(f->dir, "run/c1"),
		      *gitdir = path_join(f->dir, "run/c1.git");

	return fx_ask(f, "{s:s,s:s,s:s,s:s,s:o*}", "op", "checkout", "commit", commit, "path", path,
		      "gitdir", gitdir, "submodules", rules);
}

static void assert_error(const json_t *a, const char *code, const char *text)
{
	const char *said = json_str(json_object_get(a, "error"), "text", "");

	if (strcmp(fx_error(a), code) || !strstr(said, text))
		fail_msg("found    %s: %s\nexpected %s: %s", fx_error(a), said, code, text);
}

/* Git on a submodule's private directory, with the objects where they are outside of the sandbox. */
#define INSIDE(place)                                                                              \
	"cd run/c1/" place                                                                         \
	"; GIT_DIR=$(sed 's|gitdir: /yard/git|../../../c1.git|' .git); export GIT_DIR; "           \
	"GIT_ALTERNATE_OBJECT_DIRECTORIES=$(sed \"s|/yard|$PWD/../../../../app.git|\" "            \
	"$GIT_DIR/objects/info/alternates); export GIT_ALTERNATE_OBJECT_DIRECTORIES; "             \
	"GIT_WORK_TREE=$PWD; export GIT_WORK_TREE; "

static void a_gate_has_them(void **state)
{
	struct fx *f = *state;
	autofree char *head = make(f), *version = NULL;
	autojson json_t *a = checkout(f, head, rules(f, "lib.git", "inner.git"));

	if (!json_flag(a, "ok"))
		fail_msg("%s", json_text(a));
	fx_run(f, "cd run/c1; test \"$(cat dep/lib/v)\" = one; test \"$(cat dep/lib/in/i)\" = i; "
		  "git config -f ../c1.git/config submodule.odd.name.url | grep -q /lib.git");
	version = fx_sh(f, "echo v1-1-g$(git -C lib.git rev-parse --short HEAD)");
	fx_run(f,
	       INSIDE("dep/lib") "test \"$(git describe)\" = %s; "
				 "test -z \"$(git status --porcelain --ignore-submodules)\"; "
				 "git config remote.origin.url | grep -q lib.git",
	       version);
	/* For the whole it is clean. */
	fx_run(f, "export GIT_DIR=$PWD/run/c1.git GIT_WORK_TREE=$PWD/run/c1 "
		  "GIT_ALTERNATE_OBJECT_DIRECTORIES=$PWD/app.git/objects; cd run/c1; "
		  "test -z \"$(git status --porcelain --ignore-submodules=dirty)\"");
}

static void without_rules_folders_are_empty(void **state)
{
	struct fx *f = *state;
	autofree char *head = make(f);
	autojson json_t *a = checkout(f, head, NULL);

	assert_true(json_flag(a, "ok"));
	fx_run(f, "test -d run/c1/dep/lib; test -z \"$(ls -A run/c1/dep/lib)\"");
}

/* What is not listed is not had: not another repository of this daemon, not one inside one that is listed. */
static void what_is_not_listed_is_refused(void **state)
{
	struct fx *f = *state;
	autofree char *head = make(f), *lib = path_join(f->dir, "lib.git"),
		      *inner = path_join(f->dir, "inner.git"), *link = NULL;
	autojson json_t *none = checkout(f, head, rules(f, NULL, NULL));
	autojson json_t *one = checkout(f, head, rules(f, "lib.git", NULL));
	autojson json_t *linked = NULL;

	assert_error(none, "denied", "submodule 'dep/lib': its address ");
	assert_error(none, "denied", lib);
	assert_error(none, "denied", "`submodules: { REPOSITORY: [");
	assert_error(one, "denied", "submodule 'dep/lib/in': its address ");
	assert_error(one, "denied", inner);
	fx_run(f, "test ! -e app.git/modules/x; test ! -e run/c1/dep/lib/v");
	/* A link in a place that is listed leads to what is not. */
	link = fx_sh(
		f, "mkdir open; ln -s ../inner.git open/lib.git; cd src; git config -f .gitmodules "
		   "submodule.odd.name.url $PWD/../open/lib.git; git commit -qam link; git push -q "
		   "../app.git main; git rev-parse HEAD");
	linked = checkout(f, link, rules(f, "open/", NULL));
	assert_false(json_flag(linked, "ok"));
}

/* Runs see all histories: one that was listed and is not any more is gone. */
static void what_is_listed_no_more_is_removed(void **state)
{
	struct fx *f = *state;
	autofree char *head = make(f);
	autojson json_t *a = checkout(f, head, rules(f, "lib.git", "inner.git"));
	autojson json_t *b = NULL;

	assert_true(json_flag(a, "ok"));
	fx_run(f, "test $(ls app.git/modules | wc -l) = 2");
	b = checkout(f, head, rules(f, "lib.git", NULL));
	assert_error(b, "denied", "submodule 'dep/lib/in'");
	fx_run(f, "test $(ls app.git/modules | wc -l) = 1; grep -q /lib.git "
		  "app.git/modules/*/yardmaster-address");
}

/* A branch became a folder of branches: what was fetched before is not in the way. */
static void a_branch_that_became_a_folder_is_fetched(void **state)
{
	struct fx *f = *state;
	autofree char *head = make(f), *later = NULL;
	autojson json_t *a = NULL, *b = NULL;

	fx_run(f, "git -C lib.git branch rel main");
	a = checkout(f, head, rules(f, "lib.git", "inner.git"));
	assert_true(json_flag(a, "ok"));
	later = fx_sh(f,
		      "cd lib.git; o=$(git -c user.name=U -c user.email=u@example.org commit-tree "
		      "-p main -m more 'main^{tree}'); git branch -D rel >/dev/null; "
		      "git update-ref refs/heads/rel/1 $o; cd ../src; "
		      "git update-index --cacheinfo 160000,$o,dep/lib; git commit -qm later; "
		      "git push -q ../app.git main; git rev-parse HEAD");
	b = checkout(f, later, rules(f, "lib.git", "inner.git"));
	if (!json_flag(b, "ok"))
		fail_msg("%s", json_str(json_object_get(b, "error"), "text", ""));
}

static void what_is_not_there_is_refused(void **state)
{
	static const struct {
		const char *change, *text;
	} rows[] = {
		{"git update-index --cacheinfo "
		 "160000,0123456789012345678901234567890123456789,dep/lib",
		 "commit 0123456789012345678901234567890123456789, which is recorded, is on no "
		 "branch and "
		 "no tag of"},
		{"git rm -q --cached .gitmodules", ".gitmodules has no address for it"},
		{"git config -f .gitmodules submodule.odd.name.path other; git add .gitmodules",
		 ".gitmodules has no address for it"},
		{"git config -f .gitmodules --rename-section submodule.odd.name submodule.../../x; "
		 "git add "
		 ".gitmodules",
		 ".gitmodules has no address for it"},
		{"mv .gitmodules x; ln -s x .gitmodules; git add -A",
		 ".gitmodules has no address for it"},
		{"git config -f .gitmodules submodule.odd.name.url 'ext::touch ran'; git add "
		 ".gitmodules",
		 "its address in .gitmodules is 'ext::touch ran'"},
		{"git config -f .gitmodules submodule.odd.name.url ../gone.git; git add "
		 ".gitmodules",
		 "submodule 'dep/lib'"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autofree char *head = NULL;
		autojson json_t *a = NULL;
		void *own;
		struct fx *f;

		assert_int_equal(fx_setup(&own), 0);
		f = own;
		free(make(f));
		head = fx_sh(f,
			     "cd src; %s; git commit -qm change; git push -q ../app.git main; git "
			     "rev-parse HEAD",
			     rows[i].change);
		a = checkout(f, head, rules(f, "lib.git", "inner.git"));
		if (!strstr(json_str(json_object_get(a, "error"), "text", ""), rows[i].text))
			fail_msg("%s: %s", rows[i].change, json_text(a));
		fx_run(f, "test ! -e ran");
		fx_teardown(&own);
	}
}

/* Over a network: the net role is asked for it, with the credential where that is the forge's. */
static void of_a_network_it_is_asked_for(void **state)
{
	struct fx *f = *state;
	autofree char *head = NULL;
	autojson json_t *a = NULL;
	autojson json_t *b = NULL;
	const json_t *want;
	json_t *r;

	free(make(f));
	head = fx_sh(
		f,
		"cd src; git config -f .gitmodules submodule.odd.name.url ../lib.git; git commit "
		"-qam net --allow-empty; git push -q ../app.git main; git rev-parse HEAD");
	for (int listed = 0; listed < 2; listed++) {
		json_decref(a);
		r = json_pack("{s:s,s:s,s:[s*]}", "own", "https://127.0.0.1:9/o/app.git", "forge",
			      "https://127.0.0.1:9/", "allowed",
			      listed ? "https://127.0.0.1:9/o/lib" : NULL);
		a = checkout(f, head, r);
		assert_string_equal(json_str(a, "outcome", ""), "wants");
		want = json_array_get(json_object_get(a, "fetch"), 0);
		assert_string_equal(json_str(want, "url", ""), "https://127.0.0.1:9/o/lib.git");
		assert_int_equal(json_flag(want, "credential"), listed);
		assert_int_equal(json_array_size(json_object_get(a, "fetch")), 1);
	}
	b = fx_ask(f, "{s:s,s:s,s:s,s:s,s:{s:s,s:s,s:[]},s:[s]}", "op", "checkout", "commit", head,
		   "path", "/nowhere/x", "gitdir", "/nowhere/y", "submodules", "own",
		   "https://127.0.0.1:9/o/app.git", "forge", "https://127.0.0.1:9/", "allowed",
		   "fetched", "https://127.0.0.1:9/o/lib.git");
	assert_error(b, "denied", "is on no branch and no tag of https://127.0.0.1:9/o/lib.git");
	/* What came with the credential is not there for one that may not have it. */
	fx_run(f, "test $(ls app.git/modules | wc -l) = 1");
}

/* ---- agents ---- */

static json_t *task(struct fx *f, const char *op, const char *head, bool keep)
{
	autofree char *path = path_join(f->dir, "run/c1"),
		      *gitdir = path_join(f->dir, "run/c1.git");

	return fx_ask(f,
		      "{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:o,s:b,s:[s],s:[],s:[],s:i,s:i,s:i,s:s,s:"
		      "s,s:s,s:I}",
		      "op", op, "name", "t1", "path", path, "gitdir", gitdir, "branch",
		      "yardmaster/t1", "start", head, "commit", head, "parent", head, "submodules",
		      rules(f, "lib.git", "inner.git"), "keep_files", keep, "allow", "**",
		      "protect", "except", "max_file_bytes", 100000, "max_files", 100, "max_bytes",
		      1000000, "message", "m", "author_name", "A", "author_email", "a@b", "time_ms",
		      (json_int_t)1700000002000);
}

static json_t *commit(struct fx *f, const char *head)
{
	autofree char *path = path_join(f->dir, "run/c1");

	return fx_ask(
		f, "{s:s,s:s,s:s,s:s,s:s,s:s,s:o,s:[s],s:[],s:[],s:i,s:i,s:i,s:s,s:s,s:s,s:I}",
		"op", "worktree-commit", "name", "t1", "path", path, "branch", "yardmaster/t1",
		"parent", head, "base", head, "submodules", rules(f, "lib.git", "inner.git"),
		"allow", "**", "protect", "except", "max_file_bytes", 100000, "max_files", 100,
		"max_bytes", 1000000, "message", "m", "author_name", "A", "author_email", "a@b",
		"time_ms", (json_int_t)1700000002000);
}

static void an_agent_has_them_and_leaves_them_alone(void **state)
{
	static const struct {
		const char *script, *outcome;
	} rows[] = {
		{":", "unchanged"},
		{"touch dep/lib/v; echo x >dep/lib/x.o", "unchanged"},
		{"echo x >README", "committed"},
		{"rm -rf dep/lib; mkdir dep/lib", "unchanged"},
		{"echo x >>dep/lib/v", "refused"},
		{"echo x >dep/lib/new", "refused"},
		{"rm dep/lib/v", "refused"},
		{"echo x >dep/lib/in/i", "refused"},
		{"rm -r dep/lib/in; ln -s /etc dep/lib/in", "refused"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autofree char *head = NULL;
		autojson json_t *a = NULL, *b = NULL;
		void *own;
		struct fx *f;

		assert_int_equal(fx_setup(&own), 0);
		f = own;
		head = make(f);
		a = task(f, "worktree-add", head, false);
		if (!json_flag(a, "ok"))
			fail_msg("%s", json_text(a));
		fx_run(f, "cd run/c1; test \"$(cat dep/lib/in/i)\" = i; %s", rows[i].script);
		b = commit(f, head);
		if (strcmp(json_str(b, "outcome", ""), rows[i].outcome))
			fail_msg("%s: %s", rows[i].script, json_text(b));
		fx_teardown(&own);
	}
}

/* A run left a link on the way to a submodule: nothing is written through it. */
static void nothing_is_written_through_a_link(void **state)
{
	static const char *const scripts[] = {
		"rm -rf dep; ln -s ../../outside dep",
		"rm -rf dep/lib; ln -s ../../../outside/lib dep/lib",
		"rm -rf dep/lib/in; ln -s ../../../../outside/lib/in dep/lib/in",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scripts); i++)
		for (int keep = 0; keep < 2; keep++) {
			autofree char *head = NULL;
			autojson json_t *a = NULL, *b = NULL;
			void *own;
			struct fx *f;

			assert_int_equal(fx_setup(&own), 0);
			f = own;
			head = make(f);
			a = task(f, "worktree-add", head, false);
			assert_true(json_flag(a, "ok"));
			fx_run(f, "mkdir -p outside/lib/in; cd run/c1; %s", scripts[i]);
			b = task(f, "worktree-restore", head, keep);
			if (!json_flag(b, "ok"))
				fail_msg("%s: %s", scripts[i], json_text(b));
			fx_run(f, "test -z \"$(find outside -type f)\"; %s",
			       keep ? ":" : "test -s run/c1/dep/lib/in/i -a ! -L run/c1/dep/lib");
			fx_teardown(&own);
		}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_means_what_git_makes_of_it),
		cmocka_unit_test(others_are_refused),
		FX_TEST(a_gate_has_them),
		FX_TEST(without_rules_folders_are_empty),
		FX_TEST(what_is_not_listed_is_refused),
		FX_TEST(what_is_listed_no_more_is_removed),
		FX_TEST(a_branch_that_became_a_folder_is_fetched),
		cmocka_unit_test(what_is_not_there_is_refused),
		FX_TEST(of_a_network_it_is_asked_for),
		cmocka_unit_test(an_agent_has_them_and_leaves_them_alone),
		cmocka_unit_test(nothing_is_written_through_a_link),
	};

	(void)argc;
	unpriv(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
