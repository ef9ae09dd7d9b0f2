/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmseattest: is the other end really that code, on genuine hardware, now?
 *
 * Evidence goes in, a verdict comes out. Nothing else happens: no network, no clock, no file, no global state. The
 * caller gives the time, the collateral and the policy, so that every verdict can be replayed from saved bytes.
 * OpenSSL alone reads its own configuration, once, unless OPENSSL_INIT_NO_LOAD_CONFIG was given to it before.
 * All functions may be called from several threads at once; a prepared collateral set and roots may be shared by them.
 *
 * The four questions
 *   attest_verify         a bare quote: does it carry exactly these 64 bytes of REPORTDATA?
 *   attest_verify_ratls   an RA-TLS certificate (steps V1 to V6): was its key made by that code, for that instance?
 *                         Says nothing about age, and outside TLS mode "self" nothing about the connection.
 *   attest_verify_certificate  an RA-TLS certificate of any maker: was its key made by that code? Nothing more: not
 *                         which instance of it, not when.
 *   attest_verify_fresh   the answer of /.well-known/mse/attestation (steps F3 to F9): does *this TLS connection* end
 * in that code and that instance, now? Contains the check of the RA-TLS certificate.
 *
 * How to use it
 *   struct attest_collateral_bytes bytes = {.tcb_info = {data, size}, …};   // as fetched; see below
 *   struct attest_collateral *collateral = NULL;
 *   struct attest_verdict *verdict = NULL;
 *   const char *why = NULL;
 *
 *   if (attest_collateral_new(&bytes, &collateral, &why) < 0 ||
 *       attest_verify(&evidence, &binding, collateral, NULL, time(NULL), &policy, &verdict, &why) < 0)
 *           die(why);                            // the call was wrong, nothing was verified
 *   if (!verdict->accepted)
 *           refuse(verdict->error_text);         // for example "tcb-info-expired"
 *   attest_verdict_free(verdict);
 *   attest_collateral_free(collateral);
 *
 * A call returns 0 when a verdict was made, be it accepted or refused: look at verdict->accepted. It returns -1 when
 * no verdict could be made (a required argument is missing, a policy cannot be enforced, out of memory); *ret_why is
 * then a constant sentence and *ret_verdict is untouched. There is no way to leave out what the evidence must be
 * bound to: a missing or empty expected binding is such a failure.
 *
 * Formats and rules: docs/formats/. Intel quotes: SGX in versions 3, 4 and 5, TDX 1.0 and 1.5 in versions 4 and 5.
 */
#ifndef MSE_ATTEST_H
#define MSE_ATTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ATTEST_REPORT_DATA_SIZE 64
#define ATTEST_MEASUREMENT_SIZE_MAX 48 /* MRENCLAVE has 32 */
#define ATTEST_MACHINE_SIZE_MAX 64     /* SHA-256 of the PPID has 32 */
#define ATTEST_NAME_SIZE 64            /* error and check names with their zero byte */
#define ATTEST_TEXT_SIZE 320           /* one sentence of a check */
#define ATTEST_CHECKS_MAX 144          /* the most that one verdict has is 126 */
#define ATTEST_EXPIRIES_MAX 48
#define ATTEST_LOOSENINGS_MAX 96
#define ATTEST_LOOSENING_SIZE 224 /* its sentence */
#define ATTEST_ADVISORIES_MAX 384
#define ATTEST_ADVISORY_SIZE 32 /* "INTEL-SA-00615" with its zero byte */

/* Every reason for a refusal, by the step that failed. The texts are stable: programs and people may rely on them. */
#define ATTEST_ERRORS(X) \
	X(NONE, "none") \
	/* the quote's form */ \
	X(TRUNCATED, "truncated") \
	X(MALFORMED, "malformed") \
	X(UNSUPPORTED_VERSION, "unsupported-version") \
	X(BAD_TEE_TYPE, "bad-tee-type") \
	X(UNSUPPORTED_KEY_TYPE, "unsupported-key-type") \
	X(BAD_QE_VENDOR, "bad-qe-vendor") \
	X(UNSUPPORTED_CERT_DATA, "unsupported-cert-data") \
	X(UNSUPPORTED_BODY, "unsupported-body") \
	X(PCK_CHAIN_MISSING, "pck-chain-missing") \
	/* authenticity */ \
	X(CHAIN_INVALID, "chain-invalid") \
	X(ROOT_UNTRUSTED, "root-untrusted") \
	X(SIMULATED, "simulated") \
	X(NOT_YET_VALID, "not-yet-valid") \
	X(CERT_EXPIRED, "cert-expired") \
	X(PCK_EXTENSION, "pck-extension") \
	X(CRL_MISSING, "crl-missing") \
	X(CRL_MALFORMED, "crl-malformed") \
	X(CRL_ISSUER, "crl-issuer") \
	X(CRL_SIGNATURE, "crl-signature") \
	X(CRL_EXPIRED, "crl-expired") \
	X(CA_REVOKED, "ca-revoked") \
	X(PCK_REVOKED, "pck-revoked") \
	X(COLLATERAL_MALFORMED, "collateral-malformed") \
	X(TCB_INFO_SIGNATURE, "tcb-info-signature") \
	X(TCB_INFO_EXPIRED, "tcb-info-expired") \
	X(TCB_INFO_MISMATCH, "tcb-info-mismatch") \
	X(QE_IDENTITY_SIGNATURE, "qe-identity-signature") \
	X(QE_IDENTITY_EXPIRED, "qe-identity-expired") \
	X(QE_IDENTITY_MISMATCH, "qe-identity-mismatch") \
	X(QE_REPORT_SIGNATURE, "qe-report-signature") \
	X(QE_REPORT_DATA, "qe-report-data") \
	X(QUOTE_SIGNATURE, "quote-signature") \
	X(REPORT_SIGNATURE, "report-signature") \
	X(PRODUCT_MISMATCH, "product-mismatch") \
	X(CHIP_MISMATCH, "chip-mismatch") \
	X(TCB_MISMATCH, "tcb-mismatch") \
	X(TDX_MODULE_MISMATCH, "tdx-module-mismatch") \
	X(TCB_NOT_SUPPORTED, "tcb-not-supported") \
	X(TCB_REVOKED, "tcb-revoked") \
	/* authentic, but not acceptable */ \
	X(DEBUG, "debug") \
	X(TD_ATTRIBUTES, "td-attributes") \
	X(GUEST_POLICY, "guest-policy") \
	X(TCB_ORDER, "tcb-order") \
	X(MEASUREMENT, "measurement") \
	X(SVN, "svn") \
	X(TCB_STATUS, "tcb-status") \
	X(MACHINE, "machine") \
	X(BINDING, "binding") \
	/* the RA-TLS certificate */ \
	X(RATLS_CERTIFICATE, "ratls-certificate") \
	X(INSTANCE_MISSING, "instance-missing") \
	X(INSTANCE_MALFORMED, "instance-malformed") \
	X(INSTANCE_FIELD, "instance-field") /* verdict->error_text adds ":NAME" */ \
	X(TLS_KEY, "tls-key") \
	/* the fresh answer */ \
	X(ATTEST_MALFORMED, "attest-malformed") \
	X(ATTEST_VERSION, "attest-version") \
	X(STALE, "stale") \
	X(ROLE, "role") \
	X(PROOF, "proof") \
	X(MACHINE_CHANGED, "machine-changed") \
	X(FRESH_TAG, "fresh-tag") \
	X(FRESH_BINDING, "fresh-binding") \
	X(TICKET_MISSING, "ticket-missing") \
	X(TICKET_SIGNATURE, "ticket-signature") \
	X(TICKET_BINDING, "ticket-binding") \
	X(TICKET_OLDER, "ticket-older") \
	X(IDENTITY_CHANGED, "identity-changed") \
	/* of the program that holds the connection (F1, F2) or the file of a saved one; never made here */ \
	X(SAVED_CHANGED, "saved-changed") \
	X(TLS_VERSION, "tls-version") \
	X(TLS_RESUMED, "tls-resumed") \
	X(EXPORTER_UNAVAILABLE, "exporter-unavailable") \
	X(ATTEST_TIMEOUT, "attest-timeout") \
	X(ATTEST_HTTP, "attest-http") \
	X(ATTEST_BUSY, "attest-busy") \
	X(NOT_ATTESTABLE, "not-attestable")

enum attest_error {
#define X(name, text) ATTEST_ERROR_##name,
	ATTEST_ERRORS(X)
#undef X
};

/* Intel's words, with their case. The two of TDX relaunch come from no document: the verifier finds them. */
#define ATTEST_TCB_STATUSES(X) \
	X(UP_TO_DATE, "UpToDate") \
	X(SW_HARDENING_NEEDED, "SWHardeningNeeded") \
	X(CONFIGURATION_NEEDED, "ConfigurationNeeded") \
	X(CONFIGURATION_AND_SW_HARDENING_NEEDED, "ConfigurationAndSWHardeningNeeded") \
	X(TD_RELAUNCH_ADVISED, "TDRelaunchAdvised") \
	X(TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED, "TDRelaunchAdvisedConfigurationNeeded") \
	X(OUT_OF_DATE, "OutOfDate") \
	X(OUT_OF_DATE_CONFIGURATION_NEEDED, "OutOfDateConfigurationNeeded") \
	X(REVOKED, "Revoked")

enum attest_tcb_status {
#define X(name, text) ATTEST_TCB_##name,
	ATTEST_TCB_STATUSES(X)
#undef X
};

#define ATTEST_TCB_BIT(status) (1u << (status))
#define ATTEST_TEE_BIT(tee) (1u << (tee))

/* Texts as in JSON verdicts. */
#define ATTEST_TEES(X) \
	X(SGX, "sgx") \
	X(TDX, "tdx") \
	X(SEV_SNP, "sev-snp")

enum attest_tee {
#define X(name, text) ATTEST_TEE_##name,
	ATTEST_TEES(X)
#undef X
};

const char *attest_error_text(enum attest_error error);
const char *attest_tee_text(enum attest_tee tee);
const char *attest_tcb_status_text(enum attest_tcb_status status);

/* Bytes of the caller; never kept after the call returns. {NULL, 0}: absent. */
struct attest_bytes {
	const uint8_t *data;
	size_t size;
};

/* ------------------------------------------------------------------------------------------------ what goes in */

/* Exactly one of them. */
struct attest_evidence {
	struct attest_bytes quote; /* Intel, as the TEE gave it; bytes after its declared end are counted, not judged */
	struct attest_bytes report; /* AMD SEV-SNP: exactly its 1184 bytes, or Azure's HCL wrapping of them */
};

/*
 * What REPORTDATA must be: all 64 bytes, made by the verifier from its own values, never taken from the evidence.
 * `any` asks for nothing, and shows in the verdict; then report_data must be absent.
 */
struct attest_binding {
	struct attest_bytes report_data; /* exactly ATTEST_REPORT_DATA_SIZE bytes */
	bool any;
};

/*
 * Collateral as fetched, each item named as in Intel's service and in bundle files: JSON as received, chains in PEM
 * (leaf first), revocation lists in DER or PEM. Absent items are refused where they are needed.
 * The issuer chain of the PCK revocation list is not needed: the list must be signed by the quote's own intermediate.
 */
struct attest_collateral_bytes {
	struct attest_bytes tcb_info;
	struct attest_bytes tcb_info_issuer_chain;
	struct attest_bytes qe_identity;
	struct attest_bytes qe_identity_issuer_chain;
	struct attest_bytes root_ca_crl;
	struct attest_bytes pck_crl;
	struct attest_bytes pck_cert_chain; /* only for quotes that do not carry their chain */
	/* SEV-SNP; certificates in DER or PEM */
	struct attest_bytes
	    vek; /* VCEK or VLEK of the report that decides; a certificate may carry another of its own */
	struct attest_bytes ask; /* ASK or ASVK */
	struct attest_bytes ark; /* compared with the pinned ones, never trusted */
	struct attest_bytes ark_crl;
};

/* Collateral, parsed once, for any number of verdicts. Bad items are kept as such and named by the verdict. */
struct attest_collateral;
int attest_collateral_new(const struct attest_collateral_bytes *bytes, struct attest_collateral **ret_collateral,
			  const char **ret_why);
void attest_collateral_free(struct attest_collateral *collateral); /* NULL is fine */

/* Roots of trust. Intel's and AMD's three are compiled in; NULL: only those. One vendor's alone: policy.tees. */
struct attest_roots {
	const struct attest_bytes *hardware; /* further roots, certificates in DER or PEM: a test CA, a private root */
	size_t hardware_count;
	bool no_vendor_roots; /* trust only those of hardware (and the policy's simulation roots) */
};

/* Room for a measurement of any TEE. */
struct attest_measurement {
	uint8_t data[ATTEST_MEASUREMENT_SIZE_MAX];
	size_t size;
};

struct attest_machine {
	uint8_t data[ATTEST_MACHINE_SIZE_MAX];
	size_t size;
};

#include "mse/attest_policy.h" /* struct attest_policy: what is acceptable */

/* What the instance document must say. A NULL member is not compared; the owner's client gives all of them. */
struct attest_instance_expected {
	const char *domain; /* never NULL */
	const char *tls;    /* NULL: any mode in which TLS ends in the enclave (all but "operator") */
	const char *certificate;
	const char *config_domain;
	const char
	    *expires; /* compared as text; an expiry in the past of the verifier's clock is refused in any case */
	const char *log_key;
	const char *subject;
	const char *uuid;
};

/* What the enclave is doing; 3 is reserved for an enclave that is the TLS client. */
#define ATTEST_ROLE_CONFIGURATION 1 /* it waits for its keys */
#define ATTEST_ROLE_APPLICATION 2

struct attest_ratls {
	struct attest_bytes certificate; /* DER or PEM, one certificate */
	const struct attest_instance_expected *instance;
	uint8_t role; /* ATTEST_ROLE_* */
	/*
	 * 32 bytes: SHA-256 of the DER SubjectPublicKeyInfo of the leaf shown in this TLS handshake. NULL for a
	 * certificate that did not come from a handshake; V6 is then not applicable, and the verdict says so. If it is
	 * given, it must be the certificate's key, whatever the TLS mode: for a connection on which the application
	 * shows another (modes owner, acme, operator) ask for fresh evidence, which binds that key.
	 */
	const uint8_t *tls_key;
};

/*
 * An RA-TLS certificate of any maker, without a document that it must carry: those of Cosmian (SGX, TDX, SEV-SNP),
 * Gramine (legacy, and interoperable: TCG DICE tagged evidence), and ours.
 */
struct attest_certificate {
	struct attest_bytes certificate; /* DER or PEM, one certificate */
	const uint8_t *tls_key;          /* as in struct attest_ratls */
	/*
	 * Bytes 32 to 63 of REPORTDATA, if the maker puts something of his own there. Absent: they must be zero, but
	 * for a certificate of ours, which has an X25519 key there. Not for tagged evidence, where they are zero.
	 */
	struct attest_bytes extra;
	bool any_extra;    /* they may be anything; shows in the verdict */
	int64_t age_max_s; /* seconds since notBefore, which is its maker's word; 0: not bounded */
};

struct attest_fresh {
	struct attest_bytes answer; /* body of the answer, JSON */
	const uint8_t *nonce;       /* 32 bytes, made for this request */
	const uint8_t *exporter;    /* 32 bytes, this connection's TLS exporter with the nonce as context */
	const uint8_t *tls_key;     /* 32 bytes, as above; from this connection */
	uint8_t role;               /* ATTEST_ROLE_*: the one that is wanted */
	uint64_t elapsed_ms;        /* since the nonce left, by the verifier's monotonic clock */
	const struct attest_instance_expected *instance;
	const uint8_t *owner_key; /* 32 bytes Ed25519: role 2 then needs the owner's ticket. NULL: not checked */
	int64_t tickets_from;     /* tickets of deployments that began before are refused; 0: none */
	int64_t deployed_seen;    /* the highest `deployed` this client has seen for the domain; 0: none */
	const uint8_t *identity;  /* 64 bytes recorded for this instance; NULL: none recorded */
};

/* ---------------------------------------------------------------------------------------------- what comes out */

enum attest_result {
	ATTEST_PASSED,
	ATTEST_FAILED,
	ATTEST_NOT_APPLICABLE, /* not asked for, or its input is missing because an earlier check failed: text says
				  which */
};

struct attest_check {
	char name[ATTEST_NAME_SIZE]; /* stable: "pck-chain", "fresh.quote-signature" */
	enum attest_result result;
	enum attest_error error;     /* ATTEST_ERROR_NONE unless failed */
	char text[ATTEST_TEXT_SIZE]; /* what was seen and what it was compared with */
};

/* Something that the caller allowed beyond the strict rules; exceptions only if they were used. */
struct attest_loosening {
	char name[32]; /* stable: "report-data-any", "trust-root"; docs/formats/verdict.md has all */
	char text[ATTEST_LOOSENING_SIZE];
};

struct attest_expiry {
	char what[ATTEST_NAME_SIZE];
	int64_t from; /* INT64_MIN: no bound; both bounds inclusive */
	int64_t until;
};

#define ATTEST_TCB_VERSION_SIZE 8 /* of SEV-SNP: one byte for each component, as in the report */

/* Of Intel's quotes, SGX or TDX: header, certification, platform. */
struct attest_intel_facts {
	uint8_t user_data[20]; /* of the header; never trusted */
	uint16_t cert_data_type;
	bool pck_parsed;  /* the rest down to smt_enabled */
	bool platform_ca; /* else Processor CA */
	uint8_t fmspc[6];
	uint8_t pceid[2];
	uint16_t pcesvn;
	uint8_t tcb_components[16];
	uint8_t pck_serial[20];
	size_t pck_serial_size;
	uint8_t ppid[16];
	bool has_configuration; /* the four below; Platform CA only */
	uint8_t platform_instance_id[16];
	bool dynamic_platform;
	bool cached_keys;
	bool smt_enabled;
	/* if facts->tcb_known */
	enum attest_tcb_status platform_status;
	enum attest_tcb_status qe_status;
	int64_t qe_tcb_date;
};

struct attest_sgx_facts {
	uint8_t cpusvn[16];
	uint32_t miscselect;
	uint8_t attributes[16]; /* flags and XFRM as in the report */
	uint8_t mrenclave[32];
	uint8_t mrsigner[32];
	uint16_t isvprodid;
	uint16_t isvsvn;
	uint8_t isvextprodid[16];
	uint8_t configid[64];
	uint16_t configsvn;
	uint8_t isvfamilyid[16];
};

struct attest_tdx_facts {
	uint8_t tee_tcb_svn[16];
	uint8_t mrseam[48];
	uint8_t mrsignerseam[48];
	uint8_t seam_attributes[8];
	uint8_t td_attributes[8];
	uint8_t xfam[8];
	uint8_t mrtd[48];
	uint8_t mrconfigid[48];
	uint8_t mrowner[48];
	uint8_t mrownerconfig[48];
	uint8_t rtmr[4][48];
	bool is_1_5; /* the two below */
	uint8_t tee_tcb_svn_2[16];
	uint8_t mrservicetd[48];
	/* if facts->tcb_known */
	bool has_module_status; /* TEE_TCB_SVN[1] > 0 */
	enum attest_tcb_status module_status;
	int64_t module_tcb_date;
};

struct attest_snp_facts {
	uint32_t guest_svn;
	uint64_t policy;
	uint8_t family_id[16];
	uint8_t image_id[16];
	uint32_t vmpl; /* 0xFFFFFFFF: the host asked */
	uint32_t signature_algorithm;
	uint8_t current_tcb[ATTEST_TCB_VERSION_SIZE];
	uint64_t platform_info;
	bool author_key_enabled;
	bool chip_key_masked;
	uint8_t signing_key; /* 0 VCEK, 1 VLEK, 7 none */
	uint8_t measurement[48];
	uint8_t host_data[32];
	uint8_t id_key_digest[48];
	uint8_t author_key_digest[48];
	uint8_t report_id[32];
	uint8_t report_id_ma[32];
	uint8_t reported_tcb[ATTEST_TCB_VERSION_SIZE];
	bool has_cpuid; /* version 3 and later: the three below */
	uint8_t cpuid_family;
	uint8_t cpuid_model;
	uint8_t cpuid_stepping;
	uint8_t chip_id[64];
	uint8_t committed_tcb[ATTEST_TCB_VERSION_SIZE];
	uint8_t current_firmware[3]; /* build, minor, major */
	uint8_t committed_firmware[3];
	uint8_t launch_tcb[ATTEST_TCB_VERSION_SIZE];
	bool has_mitigation_vectors; /* version 5: the two below */
	uint64_t launch_mitigation_vector;
	uint64_t current_mitigation_vector;
	char csp_id[ATTEST_NAME_SIZE]; /* of a VLEK: the cloud provider; else "" */
	const char *product;           /* "Milan", "Genoa", "Turin", "": not known; a constant of the library */
	bool hcl;                      /* wrapped by the paravisor of an Azure VM */
	bool has_user_data;            /* if so: what the guest gave through its vTPM */
	uint8_t user_data[64];
};

/*
 * What evidence says. Believe it only if verdict->authentic. What a TEE does not have is empty (size 0) or false.
 *
 *                SGX             TDX           SEV-SNP
 *   measurement  MRENCLAVE 32    MRTD 48       MEASUREMENT 48
 *   signer       MRSIGNER 32     none          ID_KEY_DIGEST 48, if there is one
 *   svn          ISVSVN          none          GUEST_SVN
 *   machine      SHA-256(PPID)   SHA-256(PPID) CHIP_ID 64
 */
struct attest_facts {
	bool parsed;
	enum attest_tee tee;
	uint16_t version;
	size_t trailing_bytes; /* after the declared end */
	bool debug;
	struct attest_measurement measurement;
	struct attest_measurement signer;
	bool has_svn;
	uint32_t svn;
	uint8_t report_data[ATTEST_REPORT_DATA_SIZE];
	struct attest_machine machine; /* known once the certificates were read */

	bool tcb_known;                    /* the rest; Intel only */
	enum attest_tcb_status tcb_status; /* converged */
	int64_t tcb_date;
	uint32_t evaluation_number;                                   /* the lower of TCB info and QE identity */
	char advisories[ATTEST_ADVISORIES_MAX][ATTEST_ADVISORY_SIZE]; /* union, sorted */
	size_t advisory_count;

	struct attest_intel_facts intel; /* tee SGX and TDX */
	struct attest_sgx_facts sgx;
	struct attest_tdx_facts tdx;
	struct attest_snp_facts snp;
};

/* Made by the library, freed by attest_verdict_free. Later versions add members, at the end only. */
struct attest_verdict {
	bool accepted;
	bool authentic; /* all signatures, chains, dates and revocations hold; if not accepted, then only by policy */
	bool simulated; /* no hardware protects this */
	enum attest_error error;           /* of the first check that failed */
	char error_text[ATTEST_NAME_SIZE]; /* its text, with ":NAME" for instance fields; "none" if accepted */
	const struct attest_check *failed; /* that check, or NULL */
	int64_t time;                      /* the time given by the caller */
	int64_t valid_until;               /* least of expiries; INT64_MAX if there is none */

	struct attest_check checks[ATTEST_CHECKS_MAX]; /* in the order of judgement */
	size_t check_count;
	struct attest_expiry expiries[ATTEST_EXPIRIES_MAX];
	size_t expiry_count;
	struct attest_loosening loosenings[ATTEST_LOOSENINGS_MAX];
	size_t loosening_count;

	struct attest_facts facts; /* of the evidence that decides: the given, the certificate's or the fresh one */

	/* attest_verify_ratls, attest_verify_certificate and attest_verify_fresh */
	bool has_identity;
	uint8_t identity[64]; /* REPORTDATA of the RA-TLS certificate's quote */
	bool has_instance;
	uint8_t instance_hash[32];
	char instance_document[4096 + 1];
	int64_t certificate_not_after;
	const char *certificate_form; /* "sgx", "tdx", "sev-snp", "gramine-legacy", "tagged-evidence"; NULL: none */
	bool has_certificate_key;
	uint8_t certificate_key[32]; /* SHA-256 of its SubjectPublicKeyInfo: the TLS key that was proven */

	/* attest_verify_fresh */
	struct attest_facts certificate_facts;
	uint8_t role; /* ATTEST_ROLE_* */
	bool has_ticket;
	uint8_t ticket_hash[32];
	int64_t deployed;
	char warning[ATTEST_TEXT_SIZE]; /* "" or what the reader ought to know though it is accepted */
};

int attest_verify(const struct attest_evidence *evidence, const struct attest_binding *binding,
		  const struct attest_collateral *collateral, const struct attest_roots *roots, int64_t time,
		  const struct attest_policy *policy, struct attest_verdict **ret_verdict, const char **ret_why);

int attest_verify_ratls(const struct attest_ratls *ratls, const struct attest_collateral *collateral,
			const struct attest_roots *roots, int64_t time, const struct attest_policy *policy,
			struct attest_verdict **ret_verdict, const char **ret_why);

int attest_verify_certificate(const struct attest_certificate *certificate, const struct attest_collateral *collateral,
			      const struct attest_roots *roots, int64_t time, const struct attest_policy *policy,
			      struct attest_verdict **ret_verdict, const char **ret_why);

int attest_verify_fresh(const struct attest_fresh *fresh, const struct attest_collateral *collateral,
			const struct attest_roots *roots, int64_t time, const struct attest_policy *policy,
			struct attest_verdict **ret_verdict, const char **ret_why);

void attest_verdict_free(struct attest_verdict *verdict); /* NULL is fine */

/*
 * The verdict for programs (one JSON object) and for people (lines of text). The first line, or first member, of a
 * simulated one is "SIMULATED: no hardware protects this". The caller frees the text; NULL when out of memory.
 */
char *attest_verdict_json(const struct attest_verdict *verdict);
char *attest_verdict_text(const struct attest_verdict *verdict);

/*
 * Which collateral to fetch, read from unverified evidence (a quote, an RA-TLS certificate or a fresh answer): good
 * for nothing but that choice. -1: cannot be read, *ret_why says why.
 */
struct attest_needs {
	enum attest_tee tee;
	bool simulated; /* carries the simulation's marker */
	/* SGX and TDX */
	char fmspc[13]; /* hex */
	const char *ca; /* "platform" or "processor" */
	/* SEV-SNP */
	bool vlek;           /* signed by a VLEK, which no public service has: it comes with the evidence */
	const char *product; /* "Milan", "Genoa", "Turin"; NULL: the report does not say (version 2) */
	uint8_t chip_id[64];
	uint8_t reported_tcb[ATTEST_TCB_VERSION_SIZE];
};
int attest_needs(const struct attest_bytes *evidence, struct attest_needs *ret_needs, const char **ret_why);

#ifdef __cplusplus
}
#endif

#endif
