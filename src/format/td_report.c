/* SPDX-License-Identifier: Apache-2.0 */
#include "format/td_report.h"

#define RTMR_AT 328

void td_report_read(const uint8_t *bytes, size_t size, struct td_report *ret)
{
	const bool is_1_5 = size == TD_REPORT_1_5_SIZE;

	*ret = (struct td_report){
	    .tee_tcb_svn = bytes,
	    .mrseam = bytes + 16,
	    .mrsignerseam = bytes + 64,
	    .seam_attributes = bytes + 112,
	    .td_attributes = bytes + 120,
	    .debug = (bytes[120] & TD_ATTRIBUTE_DEBUG) != 0,
	    .xfam = bytes + 128,
	    .mrtd = bytes + 136,
	    .mrconfigid = bytes + 184,
	    .mrowner = bytes + 232,
	    .mrownerconfig = bytes + 280,
	    .report_data = bytes + 520,
	    .tee_tcb_svn_2 = is_1_5 ? bytes + 584 : NULL,
	    .mrservicetd = is_1_5 ? bytes + 600 : NULL,
	};
	for (size_t i = 0; i < TD_RTMR_COUNT; i++)
		ret->rtmr[i] = bytes + RTMR_AT + i * TD_HASH_SIZE;
}
