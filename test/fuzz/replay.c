/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over every file of the folders on argv: how the seeds are replayed in the normal test suite. */
#include <stdio.h>

#include "base/fs.h"

#define SEED_MAX (16u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct replay {
	const char *dir;
	size_t count;
};

static int run_seed(const char *name, void *arg, struct err *err)
{
	struct replay *replay = arg;
	scoped(buf_done) struct buf seed = BUF_INIT(SEED_MAX);
	scoped(freep) char *path = NULL;

	if (fs_join(replay->dir, name, &path, err) < 0 || fs_read(path, &seed, err) < 0)
		return -1;
	(void)LLVMFuzzerTestOneInput((const uint8_t *)buf_text(&seed), seed.size);
	replay->count++;
	return 0;
}

int main(int argc, char **argv)
{
	struct err err = ERR_INIT;

	for (int i = 1; i < argc; i++) {
		struct replay replay = {.dir = argv[i]};

		if (fs_each_entry(argv[i], run_seed, &replay, &err) < 0 || replay.count == 0) {
			(void)fprintf(stderr, "%s: %s\n", argv[i], replay.count ? err.text : "no seeds");
			return 1;
		}
		(void)printf("%s: %zu seeds\n", argv[i], replay.count);
	}
	return argc > 1 ? 0 : 1;
}
