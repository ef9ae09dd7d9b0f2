/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PCK chains that were found right before, so that the next quote of the same machine costs only its own signatures.
 *
 * A chain is remembered by its exact bytes, with all collateral that its lists were checked against: the memory belongs
 * to one prepared set. What depends on the call (roots, time, policy) is judged anew every time; only what no call can
 * change is kept: that each certificate is signed by the next, and each revocation list by its issuer. Only chains of
 * quotes in which nothing was wrong enter. Who replays such a quote with other white space around its certificates can
 * push others out: that costs time and changes no verdict.
 *
 * Threads may use one memory at once. An entry never changes once it is in.
 */
#ifndef MSE_ATTEST_CHAIN_MEMORY_H
#define MSE_ATTEST_CHAIN_MEMORY_H

#include <stdatomic.h>

#include "attest/chain.h"

#define CHAIN_MEMORY_ENTRIES 16
#define CHAIN_MEMORY_TEXT_MAX 8192 /* real chains have some 3,700 bytes; longer ones are not remembered */

struct seen_chain {
	struct chain chain;
	bool root_crl_is_signed; /* by the chain's root; false: not known */
	bool pck_crl_is_signed;  /* by the chain's intermediate */
	/* Of the memory. */
	atomic_uint users;
	size_t size;
	uint8_t text[];
};

struct chain_memory;

must_check struct chain_memory *chain_memory_new(void); /* NULL: out of memory */
void chain_memory_free(struct chain_memory *memory);

/*
 * The chain of these bytes: remembered, or read and checked now. One reference is the caller's, for seen_chain_release.
 * *ret_is_new tells that it is the caller's alone, who may then fill in the flags and give it to chain_memory_add.
 */
must_check int chain_memory_get(struct chain_memory *memory, const void *text, size_t size,
				struct seen_chain **ret_chain, bool *ret_is_new, struct err *err);
void chain_memory_add(struct chain_memory *memory, struct seen_chain *chain);
void seen_chain_release(struct seen_chain *chain); /* NULL is fine */

#endif
