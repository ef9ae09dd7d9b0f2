/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verifies a quote with libmseattest, offline:
 *
 *   cc verify.c -o verify $(pkg-config --cflags --libs libmseattest)
 *   ./verify FOLDER REPORT_DATA_HEX [POLICY.json [ROOT.pem]]
 *
 * FOLDER has quote.bin and its collateral: tcb_info.json, tcb_info_issuer_chain.pem, qe_identity.json,
 * qe_identity_issuer_chain.pem, root_ca_crl.der, pck_crl.der. REPORT_DATA is what the quote must be bound to, computed
 * from your own nonce and key, never taken from the quote. ROOT.pem is a further root to trust: a test's.
 *
 * Prints the verdict as JSON (docs/formats/verdict.md). Exit status: 0 accepted, 2 refused, 1 could not be judged.
 */
#include <mse/attest.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FILE_MAX (4u << 20)
#define FILES_MAX 16

/* Everything that was read, given back at the end: the library keeps no pointer into it after a call. */
static uint8_t *files[FILES_MAX];
static size_t file_count;

/* A file that is not there is absent collateral: the verdict says which, if it is needed. */
static struct attest_bytes read_file(const char *path)
{
	struct attest_bytes bytes = {NULL, 0};
	FILE *file = fopen(path, "rb");
	uint8_t *data = file && file_count < FILES_MAX ? malloc(FILE_MAX) : NULL;

	if (data) {
		files[file_count++] = data;
		bytes.size = fread(data, 1, FILE_MAX, file);
		bytes.data = data;
	}
	if (file)
		fclose(file);
	return bytes;
}

static struct attest_bytes read_item(const char *folder, const char *name)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return read_file(path);
}

static int read_report_data(const char *hex, uint8_t ret[ATTEST_REPORT_DATA_SIZE])
{
	unsigned byte;

	if (strlen(hex) != 2 * ATTEST_REPORT_DATA_SIZE || strspn(hex, "0123456789abcdefABCDEF") != strlen(hex))
		return -1;
	for (size_t i = 0; i < ATTEST_REPORT_DATA_SIZE; i++) {
		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			return -1;
		ret[i] = (uint8_t)byte;
	}
	return 0;
}

/* 0 with a verdict, be it accepted or refused; -1 and why if none can be made. */
static int judge(const char *folder, const uint8_t *report_data, const struct attest_policy *policy,
		 const struct attest_roots *roots, struct attest_verdict **ret, const char **ret_why)
{
	const struct attest_evidence evidence = {.quote = read_item(folder, "quote.bin")};
	const struct attest_binding binding = {.report_data = {report_data, ATTEST_REPORT_DATA_SIZE}};
	const struct attest_collateral_bytes bytes = {
	    .tcb_info = read_item(folder, "tcb_info.json"),
	    .tcb_info_issuer_chain = read_item(folder, "tcb_info_issuer_chain.pem"),
	    .qe_identity = read_item(folder, "qe_identity.json"),
	    .qe_identity_issuer_chain = read_item(folder, "qe_identity_issuer_chain.pem"),
	    .root_ca_crl = read_item(folder, "root_ca_crl.der"),
	    .pck_crl = read_item(folder, "pck_crl.der"),
	};
	struct attest_collateral *collateral = NULL;
	int result;

	if (attest_collateral_new(&bytes, &collateral, ret_why) < 0)
		return -1;
	/* A prepared set may serve any number of verdicts, from any number of threads. Here it serves one. */
	result = attest_verify(&evidence, &binding, collateral, roots, (int64_t)time(NULL), policy, ret, ret_why);
	attest_collateral_free(collateral);
	return result;
}

static int run(int argc, char **argv)
{
	uint8_t report_data[ATTEST_REPORT_DATA_SIZE];
	struct attest_policy *policy = NULL; /* NULL: the strict one */
	struct attest_bytes root = {NULL, 0};
	struct attest_roots roots = {.hardware = &root};
	struct attest_verdict *verdict = NULL;
	char policy_fault[ATTEST_TEXT_SIZE] = "";
	const char *why = policy_fault;
	int status = 1;

	if (argc < 3 || argc > 5 || read_report_data(argv[2], report_data) < 0) {
		fprintf(stderr, "usage: verify FOLDER REPORT_DATA_HEX [POLICY.json [ROOT.pem]]\n");
		return 1;
	}
	if (argc > 4) {
		root = read_file(argv[4]);
		roots.hardware_count = 1;
	}
	if (argc > 3) {
		const struct attest_bytes json = read_file(argv[3]);

		if (attest_policy_parse(&json, &policy, policy_fault) < 0) {
			fprintf(stderr, "verify: %s: %s\n", argv[3], policy_fault);
			return 1;
		}
	}
	if (judge(argv[1], report_data, policy, &roots, &verdict, &why) < 0) {
		fprintf(stderr, "verify: %s\n", why);
	} else {
		char *text = attest_verdict_json(verdict);

		if (text) {
			puts(text);
			status = verdict->accepted ? 0 : 2;
		}
		free(text);
	}
	attest_verdict_free(verdict);
	attest_policy_free(policy);
	return status;
}

int main(int argc, char **argv)
{
	const int status = run(argc, argv);

	while (file_count > 0)
		free(files[--file_count]);
	return status;
}
