/* lfs.c - see lfs.h */
#include "git/lfs.h"

#include "git/tree.h"
#include "sys/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* libcrypto has a type of the name that base/err.h gives a number. */
#define ERR_STATE libcrypto_ERR_STATE
#include <openssl/evp.h>
#undef ERR_STATE

#define SIZE_DIGITS 18
#define IMPORT_MAX  1000000 /* objects */
#define DIR_FLAGS   (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define FILE_FLAGS  (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
#define HEX         "0123456789abcdef"

static const char *const versions[] = {
	"https://git-lfs.github.com/spec/v1",
	"https://hawser.github.com/spec/v1",
	"http://git-media.io/v/2",
};

bool gr_lfs_filter(const char *filter)
{
	return filter && !strcmp(filter, "lfs");
}

/* ---- pointers ---- */

/* The value of the line "KEY VALUE\n" (or \r\n) at *p, which goes on to the next one. */
static bool take_line(const char **p, const char *end, const char *key, const char **ret,
		      size_t *ret_n)
{
	size_t k = strlen(key);
	const char *nl = memchr(*p, '\n', (size_t)(end - *p)), *stop = nl ? nl : end;

	if ((size_t)(stop - *p) <= k || memcmp(*p, key, k) != 0 || (*p)[k] != ' ')
		return false;
	*ret = *p + k + 1;
	*ret_n = (size_t)(stop - *ret);
	if (*ret_n && (*ret)[*ret_n - 1] == '\r')
		--*ret_n;
	*p = nl ? nl + 1 : end;
	return true;
}

static bool is_version(const char *s, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(versions); i++)
		if (n == strlen(versions[i]) && !memcmp(s, versions[i], n))
			return true;
	return false;
}

static bool take_oid(const char *s, size_t n, struct gr_lfs *ret)
{
	static const char kind[] = "sha256:";
	size_t k = sizeof(kind) - 1;

	if (n != k + GR_LFS_OID_HEX || memcmp(s, kind, k) != 0)
		return false;
	memcpy(ret->oid, s + k, GR_LFS_OID_HEX);
	ret->oid[GR_LFS_OID_HEX] = 0;
	return strspn(ret->oid, HEX) == GR_LFS_OID_HEX;
}

static bool take_size(const char *s, size_t n, struct gr_lfs *ret)
{
	ret->size = 0;
	if (!n || n > SIZE_DIGITS)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		ret->size = ret->size * 10 + (s[i] - '0');
	}
	return ret->size > 0;
}

bool gr_lfs_pointer(const char *p, size_t n, struct gr_lfs *ret)
{
	const char *end = p + n, *v = NULL;
	size_t len = 0;

	if (!n || n >= GR_LFS_POINTER_MAX)
		return false;
	return take_line(&p, end, "version", &v, &len) && is_version(v, len) &&
	       take_line(&p, end, "oid", &v, &len) && take_oid(v, len, ret) &&
	       take_line(&p, end, "size", &v, &len) && take_size(v, len, ret) && p == end;
}

/* ---- bytes ---- */

static int write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -1;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

/* Reads at most one byte more than the object has; to -1: nothing is written. 1 it is the object, 0 not. */
static int read_all(const struct gr_lfs *l, int fd, int to, EVP_MD_CTX *md, struct err *err)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	char chunk[65536], hex[GR_LFS_OID_HEX + 1];
	int64_t total = 0;
	ssize_t n;

	EVP_DigestInit_ex(md, EVP_sha256(), NULL);
	while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "read LFS object %s", l->oid);
		total += n;
		if (total > l->size)
			return 0;
		EVP_DigestUpdate(md, chunk, (size_t)n);
		if (to >= 0 && write_all(to, chunk, (size_t)n) < 0)
			return err_errno(err, "write LFS object %s", l->oid);
	}
	EVP_DigestFinal_ex(md, sum, NULL);
	for (size_t i = 0; i < GR_LFS_OID_HEX / 2; i++)
		snprintf(hex + 2 * i, 3, "%02x", sum[i]);
	return total == l->size && !strcmp(hex, l->oid);
}

static int compare(const struct gr_lfs *l, int fd, int to, struct err *err)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	int rc = md ? read_all(l, fd, to, md, err)
		    : err_set(err, ERR_INTERNAL, "LFS object %s: no SHA-256", l->oid);

	EVP_MD_CTX_free(md);
	return rc;
}

/* 1 the blob is a pointer, 0 not. */
static int pointer_of(struct gr_repo *r, const git_oid *oid, struct gr_lfs *ret, struct err *err)
{
	auto_git(git_odb_object) *blob = NULL;

	if (gr_blob_read(r, oid, SIZE_MAX, &blob, err) < 0)
		return -1;
	return gr_lfs_pointer(git_odb_object_data(blob), git_odb_object_size(blob), ret);
}

int gr_lfs_unchanged(struct gr_repo *r, const git_oid *was, int dir, const char *name,
		     const struct stat *st, struct err *err)
{
	struct gr_lfs l;
	autoclose int fd = -1;
	int rc = pointer_of(r, was, &l, err);

	if (rc <= 0 || l.size != st->st_size)
		return rc < 0 ? -1 : 0;
	fd = openat(dir, name, FILE_FLAGS);
	return fd < 0 ? err_errno(err, "open %s", name) : compare(&l, fd, -1, err);
}

int gr_lfs_takes(struct gr_repo *r, const git_oid *was, const char *p, size_t n, struct err *err)
{
	struct gr_lfs l;
	int rc = 0;

	if (!n || gr_lfs_pointer(p, n, &l))
		return 1;
	if (was)
		rc = pointer_of(r, was, &l, err);
	return rc < 0 ? -1 : was && !rc;
}

/* ---- the store ---- */

/* Opens what is below `root` step by step; a link is not followed. -1 with errno. */
static int open_below(const char *root, const char *const *names, size_t n, int flags)
{
	int fd = open(root, DIR_FLAGS);

	for (size_t i = 0; i < n && fd >= 0; i++) {
		int next = openat(fd, names[i], i + 1 < n ? DIR_FLAGS : flags), saved = errno;

		close(fd);
		errno = saved;
		fd = next;
	}
	return fd;
}

int gr_lfs_copy(const struct gr_repo *r, const struct gr_lfs *l, int to, struct err *err)
{
	const char a[] = {l->oid[0], l->oid[1], 0}, b[] = {l->oid[2], l->oid[3], 0};
	const char *const names[] = {"lfs", "objects", a, b, l->oid};
	autoclose int fd = open_below(r->path, names, ARRAY_LEN(names), FILE_FLAGS);
	struct stat st;
	int rc;

	if (fd < 0)
		return errno == ENOENT ? 0 : err_errno(err, "LFS object %s of %s", l->oid, r->path);
	if (fstat(fd, &st) < 0)
		return err_errno(err, "LFS object %s of %s", l->oid, r->path);
	if (!S_ISREG(st.st_mode) || st.st_size != l->size)
		return err_set(err, ERR_CORRUPT,
			       "LFS object %s of %s: found %lld bytes, expected a file of %lld; "
			       "remove it and push it again (`git lfs push --all`)",
			       l->oid, r->path, (long long)st.st_size, (long long)l->size);
	rc = compare(l, fd, to, err);
	if (rc != 0)
		return rc;
	return err_set(err, ERR_CORRUPT,
		       "LFS object %s of %s: its bytes are not those of its name; remove it and "
		       "push it again (`git lfs push --all`)",
		       l->oid, r->path);
}

/* ---- taken over with a repository ---- */

static bool is_object(const char *name)
{
	return strlen(name) == GR_LFS_OID_HEX && strspn(name, HEX) == GR_LFS_OID_HEX;
}

/* Under another name until it is whole: a name in the store is never tried again. */
static int copy_object(int from, int to, const char *name)
{
	autofree char *part = xasprintf("%s.part", name);
	autoclose int in = openat(from, name, FILE_FLAGS);
	autoclose int out = -1;
	struct stat st;

	if (in < 0 || fstat(in, &st) < 0 || !S_ISREG(st.st_mode))
		return in < 0 ? -1 : 0;
	unlinkat(to, part, 0); /* of one that was killed */
	out = openat(to, part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (out < 0)
		return -1;
	if (fs_copy(in, out) == 0 && renameat(to, part, to, name) == 0)
		return 0;
	unlinkat(to, part, 0);
	return -1;
}

/* The objects of one folder AA/BB. */
static int import_folder(int from, const struct gr_repo *r, const char *a, const char *b,
			 size_t *left, struct err *err)
{
	autofree char *path = xasprintf("%s/lfs/objects/%s/%s", r->path, a, b);
	int copy = openat(from, b, DIR_FLAGS);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	autoclose int to = -1;
	struct dirent *d;
	int rc = 0;

	if (!dir) {
		ym_cleanup_close(&copy);
		return 0;
	}
	while (rc == 0 && *left && (d = readdir(dir))) {
		if (!is_object(d->d_name))
			continue;
		--*left;
		if (to < 0 && (fs_mkdir_p(path, 0755, err) < 0 || (to = open(path, DIR_FLAGS)) < 0))
			rc = err_errno(err, "make folder %s", path);
		else if (linkat(dirfd(dir), d->d_name, to, d->d_name, 0) < 0 && errno != EEXIST &&
			 copy_object(dirfd(dir), to, d->d_name) < 0)
			rc = err_errno(err, "copy LFS object %s to %s", d->d_name, path);
	}
	closedir(dir);
	return rc;
}

static bool is_pair(const char *name)
{
	return strlen(name) == 2 && strspn(name, HEX) == 2;
}

static int import_pairs(int root, const struct gr_repo *r, const char *a, size_t *left,
			struct err *err)
{
	int copy = openat(root, a ? a : ".", DIR_FLAGS), rc = 0;
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *d;

	if (!dir) {
		ym_cleanup_close(&copy);
		return 0;
	}
	while (rc == 0 && (d = readdir(dir)))
		if (is_pair(d->d_name))
			rc = a ? import_folder(dirfd(dir), r, a, d->d_name, left, err)
			       : import_pairs(root, r, d->d_name, left, err);
	closedir(dir);
	return rc;
}

int gr_lfs_import(const struct gr_repo *r, const char *from, struct err *err)
{
	static const char *const bare[] = {"lfs", "objects"}, *const tree[] = {".git", "lfs",
									       "objects"};
	autoclose int fd = open_below(from, tree, ARRAY_LEN(tree), DIR_FLAGS);
	size_t left = IMPORT_MAX;

	if (fd < 0)
		fd = open_below(from, bare, ARRAY_LEN(bare), DIR_FLAGS);
	return fd < 0 ? 0 : import_pairs(fd, r, NULL, &left, err);
}
