/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AMD's certificates for one report: ARK (root), ASK or ASVK, VCEK or VLEK ("vek"), and the ARK's revocation list
 * (attestation-evidence.md section 3 and section 7 "SEV-SNP").
 *
 * Parsed once and never changed: threads may share one. What depends neither on time nor on roots is found out while
 * reading, its signatures too, so that a prepared collateral set costs a verdict no more than the report's own
 * signature. Missing and unreadable items are kept as faults, which the verdict names.
 */
#ifndef MSE_ATTEST_SNP_CHAIN_H
#define MSE_ATTEST_SNP_CHAIN_H

#include "attest/verdict.h"
#include "crypto/crl_parse.h"
#include "crypto/kds_extension.h"
#include "format/snp_product.h"

struct snp_chain_bytes {
	struct attest_bytes vek, ask, ark; /* DER or PEM */
	struct attest_bytes ark_crl;
};

/* "" while the item is good. */
struct snp_fault {
	bool missing;
	char text[ATTEST_TEXT_SIZE];
};

enum snp_position { SNP_VEK, SNP_ASK, SNP_ARK, SNP_POSITIONS };

struct snp_chain {
	struct x509_cert *certs[SNP_POSITIONS]; /* NULL: see faults */
	struct snp_fault faults[SNP_POSITIONS];
	struct snp_fault signatures; /* names, rules and signatures of the three; "": they hold */
	struct kds_extension kds;
	struct snp_fault kds_fault;
	struct x509_crl *crl;
	struct snp_fault crl_fault;
	struct snp_fault crl_signature;
	bool is_vlek;                             /* ASVK and VLEK by their names */
	enum snp_product products[SNP_POSITIONS]; /* that the certificates name; UNKNOWN: none */
};

/* Reads what is there. *ret must be empty. -1 only when out of memory; snp_chain_done is then still needed. */
must_check int snp_chain_read(const struct snp_chain_bytes *bytes, struct snp_chain *ret);
void snp_chain_done(struct snp_chain *chain);

/* True if all three certificates could be read. */
bool snp_chain_is_whole(const struct snp_chain *chain);
/* True if one of the certificates carries the simulation's marker. */
bool snp_chain_has_marker(const struct snp_chain *chain);

/* Check "vek-chain": all there, names, rules, signatures, the kind of key that signing_key of the report names. */
bool snp_chain_judge(struct judge *judge, const struct snp_chain *chain, unsigned signing_key);
/* Check "vek-chain-dates": all of them are valid now. */
void snp_chain_judge_dates(struct judge *judge, const struct snp_chain *chain);
/* Checks "ark-crl" and "ask-revocation". */
void snp_chain_judge_revocation(struct judge *judge, const struct snp_chain *chain);

#endif
