/* SPDX-License-Identifier: Apache-2.0 */
/*
 * msed's own certificate authority: it signs the API's certificate and that of operator-mode names, and is what
 * `mse cloud trust add` shows. Keys are 0600 in DATA_DIR/tls.
 */
#ifndef MSE_CLOUD_AUTHORITY_H
#define MSE_CLOUD_AUTHORITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define AUTHORITY_YEARS 10
#define AUTHORITY_LEAF_DAYS 90
#define AUTHORITY_RENEW_DAYS 30 /* renewed when fewer are left */

/* CA, token key, then the certificates. ERR_CONFLICT when there is a CA. */
must_check int authority_create(const char *data_dir, const char *base_domain, int64_t now, struct err *err);

/* Makes API and operator certificates anew when they are absent or near their end. *ret_renewed: something changed, on
 * failure too. */
must_check int authority_renew(const char *data_dir, const char *base_domain, int64_t now, bool *ret_renewed,
			       struct err *err);

#endif
