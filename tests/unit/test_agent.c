/* test_agent.c - adapters, and the end block that an agent's output closes with. */
#include "agent/agent.h"
#include "base/buf.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct agent_result parse(const char *s)
{
	struct agent_result r = {0};

	agent_end_block(s, strlen(s), &r);
	return r;
}

struct end_case {
	const char *out;
	enum agent_status status;
	bool exit_signal;
	const char *text; /* the summary, or a part of the problem with AGENT_NONE */
};

#define BLOCK "STATUS: COMPLETE\nEXIT_SIGNAL: true\nSUMMARY: done\n"

static const struct end_case cases[] = {
	{BLOCK, AGENT_COMPLETE, true, "done"},
	{"log\nlog\n" BLOCK, AGENT_COMPLETE, true, "done"},
	{"STATUS: BLOCKED\nEXIT_SIGNAL: false\nSUMMARY: no key", AGENT_BLOCKED, false, "no key"},
	{"STATUS: QUESTION\nEXIT_SIGNAL: true\nSUMMARY: which one?\n", AGENT_QUESTION, true,
	 "which one?"},
	{"STATUS: NO_CHANGE\nEXIT_SIGNAL: true\nSUMMARY: is right\n", AGENT_NO_CHANGE, true,
	 "is right"},
	{"STATUS: COMPLETE\r\nEXIT_SIGNAL: true\r\nSUMMARY: done\r\n", AGENT_COMPLETE, true,
	 "done"},
	{"STATUS:COMPLETE  \n\n\nEXIT_SIGNAL:\ttrue\n\nSUMMARY:done\n\n\n", AGENT_COMPLETE, true,
	 "done"},
	{"STATUS: COMPLETE\nEXIT_SIGNAL: true\nSUMMARY: one\ntwo\n\nthree\n", AGENT_COMPLETE, true,
	 "one\ntwo\n\nthree"},
	{"STATUS: COMPLETE\nEXIT_SIGNAL: true\nSUMMARY:\n\nbelow\n", AGENT_COMPLETE, true, "below"},
	{"```\n" BLOCK "```\n\n", AGENT_COMPLETE, true, "done"},
	{"~~~text\n\n" BLOCK "~~~", AGENT_COMPLETE, true, "done"},
	{"```\nI did it.\n" BLOCK "```\n", AGENT_COMPLETE, true, "done"},
	/* a summary with a code block of its own */
	{"STATUS: COMPLETE\nEXIT_SIGNAL: true\nSUMMARY: run\n```\nmake\n```\n", AGENT_COMPLETE,
	 true, "run\n```\nmake\n```"},
	/* quoted earlier: the later one counts, also when it says something else */
	{"> " BLOCK "\n```\n" BLOCK
	 "```\nmore work\nSTATUS: BLOCKED\nEXIT_SIGNAL: true\nSUMMARY: x",
	 AGENT_BLOCKED, true, "x"},
	{BLOCK "STATUS: BLOCKED\n", AGENT_NONE, false, "in this order"},
	{BLOCK "EXIT_SIGNAL: false\n", AGENT_NONE, false, "in this order"},
	{"", AGENT_NONE, false, "found none"},
	{"all done, really\n", AGENT_NONE, false, "found none"},
	{"STATUS: COMPLETE\nSUMMARY: done\n", AGENT_NONE, false, "found only 2"},
	{"STATUS: complete\nEXIT_SIGNAL: true\nSUMMARY: x\n", AGENT_NONE, false, "'complete'"},
	{"STATUS: DONE\nEXIT_SIGNAL: true\nSUMMARY: x\n", AGENT_NONE, false, "'DONE'"},
	{"STATUS: COMP\nEXIT_SIGNAL: true\nSUMMARY: x\n", AGENT_NONE, false, "'COMP'"},
	{"STATUS:\nEXIT_SIGNAL: true\nSUMMARY: x\n", AGENT_NONE, false, "found ''"},
	{"STATUS: COMPLETED\nEXIT_SIGNAL: true\nSUMMARY: x\n", AGENT_NONE, false, "'COMPLETED'"},
	{"STATUS: COMPLETE | BLOCKED\nEXIT_SIGNAL: true\nSUMMARY: x\n", AGENT_NONE, false, "found"},
	{"STATUS: NONE\nEXIT_SIGNAL: true\nSUMMARY: x\n", AGENT_NONE, false, "'NONE'"},
	{"STATUS: COMPLETE\nEXIT_SIGNAL: yes\nSUMMARY: x\n", AGENT_NONE, false, "'yes'"},
	{"STATUS: COMPLETE\nEXIT_SIGNAL: true\nSUMMARY:  \n", AGENT_NONE, false, "found nothing"},
	{"EXIT_SIGNAL: true\nSTATUS: COMPLETE\nSUMMARY: x\n", AGENT_NONE, false, "in this order"},
	{"STATUS: COMPLETE\nwell\nEXIT_SIGNAL: true\nSUMMARY: x\n", AGENT_NONE, false,
	 "between STATUS: and EXIT_SIGNAL:"},
	{"**STATUS:** COMPLETE\n**EXIT_SIGNAL:** true\n**SUMMARY:** x\n", AGENT_NONE, false,
	 "found none"},
	{"status: COMPLETE\nexit_signal: true\nsummary: x\n", AGENT_NONE, false, "found none"},
	{"  STATUS: COMPLETE\n  EXIT_SIGNAL: true\n  SUMMARY: x\n", AGENT_NONE, false,
	 "found none"},
	{"```\n" BLOCK "```\nand then I went on\n", AGENT_NONE, false, "after its closing fence"},
};

static void test_end_block(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct end_case *c = &cases[i];
		struct agent_result r = parse(c->out);

		if (r.status != c->status || r.exit_signal != c->exit_signal)
			fail_msg("case %zu: %s, %s", i, agent_status_name(r.status), r.problem);
		if (c->status != AGENT_NONE) {
			assert_null(r.problem);
			assert_string_equal(r.summary, c->text);
		} else {
			assert_null(r.summary);
			if (!strstr(r.problem, c->text))
				fail_msg("case %zu: '%s' lacks '%s'", i, r.problem, c->text);
		}
		agent_result_release(&r);
	}
}

/* An agent that only echoes its prompt has not finished. */
static void test_instructions_are_no_block(void **state)
{
	struct agent_result r = parse(agent_end_block_instructions);

	(void)state;
	assert_int_equal(r.status, AGENT_NONE);
	assert_non_null(strstr(r.problem, "STATUS"));
	agent_result_release(&r);
	for (int s = AGENT_COMPLETE; s <= AGENT_NO_CHANGE; s++)
		assert_non_null(strstr(agent_end_block_instructions,
				       agent_status_name((enum agent_status)s)));
}

static void test_summary_is_cut_at_a_character(void **state)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	struct agent_result r = {0};

	(void)state;
	buf_adds(&b, "STATUS: COMPLETE\nEXIT_SIGNAL: true\nSUMMARY: x");
	for (int i = 0; i < AGENT_SUMMARY_MAX; i++)
		buf_adds(&b, "\xc3\xa4");
	agent_end_block(b.s, b.len, &r);
	assert_int_equal(r.status, AGENT_COMPLETE);
	assert_int_equal(strlen(r.summary), AGENT_SUMMARY_MAX - 1);
	assert_int_equal(r.summary[AGENT_SUMMARY_MAX - 2], (char)0xa4);
	agent_result_release(&r);
}

static void test_nul_bytes(void **state)
{
	static const char out[] = "a\0b\nSTATUS: COMPLETE\nEXIT_SIGNAL: true\nSUMMARY: a\0b\n";
	struct agent_result r = {0};

	(void)state;
	agent_end_block(out, sizeof(out) - 1, &r);
	assert_string_equal(r.summary, "a b");
	agent_result_release(&r);
}

static void test_command_adapter(void **state)
{
	const struct agent_adapter *a = agent_adapter_find("command");
	cleanup(agent_conf_release) struct agent_conf c = {0};
	cleanup(strvec_release) struct strvec argv = STRVEC_INIT, kinds = STRVEC_INIT;
	cleanup(err_release) struct err err = ERR_INIT;
	struct agent_result r;

	(void)state;
	assert_non_null(a);
	assert_null(agent_adapter_find("comand"));
	assert_null(agent_adapter_find(NULL));
	agent_adapter_kinds(&kinds);
	assert_true(strvec_has(&kinds, "command"));

	c.name = xstrdup("fixer");
	assert_int_equal(a->argv(&c, &argv, &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	assert_non_null(strstr(err.text, "agents.fixer.command"));
	strvec_pushl(&c.command, "/bin/sh", "-c", "exec fix \"$@\"", NULL);
	assert_int_equal(a->argv(&c, &argv, &err), 0);
	assert_int_equal(argv.n, 3);
	assert_string_equal(argv.v[2], "exec fix \"$@\"");

	a->read(BLOCK, strlen(BLOCK), 0, &r);
	assert_true(r.success);
	assert_int_equal(r.status, AGENT_COMPLETE);
	assert_int_equal(r.tokens_in, -1);
	assert_int_equal(r.tokens_out, -1);
	assert_int_equal(r.cost_microusd, -1);
	agent_result_release(&r);
	a->read(BLOCK, strlen(BLOCK), 1, &r);
	assert_false(r.success);
	agent_result_release(&r);
	a->read(NULL, 0, 0, &r);
	assert_true(r.success);
	assert_int_equal(r.status, AGENT_NONE);
	agent_result_release(&r);
}

#define COST "COST_USD: 0.42\n"

/* A wrapper says what its agent has cost: before the end block, or after it. */
static void test_command_cost(void **state)
{
	static const struct {
		const char *out;
		int64_t cost;
		const char *summary; /* NULL: no end block */
	} costs[] = {
		{COST BLOCK, 420000, "done"},
		{BLOCK COST, 420000, "done"},
		{BLOCK "\n" COST "\n\n", 420000, "done"},
		{"COST_USD: 7\n" COST BLOCK, 420000, "done"},
		{"COST_USD: 7\nCOST_USD: 8\n" BLOCK "COST_USD:9\r\n", 9000000, "done"},
		{"COST_USD: 0\n" BLOCK, 0, "done"},
		{"COST_USD: 0.0000019\n" BLOCK, 1, "done"},
		{"COST_USD: 999999999999.999999\n" BLOCK, 999999999999999999, "done"},
		{COST, 420000, NULL},
		{"COST_USD: 3", 3000000, NULL},
		{BLOCK, -1, "done"},
		/* what is no sum says nothing, and hides none that is said */
		{COST "COST_USD: 1e3\nCOST_USD: -5\nCOST_USD: 1.\nCOST_USD: .5\nCOST_USD:\n" BLOCK,
		 420000, "done"},
		{COST " COST_USD: 9\nXCOST_USD: 9\nCOST_USD 9\n" BLOCK, 420000, "done"},
		{"COST_USD: 9999999999999\n" BLOCK, -1, "done"},
		{"", -1, NULL},
	};
	const struct agent_adapter *a = agent_adapter_find("command");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(costs); i++) {
		cleanup(agent_result_release) struct agent_result r = {0};

		a->read(costs[i].out, strlen(costs[i].out), 0, &r);
		if (r.cost_microusd != costs[i].cost)
			print_error("case %zu\n", i);
		assert_int_equal(r.cost_microusd, costs[i].cost);
		if (costs[i].summary)
			assert_string_equal(r.summary, costs[i].summary);
		else
			assert_int_equal(r.status, AGENT_NONE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_end_block),
		cmocka_unit_test(test_instructions_are_no_block),
		cmocka_unit_test(test_summary_is_cut_at_a_character),
		cmocka_unit_test(test_nul_bytes),
		cmocka_unit_test(test_command_adapter),
		cmocka_unit_test(test_command_cost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
