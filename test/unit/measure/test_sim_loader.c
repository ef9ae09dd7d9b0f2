/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "crypto/hash.h"
#include "measure/elf_image.h"
#include "measure/sim_loader.h"

static void bytes_are_the_pinned_ones(void **state)
{
	uint8_t digest[32];

	(void)state;
	sha256(sim_loader, sizeof(sim_loader), digest);
	assert_memory_equal(digest, sim_loader_sha256, sizeof(digest));
}

static void it_is_one_readable_executable_page(void **state)
{
	struct elf_image image;
	struct err err = ERR_INIT;
	uint8_t page[ELF_IMAGE_PAGE];

	(void)state;
	assert_ok(elf_image_parse(sim_loader, sizeof(sim_loader), &image, &err), &err);
	assert_int_equal(image.count, 1);
	assert_int_equal(image.span, ELF_IMAGE_PAGE);
	assert_int_equal(image.segments[0].flags, 5);
	elf_image_page(&image, &image.segments[0], 0, page);
	assert_memory_equal(page, sim_loader, sizeof(sim_loader));
	assert_int_equal(page[sizeof(sim_loader)], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bytes_are_the_pinned_ones),
	    cmocka_unit_test(it_is_one_readable_executable_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
