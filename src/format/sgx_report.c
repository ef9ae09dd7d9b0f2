/* SPDX-License-Identifier: Apache-2.0 */
#include "format/sgx_report.h"

#include "base/le.h"

/* Reserved parts: offset and size. */
static const struct {
	size_t offset;
	size_t size;
} RESERVED[] = {{20, 12}, {96, 32}, {160, 32}, {262, 42}};

int sgx_report_parse(const uint8_t bytes[static SGX_REPORT_SIZE], const char *what, struct sgx_report *ret,
		     struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(RESERVED); i++)
		for (size_t k = 0; k < RESERVED[i].size; k++)
			if (bytes[RESERVED[i].offset + k] != 0)
				return err_set(err, ERR_INVALID, "%s: reserved byte %zu is not zero", what,
					       RESERVED[i].offset + k);
	*ret = (struct sgx_report){
	    .bytes = bytes,
	    .cpusvn = bytes,
	    .miscselect = le32_get(bytes + 16),
	    .isvextprodid = bytes + 32,
	    .attributes = bytes + 48,
	    .debug = (bytes[48] & SGX_ATTRIBUTE_DEBUG) != 0,
	    .mrenclave = bytes + 64,
	    .mrsigner = bytes + 128,
	    .configid = bytes + 192,
	    .isvprodid = le16_get(bytes + 256),
	    .isvsvn = le16_get(bytes + 258),
	    .configsvn = le16_get(bytes + 260),
	    .isvfamilyid = bytes + 304,
	    .report_data = bytes + 320,
	};
	return 0;
}
