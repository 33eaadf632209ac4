/* test_net_hosts.c - known-hosts files, without a network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "git/net_coding.h"
#include "git/net_part.h"

#define ED "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA0MargPBgI/RfxU84A6LE9lPZ/n3ImAKUzJYwtA/YKY"
#define EC                                                                                         \
	"ecdsa-sha2-nistp256 "                                                                     \
	"AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBKYmeo/R4Dlc3M1+r4ElReDU/"            \
	"S0c3Fr7BAC5UmmEAPDq0OnQ/ZVSkrMaW/8Sb4RViFRcpZ1GnB4m5A+YpXZKHaE="
/* By ssh-keygen -H, of localhost and [localhost]:2022. */
#define HASHED_22   "|1|iu3Lru52FbJ8j4mHm8S+x3M6/Y0=|3/we2ksZdlDQKR3RB0mXayuSP4w="
#define HASHED_2022 "|1|BqW+jB2HGA46pqBIc8FQyIwZUPI=|MdWE+lvblEYOGfZCFK0HCfYF0mY="

/* What a file says of a key that is written as in the file, "TYPE BASE64". */
static enum net_hosts check(const char *file, const char *host, const char *port, const char *key,
			    const char *types)
{
	cleanup(strvec_release) struct strvec v = STRVEC_INIT;
	const char *text = strchr(key, ' ') + 1;
	autofree char *found = NULL;
	unsigned char raw[1024];
	int n = net_unbase64(text, strlen(text), raw, sizeof(raw));
	enum net_hosts rc;

	assert_true(n > 0);
	rc = net_hosts_check(file, strlen(file), host, port, raw, (size_t)n, &v);
	found = strvec_join(&v, ",");
	assert_string_equal(found ? found : "", types);
	return rc;
}

static void lines_of_the_host_count(void **state)
{
	static const struct {
		const char *file, *host, *port, *key, *types;
		enum net_hosts rc;
	} rows[] = {
		{"", "h", "22", ED, "", NET_HOST_UNKNOWN},
		{"h " ED "\n", "h", "22", ED, "ssh-ed25519", NET_HOST_KNOWN},
		{"h " ED, "h", "22", ED, "ssh-ed25519", NET_HOST_KNOWN},
		{"h\t" ED "\r\n", "h", "22", ED, "ssh-ed25519", NET_HOST_KNOWN},
		{"h " ED " a comment\n", "h", "22", ED, "ssh-ed25519", NET_HOST_KNOWN},
		{"H " ED "\n", "h", "22", ED, "ssh-ed25519", NET_HOST_KNOWN},
		{"# h " ED "\n", "h", "22", ED, "", NET_HOST_UNKNOWN},
		{"h2 " ED "\n", "h", "22", ED, "", NET_HOST_UNKNOWN},
		{"h " ED "\n", "h", "2022", ED, "", NET_HOST_UNKNOWN},
		{"[h]:2022 " ED "\n", "h", "2022", ED, "ssh-ed25519", NET_HOST_KNOWN},
		{"[h]:2022 " ED "\n", "h", "22", ED, "", NET_HOST_UNKNOWN},
		/* another type is no change, only nothing known */
		{"h " EC "\n", "h", "22", ED, "ecdsa-sha2-nistp256", NET_HOST_UNKNOWN},
		{"h " EC "\nh " ED "\n", "h", "22", ED, "ecdsa-sha2-nistp256,ssh-ed25519",
		 NET_HOST_KNOWN},
		{"h ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAA\n", "h", "22", ED, "ssh-ed25519",
		 NET_HOST_CHANGED},
		{"h ssh-ed25519 rubbish!\nh " ED "\n", "h", "22", ED, "ssh-ed25519",
		 NET_HOST_KNOWN},
		/* patterns */
		{"a,h,b " ED "\n", "h", "22", ED, "ssh-ed25519", NET_HOST_KNOWN},
		{"*.example.org " ED "\n", "x.example.org", "22", ED, "ssh-ed25519",
		 NET_HOST_KNOWN},
		{"*.example.org " ED "\n", "example.org", "22", ED, "", NET_HOST_UNKNOWN},
		{"*.example.org " ED "\n", "x.example.org.evil", "22", ED, "", NET_HOST_UNKNOWN},
		{"h? " ED "\n", "h1", "22", ED, "ssh-ed25519", NET_HOST_KNOWN},
		{"*,!h " ED "\n", "h", "22", ED, "", NET_HOST_UNKNOWN},
		{"!h,* " ED "\n", "h", "22", ED, "", NET_HOST_UNKNOWN},
		/* hashed names */
		{HASHED_22 " " ED "\n", "localhost", "22", ED, "ssh-ed25519", NET_HOST_KNOWN},
		{HASHED_22 " " ED "\n", "localhost", "2022", ED, "", NET_HOST_UNKNOWN},
		{HASHED_2022 " " ED "\n", "localhost", "2022", ED, "ssh-ed25519", NET_HOST_KNOWN},
		{"|1|AAAA|AAAA " ED "\n", "localhost", "22", ED, "", NET_HOST_UNKNOWN},
		/* markers: a revoked key is refused wherever its line stands */
		{"@revoked h " ED "\nh " ED "\n", "h", "22", ED, "", NET_HOST_REVOKED},
		{"h " ED "\n@revoked * " ED "\n", "h", "22", ED, "ssh-ed25519", NET_HOST_REVOKED},
		{"h " ED "\n@revoked * " EC "\n", "h", "22", ED, "ssh-ed25519", NET_HOST_KNOWN},
		{"@cert-authority * " ED "\n", "h", "22", ED, "", NET_HOST_UNKNOWN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum net_hosts rc =
			check(rows[i].file, rows[i].host, rows[i].port, rows[i].key, rows[i].types);

		if (rc != rows[i].rc)
			print_error("row %zu: %s", i, rows[i].file);
		assert_int_equal(rc, rows[i].rc);
	}
}

static void a_line_that_is_too_long_is_no_line(void **state)
{
	autofree char *names = xcalloc(1, 20001);
	autofree char *file = NULL;

	(void)state;
	memset(names, 'x', 20000);
	file = xasprintf("%s,h " ED "\nh " EC "\n", names);
	assert_int_equal(check(file, "h", "22", ED, "ecdsa-sha2-nistp256"), NET_HOST_UNKNOWN);
}

static void the_preferred_line_is_written_plainly(void **state)
{
	static const char file[] = "h " EC "\n*,!x " ED "\n";
	static const char rsa[] = "h ssh-rsa AAAA\n@revoked h " ED "\n";
	autofree char *line = net_hosts_preferred(file, strlen(file), "h", "22");
	autofree char *port = net_hosts_preferred("[h]:2 " EC, strlen("[h]:2 " EC), "h", "2");
	autofree char *none = net_hosts_preferred(rsa, strlen(rsa), "h", "22");

	(void)state;
	assert_string_equal(line, "h " ED "\n");
	assert_string_equal(port, "[h]:2 " EC "\n");
	assert_null(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_the_host_count),
		cmocka_unit_test(a_line_that_is_too_long_is_no_line),
		cmocka_unit_test(the_preferred_line_is_written_plainly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
