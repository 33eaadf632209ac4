/* queue_rules.c - see queue_rules.h */
#include "bot/queue_rules.h"

#include "base/buf.h"
#include "base/mem.h"
#include "bot/approvals.h"
#include "bot/codeowners.h"
#include "bot/members.h"

#include <strings.h>

#define OWNERS_SHOWN 3

/* ---- what is missing, in words ---- */

static bool wants_review(const struct forge_rules *r)
{
	return r->approvals || r->code_owners || r->last_push || r->reviewers;
}

static char *review_text(const struct forge_rules *r, const char *owners)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	buf_adds(&b, "waits for a review that the branch requires");
	if (r->approvals > 1)
		buf_addf(&b, ", %lld in all", (long long)r->approvals);
	if (r->code_owners)
		buf_addf(&b, ", by a code owner%s%s", owners ? ": " : "", owners ? owners : "");
	if (r->reviewers)
		buf_adds(&b, ", by the teams that a ruleset names");
	if (r->last_push)
		buf_adds(&b, ", of the last push by somebody else than who pushed it");
	return buf_steal(&b);
}

static char *names_of(const json_t *list)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	const json_t *o;
	size_t i;

	json_array_foreach (list, i, o)
		if (json_is_string(o))
			buf_addf(&b, "%s@%s", b.len ? ", " : "", json_string_value(o));
	return b.len ? buf_steal(&b) : xstrdup("somebody");
}

static char *changes_text(const json_t *verdict)
{
	autofree char *who = names_of(json_object_get(verdict, "by"));

	return xasprintf("waits for %s, who requested changes, to approve it or to dismiss the "
			 "review",
			 who);
}

/* Of every PR: a person changes the rules, or the queue's configuration. */
static char *rule_text(const struct queue_rules_facts *f)
{
	const struct forge_rules *r = f->rules;
	autofree char *not = NULL;

	if (r->unknown)
		return xasprintf("waits for the branch's rules to be read from the forge: %s",
				 r->unknown);
	if (r->held)
		return xasprintf("waits: %s", r->held);
	if (!f->method || !strvec_has(&r->no_methods, f->method))
		return NULL;
	not = strvec_join(&r->no_methods, ", ");
	return xasprintf("waits: the branch's rules let nothing land by %s, and the queue's method "
			 "is %s: set `queue.method` to another one in .github/yardmaster.yml, or "
			 "change the rules",
			 not, f->method);
}

static const char unread[] = "waits for the reviews of its head to be read from the forge";

static bool is_of_head(const struct queue_rules_facts *f)
{
	return f->verdict && !strcmp(json_str(f->verdict, "head", ""), f->head);
}

/* The forge has not said it of this head, and it matters. NULL: it has. */
static char *unsaid_text(const struct queue_rules_facts *f)
{
	const char *why = json_str(f->verdict, "why", NULL);

	if (why)
		return xasprintf("waits: its reviews could not be read from the forge: %s", why);
	if (!is_of_head(f) || !json_object_get(f->verdict, "decision"))
		return xstrdup(unread);
	return NULL;
}

char *queue_rules_text(const struct queue_rules_facts *f)
{
	const struct forge_rules *r = f->rules;
	bool threads = r->conversations || f->conversations;
	const char *decision = json_str(f->verdict, "decision", "");
	int64_t open = json_int(f->verdict, "unresolved", 0);
	char *unsaid, *rule;

	if (json_array_size(json_object_get(f->verdict, "by")) ||
	    (is_of_head(f) && !strcmp(decision, "changes-requested")))
		return changes_text(f->verdict);
	rule = rule_text(f);
	if (rule)
		return rule;
	unsaid = unsaid_text(f);
	if (unsaid && (wants_review(r) || threads))
		return unsaid;
	free(unsaid);
	if (!is_of_head(f))
		return f->reviews ? xstrdup(unread) : NULL;
	/* "none": it wants none of this PR. With a number of approvals in force that cannot be. */
	if (wants_review(r) && strcmp(decision, "approved") != 0 &&
	    (r->approvals || strcmp(decision, "none") != 0))
		return review_text(r, f->owners);
	if (threads && open > 0)
		return xasprintf("waits: %lld unresolved conversation%s", (long long)open,
				 open == 1 ? "" : "s");
	return NULL;
}

/* ---- code owners ---- */

/* Who approves this head, by name; the author's own word does not count as an owner's. */
static int approvers(struct bot *b, const struct repo *r, const struct pr *p, struct strvec *ret,
		     struct err *err)
{
	cleanup(approval_list_release) struct approval_list l = {0};

	if (approval_all(b->db, ST_APPROVAL_OF, &l, err, "ii", r->id, p->number) < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		bool counts;

		if (strcmp(l.v[i].head, p->head) != 0 || !strcasecmp(l.v[i].user, p->author))
			continue;
		if (approval_counts(b, r, &l.v[i], &counts, NULL, err) < 0)
			return -1;
		if (counts)
			strvec_push(ret, l.v[i].user);
	}
	return 0;
}

/* 1: this owner ("@user", "@org/team") is among those; 0 not, or not that anybody could tell. */
static int has_approved(struct bot *b, const struct repo *r, const char *owner,
			const struct strvec *who, struct err *err)
{
	bool team = strchr(owner, '/') != NULL;

	if (*owner != '@')
		return 0;
	for (size_t i = 0; i < who->n; i++) {
		enum member m = MEMBER_NO;

		if (!team && !strcasecmp(owner + 1, who->v[i]))
			return 1;
		if (team && members_look(b, r, owner + 1, who->v[i], &m, NULL, err) < 0)
			return -1;
		if (m == MEMBER_YES)
			return 1;
	}
	return 0;
}

/* 1: nobody owns the path, or one of its owners has approved. */
static int is_approved(struct bot *b, const struct repo *r, const struct strvec *owners,
		       const struct strvec *who, struct err *err)
{
	if (!owners)
		return 1;
	for (size_t i = 0; i < owners->n; i++) {
		int rc = has_approved(b, r, owners->v[i], who, err);

		if (rc != 0)
			return rc;
	}
	return 0;
}

struct missing {
	struct buf text;
	struct strvec seen; /* owners, as a line */
};

static void add_missing(struct missing *m, const struct strvec *owners, const char *path)
{
	autofree char *line = strvec_join(owners, " ");

	if (strvec_has(&m->seen, line))
		return;
	strvec_push(&m->seen, line);
	if (m->seen.n <= OWNERS_SHOWN)
		buf_addf(&m->text, "%s%s (%s)", m->text.len ? ", " : "", line, path);
	else if (m->seen.n == OWNERS_SHOWN + 1)
		buf_adds(&m->text, " …");
}

static int find_missing(struct bot *b, const struct repo *r, const struct pr *p,
			const struct codeowners *own, struct missing *m, struct err *err)
{
	cleanup(strvec_release) struct strvec who = STRVEC_INIT;
	autojson json_t *files = NULL;
	size_t i;

	if (approvers(b, r, p, &who, err) < 0 ||
	    json_parse(p->files, strlen(p->files), SIZE_MAX, &files, err) < 0)
		return -1;
	if (!own->too_many && codeowners_too_many(own, json_array_size(files))) {
		buf_addf(&m->text,
			 "CODEOWNERS has %zu rules and the PR %zu files, which are too many to "
			 "tell",
			 own->n, json_array_size(files));
		return 0;
	}
	for (i = 0; i < json_array_size(files) && m->seen.n <= OWNERS_SHOWN; i++) {
		const char *path = json_string_value(json_array_get(files, i));
		const struct strvec *owners = codeowners_of(own, path ? path : "");
		int rc = is_approved(b, r, owners, &who, err);

		if (rc < 0)
			return -1;
		if (rc == 0)
			add_missing(m, owners, path);
	}
	return 0;
}

/* Whose review is missing by CODEOWNERS on the base: "@a (src/x), @b (docs/y)"; NULL: nobody's. */
static int missing_owners(struct bot *b, const struct repo *r, const struct pr *p, char **ret,
			  struct err *err)
{
	cleanup(codeowners_release) struct codeowners own = {0};
	struct missing m = {.text = BUF_INIT, .seen = STRVEC_INIT};
	autojson json_t *files = NULL;
	int rc;

	if (r->config && json_parse(r->config, strlen(r->config), SIZE_MAX, &files, err) < 0)
		return -1;
	codeowners_load(files, &own);
	rc = own.too_many ? 0 : find_missing(b, r, p, &own, &m, err);
	if (own.too_many)
		buf_addf(&m.text, "CODEOWNERS has more than %d rules, which is too many to tell",
			 CODEOWNERS_RULES_MAX);
	*ret = rc == 0 && m.text.len ? buf_steal(&m.text) : NULL;
	buf_release(&m.text);
	strvec_release(&m.seen);
	return rc;
}

/* ---- the whole ---- */

int queue_rules(struct bot *b, const struct repo *r, const struct conf_repo *conf,
		const struct pr *p, char **ret_why, struct err *err)
{
	cleanup(forge_rules_release) struct forge_rules rules = {0};
	struct forge f = bot_forge(b, r);
	autojson json_t *verdict = NULL;
	autofree char *owners = NULL, *why = NULL;

	if (f.ops->rules && f.ops->rules(&f, r, &rules, err) < 0)
		return -1;
	if (p->verdict && json_parse(p->verdict, strlen(p->verdict), SIZE_MAX, &verdict, err) < 0)
		return -1;
	if ((conf->queue.code_owners ||
	     (rules.code_owners && strcmp(json_str(verdict, "decision", ""), "approved") != 0)) &&
	    missing_owners(b, r, p, &owners, err) < 0)
		return -1;
	why = queue_rules_text(&(struct queue_rules_facts){
		.rules = &rules,
		.conversations = conf->queue.conversations && f.ops->rules,
		.method = conf_method_name(conf->queue.method),
		.reviews = f.ops->rules != NULL,
		.head = p->head,
		.verdict = verdict,
		.owners = owners,
	});
	/* Where the branch wants it, too, the forge has decided that. */
	if (!why && owners && conf->queue.code_owners && !rules.code_owners)
		why = xasprintf("waits for a review by a code owner: %s", owners);
	*ret_why = steal(&why);
	return 0;
}

int queue_rules_unread(struct bot *b, const struct repo *r, char **ret_why, struct err *err)
{
	cleanup(forge_rules_release) struct forge_rules rules = {0};
	struct forge f = bot_forge(b, r);

	if (f.ops->rules && f.ops->rules(&f, r, &rules, err) < 0)
		return -1;
	*ret_why = rules.unread ? xasprintf("is green and waits to land: the rules of `%s` could "
					    "not be read from the forge: %s",
					    r->base, rules.unread)
				: NULL;
	return 0;
}
