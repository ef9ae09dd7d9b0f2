/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/policy.h"

#include <string.h>

#define HEAD_SIZE (1 + sizeof(uint32_t))

static int add_head(struct buf *policy, enum policy_type type, size_t size, struct err *err)
{
	uint8_t head[HEAD_SIZE] = {(uint8_t)type};
	const uint32_t size32 = (uint32_t)size;

	if (size > POLICY_SIZE_MAX)
		return err_set(err, ERR_LIMIT, "a sandbox rule of %zu bytes", size);
	memcpy(head + 1, &size32, sizeof(size32));
	return buf_add(policy, head, sizeof(head), err);
}

int policy_add(struct buf *policy, enum policy_type type, const void *data, size_t size, struct err *err)
{
	if (add_head(policy, type, size, err) < 0)
		return -1;
	return buf_add(policy, data, size, err);
}

int policy_add_text(struct buf *policy, enum policy_type type, const char *text, struct err *err)
{
	return policy_add(policy, type, text, strlen(text) + 1, err);
}

int policy_add_path(struct buf *policy, enum policy_access access, const char *path, struct err *err)
{
	const size_t path_size = strlen(path) + 1;

	if (add_head(policy, POLICY_PATH, 1 + path_size, err) < 0 || buf_add_byte(policy, (uint8_t)access, err) < 0)
		return -1;
	return buf_add(policy, path, path_size, err);
}

static bool is_text(const struct policy_record *record, size_t skip)
{
	return record->size > skip && record->data[record->size - 1] == '\0';
}

static bool is_well_formed(const struct policy_record *record)
{
	switch (record->type) {
	case POLICY_PATH:
		return is_text(record, 1);
	case POLICY_NETWORK:
		return record->size == sizeof(struct policy_network);
	case POLICY_FILTER:
		return record->size > 0;
	case POLICY_LANDLOCK:
		return record->size == 1;
	case POLICY_PROGRAM:
	case POLICY_ARGUMENT:
	case POLICY_VARIABLE:
		return is_text(record, 0);
	}
	return false;
}

int policy_next(const uint8_t *policy, size_t size, size_t *at, struct policy_record *ret, struct err *err)
{
	const size_t left = size - *at;
	struct policy_record record;

	if (left == 0)
		return 0;
	if (left < HEAD_SIZE)
		return err_set(err, ERR_INVALID, "sandbox policy: byte %zu: cut off", *at);
	record.type = (enum policy_type)policy[*at];
	memcpy(&record.size, policy + *at + 1, sizeof(record.size));
	record.data = policy + *at + HEAD_SIZE;
	if (record.size > left - HEAD_SIZE || !is_well_formed(&record))
		return err_set(err, ERR_INVALID, "sandbox policy: byte %zu: no record", *at);
	*at += HEAD_SIZE + record.size;
	*ret = record;
	return 1;
}
