/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>

#include "measure/elf_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every page of an accepted file can be made: at most the span's worth of work. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t page[ELF_IMAGE_PAGE];
	struct elf_image image;
	struct err err = ERR_INIT;

	if (elf_image_parse(data, size, &image, &err) < 0)
		return 0;
	for (size_t i = 0; i < image.count; i++) {
		const struct elf_segment *segment = &image.segments[i];

		elf_image_page(&image, segment, segment->start, page);
		if (segment->end > segment->start)
			elf_image_page(&image, segment, segment->end - ELF_IMAGE_PAGE, page);
	}
	return 0;
}
