/* out.c - see out.h */
#include "cli/out.h"

#include "base/mem.h"
#include "cli/show.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define OUT_FLUSH_AT ((size_t)64 << 10) /* bytes collected before they are sent */
#define WIDTH_MIN    20                 /* narrower terminals are treated as this wide */
#define WIDTH_MAX    4096

static size_t width_of(int fd)
{
	const char *columns = getenv("COLUMNS");
	struct winsize ws = {0};
	long w = columns ? strtol(columns, NULL, 10) : 0;

	if (w <= 0 && ioctl(fd, TIOCGWINSZ, &ws) == 0)
		w = ws.ws_col;
	if (w <= 0)
		w = 80;
	return w < WIDTH_MIN ? WIDTH_MIN : w > WIDTH_MAX ? WIDTH_MAX : (size_t)w;
}

/* https://no-color.org: set and not empty. */
static bool colour_wanted(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return !(no && *no) && term && *term && strcmp(term, "dumb") != 0;
}

void cli_out_init(struct cli_out *o, int fd, int err_fd)
{
	*o = (struct cli_out){.fd = fd, .err_fd = err_fd, .buf = BUF_INIT};
	o->terminal = isatty(fd) == 1;
	o->colour = o->terminal && colour_wanted();
	o->width = o->terminal ? width_of(fd) : 0;
}

void cli_out_release(struct cli_out *o)
{
	buf_release(&o->buf);
}

/* Returns 0 or the errno of the failure. */
static int write_all(int fd, const char *s, size_t n)
{
	while (n) {
		ssize_t done = write(fd, s, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return errno;
		s += done;
		n -= (size_t)done;
	}
	return 0;
}

static void send_out(struct cli_out *o)
{
	if (!o->error)
		o->error = write_all(o->fd, o->buf.s, o->buf.len);
	buf_reset(&o->buf);
}

void cli_out_add(struct cli_out *o, const char *s, size_t n)
{
	if (o->buf.len + n > OUT_FLUSH_AT)
		send_out(o);
	if (n > OUT_FLUSH_AT) {
		if (!o->error)
			o->error = write_all(o->fd, s, n);
		return;
	}
	buf_add(&o->buf, s, n);
}

void cli_out_adds(struct cli_out *o, const char *s)
{
	cli_out_add(o, s, strlen(s));
}

void cli_out_addf(struct cli_out *o, const char *fmt, ...)
{
	autofree char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	s = xvasprintf(fmt, ap);
	va_end(ap);
	cli_out_adds(o, s);
}

int cli_out_flush(struct cli_out *o, struct err *err)
{
	send_out(o);
	if (!o->error)
		return 0;
	return err_set(err, ERR_IO, "standard output: %s; the output is not complete",
		       strerror(o->error));
}

void cli_out_error_raw(struct cli_out *o, const char *s)
{
	int failed = write_all(o->err_fd, s, strlen(s));

	(void)failed; /* nobody is left to be told */
}

void cli_out_complain(struct cli_out *o, const char *text)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	buf_adds(&b, "yardmaster: ");
	cli_show_text(&b, text, strlen(text));
	buf_addc(&b, '\n');
	cli_out_error_raw(o, b.s);
}
