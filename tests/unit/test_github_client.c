/* test_github_client.c - the ways of requests to GitHub, against a server that does as it is told */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "github_fixture.h"

/* --- who we are --- */

static void an_installation_is_asked_with_its_token(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {
		SAY("GET /repos/acme/site", 200, "", "{\"full_name\":\"acme/site\"}"), END};
	struct ask a = {0};

	f->stub->answers = answers;
	fx_get(f, &a, "/repos/acme/site", 0);
	fx_expect(f, &a, GH_OK, 200);
	assert_string_equal(json_str(a.body, "full_name", ""), "acme/site");
	fx_seen_with(f, 0, "POST /app/installations/7/access_tokens", "Bearer ey");
	fx_seen_with(f, 1, "GET /repos/acme/site", "Bearer ghs_1_");
	ask_release(&a);

	fx_get(f, &a, "/repos/acme/site", 0);
	fx_expect(f, &a, GH_OK, 200);
	assert_int_equal(f->stub->n, 3); /* the token is kept */
	ask_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_installation_is_asked_with_its_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
