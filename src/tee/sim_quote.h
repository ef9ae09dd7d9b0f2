/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quotes of the simulation: SGX quote version 3 byte for byte (attestation-evidence.md section 1), signed by a
 * simulated quoting enclave. The report always has ATTRIBUTES INIT | DEBUG | MODE64, so that no verifier that refuses
 * debug enclaves can take it for hardware, even without knowing the marker.
 */
#ifndef MSE_TEE_SIM_QUOTE_H
#define MSE_TEE_SIM_QUOTE_H

#include "tee/sim_pki.h"

#define SIM_QUOTE_SIZE_MAX (16u << 10)
#define SIM_MRENCLAVE_SIZE 32
#define SIM_REPORT_DATA_SIZE 64
#define SIM_REPORT_SIZE 384
#define SIM_HEADER_SIZE 48
#define SIM_QE_ISVSVN 2
#define SIM_QE_ISVPRODID 1

/* Adds the quote to ret. pki needs SIM_PKI_MACHINE. */
must_check int sim_quote_make(const struct sim_pki *pki, const uint8_t mrenclave[static SIM_MRENCLAVE_SIZE],
			      uint16_t isvprodid, uint16_t isvsvn,
			      const uint8_t report_data[static SIM_REPORT_DATA_SIZE], struct buf *ret, struct err *err);

/*
 * For making wrong evidence in tests: what is not NULL is called with the bytes just before they are signed, so that
 * the signatures fit whatever it writes. Bytes behind the signatures are the test's own to change afterwards.
 */
struct sim_quote_edit {
	void (*header)(uint8_t header[static SIM_HEADER_SIZE], void *arg);
	void (*report)(uint8_t report[static SIM_REPORT_SIZE], void *arg); /* of the workload */
	void (*qe_report)(uint8_t report[static SIM_REPORT_SIZE], void *arg);
	void *arg;
	const struct buf *qe_auth_data; /* NULL: 32 bytes 00..1f */
	const struct buf *cert_data;    /* NULL: the PEM chain */
	uint16_t cert_data_type;        /* 0: 5 */
};

must_check int sim_quote_make_edited(const struct sim_pki *pki, const uint8_t mrenclave[static SIM_MRENCLAVE_SIZE],
				     uint16_t isvprodid, uint16_t isvsvn,
				     const uint8_t report_data[static SIM_REPORT_DATA_SIZE],
				     const struct sim_quote_edit *edit, struct buf *ret, struct err *err);

/* MRSIGNER of every simulated workload, and of the simulated quoting enclave. */
void sim_mrsigner(uint8_t ret[static 32]);
void sim_qe_mrsigner(uint8_t ret[static 32]);

#endif
