/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TD report body of TDX 1.0 (584 bytes) or 1.5 (648 bytes): attestation-evidence.md section 1.3. It has no reserved
 * bytes; which attribute bits are acceptable is a question of appraisal.
 *
 * All pointers point into the bytes that were read: those must outlive the struct. Pure and thread-safe.
 */
#ifndef MSE_FORMAT_TD_REPORT_H
#define MSE_FORMAT_TD_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TD_REPORT_1_0_SIZE 584
#define TD_REPORT_1_5_SIZE 648
#define TD_TCB_SVN_SIZE 16
#define TD_HASH_SIZE 48
#define TD_ATTRIBUTES_SIZE 8
#define TD_RTMR_COUNT 4

#define TD_ATTRIBUTE_DEBUG 0x01 /* in byte 0 of the TD attributes */

struct td_report {
	const uint8_t *tee_tcb_svn; /* [0] module ISVSVN, [1] module version, [2] SEAM loader */
	const uint8_t *mrseam;
	const uint8_t *mrsignerseam;
	const uint8_t *seam_attributes;
	const uint8_t *td_attributes;
	bool debug;
	const uint8_t *xfam;
	const uint8_t *mrtd;
	const uint8_t *mrconfigid;
	const uint8_t *mrowner;
	const uint8_t *mrownerconfig;
	const uint8_t *rtmr[TD_RTMR_COUNT];
	const uint8_t *report_data;
	/* 1.5 only, else NULL */
	const uint8_t *tee_tcb_svn_2;
	const uint8_t *mrservicetd;
};

/* size: TD_REPORT_1_0_SIZE or TD_REPORT_1_5_SIZE. */
void td_report_read(const uint8_t *bytes, size_t size, struct td_report *ret);

#endif
