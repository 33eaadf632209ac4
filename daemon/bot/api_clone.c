/*
 * api_clone.c - what the hooks of somebody's clone ask. Somebody waits for each: the ledger is read,
 * no Git object, and the work is bounded whatever was sent.
 *
 *   clone find       which of our repositories a clone's remotes lead to
 *   clone leases     which of these files an agent has a lease on
 *   clone message    which of these Depends-On: are no PR that can land first
 *   clone push       is this URL the repository's, and which branches are the queue's
 *   clone conflicts  which open PRs change files that a push changes too
 */
#include "bot/api_args.h"

#include "base/giturl.h"
#include "base/glob.h"
#include "base/mem.h"
#include "bot/queue_depends.h"

#include <stdlib.h>

#define REMOTES_MAX 100
#define FILES_MAX   2000
#define ROWS_MAX    50                /* of an answer */
#define MATCHES_MAX 200000            /* patterns times paths */
#define PRS_MAX     500               /* compared with a push */
#define PR_FILES    ((size_t)2 << 20) /* bytes of their lists together */
#define SHOWN_FILES 5                 /* named of one PR */
#define WALK_MAX    1000              /* PRs visited for a cycle */

static json_t *list_arg(struct request *q, const char *key, size_t max, struct err *err)
{
	json_t *a = json_object_get(q->args, key);

	if (!json_is_array(a) || json_array_size(a) > max) {
		err_set(err, json_is_array(a) ? ERR_LIMIT : ERR_INPUT,
			"%s: expected a list of at most %zu", key, max);
		return NULL;
	}
	return a;
}

/* ---- whose URL is it? ---- */

static bool is_url_of(const struct repo *r, const char *url, const char *path)
{
	autofree char *real = NULL;

	if (path && !strcmp(path, r->path))
		return true;
	if (path) {
		real = realpath(r->path, NULL);
		return real && !strcmp(real, path);
	}
	if (!url)
		return false;
	/* A bare repository here that is reached over ssh. */
	if (!strcmp(r->forge, "local"))
		return giturl_is_path(url, r->path);
	return strchr(r->name, '/') && giturl_is_name(url, r->name);
}

static void add_match(const struct repo *r, const json_t *remote, json_t *ret)
{
	json_t *o = json_object();

	json_put_str(o, "remote", json_str(remote, "name", ""));
	json_put_str(o, "url", json_str(remote, "url", ""));
	json_put_str(o, "repo", r->name);
	json_array_append_new(ret, o);
}

int api_clone_find(struct request *q, json_t **ret, struct err *err)
{
	cleanup(repo_list_release) struct repo_list l = {0};
	const json_t *remotes = list_arg(q, "remotes", REMOTES_MAX, err), *remote;
	const char *clone = args_str(q->args, "clone");
	autojson json_t *o = json_object();
	json_t *matches = json_array();
	bool own = false;
	size_t i;

	json_put(o, "matches", matches);
	if (!remotes || repo_all(q->bot->db, ST_REPO_ALL, &l, err, "") < 0)
		return -1;
	for (size_t k = 0; k < l.n; k++) {
		if (args_need(q, l.v[k].id, FORGE_READ, NULL) < 0)
			continue;
		own = own || (clone && is_url_of(&l.v[k], NULL, clone));
		json_array_foreach (remotes, i, remote)
			if (is_url_of(&l.v[k], json_str(remote, "url", NULL),
				      json_str(remote, "path", NULL)))
				add_match(&l.v[k], remote, matches);
	}
	json_put_bool(o, "own", own);
	*ret = api_item(json_incref(o));
	return API_DONE;
}

int api_clone_push(struct request *q, json_t **ret, struct err *err)
{
	const struct repo *r = &q->repo;
	autofree char *base = xasprintf("refs/heads/%s", r->base);
	json_t *o = json_object(), *list = json_array();

	(void)err;
	json_array_append_new(list, json_string(base));
	/* On a forge people push to a task's branch to help; the queue's own are nobody's. */
	json_array_append_new(list, json_string(strcmp(r->forge, "local") != 0
							? "refs/heads/yardmaster/queue/"
							: "refs/heads/yardmaster/"));
	json_put_bool(o, "managed",
		      is_url_of(r, args_str(q->args, "url"), args_str(q->args, "path")));
	json_put_str(o, "forge", r->forge);
	json_put_str(o, "base", r->base);
	json_put_str(o, "base_oid", r->base_oid);
	json_put(o, "protected", list);
	*ret = api_item(o);
	return API_DONE;
}

/* ---- leases ---- */

static int lease_row(struct request *q, const struct lease *l, const char *file, json_t *ret,
		     struct err *err)
{
	cleanup(task_release) struct task t = {0};
	json_t *o;

	if (task_get(q->bot->db, l->task, &t, err) < 0)
		return -1;
	o = json_object();
	json_put_str(o, "file", file);
	json_put_str(o, "pattern", l->pattern);
	json_put_int(o, "task", l->task);
	json_put_int(o, "issue", t.issue);
	json_put_str(o, "title", t.title ? t.title : "");
	json_put_str(o, "agent", t.agent && *t.agent ? t.agent : "the usual agent");
	json_put_str(o, "requester", t.requester ? t.requester : "?");
	json_put_str(o, "state", t.state ? t.state : "?");
	json_array_append_new(ret, o);
	return 0;
}

int api_clone_leases(struct request *q, json_t **ret, struct err *err)
{
	cleanup(lease_list_release) struct lease_list l = {0};
	const json_t *files = list_arg(q, "files", FILES_MAX, err), *f;
	autojson json_t *o = json_object();
	json_t *rows = json_array();
	int64_t total = 0, tried = 0;
	size_t i;

	json_put(o, "leases", rows);
	if (!files || lease_all(q->bot->db, ST_LEASE_OF_REPO, &l, err, "i", q->repo.id) < 0)
		return -1;
	json_array_foreach (files, i, f) {
		const char *path = json_string_value(f);

		for (size_t k = 0; path && k < l.n && tried < MATCHES_MAX; k++, tried++) {
			if (!glob_match(l.v[k].pattern, path))
				continue;
			if (total++ < ROWS_MAX && lease_row(q, &l.v[k], path, rows, err) < 0)
				return -1;
			break; /* one lease says enough of a file: they do not overlap */
		}
	}
	json_put_int(o, "total", total);
	json_put_bool(o, "cut", tried >= MATCHES_MAX);
	*ret = api_item(json_incref(o));
	return API_DONE;
}

/* ---- Depends-On ---- */

struct message {
	struct request *q;
	int64_t self; /* the PR that the branch is of; 0: none is known */
	json_t *wrong, *notes;
};

static void remark(json_t *list, const char *what, char *why)
{
	json_t *o = json_object();

	json_put_str(o, "what", what);
	json_put_str(o, "why", why);
	json_array_append_new(list, o);
	free(why);
}

/* `yardmaster pr checkout` calls its branch pr/N; others go by the topic. */
static int find_self(struct message *m, const char *branch, struct err *err)
{
	cleanup(pr_release) struct pr pr = {0};
	struct request *q = m->q;
	char *end;
	long long n;
	int rc;

	if (!branch)
		return 0;
	n = !strncmp(branch, "pr/", 3) ? strtoll(branch + 3, &end, 10) : 0;
	if (n > 0 && !*end) {
		rc = pr_find(q->bot->db, ST_PR_BY_NUMBER, &pr, err, "ii", q->repo.id, (int64_t)n);
		m->self = rc > 0 && !strcmp(pr.state, "open") ? pr.number : 0;
		return rc < 0 ? -1 : 0;
	}
	rc = pr_find(q->bot->db, ST_PR_BY_TOPIC, &pr, err, "isss", q->repo.id, branch, q->actor,
		     q->repo.base);
	m->self = rc > 0 ? pr.number : 0;
	return rc < 0 ? -1 : 0;
}

struct walk {
	int64_t v[WALK_MAX];
	size_t n;
};

static void walk_add(struct walk *w, int64_t pr)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->v[i] == pr)
			return;
	if (w->n < WALK_MAX)
		w->v[w->n++] = pr;
}

/* Does `from` come to depend on `self`, however many steps away? 1, 0, -1. */
static int leads_to(struct message *m, int64_t from, struct err *err)
{
	autofree struct walk *w = xcalloc(1, sizeof(*w));

	walk_add(w, from);
	for (size_t i = 0; m->self && i < w->n; i++) {
		cleanup(dependency_list_release) struct dependency_list l = {0};

		if (w->v[i] == m->self)
			return 1;
		if (dependency_all(m->q->bot->db, ST_DEPENDENCY_OF, &l, err, "ii", m->q->repo.id,
				   w->v[i]) < 0)
			return -1;
		for (size_t k = 0; k < l.n; k++)
			walk_add(w, l.v[k].on_pr);
	}
	return 0;
}

static int check_depend(struct message *m, const char *what, struct err *err)
{
	const struct repo *r = &m->q->repo;
	cleanup(depend_release) struct depend d = {0};
	cleanup(pr_release) struct pr pr = {0};
	int64_t n;
	int rc;

	if (!depends_word(what, &d))
		return 0; /* the hook has refused it */
	if (!queue_depends_here(r, &d)) {
		remark(m->notes, what,
		       xstrdup("is of another repository: the PR is held until that is known here "
			       "to be "
			       "merged"));
		return 0;
	}
	n = d.number;
	rc = pr_find(m->q->bot->db, ST_PR_BY_NUMBER, &pr, err, "ii", r->id, n);
	if (rc < 0)
		return -1;
	if (rc == 0) {
		remark(m->wrong, what,
		       xasprintf("%s has no PR #%lld; 'yardmaster pr list' shows those that are "
				 "open",
				 r->name, (long long)n));
		return 0;
	}
	if (n == m->self) {
		remark(m->wrong, what,
		       xasprintf("is the PR that this branch belongs to; a PR cannot wait for "
				 "itself"));
		return 0;
	}
	rc = leads_to(m, n, err);
	if (rc > 0)
		remark(m->wrong, what,
		       xasprintf("depends itself on #%lld, to which this branch belongs: neither "
				 "could ever land",
				 (long long)m->self));
	else if (rc == 0 && !strcmp(pr.state, "closed"))
		remark(m->notes, what, xstrdup("was closed without being merged"));
	return rc < 0 ? -1 : 0;
}

int api_clone_message(struct request *q, json_t **ret, struct err *err)
{
	const json_t *deps = list_arg(q, "depends", DEPENDS_MAX, err), *d;
	autojson json_t *o = json_object();
	struct message m = {.q = q, .wrong = json_array(), .notes = json_array()};
	size_t i;

	json_put(o, "wrong", m.wrong);
	json_put(o, "notes", m.notes);
	if (!deps || find_self(&m, args_str(q->args, "branch"), err) < 0)
		return -1;
	json_array_foreach (deps, i, d)
		if (json_is_string(d) && check_depend(&m, json_string_value(d), err) < 0)
			return -1;
	*ret = api_item(json_incref(o));
	return API_DONE;
}

/* ---- conflicts ---- */

/* The PR that this push updates. */
static bool is_own(struct request *q, const struct pr *p, const char *ref, const char *head)
{
	autofree char *for_ref =
		xasprintf("refs/for/%s/%s", q->repo.base, p->topic ? p->topic : "");
	autofree char *branch = xasprintf("refs/heads/%s", p->topic ? p->topic : "");

	if (head && p->head && !strcmp(p->head, head))
		return true;
	if (!ref)
		return false;
	if (strcmp(q->repo.forge, "local") != 0)
		return !strcmp(ref, branch);
	return !strcmp(ref, for_ref) && p->author && !strcmp(p->author, q->actor);
}

/* What of a PR's files is in the set; the first few into *shown. */
static int64_t overlap(const struct pr *p, json_t *set, json_t *shown)
{
	autojson json_t *files = NULL;
	const json_t *f;
	int64_t n = 0;
	size_t i;

	if (!p->files || json_parse(p->files, strlen(p->files), PR_FILES, &files, NULL) < 0)
		return 0;
	json_array_foreach (files, i, f) {
		const char *path = json_string_value(f);

		if (!path || !json_object_get(set, path))
			continue;
		if (n++ < SHOWN_FILES)
			json_array_append_new(shown, json_string(path));
	}
	return n;
}

static int add_overlap(struct request *q, const struct pr *p, json_t *set, json_t *rows,
		       struct err *err)
{
	cleanup(queue_entry_release) struct queue_entry e = {0};
	json_t *shown = json_array(), *o;
	int64_t n = overlap(p, set, shown);
	int rc = n ? queue_entry_find(q->bot->db, ST_QUEUE_OF_PR, &e, err, "ii", q->repo.id,
				      p->number)
		   : 0;

	if (!n || rc < 0) {
		json_decref(shown);
		return rc < 0 ? -1 : 0;
	}
	o = json_object();
	json_put_int(o, "number", p->number);
	json_put_str(o, "title", p->title);
	json_put_str(o, "author", p->author);
	json_put_str(o, "head", p->head);
	json_put_bool(o, "queued", rc > 0);
	json_put_int(o, "nfiles", n);
	json_put(o, "files", shown);
	json_array_append_new(rows, o);
	return 0;
}

int api_clone_conflicts(struct request *q, json_t **ret, struct err *err)
{
	cleanup(pr_list_release) struct pr_list l = {0};
	const json_t *files = list_arg(q, "files", FILES_MAX, err), *f;
	autojson json_t *o = json_object(), *set = json_object();
	json_t *rows = json_array();
	size_t i, bytes = 0, k;

	json_put(o, "prs", rows);
	if (!files || pr_all(q->bot->db, ST_PR_LIST, &l, err, "is", q->repo.id, "open") < 0)
		return -1;
	json_array_foreach (files, i, f)
		if (json_is_string(f))
			json_object_set_new(set, json_string_value(f), json_true());
	for (k = 0; k < l.n && k < PRS_MAX && bytes < PR_FILES && json_array_size(rows) < ROWS_MAX;
	     k++) {
		bytes += l.v[k].files ? strlen(l.v[k].files) : 0;
		if (!is_own(q, &l.v[k], args_str(q->args, "ref"), args_str(q->args, "head")) &&
		    add_overlap(q, &l.v[k], set, rows, err) < 0)
			return -1;
	}
	json_put_bool(o, "cut", k < l.n);
	*ret = api_item(json_incref(o));
	return API_DONE;
}
