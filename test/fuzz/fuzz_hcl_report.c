/* SPDX-License-Identifier: Apache-2.0 */
/* What is parsed lies within the bytes that were given. */
#include <assert.h>

#include "format/hcl_report.h"
#include "format/snp_report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hcl_report report;
	struct err err = ERR_INIT;

	if (hcl_report_parse(data, size, &report, &err) < 0) {
		assert(err.text[0]);
		return 0;
	}
	assert(hcl_report_is(data, size) && size <= HCL_REPORT_SIZE_MAX);
	assert(report.report > data && report.report + SNP_REPORT_SIZE < report.json);
	assert(report.json_size > 0 && report.json + report.json_size <= data + size);
	return 0;
}
