/* SPDX-License-Identifier: Apache-2.0 */
/* Reading, without believing it, which collateral evidence needs. */
#include <string.h>

#include "attest/api.h"
#include "attest/ratls.h"
#include "attest/sgx.h"
#include "format/attest_message.h"
#include "format/hex.h"

#define DER_FIRST_BYTE 0x30

static int needs_of_quote(struct attest_bytes quote, struct attest_needs *ret, struct err *err)
{
	struct sgx_subject subject = {0};

	if (sgx_subject_read(quote, &subject, err) < 0)
		return -1;
	hex_encode(subject.pck.fmspc, sizeof(subject.pck.fmspc), ret->fmspc);
	ret->ca = subject.pck.has_platform ? "platform" : "processor";
	ret->simulated = chain_has_marker(subject.chain);
	sgx_subject_done(&subject);
	return 0;
}

static int needs_of_certificate(struct attest_bytes bytes, struct attest_needs *ret, struct err *err)
{
	scoped(x509_cert_freep) struct x509_cert *cert = NULL;
	struct attest_bytes quote;

	if (trust_parse_certificate(bytes, &cert, err) < 0 || ratls_find_quote(cert, &quote, err) < 0)
		return -1;
	return needs_of_quote(quote, ret, err);
}

static int needs_of_answer(struct attest_bytes bytes, struct attest_needs *ret, struct err *err)
{
	scoped(attest_answer_done) struct attest_answer answer = ATTEST_ANSWER_INIT;

	if (attest_answer_parse(bytes.data, bytes.size, &answer, err) < 0)
		return -1;
	return needs_of_quote((struct attest_bytes){answer.quote.data, answer.quote.size}, ret, err);
}

/* A quote begins with its version, 03 00. */
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
	switch (evidence->data[0]) {
	case '{':
		result = needs_of_answer(*evidence, &needs, &err);
		break;
	case '-':
	case DER_FIRST_BYTE:
		result = needs_of_certificate(*evidence, &needs, &err);
		break;
	default:
		result = needs_of_quote(*evidence, &needs, &err);
		break;
	}
	if (result < 0) {
		*ret_why = "the evidence cannot be read";
		return -1;
	}
	*ret_needs = needs;
	return 0;
}
