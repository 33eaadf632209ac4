/*
 * slowsync.c - a disk whose fsync takes at least SLOWSYNC_US microseconds, for one program and its children: loaded by
 * LD_PRELOAD. The real call is made, and what is left of the time is slept.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int slowly(const char *name, int fd)
{
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
	const char *us = getenv("SLOWSYNC_US");
	long begin = now_us(), left;
	int rc = real(fd);

	left = (us ? strtol(us, NULL, 10) : 0) - (now_us() - begin);
	if (left > 0)
		nanosleep(&(struct timespec){left / 1000000, left % 1000000 * 1000}, NULL);
	return rc;
}

int fsync(int fd)
{
	return slowly("fsync", fd);
}

int fdatasync(int fd)
{
	return slowly("fdatasync", fd);
}
