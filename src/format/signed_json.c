/* SPDX-License-Identifier: Apache-2.0 */
#include "format/signed_json.h"

#include <string.h>

#include "base/clock.h"

/*
 * The scanner below walks text that jansson has already accepted: strings are closed, brackets match. It still never
 * reads past the end.
 */
struct scan {
	const char *at;
	const char *end;
};

static void skip_space(struct scan *scan)
{
	while (scan->at < scan->end && strchr(" \t\r\n", *scan->at) && *scan->at != '\0')
		scan->at++;
}

static void skip_string(struct scan *scan)
{
	scan->at++;
	while (scan->at < scan->end && *scan->at != '"')
		scan->at += *scan->at == '\\' && scan->end - scan->at > 1 ? 2 : 1;
	if (scan->at < scan->end)
		scan->at++;
}

/* Up to the comma or bracket that ends the value, which is not taken. */
static void skip_value(struct scan *scan)
{
	size_t depth = 0;

	while (scan->at < scan->end) {
		const char c = *scan->at;

		if (c == '"') {
			skip_string(scan);
			continue;
		}
		if (depth == 0 && (c == ',' || c == '}' || c == ']'))
			return;
		if (c == '{' || c == '[')
			depth++;
		if (c == '}' || c == ']')
			depth--;
		scan->at++;
		if (depth == 0 && (c == '}' || c == ']'))
			return;
	}
}

/* Does the quoted text, after unescaping, say this? */
static bool key_is(const char *quoted, size_t size, const char *name)
{
	json_t *text = json_loadb(quoted, size, JSON_DECODE_ANY, NULL);
	const bool is = json_is_string(text) && strcmp(json_string_value(text), name) == 0;

	json_decref(text);
	return is;
}

/* The bytes of the named member of the outer object, from '{' to '}'. */
static int find_member(const void *data, size_t size, const char *name, struct signed_json *ret, struct err *err)
{
	struct scan scan = {data, (const char *)data + size};

	skip_space(&scan);
	scan.at++; /* '{' */
	for (;;) {
		const char *key;
		size_t key_size;
		const char *value;

		skip_space(&scan);
		if (scan.at >= scan.end || *scan.at != '"')
			return err_set(err, ERR_INVALID, "no member '%s'", name);
		key = scan.at;
		skip_string(&scan);
		key_size = (size_t)(scan.at - key);
		skip_space(&scan);
		scan.at += scan.at < scan.end; /* ':' */
		skip_space(&scan);
		value = scan.at;
		skip_value(&scan);
		if (key_is(key, key_size, name)) {
			ret->signed_data = (const uint8_t *)value;
			ret->signed_size = (size_t)(scan.at - value);
			return 0;
		}
		skip_space(&scan);
		scan.at += scan.at < scan.end; /* ',' or '}' */
	}
}

int signed_json_parse(const void *data, size_t size, const char *name, struct signed_json *ret, struct err *err)
{
	struct signed_json result = {0};
	json_t *body = NULL;

	if (size == 0 || size > SIGNED_JSON_SIZE_MAX)
		return err_set(err, ERR_LIMIT, "%zu bytes, expected 1 to %u", size, SIGNED_JSON_SIZE_MAX);
	if (json_parse_bounded(data, size, SIGNED_JSON_DEPTH_MAX, SIGNED_JSON_VALUES_MAX, &result.root, err) < 0)
		return -1;
	if (!json_is_object(result.root)) {
		(void)err_set(err, ERR_INVALID, "not a JSON object");
	} else if (json_get_object(result.root, name, &body, err) == 0 &&
		   json_get_hex(result.root, "signature", result.signature, sizeof(result.signature), err) == 0 &&
		   find_member(data, size, name, &result, err) == 0) {
		result.body = body;
		*ret = result;
		return 0;
	}
	signed_json_done(&result);
	return -1;
}

void signed_json_done(struct signed_json *signed_json)
{
	json_decref(signed_json->root);
	*signed_json = (struct signed_json){0};
}

int signed_json_get_date(const json_t *object, const char *name, int64_t *ret_seconds, struct err *err)
{
	const char *text;

	if (json_get_text(object, name, CLOCK_TEXT_SIZE, &text, err) < 0)
		return -1;
	if (clock_parse_utc(text, ret_seconds, err) < 0)
		return err_prefix(err, "'%s'", name);
	return 0;
}

int advisories_parse(const json_t *level, struct advisories *ret, struct err *err)
{
	struct advisories list = {0};
	json_t *array = NULL;
	const int found = json_find_array(level, "advisoryIDs", ADVISORIES_MAX, &array, err);

	if (found < 0)
		return -1;
	for (size_t i = 0; found && i < json_array_size(array); i++) {
		const json_t *item = json_array_get(array, i);
		const size_t length = json_string_length(item);
		const char *name = json_string_value(item);

		if (!name || length == 0 || length > ADVISORY_LENGTH_MAX)
			return err_set(err, ERR_INVALID, "advisoryIDs[%zu]: not a text of 1 to %d bytes", i,
				       ADVISORY_LENGTH_MAX);
		for (size_t k = 0; k < length; k++)
			if (name[k] < 0x21 || name[k] > 0x7e)
				return err_set(err, ERR_INVALID, "advisoryIDs[%zu]: not printable ASCII", i);
		list.count++;
	}
	list.list = array;
	*ret = list;
	return 0;
}

const char *advisories_name(const struct advisories *advisories, size_t index)
{
	return json_string_value(json_array_get(advisories->list, index));
}
