/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The levels of one ISVSVN, of a quoting enclave or a TDX module: member "tcbLevels" of its identity
 * (attestation-evidence.md sections 1.6 and 7). Every level is checked, also those that are never chosen.
 */
#ifndef MSE_FORMAT_SVN_LEVEL_H
#define MSE_FORMAT_SVN_LEVEL_H

#include "format/signed_json.h"
#include "format/tcb_status.h"

#define SVN_LEVELS_MAX 256

struct svn_level {
	uint16_t isvsvn;
	enum tcb_status status; /* UpToDate, OutOfDate or Revoked */
	int64_t date;
	struct advisories advisories;
};

struct svn_levels {
	struct svn_level *items; /* highest first; at least one */
	size_t count;
};

/* identity must outlive *ret (texts of advisories are borrowed). On failure *ret is as svn_levels_done leaves it. */
must_check int svn_levels_parse(const json_t *identity, struct svn_levels *ret, struct err *err);
void svn_levels_done(struct svn_levels *levels);

/* The highest level that isvsvn reaches; NULL: none. */
const struct svn_level *svn_levels_find(const struct svn_levels *levels, uint16_t isvsvn);

#endif
