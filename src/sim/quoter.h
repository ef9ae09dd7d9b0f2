/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated quoting enclave and key derivation: one thread that answers the TEE sockets of all sandboxes, one
 * request after the other (docs/formats/sim-control.md). The measurement is fixed when a socket is added; a request
 * has no way to name another.
 */
#ifndef MSE_SIM_QUOTER_H
#define MSE_SIM_QUOTER_H

#include "base/buf.h"
#include "crypto/secret.h"

#define QUOTER_MEASUREMENT_SIZE 32
#define QUOTER_REPORT_DATA_SIZE 64
#define QUOTER_KEY_ID_SIZE 32
#define QUOTER_KEY_SIZE 32
#define QUOTER_MESSAGE_MAX ((size_t)16 << 10)
#define QUOTER_SECRET_SIZE 32 /* of the node */
#define QUOTER_DELAY_MS_MAX 10000

/* First byte of a request, and of an answer. */
#define QUOTER_OP_QUOTE 'Q'
#define QUOTER_OP_KEY 'K'
#define QUOTER_OP_MEASUREMENT 'M'
#define QUOTER_DONE '0'
#define QUOTER_FAILED '1'

/* Who asks on a socket: what the loader measured, and what the manifest says of product and version. */
struct quoter_enclave {
	uint8_t measurement[QUOTER_MEASUREMENT_SIZE];
	uint16_t isv_prod_id, isv_svn;
};

/* Makes a quote over the enclave and report data, appended to ret. Called by the one thread only. */
typedef int quoter_make(void *arg, const struct quoter_enclave *enclave,
			const uint8_t report_data[static QUOTER_REPORT_DATA_SIZE], struct buf *ret, struct err *err);

struct quoter_config {
	const struct secret *node_secret; /* borrowed; QUOTER_SECRET_SIZE bytes */
	quoter_make *make;
	void *arg;
	unsigned delay_ms; /* before each quote, to imitate a slow TEE */
};

/* The answer to one request: what the thread does, without a socket. Always makes an answer. */
void quoter_answer(const struct quoter_config *config, const struct quoter_enclave *enclave, const uint8_t *request,
		   size_t size, struct buf *ret);

struct quoter;

must_check int quoter_start(const struct quoter_config *config, struct quoter **ret, struct err *err);
/* Takes over fd, also on failure; it is closed when the other end is. */
must_check int quoter_add(struct quoter *quoter, int fd, const struct quoter_enclave *enclave, struct err *err);
/* Ends the thread and closes all sockets. */
void quoter_stop(struct quoter *quoter);
DEFINE_SCOPED_PTR(struct quoter, quoter_stop);

#endif
