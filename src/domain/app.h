/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An app: one deployment of one release, its fields (mission A2), its life-cycle (L1) and the rules for what an owner
 * may ask (K1, K2). Pure: time and randomness are arguments. The life-cycle is one table, app_moves; docs/states.md is
 * made from it, and only the store's setter writes a state.
 */
#ifndef MSE_DOMAIN_APP_H
#define MSE_DOMAIN_APP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "domain/hardware.h"
#include "domain/uuid.h"

#define APP_NAME_SIZE 256 /* K1: at most 255 bytes */
#define APP_DOMAIN_SIZE 254
#define APP_DOCKER_SIZE 256
#define APP_PYTHON_SIZE 129 /* "module:variable" */
#define APP_HEALTHCHECK_SIZE 256
#define APP_HEX32_SIZE 65 /* 32 bytes in hex */
#define APP_REASON_SIZE 768
#define APP_INSTANCE_SIZE 4097
#define APP_MODE_SIZE 16
#define APP_LOGS_KEPT_SECONDS (4LL * 24 * 3600) /* C9: kept 4 days after stop */

/* Name, text of the API, and the sentence of docs/states.md. */
#define APP_STATES(X) \
	X(SPAWNING, "spawning", "accepted and stored; its enclave is being started") \
	X(INITIALIZING, "initializing", "its enclave answers and waits for keys, or loads the application") \
	X(RUNNING, "running", "the application answers its health check") \
	X(STOPPED, "stopped", "ended because it was asked to, or expired; final") \
	X(ON_ERROR, "on_error", "ended although nobody asked; final")

enum app_state {
#define X(name, text, meaning) APP_##name,
	APP_STATES(X)
#undef X
};

#define APP_STATE_COUNT 5

const char *app_state_text(enum app_state state);
const char *app_state_meaning(enum app_state state);
must_check int app_state_parse(const char *text, enum app_state *ret, struct err *err);

struct app_move {
	enum app_state from, to;
	const char *when;
};

/* Every allowed move, and nothing else is. Ended by when NULL. */
extern const struct app_move app_moves[];

bool app_state_can_move(enum app_state from, enum app_state to);
/* No move leads out of it. */
bool app_state_is_final(enum app_state state);

/* The text of docs/states.md. */
must_check int app_states_document(struct buf *ret, struct err *err);

/* Certificate origins of A2; ACME comes later. */
#define APP_TLS_MODES(X) \
	X(SELF, "self") \
	X(OWNER, "owner") \
	X(OPERATOR, "operator")

enum app_tls {
#define X(name, text) APP_TLS_##name,
	APP_TLS_MODES(X)
#undef X
};

const char *app_tls_text(enum app_tls tls);
must_check int app_tls_parse(const char *text, enum app_tls *ret, struct err *err);

/* What an ended app still has on disk. Numbers are stored. */
enum app_cleaned {
	APP_NOT_CLEANED = 0,
	APP_DATA_CLEANED = 1, /* E5: erased on stop; the log is kept */
	APP_ALL_CLEANED = 2,  /* the log's days are over too */
};

struct app {
	char id[UUID_TEXT_SIZE];
	char name[APP_NAME_SIZE];
	char project_id[UUID_TEXT_SIZE];
	char owner_id[UUID_TEXT_SIZE];
	char domain_name[APP_DOMAIN_SIZE];
	char config_domain_name[APP_DOMAIN_SIZE];
	char docker[APP_DOCKER_SIZE];
	enum app_state state;
	char hardware_name[HARDWARE_NAME_SIZE];
	int64_t memory_mib, cores; /* as booked when it was made */
	enum app_tls tls;
	char python_application[APP_PYTHON_SIZE];
	char healthcheck_endpoint[APP_HEALTHCHECK_SIZE];
	int64_t created_at;
	int64_t ready_at;   /* 0: never was */
	int64_t stopped_at; /* 0: not yet; also the end of on_error */
	int64_t expires_at;
	char fingerprint[APP_HEX32_SIZE];
	char reason[APP_REASON_SIZE];     /* of the last move */
	char instance[APP_INSTANCE_SIZE]; /* the instance document */
	char egress[APP_MODE_SIZE];
	char logs[APP_MODE_SIZE];
	bool stop_wanted; /* asked or expired; the reconciler is to end it */
	enum app_cleaned cleaned;
	char replaces[UUID_TEXT_SIZE];    /* the app whose name and domain it is to take over; "" none, or done */
	char replaced_by[UUID_TEXT_SIZE]; /* the one that took its name and domain: it finishes what runs; "" none */
	int64_t replaced_at;              /* 0: not */
};

/* Whether name and domain are its own: neither before a take-over, nor after having been replaced. */
bool app_has_domain(const struct app *app);

/* Whether wanted may take over from old at its next moment; ERR_CONFLICT or ERR_INVALID says why not. */
must_check int app_check_replaces(const struct app *wanted, const struct app *old, struct err *err);

/* What the owner sends (A1 and the additions of docs/openapi.yaml). Texts are borrowed; NULL where absent. */
struct app_request {
	const char *name, *project, *hardware, *docker, *python_application, *healthcheck_endpoint;
	const char *domain_name, *ssl_certificate; /* both or none */
	const char *replaces;                      /* uuid; only with the two */
	bool dev_mode;                             /* TLS ends at the proxy: operator mode */
	int64_t expires_at;                        /* 0: none */
};

/* Everything that can be said about a request alone. ERR_INVALID names the field. */
must_check int app_request_check(const struct app_request *request, struct err *err);

/* "NAME:TAG" with a dated tag; A4's text for `latest`. */
must_check int app_check_docker(const char *docker, struct err *err);

enum app_tls app_request_tls(const struct app_request *request);

/*
 * Domain and configuration domain of a new app: LABEL.BASE and, in operator mode, LABEL.op.BASE for the former; in
 * owner mode the owner's own name. label is 16 hex digits. ERR_INVALID for an owner's name that is base or below it:
 * names there are given by the cloud alone.
 */
must_check int app_set_domains(struct app *app, const char *label, const char *base, const char *owner_domain,
			       struct err *err);

/* "0123456789abcdef" of "0123456789abcdef.BASE": the label to keep at a redeployment. ERR_INVALID for another form. */
#define APP_LABEL_SIZE 17
must_check int app_label_of(const char *config_domain, const char *base, char ret_label[static APP_LABEL_SIZE],
			    struct err *err);

/* The API's time: RFC 3339 in UTC with an optional fraction ("%Y-%m-%dT%H:%M:%S.%fZ"), which is dropped. */
must_check int app_parse_time(const char *text, int64_t *ret_seconds, struct err *err);

#endif
