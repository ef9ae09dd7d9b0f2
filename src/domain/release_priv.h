/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of release.h share. */
#ifndef MSE_DOMAIN_RELEASE_PRIV_H
#define MSE_DOMAIN_RELEASE_PRIV_H

#include "domain/release.h"

#define RELEASE_VALUE_MAX 1024 /* bytes of one value, or of "NAME=value" */
#define RELEASE_KEY_MAX 64

#define RELEASE_CODE_URI "file:" RELEASE_CODE_DIR "/"
#define RELEASE_ROOT_URI "file:/"

/* One assignment of a manifest text. Strings are valid during the call only. */
struct release_line {
	const char *section; /* "loader.env", "" before the first header */
	bool starts_item;    /* the first assignment below a [[…]] header */
	const char *key;
	const char *value; /* without the quotes of a string, \" undone; else as it is */
	bool is_text;
	size_t number;
};

/*
 * Calls visit for each "key = value" line. Not a TOML reader: it takes the lines that release_manifest_format writes
 * and skips others it cannot place, so its result counts only together with a comparison of bytes.
 */
must_check int release_scan(const char *text, size_t size,
			    int (*visit)(const struct release_line *line, void *arg, struct err *err), void *arg,
			    struct err *err);

#endif
