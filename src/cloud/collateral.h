/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated PKI's collateral as it stands in DATA_DIR/sim: loaded, refreshed before it expires, any thread. */
#ifndef MSE_CLOUD_COLLATERAL_H
#define MSE_CLOUD_COLLATERAL_H

#include "base/buf.h"
#include "tee/sim_pki.h"

#define COLLATERAL_REFRESH_SECONDS (24LL * 3600)

struct collateral;

must_check int collateral_open(const char *sim_dir, int64_t now, struct collateral **ret, struct err *err);
void collateral_free(struct collateral *collateral);

/* Signs it anew when a day has passed since the last time. */
must_check int collateral_keep_fresh(struct collateral *collateral, int64_t now, struct err *err);

/* Copies, added to the buffers. */
must_check int collateral_item(struct collateral *collateral, enum sim_item item, struct buf *ret, struct err *err);
must_check int collateral_chain(struct collateral *collateral, enum sim_cert from, struct buf *ret_pem,
				struct err *err);
must_check int collateral_root(struct collateral *collateral, struct buf *ret_der, struct err *err);
void collateral_fmspc(struct collateral *collateral, char ret_text[static SIM_FMSPC_TEXT_SIZE]);

#endif
