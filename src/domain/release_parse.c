/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/number.h"
#include "domain/release_priv.h"
#include "format/hex.h"

struct reading {
	struct release *release;
	struct bill *bill;
	uint8_t loader[32];
	char uri[RELEASE_VALUE_MAX + 1]; /* of the trusted file whose sha256 comes next */
};

static int set_tee(struct release *release, const char *value, struct err *err)
{
	return release_tee_parse(value, &release->tee, err);
}

static int set_restart(struct release *release, const char *value, struct err *err)
{
	return release_restart_parse(value, &release->restart, err);
}

static int set_logs(struct release *release, const char *value, struct err *err)
{
	return release_logs_parse(value, &release->logs, err);
}

static int set_egress(struct release *release, const char *value, struct err *err)
{
	return release_egress_parse(value, &release->egress, err);
}

static int set_plain_code(struct release *release, const char *value, struct err *err)
{
	(void)err;
	release->plain_code = strcmp(value, "1") == 0;
	return 0;
}

static int set_threads(struct release *release, const char *value, struct err *err)
{
	uint64_t threads;

	if (number_parse_u64(value, 1, MEASURE_THREADS_MAX, &threads, err) < 0)
		return -1;
	release->threads = (uint32_t)threads;
	return 0;
}

static int set_owner_key(struct release *release, const char *value, struct err *err)
{
	release->has_owner_key = value[0] != 0;
	return value[0] ? hex_decode_lower(value, strlen(value), release->owner_key, 32, err) : 0;
}

static int set_code_key_id(struct release *release, const char *value, struct err *err)
{
	release->has_code_key_id = value[0] != 0;
	return value[0] ? hex_decode_lower(value, strlen(value), release->code_key_id, 32, err) : 0;
}

static int set_enclave_size(struct release *release, const char *value, struct err *err)
{
	return measure_parse_size(value, &release->enclave_size, err);
}

static int set_max_threads(struct release *release, const char *value, struct err *err)
{
	uint64_t threads;

	if (number_parse_u64(value, 1, MEASURE_THREADS_MAX, &threads, err) < 0)
		return -1;
	release->max_threads = (uint32_t)threads;
	return 0;
}

static int set_u16(const char *value, uint16_t *ret, struct err *err)
{
	uint64_t number;

	if (number_parse_u64(value, 0, UINT16_MAX, &number, err) < 0)
		return -1;
	*ret = (uint16_t)number;
	return 0;
}

static int set_prod_id(struct release *release, const char *value, struct err *err)
{
	return set_u16(value, &release->isv_prod_id, err);
}

static int set_svn(struct release *release, const char *value, struct err *err)
{
	return set_u16(value, &release->isv_svn, err);
}

/* What varies between releases. All else is fixed text, which the comparison of bytes covers. */
static const struct {
	const char *section;
	const char *key;
	int (*set)(struct release *release, const char *value, struct err *err);
} rows[] = {
    {"loader.env", "MSE_APPLICATION", release_set_application},
    {"loader.env", "MSE_CODE_KEY_ID", set_code_key_id},
    {"loader.env", "MSE_EGRESS", set_egress},
    {"loader.env", "MSE_HEALTHCHECK", release_set_healthcheck},
    {"loader.env", "MSE_LOGS", set_logs},
    {"loader.env", "MSE_OWNER_KEY", set_owner_key},
    {"loader.env", "MSE_PLAINCODE", set_plain_code},
    {"loader.env", "MSE_RESTART", set_restart},
    {"loader.env", "MSE_TEE", set_tee},
    {"loader.env", "MSE_THREADS", set_threads},
    {"sgx", "enclave_size", set_enclave_size},
    {"sgx", "max_threads", set_max_threads},
    {"sgx", "isvprodid", set_prod_id},
    {"sgx", "isvsvn", set_svn},
};

static int take_trusted(struct reading *reading, const char *hex, struct err *err)
{
	const char *uri = reading->uri;
	uint8_t sha256[32];

	if (hex_decode_lower(hex, strlen(hex), sha256, sizeof(sha256), err) < 0)
		return -1;
	if (strncmp(uri, RELEASE_CODE_URI, strlen(RELEASE_CODE_URI)) == 0)
		return release_add_file(reading->release, uri + strlen(RELEASE_CODE_URI), sha256, 0, err);
	if (strncmp(uri, RELEASE_ROOT_URI, strlen(RELEASE_ROOT_URI)) == 0)
		return bill_add(reading->bill, uri + strlen(RELEASE_ROOT_URI), sha256, 0, err);
	return err_set(err, ERR_INVALID, "trusted file '%s' does not begin with '%s'", uri, RELEASE_ROOT_URI);
}

static int take_line(const struct release_line *line, void *arg, struct err *err)
{
	struct reading *reading = arg;

	if (strcmp(line->section, "sgx.trusted_files") == 0 && strcmp(line->key, "uri") == 0) {
		memcpy(reading->uri, line->value, strlen(line->value) + 1);
		return 0;
	}
	if (strcmp(line->section, "sgx.trusted_files") == 0 && strcmp(line->key, "sha256") == 0)
		return take_trusted(reading, line->value, err);
	if (strcmp(line->section, "loader.entrypoint") == 0 && strcmp(line->key, "sha256") == 0)
		return hex_decode_lower(line->value, strlen(line->value), reading->bill->loader, 32, err);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (strcmp(rows[i].section, line->section) == 0 && strcmp(rows[i].key, line->key) == 0)
			return rows[i].set(reading->release, line->value, err) < 0 ? err_prefix(err, "'%s'", line->key)
										   : 0;
	}
	return 0;
}

/* The number of the first line in which the texts differ. */
static size_t first_difference(const char *text, size_t size, const struct buf *canonical)
{
	size_t line = 1;

	for (size_t i = 0; i < size && i < canonical->size && text[i] == (char)canonical->data[i]; i++)
		line += text[i] == '\n';
	return line;
}

static int check_canonical(const char *text, size_t size, const struct reading *reading, struct err *err)
{
	scoped(buf_done) struct buf again = BUF_INIT(RELEASE_MANIFEST_MAX);

	if (release_manifest_format(reading->release, reading->bill, &again, err) < 0)
		return -1;
	if (again.size != size || memcmp(again.data, text, size) != 0)
		return err_set(err, ERR_INVALID, "line %zu is not as a release manifest has it",
			       first_difference(text, size, &again));
	return 0;
}

int release_from_manifest(const void *text, size_t size, struct release **ret, struct bill **ret_bill, struct err *err)
{
	scoped(release_freep) struct release *release = NULL;
	scoped(bill_freep) struct bill *bill = NULL;
	struct reading reading = {.uri = ""};

	if (size > RELEASE_MANIFEST_MAX)
		return err_set(err, ERR_LIMIT, "manifest of %zu bytes, at most %u are read", size,
			       RELEASE_MANIFEST_MAX);
	if (release_new(&release, err) < 0 || bill_new(RELEASE_NO_IMAGE, reading.loader, &bill, err) < 0)
		return -1;
	reading.release = release;
	reading.bill = bill;
	if (release_scan(text, size, take_line, &reading, err) < 0 || bill_sort(bill, err) < 0 ||
	    check_canonical(text, size, &reading, err) < 0)
		return err_prefix(err, "manifest");
	*ret = TAKE_PTR(release);
	*ret_bill = TAKE_PTR(bill);
	return 0;
}
