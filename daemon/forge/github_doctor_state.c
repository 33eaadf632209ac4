/* github_doctor_state.c - see github_doctor_part.h: what the client has noticed by asking */
#include "forge/github_doctor_part.h"

#include "base/buf.h"
#include "base/mem.h"

#define SKEW_MAX_MS ((int64_t)30 * 1000) /* a JWT is valid from a minute before, by our clock */

static void check_clock(const json_t *state, json_t *rows)
{
	const json_t *skew = json_object_get(state, "skew_ms");
	int64_t ms = json_int(state, "skew_ms", 0);

	if (!json_is_integer(skew))
		doctor_row(rows, NULL, "clock", false, "see the rows above",
			   "not compared: GitHub has not answered");
	else
		doctor_row(rows, NULL, "clock", ms < SKEW_MAX_MS && ms > -SKEW_MAX_MS,
			   "set this machine's clock (systemd-timesyncd, chrony)",
			   "GitHub's is %lld s %s ours", (long long)(ms < 0 ? -ms : ms) / 1000,
			   ms < 0 ? "behind" : "ahead of");
}

/* What is left for whom, and whether GitHub asked to wait. */
static char *limit_text(const json_t *one)
{
	int64_t id = json_int(one, "id", 0), limit = json_int(one, "limit", -1);
	const char *hold = json_str(one, "hold_why", NULL);
	struct buf b = BUF_INIT;

	if (id)
		buf_addf(&b, "installation %lld: ", (long long)id);
	else
		buf_adds(&b, "of no installation: ");
	if (limit >= 0)
		buf_addf(&b, "%lld of %lld requests are left this hour",
			 (long long)json_int(one, "remaining", -1), (long long)limit);
	if (hold)
		buf_addf(&b, "%sheld back: %s", limit >= 0 ? "; " : "", hold);
	return buf_steal(&b);
}

static void check_limits(const json_t *state, json_t *rows)
{
	const json_t *all = json_object_get(state, "installations"), *one;
	size_t i;

	json_array_foreach (all, i, one) {
		int64_t limit = json_int(one, "limit", -1), left = json_int(one, "remaining", -1);
		const char *hold = json_str(one, "hold_why", NULL);
		autofree char *text = limit_text(one);

		if (limit >= 0 || hold)
			doctor_row(
				rows, NULL, "GitHub limits", !hold && left * 10 >= limit,
				"wait; and look at 'yardmaster status --json' for who asks so much",
				"%s", text);
	}
}

void doctor_state(const json_t *state, json_t *rows)
{
	check_clock(state, rows);
	check_limits(state, rows);
}

/* --- the App's webhook ----------------------------------------------------------------------------- */

static void hook_row(json_t *rows, bool ok, const char *mend, const char *text, const char *url)
{
	doctor_row(rows, NULL, "GitHub webhook", ok, mend, "%s%s%s", text, url ? ": " : "",
		   url ? url : "");
}

static bool is_channel(const char *channel, const char *url)
{
	size_t n = channel ? strlen(channel) : 0;

	return n && !strncmp(url, channel, n) && (!url[n] || !strcmp(url + n, "/"));
}

static bool is_ours(const char *url)
{
	static const char path[] = "/webhook/github";
	size_t n = strlen(url), tail = sizeof(path) - 1;

	return n >= tail && !strcmp(url + n - tail, path);
}

static void no_hook(bool expected, json_t *rows)
{
	if (expected)
		hook_row(rows, false, "set its URL and secret on the App's page, 'Webhook'",
			 "'listen' or 'github.events' is set, and the App has no webhook", NULL);
	else
		hook_row(rows, true, NULL, "none; GitHub is asked every 'reconcile-seconds'", NULL);
}

void doctor_hook(const json_t *config, bool listens, const char *channel, json_t *rows)
{
	const char *url = json_str(config, "url", "");
	bool through = is_channel(channel, url);

	if (!*url)
		no_hook(listens || channel, rows);
	else if (!listens && !channel)
		hook_row(rows, false,
			 "set 'listen' or 'github.events', or take the webhook away on the App's "
			 "page",
			 "the App sends, and neither 'listen' nor 'github.events' is set", url);
	else if (!json_object_get(config, "secret"))
		hook_row(rows, false,
			 "set the secret of 'webhook-secrets' on the App's page, 'Webhook'",
			 "it has no secret, and every delivery is refused", url);
	else if (!through && !listens)
		hook_row(rows, false,
			 "set the address of 'github.events' on the App's page, 'Webhook'",
			 "it goes somewhere else than to the event channel", url);
	else if (!through && !is_ours(url))
		hook_row(rows, false,
			 "let it end with /webhook/github, unless a proxy changes paths",
			 "its URL ends with another path", url);
	else if (strcmp(json_str(config, "insecure_ssl", "0"), "0") != 0)
		hook_row(rows, false, "enable SSL verification on the App's page, 'Webhook'",
			 "certificates are not verified", url);
	else
		hook_row(rows, true, NULL, "has a secret and goes to", url);
}
