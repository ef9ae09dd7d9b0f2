/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages between the process engine and mse-sim, as JSON objects: docs/formats/sim-control.md. Both sides use
 * this file, so that they cannot disagree. No I/O.
 */
#ifndef MSE_ENGINE_SIM_PROTOCOL_H
#define MSE_ENGINE_SIM_PROTOCOL_H

#include <jansson.h>

#include "engine/engine.h"

#define SIM_REQUEST_MAX ((size_t)64 << 10) /* one line, newline included */
#define SIM_REPLY_MAX ((size_t)16 << 20)
#define SIM_DEPTH_MAX 4
#define SIM_PATH_MAX 1024
#define SIM_SOCKET_NAME "run/sim.sock" /* in the data directory */
#define SIM_LOG_NAME "run/sim.log"
#define SIM_SOCKET_PATH_MAX 100 /* sun_path has 108 */
#define SIM_GRACE_MS_MAX 60000

/* X(code, text): the operations. */
#define SIM_OPS(X) \
	X(PING, "ping") \
	X(LAUNCH, "launch") \
	X(STOP, "stop") \
	X(INSPECT, "inspect") \
	X(LIST, "list") \
	X(USAGE, "usage") \
	X(SHUTDOWN, "shutdown")

enum sim_op {
#define X(name, text) SIM_OP_##name,
	SIM_OPS(X)
#undef X
};

/* A parsed request: borrows its texts from the JSON object it was parsed from. */
struct sim_request {
	enum sim_op op;
	const char *uuid; /* checked; LAUNCH, STOP, INSPECT, USAGE */
	int grace_ms;     /* STOP */
	struct engine_launch launch;
	const char *allowed[ENGINE_ALLOWED_MAX];
};

/* New references, freed by json_decref. */
must_check int sim_request_launch(const struct engine_launch *launch, json_t **ret, struct err *err);
must_check int sim_request_simple(enum sim_op op, const char *uuid, int grace_ms, json_t **ret, struct err *err);

/* ret->launch.allowed points into *ret: do not copy the struct. */
must_check int sim_request_parse(const json_t *object, struct sim_request *ret, struct err *err);

must_check int sim_status_format(const struct engine_status *status, json_t **ret, struct err *err);
must_check int sim_status_parse(const json_t *object, struct engine_status *ret, struct err *err);
must_check int sim_usage_format(const struct engine_usage *usage, json_t **ret, struct err *err);
must_check int sim_usage_parse(const json_t *object, struct engine_usage *ret, struct err *err);

/* {"ok":true}, or with one more member: value's reference is taken over, also on failure. */
must_check int sim_reply_ok(const char *name, json_t *value, json_t **ret, struct err *err);
must_check int sim_reply_error(const struct err *what, json_t **ret, struct err *err);

/* 0 for {"ok":true…}; else -1 with the error that the other side sent. */
must_check int sim_reply_check(const json_t *reply, struct err *err);

#endif
