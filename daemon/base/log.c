/* log.c - see log.h */
#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"

#include <unistd.h>

static enum log_level threshold = LOG_INFO;
static const char *log_name;

void log_set_level(enum log_level level)
{
	threshold = level;
}

void log_set_name(const char *name)
{
	log_name = name;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	static const char *const names[] = {"error", "warn ", "info ", "debug"};
	cleanup(buf_release) struct buf line = BUF_INIT;
	autofree char *when = NULL, *text = NULL;
	va_list ap;
	ssize_t ignored;

	if (level > threshold)
		return;
	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	when = clock_format(clock_system.wall_ms(&clock_system));
	buf_addf(&line, "%s %s ", when, names[level]);
	if (log_name)
		buf_addf(&line, "%s: ", log_name);
	for (const char *p = text; *p; p++) {
		unsigned char c = (unsigned char)*p;

		if (c < 0x20 || c == 0x7f)
			buf_addf(&line, "\\x%02x", c);
		else
			buf_addc(&line, *p);
	}
	buf_addc(&line, '\n');
	ignored = write(STDERR_FILENO, line.s, line.len);
	(void)ignored; /* nowhere left to say it */
}
