/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What test/e2e/test_attack_*.py need of our libraries. The test plays the TEE, so it may do what no enclave can:
 *   attack_tool quotes PKI_DIR             each line "MRENCLAVE REPORTDATA" (hex) is answered by a quote (hex)
 *   attack_tool machine PKI_DIR NEW_DIR    another machine of the same simulated vendor
 *   attack_tool ratls PKI_DIR PORT DOMAIN MRENCLAVE
 *                                          the verdict of RA-TLS alone on the connection: what section 9 calls broken
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/number.h"
#include "format/hex.h"
#include "mse/attest.h"
#include "net/tls_client.h"
#include "tee/sim_quote.h"

#define LINE_SIZE 256

static int answer_line(const struct sim_pki *pki, const char *line, struct err *err)
{
	uint8_t mrenclave[SIM_MRENCLAVE_SIZE], report_data[SIM_REPORT_DATA_SIZE];
	scoped(buf_done) struct buf quote = BUF_INIT(SIM_QUOTE_SIZE_MAX);
	const size_t digits = 2 * sizeof(mrenclave);

	if (strlen(line) != digits + 1 + 2 * sizeof(report_data) + 1)
		return err_set(err, ERR_INVALID, "malformed line");
	if (hex_decode(line, digits, mrenclave, sizeof(mrenclave), err) < 0 ||
	    hex_decode(line + digits + 1, 2 * sizeof(report_data), report_data, sizeof(report_data), err) < 0 ||
	    sim_quote_make(pki, mrenclave, 0, 0, report_data, &quote, err) < 0)
		return -1;
	for (size_t i = 0; i < quote.size; i++)
		(void)printf("%02x", quote.data[i]);
	(void)printf("\n");
	return fflush(stdout) == 0 ? 0 : err_set_errno(err, "stdout");
}

static int serve_quotes(const char *dir, struct err *err)
{
	scoped(sim_pki_freep) struct sim_pki *pki = NULL;
	char line[LINE_SIZE];

	if (sim_pki_load(dir, SIM_PKI_MACHINE, &pki, err) < 0)
		return -1;
	while (fgets(line, sizeof(line), stdin)) {
		if (answer_line(pki, line, err) < 0)
			return -1;
	}
	return 0;
}

static int make_machine(const char *dir, const char *new_dir, struct err *err)
{
	scoped(sim_pki_freep) struct sim_pki *pki = NULL;
	scoped(sim_pki_freep) struct sim_pki *other = NULL;

	if (sim_pki_load(dir, SIM_PKI_MACHINE | SIM_PKI_ISSUER, &pki, err) < 0 ||
	    sim_pki_new_machine(pki, clock_now_seconds(), &other, err) < 0)
		return -1;
	return sim_pki_save(other, new_dir, err);
}

static struct attest_bytes bytes(const struct buf *buf)
{
	return (struct attest_bytes){buf->data, buf->size};
}

static int judge(const struct sim_pki *pki, const struct attest_ratls *ratls, const struct attest_policy *policy,
		 struct err *err)
{
	scoped(buf_done) struct buf chain = BUF_INIT(SIM_CHAIN_SIZE_MAX);
	struct attest_collateral *collateral = NULL;
	struct attest_verdict *verdict = NULL;
	const char *why = "no collateral";
	int status = 0;

	if (sim_pki_chain_pem(pki, SIM_CERT_TCB_SIGNER, &chain, err) < 0)
		return -1;
	const struct attest_collateral_bytes all = {
	    .tcb_info = bytes(sim_pki_item(pki, SIM_ITEM_TCB_INFO)),
	    .tcb_info_issuer_chain = bytes(&chain),
	    .qe_identity = bytes(sim_pki_item(pki, SIM_ITEM_QE_IDENTITY)),
	    .qe_identity_issuer_chain = bytes(&chain),
	    .root_ca_crl = bytes(sim_pki_item(pki, SIM_ITEM_ROOT_CRL)),
	    .pck_crl = bytes(sim_pki_item(pki, SIM_ITEM_PCK_CRL)),
	};

	if (attest_collateral_new(&all, &collateral, &why) == 0 &&
	    attest_verify_ratls(ratls, collateral, NULL, clock_now_seconds(), policy, &verdict, &why) == 0)
		(void)printf("%s\n", verdict->error_text);
	else
		status = err_set(err, ERR_INVALID, "%s", why);
	attest_collateral_free(collateral);
	attest_verdict_free(verdict);
	return status;
}

static int judge_ratls(char **argv, struct err *err)
{
	scoped(sim_pki_freep) struct sim_pki *pki = NULL;
	scoped(tls_client_closep) struct tls_client *tls = NULL;
	struct tls_client_options options = {.host = "127.0.0.1", .sni = argv[2], .verify = TLS_VERIFY_NONE};
	const struct attest_instance_expected instance = {.domain = argv[2]};
	struct attest_measurement measurement = {.size = SIM_MRENCLAVE_SIZE};
	uint8_t tls_key[TLS_KEY_HASH_SIZE];
	uint64_t port;
	size_t size;

	if (sim_pki_load(argv[0], SIM_PKI_PUBLIC, &pki, err) < 0 ||
	    number_parse_u64(argv[1], 1, UINT16_MAX, &port, err) < 0 ||
	    hex_decode(argv[3], strlen(argv[3]), measurement.data, SIM_MRENCLAVE_SIZE, err) < 0)
		return -1;
	options.port = (uint16_t)port;
	if (tls_client_open(&options, &tls, err) < 0)
		return -1;
	tls_client_spki_sha256(tls, tls_key);
	const uint8_t *leaf = tls_client_leaf(tls, &size);
	const struct attest_bytes root = bytes(sim_pki_cert(pki, SIM_CERT_ROOT));
	const struct attest_policy policy = {.measurements = &measurement,
					     .measurement_count = 1,
					     .simulation_roots = &root,
					     .simulation_root_count = 1};
	const struct attest_ratls ratls = {
	    .certificate = {leaf, size}, .instance = &instance, .role = ATTEST_ROLE_APPLICATION, .tls_key = tls_key};

	return judge(pki, &ratls, &policy, err);
}

int main(int argc, char **argv)
{
	struct err err = ERR_INIT;
	int status = -1;

	if (argc == 3 && strcmp(argv[1], "quotes") == 0)
		status = serve_quotes(argv[2], &err);
	else if (argc == 4 && strcmp(argv[1], "machine") == 0)
		status = make_machine(argv[2], argv[3], &err);
	else if (argc == 6 && strcmp(argv[1], "ratls") == 0)
		status = judge_ratls(argv + 2, &err);
	else
		(void)err_set(&err, ERR_INVALID, "see the top of attack_tool.c");
	if (status < 0)
		(void)fprintf(stderr, "attack_tool: %s\n", err.text);
	return status < 0 ? 1 : 0;
}
