/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MRENCLAVE of a Gramine enclave: SHA-256 over the stream of ECREATE, EADD and EEXTEND records that the SGX loader
 * of Gramine 1.5 to 1.9 makes (Intel SDM volume 3D; gramine pal/src/host/linux-sgx/host_main.c). Explained byte by
 * byte in docs/formats/sgx-measurement.md.
 *
 * Pure: bytes in, a number out. No file, no clock, no network; any number of threads. The loader ELF and the manifest
 * may come from an adversary: every offset is checked, and the work is bounded by MEASURE_ENCLAVE_SIZE_MAX.
 */
#ifndef MSE_MEASURE_MEASURE_H
#define MSE_MEASURE_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define MEASURE_SIZE 32                              /* bytes of an MRENCLAVE */
#define MEASURE_MANIFEST_MAX (64u << 20)             /* bytes of a manifest text */
#define MEASURE_LOADER_MAX (16u << 20)               /* bytes of a loader ELF (libpal.so has 0.4 MB) */
#define MEASURE_ENCLAVE_SIZE_MAX (UINT64_C(1) << 40) /* 1 TiB; with EDMM off this hashes 17 GB */
#define MEASURE_ENCLAVE_SIZE_MIN (UINT64_C(1) << 20)
#define MEASURE_THREADS_MAX 4096 /* gramine: MAX_DBG_THREADS */

/* What the measurement takes from a manifest besides its bytes. */
struct measure_params {
	uint64_t enclave_size; /* bytes, a power of two */
	uint32_t threads;      /* sgx.max_threads, 1..MEASURE_THREADS_MAX */
	bool edmm;             /* sgx.edmm_enable: no heap page is added */
};

/* Where each area lies: offsets from the enclave's base (0), all multiples of a page. */
struct measure_layout {
	uint64_t manifest, ssa, tcs, tls;
	uint64_t stack;     /* of thread 0, the highest; the others follow downwards */
	uint64_t sig_stack; /* of thread 0 */
	uint64_t pal, pal_size;
	uint64_t entry;                /* of every thread */
	uint64_t free_start, free_end; /* the heap; pages only when EDMM is off */
	uint64_t manifest_size;        /* with its zero byte */
};

struct measure_result {
	uint8_t mrenclave[MEASURE_SIZE];
	struct measure_params params;
	struct measure_layout layout;
	uint64_t measured_pages; /* EADD and EEXTEND */
	uint64_t free_pages;     /* EADD only */
};

/* The measurement for given parameters. ERR_INVALID, ERR_LIMIT: what is wrong with manifest size, loader or params. */
must_check int measure_run(const struct measure_params *params, const void *manifest, size_t manifest_size,
			   const void *loader, size_t loader_size, struct measure_result *ret, struct err *err);

/* Refuses params that Gramine's loader refuses: size not a power of two or out of range, threads out of range. */
must_check int measure_params_check(const struct measure_params *params, struct err *err);

/* "512M", "4G", "1048576": decimal digits, then nothing or one of K M G. */
must_check int measure_parse_size(const char *text, uint64_t *ret_size, struct err *err);

#endif
