/* SPDX-License-Identifier: Apache-2.0 */
#include "measure/measure.h"

#include <string.h>

#include "base/number.h"
#include "measure/elf_image.h"
#include "measure/stream.h"

/* gramine pal/src/host/linux-sgx/pal_linux_defs.h, sgx_arch.h, pal/include/arch/x86_64/pal_arch.h; equal in 1.5 to 1.9
 */
#define PAGE ELF_IMAGE_PAGE
#define SSA_FRAME_SIZE 0x4000
#define SSA_FRAME_COUNT 2
#define SSA_SIZE (SSA_FRAME_SIZE * SSA_FRAME_COUNT)
#define STACK_SIZE 0x40000
#define SIG_STACK_SIZE 0x10000
#define HEAP_MIN 0x10000
#define CANARY UINT64_C(0xbadbadbadbad)
#define GPR_SIZE 0xb8

#define FLAGS_TCS 0x100
#define FLAGS_R 0x201
#define FLAGS_RW 0x203
#define FLAGS_RWX 0x207

struct area_writer {
	struct measure_stream stream;
	const struct measure_params *params;
	const struct measure_layout *layout;
};

int measure_parse_size(const char *text, uint64_t *ret_size, struct err *err)
{
	static const char units[] = "KMG";
	char digits[24];
	const size_t length = strlen(text);
	const char *unit = length ? strchr(units, text[length - 1]) : NULL;
	const unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
	const size_t digit_count = length - (unit ? 1 : 0);
	uint64_t value;

	if (digit_count == 0 || digit_count >= sizeof(digits))
		return err_set(err, ERR_INVALID, "'%.32s' is not a size: expected digits, then K, M, G or nothing",
			       text);
	memcpy(digits, text, digit_count);
	digits[digit_count] = 0;
	if (number_parse_u64(digits, 0, UINT64_MAX >> shift, &value, err) < 0)
		return err_prefix(err, "size '%s'", text);
	*ret_size = value << shift;
	return 0;
}

int measure_params_check(const struct measure_params *params, struct err *err)
{
	const unsigned long long size = params->enclave_size;

	if (size & (size - 1))
		return err_set(err, ERR_INVALID, "sgx.enclave_size %llu is not a power of two", size);
	if (size < MEASURE_ENCLAVE_SIZE_MIN || size > MEASURE_ENCLAVE_SIZE_MAX)
		return err_set(err, ERR_LIMIT, "sgx.enclave_size %llu, expected 1M to 1024G", size);
	if (params->threads < 1 || params->threads > MEASURE_THREADS_MAX)
		return err_set(err, ERR_LIMIT, "sgx.max_threads %u, expected 1 to %d", params->threads,
			       MEASURE_THREADS_MAX);
	return 0;
}

/* Hands out size bytes (whole pages) below *top. */
static int take_area(uint64_t *top, uint64_t size, uint64_t *ret_start, struct err *err)
{
	if (*top < HEAP_MIN || size > *top - HEAP_MIN)
		return err_set(err, ERR_INVALID, "sgx.enclave_size is too small for manifest, threads and loader");
	*top -= size;
	*ret_start = *top;
	return 0;
}

/* From the top downwards, in the order of gramine's initialize_enclave(). The stacks' areas are one block each. */
static int make_layout(const struct measure_params *params, uint64_t manifest_size, const struct elf_image *image,
		       struct measure_layout *ret, struct err *err)
{
	const uint64_t threads = params->threads;
	struct measure_layout layout = {.manifest_size = manifest_size, .pal_size = image->span};
	uint64_t top = params->enclave_size;
	uint64_t stacks = 0;
	uint64_t sig_stacks = 0;

	if (take_area(&top, (manifest_size + PAGE - 1) / PAGE * PAGE, &layout.manifest, err) < 0 ||
	    take_area(&top, threads * SSA_SIZE, &layout.ssa, err) < 0 ||
	    take_area(&top, threads * PAGE, &layout.tcs, err) < 0 ||
	    take_area(&top, threads * PAGE, &layout.tls, err) < 0 ||
	    take_area(&top, threads * STACK_SIZE, &stacks, err) < 0 ||
	    take_area(&top, threads * SIG_STACK_SIZE, &sig_stacks, err) < 0 ||
	    take_area(&top, image->span, &layout.pal, err) < 0)
		return -1;
	layout.stack = stacks + (threads - 1) * STACK_SIZE;
	layout.sig_stack = sig_stacks + (threads - 1) * SIG_STACK_SIZE;
	layout.entry = layout.pal + image->entry;
	layout.free_start = HEAP_MIN;
	layout.free_end = layout.pal;
	*ret = layout;
	return 0;
}

static void add_manifest(struct area_writer *writer, const uint8_t *manifest)
{
	const uint64_t text_size = writer->layout->manifest_size - 1;
	uint8_t page[PAGE];

	for (uint64_t done = 0; done < text_size + 1; done += PAGE) {
		const size_t part = done < text_size ? size_min(PAGE, (size_t)(text_size - done)) : 0;

		memset(page, 0, sizeof(page));
		if (part)
			memcpy(page, manifest + done, part);
		measure_stream_page(&writer->stream, writer->layout->manifest + done, FLAGS_R, page);
	}
}

static void add_zero_pages(struct area_writer *writer, uint64_t start, uint64_t size)
{
	for (uint64_t offset = start; offset < start + size; offset += PAGE)
		measure_stream_page(&writer->stream, offset, FLAGS_RW, NULL);
}

static void put_u32(uint8_t *page, size_t offset, uint32_t value)
{
	memcpy(page + offset, &value, sizeof(value)); /* x86-64 only, as the enclaves: little-endian */
}

static void put_u64(uint8_t *page, size_t offset, uint64_t value)
{
	memcpy(page + offset, &value, sizeof(value));
}

/* sgx_arch_tcs_t; FLAGS, CSSA and OFSBASE stay 0 */
static void add_tcs(struct area_writer *writer, uint64_t thread)
{
	const struct measure_layout *layout = writer->layout;
	uint8_t page[PAGE] = {0};

	put_u64(page, 0x10, layout->ssa + thread * SSA_SIZE);
	put_u32(page, 0x1c, SSA_FRAME_COUNT);
	put_u64(page, 0x20, layout->entry);
	put_u64(page, 0x38, layout->tls + thread * PAGE);
	put_u32(page, 0x40, 0xfff);
	put_u32(page, 0x44, 0xfff);
	measure_stream_page(&writer->stream, layout->tcs + thread * PAGE, FLAGS_TCS, page);
}

/* struct pal_enclave_tcb, gramine pal/src/host/linux-sgx/pal_tcb.h */
static void add_tls(struct area_writer *writer, uint64_t thread)
{
	const struct measure_layout *layout = writer->layout;
	const uint64_t tls = layout->tls + thread * PAGE;
	const uint64_t ssa = layout->ssa + thread * SSA_SIZE;
	const uint64_t sig_stack = layout->sig_stack - thread * SIG_STACK_SIZE;
	uint8_t page[PAGE] = {0};

	put_u64(page, 0x000, tls);
	put_u64(page, 0x008, CANARY);
	put_u64(page, 0x110, writer->params->enclave_size);
	put_u64(page, 0x118, layout->tcs + thread * PAGE);
	put_u64(page, 0x120, layout->stack - thread * STACK_SIZE + STACK_SIZE);
	put_u64(page, 0x130, sig_stack);
	put_u64(page, 0x138, sig_stack + SIG_STACK_SIZE);
	put_u64(page, 0x148, ssa);
	put_u64(page, 0x150, ssa + SSA_FRAME_SIZE - GPR_SIZE);
	put_u64(page, 0x1a0, layout->manifest_size);
	put_u64(page, 0x1a8, HEAP_MIN);
	put_u64(page, 0x1b0, layout->pal);
	measure_stream_page(&writer->stream, tls, FLAGS_RW, page);
}

/* Per thread areas: inside an area pages go upwards, the stacks of later threads lie lower. */
static void add_threads(struct area_writer *writer)
{
	const struct measure_layout *layout = writer->layout;
	const uint64_t threads = writer->params->threads;

	add_zero_pages(writer, layout->ssa, threads * SSA_SIZE);
	for (uint64_t t = 0; t < threads; t++)
		add_tcs(writer, t);
	for (uint64_t t = 0; t < threads; t++)
		add_tls(writer, t);
	for (uint64_t t = 0; t < threads; t++)
		add_zero_pages(writer, layout->stack - t * STACK_SIZE, STACK_SIZE);
	for (uint64_t t = 0; t < threads; t++)
		add_zero_pages(writer, layout->sig_stack - t * SIG_STACK_SIZE, SIG_STACK_SIZE);
}

/* ELF's PF_X 1, PF_W 2, PF_R 4 are not in the order of SECINFO's R 1, W 2, X 4. */
static uint64_t segment_flags(uint32_t elf_flags)
{
	return 0x200 | ((elf_flags & 4) ? 1 : 0) | ((elf_flags & 2) ? 2 : 0) | ((elf_flags & 1) ? 4 : 0);
}

static void add_loader(struct area_writer *writer, const struct elf_image *image)
{
	uint8_t page[PAGE];

	for (size_t i = 0; i < image->count; i++) {
		const struct elf_segment *segment = &image->segments[i];

		for (uint64_t at = segment->start; at < segment->end; at += PAGE) {
			elf_image_page(image, segment, at, page);
			measure_stream_page(&writer->stream, writer->layout->pal + at, segment_flags(segment->flags),
					    page);
		}
	}
}

static int measure_areas(struct area_writer *writer, const void *manifest, const struct elf_image *image,
			 struct measure_result *ret, struct err *err)
{
	const struct measure_layout *layout = writer->layout;

	if (measure_stream_open(&writer->stream, SSA_FRAME_SIZE / PAGE, writer->params->enclave_size, err) < 0)
		return -1;
	add_manifest(writer, manifest);
	add_threads(writer);
	add_loader(writer, image);
	if (!writer->params->edmm)
		measure_stream_free_pages(&writer->stream, layout->free_start, layout->free_end, FLAGS_RWX);
	ret->measured_pages = writer->stream.measured_pages;
	ret->free_pages = writer->stream.free_pages;
	ret->params = *writer->params;
	ret->layout = *layout;
	measure_stream_close(&writer->stream, ret->mrenclave);
	return 0;
}

int measure_run(const struct measure_params *params, const void *manifest, size_t manifest_size, const void *loader,
		size_t loader_size, struct measure_result *ret, struct err *err)
{
	struct elf_image image;
	struct measure_layout layout;
	struct area_writer writer = {.params = params, .layout = &layout};

	if (manifest_size > MEASURE_MANIFEST_MAX)
		return err_set(err, ERR_LIMIT, "manifest of %zu bytes, at most %u are read", manifest_size,
			       MEASURE_MANIFEST_MAX);
	if (loader_size > MEASURE_LOADER_MAX)
		return err_set(err, ERR_LIMIT, "loader of %zu bytes, at most %u are read", loader_size,
			       MEASURE_LOADER_MAX);
	if (measure_params_check(params, err) < 0)
		return -1;
	if (elf_image_parse(loader, loader_size, &image, err) < 0)
		return err_prefix(err, "loader");
	if (make_layout(params, manifest_size + 1, &image, &layout, err) < 0)
		return -1;
	return measure_areas(&writer, manifest, &image, ret, err);
}
