/* The hooks of a repository: git's packet lines, the commands in them, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "hooks/hook.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ZERO "0000000000000000000000000000000000000000"
#define ONE  "1111111111111111111111111111111111111111"

static int file_of(const void *p, size_t n)
{
	int fd = memfd_create("git", MFD_CLOEXEC);

	assert_int_equal(write(fd, p, n), n);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void test_packets(void **state)
{
	static const char in[] = "000ahello\n0009a\0b\0c00000004";
	autofree char *buf = xmalloc(HOOK_PACKET_MAX + 1);
	autoclose int fd = file_of(in, sizeof(in) - 1);
	size_t n = 0;

	(void)state;
	assert_int_equal(hook_packet_read(fd, buf, &n, NULL), 1);
	assert_int_equal(n, 5);
	assert_string_equal(buf, "hello");
	assert_int_equal(hook_packet_read(fd, buf, &n, NULL), 1);
	assert_int_equal(n, 5);
	assert_memory_equal(buf, "a\0b\0c", 6);
	assert_int_equal(hook_packet_read(fd, buf, &n, NULL), 0);
	assert_int_equal(hook_packet_read(fd, buf, &n, NULL), 1);
	assert_int_equal(n, 0);
	assert_int_equal(hook_packet_read(fd, buf, &n, NULL), -1);
}

static void test_broken_packets(void **state)
{
	static const struct {
		const char *in;
		enum err_code code;
	} cases[] = {
		{"", ERR_INPUT},        {"00", ERR_INPUT},      {"zzzz", ERR_INPUT},
		{"-001", ERR_INPUT},    {"0003", ERR_LIMIT},    {"0001", ERR_LIMIT},
		{"0009abc", ERR_INPUT}, {"fff4abc", ERR_LIMIT}, {"ffff", ERR_LIMIT},
	};
	autofree char *buf = xmalloc(HOOK_PACKET_MAX + 1);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup(err_release) struct err err = ERR_INIT;
		autoclose int fd = file_of(cases[i].in, strlen(cases[i].in));
		size_t n;

		assert_int_equal(hook_packet_read(fd, buf, &n, &err), -1);
		if (err.code != cases[i].code)
			fail_msg("'%s': %s", cases[i].in, err_text(&err));
	}
}

/* The longest that git sends. */
static void test_longest_packet(void **state)
{
	autofree char *in = xmalloc(HOOK_PACKET_MAX + 1), *buf = xmalloc(HOOK_PACKET_MAX + 1);
	autoclose int fd = -1;
	size_t n = 0;

	(void)state;
	memset(in, 'x', HOOK_PACKET_MAX);
	memcpy(in, "fff0", 4);
	fd = file_of(in, 0xfff0);
	assert_int_equal(hook_packet_read(fd, buf, &n, NULL), 1);
	assert_int_equal(n, 0xfff0 - 4);
	assert_int_equal(strlen(buf), n);
}

static void test_write(void **state)
{
	autofree char *buf = xmalloc(HOOK_PACKET_MAX + 1), *big = xmalloc(5001);
	autoclose int fd = memfd_create("out", MFD_CLOEXEC);
	size_t n = 0;

	(void)state;
	memset(big, 'y', 5000);
	big[5000] = '\0';
	assert_int_equal(hook_packet_write(fd, "ng %s %s", "refs/for/main/x", "no"), 0);
	assert_int_equal(hook_packet_flush(fd), 0);
	assert_int_equal(hook_packet_write(fd, "%s", big), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(hook_packet_read(fd, buf, &n, NULL), 1);
	assert_string_equal(buf, "ng refs/for/main/x no");
	assert_int_equal(hook_packet_read(fd, buf, &n, NULL), 0);
	assert_int_equal(hook_packet_read(fd, buf, &n, NULL), 1);
	assert_int_equal(n, 1000);
}

static void test_commands(void **state)
{
	static const char *const wrong[] = {"", "a", "a b", "a b ", " ", ZERO " " ONE};
	char *old, *new, *ref;
	autofree char *line = xstrdup(ZERO " " ONE " refs/for/main/topic");

	(void)state;
	assert_int_equal(hook_command_parse(line, &old, &new, &ref, NULL), 0);
	assert_string_equal(old, ZERO);
	assert_string_equal(new, ONE);
	assert_string_equal(ref, "refs/for/main/topic");
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		autofree char *text = xstrdup(wrong[i]);

		assert_int_equal(hook_command_parse(text, &old, &new, &ref, NULL), -1);
	}
}

static void test_refusals(void **state)
{
	static const struct {
		const char *ref, *old;
		bool refused;
	} cases[] = {
		{"refs/heads/main", ONE, true},
		{"refs/heads/main", ZERO, false}, /* the first push makes it */
		{"refs/heads/main/x", ZERO, true},
		{"refs/heads/maintenance", ONE, false},
		{"refs/heads/topic", ZERO, false},
		{"refs/heads/topic", ONE, false},
		{"refs/tags/v1", ZERO, false},
		{"refs/tags/main", ZERO, true},
		{"refs/replace/" ONE, ZERO, true},
		{"refs/pull", ZERO, true},
		{"refs/pull/3/head", ONE, true},
		{"refs/pulls/3", ZERO, true},
		{"refs/yardmaster/heads/3", ZERO, true},
		{"refs/heads/yardmaster", ZERO, true},
		{"refs/heads/yardmaster/3-x", ONE, true},
		{"refs/heads/yardmasters", ZERO, false},
		{"refs/notes/yardmaster", ONE, true},
		{"refs/notes/yardmaster/x", ZERO, true},
		{"refs/notes/commits", ONE, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autofree char *why = hook_update_refusal("main", cases[i].ref, cases[i].old);

		if (!why != !cases[i].refused)
			fail_msg("%s from %.4s: %s", cases[i].ref, cases[i].old,
				 why ? why : "not refused");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packets),        cmocka_unit_test(test_broken_packets),
		cmocka_unit_test(test_longest_packet), cmocka_unit_test(test_write),
		cmocka_unit_test(test_commands),       cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
