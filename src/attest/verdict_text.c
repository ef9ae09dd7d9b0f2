/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict for people: what it is, what runs, then check by check. */
#include "attest/verdict_text.h"

#include <string.h>

#include "attest/api.h"
#include "attest/verdict.h"
#include "base/buf.h"
#include "base/clock.h"
#include "format/hex.h"

#define TEXT_SIZE_MAX (256u << 10)

static const char *const MARKS[] = {
    [ATTEST_PASSED] = "passed",
    [ATTEST_FAILED] = "FAILED",
    [ATTEST_NOT_APPLICABLE] = "  -   ",
};

static int add_hex_line(struct buf *buf, const char *what, const uint8_t *data, size_t size, struct err *err)
{
	if (buf_addf(buf, err, "  %-14s", what) < 0 || hex_add(buf, data, size, err) < 0)
		return -1;
	return buf_add_text(buf, "\n", err);
}

static int add_head(struct buf *buf, const struct attest_verdict *verdict, struct err *err)
{
	char time[CLOCK_TEXT_SIZE];
	char until[CLOCK_TEXT_SIZE];

	if (verdict->simulated && buf_addf(buf, err, "%s\n", VERDICT_SIMULATED_LINE) < 0)
		return -1;
	clock_format_utc(verdict->time, time);
	if (verdict->failed)
		return buf_addf(buf, err, "REFUSED: %s (%s: %s)\nas of %s; %s\n", verdict->error_text,
				verdict->failed->name, verdict->failed->text, time,
				verdict->authentic ? "authentic, but not acceptable" : "not authentic");
	if (buf_addf(buf, err, "ACCEPTED\nas of %s", time) < 0)
		return -1;
	if (verdict->valid_until != INT64_MAX) {
		clock_format_utc(verdict->valid_until, until);
		if (buf_addf(buf, err, "; holds until %s", until) < 0)
			return -1;
	}
	return buf_add_text(buf, "\n", err);
}

static int add_tcb(struct buf *buf, const struct attest_facts *facts, struct err *err)
{
	char date[CLOCK_TEXT_SIZE];

	clock_format_utc(facts->tcb_date, date);
	if (buf_addf(buf, err, "  %-14s%s (TCB of %.10s, evaluation %u)\n", "status",
		     attest_tcb_status_text(facts->tcb_status), date, facts->evaluation_number) < 0 ||
	    buf_addf(buf, err, "  %-14s", "advisories") < 0)
		return -1;
	for (size_t i = 0; i < facts->advisory_count; i++)
		if (buf_addf(buf, err, "%s%s", i ? ", " : "", facts->advisories[i]) < 0)
			return -1;
	return buf_add_text(buf, facts->advisory_count ? "\n" : "none\n", err);
}

static bool has_passed(const struct attest_verdict *verdict, const char *name)
{
	for (size_t i = 0; i < verdict->check_count; i++) {
		if (strcmp(verdict->checks[i].name, name) == 0)
			return verdict->checks[i].result == ATTEST_PASSED;
	}
	return false;
}

/* What runs, in the words of its TEE. */
static int add_tee(struct buf *buf, const struct attest_facts *facts, struct err *err)
{
	const char *debug = facts->debug ? ", DEBUG" : "";

	switch (facts->tee) {
	case ATTEST_TEE_SGX:
		if (add_hex_line(buf, "MRENCLAVE", facts->sgx.mrenclave, sizeof(facts->sgx.mrenclave), err) < 0 ||
		    add_hex_line(buf, "MRSIGNER", facts->sgx.mrsigner, sizeof(facts->sgx.mrsigner), err) < 0)
			return -1;
		return buf_addf(buf, err, "  %-14s%u, SVN %u%s\n", "product", facts->sgx.isvprodid, facts->sgx.isvsvn,
				debug);
	case ATTEST_TEE_TDX:
		if (add_hex_line(buf, "MRTD", facts->tdx.mrtd, sizeof(facts->tdx.mrtd), err) < 0)
			return -1;
		for (size_t i = 0; i < COUNT_OF(facts->tdx.rtmr); i++)
			if (buf_addf(buf, err, "  RTMR%-10zu", i) < 0 ||
			    hex_add(buf, facts->tdx.rtmr[i], sizeof(facts->tdx.rtmr[i]), err) < 0 ||
			    buf_add_text(buf, "\n", err) < 0)
				return -1;
		return buf_addf(buf, err, "  %-14sTDX %s%s\n", "trust domain", facts->tdx.is_1_5 ? "1.5" : "1.0",
				debug);
	case ATTEST_TEE_SEV_SNP:
		if (add_hex_line(buf, "MEASUREMENT", facts->snp.measurement, sizeof(facts->snp.measurement), err) < 0 ||
		    add_hex_line(buf, "HOST_DATA", facts->snp.host_data, sizeof(facts->snp.host_data), err) < 0)
			return -1;
		return buf_addf(buf, err, "  %-14sSEV-SNP %s, SVN %u%s\n", "guest",
				facts->snp.product ? facts->snp.product : "", facts->snp.guest_svn, debug);
	}
	return 0;
}

static int add_facts(struct buf *buf, const struct attest_verdict *verdict, struct err *err)
{
	const struct attest_facts *facts = &verdict->facts;

	if (!facts->parsed)
		return 0;
	if (add_tee(buf, facts, err) < 0)
		return -1;
	if (facts->machine.size > 0 && add_hex_line(buf, "machine", facts->machine.data, facts->machine.size, err) < 0)
		return -1;
	if (facts->tcb_known && add_tcb(buf, facts, err) < 0)
		return -1;
	if (verdict->has_instance && buf_addf(buf, err, "  %-14s%s\n", "instance", verdict->instance_document) < 0)
		return -1;
	if (verdict->has_instance && verdict->role == ATTEST_ROLE_APPLICATION && !has_passed(verdict, "ticket") &&
	    buf_addf(buf, err, "  %-14sas its host told it: no owner's ticket was checked\n", "") < 0)
		return -1;
	if (verdict->warning[0] && buf_addf(buf, err, "warning: %s\n", verdict->warning) < 0)
		return -1;
	return 0;
}

static int add_loosenings(struct buf *buf, const struct attest_verdict *verdict, struct err *err)
{
	for (size_t i = 0; i < verdict->loosening_count; i++)
		if (buf_addf(buf, err, "loosened: %s: %s\n", verdict->loosenings[i].name, verdict->loosenings[i].text) <
		    0)
			return -1;
	return 0;
}

static int add_checks(struct buf *buf, const struct attest_verdict *verdict, struct err *err)
{
	char until[CLOCK_TEXT_SIZE];

	for (size_t i = 0; i < verdict->check_count; i++) {
		const struct attest_check *check = &verdict->checks[i];

		if (buf_addf(buf, err, "%s  %s: %s%s%s\n", MARKS[check->result], check->name,
			     check->error ? attest_error_text(check->error) : "", check->error ? ": " : "",
			     check->text) < 0)
			return -1;
	}
	for (size_t i = 0; i < verdict->expiry_count; i++) {
		clock_format_utc(verdict->expiries[i].until, until);
		if (buf_addf(buf, err, "until   %s: %s\n", until, verdict->expiries[i].what) < 0)
			return -1;
	}
	return 0;
}

ATTEST_API char *attest_verdict_text(const struct attest_verdict *verdict)
{
	scoped(buf_done) struct buf buf = BUF_INIT(TEXT_SIZE_MAX);
	struct err err = ERR_INIT;

	if (add_head(&buf, verdict, &err) < 0 || add_facts(&buf, verdict, &err) < 0 ||
	    add_loosenings(&buf, verdict, &err) < 0 || add_checks(&buf, verdict, &err) < 0)
		return NULL;
	return buf_take_text(&buf);
}
