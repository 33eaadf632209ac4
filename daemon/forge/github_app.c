/* github_app.c - see github_app.h */
#include "forge/github_app.h"

#include "base/buf.h"
#include "base/mem.h"

#include <string.h>

const struct github_need github_needs[] = {
	{"actions", "read", "to read the log of a red workflow job"},
	{"administration", "read", "to see which checks and reviews a branch requires"},
	{"checks", "write", "to report on the checks tab"},
	{"contents", "write", "to push agents' branches, and to land"},
	{"issues", "write", "to read labelled issues and answer in them"},
	{"members", "read", "to know who is in a team: permissions by team, code owners"},
	{"metadata", "read", "every App has it"},
	{"pull_requests", "write", "to open, read and answer pull requests"},
	{"statuses", "write", "to read commit statuses of CI, and set them"},
	{"workflows", "write",
	 "without it GitHub refuses each push with a change of a workflow file, also one that came "
	 "from the "
	 "base"},
	{0},
};

const char *const github_app_events[] = {
	"check_run",
	"check_suite",
	"issue_comment",
	"issues",
	"label",
	"pull_request",
	"pull_request_review",
	"pull_request_review_comment",
	"pull_request_review_thread",
	"push",
	"repository",
	"status",
	"workflow_run",
	NULL,
};

static int rank(const char *level)
{
	static const char *const levels[] = {"read", "write", "admin"};

	for (size_t i = 0; level && i < ARRAY_LEN(levels); i++)
		if (!strcmp(levels[i], level))
			return (int)i + 1;
	return 0;
}

/* "checks (write; has none): to report on the checks tab" of all that are missing. In shadow mode whatever
 * needs writing needs reading only. */
char *github_missing_permissions(const json_t *have, bool shadow)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	for (const struct github_need *n = github_needs; n->permission; n++) {
		const char *level = json_str(have, n->permission, NULL);
		const char *need = shadow ? "read" : n->level;

		if (shadow && !strcmp(n->permission, "workflows")) /* is there to write only */
			continue;

		if (rank(level) < rank(need))
			buf_addf(&b, "%s%s needs %s and has %s (%s)", b.len ? "; " : "",
				 n->permission, need, level ? level : "none", n->why);
	}
	return b.len ? buf_steal(&b) : NULL;
}

json_t *github_manifest(const struct github_manifest *m)
{
	json_t *o = json_object(), *permissions = json_object(), *events = json_array();

	json_put_str(o, "name", m->name);
	json_put_str(o, "url", m->home);
	json_put_str(o, "description",
		     "Runs coding agents on labelled issues and lands pull requests through a "
		     "merge queue.");
	json_put_str(o, "redirect_url", m->redirect);
	json_put_bool(o, "public", false);
	for (const struct github_need *n = github_needs; n->permission; n++)
		json_put_str(permissions, n->permission, n->level);
	json_put(o, "default_permissions", permissions);
	if (m->hook) {
		json_t *hook = json_object();

		json_put_str(hook, "url", m->hook);
		json_put_bool(hook, "active", true);
		json_put(o, "hook_attributes", hook);
		for (const char *const *e = github_app_events; *e; e++)
			json_array_append_new(events, json_string(*e));
	}
	json_put(o, "default_events", events);
	return o;
}

char *github_web_of(const char *api)
{
	static const char cloud[] = "https://api.github.com", server[] = "/api/v3";
	size_t n = strlen(api);

	while (n && api[n - 1] == '/')
		n--;
	if (n == sizeof(cloud) - 1 && !strncmp(api, cloud, n))
		return xstrdup("https://github.com");
	if (n > sizeof(server) - 1 &&
	    !strncmp(api + n - (sizeof(server) - 1), server, sizeof(server) - 1))
		n -= sizeof(server) - 1;
	return xstrndup(api, n);
}

int github_app_decode(const json_t *o, struct github_app *ret, struct err *err)
{
	struct github_app a = {0};

	if (json_get_int(o, "id", &a.id, err) < 0 ||
	    json_get_str(o, "client_id", &a.client_id, err) < 0 ||
	    json_get_str(o, "slug", &a.slug, err) < 0 || json_get_str(o, "pem", &a.pem, err) < 0 ||
	    json_opt_str(o, "webhook_secret", &a.secret, err) < 0 ||
	    json_opt_str(o, "html_url", &a.page, err) < 0)
		return err_wrap(err, "GitHub's answer about the new App");
	*ret = a;
	return 0;
}
