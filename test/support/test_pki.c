/* SPDX-License-Identifier: Apache-2.0 */
#include "test_pki.h"

#include <stdio.h>
#include <string.h>

#include "crypto/der.h"
#include "der_write.h"
#include "format/pem.h"

#define DER_MAX (256u << 10)
#define OID_ECDSA_SHA256 "1.2.840.10045.4.3.2"
#define OID_ECDSA_SHA384 "1.2.840.10045.4.3.3"
#define OID_EC_PUBLIC_KEY "1.2.840.10045.2.1"
#define OID_PRIME256V1 "1.2.840.10045.3.1.7"
#define OID_SECP384R1 "1.3.132.0.34"
#define OID_SGX "1.2.840.113741.1.13.1"

void test_must(int result, const struct err *err)
{
	if (result >= 0)
		return;
	(void)fprintf(stderr, "test_pki: %s\n", err->text);
	abort();
}

const struct p256_key *test_key(enum test_key which)
{
	static struct p256_key *keys[TEST_KEY_COUNT];
	struct err err = ERR_INIT;

	if (!keys[which])
		test_must(p256_generate(&keys[which], &err), &err);
	return keys[which];
}

static void put_algorithm(struct buf *buf, bool other)
{
	const size_t start = buf->size;

	der_put_oid(buf, other ? OID_ECDSA_SHA384 : OID_ECDSA_SHA256);
	der_wrap(buf, start, DER_SEQUENCE);
}

/* Wraps what is in buf (a TBS structure) with its algorithm and signature. */
static void sign_and_wrap(struct buf *buf, enum test_key key, bool break_signature, bool other_algorithm)
{
	uint8_t raw[64];
	struct err err = ERR_INIT;
	size_t start;

	test_must(p256_sign_raw(test_key(key), buf->data, buf->size, raw, &err), &err);
	if (break_signature)
		raw[63] ^= 1;
	put_algorithm(buf, other_algorithm);
	start = buf->size;
	der_put_raw(buf, "", 1);
	{
		const size_t inner = buf->size;

		der_put_unsigned(buf, raw, 32);
		der_put_unsigned(buf, raw + 32, 32);
		der_wrap(buf, inner, DER_SEQUENCE);
	}
	der_wrap(buf, start, DER_BIT_STRING);
	der_wrap(buf, 0, DER_SEQUENCE);
}

static void put_spki(struct buf *buf, enum test_key key, bool other_curve)
{
	const size_t start = buf->size;
	uint8_t point[66] = {0};

	der_put_oid(buf, OID_EC_PUBLIC_KEY);
	der_put_oid(buf, other_curve ? OID_SECP384R1 : OID_PRIME256V1);
	der_wrap(buf, start, DER_SEQUENCE);
	p256_point(test_key(key), point + 1);
	der_put(buf, DER_BIT_STRING, point, sizeof(point));
	der_wrap(buf, start, DER_SEQUENCE);
}

static void put_constraints(struct buf *buf, const struct test_cert *cert)
{
	struct buf value = BUF_INIT(64);

	if (cert->ca) {
		der_put_bool(&value, true);
		if (cert->path_length >= 0)
			der_put_int(&value, DER_INTEGER, cert->path_length);
	}
	der_wrap(&value, 0, DER_SEQUENCE);
	der_put_extension(buf, "2.5.29.19", true, value.data, value.size);
	if (cert->key_usage) {
		const uint8_t bits[4] = {DER_BIT_STRING, 2, 0, cert->key_usage};

		der_put_extension(buf, "2.5.29.15", true, bits, sizeof(bits));
	}
	buf_done(&value);
}

static void put_extensions(struct buf *buf, const struct test_cert *cert)
{
	const size_t start = buf->size;

	put_constraints(buf, cert);
	for (size_t i = 0; i < cert->extension_count; i++)
		der_put_extension(buf, cert->extensions[i].oid, cert->extensions[i].critical,
				  cert->extensions[i].value.data, cert->extensions[i].value.size);
	der_wrap(buf, start, DER_SEQUENCE);
	der_wrap(buf, start, DER_CONTEXT_CONSTRUCTED(3));
}

void test_cert_make(const struct test_cert *cert, struct buf *ret_der)
{
	size_t start;

	buf_done(ret_der);
	*ret_der = BUF_INIT(DER_MAX);
	der_put_int(ret_der, DER_INTEGER, cert->version_2 ? 1 : 2);
	der_wrap(ret_der, 0, DER_CONTEXT_CONSTRUCTED(0));
	der_put_unsigned(ret_der, &cert->serial, 1);
	put_algorithm(ret_der, cert->other_algorithm);
	der_put_name(ret_der, cert->issuer_name);
	start = ret_der->size;
	der_put_time(ret_der, cert->not_before);
	der_put_time(ret_der, cert->not_after);
	der_wrap(ret_der, start, DER_SEQUENCE);
	der_put_name(ret_der, cert->name);
	put_spki(ret_der, cert->key, cert->other_curve);
	put_extensions(ret_der, cert);
	der_wrap(ret_der, 0, DER_SEQUENCE);
	sign_and_wrap(ret_der, cert->issuer_key, cert->break_signature, cert->other_algorithm);
	if (cert->trailing_byte)
		der_put_raw(ret_der, "", 1);
}

void test_cert_add_extension(struct test_cert *cert, const char *oid, bool critical, const void *value, size_t size)
{
	struct test_extension *extension = &cert->extensions[cert->extension_count++];

	if (cert->extension_count > TEST_EXTENSIONS_MAX)
		abort();
	*extension = (struct test_extension){oid, critical, BUF_INIT(DER_MAX)};
	der_put_raw(&extension->value, value, size);
}

void test_cert_done(struct test_cert *cert)
{
	for (size_t i = 0; i < cert->extension_count; i++)
		buf_done(&cert->extensions[i].value);
	cert->extension_count = 0;
}

static void put_crl_extensions(struct buf *buf, const struct test_crl *crl)
{
	static const uint8_t NUMBER[] = {DER_INTEGER, 1, 1};
	static const uint8_t AUTHORITY[] = {DER_SEQUENCE, 4, DER_CONTEXT(0), 2, 0xab, 0xcd};
	const size_t start = buf->size;

	if (!crl->no_number)
		der_put_extension(buf, "2.5.29.20", false, NUMBER, sizeof(NUMBER));
	if (!crl->no_authority_key)
		der_put_extension(buf, "2.5.29.35", false, AUTHORITY, sizeof(AUTHORITY));
	if (crl->extra_oid)
		der_put_extension(buf, crl->extra_oid, crl->extra_critical, NUMBER, sizeof(NUMBER));
	der_wrap(buf, start, DER_SEQUENCE);
	der_wrap(buf, start, DER_CONTEXT_CONSTRUCTED(0));
}

void test_crl_make(const struct test_crl *crl, struct buf *ret_der)
{
	buf_done(ret_der);
	*ret_der = BUF_INIT(DER_MAX);
	der_put_int(ret_der, DER_INTEGER, crl->version_1 ? 0 : 1);
	put_algorithm(ret_der, false);
	der_put_name(ret_der, crl->issuer_name);
	der_put_time(ret_der, crl->this_update);
	if (!crl->no_next_update)
		der_put_time(ret_der, crl->next_update);
	if (crl->revoked) {
		const size_t start = ret_der->size;

		if (crl->revoked_negative)
			der_put_int(ret_der, DER_INTEGER, -(int64_t)crl->revoked);
		else
			der_put_unsigned(ret_der, &crl->revoked, 1);
		der_put_time(ret_der, crl->revoked_at ? crl->revoked_at : crl->this_update);
		if (crl->entry_oid) {
			const size_t extensions = ret_der->size;

			if (crl->entry_malformed)
				der_put_int(ret_der, DER_INTEGER, 1);
			else
				der_put_extension(ret_der, crl->entry_oid, crl->entry_critical, "\x0a\x01\x01", 3);
			der_wrap(ret_der, extensions, DER_SEQUENCE);
		}
		der_wrap(ret_der, start, DER_SEQUENCE);
		der_wrap(ret_der, start, DER_SEQUENCE);
	}
	put_crl_extensions(ret_der, crl);
	der_wrap(ret_der, 0, DER_SEQUENCE);
	sign_and_wrap(ret_der, crl->issuer_key, crl->break_signature, false);
	if (crl->trailing_byte)
		der_put_raw(ret_der, "", 1);
}

static void put_tcb_element(struct buf *buf, const struct test_pck *pck, unsigned number)
{
	const size_t start = buf->size;
	char oid[64];

	(void)snprintf(oid, sizeof(oid), OID_SGX ".2.%u", number);
	der_put_oid(buf, oid);
	if (number == 18)
		der_put(buf, DER_OCTET_STRING, pck->ppid, 16);
	else
		der_put_int(buf, DER_INTEGER, number == 17 ? pck->pcesvn : pck->components[number - 1]);
	der_wrap(buf, start, DER_SEQUENCE);
}

static void put_tcb(struct buf *buf, const struct test_pck *pck)
{
	const size_t start = buf->size;

	for (unsigned i = 1; i <= 18; i++) {
		if (i != pck->tcb_leave_out)
			put_tcb_element(buf, pck, i);
		if (i == pck->tcb_twice)
			put_tcb_element(buf, pck, i);
	}
	der_wrap(buf, start, DER_SEQUENCE);
}

static void put_configuration(struct buf *buf)
{
	const size_t start = buf->size;

	for (unsigned i = 1; i <= 3; i++) {
		const size_t item = buf->size;
		char oid[64];

		(void)snprintf(oid, sizeof(oid), OID_SGX ".7.%u", i);
		der_put_oid(buf, oid);
		der_put_bool(buf, i != 2);
		der_wrap(buf, item, DER_SEQUENCE);
	}
	der_wrap(buf, start, DER_SEQUENCE);
}

static void put_element(struct buf *buf, const struct test_pck *pck, unsigned number)
{
	const size_t start = buf->size;
	char oid[64];

	(void)snprintf(oid, sizeof(oid), OID_SGX ".%u", number);
	der_put_oid(buf, oid);
	if (number == 1)
		der_put(buf, DER_OCTET_STRING, pck->ppid, pck->ppid_size);
	else if (number == 2)
		put_tcb(buf, pck);
	else if (number == 3)
		der_put(buf, DER_OCTET_STRING, pck->pceid, pck->pceid_size);
	else if (number == 4)
		der_put(buf, DER_OCTET_STRING, pck->fmspc, pck->fmspc_size);
	else if (number == 5)
		der_put_int(buf, pck->type_as_integer ? DER_INTEGER : DER_ENUMERATED, pck->sgx_type);
	else if (number == 6)
		der_put(buf, DER_OCTET_STRING, pck->ppid, 16);
	else
		put_configuration(buf);
	der_wrap(buf, start, DER_SEQUENCE);
}

void test_pck_make(const struct test_pck *pck, struct buf *ret_value)
{
	buf_done(ret_value);
	*ret_value = BUF_INIT(DER_MAX);
	for (unsigned i = 1; i <= (pck->platform ? 7 : 5); i++) {
		if (i != pck->leave_out)
			put_element(ret_value, pck, i);
		if (i == pck->twice)
			put_element(ret_value, pck, i);
	}
	der_wrap(ret_value, 0, DER_SEQUENCE);
	if (pck->trailing_byte)
		der_put_raw(ret_value, "", 1);
}

void test_pem_label(const char *label, const struct buf *der, struct buf *ret_pem)
{
	struct err err = ERR_INIT;

	if (!ret_pem->max)
		*ret_pem = BUF_INIT(DER_MAX);
	test_must(pem_format(label, der->data, der->size, ret_pem, &err), &err);
}

void test_pem(const struct buf *der, struct buf *ret_pem)
{
	test_pem_label(PEM_CERTIFICATE, der, ret_pem);
}
