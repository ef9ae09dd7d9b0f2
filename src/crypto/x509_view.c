/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/x509_view.h"

#include <stdio.h>
#include <string.h>

#define DEPTH_MAX 16
#define SERIAL_SIZE_MAX 64 /* of what people make; 20 is allowed */
#define RDNS_MAX 32
#define TAG_UTF8 0x0c
#define TAG_PRINTABLE 0x13
#define TAG_IA5 0x16

static const struct {
	const char *oid;
	const char *name;
} OID_NAMES[] = {
    {"1.2.840.10045.2.1", "EC"},
    {"1.2.840.10045.3.1.7", "P-256"},
    {"1.3.132.0.34", "P-384"},
    {"1.3.132.0.35", "P-521"},
    {"1.2.840.113549.1.1.1", "RSA"},
    {"1.3.101.112", "Ed25519"},
    {"1.2.840.10045.4.3.2", "ecdsa-with-SHA256"},
    {"1.2.840.10045.4.3.3", "ecdsa-with-SHA384"},
    {"1.2.840.10045.4.3.4", "ecdsa-with-SHA512"},
    {"1.2.840.113549.1.1.10", "RSASSA-PSS"},
    {"1.2.840.113549.1.1.11", "sha256WithRSAEncryption"},
    {"1.2.840.113549.1.1.12", "sha384WithRSAEncryption"},
    {"1.2.840.113549.1.1.13", "sha512WithRSAEncryption"},
    {"2.5.4.3", "CN"},
    {"2.5.4.4", "SN"},
    {"2.5.4.5", "serialNumber"},
    {"2.5.4.6", "C"},
    {"2.5.4.7", "L"},
    {"2.5.4.8", "ST"},
    {"2.5.4.9", "STREET"},
    {"2.5.4.10", "O"},
    {"2.5.4.11", "OU"},
    {"0.9.2342.19200300.100.1.1", "UID"},
    {"0.9.2342.19200300.100.1.25", "DC"},
    {"1.2.840.113549.1.9.1", "emailAddress"},
    {"2.5.29.14", "subjectKeyIdentifier"},
    {"2.5.29.15", "keyUsage"},
    {"2.5.29.17", "subjectAltName"},
    {"2.5.29.19", "basicConstraints"},
    {"2.5.29.20", "cRLNumber"},
    {"2.5.29.31", "cRLDistributionPoints"},
    {"2.5.29.32", "certificatePolicies"},
    {"2.5.29.35", "authorityKeyIdentifier"},
    {"2.5.29.37", "extKeyUsage"},
    {"1.3.6.1.5.5.7.1.1", "authorityInfoAccess"},
    {"1.2.840.113741.1.13.1", "Intel SGX (PCK)"},
    {"1.2.840.113741.1337.6", "RA-TLS quote (SGX)"},
    {"1.2.840.113741.1337.7", "RA-TLS report (SEV-SNP)"},
    {"1.2.840.113741.1337.8", "RA-TLS quote (TDX)"},
    {"1.2.840.113741.1337.100", "MSE instance document"},
    {"1.2.840.113741.1337.101", "MSE simulation marker"},
    {"0.6.9.42.840.113741.1337.6", "RA-TLS quote (Gramine, legacy)"},
    {"2.23.133.5.4.9", "RA-TLS tagged evidence (DICE)"},
};

const char *x509_view_oid_name(const char *oid)
{
	for (size_t i = 0; i < COUNT_OF(OID_NAMES); i++)
		if (strcmp(OID_NAMES[i].oid, oid) == 0)
			return OID_NAMES[i].name;
	return NULL;
}

static int take_algorithm(struct der *reader, char ret_oid[static DER_OID_TEXT_SIZE], struct der *ret_parameters,
			  struct err *err)
{
	struct der oid;

	if (der_take(reader, DER_SEQUENCE, "algorithm", ret_parameters, err) < 0 ||
	    der_take(ret_parameters, DER_OID, "algorithm", &oid, err) < 0)
		return -1;
	return der_oid_text(oid, ret_oid, err);
}

static int take_key(struct der *tbs, struct x509_view *view, struct err *err)
{
	struct der body, parameters, curve, key;

	if (der_take_whole(tbs, DER_SEQUENCE, "public key", &body, &view->spki, err) < 0 ||
	    take_algorithm(&body, view->key_algorithm, &parameters, err) < 0 ||
	    der_take_bits(&body, "public key", &key, err) < 0)
		return -1;
	view->key_size = key.size;
	if (!der_is_next(&parameters, DER_OID))
		return 0;
	return der_take(&parameters, DER_OID, "curve", &curve, err) < 0 ? -1 : der_oid_text(curve, view->curve, err);
}

static int take_extensions(struct der *reader, uint8_t number, struct x509_ext *ret, size_t *ret_count, struct err *err)
{
	struct der outer, list;
	size_t count = 0;

	if (!der_is_next(reader, (uint8_t)DER_CONTEXT_CONSTRUCTED(number)))
		return 0;
	if (der_take(reader, (uint8_t)DER_CONTEXT_CONSTRUCTED(number), "extensions", &outer, err) < 0 ||
	    der_take(&outer, DER_SEQUENCE, "extensions", &list, err) < 0)
		return -1;
	while (list.size > 0) {
		if (count == X509_PARSE_EXTENSIONS_MAX)
			return err_set(err, ERR_LIMIT, "more than %d extensions", X509_PARSE_EXTENSIONS_MAX);
		if (x509_take_extension(&list, &ret[count++], err) < 0)
			return -1;
	}
	*ret_count = count;
	return 0;
}

static int take_version(struct der *tbs, unsigned *ret, struct err *err)
{
	struct der outer;
	int64_t version;

	*ret = 1;
	if (!der_is_next(tbs, DER_CONTEXT_CONSTRUCTED(0)))
		return 0;
	if (der_take(tbs, DER_CONTEXT_CONSTRUCTED(0), "version", &outer, err) < 0 ||
	    der_take_int(&outer, DER_INTEGER, "version", 0, 2, &version, err) < 0)
		return -1;
	*ret = (unsigned)version + 1;
	return 0;
}

/* Unlike in a verdict, a negative or oversized number is no reason to show nothing. */
static int take_serial(struct der *reader, struct der *ret, struct err *err)
{
	if (der_take(reader, DER_INTEGER, "serial", ret, err) < 0)
		return -1;
	if (ret->size > SERIAL_SIZE_MAX)
		return err_set(err, ERR_LIMIT, "serial of %zu bytes, at most %d", ret->size, SERIAL_SIZE_MAX);
	return 0;
}

static int parse_tbs(struct der tbs, struct x509_view *view, struct err *err)
{
	struct der content, validity, parameters;
	char inner_algorithm[DER_OID_TEXT_SIZE];

	if (take_version(&tbs, &view->version, err) < 0 || take_serial(&tbs, &view->serial, err) < 0 ||
	    take_algorithm(&tbs, inner_algorithm, &parameters, err) < 0 ||
	    der_take_whole(&tbs, DER_SEQUENCE, "issuer", &content, &view->issuer, err) < 0 ||
	    der_take(&tbs, DER_SEQUENCE, "validity", &validity, err) < 0 ||
	    der_take_time(&validity, "notBefore", &view->not_before, err) < 0 ||
	    der_take_time(&validity, "notAfter", &view->not_after, err) < 0 ||
	    der_take_whole(&tbs, DER_SEQUENCE, "subject", &content, &view->subject, err) < 0 ||
	    take_key(&tbs, view, err) < 0)
		return -1;
	return take_extensions(&tbs, 3, view->extensions, &view->extension_count, err);
}

/* The three parts that certificates and revocation lists have in common. */
static int open_signed(const void *der, size_t size, const char *what, struct der *ret_tbs,
		       char ret_algorithm[static DER_OID_TEXT_SIZE], struct err *err)
{
	struct der reader = {der, size};
	struct der body, parameters, signature;

	if (der_check(reader, DEPTH_MAX, err) < 0 || der_take(&reader, DER_SEQUENCE, what, &body, err) < 0 ||
	    der_end(&reader, what, err) < 0 || der_take(&body, DER_SEQUENCE, what, ret_tbs, err) < 0 ||
	    take_algorithm(&body, ret_algorithm, &parameters, err) < 0 ||
	    der_take_bits(&body, "signature", &signature, err) < 0)
		return -1;
	return der_end(&body, what, err);
}

int x509_view_parse(const void *der, size_t size, struct x509_view *ret, struct err *err)
{
	struct x509_view view = {0};
	struct der tbs;

	if (open_signed(der, size, "certificate", &tbs, view.signature_algorithm, err) < 0 ||
	    parse_tbs(tbs, &view, err) < 0)
		return -1;
	*ret = view;
	return 0;
}

static bool is_time(const struct der *reader)
{
	return der_is_next(reader, DER_UTC_TIME) || der_is_next(reader, DER_GENERALIZED_TIME);
}

static int parse_list(struct der tbs, struct crl_view *view, struct err *err)
{
	struct der content, parameters;
	char inner_algorithm[DER_OID_TEXT_SIZE];
	int64_t version;

	if (der_is_next(&tbs, DER_INTEGER) && der_take_int(&tbs, DER_INTEGER, "version", 0, 1, &version, err) < 0)
		return -1;
	if (take_algorithm(&tbs, inner_algorithm, &parameters, err) < 0 ||
	    der_take_whole(&tbs, DER_SEQUENCE, "issuer", &content, &view->issuer, err) < 0 ||
	    der_take_time(&tbs, "thisUpdate", &view->this_update, err) < 0)
		return -1;
	view->next_update = INT64_MAX;
	if (is_time(&tbs) && der_take_time(&tbs, "nextUpdate", &view->next_update, err) < 0)
		return -1;
	if (der_is_next(&tbs, DER_SEQUENCE) &&
	    der_take(&tbs, DER_SEQUENCE, "revokedCertificates", &view->revoked, err) < 0)
		return -1;
	return take_extensions(&tbs, 0, view->extensions, &view->extension_count, err);
}

int crl_view_parse(const void *der, size_t size, struct crl_view *ret, struct err *err)
{
	struct crl_view view = {0};
	struct der tbs;

	if (open_signed(der, size, "revocation list", &tbs, view.signature_algorithm, err) < 0 ||
	    parse_list(tbs, &view, err) < 0)
		return -1;
	*ret = view;
	return 0;
}

int crl_view_next(struct der *reader, struct der *ret_serial, int64_t *ret_date, struct err *err)
{
	struct der entry;

	if (reader->size == 0)
		return 0;
	if (der_take(reader, DER_SEQUENCE, "revoked entry", &entry, err) < 0 ||
	    take_serial(&entry, ret_serial, err) < 0 || der_take_time(&entry, "revocation date", ret_date, err) < 0)
		return -1;
	return 1;
}

static int add_value(uint8_t tag, struct der value, struct buf *ret, struct err *err)
{
	const bool is_text = tag == TAG_UTF8 || tag == TAG_PRINTABLE || tag == TAG_IA5;

	if (!is_text && buf_add_byte(ret, '#', err) < 0)
		return -1;
	for (size_t i = 0; i < value.size; i++) {
		const uint8_t c = value.data[i];
		const bool at_edge = (i == 0 && (c == ' ' || c == '#')) || (i == value.size - 1 && c == ' ');
		int status;

		if (!is_text)
			status = buf_addf(ret, err, "%02x", c);
		else if (c < 0x20 || c > 0x7e)
			status = buf_addf(ret, err, "\\%02X", c);
		else
			status = buf_addf(ret, err, "%s%c", at_edge || strchr(",+\"\\<>;", c) ? "\\" : "", c);
		if (status < 0)
			return -1;
	}
	return 0;
}

static int add_attribute(struct der *set, struct buf *ret, struct err *err)
{
	struct der attribute, oid, value;
	char text[DER_OID_TEXT_SIZE];
	const char *name;
	uint8_t tag;

	if (der_take(set, DER_SEQUENCE, "name", &attribute, err) < 0 ||
	    der_take(&attribute, DER_OID, "name", &oid, err) < 0 || der_next(&attribute, &tag, &value, NULL, err) < 0 ||
	    der_oid_text(oid, text, err) < 0)
		return -1;
	name = x509_view_oid_name(text);
	if (buf_addf(ret, err, "%s=", name ? name : text) < 0)
		return -1;
	return add_value(tag, value, ret, err);
}

static int add_rdn(struct der set, struct buf *ret, struct err *err)
{
	const char *plus = "";

	while (set.size > 0) {
		if (buf_add_text(ret, plus, err) < 0 || add_attribute(&set, ret, err) < 0)
			return -1;
		plus = "+";
	}
	return 0;
}

static int add_name(struct der name, struct buf *ret, struct err *err)
{
	struct der list, sets[RDNS_MAX];
	size_t count = 0;

	if (der_take(&name, DER_SEQUENCE, "name", &list, err) < 0)
		return -1;
	for (; list.size > 0; count++) {
		if (count == RDNS_MAX)
			return err_set(err, ERR_INVALID, "name of more than %d parts", RDNS_MAX);
		if (der_take(&list, DER_SET, "name", &sets[count], err) < 0)
			return -1;
	}
	/* RFC 4514 writes the last one first. */
	for (size_t i = count; i-- > 0;) {
		if (add_rdn(sets[i], ret, err) < 0 || (i > 0 && buf_add_byte(ret, ',', err) < 0))
			return -1;
	}
	return 0;
}

int x509_view_name(struct der name, struct buf *ret, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(X509_VIEW_NAME_MAX);
	struct err failed = ERR_INIT;

	if (add_name(name, &text, &failed) < 0 && failed.code != ERR_LIMIT) {
		*err = failed;
		return -1;
	}
	if (buf_add(ret, text.data, text.size, err) < 0)
		return -1;
	return *failed.text ? buf_add_text(ret, "...", err) : 0;
}
