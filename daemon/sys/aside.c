/* aside.c - see aside.h */
#include "sys/aside.h"

#include "base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct task {
	void (*job)(void *arg);
	void *arg;
	int fd;
};

static void *run(void *task)
{
	struct task *t = task;
	uint64_t one = 1;

	t->job(t->arg);
	while (write(t->fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	return NULL;
}

static int start(pthread_t *ret, struct task *t)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(ret, NULL, run, t);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc;
}

void aside(void (*job)(void *arg), void *arg, void (*meanwhile)(void *other, int fd), void *other)
{
	autoclose int fd = eventfd(0, EFD_CLOEXEC);
	struct task t = {job, arg, fd};
	pthread_t thread;

	if (fd < 0 || start(&thread, &t) != 0) {
		job(arg);
		return;
	}
	meanwhile(other, fd);
	pthread_join(thread, NULL);
}
