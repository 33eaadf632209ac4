/* github_doctor_workflow.c - see github_doctor_part.h: a workflow's `on` */
#include "forge/github_doctor_part.h"

#include "base/glob.h"
#include "base/mem.h"
#include "base/yaml.h"

#include <string.h>

static bool matches(const char *pattern, const char *branch)
{
	return glob_check(pattern, NULL) == 0 && glob_match(pattern, branch);
}

/* In GitHub's order: a later pattern overrules an earlier one, '!' takes out. */
static bool listed(const struct yaml_node *list, const char *branch)
{
	bool in = false;

	if (list->kind == YAML_TEXT)
		return matches(list->text, branch);
	for (size_t i = 0; list->kind == YAML_LIST && i < list->n; i++) {
		const char *s = list->items[i]->text ? list->items[i]->text : "";
		bool out = *s == '!';

		if (matches(s + out, branch))
			in = !out;
	}
	return in;
}

/* The value of `push`: nothing, or filters. Filters of paths are left aside: they may match. */
static bool push_runs(const struct yaml_node *push, const char *branch)
{
	const struct yaml_node *only = yaml_get(push, "branches");
	const struct yaml_node *but = yaml_get(push, "branches-ignore");

	if (only)
		return listed(only, branch);
	if (but)
		return !listed(but, branch);
	/* With tags alone, branches do not count. */
	return !yaml_get(push, "tags") && !yaml_get(push, "tags-ignore");
}

/* The value of `pull_request`: its branches are bases. `opened` is among the types when none are named. */
static bool pull_runs(const struct yaml_node *pull, const char *base)
{
	const struct yaml_node *types = yaml_get(pull, "types");

	if (types && !listed(types, "opened"))
		return false;
	return push_runs(pull, base);
}

/* Without filters. */
static bool event_runs(const char *event, const char *base)
{
	return !strcmp(event, "push") || (base && !strcmp(event, "pull_request"));
}

static bool on_runs(const struct yaml_node *on, const char *branch, const char *base)
{
	if (on->kind == YAML_TEXT)
		return event_runs(on->text, base);
	for (size_t i = 0; i < on->n; i++) {
		if (on->kind == YAML_LIST && on->items[i]->text &&
		    event_runs(on->items[i]->text, base))
			return true;
		if (on->kind != YAML_MAP)
			continue;
		if (!strcmp(on->keys[i], "push") && push_runs(on->items[i], branch))
			return true;
		if (base && !strcmp(on->keys[i], "pull_request") && pull_runs(on->items[i], base))
			return true;
	}
	return false;
}

int doctor_workflow_runs(const char *text, size_t n, const char *branch, const char *base)
{
	cleanup(yaml_doc_release) struct yaml_doc doc = {0};
	const struct yaml_node *on;

	if (yaml_load("workflow", text, n, &doc, NULL) < 0)
		return -1;
	on = yaml_get(doc.root, "on");
	return on ? on_runs(on, branch, base) : 0;
}
