/* SPDX-License-Identifier: Apache-2.0 */
#include "measure/stream.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"

#define PAGE 4096
#define RECORD 64
#define CHUNK 256
#define CHUNKS (PAGE / CHUNK)
#define PAGE_RECORD (RECORD + CHUNKS * (RECORD + CHUNK)) /* 5184 */
#define BATCH_PAGES 32
#define BATCH_SIZE (BATCH_PAGES * PAGE_RECORD)
#define EADD_AT_ONCE (BATCH_SIZE / RECORD)

static void put_u64(uint8_t *at, uint64_t value)
{
	memcpy(at, &value, sizeof(value)); /* little-endian, as x86-64 */
}

static size_t chunk_at(size_t chunk)
{
	return RECORD + chunk * (RECORD + CHUNK);
}

/* All of a page's records but offsets, flags and content. */
static void make_zero_page(uint8_t record[static PAGE_RECORD])
{
	memset(record, 0, PAGE_RECORD);
	memcpy(record, "EADD", 4);
	for (size_t i = 0; i < CHUNKS; i++)
		memcpy(record + chunk_at(i), "EEXTEND", 7);
}

static void add_create(struct measure_stream *stream, uint32_t ssa_frame_pages, uint64_t enclave_size)
{
	uint8_t record[RECORD] = "ECREATE";

	memcpy(record + 8, &ssa_frame_pages, sizeof(ssa_frame_pages));
	put_u64(record + 12, enclave_size);
	sha256_add(stream->hash, record, sizeof(record));
}

int measure_stream_open(struct measure_stream *stream, uint32_t ssa_frame_pages, uint64_t enclave_size, struct err *err)
{
	*stream = (struct measure_stream){.batch = malloc(BATCH_SIZE), .zero_page = malloc(PAGE_RECORD)};
	if (!stream->batch || !stream->zero_page) {
		free(stream->batch);
		free(stream->zero_page);
		return err_no_memory(err);
	}
	stream->hash = sha256_new();
	make_zero_page(stream->zero_page);
	add_create(stream, ssa_frame_pages, enclave_size);
	return 0;
}

static void flush(struct measure_stream *stream)
{
	sha256_add(stream->hash, stream->batch, stream->used);
	stream->used = 0;
}

void measure_stream_page(struct measure_stream *stream, uint64_t offset, uint64_t flags, const uint8_t *content)
{
	uint8_t *record = stream->batch + stream->used;

	memcpy(record, stream->zero_page, PAGE_RECORD);
	put_u64(record + 8, offset);
	put_u64(record + 16, flags);
	for (size_t i = 0; i < CHUNKS; i++) {
		put_u64(record + chunk_at(i) + 8, offset + i * CHUNK);
		if (content)
			memcpy(record + chunk_at(i) + RECORD, content + i * CHUNK, CHUNK);
	}
	stream->measured_pages++;
	stream->used += PAGE_RECORD;
	if (stream->used == BATCH_SIZE)
		flush(stream);
}

void measure_stream_free_pages(struct measure_stream *stream, uint64_t start, uint64_t end, uint64_t flags)
{
	flush(stream);
	for (size_t i = 0; i < EADD_AT_ONCE; i++) {
		uint8_t *record = stream->batch + i * RECORD;

		memcpy(record, stream->zero_page, RECORD);
		put_u64(record + 16, flags);
	}
	for (uint64_t offset = start; offset < end;) {
		size_t count = 0;

		for (; count < EADD_AT_ONCE && offset < end; count++, offset += PAGE)
			put_u64(stream->batch + count * RECORD + 8, offset);
		sha256_add(stream->hash, stream->batch, count * RECORD);
		stream->free_pages += count;
	}
}

void measure_stream_close(struct measure_stream *stream, uint8_t ret[static 32])
{
	flush(stream);
	sha256_finish(stream->hash, ret);
	sha256_free(stream->hash);
	free(stream->batch);
	free(stream->zero_page);
	*stream = (struct measure_stream){0};
}
