/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the programs that write evidence of a test CA into a folder share: options, files, an RA-TLS certificate around
 * the evidence. Whatever goes wrong ends the program with a line on stderr.
 */
#ifndef MSE_TEST_EVIDENCE_TOOL_H
#define MSE_TEST_EVIDENCE_TOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* An option; exactly one of the places. */
struct tool_option {
	const char *name; /* "--time" */
	bool *flag;       /* takes no value */
	int64_t *number;  /* 0 to UINT32_MAX */
	const char **text;
};

/* Reads options and the one folder. */
void tool_read(int argc, char **argv, const struct tool_option *options, size_t count, const char **ret_dir);
/* An option's value that means nothing: exit status 2. */
void tool_refuse(const char *what);
/* text NULL: *ret stays as it is. */
void tool_put_hex(const char *text, uint8_t *ret, size_t size);

void tool_write(const char *dir, const char *name, const void *data, size_t size);
void tool_write_buf(const char *dir, const char *name, const struct buf *buf);
/* Certificates; second NULL: one alone. */
void tool_write_pem(const char *dir, const char *name, const struct buf *first, const struct buf *second);

/*
 * Writes ratls.pem and ratls.key as Cosmian's programs make them: report_data gets SHA-256 of the key's uncompressed
 * point and zeros, make signs the evidence anew, and its value becomes the extension.
 */
struct tool_ratls {
	const char *oid;
	int64_t time; /* valid from a day before to 90 days after */
	uint8_t *report_data;
	const struct buf *(*make)(void *context);
	void *context;
};
void tool_write_ratls(const char *dir, const struct tool_ratls *ratls);

#endif
