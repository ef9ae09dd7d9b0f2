/* SPDX-License-Identifier: Apache-2.0 */
#include "measure/elf_image.h"

#include <elf.h>
#include <stdbool.h>
#include <string.h>

#include "base/number.h"

static uint64_t page_down(uint64_t address)
{
	return address & ~(uint64_t)(ELF_IMAGE_PAGE - 1);
}

static int check_header(const Elf64_Ehdr *header, size_t size, struct err *err)
{
	if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
		return err_set(err, ERR_INVALID, "not an ELF file");
	if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB)
		return err_set(err, ERR_INVALID, "ELF class %d and byte order %d, expected 64 bits, little-endian",
			       header->e_ident[EI_CLASS], header->e_ident[EI_DATA]);
	if (header->e_machine != EM_X86_64)
		return err_set(err, ERR_INVALID, "ELF machine %d, expected %d (x86-64)", header->e_machine, EM_X86_64);
	if (header->e_phentsize != sizeof(Elf64_Phdr))
		return err_set(err, ERR_INVALID, "program headers of %d bytes, expected %zu", header->e_phentsize,
			       sizeof(Elf64_Phdr));
	/* e_phnum has 16 bits: the product cannot overflow */
	if (header->e_phoff > size || (uint64_t)header->e_phnum * sizeof(Elf64_Phdr) > size - header->e_phoff)
		return err_set(err, ERR_INVALID, "program headers reach beyond the end of the file (%zu bytes)", size);
	return 0;
}

static int read_segment(const Elf64_Phdr *header, size_t size, struct elf_segment *ret, struct err *err)
{
	uint64_t end;

	if (header->p_filesz > header->p_memsz)
		return err_set(err, ERR_INVALID, "more bytes in the file than in memory");
	if (header->p_offset > size || header->p_filesz > size - header->p_offset)
		return err_set(err, ERR_INVALID, "reaches beyond the end of the file (%zu bytes)", size);
	if (__builtin_add_overflow(header->p_vaddr, header->p_memsz, &end) || end > ELF_IMAGE_SPAN_MAX)
		return err_set(err, ERR_LIMIT, "ends above address 0x%llx", (unsigned long long)ELF_IMAGE_SPAN_MAX);
	ret->start = page_down(header->p_vaddr);
	ret->end = page_down(end + ELF_IMAGE_PAGE - 1);
	ret->vaddr = header->p_vaddr;
	ret->file_offset = header->p_offset;
	ret->file_size = header->p_filesz;
	ret->flags = header->p_flags;
	return 0;
}

static bool shares_page(const struct elf_image *image, const struct elf_segment *segment)
{
	for (size_t i = 0; i < image->count; i++) {
		if (segment->start < image->segments[i].end && image->segments[i].start < segment->end)
			return true;
	}
	return false;
}

static int add_segment(struct elf_image *image, const Elf64_Phdr *header, size_t size, struct err *err)
{
	struct elf_segment segment;

	if (image->count == ELF_IMAGE_SEGMENTS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d loadable segments", ELF_IMAGE_SEGMENTS_MAX);
	if (read_segment(header, size, &segment, err) < 0)
		return -1;
	if (shares_page(image, &segment))
		return err_set(err, ERR_INVALID, "shares a page with another segment");
	image->segments[image->count++] = segment;
	if (segment.end > image->span)
		image->span = segment.end;
	return 0;
}

/* Gramine places a file whose lowest address is 0; any other would pin the area at that very address. */
static int check_image(const struct elf_image *image, struct err *err)
{
	uint64_t low = UINT64_MAX;

	for (size_t i = 0; i < image->count; i++) {
		if (image->segments[i].start < low)
			low = image->segments[i].start;
	}
	if (image->count == 0)
		return err_set(err, ERR_INVALID, "no loadable segment");
	if (low != 0)
		return err_set(err, ERR_INVALID, "lowest address 0x%llx, expected 0 (position-independent)",
			       (unsigned long long)low);
	if (image->entry >= image->span)
		return err_set(err, ERR_INVALID, "entry point 0x%llx lies outside the segments",
			       (unsigned long long)image->entry);
	return 0;
}

int elf_image_parse(const void *data, size_t size, struct elf_image *ret, struct err *err)
{
	struct elf_image image = {.data = data};
	Elf64_Ehdr header;
	Elf64_Phdr segment;

	if (size < sizeof(header))
		return err_set(err, ERR_INVALID, "%zu bytes, too short for an ELF file", size);
	memcpy(&header, data, sizeof(header));
	if (check_header(&header, size, err) < 0)
		return -1;
	for (size_t i = 0; i < header.e_phnum; i++) {
		memcpy(&segment, image.data + header.e_phoff + i * sizeof(segment), sizeof(segment));
		if (segment.p_type == PT_LOAD && add_segment(&image, &segment, size, err) < 0)
			return err_prefix(err, "segment %zu", i);
	}
	image.entry = header.e_entry;
	if (check_image(&image, err) < 0)
		return -1;
	*ret = image;
	return 0;
}

void elf_image_page(const struct elf_image *image, const struct elf_segment *segment, uint64_t page,
		    uint8_t ret[static ELF_IMAGE_PAGE])
{
	const uint64_t file_end = segment->vaddr + segment->file_size;
	const uint64_t page_end = page + ELF_IMAGE_PAGE;
	const uint64_t from = segment->vaddr > page ? segment->vaddr : page;
	const uint64_t to = file_end < page_end ? file_end : page_end;

	memset(ret, 0, ELF_IMAGE_PAGE);
	if (from < to)
		memcpy(ret + (from - page), image->data + segment->file_offset + (from - segment->vaddr), to - from);
}
