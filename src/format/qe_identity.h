/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The identity of a quoting enclave, version 2 (attestation-evidence.md sections 1.6, 2 step 8, and 7): what its report
 * must show, and which of its SVNs count as up to date. Levels come out sorted by falling SVN.
 */
#ifndef MSE_FORMAT_QE_IDENTITY_H
#define MSE_FORMAT_QE_IDENTITY_H

#include "format/svn_level.h"

enum qe_identity_id { QE_IDENTITY_QE, QE_IDENTITY_TD_QE, QE_IDENTITY_QVE };

struct qe_identity {
	enum qe_identity_id id;
	int64_t issue_date; /* Unix seconds, both inclusive */
	int64_t next_update;
	uint32_t evaluation_number;
	uint32_t miscselect; /* the hex text is in memory order: "01000000" is 1 */
	uint32_t miscselect_mask;
	uint8_t attributes[16];
	uint8_t attributes_mask[16];
	uint8_t mrsigner[32];
	uint16_t isvprodid;
	struct svn_levels levels;
};

const char *qe_identity_id_text(enum qe_identity_id id);

/* body: the object "enclaveIdentity", which must outlive *ret (texts of advisories are borrowed). */
must_check int qe_identity_parse(const json_t *body, struct qe_identity **ret, struct err *err);
void qe_identity_free(struct qe_identity *identity);
DEFINE_SCOPED_PTR(struct qe_identity, qe_identity_free);

#endif
