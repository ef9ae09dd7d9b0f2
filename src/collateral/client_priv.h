/* SPDX-License-Identifier: Apache-2.0 */
/* For client.c, obtain.c and gather.c: what a client is, and one collateral_get. */
#ifndef MSE_COLLATERAL_CLIENT_PRIV_H
#define MSE_COLLATERAL_CLIENT_PRIV_H

#include "base/clock.h"
#include "collateral/client.h"
#include "collateral/pause.h"
#include "collateral/proof.h"
#include "net/curl_client.h"

#define COLLATERAL_SERVICE_COUNT 3

struct collateral_client {
	struct collateral_place places[COLLATERAL_SERVICE_COUNT];
	bool has_pccs;
	struct collateral_cache *cache; /* NULL: none */
	struct curl_client *open;       /* asks nobody for a certificate: PCCS */
	struct curl_client *closed;     /* the public services */
	struct buf ca_pem;
	enum collateral_mode mode;
	int time_limit_ms;
	int retry_delay_ms;
	bool (*keep_going)(void *arg);
	void *keep_going_arg;
	/* Failed: until then no renewal of what still counts is tried. */
	int64_t down_until_ns[COLLATERAL_SERVICE_COUNT];
	struct collateral_pause pauses[COLLATERAL_SERVICE_COUNT]; /* of services; used without a cache */
};

/* One collateral_get. */
struct collateral_run {
	struct collateral_client *client;
	struct trust trust;
	enum collateral_mode mode;
	int64_t now;
	int64_t deadline_ns;
	bool has_failed[COLLATERAL_SERVICE_COUNT]; /* in this run: what is kept is not worth another wait */
	struct collateral_issuers issuers;         /* of the set that is being gathered */
};

/* The libcurl side for a service; made when the first request is. */
must_check int collateral_client_curl(struct collateral_client *client, enum collateral_service service,
				      struct curl_client **ret, struct err *err);

/* What it is in the cache; ERR_INVALID, ERR_UNSUPPORTED for what no service can be asked for. */
must_check int collateral_name(const struct collateral_run *run, const struct collateral_wanted *wanted,
			       char ret[static COLLATERAL_NAME_MAX], struct err *err);

/* One item: from the cache as long as that is enough, else from its service, and from the cache if that fails. */
must_check int collateral_obtain(struct collateral_run *run, const struct collateral_wanted *wanted,
				 struct collateral_record *ret_record, struct collateral_origin *ret_origin,
				 struct err *err);

#endif
