/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated PKI: what Intel's is to hardware, with a root of trust that proves nothing (docs/security-model.md).
 *
 *   root ─┬─ PCK Platform CA ─── PCK leaf of one machine ··signs·· quoting enclave report ··vouches·· attestation key
 *         └─ TCB signer ··signs·· TCB info, QE identity
 *
 * Formats are exactly those of attestation-evidence.md sections 1.5 and 1.6. Every certificate holds the marker
 * extension SIM_MARKER_OID, by which verifiers know the simulation however its root came to be trusted.
 *
 * A struct sim_pki holds one PKI and one machine, in memory. Making one needs no file, so the verifier's tests use it
 * as their test CA: struct sim_pki_options reaches every value, the right and the wrong ones. Not changed by threads
 * at once; reading and making quotes is safe from many threads while nobody refreshes.
 */
#ifndef MSE_TEE_SIM_PKI_H
#define MSE_TEE_SIM_PKI_H

#include <stdbool.h>

#include "base/buf.h"
#include "crypto/crl_build.h"
#include "crypto/p256.h"
#include "crypto/x509_build.h"

#define SIM_MARKER_OID "1.2.840.113741.1337.101"
#define SIM_PCK_EXTENSION_OID "1.2.840.113741.1.13.1"
#define SIM_COLLATERAL_DAYS 30
#define SIM_BACKDATE_SECONDS 3600 /* issue dates lie this far back: clocks of clients differ a little */
#define SIM_COMPONENT_COUNT 16
#define SIM_TCB_LEVELS_MAX 16
#define SIM_ITEM_SIZE_MAX (1u << 20)
#define SIM_CHAIN_SIZE_MAX (64u << 10)

enum sim_cert {
	SIM_CERT_ROOT,
	SIM_CERT_PLATFORM_CA,
	SIM_CERT_TCB_SIGNER,
	SIM_CERT_PCK,
	SIM_CERT_COUNT,
};

/* Collateral that expires and is refreshed. */
enum sim_item {
	SIM_ITEM_TCB_INFO,    /* {"tcbInfo":…,"signature":…} */
	SIM_ITEM_QE_IDENTITY, /* {"enclaveIdentity":…,"signature":…} */
	SIM_ITEM_ROOT_CRL,    /* DER */
	SIM_ITEM_PCK_CRL,     /* DER */
	SIM_ITEM_COUNT,
};

/* One row of the TCB info. */
struct sim_tcb_level {
	uint8_t components[SIM_COMPONENT_COUNT];
	unsigned pcesvn;
	const char *status;   /* "UpToDate", "OutOfDate", … taken as it is */
	const char *date;     /* "YYYY-MM-DDTHH:MM:SSZ", as it is */
	const char *advisory; /* one advisory, or NULL */
};

/* One row of the QE identity. */
struct sim_qe_level {
	unsigned isvsvn;
	const char *status;
	const char *date;
	const char *advisory;
};

/* Validity of one item; both zero: the usual one. */
struct sim_dates {
	int64_t from;
	int64_t until;
};

/* What the PCK leaf's SGX extension says, and what the platform really is. */
struct sim_platform {
	uint8_t ppid[16];
	uint8_t components[SIM_COMPONENT_COUNT];
	unsigned pcesvn;
	uint8_t cpusvn[16];
	uint8_t pceid[2];
	uint8_t fmspc[6];
	uint8_t platform_instance_id[16];
	bool processor_ca; /* only the 5 elements of a Processor CA leaf */
};

/*
 * Everything that can be chosen. SIM_PKI_OPTIONS_INIT is a sound PKI; set what a test wants otherwise. All pointers are
 * borrowed until the PKI is freed (they count again when it is refreshed).
 */
struct sim_pki_options {
	const char *names[SIM_CERT_COUNT]; /* RFC 4514 subjects; NULL: the usual ones */
	bool no_marker;                    /* leave SIM_MARKER_OID out everywhere: a look-alike of hardware */

	/* Platform: with own_platform the values below, else sound ones with a random PPID and instance id. */
	bool own_platform;
	struct sim_platform platform;
	const struct buf *pck_extension; /* raw value of the SGX extension in place of the made one */

	/* Revocation. */
	bool revoke_pck;
	bool revoke_platform_ca;
	bool revoke_tcb_signer;
	bool pck_crl_of_root; /* the PCK CRL is issued by the root in place of the platform CA */

	/* Validity of the collateral. */
	struct sim_dates item_dates[SIM_ITEM_COUNT];

	/* TCB info. level_count 0: one UpToDate level that the platform meets, one OutOfDate below it. */
	struct sim_tcb_level tcb_levels[SIM_TCB_LEVELS_MAX];
	size_t tcb_level_count;
	const uint8_t *tcb_fmspc;   /* 6 bytes; NULL: the platform's */
	const uint8_t *tcb_pceid;   /* 2 bytes; NULL: the platform's */
	unsigned evaluation_number; /* tcbEvaluationDataNumber of both items; 0: 1 */

	/* QE identity. qe_level_count 0: one UpToDate level at the QE's isvsvn, one OutOfDate below it. */
	struct sim_qe_level qe_levels[SIM_TCB_LEVELS_MAX];
	size_t qe_level_count;

	/* Inner objects in place of the made ones, signed as they are: for malformed collateral. NULL: made. */
	const char *tcb_info_body;
	const char *qe_identity_body;

	/* Called with each thing just before it is signed; may change it, but not grow its arrays. NULL: not called. */
	void (*edit_cert)(enum sim_cert which, struct x509_spec *spec, void *arg);
	void (*edit_crl)(enum sim_item which, struct crl_spec *spec, void *arg);
	void *arg;
};

#define SIM_PKI_OPTIONS_INIT ((struct sim_pki_options){.no_marker = false})

struct sim_pki;

/* A new PKI with one machine, as of now (Unix seconds). options NULL: the sound one. */
must_check int sim_pki_new(const struct sim_pki_options *options, int64_t now, struct sim_pki **ret, struct err *err);
void sim_pki_free(struct sim_pki *pki); /* wipes its keys */
DEFINE_SCOPED_PTR(struct sim_pki, sim_pki_free);

/* The same PKI with another machine: new PPID, PCK leaf and attestation key. Needs the issuing keys. */
must_check int sim_pki_new_machine(const struct sim_pki *pki, int64_t now, struct sim_pki **ret, struct err *err);

/* Signs TCB info, QE identity and both CRLs anew for SIM_COLLATERAL_DAYS. Needs the issuing keys. */
must_check int sim_pki_refresh(struct sim_pki *pki, int64_t now, struct err *err);

/* DER. Borrowed. */
const struct buf *sim_pki_cert(const struct sim_pki *pki, enum sim_cert which);
/* NULL if that key was not loaded. Borrowed. */
const struct p256_key *sim_pki_key(const struct sim_pki *pki, enum sim_cert which);
/* Key of the quoting enclave; NULL if it was not loaded. Borrowed. */
const struct p256_key *sim_pki_attestation_key(const struct sim_pki *pki);
/* Whole texts or DER, as a PCCS serves them. Borrowed until the next refresh. */
const struct buf *sim_pki_item(const struct sim_pki *pki, enum sim_item which);
/* What the machine is, as its PCK certificate says. */
const struct sim_platform *sim_pki_platform(const struct sim_pki *pki);

/*
 * PEM, joined, from which up to the root: SIM_CERT_PCK gives leaf, CA, root (as in quotes), SIM_CERT_TCB_SIGNER gives
 * signer and root (issuer chain of TCB info and QE identity), SIM_CERT_PLATFORM_CA gives CA and root (issuer chain of
 * the PCK CRL). Added to ret.
 */
must_check int sim_pki_chain_pem(const struct sim_pki *pki, enum sim_cert which, struct buf *ret, struct err *err);

/* Hex of the FMSPC (upper case, 12 digits), as in the PCCS's query. */
#define SIM_FMSPC_TEXT_SIZE 13
void sim_pki_fmspc(const struct sim_pki *pki, char ret_text[static SIM_FMSPC_TEXT_SIZE]);

/* --------------------------------------------------------------------------------------------------- on disk */

/*
 * Files in the directory (0700). Keys are 0600 and PKCS #8 in PEM.
 *   root.pem platform_ca.pem tcb_signer.pem pck.pem             certificates
 *   root.key platform_ca.key tcb_signer.key                     the issuer's
 *   pck.key attestation.key                                     the machine's
 *   tcb_info.json qe_identity.json root_crl.der pck_crl.der     collateral, replaced by refreshing
 */
enum sim_pki_part {
	SIM_PKI_PUBLIC = 0,       /* certificates and collateral */
	SIM_PKI_MACHINE = 1 << 0, /* what making quotes needs */
	SIM_PKI_ISSUER = 1 << 1,  /* what refreshing needs */
};

/* Makes the directory and a sound PKI in it. ERR_CONFLICT if there is one. */
must_check int sim_pki_create(const char *dir, int64_t now, struct err *err);

/* parts: SIM_PKI_* joined. Certificates and keys that do not belong together are ERR_INVALID. */
must_check int sim_pki_load(const char *dir, unsigned parts, struct sim_pki **ret, struct err *err);

/* Writes everything that pki holds; ERR_CONFLICT if the directory has a PKI. */
must_check int sim_pki_save(const struct sim_pki *pki, const char *dir, struct err *err);

/* Replaces the collateral of the PKI in the directory. Readers see each file old or new, never a part. */
must_check int sim_pki_refresh_dir(const char *dir, int64_t now, struct err *err);

#endif
