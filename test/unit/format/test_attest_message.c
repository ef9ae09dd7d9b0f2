/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "format/attest_message.h"
#include "hexbytes.h"

#define NONCE "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define REQUEST "{\"version\":1,\"nonce\":\"" NONCE "\"}"
#define ANSWER \
	"{\"version\":1,\"role\":2,\"tee\":\"sim\",\"quote\":\"cXVvdGU=\",\"depth\":2,\"index\":3," \
	"\"path\":[\"" NONCE "\",\"" NONCE "\"],\"certificate\":\"Y2VydA==\",\"ticket\":\"\"}"

static void request_goes_round(void **state)
{
	struct attest_request request;
	scoped(buf_done) struct buf text = BUF_INIT(ATTEST_REQUEST_SIZE_MAX);
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(attest_request_parse(REQUEST, strlen(REQUEST), &request, &err), &err);
	assert_hex_equal(request.nonce, 32, NONCE);
	assert_ok(attest_request_format(&request, &text, &err), &err);
	assert_string_equal(buf_text(&text), REQUEST);
}

static void assert_request_fault(const char *text, const char *fault, const char *wanted)
{
	struct attest_request request;
	struct err err = ERR_INIT;

	assert_int_equal(attest_request_parse(text, strlen(text), &request, &err), -1);
	assert_string_equal(attest_message_fault(&err), fault);
	if (strncmp(err.text, fault, strlen(fault)) != 0 || !strstr(err.text, wanted))
		fail_msg("'%s' is not '%s: …%s…'", err.text, fault, wanted);
}

static void bad_requests_are_told_apart(void **state)
{
	static char longest[ATTEST_REQUEST_SIZE_MAX + 2];

	(void)state;
	assert_request_fault("", "attest-malformed", "");
	assert_request_fault("{}", "attest-malformed", "'version' is missing");
	assert_request_fault("[1]", "attest-malformed", "no JSON object");
	assert_request_fault("{\"version\":2}", "attest-version", "version 2, expected 1");
	assert_request_fault("{\"version\":2,\"other\":{}}", "attest-version", "version 2");
	assert_request_fault("{\"version\":\"1\",\"nonce\":\"" NONCE "\"}", "attest-malformed", "expected an integer");
	assert_request_fault("{\"version\":1}", "attest-malformed", "'nonce' is missing");
	assert_request_fault("{\"version\":1,\"nonce\":\"00\"}", "attest-malformed", "2 hex digits, expected 64");
	assert_request_fault("{\"version\":1,\"nonce\":\"" NONCE "00\"}", "attest-malformed", "66 bytes");
	assert_request_fault("{\"version\":1,\"nonce\":\"" NONCE "\",\"x\":1}", "attest-malformed",
			     "unknown member 'x'");
	assert_request_fault("{\"version\":1,\"version\":1,\"nonce\":\"" NONCE "\"}", "attest-malformed", "duplicate");
	assert_request_fault("{\"version\":1,\"nonce\":\"" NONCE "\"}x", "attest-malformed", "");
	assert_request_fault("{\"version\":1,\"nonce\":[[\"" NONCE "\"]]}", "attest-malformed", "nested deeper");
	(void)snprintf(longest, sizeof(longest), "%-*s", ATTEST_REQUEST_SIZE_MAX + 1, REQUEST);
	assert_request_fault(longest, "attest-malformed", "1025 bytes, the maximum is 1024");
}

static void a_request_of_the_most_bytes_is_read(void **state)
{
	static char longest[ATTEST_REQUEST_SIZE_MAX + 1];
	struct attest_request request;
	struct err err = ERR_INIT;

	(void)state;
	(void)snprintf(longest, sizeof(longest), "%-*s", ATTEST_REQUEST_SIZE_MAX, REQUEST);
	assert_ok(attest_request_parse(longest, strlen(longest), &request, &err), &err);
}

static void answer_goes_round(void **state)
{
	scoped(attest_answer_done) struct attest_answer answer = ATTEST_ANSWER_INIT;
	scoped(buf_done) struct buf text = BUF_INIT(ATTEST_ANSWER_SIZE_MAX);
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(attest_answer_parse(ANSWER, strlen(ANSWER), &answer, &err), &err);
	assert_int_equal(answer.role, ATTEST_ROLE_APPLICATION);
	assert_int_equal(answer.tee, MESSAGE_TEE_SIM);
	assert_string_equal(buf_text(&answer.quote), "quote");
	assert_string_equal(buf_text(&answer.certificate), "cert");
	assert_int_equal(answer.ticket.size, 0);
	assert_int_equal(answer.depth, 2);
	assert_int_equal(answer.index, 3);
	assert_int_equal(answer.path_count, 2);
	assert_hex_equal(answer.path[1], 32, NONCE);
	assert_ok(attest_answer_format(&answer, &text, &err), &err);
	assert_string_equal(buf_text(&text), ANSWER);
}

static void assert_answer_fault(const char *text, size_t size, const char *fault, const char *wanted)
{
	scoped(attest_answer_done) struct attest_answer answer = ATTEST_ANSWER_INIT;
	struct err err = ERR_INIT;

	assert_int_equal(attest_answer_parse(text, size, &answer, &err), -1);
	assert_string_equal(attest_message_fault(&err), fault);
	if (strncmp(err.text, fault, strlen(fault)) != 0 || !strstr(err.text, wanted))
		fail_msg("'%s' is not '%s: …%s…'", err.text, fault, wanted);
	assert_null(answer.quote.data);
}

/* Replaces the first `from` of the valid answer. */
static void assert_answer_fault_with(const char *from, const char *to, const char *fault, const char *wanted)
{
	static char text[ATTEST_ANSWER_SIZE_MAX];
	const char *at = strstr(ANSWER, from);

	assert_non_null(at);
	(void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - ANSWER), ANSWER, to, at + strlen(from));
	assert_answer_fault(text, strlen(text), fault, wanted);
}

static void bad_answers_are_told_apart(void **state)
{
	(void)state;
	for (size_t size = 0; size < strlen(ANSWER); size++)
		assert_answer_fault(ANSWER, size, "attest-malformed", "");
	assert_answer_fault_with("\"version\":1", "\"version\":2", "attest-version", "version 2");
	assert_answer_fault_with("\"role\":2", "\"role\":256", "attest-malformed", "'role' is 256");
	assert_answer_fault_with("\"role\":2", "\"role\":\"2\"", "attest-malformed", "expected an integer");
	assert_answer_fault_with("\"sim\"", "\"SIM\"", "attest-malformed", "'tee' is 'SIM'");
	assert_answer_fault_with("\"depth\":2", "\"depth\":-1", "attest-malformed", "'depth' is -1");
	assert_answer_fault_with("\"index\":3", "\"index\":4294967296", "attest-malformed", "'index' is 4294967296");
	assert_answer_fault_with("cXVvdGU=", "cXVvdGU", "attest-malformed", "member 'quote': ");
	assert_answer_fault_with("cXVvdGU=", "", "attest-malformed", "'quote' is empty");
	assert_answer_fault_with("Y2VydA==", "", "attest-malformed", "'certificate' is empty");
	assert_answer_fault_with("Y2VydA==", "Y2VydB==", "attest-malformed", "member 'certificate': unused bits");
	assert_answer_fault_with("\"" NONCE "\",", "1,", "attest-malformed", "element 0 of 'path' is no text");
	assert_answer_fault_with("\"" NONCE "\",", "\"0\",", "attest-malformed", "element 0 of 'path': 1 hex");
	assert_answer_fault_with("\"ticket\":\"\"", "\"ticket\":null", "attest-malformed", "expected a text");
	assert_answer_fault_with(",\"ticket\":\"\"", "", "attest-malformed", "'ticket' is missing");
	assert_answer_fault_with("\"role\":2", "\"role\":2,\"role\":2", "attest-malformed", "duplicate");
}

/* What only the verifier may judge must come through, so that it gets its own name. */
static void wrong_proofs_are_not_this_layers_business(void **state)
{
	static char text[ATTEST_ANSWER_SIZE_MAX];
	struct attest_answer answer = ATTEST_ANSWER_INIT;
	struct err err = ERR_INIT;
	int size;

	(void)state;
	size = snprintf(text, sizeof(text),
			"{\"version\":1,\"role\":3,\"tee\":\"sgx\",\"quote\":\"AA==\",\"depth\":11,"
			"\"index\":4000000000,\"path\":[");
	for (int i = 0; i < ATTEST_PATH_COUNT_MAX; i++)
		size += snprintf(text + size, sizeof(text) - (size_t)size, "%s\"" NONCE "\"", i ? "," : "");
	(void)snprintf(text + size, sizeof(text) - (size_t)size, "],\"certificate\":\"AA==\",\"ticket\":\"AA==\"}");
	assert_ok(attest_answer_parse(text, strlen(text), &answer, &err), &err);
	assert_int_equal(answer.role, 3);
	assert_int_equal(answer.depth, 11);
	assert_int_equal(answer.index, 4000000000);
	assert_int_equal(answer.path_count, ATTEST_PATH_COUNT_MAX);
	attest_answer_done(&answer);
	(void)snprintf(text + size, sizeof(text) - (size_t)size,
		       ",\"" NONCE "\"],\"certificate\":\"AA==\",\"ticket\":\"\"}");
	assert_answer_fault(text, strlen(text), "attest-malformed", "33 elements, the maximum is 32");
}

static void sizes_have_limits(void **state)
{
	static uint8_t bytes[ATTEST_CERTIFICATE_SIZE_MAX + 1];
	scoped(attest_answer_done) struct attest_answer answer = ATTEST_ANSWER_INIT;
	scoped(attest_answer_done) struct attest_answer again = ATTEST_ANSWER_INIT;
	scoped(buf_done) struct buf text = BUF_INIT(2 * ATTEST_ANSWER_SIZE_MAX);
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(buf_add(&answer.certificate, bytes, ATTEST_CERTIFICATE_SIZE_MAX, &err), &err);
	assert_ok(buf_add(&answer.quote, bytes, ATTEST_QUOTE_SIZE_MAX / 2, &err), &err);
	assert_ok(attest_answer_format(&answer, &text, &err), &err);
	assert_ok(attest_answer_parse(text.data, text.size, &again, &err), &err);
	answer.quote.max = ATTEST_ANSWER_SIZE_MAX;
	assert_ok(buf_add(&answer.quote, bytes, ATTEST_QUOTE_SIZE_MAX, &err), &err);
	assert_fails(attest_answer_format(&answer, &text, &err), &err, ERR_LIMIT, "more than 131072");
	while (text.size <= ATTEST_ANSWER_SIZE_MAX)
		assert_ok(buf_add_byte(&text, ' ', &err), &err);
	assert_answer_fault(buf_text(&text), text.size, "attest-malformed", "131073 bytes, the maximum is 131072");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(request_goes_round),
	    cmocka_unit_test(bad_requests_are_told_apart),
	    cmocka_unit_test(a_request_of_the_most_bytes_is_read),
	    cmocka_unit_test(answer_goes_round),
	    cmocka_unit_test(bad_answers_are_told_apart),
	    cmocka_unit_test(wrong_proofs_are_not_this_layers_business),
	    cmocka_unit_test(sizes_have_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
