/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between toml.c and the C++ parser: read by both compilers, so nothing of ours is included here. Values come one
 * after the other, a table or array before its members; the receiver copies what it keeps.
 */
#ifndef MSE_FORMAT_TOML_SHIM_H
#define MSE_FORMAT_TOML_SHIM_H

#ifdef __cplusplus
#include <cstddef>
#include <cstdint>
extern "C" {
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#endif

enum toml_shim_kind {
	TOML_SHIM_TABLE,
	TOML_SHIM_ARRAY,
	TOML_SHIM_TEXT,
	TOML_SHIM_INTEGER,
	TOML_SHIM_FLOAT,
	TOML_SHIM_BOOL,
	TOML_SHIM_DATE,
	TOML_SHIM_TIME,
};

struct toml_shim_value {
	enum toml_shim_kind kind;
	const char *key; /* NULL in an array */
	size_t key_size;
	unsigned line, column, key_line, key_column;
	const char *text;
	size_t text_size;
	int64_t integer;
	double number;
	bool boolean;
	int year, month, day, hour, minute, second, nanosecond, offset_minutes;
	bool zoned;
};

struct toml_shim_failure {
	unsigned line, column; /* 0 when unknown */
	char text[256];
};

/* Takes one value; returns what its members get as parent, or NULL to stop. */
typedef void *(*toml_shim_take)(void *arg, void *parent, const struct toml_shim_value *value);

/* 0, -1 not TOML (failure filled), -2 stopped by take. */
int toml_shim_parse(const char *data, size_t size, toml_shim_take take, void *arg, struct toml_shim_failure *failure);

#ifdef __cplusplus
}
#endif

#endif
