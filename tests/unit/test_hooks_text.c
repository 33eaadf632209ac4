/* What the hooks of a clone read: Depends-On: lines, git's lines to pre-push, addresses, lists of paths;
 * and the scripts that are written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/giturl.h"
#include "base/mem.h"
#include "base/text.h"
#include "hooks/clone.h"
#include "hooks/local.h"
#include "sys/child.h"

#include <string.h>

/* What git keeps of a message is read as everywhere (test_depends.c). */
static void test_message(void **state)
{
	static const char *const rows[][2] = {
		{"subject\n\nDepends-On: #12\n", "subject\n\nDepends-On: #12\n"},
		{"a\n# Depends-On: #5\nb", "a\nb\n"},
		{"a\n# ------------------------ >8 ------------------------\n# diff\nDepends-On: "
		 "#7\n",
		 "a\n"},
		{"", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autofree char *kept = message_kept(rows[i][0]);

		if (kept[0] && kept[strlen(kept) - 1] == '\n' && kept[strlen(kept) - 2] == '\n')
			kept[strlen(kept) - 1] = '\0';
		assert_string_equal(kept, rows[i][1]);
	}
}

static void test_push_lines(void **state)
{
	char good[] = "refs/heads/a 1111 refs/heads/main 2222";
	char spaces[] = "HEAD@{1 day ago} 1111 refs/for/main/x 0000";
	char deletion[] = "(delete) 0000 refs/heads/main 2222";
	struct push_line l;

	(void)state;
	assert_int_equal(push_line_parse(good, &l), 0);
	assert_string_equal(l.local_ref, "refs/heads/a");
	assert_string_equal(l.local_oid, "1111");
	assert_string_equal(l.remote_ref, "refs/heads/main");
	assert_string_equal(l.remote_oid, "2222");
	assert_int_equal(push_line_parse(spaces, &l), 0);
	assert_string_equal(l.local_ref, "HEAD@{1 day ago}");
	assert_string_equal(l.remote_ref, "refs/for/main/x");
	assert_int_equal(push_line_parse(deletion, &l), 0);
	assert_true(push_oid_is_zero(l.local_oid));
	assert_false(push_oid_is_zero(l.remote_oid));
	for (const char *const *s =
		     (const char *const[]){"", " ", "a b c", "a b main d", "a b refs/x ", NULL};
	     *s; s++) {
		autofree char *copy = xstrdup(*s);

		assert_int_equal(push_line_parse(copy, &l), -1);
	}
}

static void test_addresses(void **state)
{
	static const char *const yes[] = {"https://github.com/acme/app",
					  "https://github.com/acme/app.git",
					  "https://x@github.com/acme/app.git/",
					  "git@github.com:acme/app.git",
					  "ssh://git@github.com:22/Acme/App",
					  "host:acme/app",
					  NULL};
	static const char *const no[] = {"https://github.com/acme/app2",
					 "https://github.com/xacme/app",
					 "https://github.com/acme/app/wiki",
					 "/srv/acme/app",
					 "file:///srv/acme/app.git",
					 "./a:acme/app",
					 "https://acme/app",
					 "",
					 NULL};

	(void)state;
	for (const char *const *u = yes; *u; u++)
		if (!giturl_is_name(*u, "acme/app"))
			fail_msg("%s", *u);
	for (const char *const *u = no; *u; u++)
		if (giturl_is_name(*u, "acme/app"))
			fail_msg("%s", *u);
	assert_true(giturl_is_path("ssh://host/srv/app.git", "/srv/app.git"));
	assert_true(giturl_is_path("me@host:/srv/app", "/srv/app.git"));
	assert_false(giturl_is_path("host:srv/app.git", "/srv/app.git"));
	assert_false(giturl_is_path("ssh://host/x/srv/app.git", "/srv/app.git"));
	assert_false(giturl_is_path("/srv/app.git", "/srv/app.git"));
}

static void test_paths(void **state)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	autojson json_t *list = json_array(), *many = json_array();

	(void)state;
	buf_add(&b, "a\0-n\nb\0\xff\0cut", 12);
	assert_true(local_paths(&b, false, list)); /* the last one has no end */
	assert_int_equal(json_array_size(list), 3);
	assert_string_equal(json_string_value(json_array_get(list, 1)), "-n\nb");
	assert_string_equal(json_string_value(json_array_get(list, 2)), "\xef\xbf\xbd");
	buf_reset(&b);
	for (int i = 0; i < HOOK_FILES_MAX; i++)
		buf_add(&b, "x", 2);
	assert_false(local_paths(&b, false, many));
	json_array_clear(many);
	buf_add(&b, "y", 2);
	assert_true(local_paths(&b, false, many));
	assert_int_equal(json_array_size(many), HOOK_FILES_MAX);
}

/* Whatever the paths are called, the shell reads them back. */
static void test_script(void **state)
{
	static const char odd[] = "/tmp/a 'b' \"$(touch x)\" `y`\n\\";
	autofree char *word = text_shell(odd), *line = xasprintf("printf %%s %s", word);
	autofree char *text = clone_script("pre-push", "/no/such/program", odd);
	autofree char *plain = clone_script("post-merge", NULL, "-x");
	cleanup(buf_release) struct buf out = BUF_INIT;
	struct err err = ERR_INIT;
	struct child_opts o = {.file = "/bin/sh",
			       .argv = (char *const[]){(char *)"sh", (char *)"-c", line, NULL}};

	(void)state;
	assert_int_equal(child_run(&o, NULL, 0, 4096, 10000, &out, &err), 0);
	assert_string_equal(out.s, odd);
	assert_true(clone_script_is_ours(text, strlen(text)));
	assert_true(clone_script_is_ours(plain, strlen(plain)));
	assert_false(clone_script_is_ours("#!/bin/sh\n", 10));
	assert_non_null(strstr(plain, "next='./-x/post-merge'"));
	assert_null(strstr(plain, "yardmaster' hook"));
	/* Without the program nothing is refused. */
	o.argv = (char *const[]){(char *)"sh", (char *)"-c", text, NULL};
	assert_int_equal(child_run(&o, NULL, 0, 4096, 10000, &out, &err), 0);
	err_release(&err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_message),   cmocka_unit_test(test_push_lines),
		cmocka_unit_test(test_addresses), cmocka_unit_test(test_paths),
		cmocka_unit_test(test_script),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
