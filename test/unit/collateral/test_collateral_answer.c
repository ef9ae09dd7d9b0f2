/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "collateral/answer.h"

#define TCB_START "{\"tcbInfo\":{\"id\":\"SGX\",\"issueDate\":\"2025-06-01T00:00:00Z\",\"nextUpdate\":\""
#define TCB_END "\",\"fmspc\":\"00606A000000\"},\"signature\":\""
#define HEX_16 "0123456789abcdef"
#define SIGNATURE HEX_16 HEX_16 HEX_16 HEX_16 HEX_16 HEX_16 HEX_16 HEX_16 "\"}"

static const struct collateral_wanted tcb = {.kind = COLLATERAL_KIND_SGX_TCB_INFO, .fmspc = "00606a000000"};

/* Without a chain nothing of this form is complete; what is wrong with the body comes first. */
static void check_wrong(const char *body, const char *part)
{
	struct collateral_answer answer = COLLATERAL_ANSWER_INIT;
	struct err err = ERR_INIT;

	assert_int_equal(collateral_answer_parse(&tcb, body, strlen(body), NULL, 0, &answer, &err), -1);
	if (!strstr(err.text, part))
		fail_msg("'%s' does not say '%s'", err.text, part);
	collateral_answer_done(&answer);
}

static void test_signed_json(void **state)
{
	(void)state;
	check_wrong(TCB_START "2025-07-01T00:00:00Z" TCB_END SIGNATURE, "no header 'TCB-Info-Issuer-Chain'");
	check_wrong(TCB_START "2025-02-30T00:00:00Z" TCB_END SIGNATURE, "nextUpdate");
	check_wrong(TCB_START "2025-07-01T00:00:00Z\",\"fmspc\":\"00606A000001\"},\"signature\":\"" SIGNATURE, "fmspc");
	check_wrong("{\"tcbInfo\":{\"id\":\"TDX\"},\"signature\":\"" SIGNATURE, "'id' is not 'SGX'");
	check_wrong("{\"tcbInfo\":{\"id\":7},\"signature\":\"" SIGNATURE, "'id' is not 'SGX'");
	check_wrong("{\"enclaveIdentity\":{},\"signature\":\"" SIGNATURE, "tcbInfo");
	check_wrong("[]", "is no SGX TCB info");
}

static void test_sizes(void **state)
{
	struct collateral_answer answer = COLLATERAL_ANSWER_INIT;
	struct err err = ERR_INIT;
	const size_t max = collateral_kind_size_max(COLLATERAL_KIND_VCEK);
	scoped(freep) char *body = calloc(1, max + 1);
	const struct collateral_wanted vcek = {.kind = COLLATERAL_KIND_VCEK};

	(void)state;
	assert_non_null(body);
	assert_int_equal(collateral_answer_parse(&vcek, body, max + 1, NULL, 0, &answer, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(collateral_answer_parse(&vcek, body, max, NULL, 0, &answer, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	collateral_answer_done(&answer);
}

static void test_retry_after(void **state)
{
	static const struct {
		const char *text;
		int found;
		int64_t seconds;
	} rows[] = {
	    {"0", 1, 0},
	    {"120", 1, 120},
	    {"31622400", 1, 31622400},
	    {"31622401", 0, 0},
	    {"-1", 0, 0},
	    {"1.5", 0, 0},
	    {" 1", 0, 0},
	    {"", 0, 0},
	    {"Sun, 06 Nov 1994 08:49:47 GMT", 1, 10},
	    {"Sun, 06 Nov 1994 08:49:37 GMT", 1, 0},
	    {"Sun, 06 Nov 1994 08:00:00 GMT", 1, 0},
	    {"Sun, 06 nov 1994 08:49:47 GMT", 0, 0},
	    {"Sun, 31 Feb 1994 08:49:47 GMT", 0, 0},
	    {"Sun, 06 Nov 1994 08:49:47 CET", 0, 0},
	    {"Sunday, 06-Nov-94 08:49:37 GMT", 0, 0},
	    {"Sun, 06 ovD 1994 08:49:47 GMT", 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int64_t seconds = 0;

		assert_int_equal(collateral_retry_after(rows[i].text, 784111777, &seconds), rows[i].found);
		if (rows[i].found)
			assert_int_equal(seconds, rows[i].seconds);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_signed_json),
	    cmocka_unit_test(test_sizes),
	    cmocka_unit_test(test_retry_after),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
