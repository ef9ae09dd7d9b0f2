/* SPDX-License-Identifier: Apache-2.0 */
/* What the deploy_*.c files hand to each other. */
#ifndef MSE_CLOUD_DEPLOY_PRIV_H
#define MSE_CLOUD_DEPLOY_PRIV_H

#include <jansson.h>

#include "cloud/deploy.h"
#include "domain/hardware.h"
#include "domain/project.h"
#include "domain/release.h"

#define DEPLOY_CHAIN_MAX (64u << 10)

struct deployment {
	struct cloud *cloud;
	const struct user *user;
	struct upload *upload;
	int64_t now;
	json_t *conf; /* owns what request borrows */
	struct app_request request;
	const char *log_key; /* 64 hex digits or NULL */
	struct release *release;
	struct project project;
	struct hardware hardware;
	const struct image *image;
	char chain_hash[APP_HEX32_SIZE]; /* of the owner's certificates; "" if none */
	int64_t chain_end;               /* 0 if none */
	struct buf manifest;
	struct app app;
};

/* conf → request, release settings and log_key; all that can be said without store and tar. */
must_check int deploy_read_conf(struct deployment *deployment, struct err *err);

/* The owner's chain: names, end, hash. Nothing to do without one. */
must_check int deploy_read_chain(struct deployment *deployment, struct err *err);

/* requirements.txt of the unpacked code against the image's bill; absent is fine. */
must_check int deploy_check_requirements(const struct deployment *deployment, const char *code_dir, struct err *err);

/* The instance document of app into app.instance. */
must_check int deploy_make_instance(struct deployment *deployment, struct err *err);

#endif
