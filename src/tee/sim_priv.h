/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the simulated PKI share; nobody else includes this. */
#ifndef MSE_TEE_SIM_PRIV_H
#define MSE_TEE_SIM_PRIV_H

#include "tee/sim_pki.h"

struct sim_pki {
	struct sim_pki_options options;
	struct p256_key *keys[SIM_CERT_COUNT]; /* NULL: not loaded */
	struct p256_key *attestation_key;
	struct buf certs[SIM_CERT_COUNT]; /* DER */
	struct buf items[SIM_ITEM_COUNT];
	struct sim_platform platform;
};

/* Empty, for filling. */
must_check int sim_pki_alloc(const struct sim_pki_options *options, struct sim_pki **ret, struct err *err);

/* Adds the DER of the SGX extension's value to ret. */
must_check int sim_extension_format(const struct sim_platform *platform, struct buf *ret, struct err *err);

/* Reads the platform back from the PCK certificate. */
must_check int sim_platform_read(struct sim_pki *pki, struct err *err);

/* Fills pki->items. Certificates and the issuer's keys must be there. */
must_check int sim_collateral_make(struct sim_pki *pki, int64_t now, struct err *err);

#endif
