/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mse attest fresh: does a connection to this host end, now, in that code and that instance (attested-channel.md
 * section 4)? --save keeps what the verdict was made of; --from judges it again, later and without network.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/attest_evidence.h"
#include "cli/attest_expect.h"
#include "cli/attest_options.h"
#include "cli/attest_report.h"
#include "cli/bundle_file.h"
#include "cli/channel.h"
#include "format/attest_message.h"
#include "format/hex.h"
#include "format/uri.h"

#define FILE_MODE 0600

struct fresh {
	struct cmd_call *call;
	struct attest_options options;
	struct hostport address;
	char domain[URI_HOST_MAX + 1];
	uint8_t role;
	struct attest_expect expect;
	struct bundle bundle; /* the exchange: made, or loaded */
	bool intact;
};

/* ------------------------------------------------------------------------------------------------ a live one */

static int load_live(struct fresh *fresh, const char *host, struct err *err)
{
	struct cmd_call *call = fresh->call;

	if (cmd_has(call, "time"))
		return err_set(err, ERR_INVALID, "--time goes with --from: a connection is judged now");
	if (!cmd_has(call, "role"))
		return err_set(err, ERR_INVALID,
			       "option '--role' is missing: 1 (it waits for its keys) or 2 (the application)");
	if (hostport_parse(host, HTTPS_PORT, &fresh->address, err) < 0)
		return err_prefix(err, "--host");
	if (evidence_domain(call, &fresh->address, fresh->domain, err) < 0 ||
	    attest_expect_load(call, fresh->domain, INT64_MAX, &fresh->options, &fresh->expect, err) < 0)
		return -1;
	return attest_options_guess(call, fresh->domain, &fresh->options, err);
}

static int save(struct fresh *fresh, const struct channel_record *record, const char *path, struct err *err)
{
	struct bundle *bundle = &fresh->bundle;
	struct bundle_exchange *exchange = &bundle->exchange;
	scoped(buf_done) struct buf host = BUF_INIT(BUNDLE_HOST_SIZE);
	const struct attest_options *options = &fresh->options;
	scoped(collateral_loan_freep) struct collateral_loan *loan = NULL;

	bundle->made = clock_now_seconds();
	bundle->kind = BUNDLE_EXCHANGE;
	exchange->role = fresh->role;
	exchange->asked = record->asked;
	exchange->elapsed_ms = record->elapsed_ms;
	memcpy(exchange->nonce, record->nonce, sizeof(exchange->nonce));
	memcpy(exchange->exporter, record->exporter, sizeof(exchange->exporter));
	memcpy(exchange->tls_key, record->tls_key, sizeof(exchange->tls_key));
	(void)snprintf(exchange->domain, sizeof(exchange->domain), "%s", fresh->domain);
	if (hostport_format(&fresh->address, 0, &host, err) < 0 ||
	    buf_add(&bundle->evidence, record->answer.data, record->answer.size, err) < 0 ||
	    collateral_source_get(options->collateral, &options->roots, &options->policy, record->answer.data,
				  record->answer.size, &loan, err) < 0)
		return -1;
	(void)snprintf(exchange->host, sizeof(exchange->host), "%s", buf_text(&host));
	for (enum collateral_item item = 0; item < COLLATERAL_ITEM_COUNT; item++) {
		const struct buf *bytes = &collateral_loan_items(loan)->items[item];

		if (buf_add(&bundle->collateral.items[item], bytes->data, bytes->size, err) < 0)
			return -1;
	}
	return bundle_file_save(path, bundle, FILE_MODE, err);
}

/* 1: saved, 0: nothing to be saved. */
static int save_if_asked(struct fresh *fresh, const struct channel_record *record, const char *path, struct err *err)
{
	if (!path)
		return 0;
	if (record->answer.size == 0) {
		out_warning(fresh->call->out, "There was no answer: nothing has been saved at %s", path);
		return 0;
	}
	if (save(fresh, record, path, err) < 0)
		return err_prefix(err, "--save");
	out_info(fresh->call->out, "The exchange has been saved at: %s", path);
	return 1;
}

/* A file that cannot be written hides no verdict, and makes no refusal anything else. */
static int finish_live(struct fresh *fresh, const struct channel_record *record, const struct attest_verdict *verdict,
		       struct err *err)
{
	const char *path = cmd_value(fresh->call, "save");
	struct err unsaved = ERR_INIT;
	const int saved = save_if_asked(fresh, record, path, &unsaved);

	if (attest_report(fresh->call, verdict, fresh->options.collateral,
			  json_pack("{s:s,s:s?}", "domain", fresh->domain, "saved", saved > 0 ? path : NULL), err) < 0)
		return -1;
	if (saved >= 0)
		return 0;
	if (verdict->accepted) {
		*err = unsaved;
		return -1;
	}
	out_error(fresh->call->out, "%s", unsaved.text);
	return 0;
}

static int run_live(struct fresh *fresh, const char *host, struct err *err)
{
	struct channel_record record = {.answer = BUF_INIT(ATTEST_ANSWER_SIZE_MAX)};
	scoped(channel_closep) struct channel *channel = NULL;
	scoped(attest_verdict_freep) struct attest_verdict *verdict = NULL;
	struct err failed = ERR_INIT;
	int status = load_live(fresh, host, err);

	if (status < 0)
		return -1;
	const struct channel_expect expect = {
	    .host = fresh->address.host,
	    .port = fresh->address.port,
	    .sni = cmd_has(fresh->call, "servername") ? fresh->domain : NULL,
	    .role = fresh->role,
	    .instance = &fresh->expect.instance,
	    .owner_key = attest_expect_owner_key(&fresh->expect),
	    .identity = attest_expect_identity(&fresh->expect),
	    .tickets_from = fresh->expect.tickets_from,
	    .deployed_seen = fresh->expect.deployed_seen,
	    .collateral = fresh->options.collateral,
	    .policy = &fresh->options.policy,
	    .roots = &fresh->options.roots,
	    .record = &record,
	};
	if (channel_open(&expect, &channel, &verdict, &failed) < 0 && !verdict)
		verdict = attest_report_of_connection(&failed, clock_now_seconds());
	if (verdict)
		status = finish_live(fresh, &record, verdict, err);
	else
		status = -1, *err = failed;
	buf_done(&record.answer);
	return status;
}

/* ------------------------------------------------------------------------------------------------ a saved one */

static int load_saved(struct fresh *fresh, const char *path, struct err *err)
{
	struct cmd_call *call = fresh->call;
	struct attest_options *options = &fresh->options;
	const struct bundle *bundle = &fresh->bundle;

	if (cmd_has(call, "servername") || cmd_has(call, "save"))
		return err_set(err, ERR_INVALID, "--servername and --save go with --host");
	if (bundle_file_load(path, &fresh->bundle, &fresh->intact, err) < 0)
		return err_prefix(err, "--from");
	if (bundle->kind != BUNDLE_EXCHANGE)
		return err_set(err, ERR_INVALID,
			       "'%s' is a bundle, no saved exchange: see 'mse attest verify --bundle'", path);
	if (!cmd_has(call, "role"))
		fresh->role = bundle->exchange.role;
	(void)snprintf(fresh->domain, sizeof(fresh->domain), "%s", bundle->exchange.domain);
	if (!options->has_time)
		options->time = bundle->exchange.asked;
	if (attest_expect_load(call, fresh->domain, options->time, options, &fresh->expect, err) < 0)
		return -1;
	if (cmd_has(call, "collateral") || cmd_has(call, "pccs"))
		return 0;
	/* what the environment names is no reason to ask a network */
	collateral_source_free(options->collateral);
	options->collateral = NULL;
	return collateral_source_new_given(&fresh->bundle.collateral, &options->collateral, err);
}

static int judge_saved(const struct fresh *fresh, struct attest_verdict **ret_verdict, struct err *err)
{
	const struct attest_options *options = &fresh->options;
	const struct bundle_exchange *exchange = &fresh->bundle.exchange;
	const struct buf *answer = &fresh->bundle.evidence;
	const struct attest_fresh question = {
	    .answer = {answer->data, answer->size},
	    .nonce = exchange->nonce,
	    .exporter = exchange->exporter,
	    .tls_key = exchange->tls_key,
	    .role = fresh->role,
	    .elapsed_ms = exchange->elapsed_ms,
	    .instance = &fresh->expect.instance,
	    .owner_key = attest_expect_owner_key(&fresh->expect),
	    .identity = attest_expect_identity(&fresh->expect),
	    .tickets_from = fresh->expect.tickets_from,
	    .deployed_seen = fresh->expect.deployed_seen,
	};
	scoped(collateral_loan_freep) struct collateral_loan *loan = NULL;
	const char *why = "";

	if (collateral_source_get(options->collateral, &options->roots, &options->policy, answer->data, answer->size,
				  &loan, err) < 0)
		return -1;
	if (attest_verify_fresh(&question, collateral_loan_prepared(loan), &options->roots, options->time,
				&options->policy, ret_verdict, &why) < 0)
		return err_set(err, ERR_INVALID, "the evidence cannot be judged: %s", why);
	return 0;
}

static int run_saved(struct fresh *fresh, const char *path, struct err *err)
{
	scoped(attest_verdict_freep) struct attest_verdict *verdict = NULL;
	const struct bundle_exchange *exchange = &fresh->bundle.exchange;
	char asked[CLOCK_TEXT_SIZE];

	if (load_saved(fresh, path, err) < 0 || judge_saved(fresh, &verdict, err) < 0)
		return -1;
	if (!fresh->intact)
		attest_report_refuse(verdict, "saved-file", ATTEST_ERROR_SAVED_CHANGED,
				     "the file is not what was saved: its hash does not fit");
	clock_format_utc(exchange->asked, asked);
	out_info(
	    fresh->call->out,
	    "A saved exchange with %s of %s: it says what was then, and as much as the keeper of the file is trusted",
	    exchange->host, asked);
	return attest_report(fresh->call, verdict, fresh->options.collateral,
			     json_pack("{s:s,s:s,s:s}", "domain", fresh->domain, "saved", path, "asked", asked), err);
}

static int run(struct fresh *fresh, struct err *err)
{
	struct cmd_call *call = fresh->call;
	const char *host = cmd_value(call, "host");
	const char *from = cmd_value(call, "from");

	if (!host == !from)
		return err_set(err, ERR_INVALID, "give --host or --from");
	if (attest_expect_role(call, &fresh->role, err) < 0 || attest_options_load(call, &fresh->options, err) < 0)
		return -1;
	return host ? run_live(fresh, host, err) : run_saved(fresh, from, err);
}

int cmd_attest_fresh(struct cmd_call *call, struct err *err)
{
	struct fresh fresh = {.call = call};
	int status;

	bundle_init(&fresh.bundle);
	status = run(&fresh, err);
	bundle_done(&fresh.bundle);
	attest_expect_done(&fresh.expect);
	attest_options_done(&fresh.options);
	return status;
}
