/* SPDX-License-Identifier: Apache-2.0 */
/* What is parsed lies within the bytes that were given. */
#include <assert.h>

#include "format/snp_extension.h"
#include "format/snp_report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct snp_extension extension;
	struct err err = ERR_INIT;
	size_t used = SNP_REPORT_SIZE;

	if (snp_extension_parse(data, size, &extension, &err) < 0) {
		assert(err.text[0]);
		return 0;
	}
	assert(extension.report.data == data && extension.report.size == SNP_REPORT_SIZE);
	for (size_t i = 0; i < SNP_CERT_KINDS; i++) {
		const struct snp_blob *cert = &extension.certs[i];

		assert((cert->data != NULL) == (cert->size > 0));
		assert(!cert->data || (cert->data > data && cert->data + cert->size <= data + size));
		used += cert->size;
	}
	assert(used <= size);
	return 0;
}
