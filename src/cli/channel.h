/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One attested connection (attested-channel.md section 4, client): TLS 1.3, fresh attestation as its first request,
 * and only then anything else. The verdict belongs to this connection object; there is no way to get another
 * connection out of it, and none that carries requests without a verdict (but the one that --no-verify asks for).
 */
#ifndef MSE_CLI_CHANNEL_H
#define MSE_CLI_CHANNEL_H

#include "cli/attest_report.h"
#include "cli/collateral.h"
#include "mse/attest.h"
#include "net/http_client.h"

/* What the asker's own side of the exchange held, and the answer: what a saved exchange keeps. */
struct channel_record {
	uint8_t nonce[32];
	uint8_t exporter[32];
	uint8_t tls_key[32];
	int64_t asked; /* Unix seconds; 0: it did not come so far that there was an answer */
	uint64_t elapsed_ms;
	struct buf answer;
};

struct channel_expect {
	const char *host; /* whom to connect to; names under localhost are the loopback */
	uint16_t port;
	const char *sni; /* NULL: host */
	uint8_t role;    /* ATTEST_ROLE_* */
	const struct attest_instance_expected *instance;
	const uint8_t *fingerprint; /* 32 bytes; NULL: any, which proves little */
	const uint8_t *owner_key;   /* 32 bytes; NULL: no ticket is asked for */
	const uint8_t *identity;    /* 64 bytes as recorded; NULL: none */
	int64_t tickets_from;
	int64_t deployed_seen;
	const struct attest_bytes *simulation_roots; /* believed for this connection */
	size_t simulation_root_count;
	struct collateral_source *collateral; /* may be shared by threads */
	/* NULL: the strict one. The fingerprint and simulation roots above, if any, take the place of its own. */
	const struct attest_policy *policy;
	const struct attest_roots *roots; /* NULL: the vendors' */
	struct channel_record *record;    /* NULL, or to be filled as far as the exchange came */
	bool no_verify;                   /* --no-verify: a refused verdict does not close the connection */
};

struct channel;

/*
 * 0: attested, *ret_channel and *ret_verdict are set (an accepted one, unless no_verify). -1: *ret_channel is NULL;
 * ERR_UNTRUSTED with "NAME: what was seen" and *ret_verdict set when evidence was judged and refused; otherwise
 * *ret_verdict is NULL (F1, F2: the error text begins with their names).
 */
must_check int channel_open(const struct channel_expect *expect, struct channel **ret_channel,
			    struct attest_verdict **ret_verdict, struct err *err);
void channel_close(struct channel *channel);
DEFINE_SCOPED_PTR(struct channel, channel_close);

/* On this connection only. */
must_check int channel_request(struct channel *channel, const struct http_request *request,
			       struct http_response *ret_response, struct err *err);

/* The attested connection itself, for who passes bytes through it; borrowed. Nothing is left over in channel. */
struct tls_client *channel_tls(struct channel *channel);

/* The RA-TLS certificate that the answer carried, PEM; and the leaf of the handshake, which in owner mode is another.
 */
must_check int channel_certificate_pem(const struct channel *channel, struct buf *ret, struct err *err);
must_check int channel_leaf_pem(const struct channel *channel, struct buf *ret, struct err *err);

#endif
