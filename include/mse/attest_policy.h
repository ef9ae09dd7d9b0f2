/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is acceptable: the policy that libmseattest enforces, as a struct and as JSON. Include <mse/attest.h>.
 *
 * All zero is the strict policy: TCB status UpToDate or SWHardeningNeeded, no debug, no simulation, no revocation list
 * missing, no configuration chosen by the host; any measurement, any TEE. A member that is zero or NULL asks for
 * nothing beyond that. A list is NULL with count 0, or it has elements: an empty list that must not mean "anything" is
 * refused. A policy that cannot be enforced as it stands is refused by the call, as a whole.
 *
 * The struct borrows everything that it points to. Those that attest_policy_parse makes own their parts: they may be
 * copied and given more members as long as they live, and are freed by attest_policy_free.
 *
 * Where a requirement is about what the evidence's TEE does not have (an SVN for TDX, an evaluation number for SEV-SNP)
 * it is refused, not excused; but tcb_statuses, advisories choose among Intel's and pass over SEV-SNP: snp.tcb_min.
 */
#ifndef MSE_ATTEST_POLICY_H
#define MSE_ATTEST_POLICY_H

#ifndef MSE_ATTEST_H
#error "include <mse/attest.h>"
#endif

#define ATTEST_POLICY_SIZE_MAX (256u << 10) /* of the JSON */
#define ATTEST_POLICY_LIST_MAX 1024         /* elements of one list in JSON */

/* What a machine is known by. */
enum attest_machine_kind {
	ATTEST_MACHINE_PPID,              /* SHA-256 of the PPID, 32 bytes: SGX, TDX */
	ATTEST_MACHINE_PLATFORM_INSTANCE, /* platform instance id, 16 bytes: SGX, TDX under the Platform CA */
	ATTEST_MACHINE_CHIP_ID, /* 64 bytes: SEV-SNP under a VCEK; under a VLEK refused: nothing vouches for it */
};

struct attest_policy_machine {
	enum attest_machine_kind kind;
	struct attest_machine id;
};

/* Evidence is refused with `machine` if everything that the rule names is so. It names at least one thing. */
struct attest_deny {
	const char *reason;   /* for people: never NULL or "" */
	uint32_t tees;        /* ATTEST_TEE_BIT of each; 0: any */
	const uint8_t *fmspc; /* 6 bytes */
	const char *product;  /* "Milan", "Genoa", "Turin" */
	const char *advisory; /* "INTEL-SA-00615": applies to the platform */
};

/* A reasoned and dated loosening. It counts until its date, and shows in the verdict if used. */
struct attest_exception {
	const char *reason;            /* for people: "ticket 4711: BIOS update in May" */
	int64_t until;                 /* Unix seconds, inclusive */
	uint32_t tcb_statuses;         /* ATTEST_TCB_BIT of each further status; REVOKED is refused by the call */
	const char *const *advisories; /* further ones, where the policy has a list */
	size_t advisory_count;
	bool debug; /* the workload may have the DEBUG attribute; the quoting enclave never */
};

struct attest_policy_sgx {
	const uint16_t *isvprodid;   /* NULL: any */
	const uint8_t *isvextprodid; /* 16 bytes */
	const uint8_t *isvfamilyid;  /* 16 bytes */
	const uint8_t *configid;     /* 64 bytes; NULL: zero */
	uint16_t configsvn_min;
};

struct attest_policy_tdx {
	const struct attest_measurement *mrseams; /* 48 bytes each */
	size_t mrseam_count;
	const struct attest_measurement *rtmrs[4]; /* RTMR0 to 3 */
	size_t rtmr_counts[4];
	const uint8_t *mrconfigid; /* 48 bytes each; NULL: zero */
	const uint8_t *mrservicetd;
	const uint8_t *mrowner; /* 48 bytes each; NULL: any */
	const uint8_t *mrownerconfig;
	const uint8_t *tee_tcb_svn_min; /* 16 bytes, each compared */
	uint64_t attributes_allowed;    /* TDATTRIBUTES that are refused by default (bits 7:1, 27:8, 29, 62:32) */
	bool require_sept_ve_disable;
};

/* TCB components that are asked for at least; 0: none. */
struct attest_snp_tcb {
	uint8_t boot_loader;
	uint8_t tee;
	uint8_t snp;
	uint8_t microcode;
	uint8_t fmc; /* Turin; others have none and are refused if it is asked for */
};

#define ATTEST_VMPL_BIT(vmpl) (1u << (vmpl)) /* 0 to 3 */
#define ATTEST_VMPL_HOST_BIT (1u << 4)       /* the host asked for the report, not the guest */

struct attest_policy_snp {
	uint64_t policy_required;  /* bits of POLICY that must be set */
	uint64_t policy_forbidden; /* and that must not */
	bool allow_migration_agent;
	uint64_t platform_required; /* bits of PLATFORM_INFO */
	uint64_t platform_forbidden;
	uint32_t vmpls;           /* ATTEST_VMPL_*BIT of those allowed; 0: 0 to 3, so not the host's */
	const uint8_t *host_data; /* 32 bytes; NULL: zero */
	const uint8_t *family_id; /* 16 bytes; NULL: any */
	const uint8_t *image_id;
	const struct attest_measurement *author_keys; /* AUTHOR_KEY_DIGEST, 48 bytes; ID_KEY_DIGEST is the signer */
	size_t author_key_count;
	struct attest_snp_tcb tcb_min; /* of REPORTED_TCB */
	bool require_committed;        /* CURRENT_TCB = COMMITTED_TCB: no provisional firmware */
	uint64_t mitigations_launch;   /* bits that the mitigation vectors must hold */
	uint64_t mitigations_current;
	const char *csp_id; /* the VLEK's cloud provider; a VCEK has none and is refused then */
};

struct attest_policy {
	uint32_t tees; /* ATTEST_TEE_BIT of those allowed; 0: those with a section below, any if there is none */
	const struct attest_measurement *measurements; /* MRENCLAVE, MRTD, MEASUREMENT must be one of these */
	size_t measurement_count;
	const struct attest_measurement *signers; /* MRSIGNER, ID_KEY_DIGEST must be one of these */
	size_t signer_count;
	uint32_t svn_min; /* ISVSVN, GUEST_SVN */

	uint32_t tcb_statuses;         /* ATTEST_TCB_BIT of those allowed, without REVOKED; 0: the two strict ones */
	const char *const *advisories; /* if not NULL: no advisory but these is acceptable */
	size_t advisory_count;
	int64_t tcb_date_min; /* earliest and latest acceptable tcbDate; 0: none */
	int64_t tcb_date_max;
	uint32_t evaluation_number_min; /* 0: none; holds for TCB info and QE identity */

	const struct attest_policy_machine *machines; /* if not NULL: the machine must be one of these */
	size_t machine_count;
	const struct attest_deny *denied;
	size_t denied_count;

	const struct attest_policy_sgx *sgx; /* NULL: nothing particular is asked */
	const struct attest_policy_tdx *tdx;
	const struct attest_policy_snp *snp;

	const struct attest_exception *exceptions;
	size_t exception_count;
	bool allow_debug;       /* for good and for all: an exception has a reason and an end */
	bool allow_missing_crl; /* a list that is given is checked all the same */
	bool allow_any_config;  /* CONFIGID, MRCONFIGID, HOST_DATA may be anything where no value is named */
	/*
	 * Certificates (DER or PEM) of simulation roots. Evidence of the simulation is refused with `simulated` unless
	 * it ends in exactly one of these. DEBUG, which simulated quotes carry, is then allowed for them.
	 */
	const struct attest_bytes *simulation_roots;
	size_t simulation_root_count;
};

/*
 * Reads a policy as docs/formats/policy.md and policy.schema.json describe it. A member that is unknown, missing, there
 * twice, of a wrong form or not enforceable refuses the whole: -1, and why names it.
 */
int attest_policy_parse(const struct attest_bytes *json, struct attest_policy **ret_policy,
			char ret_why[ATTEST_TEXT_SIZE]);
void attest_policy_free(struct attest_policy *policy); /* of attest_policy_parse; NULL is fine */

#endif
