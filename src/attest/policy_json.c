/* SPDX-License-Identifier: Apache-2.0 */
/* A policy in JSON, read by the tables of policy_rows.c. Everything it points to hangs in one list of blocks. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "attest/api.h"
#include "attest/policy.h"
#include "attest/policy_rows.h"
#include "base/clock.h"
#include "base/number.h"
#include "format/hex.h"
#include "format/json.h"

#define DEPTH_MAX 4 /* {"exceptions":[{"advisories":[ */
#define TEXT_MAX 256
#define PEM_MAX (16u << 10)
#define ROOTS_MAX 16

struct block {
	struct block *next;
	_Alignas(max_align_t) uint8_t data[];
};

/* What attest_policy_parse makes: policy is first, so that its address is the owner's. */
struct owner {
	struct attest_policy policy;
	struct block *blocks;
};

static void *owner_new(struct owner *owner, size_t size, struct err *err)
{
	struct block *block = calloc(1, sizeof(*block) + size);

	if (!block) {
		err_no_memory(err);
		return NULL;
	}
	block->next = owner->blocks;
	owner->blocks = block;
	return block->data;
}

ATTEST_API void attest_policy_free(struct attest_policy *policy)
{
	struct owner *owner = (struct owner *)policy;

	if (!owner)
		return;
	while (owner->blocks) {
		struct block *next = owner->blocks->next;

		free(owner->blocks);
		owner->blocks = next;
	}
	free(owner);
}

static void owner_free(struct owner *owner)
{
	attest_policy_free(owner ? &owner->policy : NULL);
}
DEFINE_SCOPED_PTR(struct owner, owner_free);

/* ------------------------------------------------------------------------------------------ single values */

static int read_text(const json_t *value, size_t size_max, const char **ret, struct err *err)
{
	const char *text = json_string_value(value);

	if (!text || !text[0] || strlen(text) > size_max)
		return err_set(err, ERR_INVALID, "expected a text of 1 to %zu characters", size_max);
	*ret = text;
	return 0;
}

/* Texts that come out again in verdicts. */
static int read_plain_text(const json_t *value, const char **ret, struct err *err)
{
	const char *text = "";

	if (read_text(value, TEXT_MAX, &text, err) < 0)
		return -1;
	for (const char *at = text; *at; at++)
		if (*at < 0x20 || *at > 0x7e)
			return err_set(err, ERR_INVALID, "expected printable ASCII only");
	*ret = text;
	return 0;
}

static int read_number(const json_t *value, uint64_t max, uint64_t *ret, struct err *err)
{
	if (!json_is_integer(value) || (uint64_t)json_integer_value(value) > max) /* a negative one is huge */
		return err_set(err, ERR_INVALID, "expected an integer from 0 to %llu", (unsigned long long)max);
	*ret = (uint64_t)json_integer_value(value);
	return 0;
}

static int read_bits(const json_t *value, uint64_t *ret, struct err *err)
{
	const char *text = json_is_string(value) ? json_string_value(value) : "";
	const size_t size = strlen(text);
	char padded[17] = "0000000000000000";
	uint8_t bytes[8];
	uint64_t bits = 0;

	if (size < 3 || size > 18 || strncmp(text, "0x", 2) != 0)
		return err_set(err, ERR_INVALID, "expected a text \"0x\" with 1 to 16 hex digits");
	memcpy(padded + 18 - size, text + 2, size - 2);
	if (hex_decode(padded, 16, bytes, sizeof(bytes), err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bits = bits << 8 | bytes[i];
	*ret = bits;
	return 0;
}

static int read_time(const json_t *value, int64_t *ret, struct err *err)
{
	if (clock_parse_utc(json_is_string(value) ? json_string_value(value) : "", ret, err) < 0)
		return -1;
	/* In the struct, zero asks for nothing: a text that says it must not be the laxest of all. */
	return *ret > 0 ? 0 : err_set(err, ERR_INVALID, "expected a time after 1970-01-01T00:00:00Z");
}

static int read_hex(const json_t *value, uint8_t *ret, size_t size, struct err *err)
{
	const char *text = json_string_value(value);

	if (!text || strlen(text) != 2 * size)
		return err_set(err, ERR_INVALID, "expected a text of %zu hex digits", 2 * size);
	return hex_decode(text, 2 * size, ret, size, err);
}

static int read_measurement(const json_t *value, struct attest_measurement *ret, struct err *err)
{
	const char *text = json_string_value(value);
	const size_t size = text ? strlen(text) / 2 : 0;

	if (size != 32 && size != 48)
		return err_set(err, ERR_INVALID, "expected a text of 64 or 96 hex digits");
	ret->size = size;
	return read_hex(value, ret->data, size, err);
}

static int read_machine_id(const json_t *value, struct attest_machine *ret, struct err *err)
{
	const char *text = json_string_value(value);

	ret->size = size_min(text ? strlen(text) / 2 : 0, sizeof(ret->data));
	return read_hex(value, ret->data, ret->size, err);
}

static int read_machine_kind(const json_t *value, enum attest_machine_kind *ret, struct err *err)
{
	const char *text = json_string_value(value);

	for (unsigned i = 0; text && policy_machine_kind_text(i); i++) {
		if (strcmp(text, policy_machine_kind_text(i)) == 0) {
			*ret = (enum attest_machine_kind)i;
			return 0;
		}
	}
	return err_set(err, ERR_INVALID, "expected ppid-sha256, platform-instance-id or chip-id");
}

/* ------------------------------------------------------------------------------------------ lists */

/* An array of least..most elements. */
static int check_array(const json_t *value, size_t least, size_t most, struct err *err)
{
	if (!json_is_array(value) || json_array_size(value) < least || json_array_size(value) > most)
		return err_set(err, ERR_INVALID, "expected a list of %zu to %zu elements", least, most);
	return 0;
}

typedef const char *(*text_of)(unsigned number);

static const char *status_of(unsigned number)
{
	return attest_tcb_status_text((enum attest_tcb_status)number);
}

static const char *tee_of(unsigned number)
{
	return attest_tee_text((enum attest_tee)number);
}

/* Texts to the bits of their numbers, each once. */
static int read_mask(const json_t *value, text_of name, unsigned last, uint32_t *ret, struct err *err)
{
	uint32_t mask = 0;

	if (check_array(value, 1, last + 1, err) < 0)
		return -1;
	for (size_t i = 0; i < json_array_size(value); i++) {
		const char *text = json_string_value(json_array_get(value, i));
		unsigned number = 0;

		while (number <= last && !(text && strcmp(text, name(number)) == 0))
			number++;
		if (number > last)
			return err_set(err, ERR_INVALID, "element %zu is none of the known ones", i);
		if (mask & (1u << number))
			return err_set(err, ERR_INVALID, "'%s' is there twice", text);
		mask |= 1u << number;
	}
	*ret = mask;
	return 0;
}

static int read_vmpls(const json_t *value, uint32_t *ret, struct err *err)
{
	uint32_t mask = 0;

	if (check_array(value, 1, 5, err) < 0)
		return -1;
	for (size_t i = 0; i < json_array_size(value); i++) {
		const json_t *item = json_array_get(value, i);
		const char *text = json_string_value(item);
		uint64_t number = 0;
		uint32_t bit;

		if (!text && read_number(item, 3, &number, err) < 0)
			return err_set(err, ERR_INVALID, "element %zu is not 0 to 3 or \"host\"", i);
		if (text && strcmp(text, "host") != 0)
			return err_set(err, ERR_INVALID, "element %zu is not 0 to 3 or \"host\"", i);
		bit = text ? ATTEST_VMPL_HOST_BIT : ATTEST_VMPL_BIT((unsigned)number);
		if (mask & bit)
			return err_set(err, ERR_INVALID, "element %zu is there twice", i);
		mask |= bit;
	}
	*ret = mask;
	return 0;
}

static int copy_text(struct owner *owner, const char *text, const char **ret, struct err *err)
{
	const size_t size = strlen(text) + 1;
	char *copy = owner_new(owner, size, err);

	if (!copy)
		return -1;
	memcpy(copy, text, size);
	*ret = copy;
	return 0;
}

static int read_texts(struct owner *owner, const json_t *value, const char *const **ret, size_t *ret_count,
		      struct err *err)
{
	const size_t count = json_array_size(value);
	const char **list;

	if (check_array(value, 0, ATTEST_POLICY_LIST_MAX, err) < 0)
		return -1;
	list = owner_new(owner, (count + 1) * sizeof(*list), err); /* one more: an empty list is there too */
	if (!list)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const char *text = "";

		if (read_plain_text(json_array_get(value, i), &text, err) < 0)
			return err_prefix(err, "element %zu", i);
		if (copy_text(owner, text, &list[i], err) < 0)
			return -1;
	}
	*ret = list;
	*ret_count = count;
	return 0;
}

static int read_measurements(struct owner *owner, const json_t *value, const struct attest_measurement **ret,
			     size_t *ret_count, struct err *err)
{
	const size_t count = json_array_size(value);
	struct attest_measurement *list;

	if (check_array(value, 1, ATTEST_POLICY_LIST_MAX, err) < 0)
		return -1;
	list = owner_new(owner, count * sizeof(*list), err);
	if (!list)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (read_measurement(json_array_get(value, i), &list[i], err) < 0)
			return err_prefix(err, "element %zu", i);
	*ret = list;
	*ret_count = count;
	return 0;
}

static int read_roots(struct owner *owner, const json_t *value, const struct attest_bytes **ret, size_t *ret_count,
		      struct err *err)
{
	const size_t count = json_array_size(value);
	struct attest_bytes *list;

	if (check_array(value, 1, ROOTS_MAX, err) < 0)
		return -1;
	list = owner_new(owner, count * sizeof(*list), err);
	if (!list)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const char *text = "";

		if (read_text(json_array_get(value, i), PEM_MAX, &text, err) < 0)
			return err_prefix(err, "element %zu", i);
		if (copy_text(owner, text, &text, err) < 0)
			return -1;
		list[i] = (struct attest_bytes){(const uint8_t *)text, strlen(text)};
	}
	*ret = list;
	*ret_count = count;
	return 0;
}

static int read_section(struct owner *owner, const json_t *value, const struct policy_section *section, uint8_t *ret,
			struct err *err);

static int read_objects(struct owner *owner, const json_t *value, const struct policy_section *section,
			const void **ret, size_t *ret_count, struct err *err)
{
	const size_t count = json_array_size(value);
	uint8_t *list;

	if (check_array(value, 1, ATTEST_POLICY_LIST_MAX, err) < 0)
		return -1;
	list = owner_new(owner, count * section->size, err);
	if (!list)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (read_section(owner, json_array_get(value, i), section, list + i * section->size, err) < 0)
			return err_prefix(err, "element %zu", i);
	*ret = list;
	*ret_count = count;
	return 0;
}

/* ------------------------------------------------------------------------------------------ members */

static int read_u16_pointer(struct owner *owner, const json_t *value, const uint16_t **ret, struct err *err)
{
	uint16_t *number = owner_new(owner, sizeof(*number), err);
	uint64_t wide = 0;

	if (!number || read_number(value, UINT16_MAX, &wide, err) < 0)
		return -1;
	*number = (uint16_t)wide;
	*ret = number;
	return 0;
}

static int read_bytes(struct owner *owner, const json_t *value, size_t size, const uint8_t **ret, struct err *err)
{
	uint8_t *bytes = owner_new(owner, size, err);

	if (!bytes || read_hex(value, bytes, size, err) < 0)
		return -1;
	*ret = bytes;
	return 0;
}

static int read_object(struct owner *owner, const json_t *value, const struct policy_section *section, const void **ret,
		       struct err *err)
{
	uint8_t *bytes = owner_new(owner, section->size, err);

	if (!bytes || read_section(owner, value, section, bytes, err) < 0)
		return -1;
	*ret = bytes;
	return 0;
}

static int read_integer(const json_t *value, enum policy_kind kind, void *ret, struct err *err)
{
	const uint64_t max = kind == POLICY_U8 ? UINT8_MAX : kind == POLICY_U16 ? UINT16_MAX : UINT32_MAX;
	uint64_t wide = 0;

	if (read_number(value, max, &wide, err) < 0)
		return -1;
	if (kind == POLICY_U8)
		*(uint8_t *)ret = (uint8_t)wide;
	else if (kind == POLICY_U16)
		*(uint16_t *)ret = (uint16_t)wide;
	else
		*(uint32_t *)ret = (uint32_t)wide;
	return 0;
}

static int read_bool(const json_t *value, bool *ret, struct err *err)
{
	if (!json_is_boolean(value))
		return err_set(err, ERR_INVALID, "expected true or false");
	*ret = json_is_true(value);
	return 0;
}

static int read_kept_text(struct owner *owner, const json_t *value, const char **ret, struct err *err)
{
	const char *text = "";

	return read_plain_text(value, &text, err) < 0 ? -1 : copy_text(owner, text, ret, err);
}

static int read_version(const json_t *value, struct err *err)
{
	if (json_integer_value(value) != 1) /* 0 for what is no integer */
		return err_set(err, ERR_UNSUPPORTED, "expected 1");
	return 0;
}

static int read_row(struct owner *owner, const json_t *value, const struct policy_row *row, uint8_t *base,
		    struct err *err)
{
	void *place = base + row->offset;
	size_t *count = (size_t *)(void *)(base + row->more); /* of lists only */

	switch (row->kind) {
	case POLICY_VERSION:
		return read_version(value, err);
	case POLICY_BOOL:
		return read_bool(value, place, err);
	case POLICY_U8:
	case POLICY_U16:
	case POLICY_U32:
		return read_integer(value, row->kind, place, err);
	case POLICY_U16_POINTER:
		return read_u16_pointer(owner, value, place, err);
	case POLICY_BITS:
		return read_bits(value, place, err);
	case POLICY_TIME:
		return read_time(value, place, err);
	case POLICY_TEXT:
		return read_kept_text(owner, value, place, err);
	case POLICY_TEXTS:
		return read_texts(owner, value, place, count, err);
	case POLICY_HEX:
		return read_bytes(owner, value, row->more, place, err);
	case POLICY_MEASUREMENTS:
		return read_measurements(owner, value, place, count, err);
	case POLICY_STATUSES:
		return read_mask(value, status_of, ATTEST_TCB_REVOKED, place, err);
	case POLICY_TEES:
		return read_mask(value, tee_of, ATTEST_TEE_SEV_SNP, place, err);
	case POLICY_VMPLS:
		return read_vmpls(value, place, err);
	case POLICY_MACHINE_KIND:
		return read_machine_kind(value, place, err);
	case POLICY_MACHINE_ID:
		return read_machine_id(value, place, err);
	case POLICY_ROOTS:
		return read_roots(owner, value, place, count, err);
	case POLICY_OBJECT:
		return read_object(owner, value, row->section, place, err);
	case POLICY_OBJECTS:
		return read_objects(owner, value, row->section, place, count, err);
	}
	return err_set(err, ERR_INTERNAL, "a member of unknown kind");
}

static bool section_has(const struct policy_section *section, const char *name)
{
	for (size_t i = 0; i < section->row_count; i++)
		if (strcmp(section->rows[i].name, name) == 0)
			return true;
	return false;
}

static int read_section(struct owner *owner, const json_t *value, const struct policy_section *section, uint8_t *ret,
			struct err *err)
{
	const char *name;
	json_t *member;

	if (!json_is_object(value))
		return err_set(err, ERR_INVALID, "expected an object");
	json_object_foreach ((json_t *)value, name, member)
		if (!section_has(section, name))
			return err_set(err, ERR_INVALID, "'%.60s' is not known", name);
	for (size_t i = 0; i < section->row_count; i++) {
		const struct policy_row *row = &section->rows[i];

		member = json_object_get(value, row->name);
		if (!member && row->required)
			return err_set(err, ERR_INVALID, "'%s' is missing", row->name);
		if (member && read_row(owner, member, row, ret, err) < 0)
			return err_prefix(err, "'%s'", row->name);
	}
	return 0;
}

static int parse(const struct attest_bytes *bytes, struct attest_policy **ret, struct err *err)
{
	scoped(owner_freep) struct owner *owner = calloc(1, sizeof(*owner));
	scoped(json_decrefp) json_t *root = NULL;
	const char *fault;

	if (!owner)
		return err_no_memory(err);
	if (bytes->size > ATTEST_POLICY_SIZE_MAX)
		return err_set(err, ERR_LIMIT, "a policy has at most %u bytes", ATTEST_POLICY_SIZE_MAX);
	if (json_parse_strict(bytes->data, bytes->size, DEPTH_MAX, &root, err) < 0 ||
	    read_section(owner, root, &POLICY_TOP, (uint8_t *)&owner->policy, err) < 0)
		return -1;
	fault = policy_find_fault(&owner->policy);
	if (fault)
		return err_set(err, ERR_INVALID, "%s", fault);
	*ret = &TAKE_PTR(owner)->policy;
	return 0;
}

ATTEST_API int attest_policy_parse(const struct attest_bytes *json, struct attest_policy **ret_policy,
				   char ret_why[ATTEST_TEXT_SIZE])
{
	struct err err = ERR_INIT;

	if (!ret_why)
		return -1;
	if (!json || !json->data || !ret_policy)
		(void)snprintf(ret_why, ATTEST_TEXT_SIZE, "the policy is missing");
	else if (parse(json, ret_policy, &err) == 0)
		return 0;
	else
		(void)snprintf(ret_why, ATTEST_TEXT_SIZE, "%.*s", ATTEST_TEXT_SIZE - 1,
			       err.code == ERR_NO_MEMORY ? "out of memory" : err.text);
	return -1;
}
