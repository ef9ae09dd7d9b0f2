/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict for programs. Member names are stable; members may be added. */
#include <jansson.h>

#include "attest/api.h"
#include "attest/facts_json.h"
#include "attest/verdict.h"
#include "attest/verdict_text.h"

static const char *const RESULTS[] = {
    [ATTEST_PASSED] = "passed",
    [ATTEST_FAILED] = "failed",
    [ATTEST_NOT_APPLICABLE] = "not-applicable",
};

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

		if (!item || !json_put(item, "what", json_string(expiry->what)) ||
		    !json_put_time(item, "from", expiry->from) || !json_put_time(item, "until", expiry->until) ||
		    json_array_append(list, item) < 0) {
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
	if (verdict->simulated && !json_put(object, "notice", json_string(VERDICT_SIMULATED_LINE)))
		return false;
	return json_put(object, "verdict", json_string(verdict->accepted ? "accept" : "refuse")) &&
	       json_put(object, "simulated", json_boolean(verdict->simulated)) &&
	       json_put(object, "error", verdict->failed ? json_string(verdict->error_text) : json_null()) &&
	       json_put(object, "failed_check", verdict->failed ? json_string(verdict->failed->name) : json_null()) &&
	       json_put(object, "authentic", json_boolean(verdict->authentic)) &&
	       json_put_time(object, "time", verdict->time) &&
	       json_put_time(object, "valid_until", verdict->valid_until) &&
	       (!verdict->warning[0] || json_put(object, "warning", json_string(verdict->warning)));
}

/* What programs look for first: always there, null where it is not known. */
static bool add_summary(json_t *object, const struct attest_verdict *verdict)
{
	const struct attest_facts *facts = &verdict->facts;
	const bool parsed = facts->parsed;

	return json_put(object, "tee", parsed ? json_string(attest_tee_text(facts->tee)) : json_null()) &&
	       json_put(object, "tcb_status",
			facts->tcb_known ? json_string(attest_tcb_status_text(facts->tcb_status)) : json_null()) &&
	       json_put(object, "advisory_ids", facts_json_advisories(facts)) &&
	       json_put(object, "debug", parsed ? json_boolean(facts->debug) : json_null()) &&
	       json_put_hex(object, "measurement", facts->measurement.data, parsed ? facts->measurement.size : 0) &&
	       json_put_hex(object, "signer", facts->signer.data, parsed ? facts->signer.size : 0) &&
	       json_put_hex(object, "report_data", facts->report_data, parsed ? sizeof(facts->report_data) : 0);
}

static bool add_channel(json_t *object, const struct attest_verdict *verdict)
{
	if (verdict->has_identity && !json_put_hex(object, "identity", verdict->identity, sizeof(verdict->identity)))
		return false;
	if (verdict->has_instance &&
	    (!json_put_hex(object, "instance_hash", verdict->instance_hash, sizeof(verdict->instance_hash)) ||
	     !json_put(object, "instance", json_loads(verdict->instance_document, 0, NULL))))
		return false;
	if (verdict->certificate_not_after &&
	    !json_put_time(object, "certificate_until", verdict->certificate_not_after))
		return false;
	if (verdict->certificate_form && !json_put(object, "certificate_form", json_string(verdict->certificate_form)))
		return false;
	if (verdict->has_certificate_key &&
	    !json_put_hex(object, "certificate_key", verdict->certificate_key, sizeof(verdict->certificate_key)))
		return false;
	if (verdict->role && !json_put(object, "role", json_integer(verdict->role)))
		return false;
	if (verdict->has_ticket && (!json_put_hex(object, "ticket_hash", verdict->ticket_hash, 32) ||
				    (verdict->deployed && !json_put_time(object, "deployed", verdict->deployed))))
		return false;
	return true;
}

static json_t *format_verdict(const struct attest_verdict *verdict)
{
	json_t *object = json_object();

	if (object && add_head(object, verdict) && add_summary(object, verdict) &&
	    (!verdict->facts.parsed || json_put(object, "quote", facts_json_format(&verdict->facts))) &&
	    add_channel(object, verdict) &&
	    (!verdict->certificate_facts.parsed ||
	     json_put(object, "certificate_quote", facts_json_format(&verdict->certificate_facts))) &&
	    json_put(object, "checks", format_checks(verdict)) &&
	    json_put(object, "expiries", format_expiries(verdict)) &&
	    json_put(object, "loosenings", format_loosenings(verdict)))
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
