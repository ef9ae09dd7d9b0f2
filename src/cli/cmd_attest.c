/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mse attest verify: evidence of anybody's enclave or virtual machine, judged by the rules of docs/formats/, as of any
 * time and without any cloud. Exit status 0 accepted, 2 refused, 1 could not be judged.
 */
#include <string.h>

#include "base/number.h"
#include "cli/attest_evidence.h"
#include "cli/attest_options.h"
#include "cli/attest_report.h"
#include "format/hex.h"

#define KEY_HASH_SIZE 32 /* at the start of an RA-TLS certificate's REPORTDATA */

struct question {
	struct evidence evidence;
	struct attest_options options;
	uint8_t report_data[ATTEST_REPORT_DATA_SIZE];
	bool any_report_data, has_report_data;
	int64_t age_max_s; /* 0: any */
};

#define AGE_SECONDS_MAX (100LL * 366 * 86400)

static int read_age(const struct cmd_call *call, struct question *question, struct err *err)
{
	const char *text = cmd_value(call, "max-age");

	if (!text)
		return 0;
	if (question->evidence.kind != EVIDENCE_RATLS)
		return err_set(err, ERR_INVALID,
			       "--max-age goes with --ratls and --host: a quote or report has no age");
	if (number_parse_i64(text, 1, AGE_SECONDS_MAX, &question->age_max_s, err) < 0)
		return err_prefix(err, "--max-age (seconds)");
	return 0;
}

/*
 * A bare quote or report is bound by what its asker asked for. An RA-TLS certificate is bound by its own key in any
 * case: the option then speaks of the 32 bytes after the key's hash, where some makers put data of their own.
 */
static int read_report_data(const struct cmd_call *call, struct question *question, struct err *err)
{
	const char *text = cmd_value(call, "report-data");

	if (!text && question->evidence.kind == EVIDENCE_RATLS)
		return 0;
	if (!text)
		return err_set(
		    err, ERR_INVALID,
		    "option '--report-data' is missing: 64 bytes in hex that the evidence must be bound to, or "
		    "'any', which proves nothing about who asked for it");
	question->any_report_data = strcmp(text, "any") == 0;
	question->has_report_data = !question->any_report_data;
	if (question->has_report_data &&
	    hex_decode(text, strlen(text), question->report_data, sizeof(question->report_data), err) < 0)
		return err_prefix(err, "--report-data (64 bytes)");
	return 0;
}

static struct attest_bytes bytes_of(const struct buf *buf)
{
	return (struct attest_bytes){(const uint8_t *)buf_text(buf), buf->size};
}

static int judge_bare(const struct question *question, const struct attest_collateral *collateral,
		      struct attest_verdict **ret_verdict, const char **ret_why)
{
	const struct attest_options *options = &question->options;
	const struct attest_bytes bytes = bytes_of(&question->evidence.data);
	const bool is_report = question->evidence.kind == EVIDENCE_REPORT;
	const struct attest_evidence evidence = {.quote = is_report ? (struct attest_bytes){0} : bytes,
						 .report = is_report ? bytes : (struct attest_bytes){0}};
	const struct attest_bytes wanted = {question->report_data, sizeof(question->report_data)};
	const struct attest_binding binding = {.report_data =
						   question->any_report_data ? (struct attest_bytes){0} : wanted,
					       .any = question->any_report_data};

	return attest_verify(&evidence, &binding, collateral, &options->roots, options->time, &options->policy,
			     ret_verdict, ret_why);
}

/* Of a server: an instance document must name it. */
static int judge_instance(const struct question *question, const struct attest_collateral *collateral,
			  struct attest_verdict **ret_verdict, const char **ret_why)
{
	const struct attest_options *options = &question->options;
	const struct attest_instance_expected instance = {.domain = question->evidence.domain};
	const struct attest_ratls ratls = {
	    .certificate = bytes_of(&question->evidence.data),
	    .instance = &instance,
	    .role = ATTEST_ROLE_CONFIGURATION, /* the handshake's key is the certificate's in any TLS mode */
	    .tls_key = question->evidence.tls_key,
	};

	if (attest_verify_ratls(&ratls, collateral, &options->roots, options->time, &options->policy, ret_verdict,
				ret_why) < 0)
		return -1;
	(*ret_verdict)->role = 0; /* a certificate does not say what the enclave is doing */
	if (question->any_report_data)
		attest_report_loosened(*ret_verdict, "report-data-extra",
				       "bytes 32 to 63 of REPORTDATA may be anything");
	return 0;
}

static const struct attest_expiry *find_expiry(const struct attest_verdict *verdict, const char *what)
{
	for (size_t i = 0; i < verdict->expiry_count; i++) {
		if (strcmp(verdict->expiries[i].what, what) == 0)
			return &verdict->expiries[i];
	}
	return NULL;
}

/* The age is looked at by the first of the two judgements only, which also says what no nonce means. */
static void carry_age(const struct question *question, const struct attest_verdict *from, struct attest_verdict *to)
{
	const struct attest_check *age = from->checks;
	const struct attest_expiry *expiry = find_expiry(from, "certificate-age");

	if (!*to->warning)
		memcpy(to->warning, from->warning, sizeof(to->warning));
	if (expiry && to->expiry_count < ATTEST_EXPIRIES_MAX)
		to->expiries[to->expiry_count++] = *expiry;
	while (age < from->checks + from->check_count && strcmp(age->name, "age") != 0)
		age++;
	if (question->age_max_s == 0 || age == from->checks + from->check_count)
		return;
	if (age->result == ATTEST_FAILED)
		attest_report_refuse(to, age->name, age->error, age->text);
	else if (to->check_count < ATTEST_CHECKS_MAX)
		to->checks[to->check_count++] = *age;
	if (from->valid_until < to->valid_until)
		to->valid_until = from->valid_until;
}

static int judge_ratls(const struct question *question, const struct attest_collateral *collateral,
		       struct attest_verdict **ret_verdict, const char **ret_why)
{
	const struct attest_options *options = &question->options;
	const struct evidence *evidence = &question->evidence;
	const struct attest_certificate certificate = {
	    .certificate = bytes_of(&evidence->data),
	    .tls_key = evidence->is_live ? evidence->tls_key : NULL,
	    .extra = question->has_report_data
			 ? (struct attest_bytes){question->report_data + KEY_HASH_SIZE, KEY_HASH_SIZE}
			 : (struct attest_bytes){0},
	    .any_extra = question->any_report_data,
	    .age_max_s = question->age_max_s,
	};
	scoped(attest_verdict_freep) struct attest_verdict *verdict = NULL;

	if (attest_verify_certificate(&certificate, collateral, &options->roots, options->time, &options->policy,
				      &verdict, ret_why) < 0)
		return -1;
	if (!evidence->is_live || !verdict->has_instance) {
		*ret_verdict = TAKE_PTR(verdict);
		return 0;
	}
	if (judge_instance(question, collateral, ret_verdict, ret_why) < 0)
		return -1;
	carry_age(question, verdict, *ret_verdict);
	return 0;
}

/* The key's hash was judged; that it is the wanted one too, and what an instance's certificate has behind it, was not.
 */
static void judge_whole_binding(const struct question *question, struct attest_verdict *verdict)
{
	const struct attest_facts *facts = &verdict->facts;

	if (question->has_report_data && question->evidence.kind == EVIDENCE_RATLS && facts->parsed &&
	    memcmp(facts->report_data, question->report_data, sizeof(question->report_data)) != 0)
		attest_report_refuse(verdict, "report-data", ATTEST_ERROR_BINDING,
				     "REPORTDATA is not what --report-data says");
}

static int judge_once(struct question *question, struct attest_verdict **ret_verdict, bool *ret_again, struct err *err)
{
	const struct buf *data = &question->evidence.data;
	const struct attest_options *options = &question->options;
	scoped(collateral_loan_freep) struct collateral_loan *loan = NULL;
	const struct attest_collateral *collateral;
	const char *why = "";
	int status;

	if (collateral_source_get(options->collateral, &options->roots, &options->policy, data->data, data->size, &loan,
				  err) < 0)
		return -1;
	collateral = collateral_loan_prepared(loan);
	status = question->evidence.kind == EVIDENCE_RATLS ? judge_ratls(question, collateral, ret_verdict, &why)
							   : judge_bare(question, collateral, ret_verdict, &why);
	if (status < 0)
		return err_set(err, ERR_INVALID, "the evidence cannot be judged: %s", why);
	*ret_again = collateral_loan_again(loan, *ret_verdict);
	return 0;
}

/* The bundle's evidence, unless other is given: then only its collateral counts. */
static int take_bundle(const struct cmd_call *call, struct question *question, struct err *err)
{
	static const enum evidence_kind kinds[] = {
	    [BUNDLE_QUOTE] = EVIDENCE_QUOTE, [BUNDLE_REPORT] = EVIDENCE_REPORT, [BUNDLE_RATLS] = EVIDENCE_RATLS};
	struct attest_options *options = &question->options;

	if (!options->has_bundle)
		return err_set(err, ERR_INVALID, "no evidence: give --quote, --report, --ratls, --host or --bundle");
	evidence_done(&question->evidence);
	question->evidence.kind = kinds[options->bundle.kind];
	question->evidence.from = cmd_value(call, "bundle");
	question->evidence.data = options->bundle.evidence;
	options->bundle.evidence = BUF_INIT(0);
	return 0;
}

/* What was refused for old collateral of the cache is judged once more with what its service has now. */
static int judge(struct question *question, struct attest_verdict **ret_verdict, struct err *err)
{
	struct attest_verdict *old;
	bool again;
	int status;

	if (judge_once(question, ret_verdict, &again, err) < 0)
		return -1;
	if (!again)
		return 0;
	old = TAKE_PTR(*ret_verdict);
	status = judge_once(question, ret_verdict, &again, err);
	attest_verdict_free(old);
	return status;
}

static int load(struct cmd_call *call, struct question *question, struct err *err)
{
	int found;

	if (attest_options_load(call, &question->options, err) < 0)
		return -1;
	found = evidence_load(call, &question->evidence, err);
	if (found < 0 || (!found && take_bundle(call, question, err) < 0) ||
	    read_report_data(call, question, err) < 0 || read_age(call, question, err) < 0)
		return -1;
	return attest_options_guess(call, question->evidence.is_live ? question->evidence.domain : NULL,
				    &question->options, err);
}

static int run(struct cmd_call *call, struct question *question, struct err *err)
{
	scoped(attest_verdict_freep) struct attest_verdict *verdict = NULL;
	struct err failed = ERR_INIT;
	const char *text_kind;

	if (load(call, question, &failed) < 0 || judge(question, &verdict, &failed) < 0) {
		verdict = attest_report_of_connection(&failed, question->options.time);
		if (verdict)
			return attest_report(call, verdict, question->options.collateral, NULL, err);
		*err = failed;
		return -1;
	}
	judge_whole_binding(question, verdict);
	text_kind = evidence_text_kind(&question->evidence);
	if (text_kind)
		out_warning(call->out, "'%s' is %s, and is judged as the bytes it is: decode it first",
			    question->evidence.from, text_kind);
	return attest_report(call, verdict, question->options.collateral, NULL, err);
}

int cmd_attest_verify(struct cmd_call *call, struct err *err)
{
	struct question question = {0};
	const int status = run(call, &question, err);

	evidence_done(&question.evidence);
	attest_options_done(&question.options);
	return status;
}
