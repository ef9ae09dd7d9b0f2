/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "crypto/p256.h"
#include "crypto/x509_build.h"
#include "enclave/attested/instance_input.h"
#include "format/hex.h"
#include "format/pem.h"

#define DOCUMENT \
	"{\"certificate\":\"%s\",\"config_domain\":\"c.example\",\"domain\":\"d.example\",\"expires\":\"%s\"," \
	"\"log_key\":\"%s\",\"subject\":\"CN=c.example\",\"tls\":\"%s\"," \
	"\"uuid\":\"3f1d7a52-0000-4000-8000-0123456789ab\",\"version\":\"1\"}"
#define KEY "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char *dir;
static struct instance_input input;

static int setup(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	input = INSTANCE_INPUT_INIT;
	assert_ok(fs_make_temp_dir("/tmp", "mse-test-instance-", &dir, &err), &err);
	return 0;
}

static int teardown(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	instance_input_done(&input);
	assert_ok(fs_remove_tree(dir, &err), &err);
	free(dir);
	return 0;
}

static void put(const char *name, const void *data, size_t size)
{
	scoped(freep) char *path = NULL;
	struct err err = ERR_INIT;

	assert_ok(fs_join(dir, name, &path, &err), &err);
	assert_ok(fs_write_atomic(path, data, size, 0600, &err), &err);
}

static void put_document(const char *certificate, const char *expires, const char *log_key, const char *tls)
{
	char document[1000];

	(void)snprintf(document, sizeof(document), DOCUMENT, certificate, expires, log_key, tls);
	put("instance.json", document, strlen(document));
}

static void make_certificate(struct buf *ret_der)
{
	struct x509_spec spec = {.subject = "CN=d.example", .not_before = 1700000000, .not_after = 1800000000};
	scoped(p256_freep) struct p256_key *key = NULL;
	struct err err = ERR_INIT;

	assert_ok(p256_generate(&key, &err), &err);
	assert_ok(x509_build(&spec, key, NULL, NULL, ret_der, &err), &err);
}

static void a_document_is_kept_as_bytes(void **state)
{
	struct err err = ERR_INIT;
	uint8_t hash[SHA256_SIZE];

	(void)state;
	put_document("", "", KEY, "self");
	assert_ok(instance_input_load(dir, &input, &err), &err);
	assert_true(input.has_log_key);
	assert_int_equal(input.log_key[1], 0x23);
	sha256(input.document.data, input.document.size, hash);
	assert_memory_equal(hash, input.hash, sizeof(hash));
	assert_int_equal(input.chain_pem.size, 0);
}

static void a_missing_or_malformed_document_is_refused(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_fails(instance_input_load(dir, &input, &err), &err, ERR_NOT_FOUND, "instance.json");
	put("instance.json", "{}", 2);
	assert_fails(instance_input_load(dir, &input, &err), &err, ERR_INVALID, "instance-malformed");
}

static void a_document_over_its_maximum_is_refused(void **state)
{
	static char large[INSTANCE_SIZE_MAX + 1];
	struct err err = ERR_INIT;

	(void)state;
	memset(large, ' ', sizeof(large));
	put("instance.json", large, sizeof(large));
	assert_fails(instance_input_load(dir, &input, &err), &err, ERR_LIMIT, "instance.json");
}

static void acme_is_not_served(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	put_document("", "", "", "acme");
	assert_fails(instance_input_load(dir, &input, &err), &err, ERR_UNSUPPORTED, "'acme'");
}

static void the_chain_is_the_one_named(void **state)
{
	scoped(buf_done) struct buf leaf = BUF_INIT(1 << 16);
	scoped(buf_done) struct buf issuer = BUF_INIT(1 << 16);
	scoped(buf_done) struct buf joined = BUF_INIT(1 << 17);
	scoped(buf_done) struct buf pem = BUF_INIT(1 << 17);
	char wanted[HEX_TEXT_SIZE(SHA256_SIZE)];
	uint8_t hash[SHA256_SIZE];
	struct err err = ERR_INIT;

	(void)state;
	make_certificate(&leaf);
	make_certificate(&issuer);
	assert_ok(buf_add(&joined, leaf.data, leaf.size, &err), &err);
	assert_ok(buf_add(&joined, issuer.data, issuer.size, &err), &err);
	sha256(joined.data, joined.size, hash);
	hex_encode(hash, sizeof(hash), wanted);
	assert_ok(buf_add_text(&pem, "a comment as CAs write it\n", &err), &err);
	assert_ok(pem_format(PEM_CERTIFICATE, leaf.data, leaf.size, &pem, &err), &err);
	assert_ok(pem_format(PEM_CERTIFICATE, issuer.data, issuer.size, &pem, &err), &err);

	put_document(wanted, "", "", "owner");
	assert_fails(instance_input_load(dir, &input, &err), &err, ERR_NOT_FOUND, "fullchain.pem");
	put("fullchain.pem", pem.data, pem.size);
	buf_clear(&input.document);
	assert_ok(instance_input_load(dir, &input, &err), &err);
	assert_int_equal(input.chain_pem.size, pem.size);

	/* The same certificates in another order, and none at all. */
	buf_clear(&pem);
	assert_ok(pem_format(PEM_CERTIFICATE, issuer.data, issuer.size, &pem, &err), &err);
	assert_ok(pem_format(PEM_CERTIFICATE, leaf.data, leaf.size, &pem, &err), &err);
	put("fullchain.pem", pem.data, pem.size);
	buf_clear(&input.document);
	buf_clear(&input.chain_pem);
	assert_fails(instance_input_load(dir, &input, &err), &err, ERR_UNTRUSTED, "the instance document names");
	put("fullchain.pem", "", 0);
	buf_clear(&input.document);
	buf_clear(&input.chain_pem);
	assert_fails(instance_input_load(dir, &input, &err), &err, ERR_INVALID, "no certificate");
}

static void eight_certificates_pass_nine_do_not(void **state)
{
	scoped(buf_done) struct buf leaf = BUF_INIT(1 << 16);
	scoped(buf_done) struct buf pem = BUF_INIT(1 << 17);
	uint8_t hash[SHA256_SIZE];
	struct err err = ERR_INIT;

	(void)state;
	make_certificate(&leaf);
	for (int i = 0; i < INSTANCE_CHAIN_COUNT_MAX; i++)
		assert_ok(pem_format(PEM_CERTIFICATE, leaf.data, leaf.size, &pem, &err), &err);
	assert_ok(instance_chain_hash(&pem, hash, &err), &err);
	assert_ok(pem_format(PEM_CERTIFICATE, leaf.data, leaf.size, &pem, &err), &err);
	assert_fails(instance_chain_hash(&pem, hash, &err), &err, ERR_LIMIT, "more than 8");
}

static void expiry_is_compared_with_the_given_time(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	put_document("", "2030-01-01T00:00:00Z", "", "self");
	assert_ok(instance_input_load(dir, &input, &err), &err);
	assert_ok(instance_input_check_expiry(&input, 1893455999, &err), &err);
	assert_fails(instance_input_check_expiry(&input, 1893456000, &err), &err, ERR_INVALID, "expired at 2030");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_document_is_kept_as_bytes, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_missing_or_malformed_document_is_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_document_over_its_maximum_is_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(acme_is_not_served, setup, teardown),
	    cmocka_unit_test_setup_teardown(the_chain_is_the_one_named, setup, teardown),
	    cmocka_unit_test_setup_teardown(eight_certificates_pass_nine_do_not, setup, teardown),
	    cmocka_unit_test_setup_teardown(expiry_is_compared_with_the_given_time, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
