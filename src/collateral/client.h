/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collateral for evidence: from the cache as long as it counts, else from the service of its vendor, and from the
 * cache again when that service fails. Says of every item who gave it.
 *
 * Where it is asked: Intel's evidence at the PCCS that is named, else at Intel's PCS; AMD's at the KDS. The public
 * services must show a certificate that the system (or ca_pem) trusts; a PCCS need not: all that it gives is signed
 * by the vendor. One client serves one thread; any number of processes share a cache.
 */
#ifndef MSE_COLLATERAL_CLIENT_H
#define MSE_COLLATERAL_CLIENT_H

#include "collateral/cache.h"
#include "format/collateral_items.h"
#include "mse/attest.h"

#define COLLATERAL_PER_SET_MAX 4
#define COLLATERAL_TIME_LIMIT_MS 20000 /* fresh evidence is judged within 30 s (attested-channel.md F3) */

enum collateral_mode {
	COLLATERAL_CACHED,  /* the cache first */
	COLLATERAL_RENEW,   /* the service first; the cache when it fails */
	COLLATERAL_OFFLINE, /* the cache only */
	COLLATERAL_FRESH,   /* as RENEW, but what still counts is worth one quick try only */
};

struct collateral_options {
	const char *pccs_url;   /* NULL: Intel's PCS */
	const char *pcs_url;    /* NULL: Intel's own; else a mirror, also of the root's revocation list */
	const char *kds_url;    /* NULL: AMD's own */
	const char *cache_path; /* NULL: no cache */
	enum collateral_mode mode;
	int time_limit_ms;  /* of one collateral_get with all tries; 0: COLLATERAL_TIME_LIMIT_MS */
	int retry_delay_ms; /* the first pause; 0: 300 */
	const void *ca_pem; /* only this CA counts for public services; NULL: the system's roots */
	size_t ca_pem_size;
	bool (*keep_going)(void *arg); /* NULL: always */
	void *keep_going_arg;
};

/* The roots that what is kept must end in: as the verdict is made with (mse/attest.h). */
struct collateral_trust {
	const struct attest_roots *roots;   /* NULL: the vendors' */
	const struct attest_policy *policy; /* of which the simulation roots count */
};

struct collateral_client;

/* A cache that cannot be opened is done without, unless mode is COLLATERAL_OFFLINE. */
must_check int collateral_client_new(const struct collateral_options *options, struct collateral_client **ret_client,
				     struct err *err);
void collateral_client_free(struct collateral_client *client);
DEFINE_SCOPED_PTR(struct collateral_client, collateral_client_free);

/* Who gave an item. */
struct collateral_origin {
	enum collateral_kind kind;
	bool from_cache;
	char source[COLLATERAL_SOURCE_MAX]; /* "Intel PCS", "AMD KDS", "PCCS https://…": now, or when it was cached */
	int64_t fetched;                    /* Unix seconds */
	int64_t from;                       /* of the item with its chain; Unix seconds, both inclusive */
	int64_t until;
	/* why the cache was used though the service was to be asked, or why it is not kept; printable UTF-8, or "" */
	char failure[256];
};

struct collateral_set {
	struct collateral_items items;
	struct collateral_origin origins[COLLATERAL_PER_SET_MAX];
	size_t origin_count;
};

void collateral_set_free(struct collateral_set *set);
DEFINE_SCOPED_PTR(struct collateral_set, collateral_set_free);

/*
 * Everything that such evidence needs from a service. mode: as of this call. now: Unix seconds, of the clock. What a
 * service gives takes the place of what is kept, here and in the cache, only if it is proven, counts now and is not
 * older (proof.h); else what is kept serves. Where nothing is kept it is given as it is, and not kept: the verdict
 * names what is wrong.
 */
must_check int collateral_get(struct collateral_client *client, const struct attest_needs *needs,
			      const struct collateral_trust *trust, enum collateral_mode mode, int64_t now,
			      struct collateral_set **ret_set, struct err *err);

/* Room for the text below, whatever the sources are called. */
#define COLLATERAL_SET_TEXT_MAX (COLLATERAL_PER_SET_MAX * (COLLATERAL_SOURCE_MAX + 512))

/* "cache (PCCS https://…, 2026-11-22T05:00:00Z)" and the like, once for all items that are alike. */
must_check int collateral_set_text(const struct collateral_set *set, struct buf *ret, struct err *err);

/* What evidence is for, so that a set is kept for it: equal texts need equal sets. */
#define COLLATERAL_NEEDS_TEXT_MAX 256
void collateral_needs_text(const struct attest_needs *needs, char ret[static COLLATERAL_NEEDS_TEXT_MAX]);

#endif
