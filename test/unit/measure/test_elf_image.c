/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <elf.h>
#include <string.h>

#include "measure/elf_image.h"
#include "test_elf.h"

#define FILE_SIZE 0x3000

/* A file of three segments with room to damage each. */
struct sample {
	Elf64_Ehdr header;
	Elf64_Phdr segments[ELF_IMAGE_SEGMENTS_MAX + 1];
	uint8_t rest[FILE_SIZE];
};

static struct sample make_sample(void)
{
	struct sample sample = {.header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1},
					   .e_machine = EM_X86_64,
					   .e_phoff = sizeof(Elf64_Ehdr),
					   .e_phentsize = sizeof(Elf64_Phdr),
					   .e_phnum = 3,
					   .e_entry = 0x1010}};

	sample.segments[0] = (Elf64_Phdr){PT_LOAD, PF_R, 0, 0, 0, 0x900, 0x900, 0x1000};
	sample.segments[1] = (Elf64_Phdr){PT_LOAD, PF_R | PF_X, 0x1000, 0x1000, 0, 0x800, 0x800, 0x1000};
	sample.segments[2] = (Elf64_Phdr){PT_LOAD, PF_R | PF_W, 0x1810, 0x4810, 0, 0x20, 0x1000, 0x1000};
	memset(sample.rest, 0xcc, sizeof(sample.rest));
	return sample;
}

static int parse(const struct sample *sample, struct elf_image *ret, struct err *err)
{
	return elf_image_parse(sample, sizeof(*sample), ret, err);
}

static void pages_hold_file_bytes_and_zeros_around_them(void **state)
{
	const struct sample sample = make_sample();
	const uint8_t *bytes = (const uint8_t *)&sample;
	struct elf_image image;
	struct err err = ERR_INIT;
	uint8_t page[ELF_IMAGE_PAGE];

	(void)state;
	assert_ok(parse(&sample, &image, &err), &err);
	assert_int_equal(image.count, 3);
	assert_int_equal(image.span, 0x6000);
	assert_int_equal(image.segments[2].start, 0x4000);
	elf_image_page(&image, &image.segments[2], 0x4000, page);
	for (size_t i = 0; i < sizeof(page); i++)
		assert_int_equal(page[i], i >= 0x810 && i < 0x830 ? bytes[0x1810 + i - 0x810] : 0);
	elf_image_page(&image, &image.segments[2], 0x5000, page);
	for (size_t i = 0; i < sizeof(page); i++)
		assert_int_equal(page[i], 0);
}

static void published_stand_in_is_read(void **state)
{
	struct elf_image image;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(elf_image_parse(test_elf, sizeof(test_elf), &image, &err), &err);
	assert_int_equal(image.span, 0x1000);
	assert_int_equal(image.entry, 0x40);
}

static void other_files_are_refused(void **state)
{
	struct sample sample = make_sample();
	struct elf_image image;
	struct err err = ERR_INIT;

	(void)state;
	assert_fails(elf_image_parse("", 0, &image, &err), &err, ERR_INVALID, "too short");
	assert_fails(elf_image_parse(&sample, 63, &image, &err), &err, ERR_INVALID, "too short");
	sample.header.e_ident[0] = 0;
	assert_fails(parse(&sample, &image, &err), &err, ERR_INVALID, "not an ELF");
	sample = make_sample();
	sample.header.e_ident[EI_CLASS] = ELFCLASS32;
	assert_fails(parse(&sample, &image, &err), &err, ERR_INVALID, "64 bits");
	sample = make_sample();
	sample.header.e_machine = EM_AARCH64;
	assert_fails(parse(&sample, &image, &err), &err, ERR_INVALID, "x86-64");
	sample = make_sample();
	sample.header.e_phentsize = 32;
	assert_fails(parse(&sample, &image, &err), &err, ERR_INVALID, "program headers of 32");
	sample = make_sample();
	sample.header.e_phnum = 0;
	assert_fails(parse(&sample, &image, &err), &err, ERR_INVALID, "no loadable segment");
}

static void offsets_outside_the_file_are_refused(void **state)
{
	struct sample sample = make_sample();
	struct elf_image image;
	struct err err = ERR_INIT;

	(void)state;
	sample.header.e_phoff = UINT64_MAX;
	assert_fails(parse(&sample, &image, &err), &err, ERR_INVALID, "beyond the end");
	sample.header.e_phoff = sizeof(sample) - 3 * sizeof(Elf64_Phdr) + 1;
	assert_fails(parse(&sample, &image, &err), &err, ERR_INVALID, "beyond the end");
	sample = make_sample();
	sample.segments[0].p_offset = sizeof(sample) - 0x900 + 1;
	assert_fails(parse(&sample, &image, &err), &err, ERR_INVALID, "segment 0: reaches beyond");
	sample.segments[0].p_offset--;
	assert_ok(parse(&sample, &image, &err), &err);
	sample.segments[0].p_offset = UINT64_MAX;
	assert_fails(parse(&sample, &image, &err), &err, ERR_INVALID, "segment 0: reaches beyond");
	sample = make_sample();
	sample.segments[2].p_filesz = 0x1001;
	assert_fails(parse(&sample, &image, &err), &err, ERR_INVALID, "segment 2: more bytes");
}

static void addresses_out_of_bounds_are_refused(void **state)
{
	struct sample sample = make_sample();
	struct elf_image image;
	struct err err = ERR_INIT;

	(void)state;
	sample.segments[2].p_memsz = ELF_IMAGE_SPAN_MAX - 0x4810;
	assert_ok(parse(&sample, &image, &err), &err);
	sample.segments[2].p_memsz++;
	assert_fails(parse(&sample, &image, &err), &err, ERR_LIMIT, "segment 2: ends above");
	sample.segments[2].p_memsz = UINT64_MAX;
	assert_fails(parse(&sample, &image, &err), &err, ERR_LIMIT, "segment 2: ends above");
	sample = make_sample();
	sample.segments[1].p_vaddr = 0x0fff;
	assert_fails(parse(&sample, &image, &err), &err, ERR_INVALID, "segment 1: shares a page");
	sample = make_sample();
	sample.segments[0].p_type = PT_NULL;
	assert_fails(parse(&sample, &image, &err), &err, ERR_INVALID, "lowest address 0x1000");
	sample = make_sample();
	sample.header.e_entry = 0x6000;
	assert_fails(parse(&sample, &image, &err), &err, ERR_INVALID, "entry point 0x6000");
}

static void segments_have_a_maximum(void **state)
{
	struct sample sample = make_sample();
	struct elf_image image;
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i <= ELF_IMAGE_SEGMENTS_MAX; i++)
		sample.segments[i] = (Elf64_Phdr){PT_LOAD, PF_R, 0, i * 0x1000, 0, 8, 8, 0x1000};
	sample.header.e_phnum = ELF_IMAGE_SEGMENTS_MAX;
	assert_ok(parse(&sample, &image, &err), &err);
	sample.header.e_phnum++;
	assert_fails(parse(&sample, &image, &err), &err, ERR_LIMIT, "more than 64");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pages_hold_file_bytes_and_zeros_around_them),
	    cmocka_unit_test(published_stand_in_is_read),
	    cmocka_unit_test(other_files_are_refused),
	    cmocka_unit_test(offsets_outside_the_file_are_refused),
	    cmocka_unit_test(addresses_out_of_bounds_are_refused),
	    cmocka_unit_test(segments_have_a_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
