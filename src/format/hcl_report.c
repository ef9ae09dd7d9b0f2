/* SPDX-License-Identifier: Apache-2.0 */
#include "format/hcl_report.h"

#include <string.h>

#include "format/json.h"
#include "format/snp_report.h"

#define HEADER_SIZE 32
#define AT_DATA (HEADER_SIZE + SNP_REPORT_SIZE)
#define DATA_HEADER_SIZE 20
#define AT_JSON (AT_DATA + DATA_HEADER_SIZE)
#define DATA_VERSION 1
#define REPORT_TYPE_SNP 2
#define HASH_TYPE_SHA256 1
#define JSON_DEPTH 8

static const uint8_t MAGIC[4] = {'H', 'C', 'L', 'A'};

/* The u32 after the report, in order. */
enum { DATA_SIZE, VERSION, REPORT_TYPE, HASH_TYPE, JSON_SIZE };

static uint32_t get_word(const uint8_t *bytes, size_t index)
{
	const uint8_t *at = bytes + AT_DATA + 4 * index;

	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

bool hcl_report_is(const void *data, size_t size)
{
	return size >= sizeof(MAGIC) && memcmp(data, MAGIC, sizeof(MAGIC)) == 0;
}

static int check_words(const uint8_t *bytes, size_t size, struct err *err)
{
	if (get_word(bytes, VERSION) != DATA_VERSION)
		return err_set(err, ERR_UNSUPPORTED, "data version %u, expected %d", get_word(bytes, VERSION),
			       DATA_VERSION);
	if (get_word(bytes, REPORT_TYPE) != REPORT_TYPE_SNP)
		return err_set(err, ERR_UNSUPPORTED, "report type %u, expected %d (SEV-SNP)",
			       get_word(bytes, REPORT_TYPE), REPORT_TYPE_SNP);
	if (get_word(bytes, HASH_TYPE) != HASH_TYPE_SHA256)
		return err_set(err, ERR_UNSUPPORTED, "hash type %u, expected %d (SHA-256)", get_word(bytes, HASH_TYPE),
			       HASH_TYPE_SHA256);
	if (get_word(bytes, JSON_SIZE) > size - AT_JSON)
		return err_set(err, ERR_INVALID, "JSON of %u bytes, %zu are left", get_word(bytes, JSON_SIZE),
			       size - AT_JSON);
	return 0;
}

/* What the guest asked to be named, if it is there in the usual form: 128 hexadecimal digits. */
static void read_user_data(const json_t *root, struct hcl_report *report)
{
	struct err err = ERR_INIT;

	report->has_user_data = json_get_hex(root, "user-data", report->user_data, HCL_USER_DATA_SIZE, &err) == 0;
}

static int read_json(struct hcl_report *report, struct err *err)
{
	scoped(json_decrefp) json_t *root = NULL;

	if (json_parse_strict(report->json, report->json_size, JSON_DEPTH, &root, err) < 0)
		return -1;
	if (!json_is_object(root))
		return err_set(err, ERR_INVALID, "no object");
	read_user_data(root, report);
	return 0;
}

int hcl_report_parse(const void *data, size_t size, struct hcl_report *ret, struct err *err)
{
	const uint8_t *bytes = data;
	struct hcl_report report = {0};

	if (!hcl_report_is(data, size))
		return err_set(err, ERR_INVALID, "HCL report: does not begin 'HCLA'");
	if (size <= AT_JSON || size > HCL_REPORT_SIZE_MAX)
		return err_set(err, ERR_INVALID, "HCL report: %zu bytes, expected %d to %d", size, AT_JSON + 1,
			       HCL_REPORT_SIZE_MAX);
	if (check_words(bytes, size, err) < 0)
		return err_prefix(err, "HCL report");
	report.report = bytes + HEADER_SIZE;
	report.json = bytes + AT_JSON;
	report.json_size = get_word(bytes, JSON_SIZE);
	for (size_t i = AT_JSON + report.json_size; i < size; i++)
		if (bytes[i] != 0)
			return err_set(err, ERR_INVALID, "HCL report: byte %zu after the JSON is not zero", i);
	if (read_json(&report, err) < 0)
		return err_prefix(err, "HCL report: JSON");
	*ret = report;
	return 0;
}
