/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Table-driven reader of configuration files in TOML: one const row per key, all errors at once, each as
 * FILE:LINE:COLUMN: what is wrong. Help and documentation of a file derive from the same rows.
 *
 * The target is a plain struct. Text fields are char * on the heap (NULL when absent), lists are
 * struct config_texts, integers int64_t, booleans bool, dates struct config_date; config_done frees what the rows
 * name. Defaults are what the struct held before config_read (texts on the heap). Keys are dotted paths
 * ("cloud.ssl.domain_name"); a key of a table that is absent is required only if its row is required and the table is
 * present or is not optional (see CONFIG_TABLE rows).
 */
#ifndef MSE_FORMAT_CONFIG_H
#define MSE_FORMAT_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "format/date.h"

#define CONFIG_ERRORS_MAX 50 /* further ones are counted, not shown */
#define CONFIG_LIST_MAX 256  /* elements of a list */

enum config_kind {
	CONFIG_TABLE, /* a table that may be absent as a whole; offset is a bool: whether it is there */
	CONFIG_TEXT,  /* min..max characters (code points) */
	CONFIG_TEXTS, /* list of strings, min..max elements */
	CONFIG_INTEGER,
	CONFIG_BOOL,
	CONFIG_DATE, /* a TOML date or a string that holds one */
};

struct config_texts {
	char **items;
	size_t count;
};

struct config_date {
	bool present;
	struct date date;
	unsigned line, column; /* for checks that only the caller can do */
};

struct config_key {
	const char *path;
	enum config_kind kind;
	size_t offset;
	int64_t min, max;
	bool required;
	/* Returns NULL or what is wrong with the text ("is not of the form module:variable"). May be NULL. */
	const char *(*check)(const char *text);
	const char *doc;
};

/* A key of an older version of the file and what replaced it. */
struct config_old_key {
	const char *path;
	const char *instead; /* "use 'code' in [cloud]" */
};

struct config_schema {
	const struct config_key *keys;
	size_t key_count;
	const struct config_old_key *old_keys;
	size_t old_key_count;
};

/* file names the source in messages. Fails with ERR_INVALID and all messages in *ret_errors, one a line in the
 * order of the file (owned by the caller, initialised with its maximum; err holds the first). When memory runs out
 * or the file is too large only err is set. On failure target holds nothing to free. */
must_check int config_read(const struct config_schema *schema, const char *file, const void *data, size_t size,
			   void *target, struct buf *ret_errors, struct err *err);

void config_done(const struct config_schema *schema, void *target);

/* Of count names spaced stride bytes apart (each a const char * at the start of a row), the one nearest to word by
 * edit distance, or NULL when none is near (more than a third of the letters differ). */
const char *nearest_name(const char *word, const void *rows, size_t count, size_t stride);

#endif
