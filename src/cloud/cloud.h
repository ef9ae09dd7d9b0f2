/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cloud as one object: what the commands, the routes and the reconciler share. Immutable once opened but for what
 * guards itself (store, engine, proxy, notifier). Any thread.
 */
#ifndef MSE_CLOUD_CLOUD_H
#define MSE_CLOUD_CLOUD_H

#include "base/buf.h"
#include "cloud/config.h"
#include "cloud/images.h"
#include "crypto/p256.h"
#include "engine/engine.h"
#include "store/store.h"

struct notifier;
struct proxy;
struct reconciler;
struct collateral;

struct cloud {
	char *data_dir; /* absolute */
	struct cloud_config config;
	struct store *store;
	struct engine *engine;
	struct proxy *proxy; /* NULL with the fake engine */
	struct images *images;
	struct p256_key *token_key;
	struct collateral *collateral;
	struct notifier *notifier;
	struct reconciler *reconciler;
	char *issuer;       /* "https://api.BASE:PORT/" */
	char *ca_pem;       /* of our own authority */
	char *sim_root_pem; /* NULL with the fake engine */
	char sim_root_sha256[65];
	int64_t clock_offset; /* seconds; tests set it, else 0 */
	char *clock_file;     /* builds with tests: a file that holds clock_offset; NULL: none */
};

/* Directory, configuration and store: what every command needs. */
must_check int cloud_open(const char *data_dir, struct cloud **ret, struct err *err);
/* And keys, images, collateral, engine, proxy: what serving needs. Starts mse-sim and haproxy if they are not there. */
must_check int cloud_open_services(struct cloud *cloud, struct err *err);
/* Starts mse-sim if it does not answer. */
must_check int cloud_ensure_engine(struct cloud *cloud, struct err *err);
/* Answers everybody who waits for events; nobody can wait any more. */
void cloud_stop_notifier(struct cloud *cloud);
void cloud_close(struct cloud *cloud);
DEFINE_SCOPED_PTR(struct cloud, cloud_close);

/* Unix seconds: the real time and, in tests, an offset. */
int64_t cloud_now(const struct cloud *cloud);

#endif
