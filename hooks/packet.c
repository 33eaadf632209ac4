/* packet.c - git's packet lines: four hexadecimal digits of length, then the bytes. */
#include "hooks/hook.h"

#include "base/buf.h"
#include "base/mem.h"

#include <errno.h>
#include <unistd.h>

static int read_all(int fd, char *p, size_t n, struct err *err)
{
	while (n) {
		ssize_t got = read(fd, p, n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_errno(err, "read from git");
		if (got == 0)
			return err_set(err, ERR_INPUT, "git closed the connection in a packet");
		p += got;
		n -= (size_t)got;
	}
	return 0;
}

static int write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t put = write(fd, p, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return -1;
		p += put;
		n -= (size_t)put;
	}
	return 0;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int hook_packet_read(int fd, char *buf, size_t *ret_n, struct err *err)
{
	char head[4];
	size_t n = 0;

	if (read_all(fd, head, sizeof(head), err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(head); i++) {
		if (digit(head[i]) < 0)
			return err_set(err, ERR_INPUT, "packet length '%.4s': not hexadecimal",
				       head);
		n = n * 16 + (size_t)digit(head[i]);
	}
	if (n == 0)
		return 0;
	if (n < sizeof(head) || n - sizeof(head) >= HOOK_PACKET_MAX)
		return err_set(err, ERR_LIMIT, "packet of %zu bytes; expected 4 to %d", n,
			       HOOK_PACKET_MAX);
	n -= sizeof(head);
	if (read_all(fd, buf, n, err) < 0)
		return -1;
	buf[n] = '\0';
	if (n && buf[n - 1] == '\n')
		buf[--n] = '\0';
	*ret_n = n;
	return 1;
}

int hook_packet_write(int fd, const char *fmt, ...)
{
	autofree char *text = NULL, *whole = NULL;
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	n = strlen(text);
	if (n > 1000)
		n = 1000; /* a reason; git shows one line */
	whole = xasprintf("%04zx%.*s", n + 4, (int)n, text);
	return write_all(fd, whole, n + 4);
}

int hook_packet_flush(int fd)
{
	return write_all(fd, "0000", 4);
}
