/* test_command.c - `/yard …` in comments: what counts as a command, and what is answered else. */
#include "base/buf.h"
#include "base/mem.h"
#include "bot/allowed.h"
#include "bot/command.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct commands parse(const char *s)
{
	struct commands cs;

	commands_parse(s, strlen(s), "ym-bot", &cs);
	return cs;
}

/* The names of the commands in a comment, "?" for a problem, joined by spaces. */
static char *names(const char *s)
{
	struct commands cs = parse(s);
	cleanup(buf_release) struct buf b = BUF_INIT;

	for (size_t i = 0; i < cs.n; i++)
		buf_addf(&b, "%s%s", i ? " " : "", cs.v[i].def ? cs.v[i].def->name : "?");
	commands_release(&cs);
	return buf_steal(&b);
}

/* Who may do what, and which key of `github.permissions` says otherwise. */
static void test_permissions(void **state)
{
	static const struct {
		enum command_id id;
		enum command_perm perm;
		enum conf_allow key;
	} rows[] = {
		{CMD_RUN, PERM_WRITE, CONF_ALLOW_RUN},
		{CMD_CANCEL, PERM_WRITE, CONF_ALLOW_RUN},
		{CMD_RETRY, PERM_WRITE, CONF_ALLOW_RUN},
		{CMD_SAY, PERM_WRITE, CONF_ALLOW_RUN},
		{CMD_RESOLVE, PERM_WRITE, CONF_ALLOW_RUN},
		{CMD_STATUS, PERM_READ, CONF_ALLOW_NONE},
		{CMD_WHY, PERM_READ, CONF_ALLOW_NONE},
		{CMD_QUEUE, PERM_WRITE, CONF_ALLOW_QUEUE},
		{CMD_DEQUEUE, PERM_WRITE, CONF_ALLOW_QUEUE},
		{CMD_HOLD, PERM_WRITE, CONF_ALLOW_QUEUE},
		{CMD_UNHOLD, PERM_WRITE, CONF_ALLOW_QUEUE},
		{CMD_DEPENDS, PERM_WRITE, CONF_ALLOW_QUEUE},
		{CMD_UNDEPEND, PERM_WRITE, CONF_ALLOW_QUEUE},
		{CMD_HALT, PERM_WRITE, CONF_ALLOW_HALT},
		{CMD_FREEZE, PERM_MAINTAIN, CONF_ALLOW_FREEZE},
		{CMD_THAW, PERM_MAINTAIN, CONF_ALLOW_FREEZE},
		{CMD_RESUME, PERM_MAINTAIN, CONF_ALLOW_RESUME},
	};

	(void)state;
	assert_int_equal(ARRAY_LEN(rows), CMD_COUNT);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(command_table[rows[i].id].perm, rows[i].perm);
		assert_int_equal(allowed_key(rows[i].id), rows[i].key);
	}
}

static void test_table(void **state)
{
	(void)state;
	for (int i = 0; i < CMD_COUNT; i++) {
		const struct command_def *d = &command_table[i];
		size_t n = strlen(d->name);

		assert_int_equal(d->id, i);
		assert_int_equal(strncmp(d->usage, d->name, n), 0);
		assert_true(d->usage[n] == ' ' || d->usage[n] == '\0');
		assert_true(*d->help && d->where && d->syntax);
	}
	assert_string_equal(command_perm_name(PERM_MAINTAIN), "maintain");
}

struct where_case {
	const char *comment;
	const char *expected;
};

static const struct where_case where_cases[] = {
	{"/yard status", "status"},
	{"/yard\tstatus\n", "status"},
	{"/yard\xc2\xa0status", "status"},
	{"/yard Status", "status"},
	{"hello\n\n/yard status\nbye", "status"},
	{"/yard queue\r\n/yard why\r\n", "queue why"},
	{"/yard queue\r/yard why", "queue why"},
	{"@ym-bot status", "status"},
	{"@YM-Bot status", "status"},
	{"@ym-bots status", ""},
	{"@other status", ""},
	{"/yardmaster status", ""},
	{"/yards", ""},
	{" /yard status", ""},
	{"please /yard status", ""},
	{"- /yard status", ""},
	{"`/yard status`", ""},
	/* quotes, as forges and mail programs write them */
	{"> /yard status", ""},
	{">/yard status", ""},
	{"> > /yard status\n>> /yard why", ""},
	{"/yard why\n\nOn Fri, Nov 20, 2026, Ann <ann@x.org> wrote:\n> /yard halt\n>\n> /yard run "
	 "x\n",
	 "why"},
	{"> a\n/yard why", "why"},
	{"- a\n/yard why\n- b", "why"},
	{"- > a\n  > /yard status\n/yard why", "why"},
	{"/yard why\n---\nsent from my phone", "why"},
	{"[a]: /b\n/yard why", "why"},
	/* code */
	{"a `code\n/yard status\nb` c\n/yard why", "why"},
	{"- a\n\n      /yard status\n/yard why", "why"},
	{"- ```\n/yard why\n", "why"},
	{"    /yard status\n\t/yard why", ""},
	{"```\n/yard status\n```\n/yard why", "why"},
	{"```sh\n/yard status\n", ""},
	{"~~~\n/yard status\n```\n/yard status\n~~~\n/yard why", "why"},
	{"````\n```\n/yard status\n````\n/yard why", "why"},
	{"```\n/yard status\n``` x\n/yard status\n", ""},
	{"```inline``` text\n/yard why", "why"},
	{"   ```\n/yard status\n   ```\n/yard why", "why"},
	{"    ```\n/yard why", "why"},
	/* HTML comments */
	{"<!-- /yard status -->\n/yard why", "why"},
	{"<!--\n/yard status\n-->\n/yard why", "why"},
	{"text <!--\n/yard status\n--> more\n/yard why", "why"},
	{"<!--\n/yard status\n", ""},
	{"the sign <!-- opens\n/yard why", "why"},
	{"<!--\n```\n-->\n/yard why", "why"},
	{"```\n<!--\n```\n/yard why", "why"},
	{"<details>\n<!--\n\n/yard status\n-->\n/yard why\n</details>", "why"},
	{"<details>\n/yard why\n</details>", "why"},
	{"<pre>\n/yard status\n</pre>\n/yard why", "why"},
	/* problems */
	{"/yard", "?"},
	{"/yard   ", "?"},
	{"/yard help", "?"},
	{"/yard quue", "?"},
	{"@ym-bot thanks!", "?"},
	{"", ""},
	{"\n\n\n", ""},
};

static void test_where_a_command_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(where_cases); i++) {
		autofree char *got = names(where_cases[i].comment);

		if (strcmp(got, where_cases[i].expected) != 0)
			fail_msg("'%s': found '%s', expected '%s'", where_cases[i].comment, got,
				 where_cases[i].expected);
	}
}

static void test_no_handle(void **state)
{
	struct commands cs;

	(void)state;
	commands_parse("@ status\n@ym-bot why\n/yard status", 34, NULL, &cs);
	assert_int_equal(cs.n, 1);
	assert_int_equal(cs.v[0].line, 3);
	commands_release(&cs);
	commands_parse("@ status", 8, "", &cs);
	assert_int_equal(cs.n, 0);
	commands_release(&cs);
}

struct problem_case {
	const char *comment;
	const char *part;
};

static const struct problem_case problem_cases[] = {
	{"/yard quue", "unknown command 'quue'; did you mean 'queue'? (queue [SHA]"},
	{"/yard unhodl", "did you mean 'unhold'"},
	{"/yard reusme", "did you mean 'resume'"},
	{"/yard xylophone", "known are run, cancel, retry"},
	{"/yard \xc3\xbc"
	 "ber",
	 "unknown command '\xc3\xbc"
	 "ber'"},
	{"/yard a\x1b[1m`b", "unknown command 'a?[1m?b'"},
	{"/yard", "`/yard run <blueprint>"},
	{"/yard help", "(maintain)"},
	{"/yard run", "'run' needs a blueprint; usage: run <blueprint>"},
	{"/yard run a b", "'b': one word too many for 'run'"},
	{"/yard run ../x", "blueprint: found '../x'"},
	{"/yard run bugfix agnet=x", "unknown option 'agnet='; did you mean 'agent='?"},
	{"/yard run bugfix colour=x", "unknown option 'colour='; usage: run"},
	{"/yard run bugfix agent=a agent=b", "'agent=': found twice"},
	{"/yard run bugfix agent=", "option 'agent=': found ''"},
	{"/yard run bugfix scope=/abs", "option 'scope=': found '/abs'"},
	{"/yard run bugfix scope=\"a b", "double quote is not closed"},
	{"/yard retry rounds=0", "found '0'; expected a number from 1 to 10"},
	{"/yard retry rounds=11", "found '11'"},
	{"/yard retry rounds=99999999999999999999", "expected a number from 1 to 10"},
	{"/yard retry rounds=2x", "found '2x'"},
	{"/yard retry 5", "one word too many for 'retry'; usage: retry [rounds=N]"},
	{"/yard queue abc123", "commit: found 'abc123'; expected a commit"},
	{"/yard queue abcdefg", "expected a commit, as 7 to 64 hexadecimal digits"},
	{"/yard queue 0123456789012345678901234567890123456789012345678901234567890abcd",
	 "expected a commit"},
	{"/yard queue 1234567 1234567", "one word too many"},
	{"/yard queue priority=101", "from -100 to 100"},
	{"/yard queue priority=-", "from -100 to 100"},
	{"/yard say", "'say' needs a text"},
	{"/yard say  \n \n", "'say' needs a text"},
	{"/yard depends", "'depends' needs a pull request"},
	{"/yard depends #0", "found '#0'"},
	{"/yard depends #-1", "found '#-1'"},
	{"/yard depends #12x", "found '#12x'"},
	{"/yard depends #99999999999", "found '#99999999999'"},
	{"/yard depends a/b/c#1", "found 'a/b/c#1'"},
	{"/yard depends none", "'depends' needs a pull request"},
	{"/yard depends #1 later", "found 'later'"},
	{"/yard undepend", "'undepend' needs a pull request"},
	{"/yard depends https://x.org/pull/1", "found 'https"},
	{"/yard depends https://x.org", "found 'https"},
	{"/yard cancel now", "'now': one word too many for 'cancel'"},
	{"/yard why rounds=1", "unknown option 'rounds='"},
};

static void test_problems_say_what_is_allowed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(problem_cases); i++) {
		const struct problem_case *pc = &problem_cases[i];
		struct commands cs = parse(pc->comment);

		assert_int_equal(cs.n, 1);
		if (cs.v[0].def || !cs.v[0].problem || !strstr(cs.v[0].problem, pc->part))
			fail_msg("'%s': '%s' lacks '%s'", pc->comment, cs.v[0].problem, pc->part);
		commands_release(&cs);
	}
}

static void test_run(void **state)
{
	struct commands cs = parse("/yard run bugfix scope=\"a dir/**\" agent=claude scope=src/**");

	(void)state;
	assert_int_equal(cs.n, 1);
	assert_ptr_equal(cs.v[0].def, &command_table[CMD_RUN]);
	assert_null(cs.v[0].problem);
	assert_string_equal(cs.v[0].blueprint, "bugfix");
	assert_string_equal(cs.v[0].agent, "claude");
	assert_int_equal(cs.v[0].scopes.n, 2);
	assert_string_equal(cs.v[0].scopes.v[0], "a dir/**");
	assert_string_equal(cs.v[0].scopes.v[1], "src/**");
	assert_string_equal(cs.v[0].source,
			    "/yard run bugfix scope=\"a dir/**\" agent=claude scope=src/**");
	commands_release(&cs);
}

static void test_queue(void **state)
{
	struct commands cs = parse("/yard queue priority=-7 ABCDEF0\n/yard queue\n"
				   "/yard queue priority=+5\n/yard queue \"1234567\"");

	(void)state;
	assert_int_equal(cs.n, 4);
	assert_string_equal(cs.v[0].sha, "abcdef0");
	assert_int_equal(cs.v[0].priority, -7);
	assert_ptr_equal(cs.v[1].def, &command_table[CMD_QUEUE]);
	assert_null(cs.v[1].sha);
	assert_int_equal(cs.v[1].line, 2);
	assert_int_equal(cs.v[2].priority, 5);
	assert_string_equal(cs.v[3].sha, "1234567");
	commands_release(&cs);
}

static void test_depends(void **state)
{
	struct commands cs = parse("/yard depends #1, 2 and o-w/r.x#3 #1\n"
				   "/yard depends https://example.org/o/r/pull/44/files\n"
				   "/yard undepend app#7");

	(void)state;
	assert_int_equal(cs.v[0].depends.n, 3);
	assert_string_equal(cs.v[0].depends.v[0], "1");
	assert_string_equal(cs.v[0].depends.v[1], "2");
	assert_string_equal(cs.v[0].depends.v[2], "o-w/r.x#3");
	assert_string_equal(cs.v[1].depends.v[0], "o/r#44");
	assert_ptr_equal(cs.v[2].def, &command_table[CMD_UNDEPEND]);
	assert_string_equal(cs.v[2].depends.v[0], "app#7");
	commands_release(&cs);
}

static void test_texts(void **state)
{
	struct commands cs = parse("/yard say  Use \"the\" old=one \xf0\x9f\x9a\x82 \r\n\r\n"
				   "```\r\n/yard halt\r\n```\r\n> quoted\r\nend\r\n\r\n"
				   "/yard hold  until = Monday \nnot part of it\n/yard freeze\n"
				   "/yard retry rounds=3");

	(void)state;
	assert_int_equal(cs.n, 4);
	assert_string_equal(cs.v[0].text,
			    "Use \"the\" old=one \xf0\x9f\x9a\x82 \n\n```\n/yard halt\n"
			    "```\n> quoted\nend");
	assert_string_equal(cs.v[1].text, "until = Monday");
	assert_ptr_equal(cs.v[2].def, &command_table[CMD_FREEZE]);
	assert_null(cs.v[2].text);
	assert_int_equal(cs.v[3].rounds, 3);
	assert_int_equal(cs.v[3].line, 12);
	commands_release(&cs);
	cs = parse("/yard say\nbelow\n/yard whhy\nafter");
	assert_int_equal(cs.n, 2);
	assert_string_equal(cs.v[0].text, "below");
	assert_non_null(cs.v[1].problem);
	commands_release(&cs);
}

static void test_limits(void **state)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	struct commands cs;

	(void)state;
	for (int i = 0; i < COMMANDS_MAX + 5; i++)
		buf_adds(&b, "/yard status\n");
	cs = parse(b.s);
	assert_int_equal(cs.n, COMMANDS_MAX + 1);
	assert_non_null(cs.v[COMMANDS_MAX - 1].def);
	assert_null(cs.v[COMMANDS_MAX].def);
	assert_non_null(strstr(cs.v[COMMANDS_MAX].problem, "more than 20 commands"));
	assert_non_null(strstr(cs.v[COMMANDS_MAX].problem, "(5 in all)"));
	commands_release(&cs);

	buf_reset(&b);
	buf_adds(&b, "/yard say ");
	while (b.len < COMMAND_TEXT_MAX - 1)
		buf_adds(&b, "x");
	buf_adds(&b, "\xc3\xa4\n/yard status");
	cs = parse(b.s);
	assert_int_equal(cs.n, 1);
	assert_int_equal(strlen(cs.v[0].text), COMMAND_TEXT_MAX - 1 - strlen("/yard say "));
	assert_true(strlen(cs.v[0].source) <= 200);
	commands_release(&cs);
}

static void test_nul_hides_nothing(void **state)
{
	static const char s[] = "hello\0\n/yard sta\0tus\n/yard why\0\n/yard why";
	struct commands cs;

	(void)state;
	commands_parse(s, sizeof(s) - 1, NULL, &cs);
	assert_int_equal(cs.n, 3);
	assert_null(cs.v[0].def);
	assert_ptr_equal(cs.v[1].def, &command_table[CMD_WHY]);
	assert_ptr_equal(cs.v[2].def, &command_table[CMD_WHY]);
	commands_release(&cs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_permissions),
		cmocka_unit_test(test_where_a_command_counts),
		cmocka_unit_test(test_no_handle),
		cmocka_unit_test(test_problems_say_what_is_allowed),
		cmocka_unit_test(test_run),
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_depends),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_nul_hides_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
