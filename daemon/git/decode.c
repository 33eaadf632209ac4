/* decode.c - see decode.h */
#include "git/decode.h"

#include "base/glob.h"

#include <ctype.h>

int gr_oid_parse(const char *s, git_oid *ret, struct err *err)
{
	size_t n = strlen(s);

	if (n == 64 && strspn(s, "0123456789abcdef") == n)
		return err_set(err, ERR_INPUT,
			       "object id '%s': SHA-256; only SHA-1 repositories are supported", s);
	if (n != 40 || strspn(s, "0123456789abcdef") != n)
		return err_set(err, ERR_INPUT,
			       "object id '%.80s': expected 40 lower-case hexadecimal digits", s);
	git_oid_fromstr(ret, s);
	return 0;
}

int gr_get_oid(const json_t *req, const char *key, git_oid *ret, struct err *err)
{
	const char *s;

	if (json_get_str(req, key, &s, err) < 0)
		return -1;
	if (gr_oid_parse(s, ret, err) < 0)
		return err_wrap(err, "key '%s'", key);
	return 0;
}

int gr_opt_oid(const json_t *req, const char *key, git_oid *ret, struct err *err)
{
	const json_t *v = json_object_get(req, key);

	if (!v || json_is_null(v))
		return 0;
	return gr_get_oid(req, key, ret, err) < 0 ? -1 : 1;
}

static bool has_dotdot(const char *p)
{
	for (const char *at = p; at; at = strchr(at, '/')) {
		at += *at == '/';
		if (!strncmp(at, "..", 2) && (!at[2] || at[2] == '/'))
			return true;
	}
	return false;
}

int gr_get_path(const json_t *req, const char *key, const char **ret, struct err *err)
{
	const char *s;

	if (json_get_str(req, key, &s, err) < 0)
		return -1;
	if (s[0] != '/' || !s[1] || strlen(s) >= 4000)
		return err_set(err, ERR_INPUT,
			       "key '%s': found '%.100s', expected an absolute path", key, s);
	for (const char *p = s; *p; p++)
		if (iscntrl((unsigned char)*p))
			return err_set(err, ERR_INPUT, "key '%s': control character in a path",
				       key);
	if (has_dotdot(s))
		return err_set(err, ERR_INPUT, "key '%s': '..' in path '%s'", key, s);
	*ret = s;
	return 0;
}

int gr_check_ref(const char *name, struct err *err)
{
	int valid = 0;

	if (strncmp(name, "refs/", 5) || strlen(name) > 1000 ||
	    git_reference_name_is_valid(&valid, name) < 0 || !valid)
		return err_set(err, ERR_INPUT,
			       "'%.200s' is not a reference name; expected refs/… as Git allows it",
			       name);
	return 0;
}

int gr_get_ref(const json_t *req, const char *key, const char **ret, struct err *err)
{
	const char *s;

	if (json_get_str(req, key, &s, err) < 0)
		return -1;
	if (gr_check_ref(s, err) < 0)
		return err_wrap(err, "key '%s'", key);
	*ret = s;
	return 0;
}

int gr_get_branch(const json_t *req, const char *key, char **ret_ref, struct err *err)
{
	autofree char *full = NULL;
	const char *s;

	if (json_get_str(req, key, &s, err) < 0)
		return -1;
	full = xasprintf("refs/heads/%s", s);
	if (s[0] == '-' || gr_check_ref(full, err) < 0)
		return err_set(err, ERR_INPUT, "key '%s': '%.200s' is not a branch name", key, s);
	*ret_ref = steal(&full);
	return 0;
}

int gr_get_name(const json_t *req, const char *key, const char **ret, struct err *err)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789._-";
	const char *s;

	if (json_get_str(req, key, &s, err) < 0)
		return -1;
	if (!*s || *s == '.' || *s == '-' || strlen(s) > 100 || s[strspn(s, allowed)])
		return err_set(err, ERR_INPUT,
			       "key '%s': found '%.100s', expected letters, digits, '.', '_', '-'",
			       key, s);
	*ret = s;
	return 0;
}

int gr_get_strings(const json_t *req, const char *key, struct strvec *ret, struct err *err)
{
	const json_t *v = json_object_get(req, key);
	json_t *item;
	size_t i;

	if (!v || json_is_null(v))
		return 0;
	if (!json_is_array(v))
		return err_set(err, ERR_INPUT, "key '%s': expected a list of strings", key);
	json_array_foreach (v, i, item) {
		if (!json_is_string(item))
			return err_set(err, ERR_INPUT, "key '%s[%zu]': expected a string", key, i);
		strvec_push(ret, json_string_value(item));
	}
	return 0;
}

int gr_get_globs(const json_t *req, const char *key, struct strvec *ret, struct err *err)
{
	if (gr_get_strings(req, key, ret, err) < 0)
		return -1;
	strvec_foreach (ret, pattern)
		if (glob_check(*pattern, err) < 0)
			return err_wrap(err, "key '%s'", key);
	return 0;
}

int gr_get_repo(struct gr *g, const json_t *req, struct gr_repo **ret, struct err *err)
{
	const char *path;

	if (gr_get_path(req, "repo", &path, err) < 0)
		return -1;
	return gr_repo_open(g, path, ret, err);
}

int gr_commit_of(struct gr_repo *r, const git_oid *oid, git_commit **ret, struct err *err)
{
	int rc = git_commit_lookup(ret, r->git, oid);

	if (rc < 0) {
		*ret = NULL;
		return gr_fail(err, rc, "commit %s in %s", git_oid_tostr_s(oid), r->path);
	}
	return 0;
}

int gr_get_commit(struct gr_repo *r, const json_t *req, const char *key, git_commit **ret,
		  struct err *err)
{
	git_oid oid;

	if (gr_get_oid(req, key, &oid, err) < 0)
		return -1;
	return gr_commit_of(r, &oid, ret, err);
}

static int check_identity(const char *key, const char *s, struct err *err)
{
	if (!*s || strlen(s) > 500)
		return err_set(err, ERR_INPUT, "key '%s': empty or longer than 500 bytes", key);
	for (const char *p = s; *p; p++)
		if (iscntrl((unsigned char)*p) || *p == '<' || *p == '>')
			return err_set(err, ERR_INPUT,
				       "key '%s': a control character, '<' or '>' in an identity",
				       key);
	return 0;
}

int gr_get_author(const json_t *req, git_signature **ret, struct err *err)
{
	const char *name, *email;
	int64_t ms;
	int rc;

	if (json_get_str(req, "author_name", &name, err) < 0 ||
	    json_get_str(req, "author_email", &email, err) < 0 ||
	    json_get_int(req, "time_ms", &ms, err) < 0 ||
	    check_identity("author_name", name, err) < 0 ||
	    check_identity("author_email", email, err) < 0)
		return -1;
	if (ms < 0 || ms > INT64_C(253402300799000))
		return err_set(err, ERR_INPUT, "key 'time_ms': %lld is not a time", (long long)ms);
	rc = git_signature_new(ret, name, email, ms / 1000, 0);
	return rc < 0 ? gr_fail(err, rc, "author '%s <%s>'", name, email) : 0;
}

void gr_put_oid(json_t *ans, const char *key, const git_oid *oid)
{
	char hex[GIT_OID_HEXSZ + 1];

	json_put_str(ans, key, oid ? git_oid_tostr(hex, sizeof(hex), oid) : NULL);
}
