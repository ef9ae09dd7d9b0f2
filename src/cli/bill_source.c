/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bill_source.h"

#include <stdio.h>
#include <string.h>

#include "cli/bill_cache.h"
#include "cli/publisher_store.h"
#include "format/hex.h"
#include "format/uri.h"
#include "net/curl_client.h"

#define DIFFERENCES_MAX 5

/* Everything that may speak for a bill. */
struct search {
	struct publishers publishers;
	struct bill *here; /* NULL: not_here says why */
	uint8_t here_digest[32];
	struct err not_here;
	struct bill_signature signature;
	bool is_signed;
};

static void search_done(struct search *search)
{
	bill_free(search->here);
}

static int search_init(struct search *search, const struct settings *settings, struct out *out, const char *image,
		       const char *program, struct err *err)
{
	if (publishers_load(settings, &search->publishers, err) < 0)
		return -1;
	if (bill_recompute(settings, out, image, program, &search->here, search->here_digest, &search->not_here) == 0)
		return 0;
	if (search->not_here.code != ERR_CANCELLED)
		return 0;
	*err = search->not_here;
	return -1;
}

/*
 * 1 and the body of URL/images/IMAGE/NAME, 0 if there is none. The connection is not checked: what comes is believed
 * for its digest or its signature, never for where it came from.
 */
static int fetch(const struct bill_wanted *wanted, const char *name, struct buf *ret, struct err *err)
{
	const struct curl_client_options options = {.insecure = true};
	scoped(curl_client_freep) struct curl_client *client = NULL;
	scoped(buf_done) struct buf url = BUF_INIT(URI_TEXT_MAX);
	struct curl_response response = CURL_RESPONSE_INIT;
	int status;

	if (buf_addf(&url, err, "%s/images/", wanted->cloud_url) < 0 ||
	    uri_encode(wanted->image, strlen(wanted->image), &url, err) < 0 || buf_addf(&url, err, "/%s", name) < 0 ||
	    curl_client_new(&options, &client, err) < 0)
		return -1;
	status = curl_client_request(client, &(struct curl_request){.url = buf_text(&url), .response_max = ret->max},
				     &response, err);
	if (status == 0 && response.status != 200 && response.status != 404)
		status = err_set(err, ERR_UNAVAILABLE, "HTTP status %d", response.status);
	else if (status == 0 && response.status == 200)
		status = buf_add(ret, response.body.data, response.body.size, err) < 0 ? -1 : 1;
	curl_response_done(&response);
	return status < 0 ? err_prefix(err, "%s", buf_text(&url)) : status;
}

static int fetch_signature(const struct bill_wanted *wanted, struct search *search, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(BILL_SIGNATURE_TEXT_MAX);
	const int found = fetch(wanted, "bill.sig", &text, err);

	if (found <= 0)
		return found;
	if (bill_signature_parse(text.data, text.size, &search->signature, err) < 0)
		return err_prefix(err, "%s: bill.sig of %s", wanted->cloud_url, wanted->image);
	search->is_signed = true;
	return 0;
}

static int fetch_bill(const struct bill_wanted *wanted, struct bill **ret_bill, uint8_t ret_digest[static 32],
		      struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(BILL_TEXT_MAX);
	const int found = fetch(wanted, "bill", &text, err);

	if (found == 0)
		return err_set(err, ERR_NOT_FOUND, "%s has no bill of %s", wanted->cloud_url, wanted->image);
	if (found < 0)
		return -1;
	bill_digest(text.data, text.size, ret_digest);
	if (wanted->pinned && memcmp(ret_digest, wanted->pinned, 32) != 0)
		return err_set(err, ERR_UNTRUSTED, "%s has another bill of %s than the pinned one", wanted->cloud_url,
			       wanted->image);
	if (bill_parse(text.data, text.size, ret_bill, err) < 0)
		return err_prefix(err, "%s: bill of %s", wanted->cloud_url, wanted->image);
	if (strcmp((*ret_bill)->image, wanted->image) == 0)
		return 0;
	bill_freep(ret_bill);
	return err_set(err, ERR_UNTRUSTED, "%s: that is no bill of %s", wanted->cloud_url, wanted->image);
}

/* Adds which files are not as they are here, or why nothing can be made here. */
static int refuse(const struct search *search, const struct bill *bill, struct err *err)
{
	scoped(buf_done) struct buf lines = BUF_INIT(ERR_TEXT_SIZE);
	const struct err why = *err;
	struct err full = ERR_INIT;

	if (!search->here)
		return err_set(err, ERR_UNTRUSTED, "%s; it cannot be made here: %s", why.text, search->not_here.text);
	IGNORE_RESULT(bill_diff(search->here, bill, DIFFERENCES_MAX, &lines, &full) < 0);
	return err_set(err, ERR_UNTRUSTED, "%s; compared with what this machine's packages make:%s", why.text,
		       lines.size ? buf_text(&lines) : " the same");
}

static int judge(const struct search *search, const struct bill *bill, const uint8_t digest[static 32],
		 const uint8_t *pinned, struct bill_belief *ret, struct err *err)
{
	const struct bill_grounds grounds = {
	    .pinned = pinned,
	    .recomputed = search->here ? search->here_digest : NULL,
	    .signature = search->is_signed ? &search->signature : NULL,
	    .publishers = search->publishers.keys,
	    .publisher_count = search->publishers.count,
	};
	struct bill_belief belief = {.trust = BILL_TRUST_PINNED};

	memcpy(belief.digest, digest, sizeof(belief.digest));
	if (bill_trust_check(digest, &grounds, &belief.trust, err) < 0)
		return refuse(search, bill, err);
	if (belief.trust == BILL_TRUST_SIGNED)
		memcpy(belief.publisher, search->signature.key, sizeof(belief.publisher));
	*ret = belief;
	return 0;
}

static int get(const struct bill_wanted *wanted, struct search *search, struct bill **ret_bill,
	       struct bill_belief *ret_belief, struct err *err)
{
	const bool is_here = search->here && (!wanted->pinned || memcmp(search->here_digest, wanted->pinned, 32) == 0);
	scoped(bill_freep) struct bill *theirs = NULL;
	uint8_t digest[32];

	if (wanted->cloud_url && search->publishers.count && fetch_signature(wanted, search, err) < 0)
		return err_prefix(err, "bill-untrusted");
	/* Unless pinned the cloud's own bill is what will run. */
	if (wanted->cloud_url && (!wanted->pinned || !is_here)) {
		if (fetch_bill(wanted, &theirs, digest, err) < 0)
			return err_prefix(err, "bill-untrusted");
		if (judge(search, theirs, digest, wanted->pinned, ret_belief, err) < 0)
			return -1;
		*ret_bill = TAKE_PTR(theirs);
		return 0;
	}
	if (!search->here)
		return err_set(err, ERR_UNTRUSTED, "bill-untrusted: %s", search->not_here.text);
	if (!is_here)
		return err_set(err, ERR_UNTRUSTED,
			       "bill-untrusted: the bill of %s made here is not the pinned one, and no cloud is known "
			       "to fetch that from",
			       wanted->image);
	if (judge(search, search->here, search->here_digest, wanted->pinned, ret_belief, err) < 0)
		return -1;
	*ret_bill = TAKE_PTR(search->here);
	return 0;
}

int bill_source_get(const struct settings *settings, struct out *out, const struct bill_wanted *wanted,
		    struct bill **ret_bill, struct bill_belief *ret_belief, struct err *err)
{
	scoped(search_done) struct search search = {.not_here = ERR_INIT};

	if (search_init(&search, settings, out, wanted->image, NULL, err) < 0)
		return -1;
	return get(wanted, &search, ret_bill, ret_belief, err);
}

int bill_source_judge(const struct settings *settings, struct out *out, const struct bill *bill,
		      const uint8_t digest[static 32], const struct bill_signature *signature, const char *program,
		      struct bill_belief *ret_belief, struct err *err)
{
	scoped(search_done) struct search search = {.not_here = ERR_INIT};

	if (search_init(&search, settings, out, bill->image, program, err) < 0)
		return -1;
	if (signature) {
		search.signature = *signature;
		search.is_signed = true;
	}
	return judge(&search, bill, digest, NULL, ret_belief, err);
}

void bill_belief_text(const struct bill_belief *belief, char ret[static BILL_BELIEF_TEXT_SIZE])
{
	char key[HEX_TEXT_SIZE(sizeof(belief->publisher))];

	switch (belief->trust) {
	case BILL_TRUST_SIGNED:
		hex_encode(belief->publisher, sizeof(belief->publisher), key);
		(void)snprintf(ret, BILL_BELIEF_TEXT_SIZE, "signed by publisher %s (rule a)", key);
		return;
	case BILL_TRUST_RECOMPUTED:
		(void)snprintf(ret, BILL_BELIEF_TEXT_SIZE, "recomputed here (rule b)");
		return;
	case BILL_TRUST_PINNED:
		(void)snprintf(ret, BILL_BELIEF_TEXT_SIZE, "pinned in the context (rule c)");
		return;
	}
}

void bill_belief_json(const struct bill_belief *belief, json_t *object)
{
	char key[HEX_TEXT_SIZE(sizeof(belief->publisher))];

	(void)json_object_set_new(object, "bill", json_string(bill_trust_text(belief->trust)));
	if (belief->trust != BILL_TRUST_SIGNED)
		return;
	hex_encode(belief->publisher, sizeof(belief->publisher), key);
	(void)json_object_set_new(object, "bill_publisher", json_string(key));
}
