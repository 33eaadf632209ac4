/* github_doctor_app.c - see github_doctor_part.h: the App itself */
#include "forge/github_doctor_part.h"

#include "base/buf.h"
#include "base/mem.h"
#include "forge/github_app.h"

#include <string.h>

void doctor_permissions(const json_t *have, bool watches, json_t *rows)
{
	autofree char *missing = github_missing_permissions(have, watches);

	doctor_row(rows, NULL, "GitHub permissions", !missing,
		   "change them on the App's page ('Permissions & events'), then accept the change "
		   "in each installation",
		   "%s",
		   missing   ? missing
		   : watches ? "the App may read all that shadow mode looks at"
			     : "the App has all that is needed");
}

static bool lists(const json_t *list, const char *word)
{
	const json_t *one;
	size_t i;

	json_array_foreach (list, i, one)
		if (json_is_string(one) && !strcmp(json_string_value(one), word))
			return true;
	return false;
}

void doctor_events(const json_t *have, bool expected, json_t *rows)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	for (const char *const *e = github_app_events; *e; e++)
		if (!lists(have, *e))
			buf_addf(&b, "%s%s", b.len ? ", " : "", *e);
	if (!b.len)
		doctor_row(rows, NULL, "GitHub events", true, NULL,
			   "the App is subscribed to all that is needed");
	else
		doctor_row(rows, NULL, "GitHub events", !expected,
			   "subscribe to them on the App's page ('Permissions & events')",
			   "the App is not subscribed to: %s%s", b.s,
			   expected ? ""
				    : "; neither 'listen' nor 'github.events' is set, so none is "
				      "expected");
}

void doctor_deliveries(const json_t *list, json_t *rows)
{
	const json_t *one, *last = NULL;
	size_t i, failed = 0, n = json_array_size(list);

	json_array_foreach (list, i, one) {
		if (!strcmp(json_str(one, "status", ""), "OK"))
			continue;
		last = last ? last : one;
		failed++;
	}
	if (!n)
		doctor_row(rows, NULL, "GitHub deliveries", true, NULL,
			   "none was sent in the last days");
	else if (!last)
		doctor_row(rows, NULL, "GitHub deliveries", true, NULL, "the last %zu arrived", n);
	else
		doctor_row(rows, NULL, "GitHub deliveries", false,
			   "look at the App's page, 'Advanced': is the address reachable from "
			   "outside, its certificate good, and the secret the one of "
			   "'webhook-secrets'? Failed ones are asked for again",
			   "%zu of the last %zu failed; the latest of these: %s at %s, status "
			   "%lld, %s",
			   failed, n, json_str(last, "event", "?"),
			   json_str(last, "delivered_at", "?"),
			   (long long)json_int(last, "status_code", 0),
			   json_str(last, "status", "?"));
}
