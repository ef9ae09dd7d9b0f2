/* SPDX-License-Identifier: Apache-2.0 */
/*
 * multipart/form-data (RFC 7578, RFC 2046 5.1) as a stream: bytes are fed in pieces of any size, parts come out through
 * callbacks. Memory does not grow with contents. Strict: CRLF line ends, each part has one Content-Disposition
 * form-data with a name; a transfer encoding other than binary, 7bit or 8bit is refused. Text before the first
 * boundary and after the last is skipped, as the RFC wants.
 */
#ifndef MSE_FORMAT_MULTIPART_H
#define MSE_FORMAT_MULTIPART_H

#include <stddef.h>

#include "base/err.h"

#define MULTIPART_BOUNDARY_MAX 70 /* RFC 2046 */
#define MULTIPART_PARTS_MAX 16
#define MULTIPART_HEADER_MAX 8192 /* bytes of a part's header lines */
#define MULTIPART_NAME_SIZE 129
#define MULTIPART_PREAMBLE_MAX 65536

struct multipart_part {
	char name[MULTIPART_NAME_SIZE];
};

/* Each returns 0, or -1 with err, which ends the reading. */
struct multipart_handler {
	int (*begin)(void *arg, const struct multipart_part *part, struct err *err);
	int (*data)(void *arg, const void *data, size_t size, struct err *err);
	int (*end)(void *arg, struct err *err);
	void *arg;
};

struct multipart;

/* content_type: the whole header value, "multipart/form-data; boundary=…". */
must_check int multipart_new(const char *content_type, const struct multipart_handler *handler, struct multipart **ret,
			     struct err *err);
void multipart_free(struct multipart *multipart);
DEFINE_SCOPED_PTR(struct multipart, multipart_free);

must_check int multipart_feed(struct multipart *multipart, const void *data, size_t size, struct err *err);

/* ERR_INVALID unless the closing boundary was seen. */
must_check int multipart_finish(const struct multipart *multipart, struct err *err);

#endif
