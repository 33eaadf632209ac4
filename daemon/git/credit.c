/* credit.c - see credit.h */
#include "git/credit.h"

#include "base/landing_text.h"
#include "git/charset.h"

#include <ctype.h>
#include <strings.h>

#define CO_AUTHOR   "Co-authored-by"
#define COMMITS_MAX 20000
#define TRAILER_MAX 4000 /* bytes of one; longer ones are left out */

void gr_credit_release(struct gr_credit *c)
{
	for (size_t i = 0; i < c->npeople; i++) {
		free(c->people[i].name);
		free(c->people[i].email);
	}
	free(c->people);
	strvec_release(&c->trailers);
	buf_release(&c->commits);
}

/* ---- reading ---- */

/* A name or address as a header takes it: without what would end it. */
static char *plain(const char *s, size_t n)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	for (size_t i = 0; i < n; i++)
		if (!strchr("<>\n\r", s[i]) && (unsigned char)s[i] >= ' ')
			buf_addc(&b, s[i]);
	buf_rtrim(&b);
	return xstrdup(b.s + strspn(b.s, " "));
}

static struct gr_person *person(struct gr_credit *c, const char *name, size_t name_len,
				const char *email, size_t email_len)
{
	autofree char *who = plain(name, name_len), *mail = plain(email, email_len);

	for (size_t i = 0; i < c->npeople; i++)
		if (!strcasecmp(c->people[i].email, mail))
			return &c->people[i];
	if (!*mail || c->npeople >= GR_CREDIT_MAX)
		return NULL;
	c->people = xreallocarray(c->people, c->npeople + 1, sizeof(*c->people));
	c->people[c->npeople] =
		(struct gr_person){.name = xstrdup(*who ? who : mail), .email = xstrdup(mail)};
	return &c->people[c->npeople++];
}

/* "Name <address>" */
static void co_author(struct gr_credit *c, const char *value)
{
	const char *open = strrchr(value, '<'), *close = open ? strchr(open, '>') : NULL;

	if (close)
		person(c, value, (size_t)(open - value), open + 1, (size_t)(close - open - 1));
}

static void add_trailer(struct gr_credit *c, const char *key, const char *value)
{
	autofree char *raw = xasprintf("%s: %s", key, value), *line = landing_text_clean(raw);
	size_t n = strlen(line);

	if (!strcasecmp(key, CO_AUTHOR)) {
		co_author(c, value);
		return;
	}
	/* Of a control word nothing is left. */
	if (n)
		line[n - 1] = 0;
	if (n && c->trailers.n < GR_CREDIT_MAX && n < TRAILER_MAX &&
	    !strvec_has(&c->trailers, line))
		strvec_push(&c->trailers, line);
}

static void add_trailers(struct gr_credit *c, const char *message)
{
	git_message_trailer_array a = {0};

	if (git_message_trailers(&a, message) == 0)
		for (size_t i = 0; i < a.count; i++)
			add_trailer(c, a.trailers[i].key, a.trailers[i].value);
	git_message_trailer_array_free(&a);
}

/* "* subject", and the text below. */
static void add_text(struct gr_credit *c, const char *message)
{
	size_t n = strlen(message);

	while (n && isspace((unsigned char)message[n - 1]))
		n--;
	if (c->commits.len)
		buf_addc(&c->commits, '\n');
	buf_adds(&c->commits, "* ");
	buf_add(&c->commits, message, n);
	buf_addc(&c->commits, '\n');
}

static void add_commit(struct gr_credit *c, git_commit *commit)
{
	const char *encoding = git_commit_message_encoding(commit);
	const char *message = git_commit_message(commit);
	const git_signature *who = git_commit_author(commit);
	cleanup(buf_release) struct buf text = BUF_INIT, name = BUF_INIT;
	bool merge = git_commit_parentcount(commit) > 1;
	struct gr_person *p;

	gr_to_utf8(encoding, message, strlen(message), &text);
	gr_to_utf8(encoding, who->name, strlen(who->name), &name);
	p = person(c, name.s, name.len, who->email, strlen(who->email));
	if (p)
		p->commits += !merge;
	add_trailers(c, text.s);
	if (!merge)
		add_text(c, text.s);
}

int gr_credit_read(struct gr_repo *r, const git_oid *base, const git_oid *head,
		   const git_oid *merge_base, struct gr_credit *ret, struct err *err)
{
	auto_git(git_revwalk) *walk = NULL;
	git_oid oid;
	int rc = git_revwalk_new(&walk, r->git);

	if (rc == 0)
		rc = git_revwalk_sorting(walk, GIT_SORT_TOPOLOGICAL | GIT_SORT_REVERSE);
	if (rc == 0)
		rc = git_revwalk_push(walk, head);
	if (rc == 0)
		rc = git_revwalk_hide(walk, base);
	if (rc == 0 && merge_base)
		rc = git_revwalk_hide(walk, merge_base);
	for (size_t n = 0; rc == 0 && (rc = git_revwalk_next(&oid, walk)) == 0; n++) {
		auto_git(git_commit) *c = NULL;

		if (n == COMMITS_MAX)
			return err_set(err, ERR_LIMIT, "more than %d commits to squash",
				       COMMITS_MAX);
		if (gr_commit_of(r, &oid, &c, err) < 0)
			return -1;
		add_commit(ret, c);
	}
	return rc == GIT_ITEROVER ? 0 : gr_fail(err, rc, "history of %s", git_oid_tostr_s(head));
}

/* ---- the author ---- */

#define NOREPLY "@users.noreply.github.com"

static bool is_login(const char *email, const char *login)
{
	const char *at = strchr(email, '@'), *plus = strchr(email, '+');
	size_t n = strlen(login);

	if (!at || strcasecmp(at, NOREPLY) != 0)
		return false;
	email = plus && plus < at ? plus + 1 : email;
	return (size_t)(at - email) == n && !strncasecmp(email, login, n);
}

git_signature *gr_credit_author(const struct gr_credit *c, const char *login,
				const git_signature *when)
{
	const struct gr_person *best = NULL;
	git_signature *who;

	for (size_t i = 0; i < c->npeople; i++) {
		const struct gr_person *p = &c->people[i];

		if (!p->commits)
			continue;
		if (login && *login && is_login(p->email, login)) {
			best = p;
			break;
		}
		if (!best || p->commits > best->commits)
			best = p;
	}
	if (!best || git_signature_new(&who, best->name, best->email, when->when.time,
				       when->when.offset) < 0)
		return NULL;
	return who;
}

/* ---- the message ---- */

/* What the message's own last paragraph says, when it is one of trailers. */
struct said {
	git_message_trailer_array a;
};

static void said_release(struct said *s)
{
	git_message_trailer_array_free(&s->a);
}

static bool is_said(const struct said *s, const char *line)
{
	for (size_t i = 0; i < s->a.count; i++) {
		autofree char *own =
			xasprintf("%s: %s", s->a.trailers[i].key, s->a.trailers[i].value);

		if (!strcasecmp(own, line))
			return true;
	}
	return false;
}

static bool is_credited(const struct said *s, const struct gr_person *p)
{
	autofree char *mail = xasprintf("<%s>", p->email);

	for (size_t i = 0; i < s->a.count; i++)
		if (!strcasecmp(s->a.trailers[i].key, CO_AUTHOR) &&
		    strcasestr(s->a.trailers[i].value, mail))
			return true;
	return false;
}

static void add_line(struct buf *out, const struct said *s, const char *line, bool *begun)
{
	/* A paragraph of their own, unless the message ends in one of trailers. */
	if (!*begun && !s->a.count)
		buf_addc(out, '\n');
	*begun = true;
	buf_addf(out, "%s\n", line);
}

char *gr_credit_message(const struct gr_credit *c, const char *message, const git_signature *author)
{
	cleanup(said_release) struct said said = {0};
	cleanup(buf_release) struct buf out = BUF_INIT;
	bool begun = false;

	git_message_trailers(&said.a, message);
	buf_adds(&out, message);
	for (size_t i = 0; i < c->trailers.n; i++)
		if (!is_said(&said, c->trailers.v[i]))
			add_line(&out, &said, c->trailers.v[i], &begun);
	for (size_t i = 0; i < c->npeople; i++) {
		const struct gr_person *p = &c->people[i];
		autofree char *line = xasprintf(CO_AUTHOR ": %s <%s>", p->name, p->email);

		if (strcasecmp(p->email, author->email) != 0 && !is_credited(&said, p))
			add_line(&out, &said, line, &begun);
	}
	return landing_text_clean(out.s);
}
