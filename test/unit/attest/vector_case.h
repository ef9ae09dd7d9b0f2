/* SPDX-License-Identifier: Apache-2.0 */
/* One folder of ../shared/vectors: its case.toml and the files that this names. Include after unit.h. */
#ifndef MSE_TEST_VECTOR_CASE_H
#define MSE_TEST_VECTOR_CASE_H

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "format/toml.h"
#include "mse/attest.h"

#define VECTOR_FILE_MAX (1u << 20)
#define VECTOR_FILES_MAX 12

struct vector_case {
	char dir[512];
	struct toml_doc *doc;
	const struct toml_node *head; /* [case] */
	const struct toml_node *expected;
	struct buf files[VECTOR_FILES_MAX];
	size_t file_count;
};

static inline void vector_case_open(struct vector_case *vector, const char *root, const char *name)
{
	scoped(buf_done) struct buf text = BUF_INIT(VECTOR_FILE_MAX);
	struct err err = ERR_INIT;
	char path[768];

	*vector = (struct vector_case){0};
	(void)snprintf(vector->dir, sizeof(vector->dir), "%s/%s", root, name);
	(void)snprintf(path, sizeof(path), "%s/case.toml", vector->dir);
	assert_ok(fs_read(path, &text, &err), &err);
	assert_ok(toml_parse(text.data, text.size, &vector->doc, &err), &err);
	vector->head = toml_find(toml_root(vector->doc), "case");
	vector->expected = toml_find(toml_root(vector->doc), "expected");
	assert_non_null(vector->expected);
}

static inline void vector_case_close(struct vector_case *vector)
{
	for (size_t i = 0; i < vector->file_count; i++)
		buf_done(&vector->files[i]);
	toml_free(vector->doc);
}

/* The file that [files] has under this key; empty if it has none. */
static inline struct attest_bytes vector_case_load(struct vector_case *vector, const char *key)
{
	const char *name = toml_find_text(toml_find(toml_root(vector->doc), "files"), key);
	struct buf *file = &vector->files[vector->file_count];
	struct err err = ERR_INIT;
	char path[768];

	if (!name)
		return (struct attest_bytes){0};
	assert_in_range(vector->file_count, 0, VECTOR_FILES_MAX - 1);
	*file = BUF_INIT(VECTOR_FILE_MAX);
	vector->file_count++;
	(void)snprintf(path, sizeof(path), "%s/%s", vector->dir, name);
	assert_ok(fs_read(path, file, &err), &err);
	return (struct attest_bytes){file->data, file->size};
}

static inline int64_t vector_time(const struct toml_node *table, const char *key)
{
	const char *text = toml_find_text(table, key);
	struct err err = ERR_INIT;
	int64_t time = 0;

	assert_non_null(text);
	assert_ok(clock_parse_utc(text, &time, &err), &err);
	return time;
}

/* Frees the verdict. */
static inline void vector_case_expect(const struct vector_case *vector, struct attest_verdict *verdict,
				      const char *wanted)
{
	if (strcmp(verdict->error_text, wanted) != 0)
		fail_msg("%s: '%s' (%s: %s), expected '%s'", vector->dir, verdict->error_text,
			 verdict->failed ? verdict->failed->name : "", verdict->failed ? verdict->failed->text : "",
			 wanted);
	assert_int_equal(verdict->accepted, strcmp(wanted, "none") == 0);
	attest_verdict_free(verdict);
}

#endif
