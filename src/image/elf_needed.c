/* SPDX-License-Identifier: Apache-2.0 */
#include "image/elf_needed.h"

#include <elf.h>
#include <stdint.h>
#include <string.h>

struct elf_file {
	const uint8_t *data;
	size_t size;
	Elf64_Ehdr header;
};

static int bad(struct err *err, const char *what)
{
	return err_set(err, ERR_INVALID, "ELF file: %s", what);
}

static int open_file(struct elf_file *file, struct err *err)
{
	if (file->size < sizeof(file->header))
		return bad(err, "too short");
	memcpy(&file->header, file->data, sizeof(file->header));
	if (memcmp(file->header.e_ident, ELFMAG, SELFMAG) != 0 || file->header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    file->header.e_phentsize != sizeof(Elf64_Phdr))
		return bad(err, "not of 64 bits");
	if (file->header.e_phoff > file->size ||
	    file->header.e_phnum > (file->size - file->header.e_phoff) / sizeof(Elf64_Phdr))
		return bad(err, "program headers outside the file");
	return 0;
}

static Elf64_Phdr segment_at(const struct elf_file *file, size_t index)
{
	Elf64_Phdr segment;

	memcpy(&segment, file->data + file->header.e_phoff + index * sizeof(segment), sizeof(segment));
	return segment;
}

/* 1 and the file offset of a virtual address, 0 if no segment's file part holds it. */
static int offset_of(const struct elf_file *file, uint64_t address, size_t *ret)
{
	for (size_t i = 0; i < file->header.e_phnum; i++) {
		const Elf64_Phdr segment = segment_at(file, i);

		if (segment.p_type != PT_LOAD || address < segment.p_vaddr ||
		    address - segment.p_vaddr >= segment.p_filesz || segment.p_offset > file->size ||
		    address - segment.p_vaddr >= file->size - segment.p_offset)
			continue;
		*ret = (size_t)(segment.p_offset + (address - segment.p_vaddr));
		return 1;
	}
	return 0;
}

struct dynamic {
	size_t offset, count;
};

static int find_dynamic(const struct elf_file *file, struct dynamic *ret, struct err *err)
{
	*ret = (struct dynamic){0};
	for (size_t i = 0; i < file->header.e_phnum; i++) {
		const Elf64_Phdr segment = segment_at(file, i);

		if (segment.p_type != PT_DYNAMIC)
			continue;
		if (segment.p_offset > file->size || segment.p_filesz > file->size - segment.p_offset)
			return bad(err, "dynamic section outside the file");
		*ret = (struct dynamic){.offset = (size_t)segment.p_offset,
					.count = (size_t)segment.p_filesz / sizeof(Elf64_Dyn)};
	}
	return 0;
}

static Elf64_Dyn entry_at(const struct elf_file *file, const struct dynamic *dynamic, size_t index)
{
	Elf64_Dyn entry;

	memcpy(&entry, file->data + dynamic->offset + index * sizeof(entry), sizeof(entry));
	return entry;
}

static int find_strings(const struct elf_file *file, const struct dynamic *dynamic, size_t *ret, struct err *err)
{
	for (size_t i = 0; i < dynamic->count; i++) {
		const Elf64_Dyn entry = entry_at(file, dynamic, i);

		if (entry.d_tag == DT_STRTAB)
			return offset_of(file, entry.d_un.d_ptr, ret) ? 0 : bad(err, "string table outside the file");
	}
	return bad(err, "no string table");
}

static int visit_needed(const struct elf_file *file, const struct dynamic *dynamic, size_t strings,
			int (*visit)(const char *name, void *arg, struct err *err), void *arg, struct err *err)
{
	for (size_t i = 0; i < dynamic->count; i++) {
		const Elf64_Dyn entry = entry_at(file, dynamic, i);
		const char *name = (const char *)file->data + strings;

		if (entry.d_tag == DT_NULL)
			return 0;
		if (entry.d_tag != DT_NEEDED)
			continue;
		if (entry.d_un.d_val >= file->size - strings ||
		    !memchr(name + entry.d_un.d_val, 0, file->size - strings - (size_t)entry.d_un.d_val))
			return bad(err, "library name outside the file");
		if (visit(name + entry.d_un.d_val, arg, err) < 0)
			return -1;
	}
	return 0;
}

int elf_needed_each(const void *data, size_t size, int (*visit)(const char *name, void *arg, struct err *err),
		    void *arg, struct err *err)
{
	struct elf_file file = {.data = data, .size = size};
	struct dynamic dynamic;
	size_t strings = 0;

	if (open_file(&file, err) < 0 || find_dynamic(&file, &dynamic, err) < 0)
		return -1;
	if (dynamic.count == 0)
		return 0;
	if (find_strings(&file, &dynamic, &strings, err) < 0)
		return -1;
	return visit_needed(&file, &dynamic, strings, visit, arg, err);
}
