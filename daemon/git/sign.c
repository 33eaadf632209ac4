/* sign.c - see sign.h */
#include "git/sign.h"

#include "git/charset.h"
#include "sys/child.h"

#include <unistd.h>

#define SIGN_TIMEOUT_MS 20000

/* The parts of a commit object that a rebase carries over. */
struct source {
	const char *author, *encoding; /* without the header's name; NULL: there is none */
	size_t author_len, encoding_len;
	const char *message;
	size_t message_len;
};

static const char *header_in(const char *s, const char *end, const char *name, size_t *ret_len)
{
	size_t n = strlen(name);

	while (s < end) {
		const char *eol = memchr(s, '\n', (size_t)(end - s));
		const char *stop = eol ? eol : end;

		if ((size_t)(stop - s) > n && !strncmp(s, name, n) && s[n] == ' ') {
			*ret_len = (size_t)(stop - s) - n - 1;
			return s + n + 1;
		}
		s = stop + 1;
	}
	return NULL;
}

static void read_source(git_odb_object *o, struct source *ret)
{
	const char *s = git_odb_object_data(o), *end = s + git_odb_object_size(o);
	const char *blank = memmem(s, (size_t)(end - s), "\n\n", 2);

	*ret = (struct source){.message = blank ? blank + 2 : end};
	ret->message_len = (size_t)(end - ret->message);
	ret->author = header_in(s, blank ? blank : end, "author", &ret->author_len);
	ret->encoding = header_in(s, blank ? blank : end, "encoding", &ret->encoding_len);
}

static void add_identity(struct buf *b, const char *what, const git_signature *s)
{
	int minutes = s->when.offset < 0 ? -s->when.offset : s->when.offset;

	buf_addf(b, "%s %s <%s> %lld %c%02d%02d\n", what, s->name, s->email,
		 (long long)s->when.time, s->when.offset < 0 ? '-' : '+', minutes / 60,
		 minutes % 60);
}

static void add_source_headers(struct buf *b, const struct gr_commit *c)
{
	cleanup(buf_release) struct buf line = BUF_INIT;
	autofree char *encoding = NULL;
	struct source s;

	read_source(c->from, &s);
	buf_adds(b, "author ");
	buf_add(b, s.author, s.author_len);
	buf_addc(b, '\n');
	add_identity(&line, "committer", c->committer);
	encoding = s.encoding ? xstrndup(s.encoding, s.encoding_len) : NULL;
	if (!encoding || !gr_charset("UTF-8", encoding, line.s, line.len, b))
		buf_add(b, line.s, line.len);
	if (encoding)
		buf_addf(b, "encoding %s\n", encoding);
}

static void add_headers(struct buf *b, const struct gr_commit *c)
{
	buf_addf(b, "tree %s\n", git_oid_tostr_s(&c->tree));
	for (size_t i = 0; i < c->nparents; i++)
		buf_addf(b, "parent %s\n", git_oid_tostr_s(&c->parents[i]));
	if (c->from) {
		add_source_headers(b, c);
		return;
	}
	add_identity(b, "author", c->author);
	add_identity(b, "committer", c->committer);
}

/* A message of ours ends in exactly one newline, as `git commit` has it; another's stays as it is. */
static void add_message(struct buf *b, const struct gr_commit *c)
{
	const char *message = c->message;
	struct source s;
	size_t n;

	if (c->from) {
		read_source(c->from, &s);
		buf_addc(b, '\n');
		buf_add(b, s.message, s.message_len);
		return;
	}
	n = strlen(message);
	while (n && message[n - 1] == '\n')
		n--;
	buf_addc(b, '\n');
	buf_add(b, message, n);
	buf_addc(b, '\n');
}

static int make_signature(const char *key, const struct buf *text, struct buf *ret, struct err *err)
{
	static const char *const env[] = {"PATH=/usr/bin:/bin", "HOME=/nonexistent", "LC_ALL=C",
					  NULL};
	const char *const argv[] = {"ssh-keygen", "-Y", "sign", "-q", "-n", "git", "-f", key, NULL};
	cleanup(err_release) struct err why = ERR_INIT;
	autofree char *file = NULL;
	struct child_opts o = {.argv = (char *const *)argv, .envp = (char *const *)env};
	int rc;

	if (child_which("ssh-keygen", "/usr/bin:/usr/local/bin:/bin", &file, err) < 0)
		return err_wrap(err, "sign a commit");
	o.file = file;
	/* ssh-keygen says of a file that it may not read that there is none. */
	rc = access(key, R_OK) < 0
		     ? 1
		     : child_run(&o, text->s, text->len, 65536, SIGN_TIMEOUT_MS, ret, &why);
	if (rc == 0)
		return 0;
	if (!why.code)
		err_errno(&why, "read it");
	/* What ssh-keygen refuses it refuses again: not a failure of the system that passes by itself. */
	return err_set(err, rc > 0 ? ERR_INPUT : why.code,
		       "sign a commit with the key %s: %s; expected an SSH private key without a "
		       "passphrase that the daemon's user may read (`sign-key`)",
		       key, err_text(&why));
}

static int sign(const struct gr_commit *c, const struct buf *head, struct buf *text,
		struct err *err)
{
	cleanup(buf_release) struct buf sig = BUF_INIT;
	cleanup(strvec_release) struct strvec lines = STRVEC_INIT;

	if (make_signature(c->sign_key, text, &sig, err) < 0)
		return -1;
	buf_rtrim(&sig);
	if (strncmp(sig.s, "-----BEGIN SSH SIGNATURE-----", 29))
		return err_set(err, ERR_UNSAFE,
			       "sign a commit with %s: ssh-keygen wrote no signature", c->sign_key);
	strvec_split(&lines, sig.s, '\n');
	buf_reset(text);
	buf_add(text, head->s, head->len);
	buf_adds(text, "gpgsig");
	strvec_foreach (&lines, line)
		buf_addf(text, " %s\n", *line);
	add_message(text, c);
	return 0;
}

int gr_commit_put(struct gr_repo *r, const struct gr_commit *c, git_oid *ret, struct err *err)
{
	cleanup(buf_release) struct buf head = BUF_INIT;
	cleanup(buf_release) struct buf text = BUF_INIT;

	add_headers(&head, c);
	buf_add(&text, head.s, head.len);
	add_message(&text, c);
	if (c->sign_key && sign(c, &head, &text, err) < 0)
		return -1;
	if (text.failed)
		return err_set(err, ERR_LIMIT, "commit message too long");
	return gr_mem_put(r, GIT_OBJECT_COMMIT, text.s, text.len, ret, err);
}
