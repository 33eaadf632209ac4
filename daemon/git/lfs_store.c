/* lfs_store.c - see lfs_store.h */
#include "git/lfs_store.h"

#include "sys/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

/* libcrypto has a type of the name that base/err.h gives a number. */
#define ERR_STATE libcrypto_ERR_STATE
#include <openssl/evp.h>
#undef ERR_STATE

#define DIR_FLAGS  (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define INCOMING   "incoming"
#define LEFTOVER_S 3600

/* Opens the folder `name` of `at`, made when it is not there. -1 with errno. */
static int enter(int at, const char *name)
{
	if (mkdirat(at, name, 0755) < 0 && errno != EEXIST)
		return -1;
	return openat(at, name, DIR_FLAGS);
}

/* The folder AA/BB of an object; -1 with errno. */
static int open_place(int lfs, const struct gr_lfs *l)
{
	const char a[] = {l->oid[0], l->oid[1], 0}, b[] = {l->oid[2], l->oid[3], 0};
	const char *const names[] = {"objects", a, b};
	int fd = fcntl(lfs, F_DUPFD_CLOEXEC, 3);

	for (size_t i = 0; i < ARRAY_LEN(names) && fd >= 0; i++) {
		int next = enter(fd, names[i]), saved = errno;

		close(fd);
		errno = saved;
		fd = next;
	}
	return fd;
}

bool gr_lfs_has(const struct gr_repo *r, const struct gr_lfs *l)
{
	autofree char *path =
		xasprintf("%s/lfs/objects/%.2s/%.2s/%s", r->path, l->oid, l->oid + 2, l->oid);
	struct stat st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == l->size;
}

static void sweep(int lfs)
{
	int fd = enter(lfs, INCOMING);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;
	struct stat st;

	if (!dir) {
		ym_cleanup_close(&fd);
		return;
	}
	while ((d = readdir(dir)))
		if (fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && time(NULL) - st.st_mtime > LEFTOVER_S)
			unlinkat(dirfd(dir), d->d_name, 0);
	closedir(dir);
}

int gr_lfs_write_begin(const struct gr_repo *r, const struct gr_lfs *l, struct gr_lfs_write *ret,
		       struct err *err)
{
	autofree char *root = path_join(r->path, "lfs");

	*ret = (struct gr_lfs_write){.what = *l, .dir = -1, .fd = -1};
	if (fs_mkdir_p(root, 0755, err) < 0)
		return -1;
	ret->dir = open(root, DIR_FLAGS);
	if (ret->dir < 0)
		return err_errno(err, "open folder %s", root);
	sweep(ret->dir);
	ret->name = xasprintf(INCOMING "/%s.%ld", l->oid, (long)getpid());
	unlinkat(ret->dir, ret->name, 0);
	ret->fd = openat(ret->dir, ret->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			 0644);
	if (ret->fd < 0)
		return err_errno(err, "write %s/%s", root, ret->name);
	ret->md = EVP_MD_CTX_new();
	if (!ret->md || !EVP_DigestInit_ex(ret->md, EVP_sha256(), NULL))
		return err_set(err, ERR_INTERNAL, "LFS object %s: no SHA-256", l->oid);
	return 0;
}

int gr_lfs_write_add(struct gr_lfs_write *w, const char *p, size_t n, struct err *err)
{
	w->n += (int64_t)n;
	if (w->n > w->what.size)
		return err_set(err, ERR_CORRUPT, "more bytes than the object has");
	EVP_DigestUpdate(w->md, p, n);
	while (n) {
		ssize_t put = write(w->fd, p, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return err_errno(err, "write LFS object %s", w->what.oid);
		p += put;
		n -= (size_t)put;
	}
	return 0;
}

static bool is_whole(struct gr_lfs_write *w)
{
	char hex[GR_LFS_OID_HEX + 1] = "";
	unsigned char sum[EVP_MAX_MD_SIZE];

	EVP_DigestFinal_ex(w->md, sum, NULL);
	for (size_t i = 0; i < GR_LFS_OID_HEX / 2; i++)
		snprintf(hex + 2 * i, 3, "%02x", sum[i]);
	return w->n == w->what.size && !strcmp(hex, w->what.oid);
}

int gr_lfs_write_end(struct gr_lfs_write *w, struct err *err)
{
	autoclose int to = -1;

	if (!is_whole(w))
		return 0;
	if (fsync(w->fd) < 0)
		return err_errno(err, "write LFS object %s", w->what.oid);
	to = open_place(w->dir, &w->what);
	if (to < 0 || renameat(w->dir, w->name, to, w->what.oid) < 0)
		return err_errno(err, "put LFS object %s into the store", w->what.oid);
	free(steal(&w->name));
	return 1;
}

void gr_lfs_write_release(struct gr_lfs_write *w)
{
	if (w->name && w->dir >= 0)
		unlinkat(w->dir, w->name, 0);
	free(w->name);
	EVP_MD_CTX_free(w->md);
	ym_cleanup_close(&w->fd);
	ym_cleanup_close(&w->dir);
	*w = (struct gr_lfs_write){.dir = -1, .fd = -1};
}
