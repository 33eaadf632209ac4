/*
 * fuzz_hook.c - what git and a pushing person send to the hooks: packet lines, and the commands in them.
 *
 * A packet is never longer than its buffer; a command that is taken is made of the line's own parts; what
 * the queue alone may move is refused however it is spelled.
 */
#include "base/mem.h"
#include "hooks/hook.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void command(char *line)
{
	autofree char *before = xstrdup(line), *again = NULL, *why = NULL;
	char *old, *new, *ref;

	if (hook_command_parse(line, &old, &new, &ref, NULL) < 0)
		return;
	again = xasprintf("%s %s %s", old, new, ref);
	if (strcmp(before, again) != 0 || strchr(old, ' ') || strchr(new, ' ') || !*ref)
		abort();
	why = hook_update_refusal("main", ref, old);
	if (!why && (!strncmp(ref, "refs/yardmaster/", 16) || !strncmp(ref, "refs/pull/", 10)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *buf = xmalloc(HOOK_PACKET_MAX + 1);
	int fd = memfd_create("input", MFD_CLOEXEC);
	size_t n = 0;
	int rc;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) < 0)
		abort();
	while ((rc = hook_packet_read(fd, buf, &n, NULL)) >= 0) {
		if (n > HOOK_PACKET_MAX || (rc && buf[n]))
			abort();
		if (rc)
			command(buf);
	}
	close(fd);
	return 0;
}
