/* body.c - see body.h */
#include "web/body.h"

#include "base/mem.h"
#include "store/deliveries.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int no_space(struct err *err)
{
	return err_set(err, ERR_LIMIT, "too many large deliveries at the same time");
}

static int reserve_spool(struct body *b, size_t want, struct err *err)
{
	size_t more = want > b->spooled ? want - b->spooled : 0;

	if (more > BODY_SPOOL_ALL - b->space->spool)
		return no_space(err);
	b->space->spool += more;
	b->spooled += more;
	return 0;
}

/* A file that is gone with its descriptor: nothing is left behind by a crash. */
static int open_file(const char *folder, int *ret, struct err *err)
{
	autofree char *name = path_join(folder, "body-XXXXXX");
	int fd;

	if (fs_mkdir_p(folder, 0700, err) < 0)
		return -1;
	fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
		fd = mkostemp(name, O_CLOEXEC);
		if (fd >= 0)
			unlink(name);
	}
	if (fd < 0)
		return err_errno(err, "spool %s", folder);
	*ret = fd;
	return 0;
}

static int write_all(int fd, const char *p, size_t n, struct err *err)
{
	while (n) {
		ssize_t did = write(fd, p, n);

		if (did < 0 && errno == EINTR)
			continue;
		if (did < 0)
			return err_errno(err, "spool: write");
		p += did;
		n -= (size_t)did;
	}
	return 0;
}

static void drop_memory(struct body *b)
{
	free(b->p);
	b->p = NULL;
	b->space->memory -= b->memory_got;
	b->memory_got = b->cap = 0;
}

static int to_file(struct body *b, size_t want, struct err *err)
{
	if (reserve_spool(b, want, err) < 0)
		return -1;
	if (b->fd < 0 && open_file(b->space->folder, &b->fd, err) < 0)
		return -1;
	if (b->p && write_all(b->fd, b->p, b->size, err) < 0)
		return -1;
	drop_memory(b);
	return 0;
}

static void drop_all(struct body *b)
{
	drop_memory(b);
	if (b->fd >= 0)
		close(steal_fd(&b->fd));
	b->space->spool -= b->spooled;
	b->spooled = 0;
}

/* Mostly the second piece is the last one: then it is got once. */
static size_t room_for(const struct body *b, size_t want)
{
	size_t cap = 2 * want < BODY_MEMORY_MAX ? 2 * want : BODY_MEMORY_MAX;

	return b->length >= want && b->length < cap ? b->length : cap;
}

/* Room in memory for `want` bytes in all; false: it goes to a file. */
static bool in_memory(struct body *b, size_t want)
{
	size_t cap;

	if (b->fd >= 0 || want > BODY_MEMORY_MAX || b->length > BODY_MEMORY_MAX)
		return false;
	if (want <= b->cap)
		return true;
	cap = room_for(b, want);
	if (cap - b->memory_got > BODY_MEMORY_ALL - b->space->memory)
		return false;
	b->space->memory += cap - b->memory_got;
	b->memory_got = b->cap = cap;
	b->p = xrealloc(b->p, cap);
	return true;
}

void body_init(struct body *b, struct body_space *space, int64_t length)
{
	*b = (struct body){.space = space, .fd = -1};
	b->dropped = length > (int64_t)DELIVERY_BODY_MAX;
	b->length = length > 0 && !b->dropped ? (size_t)length : 0;
}

int body_add(struct body *b, const void *p, size_t n, struct err *err)
{
	size_t want = b->size + n;

	if (!n)
		return 0;
	if (!b->dropped && want > DELIVERY_BODY_MAX) {
		drop_all(b);
		b->dropped = true;
	}
	if (!b->dropped && in_memory(b, want)) {
		memcpy(b->p + b->size, p, n);
	} else if (!b->dropped) {
		if (to_file(b, want, err) < 0 || write_all(b->fd, p, n, err) < 0)
			return -1;
	}
	b->size = want;
	return 0;
}

int body_read(struct body *b, const char **ret, struct err *err)
{
	size_t at = 0;

	*ret = NULL;
	if (b->dropped)
		return 0;
	if (b->fd >= 0 && !b->p) {
		b->p = xmalloc(b->size + 1); /* for the moment of storing it, not counted */
		while (at < b->size) {
			ssize_t n = pread(b->fd, b->p + at, b->size - at, (off_t)at);

			if (n < 0 && errno == EINTR)
				continue;
			if (n <= 0)
				return err_errno(err, "spool: read");
			at += (size_t)n;
		}
	}
	*ret = b->p;
	return 0;
}

size_t body_holds(const struct body *b)
{
	return b->memory_got + b->spooled;
}

void body_release(struct body *b)
{
	if (b->space)
		drop_all(b);
	*b = (struct body){.fd = -1};
}
