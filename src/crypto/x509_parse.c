/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/x509_parse.h"

#include <arpa/inet.h>
#include <string.h>

#include "crypto/amd_key.h"
#include "crypto/p256.h"
#include "crypto/x509_amd.h"
#include "crypto/x509_self.h"

#define VERSION_3 2
#define SERIAL_SIZE_MAX 20
#define DEPTH_MAX 16
#define POINT_UNCOMPRESSED 0x04
#define PATH_LENGTH_MAX 16

static const uint8_t OID_ECDSA_SHA256[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
static const uint8_t OID_EC_PUBLIC_KEY[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
static const uint8_t OID_PRIME256V1[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static const uint8_t OID_COMMON_NAME[] = {0x55, 0x04, 0x03};

static bool oid_equal(struct der oid, const uint8_t *bytes, size_t size)
{
	return der_equal(oid, (struct der){bytes, size});
}

int x509_take_algorithm(struct der *reader, struct err *err)
{
	struct der body;
	struct der oid;

	if (der_take(reader, DER_SEQUENCE, "signature algorithm", &body, err) < 0 ||
	    der_take(&body, DER_OID, "signature algorithm", &oid, err) < 0)
		return -1;
	if (!oid_equal(oid, OID_ECDSA_SHA256, sizeof(OID_ECDSA_SHA256)))
		return err_set(err, ERR_INVALID, "signature algorithm is not ecdsa-with-SHA256");
	return der_end(&body, "signature algorithm", err);
}

int x509_take_extension(struct der *reader, struct x509_ext *ret, struct err *err)
{
	struct x509_ext extension = {0};
	struct der body;

	if (der_take(reader, DER_SEQUENCE, "extension", &body, err) < 0 ||
	    der_take(&body, DER_OID, "extension", &extension.oid, err) < 0)
		return -1;
	if (der_is_next(&body, DER_BOOLEAN)) {
		if (der_take_bool(&body, "extension: critical", &extension.critical, err) < 0)
			return -1;
		if (!extension.critical)
			return err_set(err, ERR_INVALID, "extension: critical FALSE is written out");
	}
	if (der_take(&body, DER_OCTET_STRING, "extension", &extension.value, err) < 0 ||
	    der_end(&body, "extension", err) < 0)
		return -1;
	*ret = extension;
	return 0;
}

static int parse_basic_constraints(struct der value, struct x509_cert *cert, struct err *err)
{
	struct der body;
	int64_t path_length;

	if (der_take(&value, DER_SEQUENCE, "basicConstraints", &body, err) < 0 ||
	    der_end(&value, "basicConstraints", err) < 0)
		return -1;
	if (body.size == 0)
		return 0;
	if (der_take_bool(&body, "basicConstraints", &cert->is_ca, err) < 0)
		return -1;
	if (!cert->is_ca)
		return err_set(err, ERR_INVALID, "basicConstraints: CA FALSE is written out");
	if (body.size == 0)
		return 0;
	if (der_take_int(&body, DER_INTEGER, "path length", 0, PATH_LENGTH_MAX, &path_length, err) < 0)
		return -1;
	cert->path_length = (int)path_length;
	return der_end(&body, "basicConstraints", err);
}

static int parse_key_usage(struct der value, struct x509_cert *cert, struct err *err)
{
	struct der bits;

	if (der_take(&value, DER_BIT_STRING, "keyUsage", &bits, err) < 0 || der_end(&value, "keyUsage", err) < 0)
		return -1;
	if (bits.size < 2 || bits.size > 3 || bits.data[0] > 7)
		return err_set(err, ERR_INVALID, "keyUsage: not a bit string of 1 to 9 bits");
	/* DER writes zeros for the bits that it says are not used (X.690 11.2.1). */
	if (bits.data[bits.size - 1] & ((1u << bits.data[0]) - 1))
		return err_set(err, ERR_INVALID, "keyUsage: bits are set that it says are not used");
	cert->has_key_usage = true;
	cert->key_usage = bits.data[1];
	return 0;
}

static int parse_known_extension(const struct x509_ext *extension, struct x509_cert *cert, struct err *err)
{
	if (der_oid_is(extension->oid, X509_OID_BASIC_CONSTRAINTS))
		return parse_basic_constraints(extension->value, cert, err);
	if (der_oid_is(extension->oid, X509_OID_KEY_USAGE))
		return parse_key_usage(extension->value, cert, err);
	return 0;
}

static int parse_extensions(struct der *tbs, struct x509_cert *cert, struct err *err)
{
	struct der outer;
	struct der list;

	if (tbs->size == 0)
		return 0;
	if (der_take(tbs, DER_CONTEXT_CONSTRUCTED(3), "extensions", &outer, err) < 0 ||
	    der_take(&outer, DER_SEQUENCE, "extensions", &list, err) < 0 || der_end(&outer, "extensions", err) < 0)
		return -1;
	while (list.size > 0) {
		struct x509_ext extension = {0};
		char oid[DER_OID_TEXT_SIZE];

		if (x509_take_extension(&list, &extension, err) < 0 || der_oid_text(extension.oid, oid, err) < 0)
			return -1;
		if (x509_find_extension(cert, oid))
			return err_set(err, ERR_CONFLICT, "extension %s appears twice", oid);
		if (cert->extension_count == X509_PARSE_EXTENSIONS_MAX)
			return err_set(err, ERR_LIMIT, "more than %d extensions", X509_PARSE_EXTENSIONS_MAX);
		cert->extensions[cert->extension_count++] = extension;
		if (parse_known_extension(&extension, cert, err) < 0)
			return -1;
	}
	return 0;
}

/* What differs between the families. */
struct family {
	int (*take_algorithm)(struct der *reader, struct err *err);
	int (*take_public_key)(struct der *tbs, struct x509_cert *cert, struct err *err);
	int (*keep_signature)(struct der signature, struct x509_cert *cert, struct err *err);
};

static int take_p256_key(struct der *tbs, struct x509_cert *cert, struct err *err)
{
	struct der body, algorithm, oid, curve, key;

	if (der_take_whole(tbs, DER_SEQUENCE, "public key", &body, &cert->spki, err) < 0 ||
	    der_take(&body, DER_SEQUENCE, "public key algorithm", &algorithm, err) < 0 ||
	    der_take(&algorithm, DER_OID, "public key algorithm", &oid, err) < 0 ||
	    der_take(&algorithm, DER_OID, "public key curve", &curve, err) < 0 ||
	    der_end(&algorithm, "public key algorithm", err) < 0 || der_take_bits(&body, "public key", &key, err) < 0 ||
	    der_end(&body, "public key", err) < 0)
		return -1;
	if (!oid_equal(oid, OID_EC_PUBLIC_KEY, sizeof(OID_EC_PUBLIC_KEY)) ||
	    !oid_equal(curve, OID_PRIME256V1, sizeof(OID_PRIME256V1)))
		return err_set(err, ERR_INVALID, "public key is not on the named curve P-256");
	if (key.size != 65 || key.data[0] != POINT_UNCOMPRESSED)
		return err_set(err, ERR_INVALID, "public key is not an uncompressed point");
	memcpy(cert->point, key.data + 1, sizeof(cert->point));
	return cert->is_keyless ? 0 : p256_public_new(cert->point, &cert->key, err);
}

static int keep_ecdsa_signature(struct der signature, struct x509_cert *cert, struct err *err)
{
	return der_signature_raw(signature, cert->signature, err);
}

static const struct family P256_FAMILY = {x509_take_algorithm, take_p256_key, keep_ecdsa_signature};
static const struct family AMD_FAMILY = {x509_amd_take_algorithm, x509_amd_take_key, x509_amd_keep_signature};

static const struct family SELF_FAMILY = {x509_self_take_algorithm, x509_self_take_key, x509_self_keep_signature};

static int parse_names_and_dates(struct der *tbs, struct x509_cert *cert, struct err *err)
{
	struct der content, validity;

	if (der_take_whole(tbs, DER_SEQUENCE, "issuer", &content, &cert->issuer, err) < 0 ||
	    der_take(tbs, DER_SEQUENCE, "validity", &validity, err) < 0 ||
	    der_take_time(&validity, "notBefore", &cert->not_before, err) < 0 ||
	    der_take_time(&validity, "notAfter", &cert->not_after, err) < 0 ||
	    der_end(&validity, "validity", err) < 0 ||
	    der_take_whole(tbs, DER_SEQUENCE, "subject", &content, &cert->subject, err) < 0)
		return -1;
	return 0;
}

static int parse_tbs(struct der tbs, const struct family *family, struct x509_cert *cert, struct err *err)
{
	struct der version;
	int64_t number;

	if (der_take(&tbs, DER_CONTEXT_CONSTRUCTED(0), "version", &version, err) < 0 ||
	    der_take_int(&version, DER_INTEGER, "version", VERSION_3, VERSION_3, &number, err) < 0 ||
	    der_end(&version, "version", err) < 0 || der_take_unsigned(&tbs, "serial", &cert->serial, err) < 0)
		return -1;
	if (cert->serial.size > SERIAL_SIZE_MAX)
		return err_set(err, ERR_INVALID, "serial of %zu bytes, at most %d", cert->serial.size, SERIAL_SIZE_MAX);
	if (family->take_algorithm(&tbs, err) < 0 || parse_names_and_dates(&tbs, cert, err) < 0 ||
	    family->take_public_key(&tbs, cert, err) < 0 || parse_extensions(&tbs, cert, err) < 0)
		return -1;
	return der_end(&tbs, "certificate", err);
}

static int parse_certificate(const struct family *family, struct x509_cert *cert, struct err *err)
{
	struct der reader = {cert->bytes, cert->size};
	struct der body, tbs, signature;

	if (der_check(reader, DEPTH_MAX, err) < 0 || der_take(&reader, DER_SEQUENCE, "certificate", &body, err) < 0 ||
	    der_end(&reader, "certificate", err) < 0 ||
	    der_take_whole(&body, DER_SEQUENCE, "certificate", &tbs, &cert->tbs, err) < 0 ||
	    family->take_algorithm(&body, err) < 0 || der_take_bits(&body, "signature", &signature, err) < 0 ||
	    der_end(&body, "certificate", err) < 0 || family->keep_signature(signature, cert, err) < 0)
		return -1;
	return parse_tbs(tbs, family, cert, err);
}

static int parse(const struct family *family, const void *der, size_t size, bool is_keyless,
		 struct x509_cert **ret_cert, struct err *err)
{
	scoped(x509_cert_freep) struct x509_cert *cert = NULL;

	if (size == 0 || size > X509_PARSE_SIZE_MAX)
		return err_set(err, ERR_LIMIT, "certificate of %zu bytes, expected 1 to %u", size, X509_PARSE_SIZE_MAX);
	cert = calloc(1, sizeof(*cert));
	if (!cert || !(cert->bytes = malloc(size)))
		return err_no_memory(err);
	memcpy(cert->bytes, der, size);
	cert->size = size;
	cert->path_length = X509_PATH_LENGTH_NONE;
	cert->is_keyless = is_keyless;
	if (parse_certificate(family, cert, err) < 0)
		return -1;
	*ret_cert = TAKE_PTR(cert);
	return 0;
}

int x509_parse(const void *der, size_t size, struct x509_cert **ret_cert, struct err *err)
{
	return parse(&P256_FAMILY, der, size, false, ret_cert, err);
}

int x509_parse_amd(const void *der, size_t size, struct x509_cert **ret_cert, struct err *err)
{
	return parse(&AMD_FAMILY, der, size, false, ret_cert, err);
}

int x509_parse_root(const void *der, size_t size, struct x509_cert **ret_cert, struct err *err)
{
	struct err amd = ERR_INIT;

	if (parse(&P256_FAMILY, der, size, true, ret_cert, err) == 0)
		return 0;
	if (err->code == ERR_NO_MEMORY || parse(&AMD_FAMILY, der, size, true, ret_cert, &amd) == 0)
		return err->code == ERR_NO_MEMORY ? -1 : 0;
	return amd.code == ERR_NO_MEMORY ? err_no_memory(err) : -1;
}

int x509_parse_self(const void *der, size_t size, struct x509_cert **ret_cert, struct err *err)
{
	return parse(&SELF_FAMILY, der, size, false, ret_cert, err);
}

void x509_cert_free(struct x509_cert *cert)
{
	if (!cert)
		return;
	p256_public_free(cert->key);
	amd_key_free(cert->amd_key);
	free(cert->bytes);
	free(cert);
}

int x509_verify(const struct x509_cert *cert, const struct x509_cert *issuer, struct err *err)
{
	return p256_verify(issuer->key, cert->tbs.data, cert->tbs.size, cert->signature, err);
}

int x509_verify_amd(const struct x509_cert *cert, const struct x509_cert *issuer, struct err *err)
{
	return amd_key_verify_pss(issuer->amd_key, cert->tbs.data, cert->tbs.size, cert->amd_signature.data,
				  cert->amd_signature.size, err);
}

static bool is_known(struct der oid, const char *const *known)
{
	for (; *known; known++)
		if (der_oid_is(oid, *known))
			return true;
	return false;
}

int x509_check_critical(const struct x509_cert *cert, const char *const *known, struct err *err)
{
	for (size_t i = 0; i < cert->extension_count; i++) {
		const struct x509_ext *extension = &cert->extensions[i];
		char oid[DER_OID_TEXT_SIZE];

		if (!extension->critical || is_known(extension->oid, known))
			continue;
		if (der_oid_text(extension->oid, oid, err) < 0)
			return -1;
		return err_set(err, ERR_INVALID, "unknown critical extension %s", oid);
	}
	return 0;
}

const struct x509_ext *x509_find_extension(const struct x509_cert *cert, const char *oid)
{
	for (size_t i = 0; i < cert->extension_count; i++)
		if (der_oid_is(cert->extensions[i].oid, oid))
			return &cert->extensions[i];
	return NULL;
}

/* One AttributeTypeAndValue of a RelativeDistinguishedName: 1 and its text if it is a printable commonName. */
static int take_common_name(struct der *set, char ret_text[static X509_COMMON_NAME_SIZE], struct err *err)
{
	struct der attribute, oid, value;
	uint8_t tag;

	if (der_take(set, DER_SEQUENCE, "name", &attribute, err) < 0 ||
	    der_take(&attribute, DER_OID, "name", &oid, err) < 0 || der_next(&attribute, &tag, &value, NULL, err) < 0)
		return -1;
	if (!oid_equal(oid, OID_COMMON_NAME, sizeof(OID_COMMON_NAME)))
		return 0;
	if (value.size >= X509_COMMON_NAME_SIZE)
		return err_set(err, ERR_LIMIT, "commonName of %zu bytes", value.size);
	for (size_t i = 0; i < value.size; i++)
		if (value.data[i] < 0x20 || value.data[i] > 0x7e)
			return err_set(err, ERR_INVALID, "commonName is not printable ASCII");
	memcpy(ret_text, value.data, value.size);
	ret_text[value.size] = '\0';
	return 1;
}

void x509_common_name(const struct x509_cert *cert, char ret_text[static X509_COMMON_NAME_SIZE])
{
	struct der reader = cert->subject;
	struct der names, set;
	struct err err = ERR_INIT;
	char text[X509_COMMON_NAME_SIZE] = "";
	int found = 0;

	ret_text[0] = '\0';
	if (der_take(&reader, DER_SEQUENCE, "name", &names, &err) < 0)
		return;
	while (names.size > 0) {
		if (der_take(&names, DER_SET, "name", &set, &err) < 0)
			return;
		while (set.size > 0) {
			const int one = take_common_name(&set, text, &err);

			if (one < 0 || (found += one) > 1)
				return;
		}
	}
	if (found == 1)
		memcpy(ret_text, text, sizeof(text));
}

int x509_san_open(const struct x509_ext *extension, struct der *ret_reader, struct err *err)
{
	struct der value = extension->value;
	struct der names;

	if (der_take(&value, DER_SEQUENCE, "subjectAltName", &names, err) < 0 ||
	    der_end(&value, "subjectAltName", err) < 0)
		return -1;
	*ret_reader = names;
	return 0;
}

#define SAN_DNS DER_CONTEXT(2)
#define SAN_IP DER_CONTEXT(7)

int x509_san_next(struct der *reader, char ret_text[static X509_SAN_TEXT_SIZE], struct err *err)
{
	struct der name;
	uint8_t tag;

	if (reader->size == 0)
		return 0;
	if (der_next(reader, &tag, &name, NULL, err) < 0)
		return -1;
	if (tag == SAN_DNS && name.size > 0 && name.size < X509_SAN_TEXT_SIZE) {
		for (size_t i = 0; i < name.size; i++)
			if (name.data[i] < 0x21 || name.data[i] > 0x7e)
				return err_set(err, ERR_INVALID, "subjectAltName: DNS name is not printable ASCII");
		memcpy(ret_text, name.data, name.size);
		ret_text[name.size] = '\0';
		return 1;
	}
	if (tag == SAN_IP && (name.size == 4 || name.size == 16)) {
		if (!inet_ntop(name.size == 4 ? AF_INET : AF_INET6, name.data, ret_text, X509_SAN_TEXT_SIZE))
			return err_set(err, ERR_INVALID, "subjectAltName: bad address");
		return 1;
	}
	return err_set(err, ERR_INVALID, "subjectAltName: neither a DNS name nor an address");
}
