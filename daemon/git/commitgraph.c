/* commitgraph.c - see commitgraph.h */
#include "git/commitgraph.h"

#include "sys/fs.h"

#include <endian.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define LAYERS_MAX  64
#define NO_PARENT   0x70000000u
#define HIGH_BIT    0x80000000u
#define HEAD_SIZE   8  /* "CGPH", version, hash, chunks, base files */
#define CHUNK_SIZE  12 /* of the table: name and offset */
#define COMMIT_SIZE (GIT_OID_RAWSZ + 16)

/* One file. */
struct layer {
	unsigned char *map;
	size_t size;
	uint32_t first, n; /* positions [first, first + n) */
	unsigned nbases;
	const unsigned char *fanout, *ids, *commits, *edges, *dates, *far_dates, *bases;
	size_t nedges, nfar;
};

struct gr_cgraph {
	struct layer v[LAYERS_MAX];
	size_t nlayers;
	uint32_t n;
	bool dates; /* the generations are corrected commit dates */
};

static uint32_t be32(const unsigned char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

static uint64_t be64(const unsigned char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return be64toh(v);
}

static bool map_file(const char *path, struct layer *l)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	void *map;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_size < HEAD_SIZE + CHUNK_SIZE + GIT_OID_RAWSZ)
		return false;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return false;
	l->map = map;
	l->size = (size_t)st.st_size;
	return true;
}

/* A chunk by its name: false when its place is outside of the file; *ret NULL when it is not there. */
static bool find_chunk(const struct layer *l, const char *name, const unsigned char **ret,
		       size_t *ret_size)
{
	unsigned n = l->map[6];
	size_t end = l->size - GIT_OID_RAWSZ; /* the checksum of the file */

	*ret = NULL;
	*ret_size = 0;
	if (HEAD_SIZE + (size_t)(n + 1) * CHUNK_SIZE > end)
		return false;
	for (unsigned i = 0; i < n; i++) {
		const unsigned char *row = l->map + HEAD_SIZE + (size_t)i * CHUNK_SIZE;
		uint64_t from = be64(row + 4), to = be64(row + CHUNK_SIZE + 4);

		if (memcmp(row, name, 4))
			continue;
		if (from > to || to > end)
			return false;
		*ret = l->map + from;
		*ret_size = (size_t)(to - from);
		return true;
	}
	return true;
}

static bool read_layer(struct layer *l)
{
	size_t fanout, ids, commits, edges, dates, far, bases;

	if (memcmp(l->map, "CGPH\1\1", 6))
		return false;
	l->nbases = l->map[7];
	if (!find_chunk(l, "OIDF", &l->fanout, &fanout) || !find_chunk(l, "OIDL", &l->ids, &ids) ||
	    !find_chunk(l, "CDAT", &l->commits, &commits) ||
	    !find_chunk(l, "EDGE", &l->edges, &edges) ||
	    !find_chunk(l, "GDA2", &l->dates, &dates) ||
	    !find_chunk(l, "GDO2", &l->far_dates, &far) ||
	    !find_chunk(l, "BASE", &l->bases, &bases) || fanout != 1024 || !l->ids || !l->commits)
		return false;
	l->n = be32(l->fanout + 1020);
	l->nedges = edges / 4;
	l->nfar = far / 8;
	return l->n < NO_PARENT && ids == (size_t)l->n * GIT_OID_RAWSZ &&
	       commits == (size_t)l->n * COMMIT_SIZE && (!l->dates || dates == (size_t)l->n * 4) &&
	       bases == (size_t)l->nbases * GIT_OID_RAWSZ;
}

/* Each file names those below it by the checksum at their end. */
static bool fits_below(const struct gr_cgraph *c, const struct layer *l)
{
	if (l->nbases != c->nlayers)
		return false;
	for (size_t i = 0; i < c->nlayers; i++)
		if (memcmp(l->bases + i * GIT_OID_RAWSZ, c->v[i].map + c->v[i].size - GIT_OID_RAWSZ,
			   GIT_OID_RAWSZ))
			return false;
	return true;
}

static bool add_layer(struct gr_cgraph *c, const char *path)
{
	struct layer *l = &c->v[c->nlayers];

	if (c->nlayers == LAYERS_MAX || !map_file(path, l))
		return false;
	l->first = c->n;
	if (!read_layer(l) || !fits_below(c, l) || c->n + l->n >= NO_PARENT) {
		munmap(l->map, l->size);
		return false;
	}
	c->dates = l->dates && (!c->nlayers || c->dates);
	c->n += l->n;
	c->nlayers++;
	return true;
}

static bool add_chain(struct gr_cgraph *c, const char *repo)
{
	autofree char *dir = path_join(repo, "objects/info/commit-graphs");
	autofree char *list = path_join(dir, "commit-graph-chain");
	cleanup(buf_release) struct buf b = BUF_INIT;
	cleanup(strvec_release) struct strvec lines = STRVEC_INIT;

	if (fs_read(list, (size_t)64 << 10, &b, NULL) < 0)
		return false;
	strvec_split(&lines, b.s, '\n');
	strvec_foreach (&lines, line) {
		autofree char *path = NULL;

		if (!**line)
			continue;
		if (strspn(*line, "0123456789abcdef") != strlen(*line))
			return false;
		path = xasprintf("%s/graph-%s.graph", dir, *line);
		if (!add_layer(c, path))
			return false;
	}
	return c->nlayers > 0;
}

struct gr_cgraph *gr_cgraph_open(const char *repo)
{
	struct gr_cgraph *c = xcalloc(1, sizeof(*c));
	autofree char *single = path_join(repo, "objects/info/commit-graph");

	if (add_layer(c, single) || add_chain(c, repo))
		return c;
	gr_cgraph_free(c);
	return NULL;
}

void gr_cgraph_free(struct gr_cgraph *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->nlayers; i++)
		munmap(c->v[i].map, c->v[i].size);
	free(c);
}

void gr_cgraph_stamp(const char *repo, struct gr_cgraph_stamp *ret)
{
	static const char *const files[] = {"objects/info/commit-graph",
					    "objects/info/commit-graphs/commit-graph-chain"};

	*ret = (struct gr_cgraph_stamp){0};
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		autofree char *path = path_join(repo, files[i]);
		struct stat st;

		if (stat(path, &st) < 0)
			continue;
		ret->time[i] = st.st_mtim;
		ret->ino[i] = st.st_ino;
	}
}

uint32_t gr_cgraph_size(const struct gr_cgraph *c)
{
	return c->n;
}

static bool find_in(const struct layer *l, const git_oid *oid, uint32_t *ret)
{
	uint32_t lo = oid->id[0] ? be32(l->fanout + ((size_t)oid->id[0] - 1) * 4) : 0;
	uint32_t hi = be32(l->fanout + (size_t)oid->id[0] * 4);

	if (hi > l->n)
		return false;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		int c = memcmp(oid->id, l->ids + (size_t)mid * GIT_OID_RAWSZ, GIT_OID_RAWSZ);

		if (!c) {
			*ret = l->first + mid;
			return true;
		}
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return false;
}

bool gr_cgraph_find(const struct gr_cgraph *c, const git_oid *oid, uint32_t *ret)
{
	for (size_t i = c->nlayers; i-- > 0;)
		if (find_in(&c->v[i], oid, ret))
			return true;
	return false;
}

static const struct layer *layer_of(const struct gr_cgraph *c, uint32_t pos)
{
	size_t i = c->nlayers - 1;

	while (c->v[i].first > pos)
		i--;
	return &c->v[i];
}

void gr_cgraph_oid(const struct gr_cgraph *c, uint32_t pos, git_oid *ret)
{
	const struct layer *l = layer_of(c, pos);

	git_oid_fromraw(ret, l->ids + (size_t)(pos - l->first) * GIT_OID_RAWSZ);
}

/* The corrected date is the date plus a number, which has a place of its own when it is large. */
static bool read_date(const struct layer *l, uint32_t at, struct gr_cgraph_commit *c)
{
	uint32_t plus = be32(l->dates + (size_t)at * 4);

	c->generation = (uint64_t)c->date;
	if (!(plus & HIGH_BIT)) {
		c->generation += plus;
		return true;
	}
	plus &= ~HIGH_BIT;
	if (plus >= l->nfar)
		return false;
	c->generation += be64(l->far_dates + (size_t)plus * 8);
	return true;
}

/* From `at` up to the one with the high bit. */
static bool read_edges(const struct layer *l, uint32_t at, struct gr_cgraph_commit *c)
{
	if (at >= l->nedges)
		return false;
	c->more = l->edges + (size_t)at * 4;
	for (c->n = 2; !(be32(l->edges + (size_t)at * 4) & HIGH_BIT); c->n++)
		if (++at >= l->nedges)
			return false;
	return true;
}

bool gr_cgraph_get(const struct gr_cgraph *c, uint32_t pos, struct gr_cgraph_commit *ret)
{
	const struct layer *l = layer_of(c, pos);
	const unsigned char *p = l->commits + (size_t)(pos - l->first) * COMMIT_SIZE;
	uint32_t high = be32(p + 28), second = be32(p + 24);

	p += GIT_OID_RAWSZ;
	*ret = (struct gr_cgraph_commit){.parent = {be32(p), second}};
	ret->date = (int64_t)(high & 3) << 32 | be32(p + 12);
	ret->generation = high >> 2;
	if (c->dates && !read_date(l, pos - l->first, ret))
		return false;
	if (ret->parent[0] == NO_PARENT)
		return second == NO_PARENT;
	ret->n = second == NO_PARENT ? 1 : 2;
	if (second != NO_PARENT && (second & HIGH_BIT) && !read_edges(l, second & ~HIGH_BIT, ret))
		return false;
	for (uint32_t i = 0; i < ret->n; i++)
		if (gr_cgraph_parent(ret, i) >= c->n)
			return false;
	return true;
}

uint32_t gr_cgraph_parent(const struct gr_cgraph_commit *c, uint32_t i)
{
	return i && c->more ? be32(c->more + (size_t)(i - 1) * 4) & ~HIGH_BIT : c->parent[i];
}
