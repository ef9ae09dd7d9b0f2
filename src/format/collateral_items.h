/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a verdict needs beside the evidence, item by item, as bytes that were received and not yet looked at: what a
 * folder of collateral, a bundle, a cache and the services of Intel and AMD have in common. Nothing is believed here.
 *
 * An item that is absent has size 0. Each row: enumerator, name in JSON and in messages, file name in a folder.
 */
#ifndef MSE_FORMAT_COLLATERAL_ITEMS_H
#define MSE_FORMAT_COLLATERAL_ITEMS_H

#include "base/buf.h"

#define COLLATERAL_ITEM_SIZE_MAX (4u << 20) /* the largest revocation list that is read */

#define COLLATERAL_ITEMS(X) \
	X(TCB_INFO, "tcb_info", "tcb_info.json") \
	X(TCB_INFO_ISSUER_CHAIN, "tcb_info_issuer_chain", "tcb_info_issuer_chain.pem") \
	X(QE_IDENTITY, "qe_identity", "qe_identity.json") \
	X(QE_IDENTITY_ISSUER_CHAIN, "qe_identity_issuer_chain", "qe_identity_issuer_chain.pem") \
	X(ROOT_CA_CRL, "root_ca_crl", "root_ca_crl.der") \
	X(PCK_CRL, "pck_crl", "pck_crl.der") \
	X(PCK_CRL_ISSUER_CHAIN, "pck_crl_issuer_chain", "pck_crl_issuer_chain.pem") \
	X(PCK_CERT_CHAIN, "pck_cert_chain", "pck_cert_chain.pem") \
	X(VEK, "vek", "vcek.der") /* a VLEK is in "vlek.der" */ \
	X(ASK, "ask", "ask.pem") \
	X(ARK, "ark", "ark.pem") \
	X(ARK_CRL, "ark_crl", "ark_crl.der")

enum collateral_item {
#define X(name, text, file) COLLATERAL_ITEM_##name,
	COLLATERAL_ITEMS(X)
#undef X
	    COLLATERAL_ITEM_COUNT
};

struct collateral_items {
	struct buf items[COLLATERAL_ITEM_COUNT];
};

const char *collateral_item_text(enum collateral_item item);
const char *collateral_item_file(enum collateral_item item);

/* Every item empty, with COLLATERAL_ITEM_SIZE_MAX as its maximum. */
void collateral_items_init(struct collateral_items *items);
void collateral_items_done(struct collateral_items *items); /* zeros are fine */

#endif
