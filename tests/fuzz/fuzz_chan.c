/*
 * fuzz_chan.c - the decoder of JSON lines. The first byte says in what pieces the rest arrives; how
 * it is cut must not change what comes out.
 */
#include "base/mem.h"
#include "sys/jsonl.h"

#include <stdint.h>

#define LINE_LIMIT ((size_t)4096)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
	struct buf text; /* the messages, written again */
	int end;         /* 0 clean, -1 broken, -2 ended within a line */
};

static struct outcome decode(const uint8_t *p, size_t n, size_t step)
{
	cleanup(jsonl_release) struct jsonl d;
	struct outcome o = {.text = BUF_INIT};
	int rc = 0;

	jsonl_init(&d, LINE_LIMIT);
	for (size_t i = 0; i < n && rc == 0; i += step) {
		json_t *msg;

		jsonl_add(&d, p + i, n - i < step ? n - i : step);
		while ((rc = jsonl_next(&d, &msg, NULL)) > 0) {
			autofree char *text = json_text(msg);

			buf_adds(&o.text, text);
			json_decref(msg);
		}
	}
	o.end = rc < 0 ? -1 : jsonl_end(&d, NULL) < 0 ? -2 : 0;
	return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome whole, pieces;

	if (!size)
		return 0;
	whole = decode(data + 1, size - 1, size);
	pieces = decode(data + 1, size - 1, 1 + data[0] % 64u);
	if (whole.end != pieces.end || strcmp(whole.text.s, pieces.text.s))
		abort();
	buf_release(&whole.text);
	buf_release(&pieces.text);
	return 0;
}
