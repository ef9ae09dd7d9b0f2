/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TDX parts of TCB info, version 3 (attestation-evidence.md sections 1.6, 2 steps 6 and 11): "tdxModule", for
 * modules of version 0, and "tdxModuleIdentities", one for each later module version, with levels of its own.
 */
#ifndef MSE_FORMAT_TDX_MODULE_H
#define MSE_FORMAT_TDX_MODULE_H

#include "format/svn_level.h"

#define TDX_MODULES_MAX 64

/* What a module's SEAM measurement must be. */
struct tdx_module {
	uint8_t mrsigner[48];
	uint8_t attributes[8];
	uint8_t attributes_mask[8];
};

struct tdx_module_identity {
	uint8_t version; /* "TDX_03": 3; never 0 */
	struct tdx_module module;
	struct svn_levels levels;
};

struct tdx_modules {
	struct tdx_module module; /* of version 0 */
	struct tdx_module_identity *identities;
	size_t identity_count; /* may be 0 */
};

/* body: of TCB info with id "TDX"; must outlive *ret. On failure *ret is as tdx_modules_done leaves it. */
must_check int tdx_modules_parse(const json_t *body, struct tdx_modules *ret, struct err *err);
void tdx_modules_done(struct tdx_modules *modules);

/* NULL: that version has no identity. */
const struct tdx_module_identity *tdx_modules_find(const struct tdx_modules *modules, uint8_t version);

#endif
