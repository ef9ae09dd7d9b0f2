/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the environment says (mission G3) and where mse keeps its files:
 *   $MSE_CONF_PATH (default ~/.config/mse), 0700:
 *     login.toml                     who is signed in where, 0600
 *     trust/HOST_PORT.toml           clouds that were trusted; trust/default names the one used without MSE_BASE_URL
 *     publishers/KEY.pub             whose signatures under bills count
 *     keys/PROJECT-UUID.key          project keys, 0600
 *     context/UUID/{context.mse,app.tar}
 *     bills/                         bills that were recomputed from installed packages (cache)
 *     collateral/                    what the vendors' services said (cache)
 */
#ifndef MSE_CLI_SETTINGS_H
#define MSE_CLI_SETTINGS_H

#include "base/err.h"

struct settings {
	char *conf_path;      /* absolute */
	const char *base_url; /* MSE_BASE_URL, or NULL; the rest likewise */
	const char *auth_domain;
	const char *auth_client_id;
	const char *auth_audience;
	const char *console_url;
	const char *pccs_url;
	const char *pcs_url;     /* MSE_PCS_URL: a mirror of Intel's service; NULL: Intel's own */
	const char *kds_url;     /* MSE_KDS_URL: a mirror of AMD's */
	const char *test_python; /* MSE_PYTHON: which python3 runs tests; NULL: /usr/bin/python3, else that of PATH */
};

must_check int settings_load(struct settings *ret_settings, struct err *err);
void settings_done(struct settings *settings);

/* CONF/NAME on the heap; its folder is made (0700) when make_folder. */
must_check int settings_path(const struct settings *settings, const char *name, char **ret_path, struct err *err);
must_check int settings_make_folder(const struct settings *settings, const char *name, char **ret_path,
				    struct err *err);

#endif
