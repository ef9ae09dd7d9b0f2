/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <elf.h>
#include <string.h>

#include "image/elf_needed.h"

#define STRINGS_AT 0x2000

struct sample {
	Elf64_Ehdr header;
	Elf64_Phdr segments[2];
	Elf64_Dyn dynamic[4];
	char strings[32];
};

static struct sample make_sample(void)
{
	struct sample sample = {
	    .header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1},
		       .e_phoff = offsetof(struct sample, segments),
		       .e_phentsize = sizeof(Elf64_Phdr),
		       .e_phnum = 2},
	    .segments = {{.p_type = PT_LOAD,
			  .p_vaddr = STRINGS_AT,
			  .p_offset = offsetof(struct sample, strings),
			  .p_filesz = sizeof(((struct sample *)0)->strings)},
			 {.p_type = PT_DYNAMIC,
			  .p_offset = offsetof(struct sample, dynamic),
			  .p_filesz = sizeof(((struct sample *)0)->dynamic)}},
	    .dynamic = {{.d_tag = DT_NEEDED, .d_un.d_val = 1},
			{.d_tag = DT_STRTAB, .d_un.d_ptr = STRINGS_AT},
			{.d_tag = DT_NEEDED, .d_un.d_val = 9},
			{.d_tag = DT_NULL}},
	    .strings = "\0libx.so\0liby.so.1",
	};

	return sample;
}

static int collect(const char *name, void *arg, struct err *err)
{
	char *list = arg;

	(void)err;
	(void)memcpy(list + strlen(list), name, strlen(name) + 1);
	(void)memcpy(list + strlen(list), ";", 2);
	return 0;
}

static int read_names(const struct sample *sample, char ret[static 200], struct err *err)
{
	ret[0] = 0;
	return elf_needed_each(sample, sizeof(*sample), collect, ret, err);
}

static void names_come_in_order(void **state)
{
	const struct sample sample = make_sample();
	struct err err = ERR_INIT;
	char names[200];

	(void)state;
	assert_ok(read_names(&sample, names, &err), &err);
	assert_string_equal(names, "libx.so;liby.so.1;");
}

static void static_files_need_nothing(void **state)
{
	struct sample sample = make_sample();
	struct err err = ERR_INIT;
	char names[200];

	(void)state;
	sample.segments[1].p_type = PT_NOTE;
	assert_ok(read_names(&sample, names, &err), &err);
	assert_string_equal(names, "");
}

static void damage_is_refused(void **state)
{
	struct sample sample = make_sample();
	struct err err = ERR_INIT;
	char names[200];

	(void)state;
	for (size_t size = 0; size < offsetof(struct sample, strings); size++)
		assert_int_equal(elf_needed_each(&sample, size, collect, names, &err), -1);
	sample.dynamic[0].d_un.d_val = 32;
	assert_fails(read_names(&sample, names, &err), &err, ERR_INVALID, "library name outside");
	sample = make_sample();
	memset(sample.strings + 9, 'x', sizeof(sample.strings) - 9);
	assert_fails(read_names(&sample, names, &err), &err, ERR_INVALID, "library name outside");
	sample = make_sample();
	sample.dynamic[1].d_un.d_ptr = STRINGS_AT + 32;
	assert_fails(read_names(&sample, names, &err), &err, ERR_INVALID, "string table outside");
	sample.dynamic[1].d_tag = DT_SYMTAB;
	assert_fails(read_names(&sample, names, &err), &err, ERR_INVALID, "no string table");
	sample = make_sample();
	sample.segments[1].p_offset = UINT64_MAX;
	assert_fails(read_names(&sample, names, &err), &err, ERR_INVALID, "dynamic section outside");
	sample = make_sample();
	sample.header.e_phnum = 1000;
	assert_fails(read_names(&sample, names, &err), &err, ERR_INVALID, "program headers outside");
	sample.header.e_ident[EI_CLASS] = ELFCLASS32;
	assert_fails(read_names(&sample, names, &err), &err, ERR_INVALID, "64 bits");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_come_in_order),
	    cmocka_unit_test(static_files_need_nothing),
	    cmocka_unit_test(damage_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
