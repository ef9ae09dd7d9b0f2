/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The measurement of any Gramine (1.5 and later) manifest: reads sgx.enclave_size, sgx.max_threads and
 * sgx.edmm_enable out of the TOML text, then measures. A library of its own (measure_manifest_dep), because the TOML
 * reader is C++ and mse-enclave must not link that.
 */
#ifndef MSE_MEASURE_MEASURE_MANIFEST_H
#define MSE_MEASURE_MEASURE_MANIFEST_H

#include "base/buf.h"
#include "measure/measure.h"

/* Errors name the line. Keys must be written out: Gramine's defaults are appended by its signer, before measuring. */
must_check int measure_manifest_params(const char *manifest, size_t manifest_size, struct measure_params *ret,
				       struct err *err);

must_check int measure_enclave(const void *manifest, size_t manifest_size, const void *loader, size_t loader_size,
			       uint8_t ret[static MEASURE_SIZE], struct err *err);

/*
 * What `mse sgx measure` does: the answer as text for a terminal, or as one line of JSON. Bytes in, text out: the
 * command reads the two files and prints.
 */
must_check int measure_report(const void *manifest, size_t manifest_size, const void *loader, size_t loader_size,
			      bool json, struct buf *ret, struct err *err);

#endif
