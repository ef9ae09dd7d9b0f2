/* SPDX-License-Identifier: Apache-2.0 */
#include "format/json.h"

#include <assert.h>
#include <string.h>

#include "format/hex.h"

/* Texts longer than this are not repeated whole in errors. */
#define SHOWN_MAX 60

/*
 * Brackets and commas outside texts, before anything is read or allocated. Whether brackets match is jansson's
 * business: an unmatched ']' or '}' never deepens.
 */
static int check_bounds(const char *text, size_t size, size_t max_depth, size_t max_values, struct err *err)
{
	bool in_text = false;
	size_t depth = 0;
	size_t values = 1;

	for (size_t i = 0; i < size; i++) {
		if (in_text) {
			if (text[i] == '\\')
				i++;
			else if (text[i] == '"')
				in_text = false;
			continue;
		}
		if (text[i] == '"')
			in_text = true;
		if (text[i] == '{' || text[i] == '[')
			depth++;
		if ((text[i] == '}' || text[i] == ']') && depth > 0)
			depth--;
		values += text[i] == '{' || text[i] == '[' || text[i] == ',';
		if (depth > max_depth)
			return err_set(err, ERR_LIMIT, "byte %zu: JSON nested deeper than %zu", i, max_depth);
		if (values > max_values)
			return err_set(err, ERR_LIMIT, "byte %zu: JSON of more than %zu values", i, max_values);
	}
	return 0;
}

int json_parse_strict(const void *data, size_t size, size_t max_depth, json_t **ret, struct err *err)
{
	return json_parse_bounded(data, size, max_depth, SIZE_MAX, ret, err);
}

int json_parse_bounded(const void *data, size_t size, size_t max_depth, size_t max_values, json_t **ret,
		       struct err *err)
{
	json_error_t fault;
	json_t *root;

	assert(max_depth >= 1 && max_depth <= JSON_DEPTH_MAX);
	if (check_bounds(data, size, max_depth, max_values, err) < 0)
		return -1;
	root = json_loadb(data, size, JSON_REJECT_DUPLICATES, &fault);
	if (!root && json_error_code(&fault) == json_error_out_of_memory)
		return err_no_memory(err);
	if (!root)
		return err_set(err, ERR_INVALID, "line %d, column %d: %s", fault.line, fault.column, fault.text);
	*ret = root;
	return 0;
}

static const char *type_text(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a text";
	case JSON_INTEGER:
		return "an integer";
	case JSON_REAL:
		return "a number that is no integer";
	case JSON_TRUE:
		return "true";
	case JSON_FALSE:
		return "false";
	case JSON_NULL:
		return "null";
	}
	return "something else";
}

/* 1, or 0 for an absent member, which is an error only if it is required. */
static int find(const json_t *object, const char *name, bool required, const json_t **ret, struct err *err)
{
	*ret = json_object_get(object, name);
	if (*ret)
		return 1;
	return required ? err_set(err, ERR_INVALID, "member '%s' is missing", name) : 0;
}

static int wrong_type(const json_t *value, const char *name, const char *wanted, struct err *err)
{
	return err_set(err, ERR_INVALID, "member '%s' is %s, expected %s", name, type_text(value), wanted);
}

/* How much of a text an error repeats: never half a UTF-8 character. */
static int shown_size(const char *text)
{
	size_t size = strnlen(text, SHOWN_MAX);

	while (size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80)
		size--;
	return (int)size;
}

static int text_member(const json_t *object, const char *name, bool required, size_t size_max, const char **ret,
		       struct err *err)
{
	const json_t *value;
	const int found = find(object, name, required, &value, err);

	if (found <= 0)
		return found;
	if (!json_is_string(value))
		return wrong_type(value, name, "a text", err);
	if (json_string_length(value) > size_max)
		return err_set(err, ERR_INVALID, "member '%s' has %zu bytes ('%.*s...'), the maximum is %zu", name,
			       json_string_length(value), shown_size(json_string_value(value)),
			       json_string_value(value), size_max);
	*ret = json_string_value(value);
	return 1;
}

int json_find_text(const json_t *object, const char *name, size_t size_max, const char **ret, struct err *err)
{
	return text_member(object, name, false, size_max, ret, err);
}

int json_get_text(const json_t *object, const char *name, size_t size_max, const char **ret, struct err *err)
{
	return text_member(object, name, true, size_max, ret, err) < 0 ? -1 : 0;
}

static int int_member(const json_t *object, const char *name, bool required, int64_t min, int64_t max, int64_t *ret,
		      struct err *err)
{
	const json_t *value;
	const int found = find(object, name, required, &value, err);

	if (found <= 0)
		return found;
	if (!json_is_integer(value))
		return wrong_type(value, name, "an integer", err);
	if (json_integer_value(value) < min || json_integer_value(value) > max)
		return err_set(err, ERR_INVALID, "member '%s' is %lld, expected %lld..%lld", name,
			       (long long)json_integer_value(value), (long long)min, (long long)max);
	*ret = json_integer_value(value);
	return 1;
}

int json_find_int(const json_t *object, const char *name, int64_t min, int64_t max, int64_t *ret, struct err *err)
{
	return int_member(object, name, false, min, max, ret, err);
}

int json_get_int(const json_t *object, const char *name, int64_t min, int64_t max, int64_t *ret, struct err *err)
{
	return int_member(object, name, true, min, max, ret, err) < 0 ? -1 : 0;
}

static int bool_member(const json_t *object, const char *name, bool required, bool *ret, struct err *err)
{
	const json_t *value;
	const int found = find(object, name, required, &value, err);

	if (found <= 0)
		return found;
	if (!json_is_boolean(value))
		return wrong_type(value, name, "true or false", err);
	*ret = json_is_true(value);
	return 1;
}

int json_find_bool(const json_t *object, const char *name, bool *ret, struct err *err)
{
	return bool_member(object, name, false, ret, err);
}

int json_get_bool(const json_t *object, const char *name, bool *ret, struct err *err)
{
	return bool_member(object, name, true, ret, err) < 0 ? -1 : 0;
}

static int object_member(const json_t *object, const char *name, bool required, json_t **ret, struct err *err)
{
	const json_t *value;
	const int found = find(object, name, required, &value, err);

	if (found <= 0)
		return found;
	if (!json_is_object(value))
		return wrong_type(value, name, "an object", err);
	*ret = (json_t *)value;
	return 1;
}

int json_find_object(const json_t *object, const char *name, json_t **ret, struct err *err)
{
	return object_member(object, name, false, ret, err);
}

int json_get_object(const json_t *object, const char *name, json_t **ret, struct err *err)
{
	return object_member(object, name, true, ret, err) < 0 ? -1 : 0;
}

static int array_member(const json_t *object, const char *name, bool required, size_t count_max, json_t **ret,
			struct err *err)
{
	const json_t *value;
	const int found = find(object, name, required, &value, err);

	if (found <= 0)
		return found;
	if (!json_is_array(value))
		return wrong_type(value, name, "an array", err);
	if (json_array_size(value) > count_max)
		return err_set(err, ERR_INVALID, "member '%s' has %zu elements, the maximum is %zu", name,
			       json_array_size(value), count_max);
	*ret = (json_t *)value;
	return 1;
}

int json_find_array(const json_t *object, const char *name, size_t count_max, json_t **ret, struct err *err)
{
	return array_member(object, name, false, count_max, ret, err);
}

int json_get_array(const json_t *object, const char *name, size_t count_max, json_t **ret, struct err *err)
{
	return array_member(object, name, true, count_max, ret, err) < 0 ? -1 : 0;
}

int json_get_hex(const json_t *object, const char *name, uint8_t *ret, size_t size, struct err *err)
{
	const char *text;

	if (json_get_text(object, name, 2 * size, &text, err) < 0)
		return -1;
	if (hex_decode(text, strlen(text), ret, size, err) < 0)
		return err_prefix(err, "member '%s'", name);
	return 0;
}

static bool is_listed(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (strcmp(name, *names) == 0)
			return true;
	return false;
}

int json_check_members(const json_t *object, const char *const *names, struct err *err)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)object, name, value) {
		if (!is_listed(name, names))
			return err_set(err, ERR_INVALID, "unknown member '%.*s'", shown_size(name), name);
	}
	return 0;
}

struct format_target {
	struct buf *buf;
	struct err *err;
};

static int add_chunk(const char *text, size_t size, void *arg)
{
	struct format_target *target = arg;

	return buf_add(target->buf, text, size, target->err);
}

int json_format(const json_t *value, struct buf *ret, struct err *err)
{
	struct err failure = ERR_INIT;
	struct format_target target = {.buf = ret, .err = &failure};

	if (json_dump_callback(value, add_chunk, &target, JSON_COMPACT | JSON_ENCODE_ANY) == 0)
		return 0;
	if (!failure.text[0])
		return err_set(err, ERR_INTERNAL, "cannot write JSON");
	*err = failure;
	return -1;
}
