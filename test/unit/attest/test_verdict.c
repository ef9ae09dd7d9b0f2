/* SPDX-License-Identifier: Apache-2.0 */
/* How a verdict reads: names, JSON, text; nothing of the evidence reaches a terminal unfiltered. */
#include "unit.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "attest/verdict.h"
#include "base/fs.h"
#include "test_channel.h"

static const char *text_at(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static json_t *parse(const struct attest_verdict *verdict)
{
	char *text = attest_verdict_json(verdict);
	json_t *json;

	assert_non_null(text);
	json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(json);
	free(text);
	return json;
}

static void test_accepted_json(void **state)
{
	struct test_channel channel;
	struct attest_verdict *verdict;
	json_t *json;
	const json_t *quote;

	(void)state;
	test_channel_init(&channel);
	test_channel_build(&channel);
	verdict = test_channel_fresh(&channel);
	json = parse(verdict);
	quote = json_object_get(json, "quote");
	assert_null(json_object_get(json, "notice"));
	assert_string_equal(text_at(json, "verdict"), "accept");
	assert_true(json_is_null(json_object_get(json, "error")));
	assert_true(json_is_true(json_object_get(json, "authentic")));
	assert_string_equal(text_at(json, "time"), "2025-06-15T15:06:40Z");
	assert_string_equal(text_at(json, "valid_until"), "2025-06-16T00:00:00Z");
	assert_string_equal(text_at(json, "measurement"),
			    "1111111111111111111111111111111111111111111111111111111111111111");
	assert_string_equal(text_at(quote, "tcb_status"), "UpToDate");
	assert_string_equal(text_at(quote, "fmspc"), "30606a000000");
	assert_int_equal(strlen(text_at(quote, "machine_id")), 64);
	assert_int_equal(strlen(text_at(json, "identity")), 128);
	assert_string_equal(text_at(json_object_get(json, "instance"), "tls"), "self");
	assert_string_equal(text_at(json, "deployed"), "2025-06-15T15:05:00Z");
	assert_int_equal(json_array_size(json_object_get(json, "checks")), verdict->check_count);
	assert_int_equal(json_array_size(json_object_get(json, "expiries")), verdict->expiry_count);
	json_decref(json);
	attest_verdict_free(verdict);
	test_channel_done(&channel);
}

static void test_refused_json(void **state)
{
	struct test_channel channel;
	struct attest_verdict *verdict;
	json_t *json;
	char *text;

	(void)state;
	test_channel_init(&channel);
	channel.expected.uuid = "6d6e4d2a-6f0d-4a43-9bb9-2c6f4a7f0d12";
	test_channel_build(&channel);
	verdict = test_channel_fresh(&channel);
	json = parse(verdict);
	assert_string_equal(text_at(json, "verdict"), "refuse");
	assert_string_equal(text_at(json, "error"), "instance-field:uuid");
	assert_string_equal(text_at(json, "failed_check"), "certificate.instance.uuid");
	assert_true(json_is_true(json_object_get(json, "authentic")));
	json_decref(json);
	text = attest_verdict_text(verdict);
	assert_int_equal(strncmp(text, "REFUSED: instance-field:uuid (certificate.instance.uuid: is '6d6e", 62), 0);
	assert_non_null(strstr(text, "authentic, but not acceptable"));
	assert_non_null(strstr(text, "\nFAILED  certificate.instance.uuid: instance-field: is"));
	free(text);
	attest_verdict_free(verdict);
	test_channel_done(&channel);
}

static void test_unreadable_json(void **state)
{
	struct test_evidence e;
	struct test_question question;
	struct attest_verdict *verdict;
	json_t *json;

	(void)state;
	test_evidence_init(&e);
	test_evidence_build(&e);
	test_question_init(&question, &e);
	question.quote.size = 10;
	verdict = test_judge(&question);
	assert_false(verdict->authentic);
	json = parse(verdict);
	assert_string_equal(text_at(json, "error"), "truncated");
	assert_true(json_is_null(json_object_get(json, "measurement")));
	assert_true(json_is_null(json_object_get(json, "tee")));
	assert_int_equal(json_array_size(json_object_get(json, "advisory_ids")), 0);
	assert_true(json_is_null(json_object_get(json, "valid_until")));
	json_decref(json);
	attest_verdict_free(verdict);
	test_evidence_done(&e);
}

static void test_control_characters(void **state)
{
	struct test_evidence e;
	struct test_question question;
	struct attest_verdict *verdict;
	char *text;

	(void)state;
	test_evidence_init(&e);
	test_replace(e.tcb_info_body, sizeof(e.tcb_info_body), "\"UpToDate\"", "\"\\u001b[31m\xc3\xa9\\n\"");
	test_evidence_build(&e);
	test_question_init(&question, &e);
	verdict = test_judge(&question);
	assert_string_equal(verdict->error_text, "collateral-malformed");
	text = attest_verdict_text(verdict);
	for (const char *at = text; *at; at++)
		assert_true(*at == '\n' || (*at >= 0x20 && *at <= 0x7e));
	assert_non_null(strstr(text, "'?[31m?"));
	free(text);
	attest_verdict_free(verdict);
	test_evidence_done(&e);
}

/* Every check of an accepted verdict says what it compared; every error has a name of its own. */
static void test_names(void **state)
{
	(void)state;
	for (enum attest_error i = 0; i <= ATTEST_ERROR_NOT_ATTESTABLE; i++)
		for (enum attest_error k = 0; k < i; k++)
			assert_string_not_equal(attest_error_text(i), attest_error_text(k));
	assert_string_equal(attest_error_text((enum attest_error)9999), "unknown");
	assert_string_equal(attest_tcb_status_text((enum attest_tcb_status)9999), "unknown");
	assert_true(attest_error_is_authenticity(ATTEST_ERROR_QUOTE_SIGNATURE));
	assert_false(attest_error_is_authenticity(ATTEST_ERROR_DEBUG));
	assert_false(attest_error_is_authenticity(ATTEST_ERROR_SIMULATED));
}

static void assert_documented(const struct buf *text, const char *name)
{
	char quoted[ATTEST_NAME_SIZE + 2];

	(void)snprintf(quoted, sizeof(quoted), "`%s`", name);
	if (!strstr(buf_text(text), quoted))
		fail_msg("docs/formats/verdict.md does not name %s", quoted);
}

/* docs/formats/verdict.md names every error, and every check of the longest verdict. */
static void test_documented(void **state)
{
	static const char *const PREFIXES[] = {"certificate.", "fresh."};
	const char *source = getenv("MSE_TEST_SOURCE_DIR");
	struct buf text = BUF_INIT(1u << 20);
	struct test_channel channel;
	struct attest_verdict *verdict;
	char path[512];
	struct err err = ERR_INIT;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/docs/formats/verdict.md", source ? source : ".");
	assert_ok(fs_read(path, &text, &err), &err);
	for (enum attest_error i = ATTEST_ERROR_NONE + 1; i <= ATTEST_ERROR_NOT_ATTESTABLE; i++)
		assert_documented(&text, attest_error_text(i));
	test_channel_init(&channel);
	test_channel_build(&channel);
	verdict = test_channel_fresh(&channel);
	for (size_t i = 0; i < verdict->check_count; i++) {
		const char *name = verdict->checks[i].name;

		for (size_t k = 0; k < COUNT_OF(PREFIXES); k++)
			if (strncmp(name, PREFIXES[k], strlen(PREFIXES[k])) == 0)
				name += strlen(PREFIXES[k]);
		assert_documented(&text, name);
	}
	attest_verdict_free(verdict);
	test_channel_done(&channel);
	buf_done(&text);
}

/* A verdict that could not hold all its checks, loosenings or expiries is none, and says which. */
static void test_table_limits(void **state)
{
	static const char *const LIMITS[] = {"checks", "loosenings", "expire"};
	static const size_t SIZES[] = {ATTEST_CHECKS_MAX, ATTEST_LOOSENINGS_MAX, ATTEST_EXPIRIES_MAX};

	(void)state;
	for (size_t which = 0; which < COUNT_OF(LIMITS); which++) {
		struct attest_verdict *verdict = verdict_new(TEST_TIME);
		struct judge judge = {.verdict = verdict, .prefix = ""};

		for (size_t i = 0; i <= SIZES[which]; i++) {
			assert_null(judge.limit);
			if (which == 0)
				judge_pass(&judge, "x", "y");
			else if (which == 1)
				verdict_loosened(&judge, "x", "%zu", i);
			else
				judge_expiry(&judge, "x", 0, 1);
		}
		assert_non_null(strstr(judge.limit, LIMITS[which]));
		assert_int_equal(which == 0   ? verdict->check_count
				 : which == 1 ? verdict->loosening_count
					      : verdict->expiry_count,
				 SIZES[which]);
		attest_verdict_free(verdict);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_accepted_json),   cmocka_unit_test(test_refused_json),
	    cmocka_unit_test(test_unreadable_json), cmocka_unit_test(test_control_characters),
	    cmocka_unit_test(test_names),           cmocka_unit_test(test_documented),
	    cmocka_unit_test(test_table_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
