/*
 * git_copy.h - a folder's copy for tests, in this process: cp would be a start of a program for each of them.
 *
 * Modes, links and times are kept, as by cp -a. Fails the test when something cannot be copied.
 */
#ifndef YM_TESTS_GIT_COPY_H
#define YM_TESTS_GIT_COPY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

static inline void git_copy(const char *from, const char *to);

static inline void git_copy_file(const char *from, const char *to, const struct stat *st)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(in >= 0 && out >= 0);
	for (off_t left = st->st_size; left > 0;) {
		ssize_t n = sendfile(out, in, NULL, (size_t)left);

		assert_true(n > 0);
		left -= n;
	}
	assert_int_equal(fchmod(out, st->st_mode & 07777), 0);
	assert_int_equal(futimens(out, (struct timespec[]){st->st_atim, st->st_mtim}), 0);
	close(in);
	close(out);
}

static inline void git_copy_entry(const char *from, const char *to)
{
	char link[4096];
	struct stat st;
	ssize_t n;

	assert_int_equal(lstat(from, &st), 0);
	if (S_ISDIR(st.st_mode)) {
		assert_int_equal(mkdir(to, 0700), 0);
		git_copy(from, to);
		assert_int_equal(chmod(to, st.st_mode & 07777), 0);
	} else if (S_ISLNK(st.st_mode)) {
		n = readlink(from, link, sizeof(link) - 1);
		assert_true(n > 0);
		link[n] = 0;
		assert_int_equal(symlink(link, to), 0);
		return;
	} else {
		git_copy_file(from, to, &st);
		return;
	}
	utimensat(AT_FDCWD, to, (struct timespec[]){st.st_atim, st.st_mtim}, 0);
}

/* What is in one folder, into another one that is there and has none of it. */
static inline void git_copy(const char *from, const char *to)
{
	DIR *dir = opendir(from);
	struct dirent *d;

	assert_non_null(dir);
	while ((d = readdir(dir))) {
		autofree char *a = xasprintf("%s/%s", from, d->d_name);
		autofree char *b = xasprintf("%s/%s", to, d->d_name);

		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			git_copy_entry(a, b);
	}
	closedir(dir);
}

#endif
