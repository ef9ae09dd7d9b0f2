/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receiving POST /apps: the tar goes to DATA_DIR/tmp/deploy-XXXXXX/code.tar as it comes, the configuration to memory.
 * The directory belongs to the upload until somebody takes dir (and leaves NULL); upload_done removes what is left.
 */
#ifndef MSE_CLOUD_UPLOAD_H
#define MSE_CLOUD_UPLOAD_H

#include "base/buf.h"
#include "cloud/api.h"
#include "format/tar.h"

#define UPLOAD_CONF_MAX (256u << 10)
#define UPLOAD_BODY_MAX (TAR_TOTAL_MAX + UPLOAD_CONF_MAX + (64u << 10))
#define UPLOAD_CODE_NAME "code.tar"
#define UPLOAD_AT_ONCE_MAX 6      /* each holds a thread of the API for as long as its sender likes */
#define UPLOAD_AT_ONCE_USER_MAX 2 /* of one user */

struct upload {
	char *dir;
	int tar_fd; /* read and write, at its end */
	uint64_t tar_size;
	struct buf conf;
	bool has_code, has_conf;
};

/* ERR_UNAVAILABLE above UPLOAD_AT_ONCE_MAX and UPLOAD_AT_ONCE_USER_MAX. */
must_check int upload_receive(struct request *request, struct upload *ret, struct err *err);
void upload_done(struct upload *upload);

#endif
