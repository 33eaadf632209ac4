/* github_read.c - see github_read.h */
#include "forge/github_read.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define TITLE_MAX ((size_t)1024) /* bytes: 256 characters */
#define BODY_MAX  ((size_t)262144)
#define NAME_MAX_ ((size_t)255)
#define LABELS    100

int64_t gh_time_ms(const char *s)
{
	struct tm tm = {0}, zone = {0};
	const char *end = s ? strptime(s, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
	int64_t ms = 0, digit = 100;

	if (!end)
		return -1;
	if (*end == '.')
		for (end++; *end >= '0' && *end <= '9'; end++, digit /= 10)
			ms += (*end - '0') * digit;
	if (!strptime(end, "%z", &zone)) /* "Z", "+01:00" */
		return -1;
	return ((int64_t)timegm(&tm) - zone.tm_gmtoff) * 1000 + ms;
}

bool gh_is_oid(const char *s)
{
	size_t n = s ? strspn(s, "0123456789abcdef") : 0;

	return (n == 40 || n == 64) && !s[n];
}

static bool is_login(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			     "-_[].");

	return n && !s[n] && n <= 100;
}

bool gh_is_full_name(const char *s)
{
	static const char name[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	size_t owner = s ? strspn(s, name) : 0, repo;

	if (!owner || s[owner] != '/' || owner > 100 || *s == '.')
		return false;
	repo = strspn(s + owner + 1, name);
	return repo && repo <= 100 && !s[owner + 1 + repo] && strcmp(s + owner + 1, ".") != 0 &&
	       strcmp(s + owner + 1, "..") != 0;
}

struct gh_user gh_read_user(const json_t *o, const char *key)
{
	const json_t *u = json_object_get(o, key);
	const char *login = json_str(u, "login", "ghost");

	if (!is_login(login))
		login = "ghost";
	return (struct gh_user){login, !strcmp(json_str(u, "type", "User"), "Bot") ||
					       strstr(login, "[bot]") != NULL};
}

/* A text of at most max bytes; NULL and absent are "". */
static int read_text(const json_t *o, const char *key, size_t max, char **ret, struct err *err)
{
	const char *s = "";

	if (json_opt_str(o, key, &s, err) < 0)
		return -1;
	if (strlen(s) > max)
		return err_set(err, ERR_LIMIT, "'%s': %zu bytes; at most %zu are read", key,
			       strlen(s), max);
	row_set(ret, s);
	return 0;
}

static int64_t time_of(const json_t *o, const char *key)
{
	int64_t ms = gh_time_ms(json_str(o, key, NULL));

	return ms < 0 ? 0 : ms;
}

static int read_number(const json_t *o, const char *key, int64_t *ret, struct err *err)
{
	if (json_get_int(o, key, ret, err) < 0)
		return -1;
	return *ret > 0 ? 0
			: err_set(err, ERR_INPUT, "'%s': found %lld, expected a positive number",
				  key, (long long)*ret);
}

/* What issues and PRs have in common. */
static int read_item(const json_t *o, int64_t *number, char **title, char **body, char **state,
		     char **author, int64_t *created_ms, int64_t *updated_ms, struct err *err)
{
	const char *s;

	if (read_number(o, "number", number, err) < 0 || json_get_str(o, "state", &s, err) < 0 ||
	    read_text(o, "title", TITLE_MAX, title, err) < 0 ||
	    read_text(o, "body", BODY_MAX, body, err) < 0)
		return -1;
	if (strcmp(s, "open") != 0 && strcmp(s, "closed") != 0)
		return err_set(err, ERR_INPUT, "'state': found '%.20s', expected open or closed",
			       s);
	row_set(state, s);
	row_set(author, gh_read_user(o, "user").login);
	*created_ms = time_of(o, "created_at");
	*updated_ms = time_of(o, "updated_at");
	return 0;
}

int gh_read_issue(const json_t *o, struct issue *ret, bool *ret_pull, struct err *err)
{
	cleanup(issue_release) struct issue i = {0};

	if (read_item(o, &i.number, &i.title, &i.body, &i.state, &i.author, &i.created_ms,
		      &i.updated_ms, err) < 0)
		return err_wrap(err, "issue");
	*ret_pull = json_is_object(json_object_get(o, "pull_request"));
	*ret = i;
	i = (struct issue){0};
	return 0;
}

void gh_read_labels(const json_t *o, struct strvec *ret)
{
	const json_t *l;
	size_t i;

	json_array_foreach (json_object_get(o, "labels"), i, l) {
		/* a string in some old payloads */
		const char *name =
			json_is_string(l) ? json_string_value(l) : json_str(l, "name", "");

		if (*name && strlen(name) <= NAME_MAX_ && ret->n < LABELS)
			strvec_push(ret, name);
	}
}

/* The branch and commit at o[key]. */
static int read_end(const json_t *o, const char *key, char **ref, char **sha, struct err *err)
{
	json_t *end;
	const char *s;

	if (json_get_object(o, key, &end, err) < 0 || json_get_str(end, "ref", &s, err) < 0)
		return -1;
	if (!*s || strlen(s) > NAME_MAX_)
		return err_set(err, ERR_INPUT, "'%s.ref': no branch's name", key);
	row_set(ref, s);
	if (json_get_str(end, "sha", &s, err) < 0)
		return -1;
	if (!gh_is_oid(s))
		return err_set(err, ERR_INPUT, "'%s.sha': found '%.70s', expected an object id",
			       key, s);
	row_set(sha, s);
	return 0;
}

int gh_read_pull(const json_t *o, const char *repo_full_name, struct pr *ret, struct err *err)
{
	cleanup(pr_release) struct pr p = {0};
	autofree char *base_oid = NULL;
	const json_t *head_repo = json_object_get(json_object_get(o, "head"), "repo");
	const char *fork = json_str(head_repo, "full_name", NULL);

	if (read_item(o, &p.number, &p.title, &p.body, &p.state, &p.author, &p.created_ms,
		      &p.updated_ms, err) < 0 ||
	    read_end(o, "base", &p.base, &base_oid, err) < 0 ||
	    read_end(o, "head", &p.topic, &p.head, err) < 0)
		return err_wrap(err, "PR");
	p.draft = json_flag(o, "draft");
	/* Lists do not say. */
	p.modify = json_object_get(o, "maintainer_can_modify")
			   ? json_flag(o, "maintainer_can_modify")
			   : -1;
	p.files = xstrdup("[]");
	/* A deleted fork is a fork all the same: nothing can be pushed to it. */
	if (!fork || !gh_is_full_name(fork))
		p.head_repo = xstrdup("deleted");
	else if (strcasecmp(fork, repo_full_name) != 0)
		p.head_repo = xstrdup(fork);
	if (json_flag(o, "merged") || gh_time_ms(json_str(o, "merged_at", NULL)) > 0) {
		row_set(&p.state, "merged");
		if (gh_is_oid(json_str(o, "merge_commit_sha", NULL)))
			row_set(&p.landed, json_str(o, "merge_commit_sha", NULL));
		if (json_is_object(json_object_get(o, "merged_by")))
			row_set(&p.merged_by, gh_read_user(o, "merged_by").login);
	}
	*ret = p;
	p = (struct pr){0};
	return 0;
}

/* Copies those of the keys that are there. Takes `to`, and returns it. */
static json_t *copy_keys(json_t *to, const json_t *from, const char *const *keys)
{
	for (; *keys; keys++) {
		json_t *v = json_object_get(from, *keys);

		if (v)
			json_put(to, *keys, json_incref(v));
	}
	return to;
}

static json_t *brief_end(const json_t *end)
{
	static const char *const keys[] = {"ref", "sha", NULL}, *const repo[] = {"full_name", NULL};
	json_t *o = copy_keys(json_object(), end, keys);

	json_put(o, "repo", copy_keys(json_object(), json_object_get(end, "repo"), repo));
	return o;
}

static json_t *brief_labels(const json_t *labels)
{
	static const char *const keys[] = {"name", NULL};
	json_t *list = json_array(), *l;
	size_t i;

	json_array_foreach (labels, i, l)
		json_array_append_new(list, json_is_string(l) ? json_incref(l)
							      : copy_keys(json_object(), l, keys));
	return list;
}

json_t *gh_pull_brief(const json_t *o)
{
	static const char *const keys[] = {"number",     "title",      "body",
					   "state",      "draft",      "maintainer_can_modify",
					   "merged",     "merged_at",  "merge_commit_sha",
					   "created_at", "updated_at", NULL};
	static const char *const people[] = {"user", "merged_by"};
	static const char *const user[] = {"login", "type", NULL};
	json_t *brief = copy_keys(json_object(), o, keys);

	for (size_t i = 0; i < ARRAY_LEN(people); i++)
		if (json_is_object(json_object_get(o, people[i])))
			json_put(brief, people[i],
				 copy_keys(json_object(), json_object_get(o, people[i]), user));
	json_put(brief, "base", brief_end(json_object_get(o, "base")));
	json_put(brief, "head", brief_end(json_object_get(o, "head")));
	json_put(brief, "labels", brief_labels(json_object_get(o, "labels")));
	return brief;
}

int gh_read_event(const json_t *o, struct gh_event *ret, struct err *err)
{
	struct gh_event e = {.label = json_str(json_object_get(o, "label"), "name", NULL),
			     .actor = gh_read_user(o, "actor"),
			     .at_ms = time_of(o, "created_at")};

	if (read_number(o, "id", &e.id, err) < 0 || json_get_str(o, "event", &e.what, err) < 0)
		return err_wrap(err, "event");
	*ret = e;
	return 0;
}

int gh_latest_event(const json_t *events, const char *what, const char *label, struct gh_event *ret)
{
	const json_t *o;
	size_t i;
	int found = 0;

	json_array_foreach (events, i, o) {
		struct gh_event e;

		if (gh_read_event(o, &e, NULL) < 0 || strcmp(e.what, what) != 0 ||
		    (label && (!e.label || strcasecmp(e.label, label) != 0)) ||
		    (found && e.id < ret->id))
			continue;
		*ret = e;
		found = 1;
	}
	return found;
}

static int64_t last_number(const char *url)
{
	const char *slash = url ? strrchr(url, '/') : NULL;
	int64_t n = slash ? strtoll(slash + 1, NULL, 10) : 0;

	return n > 0 && n < INT64_MAX ? n : 0;
}

bool gh_url_is_of(const char *url, const char *full_name, int64_t number)
{
	const char *repo = url ? strstr(url, "/repos/") : NULL;
	size_t n = strlen(full_name);

	if (!repo)
		return true;
	repo += strlen("/repos/");
	if (strncasecmp(repo, full_name, n) != 0 || (repo[n] && repo[n] != '/'))
		return false;
	return !number || last_number(url) == number;
}

int gh_read_comment(const json_t *o, struct gh_comment *ret, struct err *err)
{
	struct gh_comment c = {.body = json_str(o, "body", ""),
			       .user = gh_read_user(o, "user"),
			       .created_ms = time_of(o, "created_at"),
			       .number = last_number(json_str(o, "issue_url", NULL))};

	if (read_number(o, "id", &c.id, err) < 0)
		return err_wrap(err, "comment");
	if (strlen(c.body) > BODY_MAX)
		return err_set(err, ERR_LIMIT, "comment %lld: %zu bytes; at most %zu are read",
			       (long long)c.id, strlen(c.body), BODY_MAX);
	*ret = c;
	return 0;
}

int gh_read_review(const json_t *o, struct gh_review *ret, struct err *err)
{
	struct gh_review r = {.commit = json_str(o, "commit_id", NULL),
			      .body = json_str(o, "body", ""),
			      .user = gh_read_user(o, "user"),
			      .at_ms = time_of(o, "submitted_at")};

	if (read_number(o, "id", &r.id, err) < 0 || json_get_str(o, "state", &r.state, err) < 0)
		return err_wrap(err, "review");
	if (strlen(r.body) > BODY_MAX)
		return err_set(err, ERR_LIMIT, "review %lld: %zu bytes; at most %zu are read",
			       (long long)r.id, strlen(r.body), BODY_MAX);
	*ret = r;
	return 0;
}

int gh_read_repo(const json_t *o, struct github_repo *ret, const char **ret_branch, struct err *err)
{
	cleanup(github_repo_release) struct github_repo r = {0};
	const char *name, *url, *branch;

	if (read_number(o, "id", &r.remote, err) < 0 ||
	    json_get_str(o, "full_name", &name, err) < 0 ||
	    json_get_str(o, "clone_url", &url, err) < 0 ||
	    json_get_str(o, "default_branch", &branch, err) < 0)
		return err_wrap(err, "repository");
	if (!gh_is_full_name(name))
		return err_set(err, ERR_INPUT, "repository: 'full_name' is '%.210s'", name);
	if (!*branch || strlen(branch) > NAME_MAX_)
		return err_set(err, ERR_INPUT, "repository %s: no default branch", name);
	r.full_name = xstrdup(name);
	r.url = xstrdup(url);
	*ret = r;
	*ret_branch = branch;
	r = (struct github_repo){0};
	return 0;
}

int gh_read_level(const json_t *o, int64_t *ret, struct err *err)
{
	/* level as in forge.h; a role of an organisation's own has its base in `permission` */
	static const struct {
		const char *name;
		int64_t level;
	} roles[] = {{"admin", 3},  {"maintain", 3}, {"write", 2},
		     {"triage", 1}, {"read", 1},     {"none", 0}};
	const char *names[2] = {json_str(o, "role_name", NULL), json_str(o, "permission", NULL)};

	for (size_t n = 0; n < ARRAY_LEN(names); n++)
		for (size_t i = 0; names[n] && i < ARRAY_LEN(roles); i++)
			if (!strcmp(names[n], roles[i].name)) {
				*ret = roles[i].level;
				return 0;
			}
	return err_set(err, ERR_INPUT,
		       "permission: found '%.40s', expected admin, write, read or "
		       "none",
		       names[1] ? names[1] : "nothing");
}
