/* SPDX-License-Identifier: Apache-2.0 */
/* Where things are in the data directory. Every path is made here, and nowhere else. Callers free. */
#ifndef MSE_CLOUD_FILES_H
#define MSE_CLOUD_FILES_H

#include "base/err.h"

/* DATA_DIR "/" FORMAT… as a heap string. */
must_check int file_path(const char *data_dir, char **ret, struct err *err, const char *format, ...) format_like(4, 5);

#define FILE_DB "cloud.db"
#define FILE_LOCK "msed.lock"
#define FILE_CA_CERT "tls/ca.pem"
#define FILE_CA_KEY "tls/ca.key"
#define FILE_API_CHAIN "tls/api.pem"
#define FILE_API_KEY "tls/api.key"
#define FILE_OPERATOR_PEM "tls/operator.pem" /* chain and key in one, as haproxy reads it */
#define FILE_TOKEN_KEY "tls/token.key"
#define FILE_SIM "sim"
#define FILE_SIM_ROOT "sim/root.pem"
#define FILE_IMAGES "images"
#define FILE_APPS "apps"
#define FILE_TMP "tmp"
#define FILE_RUN "run"
#define FILE_API_SOCKET "run/api.sock"

/* The directory an app's socket lies in: short, because paths of unix sockets are. */
must_check int file_run_dir(const char *data_dir, const char *app_id, char **ret, struct err *err);

/* The program called name: what the configuration says, else as base/program.h finds it. */
must_check int file_program(const char *configured, const char *name, char **ret, struct err *err);

#endif
