/*
 * github_doctor_part.h - inside the doctor: github_doctor.c asks, github_doctor_rules.c judges a repository's
 * rules.
 */
#ifndef YM_FORGE_GITHUB_DOCTOR_PART_H
#define YM_FORGE_GITHUB_DOCTOR_PART_H

#include "base/strvec.h"
#include "forge/github_doctor.h"

/* A row; mend only counts when it is not ok. */
void doctor_row(json_t *rows, const char *about, const char *check, bool ok, const char *mend,
		const char *fmt, ...) __attribute__((format(printf, 6, 7)));

/* What stands in a landing's way. `app`: our slug, or NULL. Each appends one row a fault and returns how many. */
struct doctor_rules {
	const struct github_doctor_repo *repo;
	const char *app;
	bool signs;
	struct strvec
		*required; /* checks that are required on the base are added, but for our own */
	bool *wants_signed; /* set when signatures are required that we give: doctor_signed() is next; may be NULL */
};
int doctor_protection(const struct doctor_rules *d, const json_t *protection, json_t *rows);
/* A rule of a ruleset on the base; bypass is GitHub's current_user_can_bypass, or NULL: not known. */
int doctor_rule(const struct doctor_rules *d, const json_t *rule, const char *bypass, json_t *rows);
/* Does GitHub verify our signatures? `commits`: of the base, the latest by our committer first. */
int doctor_signed(const struct doctor_rules *d, const char *email, const json_t *commits,
		  json_t *rows);
/* Rules on the branches of candidates. */
int doctor_candidate_rules(const struct doctor_rules *d, const json_t *rules, json_t *rows);
/* github_doctor_workflow.c. Does this workflow run when such a branch is pushed, or a PR opened against `base`
 * (NULL: none is)? 1, 0; -1: it is no YAML that can be read here. */
int doctor_workflow_runs(const char *text, size_t n, const char *branch, const char *base);
/* github_doctor_app.c. The App's permissions, where nothing is ever written to (watches) or not; the events that it is
 * subscribed to, and whether any is expected here; the deliveries that GitHub has sent lately. */
void doctor_permissions(const json_t *have, bool watches, json_t *rows);
void doctor_events(const json_t *have, bool expected, json_t *rows);
void doctor_deliveries(const json_t *list, json_t *rows);
/* github_doctor_state.c. The App's webhook, as GitHub has its configuration ({url?, secret?, insecure_ssl?}):
 * does it go to where this daemon takes deliveries, its own address or the event channel (NULL: none)? */
void doctor_hook(const json_t *config, bool listens, const char *channel, json_t *rows);
/* The clock and the limits, of gh_state(). */
void doctor_state(const json_t *state, json_t *rows);

#endif
