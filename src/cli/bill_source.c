/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bill_source.h"

#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/program.h"
#include "crypto/hash.h"
#include "format/hex.h"
#include "format/uri.h"
#include "image/image.h"
#include "net/curl_client.h"

#define PACKAGES_FILE "/var/lib/dpkg/status" /* changes whenever a package does */
#define CACHE_LABEL "mse-bill-cache-1"

/* bills/HASH.json: the hash covers the image's name, our mse-enclave and the list of installed packages. */
static int cache_path(const struct settings *settings, const char *image, const char *program, char **ret_path,
		      struct err *err)
{
	scoped(sha256_freep) struct sha256_ctx *key = sha256_new();
	scoped(freep) char *folder = NULL;
	uint8_t program_hash[SHA256_SIZE], packages_hash[SHA256_SIZE], hash[SHA256_SIZE];
	char name[HEX_TEXT_SIZE(SHA256_SIZE) + sizeof(".json")];
	uint64_t size;

	if (sha256_file(program, program_hash, &size, err) < 0 ||
	    sha256_file(PACKAGES_FILE, packages_hash, &size, err) < 0 ||
	    settings_make_folder(settings, "bills", &folder, err) < 0)
		return -1;
	sha256_add(key, CACHE_LABEL, sizeof(CACHE_LABEL) - 1);
	sha256_add(key, program_hash, sizeof(program_hash));
	sha256_add(key, packages_hash, sizeof(packages_hash));
	sha256_add(key, image, strlen(image));
	sha256_finish(key, hash);
	hex_encode(hash, sizeof(hash), name);
	memcpy(name + HEX_TEXT_SIZE(SHA256_SIZE) - 1, ".json", sizeof(".json"));
	return fs_join(folder, name, ret_path, err);
}

static int recompute(const struct settings *settings, struct out *out, const char *image, struct bill **ret_bill,
		     uint8_t ret_digest[static 32], struct err *err)
{
	scoped(freep) char *program = NULL;
	scoped(freep) char *path = NULL;
	struct err damaged = ERR_INIT;

	if (program_find("mse-enclave", &program, err) < 0 || cache_path(settings, image, program, &path, err) < 0)
		return -1;
	if (fs_exists(path) && image_bill_load(path, ret_bill, ret_digest, &damaged) == 0)
		return 0;
	out_info(out, "Computing the bill of image %s from the packages of this machine (once)", image);
	if (image_build(image, program, NULL, NULL, ret_bill, err) < 0)
		return -1;
	if (image_bill_save(*ret_bill, path, ret_digest, err) < 0) {
		bill_free(*ret_bill);
		*ret_bill = NULL;
		return -1;
	}
	return 0;
}

/* Any copy with the pinned digest is the right one: its TLS certificate does not matter. */
static int fetch_pinned(const struct bill_wanted *wanted, struct bill **ret_bill, uint8_t ret_digest[static 32],
			struct err *err)
{
	const struct curl_client_options options = {.insecure = true};
	scoped(curl_client_freep) struct curl_client *client = NULL;
	scoped(buf_done) struct buf url = BUF_INIT(URI_TEXT_MAX);
	struct curl_response response = CURL_RESPONSE_INIT;
	uint8_t digest[SHA256_SIZE];
	int status;

	if (buf_addf(&url, err, "%s/images/", wanted->cloud_url) < 0 ||
	    uri_encode(wanted->image, strlen(wanted->image), &url, err) < 0 || buf_add_text(&url, "/bill", err) < 0 ||
	    curl_client_new(&options, &client, err) < 0)
		return -1;
	status = curl_client_request(
	    client, &(struct curl_request){.url = buf_text(&url), .response_max = BILL_TEXT_MAX}, &response, err);
	if (status == 0 && response.status != 200)
		status = err_set(err, ERR_UNAVAILABLE, "HTTP status %d", response.status);
	if (status == 0) {
		bill_digest(response.body.data, response.body.size, digest);
		if (memcmp(digest, wanted->pinned, sizeof(digest)) != 0)
			status = err_set(err, ERR_UNTRUSTED, "the cloud has another bill than the pinned one");
	}
	if (status == 0)
		status = bill_parse(response.body.data, response.body.size, ret_bill, err);
	if (status == 0)
		memcpy(ret_digest, digest, sizeof(digest));
	curl_response_done(&response);
	return status < 0 ? err_prefix(err, "%s", buf_text(&url)) : 0;
}

int bill_source_get(const struct settings *settings, struct out *out, const struct bill_wanted *wanted,
		    struct bill **ret_bill, uint8_t ret_digest[static 32], enum bill_trust *ret_trust, struct err *err)
{
	scoped(bill_freep) struct bill *bill = NULL;
	struct err not_here = ERR_INIT;
	const int here = recompute(settings, out, wanted->image, &bill, ret_digest, &not_here);

	if (not_here.code == ERR_CANCELLED) {
		*err = not_here;
		return -1;
	}
	if (here == 0 && (!wanted->pinned || memcmp(ret_digest, wanted->pinned, 32) == 0)) {
		*ret_trust = BILL_TRUST_RECOMPUTED;
		*ret_bill = TAKE_PTR(bill);
		return 0;
	}
	if (!wanted->pinned)
		return err_set(err, ERR_UNTRUSTED, "bill-untrusted: %s", not_here.text);
	bill_freep(&bill);
	if (!wanted->cloud_url)
		return err_set(err, ERR_UNTRUSTED,
			       "bill-untrusted: the bill of %s made here is not the pinned one, and no cloud is known "
			       "to fetch that from",
			       wanted->image);
	if (fetch_pinned(wanted, &bill, ret_digest, err) < 0)
		return err_prefix(err, "bill-untrusted");
	*ret_trust = BILL_TRUST_PINNED;
	*ret_bill = TAKE_PTR(bill);
	return 0;
}
