/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/show.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/number.h"
#include "cli/show_priv.h"
#include "format/hcl_report.h"
#include "format/hex.h"
#include "format/intel_quote.h"
#include "format/snp_report.h"

#define BYTES_MAX 4096 /* of one member */
#define NUMBER_SIZE 32
#define DER_FIRST_BYTE 0x30

void show_add(struct show *show, const char *name, json_t *value)
{
	if (show->failed)
		json_decref(value);
	else if (!value || json_object_set_new(show->object, name, value) < 0)
		show->failed = true;
}

void show_text(struct show *show, const char *name, const char *text)
{
	show_bytes_as_text(show, name, text, strlen(text));
}

void show_bytes_as_text(struct show *show, const char *name, const void *data, size_t size)
{
	scoped(buf_done) struct buf text = BUF_INIT(4 * BYTES_MAX + sizeof("..."));
	const uint8_t *bytes = data;
	struct err err = ERR_INIT;
	int status = 0;

	for (size_t i = 0; i < size_min(size, BYTES_MAX) && status == 0; i++) {
		if (bytes[i] < 0x20 || bytes[i] > 0x7e)
			status = buf_addf(&text, &err, "\\x%02x", bytes[i]);
		else
			status = buf_add_byte(&text, bytes[i], &err);
	}
	if (status == 0 && size > BYTES_MAX)
		status = buf_add_text(&text, "...", &err);
	show_add(show, name, status < 0 ? NULL : json_string(buf_text(&text)));
}

void show_hex(struct show *show, const char *name, const void *data, size_t size)
{
	scoped(buf_done) struct buf text = BUF_INIT(2 * BYTES_MAX + sizeof("..."));
	struct err err = ERR_INIT;
	int status = hex_add(&text, data, size_min(size, BYTES_MAX), &err);

	if (status == 0 && size > BYTES_MAX)
		status = buf_add_text(&text, "...", &err);
	show_add(show, name, status < 0 ? NULL : json_string(buf_text(&text)));
}

void show_number(struct show *show, const char *name, int64_t value)
{
	show_add(show, name, json_integer(value));
}

void show_number_hex(struct show *show, const char *name, uint64_t value, int digits)
{
	char text[NUMBER_SIZE];

	(void)snprintf(text, sizeof(text), "0x%0*llx", digits, (unsigned long long)value);
	show_add(show, name, json_string(text));
}

void show_bool(struct show *show, const char *name, bool value)
{
	show_add(show, name, json_boolean(value));
}

void show_time(struct show *show, const char *name, int64_t time)
{
	char text[CLOCK_TEXT_SIZE];

	if (time == INT64_MAX) {
		show_add(show, name, json_null());
		return;
	}
	clock_format_utc(time, text);
	show_add(show, name, json_string(text));
}

struct show show_open(const struct show *parent)
{
	json_t *object = json_object();

	return (struct show){.object = object, .depth = parent->depth + 1, .failed = !object};
}

static json_t *take(struct show *parent, struct show *child)
{
	json_t *object = child->object;

	child->object = NULL;
	if (!child->failed)
		return object;
	parent->failed = true;
	json_decref(object);
	return NULL;
}

void show_close(struct show *parent, const char *name, struct show *child)
{
	json_t *object = take(parent, child);

	if (object)
		show_add(parent, name, object);
}

void show_close_in(struct show *parent, json_t *list, struct show *child)
{
	json_t *object = take(parent, child);

	if (object && (!list || json_array_append_new(list, object) < 0))
		parent->failed = true;
}

/* ------------------------------------------------------------------------------------------- what kind it is */

static bool begins_with(const uint8_t *data, size_t size, const char *text)
{
	return size >= strlen(text) && memcmp(data, text, strlen(text)) == 0;
}

static bool is_quote(const uint8_t *data, size_t size)
{
	return size >= INTEL_QUOTE_HEADER_SIZE && data[0] >= 3 && data[0] <= 5 && data[1] == 0 &&
	       size != SNP_REPORT_SIZE;
}

static bool is_report(const uint8_t *data, size_t size)
{
	return size == SNP_REPORT_SIZE && data[0] <= SNP_REPORT_VERSION_MAX && data[1] == 0;
}

static bool is_report_extension(const uint8_t *data, size_t size)
{
	return size > SNP_REPORT_SIZE && data[0] >= SNP_REPORT_VERSION_MIN && data[0] <= SNP_REPORT_VERSION_MAX &&
	       data[1] == 0 && data[2] == 0 && data[3] == 0;
}

static bool is_hcl(const uint8_t *data, size_t size)
{
	return hcl_report_is(data, size);
}

static bool is_tagged_evidence(const uint8_t *data, size_t size)
{
	return begins_with(data, size, "\xd9\xea\x60"); /* CBOR tag 60000 */
}

static bool is_pem(const uint8_t *data, size_t size)
{
	return begins_with(data, size, "-----BEGIN ");
}

static bool is_der(const uint8_t *data, size_t size)
{
	return size > 0 && data[0] == DER_FIRST_BYTE;
}

/* Which members make which kind: enough to choose; each reader is strict afterwards. */
static bool has_member(const uint8_t *data, size_t size, const char *member)
{
	return size > 0 && data[0] == '{' && memmem(data, size, member, strlen(member));
}

static bool is_tcb_info(const uint8_t *data, size_t size)
{
	return has_member(data, size, "\"tcbInfo\"");
}

static bool is_qe_identity(const uint8_t *data, size_t size)
{
	return has_member(data, size, "\"enclaveIdentity\"");
}

static bool is_bundle(const uint8_t *data, size_t size)
{
	return has_member(data, size, "\"mse-bundle\"");
}

static bool is_instance(const uint8_t *data, size_t size)
{
	return has_member(data, size, "\"config_domain\"");
}

static bool is_answer(const uint8_t *data, size_t size)
{
	return has_member(data, size, "\"quote\"") && has_member(data, size, "\"certificate\"");
}

/*
 * The first row whose bytes look right and whose reader takes them; if none takes them, the first that looked right
 * says why. A quote of version 3 to 5 and a report with certificates begin alike: the second reader decides.
 */
static const struct {
	const char *kind;
	bool (*is)(const uint8_t *data, size_t size);
	int (*read)(struct show *show, const void *data, size_t size, struct err *err);
} KINDS[] = {
    {"hcl-report", is_hcl, show_hcl},
    {"snp-report", is_report, show_report},
    {"quote", is_quote, show_quote},
    {"snp-extension", is_report_extension, show_report_extension},
    {"tagged-evidence", is_tagged_evidence, show_tagged_evidence},
    {"pem", is_pem, show_pem},
    {"certificate", is_der, show_certificate},
    {"crl", is_der, show_crl},
    {"bundle", is_bundle, show_bundle},
    {"tcb-info", is_tcb_info, show_tcb_info},
    {"qe-identity", is_qe_identity, show_qe_identity},
    {"instance", is_instance, show_instance},
    {"attestation-answer", is_answer, show_answer},
};

static int read_as(size_t kind, unsigned depth, const void *data, size_t size, json_t **ret, struct err *err)
{
	struct show show = {.object = json_object(), .depth = depth};
	int status;

	show.failed = !show.object;
	show_text(&show, "kind", KINDS[kind].kind);
	show_bool(&show, "verified", false);
	show_number(&show, "size", (int64_t)size);
	status = KINDS[kind].read(&show, data, size, err);
	if (status == 0 && show.failed)
		status = err_no_memory(err);
	if (status < 0)
		json_decref(show.object);
	else
		*ret = show.object;
	return status;
}

static int decode(unsigned depth, const void *data, size_t size, json_t **ret, struct err *err)
{
	struct err first = ERR_INIT;

	for (size_t i = 0; i < COUNT_OF(KINDS); i++) {
		struct err failed = ERR_INIT;

		if (!KINDS[i].is(data, size))
			continue;
		if (read_as(i, depth, data, size, ret, &failed) == 0)
			return 0;
		if (*first.text == '\0') {
			first = failed;
			(void)err_prefix(&first, "%s", KINDS[i].kind);
		}
	}
	if (*first.text == '\0')
		return err_set(err, ERR_INVALID, "%zu bytes of a kind that is not known", size);
	*err = first;
	return -1;
}

int show_decode(const void *data, size_t size, json_t **ret, struct err *err)
{
	if (size > SHOW_SIZE_MAX)
		return err_set(err, ERR_LIMIT, "%zu bytes, at most %u", size, SHOW_SIZE_MAX);
	if (size == 0)
		return err_set(err, ERR_INVALID, "it is empty");
	return decode(0, data, size, ret, err);
}

void show_inner(struct show *show, const char *name, const void *data, size_t size)
{
	struct err err = ERR_INIT;
	json_t *object = NULL;

	if (show->depth < SHOW_DEPTH_MAX && size > 0 && decode(show->depth + 1, data, size, &object, &err) == 0) {
		(void)json_object_del(object, "verified");
		show_add(show, name, object);
		return;
	}
	struct show child = show_open(show);

	show_number(&child, "size", (int64_t)size);
	if (*err.text)
		show_text(&child, "unreadable", err.text);
	show_close(show, name, &child);
}
