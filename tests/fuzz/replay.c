/*
 * replay.c - a fuzz target without libFuzzer: calls it once for each file named, and for each file
 * in each folder named, and prints how many there were. None at all is a failure: a corpus that
 * went missing must not pass for a corpus that passed.
 */
#include "base/mem.h"
#include "sys/fs.h"

#include <dirent.h>
#include <stdint.h>
#include <sys/stat.h>

#define INPUT_MAX ((size_t)1 << 20) /* libFuzzer's own limit, unless told otherwise */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path, size_t *count)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	cleanup(err_release) struct err err = ERR_INIT;

	if (fs_read(path, INPUT_MAX, &b, &err) < 0) {
		fprintf(stderr, "replay: %s\n", err_text(&err));
		return -1;
	}
	LLVMFuzzerTestOneInput((const uint8_t *)b.s, b.len);
	(*count)++;
	return 0;
}

static int replay_folder(const char *path, size_t *count)
{
	DIR *d = opendir(path);
	struct dirent *e;
	int rc = 0;

	if (!d) {
		perror(path);
		return -1;
	}
	while (rc == 0 && (e = readdir(d))) {
		autofree char *file = path_join(path, e->d_name);

		if (*e->d_name != '.')
			rc = replay_file(file, count);
	}
	closedir(d);
	return rc;
}

int main(int argc, char **argv)
{
	size_t count = 0;

	for (int i = 1; i < argc; i++) {
		struct stat st;
		bool folder = stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode);

		if ((folder ? replay_folder : replay_file)(argv[i], &count) < 0)
			return 1;
	}
	printf("%s: %zu inputs replayed\n", argv[0], count);
	return count ? 0 : 1;
}
