/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an upload to a stored app: checks (project, slot, name, image, dates, certificate, tar, requirements), release
 * manifest, instance document, files, row. Either everything is there afterwards, or nothing is. It starts nothing:
 * that is the reconciler's, which does it whether or not this process lives on.
 */
#ifndef MSE_CLOUD_DEPLOY_H
#define MSE_CLOUD_DEPLOY_H

#include "cloud/upload.h"
#include "domain/app.h"

/* user: who deploys. Texts of errors are A4's where it has one. On success the upload's directory is taken. */
must_check int deploy(struct cloud *cloud, const struct user *user, struct upload *upload, int64_t now,
		      struct app *ret_app, struct err *err);

#endif
