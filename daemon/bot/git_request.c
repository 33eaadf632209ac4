/* git_request.c - see git_request.h */
#include "bot/git_request.h"

#include "base/json.h"

json_t *git_request(const char *op, const char *path)
{
	json_t *p = json_object();

	json_put_str(p, "op", op);
	json_put_str(p, "repo", path);
	return p;
}

json_t *git_request_of(const struct repo *r, const char *op)
{
	json_t *p = git_request(op, r->path), *x = json_object();

	json_put_int(x, "repo", r->id);
	json_put(p, "ctx", x);
	return p;
}
