/* SPDX-License-Identifier: Apache-2.0 */
/* What was deployed later counts, whoever names the owner (F9). Over connections: test_connect_cloud.py. */
#include "temp_dir.h"

#include <stdio.h>
#include <string.h>

#include "cli/attest_expect.h"
#include "cli/context_pending.h"
#include "cli/deployments.h"
#include "format/base64.h"
#include "format/hex.h"
#include "format/ticket.h"
#include "test_release.h"

#define DOMAIN "hello.example.com"
#define OLD 1700000000
#define NEW 1700009999

static void add_context(const struct settings *settings, char digit, const char *domain, uint8_t owner,
			uint64_t deployed)
{
	const struct ticket ticket = {.fingerprint_size = 32, .deployed = deployed};
	scoped(context_pending_done) struct context_pending pending = CONTEXT_PENDING_INIT;
	scoped(buf_done) struct buf text = BUF_INIT(1024);
	const struct context_begun begun = {.cloud_url = "u", .project_id = "p", .name = "n", .fingerprint = "f"};
	char fixed[] = "default", origin[] = "self", id[] = "0b41c2a4-470e-4602-99e2-58a6bf7b1230", host[64];
	char owner_hex[HEX_TEXT_SIZE(32)];
	uint8_t bytes[TICKET_SIZE_MAX], key[32];
	struct context context = {.name = fixed,
				  .project = fixed,
				  .python_application = fixed,
				  .docker = fixed,
				  .id = id,
				  .config_domain_name = fixed,
				  .domain_name = host,
				  .ssl_certificate_origin = origin,
				  .port = 443,
				  .owner_public_key = owner_hex};
	struct err err = ERR_INIT;

	memset(key, owner, sizeof(key));
	hex_encode(key, sizeof(key), owner_hex);
	id[strlen(id) - 1] = digit;
	(void)snprintf(host, sizeof(host), "%s", domain);
	assert_ok(base64_encode(bytes, ticket_format(&ticket, bytes), &text, &err), &err);
	context.ticket = strdup(buf_text(&text));
	assert_ok(context_pending_begin(settings, &begun, &pending, &err), &err);
	assert_ok(context_pending_commit(settings, &pending, &context, NULL, &err), &err);
	free(context.ticket);
}

/* Two of one owner, one of another, and one of another name. */
static void add_contexts(const struct settings *settings)
{
	add_context(settings, '1', "HELLO.example.com", 0x55, OLD);
	add_context(settings, '2', DOMAIN, 0x55, NEW);
	add_context(settings, '3', DOMAIN, 0x56, NEW + 1);
	add_context(settings, '4', "other.example.com", 0x55, NEW + 2);
}

static int64_t newest(const struct settings *settings, uint8_t owner, int64_t until, int64_t before)
{
	struct err err = ERR_INIT;
	uint8_t key[32];

	memset(key, owner, sizeof(key));
	assert_ok(deployments_of_owner(settings, DOMAIN, key, until, &before, &err), &err);
	return before;
}

static void test_of_one_domain_and_owner(void **state)
{
	const struct settings settings = {.conf_path = *state};

	assert_int_equal(newest(&settings, 0x55, INT64_MAX, 0), 0);
	add_contexts(&settings);
	assert_int_equal(newest(&settings, 0x55, INT64_MAX, 0), NEW);
	assert_int_equal(newest(&settings, 0x55, NEW - 1, 0), OLD);
	assert_int_equal(newest(&settings, 0x55, INT64_MAX, NEW + 7), NEW + 7);
	assert_int_equal(newest(&settings, 0x56, INT64_MAX, 0), NEW + 1);
	assert_int_equal(newest(&settings, 0x57, INT64_MAX, 0), 0);
}

static char *write_release(void **state)
{
	scoped(release_freep) struct release *release = test_release();
	scoped(bill_freep) struct bill *bill = test_bill();
	scoped(buf_done) struct buf manifest = BUF_INIT(RELEASE_MANIFEST_MAX);
	char *path = temp_dir_path(state, "release.toml");
	struct err err = ERR_INIT;

	assert_ok(release_manifest_format(release, bill, &manifest, &err), &err);
	assert_ok(fs_write_new(path, manifest.data, manifest.size, 0600, &err), &err);
	return path;
}

/* As `mse connect --release`. */
static void test_a_release_names_the_owner(void **state)
{
	const struct settings settings = {.conf_path = *state};
	scoped(freep) char *path = write_release(state);
	const struct app_expect_options options = {.address = DOMAIN, .release = path, .mode = COLLATERAL_OFFLINE};
	struct app_expect app;
	struct out out;
	struct err err = ERR_INIT;

	add_contexts(&settings);
	out_init(&out, OUT_COLOR_NEVER);
	assert_ok(app_expect_init(&settings, &out, &options, &app, &err), &err);
	assert_true(app.expect.has_owner_key);
	assert_int_equal(app.expect.deployed_seen, NEW);
	app_expect_done(&app);
}

static void give_option(struct cmd_call *call, const char *name, const char *value)
{
	for (size_t i = 0; i < call->entry->option_count; i++) {
		if (strcmp(call->entry->options[i].name, name) == 0)
			call->values[i] = value;
	}
	assert_string_equal(cmd_value(call, name), value);
}

static int64_t load(const struct settings *settings, const char *option, const char *value, int64_t until)
{
	struct attest_options options = {.mode = COLLATERAL_OFFLINE};
	struct attest_expect expect;
	struct out out;
	struct cmd_call call = {.out = &out, .settings = settings};
	struct err err = ERR_INIT;
	int64_t deployed;

	out_init(&out, OUT_COLOR_NEVER);
	for (size_t i = 0; i < cmd_table_count; i++) {
		if (cmd_table[i].run == cmd_attest_fresh)
			call.entry = &cmd_table[i];
	}
	give_option(&call, option, value);
	assert_ok(attest_expect_load(&call, DOMAIN, until, &options, &expect, &err), &err);
	deployed = expect.deployed_seen;
	attest_expect_done(&expect);
	return deployed;
}

/* As `mse attest fresh` and `watch`; what is judged as of a time knows nothing of later deployments. */
static void test_the_command_line_names_the_owner(void **state)
{
	static const char key[] = "5555555555555555555555555555555555555555555555555555555555555555";
	const struct settings settings = {.conf_path = *state};
	scoped(freep) char *path = write_release(state);

	add_contexts(&settings);
	assert_int_equal(load(&settings, "owner-key", key, INT64_MAX), NEW);
	assert_int_equal(load(&settings, "release", path, INT64_MAX), NEW);
	assert_int_equal(load(&settings, "owner-key", key, OLD), OLD);
	assert_int_equal(load(&settings, "release", path, OLD), OLD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_of_one_domain_and_owner, temp_dir_make, temp_dir_drop),
	    cmocka_unit_test_setup_teardown(test_a_release_names_the_owner, temp_dir_make, temp_dir_drop),
	    cmocka_unit_test_setup_teardown(test_the_command_line_names_the_owner, temp_dir_make, temp_dir_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
