/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an image consists of, before anything is written: each file's path in the root and where its bytes come from.
 * plan_realise hashes them all (on two threads) and, if wanted, writes them below a directory in the same pass.
 */
#ifndef MSE_IMAGE_PLAN_H
#define MSE_IMAGE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "image/image.h"

struct plan_item {
	char *path;    /* in the root */
	char *source;  /* on this machine, links followed; or NULL and data below */
	uint8_t *data; /* owned */
	uint64_t size; /* of data; of the file once realised */
	uint8_t sha256[32];
};

struct plan {
	struct plan_item *items;
	size_t count, capacity;
};

void plan_done(struct plan *plan);

must_check int plan_add_file(struct plan *plan, const char *path, const char *source, struct err *err);
/* Copies data. */
must_check int plan_add_data(struct plan *plan, const char *path, const void *data, size_t size, struct err *err);

/* Orders items by path and drops those whose path and source are the same as another's; others: ERR_CONFLICT. */
must_check int plan_sort(struct plan *plan, struct err *err);

/*
 * Fills sha256 and size of every item. dest NULL: only that. Else dest is an existing empty directory, which gets the
 * directories (0755), the files (0444, programs and libraries 0555) and what every image's root has besides.
 */
must_check int plan_realise(struct plan *plan, const char *dest, const struct image_progress *progress,
			    struct err *err);

/* A sorted, realised plan as a bill. */
must_check int plan_bill(const struct plan *plan, const char *image, const uint8_t loader[static 32], struct bill **ret,
			 struct err *err);

#endif
