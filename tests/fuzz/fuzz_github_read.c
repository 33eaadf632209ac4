/*
 * fuzz_github_read.c - what GitHub, or somebody in its place, answers: every decoder of its objects.
 *
 * What is taken has a positive number, names that are names, and ids that are ids; what is refused leaves
 * nothing behind.
 */
#include "base/mem.h"
#include "forge/github_read.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void items(const json_t *o)
{
	cleanup(issue_release) struct issue i = {0};
	cleanup(pr_release) struct pr p = {0};
	cleanup(strvec_release) struct strvec labels = STRVEC_INIT;
	bool pull = false;

	if (gh_read_issue(o, &i, &pull, NULL) == 0)
		must(i.number > 0 && i.title && i.body && i.author && i.state);
	else
		must(!i.title && !i.body);
	if (gh_read_pull(o, "acme/app", &p, NULL) == 0)
		must(p.number > 0 && gh_is_oid(p.head) && *p.topic && *p.base &&
		     (!p.landed || gh_is_oid(p.landed)));
	else
		must(!p.head && !p.title);
	gh_read_labels(o, &labels);
	strvec_foreach (&labels, l)
		must(**l);
}

static void others(const json_t *o)
{
	cleanup(github_repo_release) struct github_repo r = {0};
	struct gh_comment c;
	struct gh_review v;
	struct gh_event e;
	const char *branch = NULL;
	int64_t level = -1;

	if (gh_read_comment(o, &c, NULL) == 0)
		must(c.id > 0 && c.body && c.number >= 0);
	if (gh_read_review(o, &v, NULL) == 0)
		must(v.id > 0 && v.state && v.body);
	if (gh_latest_event(o, "labeled", NULL, &e))
		must(e.id > 0 && e.actor.login);
	if (gh_read_repo(o, &r, &branch, NULL) == 0)
		must(r.remote > 0 && gh_is_full_name(r.full_name) && *branch);
	if (gh_read_level(o, &level, NULL) == 0)
		must(level >= 0 && level <= 3);
	(void)gh_time_ms(json_str(o, "created_at", NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autojson json_t *o = NULL;

	if (json_parse((const char *)data, size, (size_t)1 << 20, &o, NULL) < 0)
		return 0;
	items(o);
	others(o);
	return 0;
}
