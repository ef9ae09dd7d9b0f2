/* SPDX-License-Identifier: Apache-2.0 */
#include "bench_worst.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/scoped.h"
#include "crypto/der.h"
#include "der_write.h"

#define ROUNDS 3
#define NAME_SIZE 64

static double cpu(void)
{
	struct timespec time;

	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) != 0)
		abort();
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Head, then body over and over, cut off where the megabyte ends; "%zu" in the body is a running number. */
struct filling {
	const char *name;
	const char *head;
	size_t head_size; /* 0: the text's */
	const char *body;
	size_t body_size;
};

static const struct filling FILLINGS[] = {
    {"nested objects", "{\"tcbInfo\":", 0, "{\"a\":", 0},
    {"nested arrays", "{\"tcbInfo\":", 0, "[", 0},
    {"members", "{\"tcbInfo\":{\"id\":\"SGX\"", 0, ",\"%zu\":1", 0},
    {"numbers", "{\"tcbInfo\":{\"a\":[0", 0, ",1", 0},
    {"long number", "{\"tcbInfo\":{\"a\":1", 0, "9", 0},
    {"escapes", "{\"tcbInfo\":{\"a\":\"", 0, "\\u00e9", 0},
    {"spaces", "{", 0, " ", 0},
    {"lines of PEM", "-----BEGIN CERTIFICATE-----\n", 0,
     "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n", 0},
    {"empty lines of PEM", "-----BEGIN CERTIFICATE-----\n", 0, "\n", 0},
    {"beginnings of PEM", "", 0, "-----BEGIN CERTIFICATE-----\n", 0},
    {"nested DER", "", 0, "\x30\x83\x0f\xff\xf0", 5},
    {"flat DER", "\x30\x83\x0f\xff\xfb\x30\x83\x0f\xff\xf6", 10, "\x05\x00", 2},
    {"zeros", "", 0, "\0", 1},
    {"a quote's head", "\x03\x00\x02\x00\x00\x00\x00\x00", 8, "\xff", 1},
};

static void fill(const struct filling *filling, char *ret)
{
	const size_t head_size = filling->head_size ? filling->head_size : strlen(filling->head);
	size_t used = head_size;

	memcpy(ret, filling->head, head_size);
	for (size_t i = 0; used < WORST_SIZE; i++) {
		char number[NAME_SIZE];
		const char *body = filling->body;
		size_t size = filling->body_size ? filling->body_size : strlen(body);

		if (strchr(filling->body, '%')) {
			size = (size_t)snprintf(number, sizeof(number), ",\"%zu\":1", i);
			body = number;
		}
		size = size < WORST_SIZE - used ? size : WORST_SIZE - used;
		memcpy(ret + used, body, size);
		used += size;
	}
}

/* Least of some rounds: what the input costs, not what else the machine does. */
static double cost(const struct attest_collateral_bytes *bytes, const struct attest_evidence *evidence)
{
	static const uint8_t REPORT_DATA[64];
	const struct attest_binding binding = {.report_data = {REPORT_DATA, sizeof(REPORT_DATA)}};
	double least = 1e9;

	for (int i = 0; i < ROUNDS; i++) {
		const double start = cpu();
		struct attest_collateral *set = NULL;
		struct attest_verdict *verdict = NULL;
		const char *why = NULL;

		if (attest_collateral_new(bytes, &set, &why) < 0 ||
		    attest_verify(evidence, &binding, set, NULL, 1750000000, NULL, &verdict, &why) < 0)
			abort();
		attest_verdict_free(verdict);
		attest_collateral_free(set);
		if (cpu() - start < least)
			least = cpu() - start;
	}
	return least;
}

/* ---- the honest revocation lists, with a megabyte of entries ---- */

enum entries {
	ENTRIES_PLAIN,      /* many, of serials in no order */
	ENTRIES_EXTENSIONS, /* one, of very many extensions */
	ENTRIES_COUNT,
};

static const char *const ENTRIES_NAMES[] = {"entries", "extensions of an entry"};

static struct der take(struct der *reader, struct der *ret_content)
{
	struct err err = ERR_INIT;
	struct der whole;
	uint8_t tag;

	if (der_next(reader, &tag, ret_content, &whole, &err) < 0)
		abort();
	return whole;
}

static void put_entries(struct buf *list, enum entries kind)
{
	static const uint8_t EXTENSION[] = {0x30, 6, DER_OID, 1, 0x2a, DER_OCTET_STRING, 1, 0};
	const uint8_t SERIAL[] = {0x11, 0x22, 0x33, 0x44};
	const size_t start = list->size;
	uint32_t number = 1;

	if (kind == ENTRIES_EXTENSIONS) {
		der_put_unsigned(list, SERIAL, sizeof(SERIAL));
		der_put_time(list, 1700000000);
	}
	while (list->size - start < WORST_SIZE - 4096) {
		const size_t at = list->size;

		if (kind == ENTRIES_EXTENSIONS) {
			der_put_raw(list, EXTENSION, sizeof(EXTENSION));
			continue;
		}
		number = number * 1664525 + 1013904223;
		der_put_unsigned(list, (const uint8_t[]){(uint8_t)(number >> 24 | 1), (uint8_t)(number >> 16)}, 2);
		der_put_time(list, 1700000000);
		der_wrap(list, at, DER_SEQUENCE);
	}
	if (kind == ENTRIES_EXTENSIONS) {
		der_wrap(list, start + 6 + 15, DER_SEQUENCE);
		der_wrap(list, start, DER_SEQUENCE);
	}
	der_wrap(list, start, DER_SEQUENCE);
}

/* The list as it is, but for its entries: so its signature does not hold. */
static void make_list(struct attest_bytes honest, enum entries kind, struct buf *ret)
{
	struct der reader = {honest.data, honest.size};
	struct der body, tbs, rest, content;

	(void)take(&reader, &body);
	rest = body;
	(void)take(&rest, &tbs);
	for (int i = 0; i < 5; i++) { /* version, algorithm, issuer, both dates */
		const struct der whole = take(&tbs, &content);

		der_put_raw(ret, whole.data, whole.size);
	}
	if (der_is_next(&tbs, DER_SEQUENCE))
		(void)take(&tbs, &content);
	put_entries(ret, kind);
	der_put_raw(ret, tbs.data, tbs.size); /* the extensions */
	der_wrap(ret, 0, DER_SEQUENCE);
	der_put_raw(ret, rest.data, rest.size); /* algorithm and signature */
	der_wrap(ret, 0, DER_SEQUENCE);
}

static const struct {
	const char *name;
	size_t offset;
} ITEMS[] = {
#define ITEM(member) \
	{ \
#member, offsetof(struct attest_collateral_bytes, member) \
	}
    ITEM(tcb_info),
    ITEM(tcb_info_issuer_chain),
    ITEM(qe_identity),
    ITEM(qe_identity_issuer_chain),
    ITEM(root_ca_crl),
    ITEM(pck_crl),
    ITEM(pck_cert_chain),
    ITEM(vek),
    ITEM(ask),
    ITEM(ark),
    ITEM(ark_crl),
#undef ITEM
};

static void keep(double seconds, const char *filling, const char *item, double *dearest, char *ret_name)
{
	if (seconds <= *dearest)
		return;
	*dearest = seconds;
	(void)snprintf(ret_name, NAME_SIZE, "%s as %s", filling, item);
}

static void try_lists(const struct attest_collateral_bytes *honest, const struct attest_evidence *evidence,
		      double *dearest, char *ret_name)
{
	for (size_t n = 0; n < COUNT_OF(ITEMS); n++) {
		struct attest_bytes list;

		memcpy(&list, (const char *)honest + ITEMS[n].offset, sizeof(list));
		if (!list.data || !strstr(ITEMS[n].name, "crl"))
			continue;
		for (enum entries kind = 0; kind < ENTRIES_COUNT; kind++) {
			scoped(buf_done) struct buf made = BUF_INIT(2 * WORST_SIZE);
			struct attest_collateral_bytes set = *honest;

			make_list(list, kind, &made);
			memcpy((char *)&set + ITEMS[n].offset, &(struct attest_bytes){made.data, made.size},
			       sizeof(struct attest_bytes));
			keep(cost(&set, evidence), ENTRIES_NAMES[kind], ITEMS[n].name, dearest, ret_name);
		}
	}
}

double worst_find(const struct attest_collateral_bytes *honest, const struct attest_evidence *evidence,
		  const char **ret_name)
{
	static char name[NAME_SIZE];
	char *junk = malloc(WORST_SIZE);
	double dearest = 0;

	if (!junk)
		abort();
	for (size_t i = 0; i < COUNT_OF(FILLINGS); i++) {
		const struct attest_bytes bytes = {(const uint8_t *)junk, WORST_SIZE};

		fill(&FILLINGS[i], junk);
		for (size_t n = 0; n < COUNT_OF(ITEMS); n++) {
			struct attest_collateral_bytes set = *honest;

			memcpy((char *)&set + ITEMS[n].offset, &bytes, sizeof(bytes));
			keep(cost(&set, evidence), FILLINGS[i].name, ITEMS[n].name, &dearest, name);
		}
		keep(cost(honest, &(struct attest_evidence){.quote = bytes}), FILLINGS[i].name, "quote", &dearest,
		     name);
		keep(cost(honest, &(struct attest_evidence){.report = bytes}), FILLINGS[i].name, "report", &dearest,
		     name);
	}
	try_lists(honest, evidence, &dearest, name);
	free(junk);
	*ret_name = name;
	return dearest;
}
