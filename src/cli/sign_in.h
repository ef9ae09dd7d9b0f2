/* SPDX-License-Identifier: Apache-2.0 */
/* The two ways to sign in as a person: a browser on this machine (C1), a code typed elsewhere (RFC 8628). */
#ifndef MSE_CLI_SIGN_IN_H
#define MSE_CLI_SIGN_IN_H

#include "cli/api.h"
#include "cli/out.h"

/* Both leave the tokens saved in api->login. */
must_check int sign_in_by_browser(struct api *api, struct out *out, struct err *err);
must_check int sign_in_by_device(struct api *api, struct out *out, struct err *err);

#endif
