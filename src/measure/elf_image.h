/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loadable pages of an ELF64 x86-64 file, as the enclave loader adds them. The file is untrusted: every offset is
 * inside it and no two segments share a page once elf_image_parse has accepted it.
 */
#ifndef MSE_MEASURE_ELF_IMAGE_H
#define MSE_MEASURE_ELF_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define ELF_IMAGE_SEGMENTS_MAX 64
#define ELF_IMAGE_SPAN_MAX (UINT64_C(256) << 20) /* bytes of address space */
#define ELF_IMAGE_PAGE 0x1000

struct elf_segment {
	uint64_t start, end; /* whole pages */
	uint64_t vaddr, file_offset, file_size;
	uint32_t flags; /* PF_R, PF_W, PF_X */
};

struct elf_image {
	const uint8_t *data; /* the caller's */
	struct elf_segment segments[ELF_IMAGE_SEGMENTS_MAX];
	size_t count;
	uint64_t span; /* bytes from address 0 to the end of the highest page */
	uint64_t entry;
};

must_check int elf_image_parse(const void *data, size_t size, struct elf_image *ret, struct err *err);

/* The page at address page of segment: file bytes where the segment has them, zero elsewhere. */
void elf_image_page(const struct elf_image *image, const struct elf_segment *segment, uint64_t page,
		    uint8_t ret[static ELF_IMAGE_PAGE]);

#endif
