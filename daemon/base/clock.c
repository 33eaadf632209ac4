/* clock.c - see clock.h */
#include "base/clock.h"

#include "base/mem.h"

#include <sys/random.h>
#include <time.h>

static int64_t read_ms(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t system_wall_ms(struct clock *c)
{
	(void)c;
	return read_ms(CLOCK_REALTIME);
}

static int64_t system_mono_ms(struct clock *c)
{
	(void)c;
	return read_ms(CLOCK_MONOTONIC);
}

static void system_fill(struct rnd *r, void *p, size_t n)
{
	unsigned char *to = p;

	(void)r;
	while (n) {
		ssize_t got = getrandom(to, n, 0);

		if (got < 0)
			continue; /* EINTR: no other error is possible for these arguments */
		to += got;
		n -= (size_t)got;
	}
}

struct clock clock_system = {system_wall_ms, system_mono_ms};
struct rnd rnd_system = {system_fill};

char *clock_format(int64_t wall_ms)
{
	time_t s = (time_t)(wall_ms / 1000);
	struct tm tm;
	char day[32];

	gmtime_r(&s, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	return xasprintf("%s.%03dZ", day, (int)(wall_ms % 1000));
}

char *rnd_hex(struct rnd *r, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	autofree unsigned char *raw = xmalloc(n);
	char *s = xmalloc(2 * n + 1);

	r->fill(r, raw, n);
	for (size_t i = 0; i < n; i++) {
		s[2 * i] = digits[raw[i] >> 4];
		s[2 * i + 1] = digits[raw[i] & 15];
	}
	s[2 * n] = '\0';
	return s;
}
