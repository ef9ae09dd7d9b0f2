/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of show. */
#ifndef MSE_CLI_SHOW_PRIV_H
#define MSE_CLI_SHOW_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/show.h"
#include "crypto/der.h"

/*
 * An object being filled in. Adding never fails on the spot: once something went wrong (out of memory) nothing more is
 * added, and show_decode says so at the end.
 */
struct show {
	json_t *object;
	unsigned depth; /* of what is being looked into */
	bool failed;
};

void show_add(struct show *show, const char *name, json_t *value); /* takes it over; NULL: out of memory */
void show_text(struct show *show, const char *name, const char *text);
/* Of outside: what is not printable ASCII becomes \xHH; cut after 4096 bytes. */
void show_bytes_as_text(struct show *show, const char *name, const void *data, size_t size);
void show_hex(struct show *show, const char *name, const void *data, size_t size); /* cut after 4096 bytes */
void show_number(struct show *show, const char *name, int64_t value);
void show_number_hex(struct show *show, const char *name, uint64_t value, int digits);
void show_bool(struct show *show, const char *name, bool value);
void show_time(struct show *show, const char *name, int64_t time); /* INT64_MAX: null */

/* An object inside. show_close puts it into its parent. */
struct show show_open(const struct show *parent);
void show_close(struct show *parent, const char *name, struct show *child);
/* The same as an element of a list. */
void show_close_in(struct show *parent, json_t *list, struct show *child);

/* Whatever is inside, decoded, or "unreadable": why. Too deep: only its size. */
void show_inner(struct show *show, const char *name, const void *data, size_t size);

/* Each: 0 and members in show, or -1 with the rule that the bytes break. */
must_check int show_quote(struct show *show, const void *data, size_t size, struct err *err);
must_check int show_report(struct show *show, const void *data, size_t size, struct err *err);
must_check int show_hcl(struct show *show, const void *data, size_t size, struct err *err);
must_check int show_report_extension(struct show *show, const void *data, size_t size, struct err *err);
must_check int show_tagged_evidence(struct show *show, const void *data, size_t size, struct err *err);
must_check int show_certificate(struct show *show, const void *data, size_t size, struct err *err);
must_check int show_crl(struct show *show, const void *data, size_t size, struct err *err);
must_check int show_pem(struct show *show, const void *data, size_t size, struct err *err);
must_check int show_tcb_info(struct show *show, const void *data, size_t size, struct err *err);
must_check int show_qe_identity(struct show *show, const void *data, size_t size, struct err *err);
must_check int show_instance(struct show *show, const void *data, size_t size, struct err *err);
must_check int show_answer(struct show *show, const void *data, size_t size, struct err *err);
must_check int show_bundle(struct show *show, const void *data, size_t size, struct err *err);

/* Certificates of a PEM text, each an element: quotes and issuer chains have them. */
void show_chain(struct show *show, const char *name, const void *data, size_t size);

#endif
