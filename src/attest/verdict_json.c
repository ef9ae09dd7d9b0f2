/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict for programs. Member names are stable; members may be added. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "attest/api.h"
#include "attest/verdict.h"
#include "attest/verdict_text.h"
#include "base/clock.h"
#include "base/number.h"
#include "format/hex.h"

#define HEX_BYTES_MAX 64

static const char *const RESULTS[] = {
    [ATTEST_PASSED] = "passed",
    [ATTEST_FAILED] = "failed",
    [ATTEST_NOT_APPLICABLE] = "not-applicable",
};

/* All of these return false once something failed: out of memory is the only cause, texts are ASCII. */
static bool set(json_t *object, const char *name, json_t *value)
{
	return value && json_object_set_new(object, name, value) == 0;
}

static bool set_hex(json_t *object, const char *name, const uint8_t *data, size_t size)
{
	char text[HEX_TEXT_SIZE(HEX_BYTES_MAX)];

	hex_encode(data, size_min(size, HEX_BYTES_MAX), text);
	return set(object, name, json_string(text));
}

static bool set_time(json_t *object, const char *name, int64_t time)
{
	char text[CLOCK_TEXT_SIZE];

	if (time == INT64_MIN || time == INT64_MAX)
		return set(object, name, json_null());
	clock_format_utc(time, text);
	return set(object, name, json_string(text));
}

static json_t *format_advisories(const struct attest_facts *facts)
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

static json_t *format_components(const struct attest_intel_facts *facts)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < sizeof(facts->tcb_components); i++) {
		if (json_array_append_new(list, json_integer(facts->tcb_components[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static bool add_sgx(json_t *object, const struct attest_sgx_facts *facts)
{
	return set_hex(object, "mrenclave", facts->mrenclave, sizeof(facts->mrenclave)) &&
	       set_hex(object, "mrsigner", facts->mrsigner, sizeof(facts->mrsigner)) &&
	       set(object, "isvprodid", json_integer(facts->isvprodid)) &&
	       set(object, "isvsvn", json_integer(facts->isvsvn)) &&
	       set_hex(object, "isvextprodid", facts->isvextprodid, sizeof(facts->isvextprodid)) &&
	       set_hex(object, "isvfamilyid", facts->isvfamilyid, sizeof(facts->isvfamilyid)) &&
	       set_hex(object, "configid", facts->configid, sizeof(facts->configid)) &&
	       set(object, "configsvn", json_integer(facts->configsvn)) &&
	       set_hex(object, "cpusvn", facts->cpusvn, sizeof(facts->cpusvn)) &&
	       set(object, "miscselect", json_integer(facts->miscselect)) &&
	       set_hex(object, "attributes", facts->attributes, sizeof(facts->attributes));
}

static bool add_tdx(json_t *object, const struct attest_tdx_facts *facts)
{
	static const char *const RTMRS[] = {"rtmr0", "rtmr1", "rtmr2", "rtmr3"};

	for (size_t i = 0; i < COUNT_OF(RTMRS); i++)
		if (!set_hex(object, RTMRS[i], facts->rtmr[i], sizeof(facts->rtmr[i])))
			return false;
	if (facts->is_1_5 && (!set_hex(object, "tee_tcb_svn_2", facts->tee_tcb_svn_2, sizeof(facts->tee_tcb_svn_2)) ||
			      !set_hex(object, "mrservicetd", facts->mrservicetd, sizeof(facts->mrservicetd))))
		return false;
	return set_hex(object, "mrtd", facts->mrtd, sizeof(facts->mrtd)) &&
	       set_hex(object, "tee_tcb_svn", facts->tee_tcb_svn, sizeof(facts->tee_tcb_svn)) &&
	       set_hex(object, "mrseam", facts->mrseam, sizeof(facts->mrseam)) &&
	       set_hex(object, "mrsignerseam", facts->mrsignerseam, sizeof(facts->mrsignerseam)) &&
	       set_hex(object, "seam_attributes", facts->seam_attributes, sizeof(facts->seam_attributes)) &&
	       set_hex(object, "td_attributes", facts->td_attributes, sizeof(facts->td_attributes)) &&
	       set_hex(object, "xfam", facts->xfam, sizeof(facts->xfam)) &&
	       set_hex(object, "mrconfigid", facts->mrconfigid, sizeof(facts->mrconfigid)) &&
	       set_hex(object, "mrowner", facts->mrowner, sizeof(facts->mrowner)) &&
	       set_hex(object, "mrownerconfig", facts->mrownerconfig, sizeof(facts->mrownerconfig));
}

/* 64 bits fit no JSON number that every reader takes: "0x30000". */
static bool set_word(json_t *object, const char *name, uint64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "0x%llx", (unsigned long long)value);
	return set(object, name, json_string(text));
}

/* "1.55.21": major, minor, build. */
static bool set_firmware(json_t *object, const char *name, const uint8_t firmware[static 3])
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%u.%u.%u", firmware[2], firmware[1], firmware[0]);
	return set(object, name, json_string(text));
}

static bool add_snp_platform(json_t *object, const struct attest_snp_facts *facts)
{
	if (facts->has_cpuid && (!set(object, "cpuid_family", json_integer(facts->cpuid_family)) ||
				 !set(object, "cpuid_model", json_integer(facts->cpuid_model)) ||
				 !set(object, "cpuid_stepping", json_integer(facts->cpuid_stepping))))
		return false;
	if (facts->has_mitigation_vectors &&
	    (!set_word(object, "launch_mitigation_vector", facts->launch_mitigation_vector) ||
	     !set_word(object, "current_mitigation_vector", facts->current_mitigation_vector)))
		return false;
	if (facts->hcl && facts->has_user_data &&
	    !set_hex(object, "user_data", facts->user_data, sizeof(facts->user_data)))
		return false;
	return (!facts->product[0] || set(object, "product", json_string(facts->product))) &&
	       (!facts->csp_id[0] || set(object, "csp_id", json_string(facts->csp_id))) &&
	       set(object, "hcl", json_boolean(facts->hcl)) &&
	       set_hex(object, "chip_id", facts->chip_id, sizeof(facts->chip_id)) &&
	       set_hex(object, "current_tcb", facts->current_tcb, sizeof(facts->current_tcb)) &&
	       set_hex(object, "reported_tcb", facts->reported_tcb, sizeof(facts->reported_tcb)) &&
	       set_hex(object, "committed_tcb", facts->committed_tcb, sizeof(facts->committed_tcb)) &&
	       set_hex(object, "launch_tcb", facts->launch_tcb, sizeof(facts->launch_tcb)) &&
	       set_firmware(object, "current_firmware", facts->current_firmware) &&
	       set_firmware(object, "committed_firmware", facts->committed_firmware) &&
	       set_word(object, "platform_info", facts->platform_info);
}

static bool add_snp(json_t *object, const struct attest_snp_facts *facts)
{
	static const char *const KEYS[] = {[0] = "VCEK", [1] = "VLEK", [7] = "none"};

	return set_hex(object, "measurement", facts->measurement, sizeof(facts->measurement)) &&
	       set(object, "guest_svn", json_integer(facts->guest_svn)) && set_word(object, "policy", facts->policy) &&
	       set(object, "vmpl", json_integer(facts->vmpl)) &&
	       set_hex(object, "family_id", facts->family_id, sizeof(facts->family_id)) &&
	       set_hex(object, "image_id", facts->image_id, sizeof(facts->image_id)) &&
	       set_hex(object, "host_data", facts->host_data, sizeof(facts->host_data)) &&
	       set_hex(object, "id_key_digest", facts->id_key_digest, sizeof(facts->id_key_digest)) &&
	       set_hex(object, "author_key_digest", facts->author_key_digest, sizeof(facts->author_key_digest)) &&
	       set(object, "author_key_enabled", json_boolean(facts->author_key_enabled)) &&
	       set(object, "chip_key_masked", json_boolean(facts->chip_key_masked)) &&
	       set(object, "signing_key",
		   json_string(KEYS[facts->signing_key & 7] ? KEYS[facts->signing_key & 7] : "")) &&
	       set(object, "signature_algorithm", json_integer(facts->signature_algorithm)) &&
	       set_hex(object, "report_id", facts->report_id, sizeof(facts->report_id)) &&
	       set_hex(object, "report_id_ma", facts->report_id_ma, sizeof(facts->report_id_ma)) &&
	       add_snp_platform(object, facts);
}

static bool add_intel(json_t *object, const struct attest_intel_facts *facts)
{
	return set_hex(object, "user_data", facts->user_data, sizeof(facts->user_data)) &&
	       set(object, "cert_data_type", json_integer(facts->cert_data_type));
}

static bool add_common(json_t *object, const struct attest_facts *facts)
{
	return set(object, "tee", json_string(attest_tee_text(facts->tee))) &&
	       set(object, "version", json_integer(facts->version)) &&
	       set(object, "debug", json_boolean(facts->debug)) &&
	       set_hex(object, "report_data", facts->report_data, sizeof(facts->report_data)) &&
	       set(object, "trailing_bytes", json_integer((json_int_t)facts->trailing_bytes)) &&
	       (facts->machine.size == 0 || set_hex(object, "machine_id", facts->machine.data, facts->machine.size));
}

static bool add_report(json_t *object, const struct attest_facts *facts)
{
	switch (facts->tee) {
	case ATTEST_TEE_SGX:
		return add_sgx(object, &facts->sgx) && add_intel(object, &facts->intel);
	case ATTEST_TEE_TDX:
		return add_tdx(object, &facts->tdx) && add_intel(object, &facts->intel);
	case ATTEST_TEE_SEV_SNP:
		return add_snp(object, &facts->snp);
	}
	return false;
}

static bool add_pck(json_t *object, const struct attest_intel_facts *facts)
{
	if (!set_hex(object, "fmspc", facts->fmspc, sizeof(facts->fmspc)) ||
	    !set_hex(object, "pceid", facts->pceid, sizeof(facts->pceid)) ||
	    !set(object, "pcesvn", json_integer(facts->pcesvn)) ||
	    !set(object, "tcb_components", format_components(facts)) ||
	    !set_hex(object, "pck_serial", facts->pck_serial, facts->pck_serial_size) ||
	    !set(object, "pck_ca", json_string(facts->platform_ca ? "platform" : "processor")))
		return false;
	return !facts->has_configuration || (set(object, "dynamic_platform", json_boolean(facts->dynamic_platform)) &&
					     set(object, "cached_keys", json_boolean(facts->cached_keys)) &&
					     set(object, "smt_enabled", json_boolean(facts->smt_enabled)));
}

static bool add_tcb(json_t *object, const struct attest_facts *facts)
{
	return set(object, "tcb_status", json_string(attest_tcb_status_text(facts->tcb_status))) &&
	       set(object, "platform_tcb_status", json_string(attest_tcb_status_text(facts->intel.platform_status))) &&
	       set(object, "qe_tcb_status", json_string(attest_tcb_status_text(facts->intel.qe_status))) &&
	       set_time(object, "tcb_date", facts->tcb_date) &&
	       set_time(object, "qe_tcb_date", facts->intel.qe_tcb_date) &&
	       set(object, "tcb_evaluation_number", json_integer(facts->evaluation_number)) &&
	       (!facts->tdx.has_module_status ||
		(set(object, "tdx_module_tcb_status", json_string(attest_tcb_status_text(facts->tdx.module_status))) &&
		 set_time(object, "tdx_module_tcb_date", facts->tdx.module_tcb_date))) &&
	       set(object, "advisories", format_advisories(facts));
}

/* NULL when out of memory. */
static json_t *format_facts(const struct attest_facts *facts)
{
	json_t *object = json_object();

	if (object && add_common(object, facts) && add_report(object, facts) &&
	    (!facts->intel.pck_parsed || add_pck(object, &facts->intel)) &&
	    (!facts->tcb_known || add_tcb(object, facts)))
		return object;
	json_decref(object);
	return NULL;
}

static json_t *format_checks(const struct attest_verdict *verdict)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < verdict->check_count; i++) {
		const struct attest_check *check = &verdict->checks[i];
		json_t *item =
		    json_pack("{s:s, s:s, s:s*, s:s}", "name", check->name, "result", RESULTS[check->result], "error",
			      check->error ? attest_error_text(check->error) : NULL, "text", check->text);

		if (json_array_append_new(list, item) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *format_expiries(const struct attest_verdict *verdict)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < verdict->expiry_count; i++) {
		const struct attest_expiry *expiry = &verdict->expiries[i];
		json_t *item = json_object();

		if (!item || !set(item, "what", json_string(expiry->what)) || !set_time(item, "from", expiry->from) ||
		    !set_time(item, "until", expiry->until) || json_array_append(list, item) < 0) {
			json_decref(item);
			json_decref(list);
			return NULL;
		}
		json_decref(item);
	}
	return list;
}

static json_t *format_loosenings(const struct attest_verdict *verdict)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < verdict->loosening_count; i++) {
		const struct attest_loosening *loosening = &verdict->loosenings[i];

		if (json_array_append_new(
			list, json_pack("{s:s, s:s}", "name", loosening->name, "text", loosening->text)) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static bool add_head(json_t *object, const struct attest_verdict *verdict)
{
	if (verdict->simulated && !set(object, "notice", json_string(VERDICT_SIMULATED_LINE)))
		return false;
	return set(object, "verdict", json_string(verdict->accepted ? "accept" : "refuse")) &&
	       set(object, "simulated", json_boolean(verdict->simulated)) &&
	       set(object, "error", verdict->failed ? json_string(verdict->error_text) : json_null()) &&
	       set(object, "failed_check", verdict->failed ? json_string(verdict->failed->name) : json_null()) &&
	       set(object, "authentic", json_boolean(verdict->authentic)) && set_time(object, "time", verdict->time) &&
	       set_time(object, "valid_until", verdict->valid_until) &&
	       (!verdict->warning[0] || set(object, "warning", json_string(verdict->warning)));
}

static bool add_channel(json_t *object, const struct attest_verdict *verdict)
{
	if (verdict->has_identity && !set_hex(object, "identity", verdict->identity, sizeof(verdict->identity)))
		return false;
	if (verdict->has_instance &&
	    (!set_hex(object, "instance_hash", verdict->instance_hash, sizeof(verdict->instance_hash)) ||
	     !set(object, "instance", json_loads(verdict->instance_document, 0, NULL))))
		return false;
	if (verdict->certificate_not_after && !set_time(object, "certificate_until", verdict->certificate_not_after))
		return false;
	if (verdict->certificate_form && !set(object, "certificate_form", json_string(verdict->certificate_form)))
		return false;
	if (verdict->has_certificate_key &&
	    !set_hex(object, "certificate_key", verdict->certificate_key, sizeof(verdict->certificate_key)))
		return false;
	if (verdict->role && !set(object, "role", json_integer(verdict->role)))
		return false;
	if (verdict->has_ticket && (!set_hex(object, "ticket_hash", verdict->ticket_hash, 32) ||
				    (verdict->deployed && !set_time(object, "deployed", verdict->deployed))))
		return false;
	return true;
}

static json_t *format_verdict(const struct attest_verdict *verdict)
{
	json_t *object = json_object();

	if (object && add_head(object, verdict) &&
	    (!verdict->facts.parsed ||
	     (set_hex(object, "measurement", verdict->facts.measurement.data, verdict->facts.measurement.size) &&
	      set(object, "quote", format_facts(&verdict->facts)))) &&
	    add_channel(object, verdict) &&
	    (!verdict->certificate_facts.parsed ||
	     set(object, "certificate_quote", format_facts(&verdict->certificate_facts))) &&
	    set(object, "checks", format_checks(verdict)) && set(object, "expiries", format_expiries(verdict)) &&
	    set(object, "loosenings", format_loosenings(verdict)))
		return object;
	json_decref(object);
	return NULL;
}

ATTEST_API char *attest_verdict_json(const struct attest_verdict *verdict)
{
	json_t *object = format_verdict(verdict);
	char *text = object ? json_dumps(object, JSON_INDENT(2)) : NULL;

	json_decref(object);
	return text;
}
