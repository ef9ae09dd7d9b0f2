/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/x509_name.h"

#include <openssl/objects.h>
#include <string.h>
#include <strings.h>

#include "crypto/openssl_err.h"
#include "crypto/x509_build.h"

#define RDN_COUNT_MAX 16
#define VALUE_SIZE_MAX 256

DEFINE_SCOPED_PTR(X509_NAME, X509_NAME_free);

/* string_type MBSTRING_UTF8 stands for UTF8String after a check of the encoding. */
struct name_type {
	const char *name;
	int nid;
	int string_type;
	size_t size_max; /* characters in RFC 5280; bytes here */
};

static const struct name_type name_types[] = {
    {"CN", NID_commonName, V_ASN1_UTF8STRING, 64},
    {"O", NID_organizationName, V_ASN1_UTF8STRING, 64},
    {"OU", NID_organizationalUnitName, V_ASN1_UTF8STRING, 64},
    {"C", NID_countryName, V_ASN1_PRINTABLESTRING, 2},
    {"L", NID_localityName, V_ASN1_UTF8STRING, 128},
    {"ST", NID_stateOrProvinceName, V_ASN1_UTF8STRING, 128},
    {"STREET", NID_streetAddress, V_ASN1_UTF8STRING, 128},
    {"DC", NID_domainComponent, V_ASN1_IA5STRING, 63},
    {"UID", NID_userId, V_ASN1_UTF8STRING, 256},
    {"serialNumber", NID_serialNumber, V_ASN1_PRINTABLESTRING, 64},
    {"emailAddress", NID_pkcs9_emailAddress, V_ASN1_IA5STRING, 255},
};

struct attribute {
	const struct name_type *type;
	uint8_t value[VALUE_SIZE_MAX];
	size_t size;
};

struct name_reader {
	const char *text;
	const char *at;
};

static int fail(const struct name_reader *reader, struct err *err, const char *what)
{
	return err_set(err, ERR_INVALID, "name '%s': byte %zu: %s", reader->text, (size_t)(reader->at - reader->text),
		       what);
}

static int read_type(struct name_reader *reader, const struct name_type **ret, struct err *err)
{
	const size_t size = strcspn(reader->at, "=,+\\\"");

	if (reader->at[size] != '=')
		return fail(reader, err, "no '=' after the attribute type");
	for (size_t i = 0; i < COUNT_OF(name_types); i++)
		if (strlen(name_types[i].name) == size && strncasecmp(name_types[i].name, reader->at, size) == 0) {
			reader->at += size + 1;
			*ret = &name_types[i];
			return 0;
		}
	return fail(reader, err, "unknown attribute type");
}

static int hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/* After a backslash: a special character, or two hex digits for one byte. */
static int read_escape(struct name_reader *reader, uint8_t *ret, struct err *err)
{
	const char first = reader->at[0];
	const int high = hex_value(first);
	const int low = first ? hex_value(reader->at[1]) : -1;

	if (first && strchr("\"+,;<>\\ #=", first)) {
		*ret = (uint8_t)first;
		reader->at++;
		return 0;
	}
	if (high < 0 || low < 0 || (high == 0 && low == 0))
		return fail(reader, err, "bad escape");
	*ret = (uint8_t)(high << 4 | low);
	reader->at += 2;
	return 0;
}

static int read_byte(struct name_reader *reader, bool is_first, uint8_t *ret, struct err *err)
{
	const char byte = *reader->at;

	if (byte == '\\') {
		reader->at++;
		return read_escape(reader, ret, err);
	}
	if (strchr("\"+;<>", byte))
		return fail(reader, err,
			    byte == '+' ? "more than one attribute in an RDN" : "character must be escaped");
	if (is_first && (byte == ' ' || byte == '#'))
		return fail(reader, err, "first character must be escaped");
	if (byte == ' ' && (reader->at[1] == ',' || !reader->at[1]))
		return fail(reader, err, "last space must be escaped");
	*ret = (uint8_t)byte;
	reader->at++;
	return 0;
}

static int read_attribute(struct name_reader *reader, struct attribute *ret, struct err *err)
{
	ret->size = 0;
	if (read_type(reader, &ret->type, err) < 0)
		return -1;
	while (*reader->at && *reader->at != ',') {
		if (ret->size == ret->type->size_max)
			return fail(reader, err, "value longer than RFC 5280 allows");
		if (read_byte(reader, ret->size == 0, &ret->value[ret->size], err) < 0)
			return -1;
		ret->size++;
	}
	if (ret->size == 0)
		return fail(reader, err, "empty value");
	return 0;
}

/* ASN1_mbstring_copy checks that the bytes fit the type: UTF-8, printable, ASCII. */
static int check_value(const struct name_reader *reader, const struct attribute *attribute, struct err *err)
{
	const unsigned long mask = attribute->type->string_type == V_ASN1_UTF8STRING        ? B_ASN1_UTF8STRING
				   : attribute->type->string_type == V_ASN1_PRINTABLESTRING ? B_ASN1_PRINTABLESTRING
											    : B_ASN1_IA5STRING;
	ASN1_STRING *string = NULL;
	const int type = ASN1_mbstring_copy(&string, attribute->value, (int)attribute->size, MBSTRING_UTF8, mask);

	ASN1_STRING_free(string);
	if (type != attribute->type->string_type || (attribute->type->nid == NID_countryName && attribute->size != 2)) {
		openssl_clear();
		return fail(reader, err, "characters that this attribute cannot hold");
	}
	return 0;
}

static int add_attribute(X509_NAME *name, const struct attribute *attribute, struct err *err)
{
	/* Location 0: each RDN goes in front of those already there. */
	if (X509_NAME_add_entry_by_NID(name, attribute->type->nid, attribute->type->string_type, attribute->value,
				       (int)attribute->size, 0, 0) != 1)
		return openssl_err(err, ERR_INTERNAL, "cannot add to the name");
	return 0;
}

int x509_name_parse(const char *text, X509_NAME **ret, struct err *err)
{
	scoped(X509_NAME_freep) X509_NAME *name = X509_NAME_new();
	struct name_reader reader = {.text = text, .at = text};
	struct attribute attribute;

	if (!name)
		return err_no_memory(err);
	if (strlen(text) > X509_NAME_SIZE_MAX)
		return err_set(err, ERR_LIMIT, "name of %zu bytes, the maximum is %d", strlen(text),
			       X509_NAME_SIZE_MAX);
	for (int count = 0;; count++) {
		if (count == RDN_COUNT_MAX)
			return fail(&reader, err, "too many attributes");
		if (read_attribute(&reader, &attribute, err) < 0 || check_value(&reader, &attribute, err) < 0 ||
		    add_attribute(name, &attribute, err) < 0)
			return -1;
		if (!*reader.at)
			break;
		reader.at++;
	}
	*ret = TAKE_PTR(name);
	return 0;
}

int x509_check_name(const char *text, struct err *err)
{
	scoped(X509_NAME_freep) X509_NAME *name = NULL;

	return x509_name_parse(text, &name, err);
}
