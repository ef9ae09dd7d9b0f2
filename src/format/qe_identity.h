/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The identity of a quoting enclave, version 2 (attestation-evidence.md sections 1.6, 2 step 8, and 7): what its report
 * must show, and which of its SVNs count as up to date. Levels come out sorted by falling SVN.
 */
#ifndef MSE_FORMAT_QE_IDENTITY_H
#define MSE_FORMAT_QE_IDENTITY_H

#include "format/signed_json.h"
#include "format/tcb_status.h"

#define QE_LEVELS_MAX 256

enum qe_identity_id { QE_IDENTITY_QE, QE_IDENTITY_TD_QE, QE_IDENTITY_QVE };

struct qe_level {
	uint16_t isvsvn;
	enum tcb_status status; /* UpToDate, OutOfDate or Revoked */
	int64_t date;
	struct advisories advisories;
};

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
	struct qe_level *levels; /* highest first; at least one */
	size_t level_count;
};

const char *qe_identity_id_text(enum qe_identity_id id);

/* body: the object "enclaveIdentity", which must outlive *ret (texts of advisories are borrowed). */
must_check int qe_identity_parse(const json_t *body, struct qe_identity **ret, struct err *err);
void qe_identity_free(struct qe_identity *identity);
DEFINE_SCOPED_PTR(struct qe_identity, qe_identity_free);

#endif
