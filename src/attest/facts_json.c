/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/facts_json.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/number.h"
#include "format/hex.h"

#define HEX_BYTES_MAX 64

enum kind { HEX, U8, U16, U32, BITS, BOOL, LIST };

/* A member of struct attest_facts and its name in JSON. */
struct row {
	const char *name;
	enum kind kind;
	size_t offset;
	size_t size; /* HEX, LIST: bytes */
};

#define AT(member) offsetof(struct attest_facts, member)
#define BYTES(name, member) \
	{ \
		name, HEX, AT(member), sizeof(((struct attest_facts *)0)->member) \
	}

static const struct row COMMON[] = {
    {"version", U16, AT(version), 0},
    {"debug", BOOL, AT(debug), 0},
    BYTES("report_data", report_data),
};

static const struct row SGX[] = {
    BYTES("mrenclave", sgx.mrenclave),
    BYTES("mrsigner", sgx.mrsigner),
    {"isvprodid", U16, AT(sgx.isvprodid), 0},
    {"isvsvn", U16, AT(sgx.isvsvn), 0},
    BYTES("isvextprodid", sgx.isvextprodid),
    BYTES("isvfamilyid", sgx.isvfamilyid),
    BYTES("configid", sgx.configid),
    {"configsvn", U16, AT(sgx.configsvn), 0},
    BYTES("cpusvn", sgx.cpusvn),
    {"miscselect", U32, AT(sgx.miscselect), 0},
    BYTES("attributes", sgx.attributes),
};

static const struct row TDX[] = {
    BYTES("mrtd", tdx.mrtd),
    BYTES("rtmr0", tdx.rtmr[0]),
    BYTES("rtmr1", tdx.rtmr[1]),
    BYTES("rtmr2", tdx.rtmr[2]),
    BYTES("rtmr3", tdx.rtmr[3]),
    BYTES("tee_tcb_svn", tdx.tee_tcb_svn),
    BYTES("mrseam", tdx.mrseam),
    BYTES("mrsignerseam", tdx.mrsignerseam),
    BYTES("seam_attributes", tdx.seam_attributes),
    BYTES("td_attributes", tdx.td_attributes),
    BYTES("xfam", tdx.xfam),
    BYTES("mrconfigid", tdx.mrconfigid),
    BYTES("mrowner", tdx.mrowner),
    BYTES("mrownerconfig", tdx.mrownerconfig),
};

static const struct row TDX_1_5[] = {
    BYTES("tee_tcb_svn_2", tdx.tee_tcb_svn_2),
    BYTES("mrservicetd", tdx.mrservicetd),
};

static const struct row SNP[] = {
    {"guest_svn", U32, AT(snp.guest_svn), 0},
    {"policy", BITS, AT(snp.policy), 0},
    BYTES("family_id", snp.family_id),
    BYTES("image_id", snp.image_id),
    {"vmpl", U32, AT(snp.vmpl), 0},
    BYTES("current_tcb", snp.current_tcb),
    {"platform_info", BITS, AT(snp.platform_info), 0},
    {"author_key_enabled", BOOL, AT(snp.author_key_enabled), 0},
    {"chip_key_masked", BOOL, AT(snp.chip_key_masked), 0},
    {"signature_algorithm", U32, AT(snp.signature_algorithm), 0},
    {"hcl", BOOL, AT(snp.hcl), 0},
    BYTES("host_data", snp.host_data),
    BYTES("id_key_digest", snp.id_key_digest),
    BYTES("author_key_digest", snp.author_key_digest),
    BYTES("report_id", snp.report_id),
    BYTES("report_id_ma", snp.report_id_ma),
    BYTES("reported_tcb", snp.reported_tcb),
    BYTES("chip_id", snp.chip_id),
    BYTES("committed_tcb", snp.committed_tcb),
    BYTES("launch_tcb", snp.launch_tcb),
};

static const struct row SNP_CPUID[] = {
    {"cpuid_family", U8, AT(snp.cpuid_family), 0},
    {"cpuid_model", U8, AT(snp.cpuid_model), 0},
    {"cpuid_stepping", U8, AT(snp.cpuid_stepping), 0},
};

static const struct row SNP_HCL[] = {
    BYTES("user_data", snp.user_data),
};

static const struct row SNP_MITIGATIONS[] = {
    {"launch_mitigation_vector", BITS, AT(snp.launch_mitigation_vector), 0},
    {"current_mitigation_vector", BITS, AT(snp.current_mitigation_vector), 0},
};

static const struct row INTEL[] = {
    BYTES("user_data", intel.user_data),
    {"cert_data_type", U16, AT(intel.cert_data_type), 0},
};

static const struct row PCK[] = {
    BYTES("fmspc", intel.fmspc),
    BYTES("pceid", intel.pceid),
    {"pcesvn", U16, AT(intel.pcesvn), 0},
    {"tcb_components", LIST, AT(intel.tcb_components), 16},
};

static const struct row PLATFORM[] = {
    BYTES("platform_instance_id", intel.platform_instance_id),
    {"dynamic_platform", BOOL, AT(intel.dynamic_platform), 0},
    {"cached_keys", BOOL, AT(intel.cached_keys), 0},
    {"smt_enabled", BOOL, AT(intel.smt_enabled), 0},
};

bool json_put(json_t *object, const char *name, json_t *value)
{
	return value && json_object_set_new(object, name, value) == 0;
}

bool json_put_hex(json_t *object, const char *name, const uint8_t *data, size_t size)
{
	char text[HEX_TEXT_SIZE(HEX_BYTES_MAX)];

	if (size == 0)
		return json_put(object, name, json_null());
	hex_encode(data, size_min(size, HEX_BYTES_MAX), text);
	return json_put(object, name, json_string(text));
}

bool json_put_time(json_t *object, const char *name, int64_t time)
{
	char text[CLOCK_TEXT_SIZE];

	if (time == INT64_MIN || time == INT64_MAX)
		return json_put(object, name, json_null());
	clock_format_utc(time, text);
	return json_put(object, name, json_string(text));
}

static json_t *format_list(const uint8_t *numbers, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < count; i++) {
		if (json_array_append_new(list, json_integer(numbers[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *format_bits(uint64_t bits)
{
	char text[20];

	(void)snprintf(text, sizeof(text), "0x%" PRIx64, bits);
	return json_string(text);
}

static bool put_row(json_t *object, const struct row *row, const struct attest_facts *facts)
{
	const void *at = (const uint8_t *)facts + row->offset;

	switch (row->kind) {
	case HEX:
		return json_put_hex(object, row->name, at, row->size);
	case U8:
		return json_put(object, row->name, json_integer(*(const uint8_t *)at));
	case U16:
		return json_put(object, row->name, json_integer(*(const uint16_t *)at));
	case U32:
		return json_put(object, row->name, json_integer(*(const uint32_t *)at));
	case BITS:
		return json_put(object, row->name, format_bits(*(const uint64_t *)at));
	case BOOL:
		return json_put(object, row->name, json_boolean(*(const bool *)at));
	case LIST:
		return json_put(object, row->name, format_list(at, row->size));
	}
	return false;
}

static bool put_rows(json_t *object, const struct row *rows, size_t count, const struct attest_facts *facts)
{
	for (size_t i = 0; i < count; i++)
		if (!put_row(object, &rows[i], facts))
			return false;
	return true;
}
#define PUT(object, rows, facts) put_rows(object, rows, COUNT_OF(rows), facts)

static bool put_common(json_t *object, const struct attest_facts *facts)
{
	return json_put(object, "tee", json_string(attest_tee_text(facts->tee))) && PUT(object, COMMON, facts) &&
	       json_put_hex(object, "measurement", facts->measurement.data, facts->measurement.size) &&
	       json_put_hex(object, "signer", facts->signer.data, facts->signer.size) &&
	       (!facts->has_svn || json_put(object, "svn", json_integer(facts->svn))) &&
	       json_put(object, "trailing_bytes", json_integer((json_int_t)facts->trailing_bytes)) &&
	       (facts->machine.size == 0 ||
		json_put_hex(object, "machine_id", facts->machine.data, facts->machine.size));
}

static bool put_pck(json_t *object, const struct attest_facts *facts)
{
	const struct attest_intel_facts *intel = &facts->intel;

	return PUT(object, PCK, facts) &&
	       json_put_hex(object, "pck_serial", intel->pck_serial, intel->pck_serial_size) &&
	       json_put(object, "pck_ca", json_string(intel->platform_ca ? "platform" : "processor")) &&
	       (!intel->has_configuration || PUT(object, PLATFORM, facts));
}

/* "1.55.21": major, minor, build. */
static json_t *format_firmware(const uint8_t firmware[static 3])
{
	return json_sprintf("%u.%u.%u", (unsigned)firmware[2], (unsigned)firmware[1], (unsigned)firmware[0]);
}

static json_t *format_signing_key(unsigned key)
{
	static const char *const KEYS[] = {[0] = "VCEK", [1] = "VLEK", [7] = "none"};

	return json_string(key < COUNT_OF(KEYS) && KEYS[key] ? KEYS[key] : "unknown");
}

static bool put_snp(json_t *object, const struct attest_facts *facts)
{
	const struct attest_snp_facts *snp = &facts->snp;

	return PUT(object, SNP, facts) && (!snp->has_mitigation_vectors || PUT(object, SNP_MITIGATIONS, facts)) &&
	       (!snp->has_cpuid || PUT(object, SNP_CPUID, facts)) &&
	       (!snp->hcl || !snp->has_user_data || PUT(object, SNP_HCL, facts)) &&
	       json_put(object, "signing_key", format_signing_key(snp->signing_key)) &&
	       json_put(object, "current_firmware", format_firmware(snp->current_firmware)) &&
	       json_put(object, "committed_firmware", format_firmware(snp->committed_firmware)) &&
	       (!snp->product || !snp->product[0] || json_put(object, "product", json_string(snp->product))) &&
	       (!snp->csp_id[0] || json_put(object, "csp_id", json_string(snp->csp_id)));
}

static bool put_tee(json_t *object, const struct attest_facts *facts)
{
	switch (facts->tee) {
	case ATTEST_TEE_SGX:
		return PUT(object, SGX, facts) && PUT(object, INTEL, facts);
	case ATTEST_TEE_TDX:
		return PUT(object, TDX, facts) && (!facts->tdx.is_1_5 || PUT(object, TDX_1_5, facts)) &&
		       PUT(object, INTEL, facts);
	case ATTEST_TEE_SEV_SNP:
		return put_snp(object, facts);
	}
	return false;
}

json_t *facts_json_advisories(const struct attest_facts *facts)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < facts->advisory_count; i++) {
		if (json_array_append_new(list, json_string(facts->advisories[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *format_status(enum attest_tcb_status status)
{
	return json_string(attest_tcb_status_text(status));
}

static bool put_tcb(json_t *object, const struct attest_facts *facts)
{
	return json_put(object, "tcb_status", format_status(facts->tcb_status)) &&
	       json_put(object, "platform_tcb_status", format_status(facts->intel.platform_status)) &&
	       json_put(object, "qe_tcb_status", format_status(facts->intel.qe_status)) &&
	       json_put_time(object, "tcb_date", facts->tcb_date) &&
	       json_put_time(object, "qe_tcb_date", facts->intel.qe_tcb_date) &&
	       json_put(object, "tcb_evaluation_number", json_integer(facts->evaluation_number)) &&
	       (!facts->tdx.has_module_status ||
		(json_put(object, "tdx_module_tcb_status", format_status(facts->tdx.module_status)) &&
		 json_put_time(object, "tdx_module_tcb_date", facts->tdx.module_tcb_date))) &&
	       json_put(object, "advisories", facts_json_advisories(facts));
}

json_t *facts_json_format(const struct attest_facts *facts)
{
	json_t *object = json_object();

	if (object && put_common(object, facts) && put_tee(object, facts) &&
	    (!facts->intel.pck_parsed || put_pck(object, facts)) && (!facts->tcb_known || put_tcb(object, facts)))
		return object;
	json_decref(object);
	return NULL;
}
