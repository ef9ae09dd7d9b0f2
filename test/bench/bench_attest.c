/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast the verifier judges, beside the same OpenSSL calls done bare in the same run.
 *
 * usage: bench_attest [SECONDS]
 * Prints one line for each figure: NAME OURS BARE, in microseconds of CPU for one verdict (or what the name says).
 * Evidence comes from the test CAs, so that it runs everywhere; only its size differs from the vendors'.
 */
#include <malloc.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "amd_evidence.h"
#include "bench_bare.h"
#include "bench_worst.h"
#include "intel_evidence.h"

#define NS_PER_S 1000000000.0

static double seconds = 1;

struct subject {
	const char *name;
	struct attest_evidence evidence;
	struct attest_binding binding;
	struct attest_collateral_bytes bytes;
	struct attest_bytes root;
	int64_t time;
	struct attest_collateral *prepared;
	struct bare *bare;
};

static double now(clockid_t id)
{
	struct timespec time;

	if (clock_gettime(id, &time) != 0)
		abort();
	return (double)time.tv_sec + (double)time.tv_nsec / NS_PER_S;
}

static void judge(const struct subject *subject, const struct attest_collateral *collateral)
{
	const struct attest_roots roots = {.hardware = &subject->root, .hardware_count = 1};
	struct attest_verdict *verdict = NULL;
	const char *why = NULL;

	if (attest_verify(&subject->evidence, &subject->binding, collateral, &roots, subject->time, NULL, &verdict,
			  &why) < 0 ||
	    !verdict->accepted) {
		(void)fprintf(stderr, "bench_attest: %s: %s\n", subject->name, verdict ? verdict->error_text : why);
		exit(1);
	}
	attest_verdict_free(verdict);
}

static struct attest_collateral *prepare(const struct subject *subject)
{
	struct attest_collateral *collateral = NULL;
	const char *why = NULL;

	if (attest_collateral_new(&subject->bytes, &collateral, &why) < 0)
		abort();
	return collateral;
}

/* What is measured: one round of it. */
typedef void (*round_fn)(const struct subject *subject);

static void warm_ours(const struct subject *subject)
{
	judge(subject, subject->prepared);
}

static void warm_bare(const struct subject *subject)
{
	bare_warm(subject->bare);
}

static void cold_ours(const struct subject *subject)
{
	struct attest_collateral *collateral = prepare(subject);

	judge(subject, collateral);
	attest_collateral_free(collateral);
}

static void cold_bare(const struct subject *subject)
{
	bare_cold(subject->bare);
}

/* Rounds in a second of wall time. */
static double rate(round_fn round, const struct subject *subject)
{
	const double start = now(CLOCK_MONOTONIC);
	double spent = 0;
	size_t count = 0;

	while (spent < seconds) {
		for (size_t i = 0; i < 16; i++)
			round(subject);
		count += 16;
		spent = now(CLOCK_MONOTONIC) - start;
	}
	return (double)count / spent;
}

/* Microseconds of CPU for one round: the two in turns, so that a slow moment of the machine hits both. */
static double compare(const char *name, const struct subject *subject, round_fn ours, round_fn bare)
{
	const round_fn rounds[] = {ours, bare};
	double spent[2] = {0};
	size_t count = 0;

	for (int i = 0; i < 2; i++)
		rounds[i](subject);
	while (spent[0] + spent[1] < seconds) {
		for (int i = 0; i < 2; i++) {
			const double start = now(CLOCK_THREAD_CPUTIME_ID);

			for (int n = 0; n < 8; n++)
				rounds[i](subject);
			spent[i] += now(CLOCK_THREAD_CPUTIME_ID) - start;
		}
		count += 8;
	}
	(void)printf("%s-%s %.2f %.2f\n", name, subject->name, spent[0] / (double)count * 1e6,
		     spent[1] / (double)count * 1e6);
	return spent[0] / (double)count;
}

struct worker {
	const struct subject *subject;
	double rate;
};

static void *work(void *argument)
{
	struct worker *worker = argument;

	worker->rate = rate(warm_ours, worker->subject);
	return NULL;
}

static double two_threads(const struct subject *subject)
{
	struct worker workers[2] = {{subject, 0}, {subject, 0}};
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0)
			abort();
	for (int i = 0; i < 2; i++)
		(void)pthread_join(threads[i], NULL);
	return workers[0].rate + workers[1].rate;
}

static double two_processes(round_fn round, const struct subject *subject)
{
	int pipes[2];
	double sum = 0;

	if (pipe(pipes) != 0)
		abort();
	for (int i = 0; i < 2; i++) {
		if (fork() == 0) {
			const double mine = rate(round, subject);

			_exit(write(pipes[1], &mine, sizeof(mine)) == sizeof(mine) ? 0 : 1);
		}
	}
	for (int i = 0; i < 2; i++) {
		double one;

		if (read(pipes[0], &one, sizeof(one)) != sizeof(one))
			abort();
		sum += one;
		(void)wait(NULL);
	}
	(void)close(pipes[0]);
	(void)close(pipes[1]);
	return sum;
}

static void run(struct subject *subject)
{
	const size_t before = mallinfo2().uordblks;
	const char *dearest = NULL;
	double honest, worst;

	subject->prepared = prepare(subject);
	judge(subject, subject->prepared);
	(void)printf("memory-%s %zu 1048576\n", subject->name, mallinfo2().uordblks - before);
	subject->bare = bare_new(&subject->evidence, &subject->bytes);
	(void)compare("warm", subject, warm_ours, warm_bare);
	honest = compare("cold", subject, cold_ours, cold_bare);
	/* Microseconds between two verdicts of both together. */
	(void)printf("two-%s %.2f %.2f\n", subject->name, 1e6 / two_threads(subject),
		     1e6 / two_processes(warm_bare, subject));
	(void)printf("scale-%s %.2f %.2f\n", subject->name, 1e6 / two_threads(subject),
		     1e6 / two_processes(warm_ours, subject));
	worst = worst_find(&subject->bytes, &subject->evidence, &dearest);
	(void)printf("worst-%s %.2f %.2f\n", subject->name, worst * 1e6, honest * 1e6);
	(void)fprintf(stderr, "dearest of %s: %s\n", subject->name, dearest);
	(void)fflush(stdout);
	bare_free(subject->bare);
	attest_collateral_free(subject->prepared);
}

static void run_intel(enum test_quote_kind kind)
{
	static struct test_evidence evidence;
	struct subject subject = {.name = test_quote_kind_text(kind), .time = TEST_TIME};

	test_evidence_init_kind(&evidence, kind);
	test_evidence_build(&evidence);
	subject.evidence.quote = (struct attest_bytes){evidence.quote.data, evidence.quote.size};
	subject.binding.report_data = (struct attest_bytes){test_evidence_report_data(&evidence), 64};
	subject.root = (struct attest_bytes){evidence.root_der.data, evidence.root_der.size};
	subject.bytes = (struct attest_collateral_bytes){
	    .tcb_info = {evidence.tcb_info.data, evidence.tcb_info.size},
	    .tcb_info_issuer_chain = {evidence.signer_chain.data, evidence.signer_chain.size},
	    .qe_identity = {evidence.qe_identity.data, evidence.qe_identity.size},
	    .qe_identity_issuer_chain = {evidence.signer_chain.data, evidence.signer_chain.size},
	    .root_ca_crl = {evidence.root_crl_der.data, evidence.root_crl_der.size},
	    .pck_crl = {evidence.pck_crl_der.data, evidence.pck_crl_der.size},
	};
	run(&subject);
	test_evidence_done(&evidence);
}

static void run_amd(void)
{
	static struct amd_evidence evidence;
	struct subject subject = {.name = "snp-v5", .time = AMD_TIME};

	amd_evidence_init(&evidence, SNP_PRODUCT_GENOA, 5, false);
	amd_evidence_build(&evidence);
	subject.evidence.report = (struct attest_bytes){evidence.report, AMD_REPORT_SIZE};
	subject.binding.report_data = (struct attest_bytes){evidence.report + AMD_AT_REPORT_DATA, 64};
	subject.root = (struct attest_bytes){evidence.ark_der.data, evidence.ark_der.size};
	subject.bytes = (struct attest_collateral_bytes){
	    .vek = {evidence.vek_der.data, evidence.vek_der.size},
	    .ask = {evidence.ask_der.data, evidence.ask_der.size},
	    .ark = {evidence.ark_der.data, evidence.ark_der.size},
	    .ark_crl = {evidence.crl_der.data, evidence.crl_der.size},
	};
	run(&subject);
	amd_evidence_done(&evidence);
}

int main(int argc, char **argv)
{
	static const enum test_quote_kind KINDS[] = {TEST_SGX_V3, TEST_TDX_V5_1_5};

	if (argc > 1)
		seconds = strtod(argv[1], NULL);
	for (size_t i = 0; i < COUNT_OF(KINDS); i++)
		run_intel(KINDS[i]);
	run_amd();
	return 0;
}
