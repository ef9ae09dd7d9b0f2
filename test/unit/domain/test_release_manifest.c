/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "test_release.h"

#define HEX_1 "1111111111111111111111111111111111111111111111111111111111111111"
#define HEX_5 "5555555555555555555555555555555555555555555555555555555555555555"
#define HEX_6 "6666666666666666666666666666666666666666666666666666666666666666"

static void format(const struct release *release, const struct bill *bill, struct buf *ret)
{
	struct err err = ERR_INIT;

	buf_clear(ret);
	assert_ok(release_manifest_format(release, bill, ret, &err), &err);
}

static void text_is_pinned(void **state)
{
	static const char *const parts[] = {
	    "# MSE release manifest, version 1\nlibos.entrypoint = \"/usr/bin/mse-enclave\"\n\n[loader]\n"
	    "argv = [\"mse-enclave\"]\n",
	    "\n[loader.env]\nHOME = \"/root\"\nKEY_PATH = \"/key\"\nLANG = \"C.UTF-8\"\n",
	    "\nMSE_APPLICATION = \"app:app\"\nMSE_CODE_KEY_ID = \"" HEX_6 "\"\nMSE_EGRESS = \"none\"\n"
	    "MSE_HEALTHCHECK = \"/\"\nMSE_LISTEN = \"unix:/run/mse/app.sock\"\nMSE_LOGS = \"owner\"\n"
	    "MSE_OWNER_KEY = \"" HEX_5 "\"\nMSE_PLAINCODE = \"0\"\nMSE_RELEASE = \"1\"\nMSE_RESTART = \"sealed\"\n"
	    "MSE_TEE = \"sim\"\nMSE_THREADS = \"8\"\n",
	    "\n[sgx]\nenclave_size = \"512M\"\nmax_threads = 64\nedmm_enable = false\ndebug = true\nisvprodid = 0\n"
	    "isvsvn = 1\n",
	    "\n\n[[sgx.trusted_files]]\nuri = \"file:/usr/bin/mse-enclave\"\nsha256 = \"" HEX_1 "\"\n",
	    "uri = \"file:/usr/lib/libc.so.6\"\n",
	    "uri = \"file:/code/app.py.enc\"\n",
	    "uri = \"file:/code/templates/\\\"x\\\".html.enc\"\n",
	};
	scoped(release_freep) struct release *release = test_release();
	scoped(bill_freep) struct bill *bill = test_bill();
	scoped(buf_done) struct buf text = BUF_INIT(RELEASE_MANIFEST_MAX);
	const char *at;

	(void)state;
	format(release, bill, &text);
	at = buf_text(&text);
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		const char *found = strstr(at, parts[i]);

		if (!found)
			fail_msg("missing or out of order: %s\nin\n%s", parts[i], buf_text(&text));
		at = found;
	}
}

static void what_only_gramine_has_to_be_told(void **state)
{
	static const char SYS[] = "\n\n[sys]\ndisallow_subprocesses = true\nenable_sigterm_injection = true\n";
	scoped(release_freep) struct release *release = test_release();
	scoped(bill_freep) struct bill *bill = test_bill();
	scoped(buf_done) struct buf text = BUF_INIT(RELEASE_MANIFEST_MAX);

	(void)state;
	format(release, bill, &text);
	assert_null(strstr(buf_text(&text), "[sys]"));
	release->tee = RELEASE_TEE_GRAMINE;
	format(release, bill, &text);
	assert_non_null(strstr(buf_text(&text), SYS));
}

static void fingerprint_is_pinned(void **state)
{
	scoped(release_freep) struct release *release = test_release();
	scoped(bill_freep) struct bill *bill = test_bill();
	scoped(buf_done) struct buf text = BUF_INIT(RELEASE_MANIFEST_MAX);
	struct measure_result first;
	struct measure_result second;
	struct err err = ERR_INIT;
	char hex[65];

	(void)state;
	assert_ok(release_fingerprint(release, bill, &text, &first, &err), &err);
	assert_ok(release_fingerprint(release, bill, NULL, &second, &err), &err);
	assert_memory_equal(first.mrenclave, second.mrenclave, 32);
	assert_int_equal(first.layout.manifest_size, text.size + 1);
	for (size_t i = 0; i < 32; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", first.mrenclave[i]);
	/* a change here changes the fingerprint of every release there is */
	assert_string_equal(hex, "4a86048ed760e898d421f45f4a569527bb3df850510123425d836a3f78cda624");
	release->tee = RELEASE_TEE_GRAMINE;
	assert_fails(release_fingerprint(release, bill, NULL, &first, &err), &err, ERR_UNSUPPORTED, "gramine");
}

static void every_field_is_read_back(void **state)
{
	scoped(release_freep) struct release *release = test_release();
	scoped(release_freep) struct release *again = NULL;
	scoped(bill_freep) struct bill *bill = test_bill();
	scoped(bill_freep) struct bill *bill_again = NULL;
	scoped(buf_done) struct buf text = BUF_INIT(RELEASE_MANIFEST_MAX);
	struct err err = ERR_INIT;

	(void)state;
	release->restart = RELEASE_RESTART_OWNER;
	release->logs = RELEASE_LOGS_OPERATOR;
	release->egress = RELEASE_EGRESS_INTERNET;
	release->plain_code = true;
	release->enclave_size = UINT64_C(4) << 30;
	release->max_threads = 4096;
	release->threads = 12;
	release->isv_prod_id = 65535;
	release->isv_svn = 7;
	release->has_owner_key = false;
	format(release, bill, &text);
	assert_ok(release_from_manifest(text.data, text.size, &again, &bill_again, &err), &err);
	assert_int_equal(again->restart, RELEASE_RESTART_OWNER);
	assert_int_equal(again->logs, RELEASE_LOGS_OPERATOR);
	assert_int_equal(again->egress, RELEASE_EGRESS_INTERNET);
	assert_true(again->plain_code);
	assert_true(again->enclave_size == UINT64_C(4) << 30);
	assert_int_equal(again->max_threads, 4096);
	assert_int_equal(again->threads, 12);
	assert_int_equal(again->isv_prod_id, 65535);
	assert_int_equal(again->isv_svn, 7);
	assert_false(again->has_owner_key);
	assert_true(again->has_code_key_id);
	assert_memory_equal(again->code_key_id, release->code_key_id, 32);
	assert_int_equal(again->file_count, 2);
	assert_string_equal(again->files[1].path, "templates/\"x\".html.enc");
	assert_memory_equal(again->files[1].sha256, release->files[1].sha256, 32);
	assert_int_equal(bill_again->count, 2);
	assert_memory_equal(bill_again->loader, sim_loader_sha256, 32);
	assert_string_equal(bill_again->image, RELEASE_NO_IMAGE);
}

/* One byte changed anywhere either gives another valid release or is refused; never the same one. */
static void no_byte_is_without_meaning(void **state)
{
	scoped(release_freep) struct release *release = test_release();
	scoped(bill_freep) struct bill *bill = test_bill();
	scoped(buf_done) struct buf text = BUF_INIT(RELEASE_MANIFEST_MAX);
	struct err err = ERR_INIT;

	(void)state;
	format(release, bill, &text);
	for (size_t i = 0; i < text.size; i++) {
		scoped(release_freep) struct release *other = NULL;
		scoped(bill_freep) struct bill *other_bill = NULL;
		scoped(buf_done) struct buf again = BUF_INIT(RELEASE_MANIFEST_MAX);

		text.data[i] ^= 1;
		if (release_from_manifest(text.data, text.size, &other, &other_bill, &err) == 0) {
			format(other, other_bill, &again);
			assert_int_equal(again.size, text.size);
			assert_memory_equal(again.data, text.data, text.size);
		} else {
			assert_true(strncmp(err.text, "manifest: ", 10) == 0);
		}
		text.data[i] ^= 1;
	}
	for (size_t size = 0; size < text.size; size++) {
		struct release *none = NULL;
		struct bill *no_bill = NULL;

		/* the text of one trusted file less is a manifest too */
		if (release_from_manifest(text.data, size, &none, &no_bill, &err) == 0) {
			assert_true(none->file_count < 2);
			release_free(none);
			bill_free(no_bill);
		}
	}
}

static void what_cannot_run_is_not_written(void **state)
{
	scoped(release_freep) struct release *release = test_release();
	scoped(bill_freep) struct bill *bill = test_bill();
	scoped(buf_done) struct buf text = BUF_INIT(RELEASE_MANIFEST_MAX);
	struct err err = ERR_INIT;

	(void)state;
	release->enclave_size = 3 << 20;
	assert_fails(release_manifest_format(release, bill, &text, &err), &err, ERR_INVALID, "power of two");
	release->enclave_size = 512 << 20;
	release->threads = 65;
	assert_fails(release_manifest_format(release, bill, &text, &err), &err, ERR_INVALID, "65 request threads");
	release->threads = 1;
	bill->loader[0] ^= 1;
	assert_fails(release_manifest_format(release, bill, &text, &err), &err, ERR_INVALID, "simulation's loader");
	bill->loader[0] ^= 1;
	assert_ok(bill_add(bill, "code/x", release->owner_key, 0, &err), &err);
	assert_ok(bill_sort(bill, &err), &err);
	assert_fails(release_manifest_format(release, bill, &text, &err), &err, ERR_INVALID, "below /code");
	bill->files[0].path[0] = 'd';
	assert_ok(release_manifest_format(release, bill, &text, &err), &err);
	bill->files[1].path[0] = 'v';
	assert_fails(release_manifest_format(release, bill, &text, &err), &err, ERR_INVALID,
		     "no 'usr/bin/mse-enclave'");
	release->application[0] = 0;
	assert_fails(release_manifest_format(release, bill, &text, &err), &err, ERR_INVALID, "no python_application");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(text_is_pinned),
	    cmocka_unit_test(what_only_gramine_has_to_be_told),
	    cmocka_unit_test(fingerprint_is_pinned),
	    cmocka_unit_test(every_field_is_read_back),
	    cmocka_unit_test(no_byte_is_without_meaning),
	    cmocka_unit_test(what_cannot_run_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
