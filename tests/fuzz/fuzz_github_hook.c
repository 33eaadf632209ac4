/*
 * fuzz_github_hook.c - what a webhook delivery of GitHub's says, once it is verified and JSON: a line with the name
 * of its event, then the payload. The ledger has a repository with an issue, a PR and its check.
 *
 * Whatever it says, the ledger can be read on; what is refused is refused for the payload's sake; what comes of it is
 * an effect of that repository or an event of a kind that somebody decides, with a number that makes sense; and
 * nothing comes of what we did ourselves.
 */
#include "base/mem.h"
#include "forge/forge.h"
#include "forge/github.h"
#include "store/ledger.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SELF "yard[bot]"
#define HEAD "1000000000000000000000000000000000000004"

static struct {
	struct loop *loop;
	struct db *db;
	struct gh *gh;
	struct github *g;
} x;

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "fuzz_github_hook: %s\n", what);
	abort();
}

static void fill(void)
{
	struct repo r = {.name = (char *)"octo/app",
			 .forge = (char *)"github",
			 .path = (char *)"/nowhere/app.git",
			 .base = (char *)"main",
			 .next_number = 1};
	struct github_repo gr = {.full_name = (char *)"octo/app",
				 .remote = 5,
				 .url = (char *)"https://github.com/octo/app.git",
				 .installation = 7};
	struct issue i = {.number = 3, .title = (char *)"i", .body = (char *)""};
	struct pr p = {.number = 4, .title = (char *)"p", .body = (char *)""};
	struct github_check c = {.remote = 77, .name = (char *)"yardmaster/queue"};

	must(repo_insert(x.db, &r, NULL) == 0, "repository");
	gr.repo = i.repo = p.repo = c.repo = r.id;
	i.state = p.state = (char *)"open";
	i.author = p.author = (char *)"ann";
	p.base = (char *)"main";
	p.topic = (char *)"topic";
	p.head = c.head = (char *)HEAD;
	p.files = (char *)"[]";
	c.said = (char *)"{\"conclusion\":\"failure\",\"external_id\":\"yardmaster/queue:4:" HEAD
			 "\"}";
	must(github_repo_insert(x.db, &gr, NULL) == 0, "its number");
	must(issue_insert(x.db, &i, NULL) == 0, "issue");
	must(pr_insert(x.db, &p, NULL) == 0, "PR");
	must(github_check_insert(x.db, &c, NULL) == 0, "check");
	must(db_commit(x.db, NULL) == 0, "commit");
}

/* Nothing is ever sent: the loop does not turn. */
static void start(void)
{
	struct gh_conf c = GH_CONF_INIT;

	c.base_url = "http://127.0.0.1:9";
	c.token = "none";
	must(loop_new(&clock_system, &x.loop, NULL) == 0, "loop");
	must(db_open(":memory:", true, &x.db, NULL) == 0, "ledger");
	must(gh_new(x.loop, &clock_system, &rnd_system, &c, &x.gh, NULL) == 0, "client");
	x.g = github_new(&(struct github_opts){.db = x.db,
					       .clock = &clock_system,
					       .client = x.gh,
					       .self = SELF,
					       .marker_key = "k"});
	fill();
}

static size_t check_effects(void)
{
	static const char *const subjects[] = {"sync:1:", "list:1", "repo:1"};
	cleanup(effect_list_release) struct effect_list l = {0};

	must(effect_due(x.db, INT64_MAX, &l, NULL) >= 0, "effects can be read");
	for (size_t i = 0; i < l.n; i++) {
		autojson json_t *p = NULL;
		bool known = false;

		for (size_t k = 0; k < ARRAY_LEN(subjects); k++)
			known |= !strncmp(l.v[i].subject, subjects[k], strlen(subjects[k]));
		must(known && !strncmp(l.v[i].kind, "forge-", 6), "an effect of the repository");
		must(json_parse(l.v[i].payload, strlen(l.v[i].payload), SIZE_MAX, &p, NULL) == 0,
		     "an effect's payload");
		if (!strncmp(l.v[i].subject, "sync:", 5))
			must(json_int(p, "number", 0) > 0 &&
				     json_int(p, "number", 0) <= GITHUB_NUMBER_MAX,
			     "a number");
	}
	return l.n;
}

static size_t check_events(void)
{
	static const char *const kinds[] = {"comment-created", "button-pressed", "checks-changed",
					    "label-renamed"};
	cleanup(event_release) struct event e = {0};
	autojson json_t *p = NULL;
	int rc = event_next(x.db, &e, NULL);
	bool known = false;

	must(rc >= 0, "events can be read");
	if (!rc)
		return 0;
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
		known |= !strcmp(e.kind, kinds[k]);
	must(known && *e.key, "a kind of event");
	must(json_parse(e.payload, strlen(e.payload), SIZE_MAX, &p, NULL) == 0,
	     "an event's payload");
	must(json_int(p, "repo", 0) == 1 && json_int(p, "number", -1) >= 0 &&
		     *json_str(p, "actor", ""),
	     "an event's repository, number and actor");
	return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *s = (const char *)data, *line = size ? memchr(s, '\n', size) : NULL;
	size_t n = line ? (size_t)(line - s) : 0;
	autofree char *event = xstrndup(s, n);
	autojson json_t *payload = NULL;
	cleanup(err_release) struct err err = ERR_INIT;
	enum github_heard heard;
	size_t found;
	bool ours;

	if (!x.db)
		start();
	if (!line || json_parse(line + 1, size - n - 1, (size_t)1 << 20, &payload, NULL) < 0 ||
	    !json_is_object(payload))
		return 0;
	must(db_savepoint(x.db, NULL) == 0, "savepoint");
	if (github_deliver(x.g, event, payload, &heard, &err) < 0) {
		must(err.code == ERR_INPUT || err.code == ERR_LIMIT, err_text(&err));
	} else {
		found = check_effects() + check_events();
		ours = !strcmp(json_str(json_object_get(payload, "sender"), "login", ""), SELF);
		must(!found || heard == GITHUB_HEARD, "what is not heard has no effect");
		must(!found || !ours || !strncmp(event, "installation", 12),
		     "nothing comes of what we did");
	}
	db_rollback_to(x.db);
	return 0;
}
