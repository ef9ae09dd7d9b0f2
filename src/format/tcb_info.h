/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCB info, versions 2 and 3 (attestation-evidence.md sections 1.6 and 7): which SVNs of a platform family count as up
 * to date. Version 2 is the flat form of older services, for SGX only.
 *
 * Every level is checked, also those that are never chosen. Unknown members are ignored. Levels come out sorted by
 * falling SVN, whatever the order in the document.
 */
#ifndef MSE_FORMAT_TCB_INFO_H
#define MSE_FORMAT_TCB_INFO_H

#include "format/tdx_module.h"

#define TCB_COMPONENT_COUNT 16
#define TCB_LEVELS_MAX 256

enum tcb_info_id { TCB_INFO_SGX, TCB_INFO_TDX };

struct tcb_level {
	uint8_t components[TCB_COMPONENT_COUNT];
	uint8_t tdx_components[TCB_COMPONENT_COUNT]; /* TDX only */
	uint16_t pcesvn;
	enum tcb_status status;
	int64_t date;
	struct advisories advisories;
};

struct tcb_info {
	unsigned version;
	enum tcb_info_id id;
	int64_t issue_date; /* Unix seconds, both inclusive */
	int64_t next_update;
	uint8_t fmspc[6];
	uint8_t pceid[2];
	uint32_t evaluation_number;
	struct tcb_level *levels; /* highest first; at least one */
	size_t level_count;
	struct tdx_modules modules; /* id TCB_INFO_TDX only */
};

/* body: the object "tcbInfo", which must outlive *ret (texts of advisories are borrowed). */
must_check int tcb_info_parse(const json_t *body, struct tcb_info **ret, struct err *err);
void tcb_info_free(struct tcb_info *info);
DEFINE_SCOPED_PTR(struct tcb_info, tcb_info_free);

#endif
