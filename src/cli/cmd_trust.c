/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mse cloud trust: the moment at which a user decides whom to believe. `add` fetches what the cloud says of itself
 * over an unchecked connection, shows the fingerprints, and keeps it only when they were confirmed (or given) and a
 * second, checked connection says the same.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/api.h"
#include "cli/cmd.h"
#include "cli/prompt.h"
#include "cli/publisher_store.h"
#include "format/hex.h"
#include "format/json.h"
#include "format/uri.h"

#define PEM_MAX (64u << 10)
#define DOMAIN_MAX 253
#define SCHEME "https://"
#define API_PREFIX "api."

static int fetch(const char *url, const char *ca, struct buf *ret, struct err *err)
{
	struct curl_client_options options = {.insecure = !ca, .ca_pem = ca, .ca_pem_size = ca ? strlen(ca) : 0};
	scoped(curl_client_freep) struct curl_client *client = NULL;
	struct curl_response response = CURL_RESPONSE_INIT;
	scoped(freep) char *full = NULL;
	int status;

	if (asprintf(&full, "%s/cloud", url) < 0)
		return err_no_memory(err);
	if (curl_client_new(&options, &client, err) < 0)
		return -1;
	status = curl_client_request(client, &(struct curl_request){.url = full}, &response, err);
	if (status < 0)
		(void)err_prefix(err, "the cloud at %s", url);
	else if (response.status != 200)
		status = err_set(err, ERR_INVALID, "%s answers with HTTP status %d: it is no cloud of MSE", full,
				 response.status);
	else
		status = buf_add(ret, response.body.data, response.body.size, err);
	curl_response_done(&response);
	return status;
}

static int copy(const json_t *answer, const char *name, size_t max, bool required, char **ret, struct err *err)
{
	const char *value = NULL;
	const int found =
	    required ? json_get_text(answer, name, max, &value, err) : json_find_text(answer, name, max, &value, err);

	if (found < 0)
		return -1;
	if (!value || !*value)
		return 0;
	*ret = strdup(value);
	return *ret ? 0 : err_no_memory(err);
}

/*
 * The simulation root of a cloud is believed for all names below its base domain, so a cloud may name none but its own:
 * its API is api.BASE.
 */
static int check_base_domain(const struct trust *trust, struct err *err)
{
	struct hostport address;

	if (hostport_parse(trust->url + strlen(SCHEME), HTTPS_PORT, &address, err) < 0)
		return -1;
	if (!trust->base_domain || strncmp(address.host, API_PREFIX, strlen(API_PREFIX)) != 0 ||
	    strcasecmp(address.host + strlen(API_PREFIX), trust->base_domain) != 0)
		return err_set(err, ERR_UNTRUSTED,
			       "base_domain is '%.64s', which is not this cloud's own: its API would be 'api.%.64s'",
			       trust->base_domain ? trust->base_domain : "",
			       trust->base_domain ? trust->base_domain : "");
	return 0;
}

static int read_answer(const char *url, const struct buf *text, struct trust *ret, struct err *err)
{
	scoped(json_decrefp) json_t *answer = NULL;
	scoped(trust_done) struct trust trust = {.url = strdup(url)};

	if (!trust.url)
		return err_no_memory(err);
	if (json_parse_strict(text->data, text->size, API_DEPTH_MAX, &answer, err) < 0 ||
	    copy(answer, "ca", PEM_MAX, true, &trust.ca, err) < 0 ||
	    copy(answer, "simulation_root", PEM_MAX, false, &trust.simulation_root, err) < 0 ||
	    copy(answer, "base_domain", DOMAIN_MAX, true, &trust.base_domain, err) < 0 ||
	    copy(answer, "auth", DOMAIN_MAX + 16, false, &trust.auth, err) < 0 || check_base_domain(&trust, err) < 0 ||
	    trust_fingerprint(trust.ca, &trust.ca_sha256, err) < 0 ||
	    (trust.simulation_root && trust_fingerprint(trust.simulation_root, &trust.simulation_root_sha256, err) < 0))
		return err_prefix(err, "%s/cloud", url);
	*ret = trust;
	trust = (struct trust){0};
	return 0;
}

/* Fingerprints are also written with colons and in capitals. */
static bool same_fingerprint(const char *wanted, const char *seen)
{
	for (; *wanted; wanted++) {
		if (*wanted == ':' || *wanted == ' ')
			continue;
		if (tolower((unsigned char)*wanted) != *seen++)
			return false;
	}
	return *seen == '\0';
}

static int confirm(struct cmd_call *call, const struct trust *trust, struct err *err)
{
	const char *wanted = cmd_value(call, "fingerprint");

	if (wanted)
		return same_fingerprint(wanted, trust->ca_sha256)
			   ? 0
			   : err_set(err, ERR_UNTRUSTED, "%s shows a CA with fingerprint %s, expected %s", trust->url,
				     trust->ca_sha256, wanted);
	out_info(call->out, "Cloud            %s (apps below %s)", trust->url, trust->base_domain);
	out_info(call->out, "CA               %s", trust->ca_sha256);
	out_info(call->out, "Simulation root  %s",
		 trust->simulation_root_sha256 ? trust->simulation_root_sha256 : "none");
	if (cmd_has(call, "yes"))
		return 0;
	if (!prompt_is_possible())
		return err_set(err, ERR_CANCELLED, "nobody can be asked: use --fingerprint %s if that is right, or -y",
			       trust->ca_sha256);
	return prompt_agree(call->out, "Compare both with what the operator told you. Trust this cloud?", err);
}

int cmd_trust_add(struct cmd_call *call, struct err *err)
{
	scoped(buf_done) struct buf unchecked = BUF_INIT(API_ANSWER_MAX);
	scoped(buf_done) struct buf checked = BUF_INIT(API_ANSWER_MAX);
	scoped(trust_done) struct trust trust = {0};
	scoped(trust_done) struct trust again = {0};
	scoped(freep) char *url = NULL;

	if (trust_normalize_url(call->args[0], &url, err) < 0 || fetch(url, NULL, &unchecked, err) < 0 ||
	    read_answer(url, &unchecked, &trust, err) < 0 || confirm(call, &trust, err) < 0 ||
	    fetch(url, trust.ca, &checked, err) < 0 || read_answer(url, &checked, &again, err) < 0)
		return -1;
	if (strcmp(again.ca_sha256, trust.ca_sha256) != 0 ||
	    strcmp(again.simulation_root_sha256 ? again.simulation_root_sha256 : "",
		   trust.simulation_root_sha256 ? trust.simulation_root_sha256 : "") != 0)
		return err_set(err, ERR_UNTRUSTED, "%s said something else over the checked connection", url);
	if (trust_save(call->settings, &again, err) < 0)
		return -1;
	out_success(call->out, "%s is trusted", url);
	return 0;
}

static int add_row(const struct trust *trust, void *arg, struct err *err)
{
	json_t *row = json_pack("{s:s,s:s,s:s,s:s?}", "url", trust->url, "base_domain", trust->base_domain, "ca_sha256",
				trust->ca_sha256, "simulation_root_sha256", trust->simulation_root_sha256);

	return json_array_append_new(arg, row) < 0 ? err_no_memory(err) : 0;
}

static int print_row(const struct trust *trust, void *arg, struct err *err)
{
	(void)err;
	out_print(arg, "%s\n  CA               %s\n  simulation root  %s\n", trust->url, trust->ca_sha256,
		  trust->simulation_root_sha256 ? trust->simulation_root_sha256 : "none");
	return 0;
}

static void print_publishers(const struct publishers *publishers, struct out *out)
{
	char hex[HEX_TEXT_SIZE(PUBLISHER_KEY_SIZE)];

	for (size_t i = 0; i < publishers->count; i++) {
		hex_encode(publishers->keys[i], PUBLISHER_KEY_SIZE, hex);
		out_print(out, "publisher of images\n  key              %s\n", hex);
	}
}

static json_t *list_publishers(const struct publishers *publishers)
{
	json_t *list = json_array();
	char hex[HEX_TEXT_SIZE(PUBLISHER_KEY_SIZE)];

	for (size_t i = 0; i < publishers->count; i++) {
		hex_encode(publishers->keys[i], PUBLISHER_KEY_SIZE, hex);
		(void)json_array_append_new(list, json_string(hex));
	}
	return list;
}

int cmd_trust_list(struct cmd_call *call, struct err *err)
{
	struct publishers publishers;
	json_t *list;

	if (publishers_load(call->settings, &publishers, err) < 0)
		return -1;
	if (!cmd_has(call, "json")) {
		if (trust_each(call->settings, print_row, call->out, err) < 0)
			return -1;
		print_publishers(&publishers, call->out);
		return 0;
	}
	list = json_array();
	if (trust_each(call->settings, add_row, list, err) < 0) {
		json_decref(list);
		return -1;
	}
	out_json(call->out, json_pack("{s:o,s:o}", "clouds", list, "publishers", list_publishers(&publishers)));
	return 0;
}

int cmd_trust_remove(struct cmd_call *call, struct err *err)
{
	scoped(freep) char *url = NULL;

	if (trust_normalize_url(call->args[0], &url, err) < 0 || trust_remove(call->settings, url, err) < 0)
		return -1;
	out_success(call->out, "%s is no longer trusted", url);
	return 0;
}
