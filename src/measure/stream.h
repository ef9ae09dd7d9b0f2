/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hashed stream of MRENCLAVE: records of 64 bytes, gathered in one buffer so that SHA-256 sees long runs. The hash
 * is one serial chain, so its speed is the floor; templates keep everything else below it.
 */
#ifndef MSE_MEASURE_STREAM_H
#define MSE_MEASURE_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct sha256_ctx;

struct measure_stream {
	struct sha256_ctx *hash;
	uint8_t *batch; /* of whole page records */
	size_t used;
	uint8_t *zero_page; /* the record of a zero page; its offsets are set anew each time */
	uint64_t measured_pages, free_pages;
};

/* Begins with ECREATE. The stream is then ended by measure_stream_close, which frees it. */
must_check int measure_stream_open(struct measure_stream *stream, uint32_t ssa_frame_pages, uint64_t enclave_size,
				   struct err *err);

/* EADD and 16 EEXTEND of the page at offset; content has 4096 bytes, NULL is a page of zeros. */
void measure_stream_page(struct measure_stream *stream, uint64_t offset, uint64_t flags, const uint8_t *content);

/* EADD alone for each page of start .. end. */
void measure_stream_free_pages(struct measure_stream *stream, uint64_t start, uint64_t end, uint64_t flags);

void measure_stream_close(struct measure_stream *stream, uint8_t ret[static 32]);

#endif
