/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/release_priv.h"

#define ENTRIES_MAX (BILL_FILES_MAX + TAR_ENTRIES_MAX + 1024)
#define CAPACITY_FIRST 256
#define SHOWN_MAX 160 /* bytes of one value in a line */

/* One setting or trusted file: two texts are compared as sorted lists of these. */
struct diff_entry {
	char *name; /* "setting '…'" or "trusted file '…'" */
	char *value;
};

struct diff_list {
	struct diff_entry *entries;
	size_t count, capacity;
	char uri[RELEASE_VALUE_MAX + 1];
	size_t mounts; /* seen so far: numbers the tables of an array */
};

static void diff_list_done(struct diff_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->entries[i].name);
		free(list->entries[i].value);
	}
	free(list->entries);
}

/* Takes both strings, also when it fails. */
static int add_entry(struct diff_list *list, char *name, char *value, struct err *err)
{
	if (list->count == list->capacity) {
		const size_t capacity = list->capacity ? 2 * list->capacity : CAPACITY_FIRST;
		struct diff_entry *entries = reallocarray(list->entries, capacity, sizeof(*entries));

		if (entries) {
			list->entries = entries;
			list->capacity = capacity;
		}
	}
	if (!name || !value || list->count == list->capacity || list->count >= ENTRIES_MAX) {
		free(name);
		free(value);
		return list->count >= ENTRIES_MAX ? err_set(err, ERR_LIMIT, "more than %d entries", ENTRIES_MAX)
						  : err_no_memory(err);
	}
	list->entries[list->count++] = (struct diff_entry){.name = name, .value = value};
	return 0;
}

static int add_trusted(struct diff_list *list, const char *sha256, struct err *err)
{
	const char *uri = list->uri;
	char *name = NULL;
	char *value = NULL;

	if (strncmp(uri, RELEASE_ROOT_URI, strlen(RELEASE_ROOT_URI)) == 0)
		uri += strlen(RELEASE_ROOT_URI);
	if (asprintf(&name, "trusted file '%s'", uri) < 0)
		name = NULL;
	if (asprintf(&value, "sha256 %s", sha256) < 0)
		value = NULL;
	return add_entry(list, name, value, err);
}

static int add_setting(struct diff_list *list, const struct release_line *line, struct err *err)
{
	const char *dot = line->section[0] ? "." : "";
	const bool is_mount = strcmp(line->section, "fs.mounts") == 0;
	char index[24] = "";
	char *name = NULL;
	char *value = NULL;

	if (is_mount) {
		list->mounts += line->starts_item;
		(void)snprintf(index, sizeof(index), "[%zu]", list->mounts);
	}
	if (asprintf(&name, "setting '%s%s%s%s'", line->section, index, dot, line->key) < 0)
		name = NULL;
	if (asprintf(&value, line->is_text ? "\"%s\"" : "%s", line->value) < 0)
		value = NULL;
	return add_entry(list, name, value, err);
}

static int take_line(const struct release_line *line, void *arg, struct err *err)
{
	struct diff_list *list = arg;

	if (strcmp(line->section, "sgx.trusted_files") != 0)
		return add_setting(list, line, err);
	if (strcmp(line->key, "sha256") == 0)
		return add_trusted(list, line->value, err);
	if (strcmp(line->key, "uri") == 0)
		memcpy(list->uri, line->value, strlen(line->value) + 1);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct diff_entry *)a)->name, ((const struct diff_entry *)b)->name);
}

static int read_list(const char *text, size_t size, struct diff_list *ret, struct err *err)
{
	if (size > RELEASE_MANIFEST_MAX)
		return err_set(err, ERR_LIMIT, "manifest of %zu bytes, at most %u are read", size,
			       RELEASE_MANIFEST_MAX);
	if (release_scan(text, size, take_line, ret, err) < 0)
		return -1;
	if (ret->count)
		qsort(ret->entries, ret->count, sizeof(*ret->entries), by_name);
	return 0;
}

struct diff_output {
	struct buf *ret;
	size_t lines, lines_max;
};

/* Untrusted text for a terminal. */
static int add_shown(struct buf *ret, const char *text, struct err *err)
{
	for (size_t i = 0; text[i]; i++) {
		if (i == SHOWN_MAX)
			return buf_add_text(ret, "...", err);
		if (buf_add_byte(ret, text[i] >= 0x20 && text[i] < 0x7f ? (uint8_t)text[i] : '?', err) < 0)
			return -1;
	}
	return 0;
}

static int add_line(struct diff_output *output, const char *name, const char *seen, const char *expected,
		    struct err *err)
{
	struct buf *ret = output->ret;

	if (output->lines++ >= output->lines_max)
		return 0;
	if (add_shown(ret, name, err) < 0 || buf_add_text(ret, ": ", err) < 0 ||
	    add_shown(ret, seen ? seen : "absent", err) < 0 || buf_add_text(ret, ", expected ", err) < 0 ||
	    add_shown(ret, expected ? expected : "absent", err) < 0)
		return -1;
	return buf_add_byte(ret, '\n', err);
}

/* Of the entry that comes first by name: < 0 only wanted has it, > 0 only found, 0 both. One of them is not NULL. */
static int compare_entries(const struct diff_entry *wanted, const struct diff_entry *found, struct diff_output *output,
			   int *ret_order, struct err *err)
{
	if (wanted && (!found || strcmp(wanted->name, found->name) < 0)) {
		*ret_order = -1;
		return add_line(output, wanted->name, NULL, wanted->value, err);
	}
	if (found && (!wanted || strcmp(wanted->name, found->name) > 0)) {
		*ret_order = 1;
		return add_line(output, found->name, found->value, NULL, err);
	}
	assert(wanted && found);
	*ret_order = 0;
	return strcmp(wanted->value, found->value) ? add_line(output, wanted->name, found->value, wanted->value, err)
						   : 0;
}

static int compare_lists(const struct diff_list *expected, const struct diff_list *seen, struct diff_output *output,
			 struct err *err)
{
	size_t e = 0;
	size_t s = 0;

	while (e < expected->count || s < seen->count) {
		int order;

		if (compare_entries(e < expected->count ? &expected->entries[e] : NULL,
				    s < seen->count ? &seen->entries[s] : NULL, output, &order, err) < 0)
			return -1;
		e += order <= 0;
		s += order >= 0;
	}
	return 0;
}

/* Equal entries, other bytes. */
static int add_form_line(const char *expected, size_t expected_size, const char *seen, size_t seen_size,
			 struct diff_output *output, struct err *err)
{
	size_t line = 1;

	for (size_t i = 0; i < expected_size && i < seen_size && expected[i] == seen[i]; i++)
		line += expected[i] == '\n';
	output->lines++;
	return buf_addf(output->ret, err, "manifest text: form differs from line %zu on\n", line);
}

static int diff(const char *expected, size_t expected_size, const char *seen, size_t seen_size,
		struct diff_output *output, struct err *err)
{
	scoped(diff_list_done) struct diff_list expected_list = {.count = 0};
	scoped(diff_list_done) struct diff_list seen_list = {.count = 0};

	if (read_list(expected, expected_size, &expected_list, err) < 0)
		return err_prefix(err, "expected manifest");
	if (read_list(seen, seen_size, &seen_list, err) < 0)
		return err_prefix(err, "seen manifest");
	if (compare_lists(&expected_list, &seen_list, output, err) < 0)
		return -1;
	if (output->lines == 0)
		return add_form_line(expected, expected_size, seen, seen_size, output, err);
	if (output->lines > output->lines_max)
		return buf_addf(output->ret, err, "and %zu more\n", output->lines - output->lines_max);
	return 0;
}

int release_diff(const void *expected, size_t expected_size, const void *seen, size_t seen_size, size_t lines_max,
		 struct buf *ret, struct err *err)
{
	struct diff_output output = {.ret = ret, .lines_max = lines_max};

	if (expected_size == seen_size && memcmp(expected, seen, seen_size) == 0)
		return 0;
	return diff(expected, expected_size, seen, seen_size, &output, err) < 0 ? -1 : 1;
}
