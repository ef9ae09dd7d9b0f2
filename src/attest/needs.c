/* SPDX-License-Identifier: Apache-2.0 */
/* Reading, without believing it, which collateral evidence needs. */
#include <string.h>

#include "attest/api.h"
#include "attest/intel.h"
#include "attest/ratls.h"
#include "attest/snp.h"
#include "format/attest_message.h"
#include "format/hex.h"

#define DER_FIRST_BYTE 0x30

static const char BLANKS[] = " \t\r\n";

static int needs_of_quote(struct attest_bytes quote, struct attest_needs *ret, struct err *err)
{
	struct intel_subject subject = {0};

	if (intel_subject_read(quote, &subject, err) < 0)
		return -1;
	ret->tee = subject.quote.body == INTEL_BODY_SGX ? ATTEST_TEE_SGX : ATTEST_TEE_TDX;
	hex_encode(subject.pck.fmspc, sizeof(subject.pck.fmspc), ret->fmspc);
	ret->ca = subject.pck.has_platform ? "platform" : "processor";
	ret->simulated = chain_has_marker(subject.chain);
	intel_subject_done(&subject);
	return 0;
}

/*
 * A report begins with its version as u32, 2 to 5; a quote with version and key type as u16, the latter never 0.
 * Azure's wrapping names itself.
 */
static bool is_report(struct attest_bytes bytes)
{
	static const uint8_t ZEROS[3] = {0};

	return hcl_report_is(bytes.data, bytes.size) ||
	       (bytes.size >= SNP_REPORT_SIZE && memcmp(bytes.data + 1, ZEROS, sizeof(ZEROS)) == 0);
}

static int needs_of_bytes(struct attest_bytes bytes, struct attest_needs *ret, struct err *err)
{
	return is_report(bytes) ? snp_read_needs(bytes, ret, err) : needs_of_quote(bytes, ret, err);
}

static int needs_of_certificate(struct attest_bytes bytes, struct attest_needs *ret, struct err *err)
{
	scoped(ratls_subject_done) struct ratls_subject subject = {0};
	struct attest_evidence evidence;

	if (ratls_subject_read(bytes, false, &subject, err) < 0 || ratls_subject_find(&subject, err) < 0)
		return -1;
	evidence = ratls_subject_evidence(&subject);
	return evidence.report.data ? snp_read_needs(subject.value, ret, err)
				    : needs_of_quote(evidence.quote, ret, err);
}

static int needs_of_answer(struct attest_bytes bytes, struct attest_needs *ret, struct err *err)
{
	scoped(attest_answer_done) struct attest_answer answer = ATTEST_ANSWER_INIT;

	if (attest_answer_parse(bytes.data, bytes.size, &answer, err) < 0)
		return -1;
	return needs_of_bytes((struct attest_bytes){answer.quote.data, answer.quote.size}, ret, err);
}

/* What may stand before text (pem.h), zeros too; a quote or a report that can be read never begins like that. */
static uint8_t first_byte(struct attest_bytes bytes)
{
	for (size_t i = 0; i < bytes.size; i++)
		if (!memchr(BLANKS, bytes.data[i], sizeof(BLANKS)))
			return bytes.data[i];
	return bytes.data[0];
}

ATTEST_API int attest_needs(const struct attest_bytes *evidence, struct attest_needs *ret_needs, const char **ret_why)
{
	struct err err = ERR_INIT;
	struct attest_needs needs = {.tee = ATTEST_TEE_SGX, .ca = ""};
	int result;

	if (!ret_why)
		return -1;
	if (!evidence || !evidence->data || evidence->size == 0 || !ret_needs) {
		*ret_why = "the evidence is missing";
		return -1;
	}
	switch (first_byte(*evidence)) {
	case '{':
		result = needs_of_answer(*evidence, &needs, &err);
		break;
	case '-':
	case DER_FIRST_BYTE:
		result = needs_of_certificate(*evidence, &needs, &err);
		break;
	default:
		result = needs_of_bytes(*evidence, &needs, &err);
		break;
	}
	if (result < 0) {
		*ret_why = "the evidence cannot be read";
		return -1;
	}
	*ret_needs = needs;
	return 0;
}
