/* ancestry_commit.c - see ancestry_part.h */
#include "git/ancestry_part.h"

#include <ctype.h>
#include <endian.h>

struct gr_ancestry *gr_ancestry_new(void)
{
	return xcalloc(1, sizeof(struct gr_ancestry));
}

void anc_forget(struct gr_ancestry *a)
{
	gr_cgraph_free(a->graph);
	for (size_t i = 0; i < a->nextra; i++)
		free((void *)(uintptr_t)a->extra[i].c.more);
	free(a->extra);
	free(a->slots);
	free(a->set.bits);
	free(a->flags);
	free(a->touched.v);
	free(a->found.v);
	free(a->heap);
	*a = (struct gr_ancestry){0};
}

void gr_ancestry_free(struct gr_ancestry *a)
{
	if (!a)
		return;
	anc_forget(a);
	free(a);
}

static uint32_t *slot_of(struct gr_ancestry *a, const git_oid *oid)
{
	uint64_t hash;
	size_t i;

	memcpy(&hash, oid->id, sizeof(hash));
	for (i = (size_t)hash & (a->nslots - 1); a->slots[i]; i = (i + 1) & (a->nslots - 1))
		if (git_oid_equal(&a->extra[a->slots[i] - 1].oid, oid))
			break;
	return &a->slots[i];
}

static void grow_slots(struct gr_ancestry *a)
{
	a->nslots = a->nslots ? 2 * a->nslots : 1024;
	free(a->slots);
	a->slots = xcalloc(a->nslots, sizeof(*a->slots));
	for (size_t i = 0; i < a->nextra; i++)
		*slot_of(a, &a->extra[i].oid) = (uint32_t)i + 1;
}

uint32_t anc_id(struct gr_ancestry *a, const git_oid *oid)
{
	uint32_t id, *slot;

	if (a->graph && gr_cgraph_find(a->graph, oid, &id))
		return id;
	if (2 * a->nextra >= a->nslots)
		grow_slots(a);
	slot = slot_of(a, oid);
	if (!*slot) {
		if (a->nextra == a->cap_extra)
			a->extra = xreallocarray(
				a->extra, a->cap_extra = a->cap_extra ? 2 * a->cap_extra : 256,
				sizeof(*a->extra));
		a->extra[a->nextra++] = (struct extra){.oid = *oid};
		*slot = (uint32_t)a->nextra;
	}
	return a->ngraph + *slot - 1;
}

void anc_oid(const struct gr_ancestry *a, uint32_t id, git_oid *ret)
{
	if (id < a->ngraph)
		gr_cgraph_oid(a->graph, id, ret);
	else
		*ret = a->extra[id - a->ngraph].oid;
}

/* "NAME <40 digits>\n" at *p: past it. */
static bool take_oid(const char **p, const char *end, const char *name, git_oid *ret)
{
	size_t n = strlen(name);

	if ((size_t)(end - *p) < n + GIT_OID_HEXSZ + 1 || memcmp(*p, name, n) ||
	    (*p)[n + GIT_OID_HEXSZ] != '\n' || git_oid_fromstrn(ret, *p + n, GIT_OID_HEXSZ) < 0)
		return false;
	*p += n + GIT_OID_HEXSZ + 1;
	return true;
}

/* Seconds from " SECONDS ZONE". Nothing ends the text of an object that is in memory only. */
static int64_t seconds_in(const char *p, const char *end)
{
	char digits[21];
	size_t n = 0;

	while (p < end && *p == ' ')
		p++;
	while (p < end && n + 1 < sizeof(digits) &&
	       (isdigit((unsigned char)*p) || (!n && *p == '-')))
		digits[n++] = *p++;
	digits[n] = 0;
	return strtoll(digits, NULL, 10);
}

/* Of the line "committer …> SECONDS ZONE"; 0 when there is none, as Git has it. */
static int64_t date_in(const char *p, const char *end)
{
	const char *line = memmem(p, (size_t)(end - p), "\ncommitter ", 11), *stop;

	if (!line)
		return 0;
	line += 11;
	stop = memchr(line, '\n', (size_t)(end - line));
	line = memrchr(line, '>', (size_t)((stop ? stop : end) - line));
	return line ? seconds_in(line + 1, stop ? stop : end) : 0;
}

static void set_parents(struct gr_ancestry *a, struct gr_cgraph_commit *c, const git_oid *v,
			uint32_t n)
{
	uint32_t *more = n > 2 ? xreallocarray(NULL, n, sizeof(*more)) : NULL;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t id = anc_id(a, &v[i]);

		if (i < 2)
			c->parent[i] = id;
		if (i && more)
			more[i - 1] = htobe32(id);
	}
	c->more = (unsigned char *)more;
	c->n = n;
}

/* anc_id() may move the extras: nothing points to them meanwhile. */
static int read_extra(struct gr_ancestry *a, struct gr_repo *r, size_t at, struct err *err)
{
	auto_git(git_odb_object) *obj = NULL;
	autofree git_oid *parents = NULL;
	struct gr_cgraph_commit c = {.generation = NEWEST};
	git_oid oid = a->extra[at].oid, tree;
	const char *p, *end;
	uint32_t n = 0;
	int rc = git_odb_read(&obj, r->odb, &oid);

	if (rc < 0)
		return gr_fail(err, rc, "commit %s in %s", git_oid_tostr_s(&oid), r->path);
	p = git_odb_object_data(obj);
	end = p + git_odb_object_size(obj);
	if (git_odb_object_type(obj) != GIT_OBJECT_COMMIT || !take_oid(&p, end, "tree ", &tree))
		return err_set(err, ERR_CORRUPT, "object %s in %s is no commit",
			       git_oid_tostr_s(&oid), r->path);
	parents = xreallocarray(NULL, (size_t)(end - p) / 48 + 1, sizeof(*parents));
	while (take_oid(&p, end, "parent ", &parents[n]))
		n++;
	c.date = date_in(p - 1, end);
	set_parents(a, &c, parents, n);
	a->extra[at].c = c;
	a->extra[at].read = true;
	return 0;
}

int anc_get(struct gr_ancestry *a, struct gr_repo *r, uint32_t id, struct gr_cgraph_commit *ret,
	    struct err *err)
{
	if (id < a->ngraph)
		return gr_cgraph_get(a->graph, id, ret) ? 0 : BAD;
	id -= a->ngraph;
	if (!a->extra[id].read && read_extra(a, r, id, err) < 0)
		return -1;
	*ret = a->extra[id].c;
	return 0;
}
