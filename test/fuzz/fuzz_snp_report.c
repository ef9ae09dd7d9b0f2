/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing is taken of another size or version, and what is taken has its reserved parts zero. */
#include <assert.h>

#include "format/snp_report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct snp_report report;
	enum snp_report_fault fault;
	struct err err = ERR_INIT;

	if (snp_report_parse(data, size, &report, &fault, &err) < 0) {
		assert(snp_report_fault_text(fault) && err.text[0]);
		return 0;
	}
	assert(size == SNP_REPORT_SIZE && report.version >= 2 && report.version <= 5);
	assert(report.bytes == data && report.s + SNP_SCALAR_SIZE < data + size);
	assert(report.policy >> 26 == 0 && report.platform_info >> 8 == 0 && data[size - 1] == 0);
	return 0;
}
