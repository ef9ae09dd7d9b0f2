/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/x509_build.h"

#include <assert.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include "crypto/openssl_err.h"
#include "crypto/random.h"
#include "crypto/x509_issuer.h"
#include "crypto/x509_name.h"

#define RANDOM_SERIAL_SIZE 16
#define OID_TEXT_MAX 128

DEFINE_SCOPED_PTR(X509, X509_free);
DEFINE_SCOPED_PTR(X509_NAME, X509_NAME_free);
DEFINE_SCOPED_PTR(X509_EXTENSION, X509_EXTENSION_free);
DEFINE_SCOPED_PTR(ASN1_INTEGER, ASN1_INTEGER_free);
DEFINE_SCOPED_PTR(ASN1_TIME, ASN1_TIME_free);
DEFINE_SCOPED_PTR(ASN1_OBJECT, ASN1_OBJECT_free);
DEFINE_SCOPED_PTR(ASN1_OCTET_STRING, ASN1_OCTET_STRING_free);
DEFINE_SCOPED_PTR(ASN1_BIT_STRING, ASN1_BIT_STRING_free);
DEFINE_SCOPED_PTR(BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free);
DEFINE_SCOPED_PTR(AUTHORITY_KEYID, AUTHORITY_KEYID_free);
DEFINE_SCOPED_PTR(EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free);
DEFINE_SCOPED_PTR(GENERAL_NAME, GENERAL_NAME_free);
DEFINE_SCOPED_PTR(GENERAL_NAMES, GENERAL_NAMES_free);
DEFINE_SCOPED_PTR(CRL_DIST_POINTS, CRL_DIST_POINTS_free);
DEFINE_SCOPED_PTR(DIST_POINT, DIST_POINT_free);

static int add_extension(X509 *cert, int nid, const void *value, bool critical, struct err *err)
{
	/* OpenSSL only reads value. */
	if (X509_add1_ext_i2d(cert, nid, (void *)value, critical, X509V3_ADD_DEFAULT) != 1)
		return openssl_err(err, ERR_INTERNAL, "cannot add an extension");
	return 0;
}

static int set_serial(X509 *cert, const struct x509_spec *spec, struct err *err)
{
	scoped(ASN1_INTEGER_freep) ASN1_INTEGER *serial = NULL;
	uint8_t random[RANDOM_SERIAL_SIZE];
	int result;

	do {
		random_bytes(random, sizeof(random));
		random[0] &= 0x7f;
	} while (random[0] == 0);
	result = spec->serial_size > 0 ? x509_serial(spec->serial, spec->serial_size, &serial, err)
				       : x509_serial(random, sizeof(random), &serial, err);
	if (result < 0)
		return -1;
	return X509_set_serialNumber(cert, serial) == 1 ? 0 : err_no_memory(err);
}

static int set_dates(X509 *cert, const struct x509_spec *spec, struct err *err)
{
	/* UTCTime until 2049, GeneralizedTime from 2050 on, as RFC 5280 4.1.2.5 wants. */
	scoped(ASN1_TIME_freep) ASN1_TIME *not_before = ASN1_TIME_set(NULL, spec->not_before);
	scoped(ASN1_TIME_freep) ASN1_TIME *not_after = ASN1_TIME_set(NULL, spec->not_after);

	if (!not_before || !not_after)
		return openssl_err(err, ERR_INVALID, "date out of range");
	if (X509_set1_notBefore(cert, not_before) != 1 || X509_set1_notAfter(cert, not_after) != 1)
		return err_no_memory(err);
	return 0;
}

static int set_names(X509 *cert, const char *subject, const X509 *issuer, struct err *err)
{
	scoped(X509_NAME_freep) X509_NAME *name = NULL;

	if (x509_name_parse(subject, &name, err) < 0)
		return err_prefix(err, "subject");
	if (X509_set_subject_name(cert, name) != 1 ||
	    X509_set_issuer_name(cert, issuer ? X509_get_subject_name(issuer) : name) != 1)
		return err_no_memory(err);
	return 0;
}

static int add_basic_constraints(X509 *cert, const struct x509_spec *spec, struct err *err)
{
	scoped(BASIC_CONSTRAINTS_freep) BASIC_CONSTRAINTS *constraints = NULL;

	if (!spec->is_ca && !spec->basic_constraints)
		return 0;
	constraints = BASIC_CONSTRAINTS_new();
	if (!constraints)
		return err_no_memory(err);
	constraints->ca = spec->is_ca ? 0xff : 0;
	if (spec->is_ca && spec->path_length > 0) {
		constraints->pathlen = ASN1_INTEGER_new();
		if (!constraints->pathlen || ASN1_INTEGER_set(constraints->pathlen, spec->path_length - 1) != 1)
			return err_no_memory(err);
	}
	return add_extension(cert, NID_basic_constraints, constraints, true, err);
}

static int add_key_usage(X509 *cert, unsigned usage, struct err *err)
{
	/* Bit numbers of RFC 5280 4.2.1.3. */
	static const struct {
		unsigned flag;
		int bit;
	} rows[] = {
	    {X509_USAGE_DIGITAL_SIGNATURE, 0},
	    {X509_USAGE_NON_REPUDIATION, 1},
	    {X509_USAGE_CERT_SIGN, 5},
	    {X509_USAGE_CRL_SIGN, 6},
	};
	scoped(ASN1_BIT_STRING_freep) ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();

	if (usage == 0)
		return 0;
	if (!bits)
		return err_no_memory(err);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if ((usage & rows[i].flag) && ASN1_BIT_STRING_set_bit(bits, rows[i].bit, 1) != 1)
			return err_no_memory(err);
	return add_extension(cert, NID_key_usage, bits, true, err);
}

static int add_extended_usage(X509 *cert, unsigned usage, struct err *err)
{
	scoped(EXTENDED_KEY_USAGE_freep) EXTENDED_KEY_USAGE *purposes = EXTENDED_KEY_USAGE_new();

	if (usage == 0)
		return 0;
	if (!purposes)
		return err_no_memory(err);
	/* Objects of the built-in table: nothing to free. */
	if ((usage & X509_EXTENDED_SERVER_AUTH) && !sk_ASN1_OBJECT_push(purposes, OBJ_nid2obj(NID_server_auth)))
		return err_no_memory(err);
	if ((usage & X509_EXTENDED_CLIENT_AUTH) && !sk_ASN1_OBJECT_push(purposes, OBJ_nid2obj(NID_client_auth)))
		return err_no_memory(err);
	return add_extension(cert, NID_ext_key_usage, purposes, false, err);
}

/* Takes value over. */
static int push_name(GENERAL_NAMES *names, int type, void *value, struct err *err)
{
	scoped(GENERAL_NAME_freep) GENERAL_NAME *name = GENERAL_NAME_new();

	if (!name) {
		ASN1_STRING_free(value);
		return err_no_memory(err);
	}
	GENERAL_NAME_set0_value(name, type, value);
	if (!sk_GENERAL_NAME_push(names, name))
		return err_no_memory(err);
	(void)TAKE_PTR(name);
	return 0;
}

static int push_text_name(GENERAL_NAMES *names, int type, const char *text, struct err *err)
{
	ASN1_IA5STRING *value;

	if (!*text)
		return err_set(err, ERR_INVALID, "empty name");
	for (const char *at = text; *at; at++)
		if (*at < '!' || *at > '~')
			return err_set(err, ERR_INVALID, "'%s' is not printable ASCII", text);
	value = ASN1_IA5STRING_new();
	if (!value || ASN1_STRING_set(value, text, -1) != 1) {
		ASN1_STRING_free(value);
		return err_no_memory(err);
	}
	return push_name(names, type, value, err);
}

static int push_addresses(GENERAL_NAMES *names, const struct x509_spec *spec, struct err *err)
{
	for (size_t i = 0; i < spec->ip_count; i++) {
		ASN1_OCTET_STRING *address = a2i_IPADDRESS(spec->ip_addresses[i]);

		if (!address) {
			openssl_clear();
			return err_set(err, ERR_INVALID, "'%s' is no IP address", spec->ip_addresses[i]);
		}
		if (push_name(names, GEN_IPADD, address, err) < 0)
			return -1;
	}
	return 0;
}

static int add_alternative_names(X509 *cert, const struct x509_spec *spec, struct err *err)
{
	scoped(GENERAL_NAMES_freep) GENERAL_NAMES *names = GENERAL_NAMES_new();

	if (spec->dns_count == 0 && spec->ip_count == 0)
		return 0;
	if (!names)
		return err_no_memory(err);
	if (spec->dns_count > X509_SAN_COUNT_MAX || spec->ip_count > X509_SAN_COUNT_MAX)
		return err_set(err, ERR_LIMIT, "more than %d alternative names", X509_SAN_COUNT_MAX);
	for (size_t i = 0; i < spec->dns_count; i++)
		if (push_text_name(names, GEN_DNS, spec->dns_names[i], err) < 0)
			return -1;
	if (push_addresses(names, spec, err) < 0)
		return -1;
	return add_extension(cert, NID_subject_alt_name, names, false, err);
}

static int add_subject_key_id(X509 *cert, const struct p256_key *key, struct err *err)
{
	scoped(ASN1_OCTET_STRING_freep) ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
	uint8_t point[P256_POINT_SIZE];
	uint8_t digest[SHA_DIGEST_LENGTH];

	p256_point(key, point);
	if (!id || !SHA1(point, sizeof(point), digest) || ASN1_OCTET_STRING_set(id, digest, sizeof(digest)) != 1)
		return err_no_memory(err);
	return add_extension(cert, NID_subject_key_identifier, id, false, err);
}

static int add_authority_key_id(X509 *cert, const X509 *issuer, struct err *err)
{
	scoped(AUTHORITY_KEYID_freep) AUTHORITY_KEYID *id = NULL;

	if (!issuer)
		return 0;
	id = x509_authority_key_id(issuer);
	return id ? add_extension(cert, NID_authority_key_identifier, id, false, err) : err_no_memory(err);
}

static int add_distribution_point(X509 *cert, const char *url, struct err *err)
{
	scoped(CRL_DIST_POINTS_freep) CRL_DIST_POINTS *points = CRL_DIST_POINTS_new();
	scoped(DIST_POINT_freep) DIST_POINT *point = DIST_POINT_new();

	if (!url)
		return 0;
	if (!points || !point || !(point->distpoint = DIST_POINT_NAME_new()) ||
	    !(point->distpoint->name.fullname = GENERAL_NAMES_new()))
		return err_no_memory(err);
	point->distpoint->type = 0; /* the choice fullName */
	if (push_text_name(point->distpoint->name.fullname, GEN_URI, url, err) < 0)
		return -1;
	if (!sk_DIST_POINT_push(points, point))
		return err_no_memory(err);
	(void)TAKE_PTR(point);
	return add_extension(cert, NID_crl_distribution_points, points, false, err);
}

static int add_raw(X509 *cert, const struct x509_extension *raw, struct err *err)
{
	scoped(ASN1_OBJECT_freep) ASN1_OBJECT *object = OBJ_txt2obj(raw->oid, 1);
	scoped(ASN1_OCTET_STRING_freep) ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	scoped(X509_EXTENSION_freep) X509_EXTENSION *extension = NULL;

	if (!object) {
		openssl_clear();
		return err_set(err, ERR_INVALID, "'%s' is no object identifier", raw->oid);
	}
	if (raw->size > X509_DER_SIZE_MAX)
		return err_set(err, ERR_LIMIT, "extension of %zu bytes, the maximum is %u", raw->size,
			       X509_DER_SIZE_MAX);
	if (!value || ASN1_OCTET_STRING_set(value, raw->data, (int)raw->size) != 1)
		return err_no_memory(err);
	extension = X509_EXTENSION_create_by_OBJ(NULL, object, raw->critical, value);
	if (!extension || X509_add_ext(cert, extension, -1) != 1)
		return err_no_memory(err);
	return 0;
}

static int add_raw_extensions(X509 *cert, const struct x509_spec *spec, struct err *err)
{
	if (spec->extension_count > X509_EXTENSION_COUNT_MAX)
		return err_set(err, ERR_LIMIT, "more than %d extensions", X509_EXTENSION_COUNT_MAX);
	for (size_t i = 0; i < spec->extension_count; i++)
		if (add_raw(cert, &spec->extensions[i], err) < 0)
			return -1;
	return 0;
}

static int fill(X509 *cert, const struct x509_spec *spec, const struct p256_key *key, const X509 *issuer,
		struct err *err)
{
	if (X509_set_version(cert, X509_VERSION_3) != 1 || X509_set_pubkey(cert, p256_evp(key)) != 1)
		return openssl_err(err, ERR_INTERNAL, "cannot start a certificate");
	if (set_serial(cert, spec, err) < 0 || set_dates(cert, spec, err) < 0 ||
	    set_names(cert, spec->subject, issuer, err) < 0 || add_basic_constraints(cert, spec, err) < 0 ||
	    add_key_usage(cert, spec->key_usage, err) < 0 || add_extended_usage(cert, spec->extended_usage, err) < 0 ||
	    add_alternative_names(cert, spec, err) < 0 || add_subject_key_id(cert, key, err) < 0 ||
	    add_authority_key_id(cert, issuer, err) < 0 || add_distribution_point(cert, spec->crl_url, err) < 0)
		return -1;
	return add_raw_extensions(cert, spec, err);
}

static int write_der(const X509 *cert, struct buf *ret, struct err *err)
{
	const int size = i2d_X509(cert, NULL);
	uint8_t *room;

	if (size <= 0)
		return openssl_err(err, ERR_INTERNAL, "cannot write the certificate");
	if ((size_t)size > X509_DER_SIZE_MAX)
		return err_set(err, ERR_LIMIT, "certificate of %d bytes, the maximum is %u", size, X509_DER_SIZE_MAX);
	if (buf_reserve(ret, (size_t)size, &room, err) < 0)
		return -1;
	(void)i2d_X509(cert, &room);
	ret->size += (size_t)size;
	return 0;
}

int x509_build(const struct x509_spec *spec, const struct p256_key *subject_key, const struct p256_key *issuer_key,
	       const struct buf *issuer_der, struct buf *ret, struct err *err)
{
	scoped(X509_freep) X509 *cert = X509_new();
	scoped(X509_freep) X509 *issuer = NULL;

	assert(!issuer_der || issuer_key);
	if (!cert)
		return err_no_memory(err);
	if (issuer_der && x509_read_issuer(issuer_der, issuer_key, &issuer, err) < 0)
		return -1;
	if (fill(cert, spec, subject_key, issuer, err) < 0)
		return err_prefix(err, "cannot make a certificate");
	if (X509_sign(cert, p256_evp(issuer ? issuer_key : subject_key), EVP_sha256()) <= 0)
		return openssl_err(err, ERR_INTERNAL, "cannot sign the certificate");
	return write_der(cert, ret, err);
}
