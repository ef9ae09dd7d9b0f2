/* SPDX-License-Identifier: Apache-2.0 */
/* mse image: bills of built-in images, and the signatures that let others believe them (docs/formats/bill.md). */
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "cli/bill_cache.h"
#include "cli/bill_source.h"
#include "cli/cmd.h"
#include "crypto/ed25519.h"
#include "crypto/random.h"
#include "format/hex.h"
#include "image/image.h"

#define KEY_TEXT_SIZE (HEX_TEXT_SIZE(ED25519_SEED_SIZE)) /* with a line end in the place of the zero byte */
#define SIGNATURE_NAME "bill.sig"

static uint64_t total_size(const struct bill *bill)
{
	uint64_t total = 0;

	for (size_t i = 0; i < bill->count; i++)
		total += bill->files[i].size;
	return total;
}

static void print_summary(struct cmd_call *call, const struct bill *bill, const char *digest)
{
	const struct bill_file *runtime = bill_find(bill, "usr/bin/mse-enclave");
	char hash[HEX_TEXT_SIZE(sizeof(runtime->sha256))] = "";

	if (runtime)
		hex_encode(runtime->sha256, sizeof(runtime->sha256), hash);
	if (cmd_has(call, "json")) {
		out_json(call->out, json_pack("{s:s,s:s,s:I,s:I,s:s,s:s?}", "image", bill->image, "digest", digest,
					      "files", (json_int_t)bill->count, "size", (json_int_t)total_size(bill),
					      "runtime_sha256", hash, "output", cmd_value(call, "output")));
		return;
	}
	out_info(call->out, "%s: %zu files, bill %s, mse-enclave %s", bill->image, bill->count, digest, hash);
}

int cmd_image_bill(struct cmd_call *call, struct err *err)
{
	scoped(bill_freep) struct bill *bill = NULL;
	scoped(buf_done) struct buf text = BUF_INIT(BILL_TEXT_MAX);
	uint8_t digest[32];
	char hex[HEX_TEXT_SIZE(sizeof(digest))];
	const char *output = cmd_value(call, "output");

	if (bill_recompute(call->settings, call->out, call->args[0], cmd_value(call, "runtime"), &bill, digest, err) <
		0 ||
	    bill_format(bill, &text, err) < 0 ||
	    (output && fs_write_atomic(output, text.data, text.size, 0644, err) < 0))
		return -1;
	hex_encode(digest, sizeof(digest), hex);
	if (!output && !cmd_has(call, "json"))
		out_print(call->out, "%s", buf_text(&text));
	print_summary(call, bill, hex);
	return 0;
}

static int write_key(const char *path, const uint8_t *key, mode_t mode, struct err *err)
{
	char text[KEY_TEXT_SIZE];
	int status;

	hex_encode(key, ED25519_SEED_SIZE, text);
	text[KEY_TEXT_SIZE - 1] = '\n';
	status = fs_write_new(path, text, sizeof(text), mode, err);
	secret_wipe(text, sizeof(text));
	return status;
}

int cmd_image_key(struct cmd_call *call, struct err *err)
{
	scoped(secret_done) struct secret seed = SECRET_INIT;
	scoped(freep) char *public_path = NULL;
	uint8_t public_key[ED25519_PUBLIC_SIZE];

	if (secret_new(&seed, ED25519_SEED_SIZE, err) < 0)
		return -1;
	random_bytes(seed.data, seed.size);
	ed25519_from_seed(seed.data, public_key);
	if (asprintf(&public_path, "%s.pub", call->args[0]) < 0) {
		public_path = NULL;
		return err_no_memory(err);
	}
	if (write_key(call->args[0], seed.data, 0600, err) < 0 || write_key(public_path, public_key, 0644, err) < 0)
		return -1;
	out_success(call->out, "Keep '%s' to yourself; '%s' is for 'mse cloud trust add-publisher'", call->args[0],
		    public_path);
	return 0;
}

static int load_key(const char *path, struct secret *ret, struct err *err)
{
	scoped(secret_done) struct secret text = SECRET_INIT;
	struct secret key = SECRET_INIT;
	size_t size;

	if (secret_load(path, KEY_TEXT_SIZE, &text, err) < 0 || secret_new(&key, ED25519_SEED_SIZE, err) < 0)
		return -1;
	size = text.size;
	if (size == KEY_TEXT_SIZE && text.data[size - 1] == '\n')
		size--;
	if (hex_decode((const char *)text.data, size, key.data, key.size, err) < 0) {
		secret_done(&key);
		return err_set(err, ERR_INVALID, "'%s' is no key as 'mse image key' makes it", path);
	}
	*ret = key;
	return 0;
}

/* bill.sig in the folder of the bill. */
static int signature_path(const char *bill_path, char **ret, struct err *err)
{
	const char *slash = strrchr(bill_path, '/');
	const int folder = slash ? (int)(slash - bill_path) + 1 : 0;

	if (asprintf(ret, "%.*s" SIGNATURE_NAME, folder, bill_path) < 0) {
		*ret = NULL;
		return err_no_memory(err);
	}
	return 0;
}

int cmd_image_sign(struct cmd_call *call, struct err *err)
{
	scoped(secret_done) struct secret seed = SECRET_INIT;
	scoped(freep) char *beside = NULL;
	const char *output = cmd_value(call, "output");

	if (!cmd_has(call, "key"))
		return err_set(err, ERR_INVALID, "option '--key' is missing");
	if (!output) {
		if (signature_path(call->args[0], &beside, err) < 0)
			return -1;
		output = beside;
	}
	if (load_key(cmd_value(call, "key"), &seed, err) < 0 || image_bill_sign(call->args[0], &seed, output, err) < 0)
		return -1;
	out_success(call->out, "The signature has been saved at: %s", output);
	return 0;
}

static int load_signature(const char *path, struct bill_signature *ret, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(BILL_SIGNATURE_TEXT_MAX);

	if (fs_read(path, &text, err) < 0)
		return -1;
	return bill_signature_parse(text.data, text.size, ret, err) < 0 ? err_prefix(err, "'%s'", path) : 0;
}

int cmd_image_verify(struct cmd_call *call, struct err *err)
{
	scoped(bill_freep) struct bill *bill = NULL;
	const char *signature_file = cmd_value(call, "signature");
	struct bill_signature signature;
	struct bill_belief belief;
	char text[BILL_BELIEF_TEXT_SIZE];
	uint8_t digest[32];
	char hex[HEX_TEXT_SIZE(sizeof(digest))];
	json_t *object;

	if (image_bill_load(call->args[0], &bill, digest, err) < 0 ||
	    (signature_file && load_signature(signature_file, &signature, err) < 0) ||
	    bill_source_judge(call->settings, call->out, bill, digest, signature_file ? &signature : NULL,
			      cmd_value(call, "runtime"), &belief, err) < 0)
		return -1;
	hex_encode(digest, sizeof(digest), hex);
	if (cmd_has(call, "json")) {
		object = json_pack("{s:s,s:s}", "image", bill->image, "digest", hex);
		bill_belief_json(&belief, object);
		out_json(call->out, object);
		return 0;
	}
	bill_belief_text(&belief, text);
	out_success(call->out, "%s, bill %s: %s", bill->image, hex, text);
	return 0;
}
