/* test_yaml.c - what configuration files may contain, and what they are told otherwise. */
#include "base/buf.h"
#include "base/mem.h"
#include "base/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static int load_n(const char *s, size_t n, struct yaml_doc *d, struct err *err)
{
	return yaml_load("f.yml", s, n, d, err);
}

static void load(const char *s, struct yaml_doc *d)
{
	cleanup(err_release) struct err err = ERR_INIT;

	if (load_n(s, strlen(s), d, &err) < 0)
		fail_msg("%s", err_text(&err));
}

/* The text is refused, and the message has each of the parts. */
static void refused_n(const char *s, size_t n, const char *part, const char *more)
{
	cleanup(err_release) struct err err = ERR_INIT;
	cleanup(yaml_doc_release) struct yaml_doc d = {0};

	assert_int_equal(load_n(s, n, &d, &err), -1);
	if (!strstr(err_text(&err), part) || !strstr(err_text(&err), more))
		fail_msg("'%s' lacks '%s' or '%s'", err_text(&err), part, more);
}

static void refused(const char *s, const char *part, const char *more)
{
	refused_n(s, strlen(s), part, more);
}

static void tree(void **state)
{
	cleanup(yaml_doc_release) struct yaml_doc d = {0};
	const struct yaml_node *n;

	(void)state;
	load("a: 1\nsteps:\n  - run: x\n  - {agent: 'p', gates: [a, \"b\"]}\nz:\n", &d);
	assert_int_equal(d.root->kind, YAML_MAP);
	assert_int_equal(d.root->n, 3);
	n = yaml_get(d.root, "steps");
	assert_int_equal(n->kind, YAML_LIST);
	assert_int_equal(n->line, 2);
	n = yaml_get(n->items[1], "gates");
	assert_string_equal(n->path, "steps[1].gates");
	assert_int_equal(n->line, 4);
	assert_string_equal(n->items[1]->text, "b");
	assert_string_equal(n->items[1]->path, "steps[1].gates[1]");
	assert_true(n->items[1]->quoted);
	assert_false(n->items[0]->quoted);
	assert_int_equal(yaml_get(d.root, "z")->kind, YAML_NULL);
	assert_null(yaml_get(d.root, "nothing"));
	assert_null(yaml_get(NULL, "a"));
	assert_null(yaml_get(yaml_get(d.root, "a"), "a"));
}

static void empty_files(void **state)
{
	static const char *const texts[] = {"",    "\n\n",         "# only a comment\n", "---\n",
					    "~\n", "\xef\xbb\xbf", "\xef\xbb\xbf# x\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		cleanup(yaml_doc_release) struct yaml_doc d = {0};

		load(texts[i], &d);
		assert_int_equal(d.root->kind, YAML_NULL);
	}
}

static void words_stay_text(void **state)
{
	cleanup(yaml_doc_release) struct yaml_doc d = {0};
	cleanup(err_release) struct err err = ERR_INIT;
	bool b = false;

	(void)state;
	load("on: {label: x}\nyes: no\noff: on\nt: true\nf: false\nq: \"true\"\ny: yes\n", &d);
	assert_non_null(yaml_get(d.root, "on"));
	assert_string_equal(yaml_get(d.root, "yes")->text, "no");
	assert_string_equal(yaml_get(d.root, "off")->text, "on");
	assert_int_equal(yaml_bool(&d, yaml_get(d.root, "t"), &b, &err), 0);
	assert_true(b);
	assert_int_equal(yaml_bool(&d, yaml_get(d.root, "f"), &b, &err), 0);
	assert_false(b);
	assert_int_equal(yaml_bool(&d, yaml_get(d.root, "y"), &b, &err), -1);
	assert_string_equal(err_text(&err), "f.yml:7: key 'y': found 'yes'; allowed: true, false");
	assert_int_equal(yaml_bool(&d, yaml_get(d.root, "q"), &b, &err), -1);
	assert_non_null(strstr(err_text(&err), "in quotes"));
}

static void line_ends_and_bom(void **state)
{
	cleanup(yaml_doc_release) struct yaml_doc d = {0}, bom = {0};

	(void)state;
	load("a: 1\r\nb: |\r\n  x\r\n  y\r\nc: [1,\r\n 2]\r\n", &d);
	assert_string_equal(yaml_get(d.root, "b")->text, "x\ny\n");
	assert_int_equal(yaml_get(d.root, "c")->line, 5);
	load("\xef\xbb\xbf"
	     "a: 1\nb: x\n",
	     &bom);
	assert_string_equal(bom.root->keys[0], "a");
	assert_int_equal(yaml_get(bom.root, "b")->line, 2);
}

static void not_yaml(void **state)
{
	(void)state;
	refused("a: 1\n\tb: 2\n", "f.yml:2: ", "found a tab in the indentation; allowed: spaces");
	refused("steps:\n  - a\n\t- b\n", "f.yml:3: ", "tab");
	refused("a: [1\nb: 2\n", "f.yml:2: not YAML", "");
	refused("a: \"x\n", "f.yml:", "not YAML");
	refused("a: b: c\n", "f.yml:1: not YAML", "");
	refused("a: @x\n", "f.yml:1: not YAML", "");
	refused("a: 1\nb: \xff\xfe\n", "f.yml:2: ", "UTF-8");
	refused("a: 1\n\nb: \xed\xa0\x80\n", "f.yml:3: ", "UTF-8");
	refused("a: \xc0\xaf\n", "f.yml:1: ", "UTF-8");
	refused("a: 1\nb: \x1b[31m\n", "f.yml:2: ", "0x1b");
	refused_n("a: 1\nb: x\0y\n", 12, "f.yml:2: ", "NUL");
	refused_n("\xff\xfe"
		  "a\0:\0 \0b\0",
		  10, "f.yml:1: ", "NUL");
	refused("a: \"x\\0y\"\n", "f.yml:1: ", "NUL");
}

static void subset(void **state)
{
	(void)state;
	refused("a: &x 1\n", "f.yml:1: ", "anchor '&x'");
	refused("a: 1\nb: &x [1]\n", "f.yml:2: ", "anchor '&x'");
	refused("a: &x {b: 1}\n", "f.yml:1: ", "anchor '&x'");
	refused("&k a: 1\n", "f.yml:1: ", "anchor '&k'");
	refused("a: 1\nb: *x\n", "f.yml:2: ", "alias '*x'");
	refused("a: !!str 1\n", "f.yml:1: ", "tag");
	refused("a: !x [1]\n", "f.yml:1: ", "tag '!x'");
	refused("a: !!map {}\n", "f.yml:1: ", "tag");
	refused("a: 1\n---\nb: 2\n", "f.yml:2: ", "a second document; allowed: one");
	refused("a: 1\nb: 2\n\"a\": 3\n", "f.yml:3: ", "key 'a': found it twice, first in line 1");
	refused("x:\n  - k: 1\n    k: 2\n", "f.yml:3: ", "key 'x[0].k': found it twice");
	refused("[a]: 1\n", "f.yml:1: ", "a key that is no text");
	refused("? {a: 1}\n: 1\n", "f.yml:1: ", "a key that is no text");
	refused("\"a\\nb\": 1\n", "f.yml:1: ", "control character");
	refused("\"\": 1\n", "f.yml:1: ", "a key of 0 bytes");
	refused("? \n: 1\n", "f.yml:", "a key of 0 bytes");
	refused(": 1\n", "f.yml:1: not YAML", "");
}

/* n times s, between two texts. */
static void repeated(struct buf *b, const char *head, const char *s, int n, const char *end)
{
	buf_reset(b);
	buf_adds(b, head);
	for (int i = 0; i < n; i++)
		buf_adds(b, s);
	buf_adds(b, end);
}

static void limits(void **state)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	cleanup(yaml_doc_release) struct yaml_doc d = {0}, deep = {0}, many = {0};

	(void)state;
	repeated(&b, "# ", "x", (int)YAML_SIZE_MAX - 3, "\n");
	assert_int_equal(b.len, YAML_SIZE_MAX);
	load(b.s, &d);
	buf_addc(&b, '\n');
	refused_n(b.s, b.len, "found 262145 bytes", "at most 262144");

	buf_reset(&b);
	for (int i = 0; i < YAML_DEPTH_MAX - 1; i++)
		buf_addc(&b, '[');
	buf_addc(&b, '1');
	for (int i = 0; i < YAML_DEPTH_MAX - 1; i++)
		buf_addc(&b, ']');
	load(b.s, &deep);
	repeated(&b, "", "[", 10000, "");
	refused(b.s, "more than 32 levels", "");
	repeated(&b, "", "- ", 400, "x");
	refused(b.s, "more than 32 levels", "");
	repeated(&b, "", "{a: ", 400, "");
	refused(b.s, "more than 32 levels", "");

	repeated(&b, "a:\n", "- x\n", YAML_ITEMS_MAX, "");
	load(b.s, &many);
	repeated(&b, "b: 1\na:\n", "- x\n", YAML_ITEMS_MAX + 1, "");
	refused(b.s, "f.yml:2: key 'a'", "more than 1024 entries");
	buf_reset(&b);
	for (int i = 0; i <= YAML_ITEMS_MAX; i++)
		buf_addf(&b, "k%d: x\n", i);
	refused(b.s, "f.yml:1", "more than 1024 entries");
	repeated(&b, "", "- [a,b,c,d,e,f,g,h,i,j]\n", 1000, "");
	refused(b.s, "f.yml:91", "more than 10000 values");

	repeated(&b, "", "k", YAML_KEY_MAX + 1, ": x\n");
	refused(b.s, "a key of 129 bytes", "1 to 128");
}

static void whole_numbers(void **state)
{
	static const char *const bad[] = {
		"x", "1.5", "0x10",  "03",  "1_000", "+1", "1e3", "99999999999999999999",
		"4", "-1",  "\"2\"", "[2]", "",      "{}", "2 3"};
	cleanup(yaml_doc_release) struct yaml_doc good = {0};
	cleanup(err_release) struct err err = ERR_INIT;
	int64_t v = 7;

	(void)state;
	load("a: 3\nb: -3\nc: 0\n", &good);
	assert_int_equal(yaml_int(&good, yaml_get(good.root, "a"), 1, 3, &v, &err), 0);
	assert_int_equal(v, 3);
	assert_int_equal(yaml_int(&good, yaml_get(good.root, "b"), -3, 3, &v, &err), 0);
	assert_int_equal(v, -3);
	assert_int_equal(yaml_int(&good, yaml_get(good.root, "none"), 1, 3, &v, &err), 0);
	assert_int_equal(v, -3);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		cleanup(yaml_doc_release) struct yaml_doc d = {0};
		autofree char *text = xasprintf("n: %s\n", bad[i]);

		load(text, &d);
		assert_int_equal(yaml_int(&d, yaml_get(d.root, "n"), 0, 3, &v, &err), -1);
		assert_non_null(strstr(err_text(&err), "f.yml:1: key 'n': found "));
		assert_non_null(strstr(err_text(&err), "a whole number from 0 to 3"));
	}
	assert_int_equal(v, -3);
}

static void texts_and_lists(void **state)
{
	cleanup(yaml_doc_release) struct yaml_doc d = {0};
	cleanup(err_release) struct err err = ERR_INIT;
	cleanup(strvec_release) struct strvec v = STRVEC_INIT;
	autofree char *s = NULL;

	(void)state;
	load("a: x\nl: [p, true, 3]\nn:\nm: {}\nmix: [a, [b]]\nnull_in: [a, ~]\ne: []\n", &d);
	assert_int_equal(yaml_str(&d, yaml_get(d.root, "a"), &s, &err), 0);
	assert_string_equal(s, "x");
	assert_int_equal(yaml_str(&d, yaml_get(d.root, "n"), &s, &err), -1);
	assert_string_equal(err_text(&err), "f.yml:3: key 'n': found nothing; allowed: a text");
	assert_int_equal(yaml_strs(&d, yaml_get(d.root, "a"), &v, &err), 0);
	assert_int_equal(yaml_strs(&d, yaml_get(d.root, "l"), &v, &err), 0);
	assert_int_equal(yaml_strs(&d, yaml_get(d.root, "e"), &v, &err), 0);
	assert_int_equal(v.n, 4);
	assert_string_equal(v.v[2], "true");
	assert_int_equal(yaml_strs(&d, yaml_get(d.root, "n"), &v, &err), -1);
	assert_non_null(strstr(err_text(&err), "found nothing"));
	assert_int_equal(yaml_strs(&d, yaml_get(d.root, "m"), &v, &err), -1);
	assert_non_null(strstr(err_text(&err), "found a mapping; allowed: a list"));
	assert_int_equal(yaml_strs(&d, yaml_get(d.root, "mix"), &v, &err), -1);
	assert_non_null(strstr(err_text(&err), "key 'mix[1]': found a list; allowed: a text"));
	assert_int_equal(yaml_strs(&d, yaml_get(d.root, "null_in"), &v, &err), -1);
	assert_int_equal(v.n, 4);
	assert_int_equal(yaml_must_map(&d, yaml_get(d.root, "n"), &err), 0);
	assert_int_equal(yaml_must_map(&d, yaml_get(d.root, "l"), &err), -1);
	assert_int_equal(yaml_must_list(&d, yaml_get(d.root, "n"), &err), -1);
	assert_int_equal(yaml_must_list(&d, yaml_get(d.root, "l"), &err), 0);
}

static void unknown_keys(void **state)
{
	static const char *const keys[] = {"agents", "data", "limits", NULL};
	static const char *const words[] = {"merge", "rebase", "squash", NULL};
	cleanup(yaml_doc_release) struct yaml_doc d = {0};
	cleanup(err_release) struct err err = ERR_INIT;
	int i = 9;

	(void)state;
	load("q:\n  data: 1\n  limit: 2\nw: {xyzzy: 1}\nm: rebse\nk: squash\nl: [a]\n", &d);
	assert_int_equal(yaml_only(&d, yaml_get(d.root, "q"), keys, &err), -1);
	assert_string_equal(err_text(&err),
			    "f.yml:3: key 'q.limit': found an unknown key, did you mean 'limits'?; "
			    "allowed: agents, data, limits");
	assert_int_equal(yaml_only(&d, yaml_get(d.root, "w"), keys, &err), -1);
	assert_string_equal(err_text(&err), "f.yml:4: key 'w.xyzzy': found an unknown key; "
					    "allowed: agents, data, limits");
	assert_int_equal(yaml_enum(&d, yaml_get(d.root, "m"), words, &i, &err), -1);
	assert_string_equal(err_text(&err), "f.yml:5: key 'm': found 'rebse', did you mean "
					    "'rebase'?; allowed: merge, rebase, squash");
	assert_int_equal(yaml_enum(&d, yaml_get(d.root, "l"), words, &i, &err), -1);
	assert_int_equal(i, 9);
	assert_int_equal(yaml_enum(&d, yaml_get(d.root, "k"), words, &i, &err), 0);
	assert_int_equal(i, 2);
}

static void money(void **state)
{
	static const struct {
		const char *text;
		int64_t microusd; /* -1: refused */
	} cases[] = {
		{"5", 5000000},       {"0.25", 250000},  {"0", 0},
		{"\"1.5\"", 1500000}, {"0.000001", 1},   {"1000000", 1000000000000},
		{"1000001", -1},      {"0.0000001", -1}, {".5", -1},
		{"5.", -1},           {"$5", -1},        {"-1", -1},
		{"1,5", -1},          {"5 usd", -1},     {"[5]", -1},
		{"99999999999", -1},  {"", -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup(yaml_doc_release) struct yaml_doc d = {0};
		cleanup(err_release) struct err err = ERR_INIT;
		autofree char *text = xasprintf("c: %s\n", cases[i].text);
		int64_t v = -1;
		int rc;

		load(text, &d);
		rc = yaml_money(&d, yaml_get(d.root, "c"), &v, &err);
		assert_int_equal(rc, cases[i].microusd < 0 ? -1 : 0);
		assert_int_equal(v, cases[i].microusd);
	}
}

/* A message quotes what was found on one line, and not all of a long one. */
static void found_is_short(void **state)
{
	cleanup(yaml_doc_release) struct yaml_doc d = {0};
	cleanup(err_release) struct err err = ERR_INIT;
	autofree char *s = NULL;
	bool b;

	(void)state;
	load("a: \"x\\ny\\e[0m\"\nb: ääääääääääääääääääääääääääääääääääääääääääääääää\n", &d);
	s = yaml_found(yaml_get(d.root, "a"));
	assert_string_equal(s, "'x y [0m'");
	assert_int_equal(yaml_bool(&d, yaml_get(d.root, "b"), &b, &err), -1);
	assert_non_null(strstr(err_text(&err), "ää…'"));
	assert_null(strstr(err_text(&err), "\xc3…"));
}

static void shared_reads(void **state)
{
	cleanup(yaml_doc_release) struct yaml_doc d = {0};
	cleanup(err_release) struct err err = ERR_INIT;
	cleanup(strvec_release) struct strvec v = STRVEC_INIT;
	autofree char *s = NULL;
	bool host = false;

	(void)state;
	load("n: bug-fix2\nbad: Bug\nlong: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
	     "two: \"a\\nb\"\nc: [make, ' ']\nok: make check\ng: ['src/**', '/etc']\nnet: all\n"
	     "net2: host\n",
	     &d);
	assert_int_equal(yaml_name(&d, yaml_get(d.root, "n"), &s, &err), 0);
	assert_string_equal(s, "bug-fix2");
	assert_int_equal(yaml_name(&d, yaml_get(d.root, "bad"), &s, &err), -1);
	assert_int_equal(yaml_name(&d, yaml_get(d.root, "long"), &s, &err), -1);
	assert_int_equal(yaml_line(&d, yaml_get(d.root, "two"), 50, &s, &err), -1);
	assert_int_equal(yaml_commands(&d, yaml_get(d.root, "c"), &v, &err), -1);
	assert_non_null(strstr(err_text(&err), "f.yml:5: key 'c[1]': found an empty command"));
	assert_int_equal(v.n, 0);
	assert_int_equal(yaml_commands(&d, yaml_get(d.root, "ok"), &v, &err), 0);
	assert_string_equal(v.v[0], "make check");
	assert_int_equal(yaml_globs(&d, yaml_get(d.root, "g"), &v, &err), -1);
	assert_non_null(strstr(err_text(&err), "f.yml:7: key 'g[1]': found '/etc'"));
	assert_int_equal(yaml_network(&d, yaml_get(d.root, "net"), &host, &err), -1);
	assert_int_equal(yaml_network(&d, yaml_get(d.root, "net2"), &host, &err), 0);
	assert_true(host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tree),
		cmocka_unit_test(empty_files),
		cmocka_unit_test(words_stay_text),
		cmocka_unit_test(line_ends_and_bom),
		cmocka_unit_test(not_yaml),
		cmocka_unit_test(subset),
		cmocka_unit_test(limits),
		cmocka_unit_test(whole_numbers),
		cmocka_unit_test(texts_and_lists),
		cmocka_unit_test(unknown_keys),
		cmocka_unit_test(money),
		cmocka_unit_test(found_is_short),
		cmocka_unit_test(shared_reads),
	};

	return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
