/*
 * github_app.h - what yardmaster needs of a GitHub App: permissions and events, and the manifest that asks
 * for them.
 *
 * The manifest flow: a browser posts a form with `manifest` to GITHUB/settings/apps/new?state=S (an
 * organisation's: GITHUB/organizations/ORG/settings/apps/new), GitHub asks its user and comes back to
 * `redirect_url` with `code` and `state`; POST /app-manifests/CODE/conversions, within the hour and once,
 * gives the App's id, private key and webhook secret.
 */
#ifndef YM_FORGE_GITHUB_APP_H
#define YM_FORGE_GITHUB_APP_H

#include "base/err.h"
#include "base/json.h"

#include <stdbool.h>

struct github_need {
	const char *permission; /* as GitHub's API calls it */
	const char *level;      /* "read", "write" */
	const char *why;
};
/* By permission; ends with permission NULL. */
extern const struct github_need github_needs[];
/* "checks needs write and has none (to report …)" of all that are missing in `have`, GitHub's
 * `permissions`; NULL: nothing is. In shadow mode reading is enough. Caller frees. */
char *github_missing_permissions(const json_t *have, bool shadow);
/* What an App must be subscribed to; ends with NULL. Installations' events come unasked. */
extern const char *const github_app_events[];

struct github_manifest {
	const char *name;
	const char *home;     /* a page about it: GitHub wants one */
	const char *redirect; /* the local page */
	const char *hook;     /* where deliveries go; NULL: none are sent */
};
json_t *github_manifest(const struct github_manifest *m);

/* Where a browser finds GitHub, by the API's address: https://github.com, https://HOST. Caller frees. */
char *github_web_of(const char *api);

/* The answer of the conversion. ERR_INPUT: it lacks what it must have. Strings belong to `o`. */
struct github_app {
	int64_t id;
	const char *client_id, *slug, *page, *pem, *secret; /* secret NULL: it has no webhook */
};
int github_app_decode(const json_t *o, struct github_app *ret, struct err *err);

#endif
