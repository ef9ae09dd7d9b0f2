/* SPDX-License-Identifier: Apache-2.0 */
/* The ustar header block (POSIX.1-2017 pax, section "ustar Interchange Format"); shared by tar writer and reader. */
#ifndef MSE_FORMAT_TAR_FORMAT_H
#define MSE_FORMAT_TAR_FORMAT_H

#include <stdint.h>

#define TAR_BLOCK 512

struct tar_header {
	char name[100];
	char mode[8];
	char uid[8];
	char gid[8];
	char size[12];
	char mtime[12];
	char checksum[8];
	char type;
	char link[100];
	char magic[6]; /* "ustar\0" POSIX, "ustar " GNU */
	char version[2];
	char user[32];
	char group[32];
	char device_major[8];
	char device_minor[8];
	char prefix[155];
	char padding[12];
};
_Static_assert(sizeof(struct tar_header) == TAR_BLOCK, "a ustar header is one block");

#define TAR_TYPE_FILE '0'
#define TAR_TYPE_FILE_OLD '\0'
#define TAR_TYPE_DIR '5'
#define TAR_TYPE_PAX 'x'
#define TAR_TYPE_PAX_GLOBAL 'g'
#define TAR_TYPE_GNU_LONG_NAME 'L'

/* Sum of the header's bytes with blanks in place of the checksum. */
uint32_t tar_header_checksum(const struct tar_header *header);

#endif
