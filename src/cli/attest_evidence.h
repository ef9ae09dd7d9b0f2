/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The evidence that a command is to judge, gather or show: a quote, a report or an RA-TLS certificate in a file ("-"
 * is the standard input), or the certificate that a server shows in a TLS handshake of our own.
 */
#ifndef MSE_CLI_ATTEST_EVIDENCE_H
#define MSE_CLI_ATTEST_EVIDENCE_H

#include "cli/cmd.h"
#include "format/uri.h"
#include "mse/attest.h"

#define EVIDENCE_SIZE_MAX (1u << 20)
#define EVIDENCE_TLS_KEY_SIZE 32

#define ATTEST_OPTION_SERVERNAME \
	{ \
		"servername", 0, "NAME", "name to ask for in the handshake (default: the host)", false \
	}
#define ATTEST_OPTIONS_EVIDENCE \
	{"quote", 0, "FILE", "quote of SGX or TDX, as bytes (-: standard input)", false}, \
	    {"report", 0, "FILE", "report of SEV-SNP, as bytes", false}, \
	    {"ratls", 0, "PEM", "RA-TLS certificate, PEM or DER", false}, \
	    {"host", 0, "HOST[:PORT]", "the RA-TLS certificate that this server shows", false}, \
	    ATTEST_OPTION_SERVERNAME

enum evidence_kind { EVIDENCE_QUOTE, EVIDENCE_REPORT, EVIDENCE_RATLS };

struct evidence {
	enum evidence_kind kind;
	struct buf data;  /* as it came */
	const char *from; /* file or host, for messages; borrowed */
	bool is_live;     /* from a handshake: the two below count */
	uint8_t tls_key[EVIDENCE_TLS_KEY_SIZE];
	char domain[URI_HOST_MAX + 1]; /* whom the handshake was to be with */
};

/*
 * 1 loaded, 0 no option names any; more than one is ERR_INVALID. A server without TLS 1.3 is named "tls-version: …".
 * *ret may be given to evidence_done in any case.
 */
must_check int evidence_load(const struct cmd_call *call, struct evidence *ret, struct err *err);
void evidence_done(struct evidence *evidence);

/* Whom a handshake with this host is to be with: --servername in lower case, else the host. ERR_INVALID: no host. */
must_check int evidence_domain(const struct cmd_call *call, const struct hostport *host,
			       char ret[static URI_HOST_MAX + 1], struct err *err);

/* NULL, or what text was taken for bytes: "hexadecimal text". Evidence is never decoded behind the user's back. */
const char *evidence_text_kind(const struct evidence *evidence);

/* path, or "-" for the standard input. ERR_LIMIT above the maximum of ret. */
must_check int evidence_read_file(const char *path, struct buf *ret, struct err *err);

#endif
