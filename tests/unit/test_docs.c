/*
 * test_docs.c - README.md and contrib/doc say nothing that is easily seen to be untrue: links and file names lead
 * somewhere, commands and their options are those of the parser, examples of configuration load, and what is listed
 * there from a table of the program is all of it. Run from the root of the source, as the build does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/strvec.h"
#include "blueprint/blueprint.h"
#include "bot/command.h"
#include "bot/conf_daemon.h"
#include "bot/conf_repo.h"
#include "cli/parse.h"
#include "forge/github_app.h"
#include "sys/fs.h"

#include <ctype.h>
#include <glob.h>
#include <string.h>

#define DOC_MAX ((size_t)1 << 20)
#define FENCE   "```"

/* --- the documents -------------------------------------------------------------------------------- */

struct code {
	char *info; /* behind the fence: "yaml yardmaster.yml"; "": indented lines */
	struct buf text;
};

struct doc {
	const char *path;
	struct buf all, prose; /* prose: without the lines of code */
	struct code *v;
	size_t n;
};

static int wrong; /* found by the test that runs */

#define complain(d, ...)                                                                           \
	do {                                                                                       \
		autofree char *said = xasprintf(__VA_ARGS__);                                      \
		print_message("# %s: %s\n", (d)->path, said);                                      \
		wrong++;                                                                           \
	} while (0)

static void add_code(struct doc *d, const char *info, size_t len)
{
	d->v = xrealloc(d->v, (d->n + 1) * sizeof(*d->v));
	d->v[d->n++] = (struct code){xstrndup(info, len), BUF_INIT};
}

/* A fence may stand inside a list: its own indentation is taken off. */
static void split(struct doc *d)
{
	bool fenced = false, code = false;
	size_t indent = 0;

	for (const char *line = d->all.s, *end; *line; line = end + (*end == '\n')) {
		size_t blank = strspn(line, " "), len;

		end = line + strcspn(line, "\n");
		len = (size_t)(end - line);
		if (len >= blank + 3 && !strncmp(line + blank, FENCE, 3)) {
			if (!fenced)
				add_code(d, line + blank + 3, len - blank - 3);
			fenced = !fenced;
			indent = blank;
			code = false;
		} else if (fenced) {
			size_t cut = blank < indent ? blank : indent;

			buf_addf(&d->v[d->n - 1].text, "%.*s\n", (int)(len - cut), line + cut);
		} else if (blank >= 4 && len > blank) {
			if (!code)
				add_code(d, "", 0);
			code = true;
			buf_addf(&d->v[d->n - 1].text, "%.*s\n", (int)(len - blank), line + blank);
		} else {
			code = false;
			buf_addf(&d->prose, "%.*s\n", (int)len, line);
		}
	}
}

static void doc_read(const char *path, struct doc *d)
{
	struct err err = ERR_INIT;

	*d = (struct doc){.path = path, .all = BUF_INIT, .prose = BUF_INIT};
	if (fs_read(path, DOC_MAX, &d->all, &err) < 0)
		fail_msg("%s", err_text(&err));
	split(d);
}

static void doc_release(struct doc *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->v[i].info);
		buf_release(&d->v[i].text);
	}
	free(d->v);
	buf_release(&d->all);
	buf_release(&d->prose);
}

static void files(const char *pattern, struct strvec *ret)
{
	glob_t g;

	assert_int_equal(glob(pattern, 0, NULL, &g), 0);
	for (size_t i = 0; i < g.gl_pathc; i++)
		strvec_push(ret, g.gl_pathv[i]);
	globfree(&g);
}

static void each_doc(void (*fn)(struct doc *d))
{
	cleanup(strvec_release) struct strvec paths = STRVEC_INIT;

	strvec_push(&paths, "README.md");
	files("contrib/doc/*.md", &paths);
	files("contrib/doc/decisions/*.md", &paths);
	wrong = 0;
	strvec_foreach (&paths, path) {
		struct doc d;

		doc_read(*path, &d);
		fn(&d);
		doc_release(&d);
	}
	assert_int_equal(wrong, 0);
}

/* What stands between backticks in the prose, one after the other; *at begins at 0. Caller frees. */
static char *next_span(const struct doc *d, size_t *at)
{
	const char *from = strchr(d->prose.s + *at, '`'), *to = from ? strchr(from + 1, '`') : NULL;
	char *s;

	if (!to)
		return NULL;
	*at = (size_t)(to + 1 - d->prose.s);
	s = xstrndup(from + 1, (size_t)(to - from - 1));
	for (char *c = s; *c; c++)
		if (*c == '\n')
			*c = ' ';
	return s;
}

/* --- links and files -------------------------------------------------------------------------------- */

static void links_of(struct doc *d)
{
	const char *slash = strrchr(d->path, '/');
	int folder = slash ? (int)(slash + 1 - d->path) : 0;

	for (const char *s = d->prose.s; (s = strstr(s, "](")); s += 2) {
		autofree char *to =
			xasprintf("%.*s%.*s", folder, d->path, (int)strcspn(s + 2, ")#"), s + 2);

		if (!strncmp(s + 2, "http", 4))
			continue;
		if (!fs_exists(to))
			complain(d, "the link to %s leads nowhere", to);
	}
}

static void links_lead_somewhere(void **state)
{
	(void)state;
	each_doc(links_of);
}

static bool is_file_name(const char *s)
{
	static const char *const roots[] = {"daemon/", "hooks/", "blueprints/", "tests/",
					    "contrib/"};

	for (size_t i = 0; i < ARRAY_LEN(roots); i++)
		if (!strncmp(s, roots[i], strlen(roots[i])))
			return !strpbrk(s, " *{") && !strstr(s, "NAME");
	return false;
}

static void files_of(struct doc *d)
{
	size_t at = 0;

	for (char *s; (s = next_span(d, &at)); free(s))
		if (is_file_name(s) && !fs_exists(s))
			complain(d, "there is no file %s", s);
}

static void named_files_are_there(void **state)
{
	(void)state;
	each_doc(files_of);
}

static void linked_from(const char *index, const char *pattern, size_t cut)
{
	cleanup(strvec_release) struct strvec paths = STRVEC_INIT;
	struct doc d;

	doc_read(index, &d);
	files(pattern, &paths);
	wrong = 0;
	strvec_foreach (&paths, path) {
		autofree char *link = xasprintf("](%s)", *path + cut);

		if (strcmp(*path, index) != 0 && !strstr(d.prose.s, link))
			complain(&d, "no link to %s", *path);
	}
	doc_release(&d);
	assert_int_equal(wrong, 0);
}

static void every_document_is_found(void **state)
{
	(void)state;
	linked_from("README.md", "contrib/doc/*.md", 0);
	linked_from("contrib/doc/decisions/README.md", "contrib/doc/decisions/*.md",
		    strlen("contrib/doc/decisions/"));
}

/* --- commands --------------------------------------------------------------------------------------- */

/* The words of the first command of a shell line: quotes are taken off. Returns where the rest begins. */
static const char *shell_words(const char *s, struct strvec *ret)
{
	while (*s && *s != '\n') {
		cleanup(buf_release) struct buf word = BUF_INIT;

		s += strspn(s, " \t");
		if (*s == '#')
			return s + strcspn(s, "\n");
		if (strchr(";|&<>\n", *s)) /* the end of the text, too */
			return *s && *s != '\n' ? s + 1 : s;
		while (*s && !strchr(" \t;|&<>\n", *s)) {
			size_t n = *s == '\'' || *s == '"' ? strcspn(s + 1, (char[]){*s, 0}) : 0;

			buf_addf(&word, "%.*s", n ? (int)n : 1, n ? s + 1 : s);
			s += n ? n + 2 : 1;
		}
		strvec_push(ret, word.s);
	}
	return s;
}

static void parse_words(struct doc *d, const struct strvec *words)
{
	const struct cli_group *group = NULL;
	struct cli_call call = {0};
	cleanup(err_release) struct err err = ERR_INIT;
	enum cli_wish wish;
	size_t skip = 0;

	if (words->n > 3 && !strcmp(words->v[0], "sudo")) /* sudo -u USER */
		skip = 3;
	if (words->n <= skip || strcmp(words->v[skip], "yardmaster") != 0)
		return;
	if (cli_parse((int)(words->n - skip), words->v + skip, &call, &group, &wish, &err) < 0) {
		autofree char *line = strvec_join(words, " ");

		complain(d, "%s: %s", line, err_text(&err));
	}
	cli_call_release(&call);
}

static void commands_of(struct doc *d)
{
	for (size_t i = 0; i < d->n; i++)
		for (const char *s = d->v[i].text.s; s && *s; s += *s == '\n') {
			cleanup(strvec_release) struct strvec words = STRVEC_INIT;

			s += strncmp(s, "$ ", 2) ? 0 : 2;
			s = shell_words(s, &words);
			parse_words(d, &words);
		}
}

static void commands_of_code_are_understood(void **state)
{
	(void)state;
	each_doc(commands_of);
}

static bool has_option(const struct cli_opt *o, const char *word)
{
	for (; o && o->name; o++)
		if (!strcmp(word + 2, o->name))
			return true;
	return false;
}

/* In a sentence the arguments are words like N and FILE: only the command and its options are looked at. */
static void sentence_of(struct doc *d, const struct strvec *w)
{
	const char *first = w->n > 1 && *w->v[1] != '-' ? w->v[1] : NULL;
	const struct cli_command *c = first ? cli_command_find(first, NULL) : NULL;

	if (first && !c && w->n > 2)
		c = cli_command_find(first, w->v[2]);
	if (first && !c && !(w->n == 2 && cli_group_find(first)))
		complain(d, "`yardmaster %s %s` is no command", first, w->n > 2 ? w->v[2] : "");
	for (size_t i = 1; i < w->n; i++)
		if (!strncmp(w->v[i], "--", 2) && !has_option(cli_global_opts, w->v[i]) &&
		    !(c && has_option(c->opts, w->v[i])))
			complain(d, "`yardmaster %s` has no option %s", first ? first : "",
				 w->v[i]);
}

static void sentences_of(struct doc *d)
{
	size_t at = 0;

	for (char *s; (s = next_span(d, &at)); free(s)) {
		cleanup(strvec_release) struct strvec words = STRVEC_INIT;

		shell_words(s, &words);
		if (words.n > 1 && !strcmp(words.v[0], "yardmaster"))
			sentence_of(d, &words);
	}
}

static void commands_in_sentences_exist(void **state)
{
	(void)state;
	each_doc(sentences_of);
}

/* --- examples of configuration ---------------------------------------------------------------------- */

static int prompt(void *arg, const char *path, struct buf *ret, struct err *err)
{
	(void)arg;
	(void)err;
	buf_adds(ret, path);
	return 0;
}

static int load_daemon(const char *text, struct err *err)
{
	cleanup(conf_daemon_release) struct conf_daemon c = {0};

	return conf_daemon_load("/etc/y.yml", text, strlen(text), "/var/lib/y", &c, err);
}

static int load_repo(const char *text, struct err *err)
{
	cleanup(conf_repo_release) struct conf_repo c = {0};

	return conf_repo_load("y.yml", text, strlen(text), &c, err);
}

static int load_blueprint(const char *text, struct err *err)
{
	cleanup(blueprint_release) struct blueprint bp = {0};

	return blueprint_load("b.yml", text, strlen(text), prompt, NULL, &bp, err);
}

static void examples_of(struct doc *d)
{
	static const struct {
		const char *info;
		int (*load)(const char *text, struct err *err);
	} kinds[] = {{"yaml yardmaster.yml", load_daemon},
		     {"yaml .github/yardmaster.yml", load_repo},
		     {"yaml blueprint", load_blueprint}};

	for (size_t i = 0; i < d->n; i++) {
		bool known = strncmp(d->v[i].info, "yaml", 4) != 0;

		for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
			cleanup(err_release) struct err err = ERR_INIT;

			if (strcmp(d->v[i].info, kinds[k].info) != 0)
				continue;
			known = true;
			if (kinds[k].load(d->v[i].text.s, &err) < 0)
				complain(d, "an example does not load: %s", err_text(&err));
		}
		if (!known)
			complain(d, "'%s': whose file is this an example of?", d->v[i].info);
	}
}

static void examples_load(void **state)
{
	(void)state;
	each_doc(examples_of);
}

/* --- lists that have to be whole -------------------------------------------------------------------- */

static void has(const char *path, const char *text)
{
	struct doc d;

	doc_read(path, &d);
	if (!strstr(d.prose.s, text))
		complain(&d, "%s is not in it", text);
	doc_release(&d);
}

static void tables_are_whole(void **state)
{
	(void)state;
	wrong = 0;
	for (size_t i = 0; i < CMD_COUNT; i++) {
		autofree char *row = xasprintf("| `/yard %s", command_table[i].name);

		has("contrib/doc/queue.md", row);
	}
	for (const struct github_need *n = github_needs; n->permission; n++) {
		autofree char *row = xasprintf("| `%s` | %s |", n->permission, n->level);

		has("contrib/doc/github.md", row);
	}
	for (const char *const *e = github_app_events; *e; e++) {
		autofree char *word = xasprintf("`%s`", *e);

		has("contrib/doc/github.md", word);
	}
	assert_int_equal(wrong, 0);
}

/* What the sources have between `before` and `behind` stands between two other texts in a document. */
struct quoted {
	const char *sources, *before, *behind, *doc, *left, *right;
};

static void from_sources(const struct quoted *q)
{
	cleanup(strvec_release) struct strvec paths = STRVEC_INIT;
	int n = 0;

	files(q->sources, &paths);
	strvec_foreach (&paths, path) {
		struct doc d;

		doc_read(*path, &d);
		for (const char *s = d.all.s; (s = strstr(s, q->before));) {
			autofree char *row = NULL;
			int len;

			s += strlen(q->before);
			len = (int)strcspn(s, "\"");
			if (strncmp(s + len, q->behind, strlen(q->behind)) != 0)
				continue;
			row = xasprintf("%s%.*s%s", q->left, len, s, q->right);
			has(q->doc, row);
			n++;
		}
		doc_release(&d);
	}
	if (!n)
		fail_msg("%s has no %s any more", q->sources, q->before);
}

static void what_the_sources_say_is_there(void **state)
{
	static const struct quoted list[] = {
		{"daemon/bot/*.c", "bot_notify(b, \"", "\"", "contrib/doc/operations.md", "| `",
		 "` |"},
		{"daemon/bot/*.c", "bot_notify(x->bot, \"", "\"", "contrib/doc/operations.md",
		 "| `", "` |"},
		{"daemon/bot/*.c", "bot_notify(c->bot, \"", "\"", "contrib/doc/operations.md",
		 "| `", "` |"},
		{"daemon/bot/runs_env.c", "\"YARDMASTER_", "\"", "contrib/doc/agents.md",
		 "`YARDMASTER_", "`"},
		{"daemon/forge/github_rule.c", "\t{\"", "\", GITHUB_RULE_", "contrib/doc/github.md",
		 "`", "`"},
	};

	(void)state;
	wrong = 0;
	for (size_t i = 0; i < ARRAY_LEN(list); i++)
		from_sources(&list[i]);
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links_lead_somewhere),
		cmocka_unit_test(named_files_are_there),
		cmocka_unit_test(every_document_is_found),
		cmocka_unit_test(commands_of_code_are_understood),
		cmocka_unit_test(commands_in_sentences_exist),
		cmocka_unit_test(examples_load),
		cmocka_unit_test(tables_are_whole),
		cmocka_unit_test(what_the_sources_say_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
