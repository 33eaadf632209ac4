/* github_doctor_state.c - see github_doctor_part.h: what the client has noticed by asking */
#include "forge/github_doctor_part.h"

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

static void check_limits(const json_t *state, json_t *rows)
{
	const json_t *all = json_object_get(state, "installations"), *one;
	size_t i;

	json_array_foreach (all, i, one) {
		int64_t limit = json_int(one, "limit", -1), left = json_int(one, "remaining", -1);
		const char *hold = json_str(one, "hold_why", NULL);

		if (limit < 0 && !hold)
			continue;
		doctor_row(rows, NULL, "GitHub limits", !hold && left * 10 >= limit,
			   "wait; and look at 'yardmaster status --json' for who asks so much",
			   "%s %lld: %lld of %lld requests are left this hour%s%s",
			   json_int(one, "id", 0) ? "installation" : "the account's own,",
			   (long long)json_int(one, "id", 0), (long long)left, (long long)limit,
			   hold ? "; held back: " : "", hold ? hold : "");
	}
}

void doctor_state(const json_t *state, json_t *rows)
{
	check_clock(state, rows);
	check_limits(state, rows);
}
