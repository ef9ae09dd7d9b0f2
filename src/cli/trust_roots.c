/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/trust_roots.h"

#include "base/fs.h"

static void take(struct trust_roots *roots)
{
	const struct buf *text = &roots->texts[roots->count];

	roots->roots[roots->count++] = (struct attest_bytes){text->data, text->size};
}

static int load(const struct trust *trust, const char *file, struct trust_roots *roots, struct err *err)
{
	if (trust && trust->simulation_root) {
		roots->texts[roots->count] = BUF_INIT(TRUST_ROOTS_SIZE_MAX);
		if (buf_add_text(&roots->texts[roots->count], trust->simulation_root, err) < 0)
			return -1;
		take(roots);
	}
	if (file) {
		scoped(freep) char *hash = NULL;

		roots->texts[roots->count] = BUF_INIT(TRUST_ROOTS_SIZE_MAX);
		if (fs_read(file, &roots->texts[roots->count], err) < 0 ||
		    trust_fingerprint(buf_text(&roots->texts[roots->count]), &hash, err) < 0)
			return err_prefix(err, "--allow-simulation");
		take(roots);
	}
	return 0;
}

int trust_roots_load(const struct trust *trust, const char *file, struct trust_roots *ret, struct err *err)
{
	struct trust_roots roots = {0};

	if (load(trust, file, &roots, err) < 0) {
		trust_roots_done(&roots);
		return -1;
	}
	*ret = roots;
	return 0;
}

void trust_roots_done(struct trust_roots *roots)
{
	for (size_t i = 0; i < TRUST_ROOTS_MAX; i++)
		buf_done(&roots->texts[i]);
	*roots = (struct trust_roots){0};
}
