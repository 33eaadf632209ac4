/* fuzz_cli_answer.c - answers of any bytes, decoded and shown: nothing that a terminal obeys. */
#include "base/mem.h"
#include "cli/answer.h"
#include "cli/render.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static const struct cli_column columns[] = {
	{"id", "ID", CLI_COL_INT},        {"state", "STATE", CLI_COL_STATE},
	{"head", "HEAD", CLI_COL_OID},    {"at_ms", "AT", CLI_COL_TIME},
	{"title", "TITLE", CLI_COL_LONG}, {0}};
static const struct cli_list lists[] = {{"comments", columns}, {0}};

static void show(const struct cli_command *cmd, const struct cli_answer *a, bool terminal,
		 bool json)
{
	struct cli_out o = {.fd = memfd_create("out", MFD_CLOEXEC),
			    .err_fd = -1,
			    .buf = BUF_INIT,
			    .terminal = terminal,
			    .width = terminal ? 40 : 0};
	char bytes[4096];
	ssize_t n;

	require(o.fd >= 0);
	if (a->kind == CLI_ANSWER_CHUNK)
		cli_render_chunk(&o, cmd, a->text, a->text_len, json);
	else if (a->kind == CLI_ANSWER_OK)
		cli_render(&o, cmd, a, json);
	require(cli_out_flush(&o, NULL) == 0);
	lseek(o.fd, 0, SEEK_SET);
	while ((n = read(o.fd, bytes, sizeof(bytes))) > 0)
		for (ssize_t i = 0; i < n; i++)
			require((unsigned char)bytes[i] >= 0x20 ? bytes[i] != 0x7f
								: strchr("\t\n", bytes[i]) != NULL);
	close(o.fd);
	cli_out_release(&o);
}

/* One line is one message, as on the socket. */
static void one_line(const char *s, size_t n)
{
	static const struct cli_command plain = {.path = "x show", .lists = lists},
					table = {.path = "x list", .columns = columns};
	autojson json_t *msg = NULL;
	struct cli_answer a;

	if (json_parse(s, n, CLI_ANSWER_LINE_MAX, &msg, NULL) < 0 ||
	    cli_answer_decode(msg, &a, NULL) < 0)
		return;
	for (int i = 0; i < 8; i++)
		show(i & 4 ? &plain : &table, &a, i & 1, i & 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *s = (const char *)data, *end = s + size;

	while (s < end) {
		const char *nl = memchr(s, '\n', (size_t)(end - s));
		size_t n = nl ? (size_t)(nl - s) : (size_t)(end - s);

		one_line(s, n);
		s += n + 1;
	}
	return 0;
}
