/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/kds_extension.h"

#include <stdio.h>
#include <string.h>

#define TAG_IA5_STRING 0x16
#define STRUCT_VERSION_MAX 1
#define OID_STRUCT_VERSION KDS_OID_PREFIX "1"
#define OID_PRODUCT_NAME KDS_OID_PREFIX "2"
#define OID_SPL KDS_OID_PREFIX "3."
#define OID_HWID KDS_OID_PREFIX "4"
#define OID_CSP_ID KDS_OID_PREFIX "5"
#define OID_SIZE 40

/*
 * By structVersion: which SPLs there must be and may be (bit N: 3.N), and how long HWID is. 3.4 to 3.7 are reserved and
 * not always there; 3.9 came with version 1.
 */
static const struct {
	uint16_t required;
	uint16_t reserved;
	size_t hwid_size;
} FORMS[STRUCT_VERSION_MAX + 1] = {{0x10e, 0xf0, 64}, {0x30e, 0xf0, 8}};

static int get_number(const struct x509_cert *cert, const char *oid, int64_t max, uint8_t *ret, struct err *err)
{
	const struct x509_ext *extension = x509_find_extension(cert, oid);
	struct der value;
	int64_t number;

	if (!extension)
		return err_set(err, ERR_INVALID, "extension %s is missing", oid);
	value = extension->value;
	if (der_take_int(&value, DER_INTEGER, oid, 0, max, &number, err) < 0 || der_end(&value, oid, err) < 0)
		return -1;
	*ret = (uint8_t)number;
	return 0;
}

static int get_text(const struct x509_ext *extension, const char *oid, char ret[static KDS_TEXT_SIZE], struct err *err)
{
	struct der value = extension->value;
	struct der text;

	if (der_take(&value, TAG_IA5_STRING, oid, &text, err) < 0 || der_end(&value, oid, err) < 0)
		return -1;
	if (text.size == 0 || text.size >= KDS_TEXT_SIZE)
		return err_set(err, ERR_INVALID, "extension %s: text of %zu bytes", oid, text.size);
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] < 0x20 || text.data[i] > 0x7e)
			return err_set(err, ERR_INVALID, "extension %s: text is not printable", oid);
	memcpy(ret, text.data, text.size);
	ret[text.size] = '\0';
	return 0;
}

static int get_spls(const struct x509_cert *cert, struct kds_extension *kds, struct err *err)
{
	for (unsigned i = 1; i < KDS_SPL_COUNT; i++) {
		char oid[OID_SIZE];
		bool is_there;

		(void)snprintf(oid, sizeof(oid), OID_SPL "%u", i);
		is_there = x509_find_extension(cert, oid) != NULL;
		if ((FORMS[kds->struct_version].required & 1u << i) ||
		    (is_there && (FORMS[kds->struct_version].reserved & 1u << i))) {
			if (get_number(cert, oid, UINT8_MAX, &kds->spl[i], err) < 0)
				return -1;
		} else if (is_there) {
			return err_set(err, ERR_INVALID, "extension %s does not go with structVersion %u", oid,
				       kds->struct_version);
		}
	}
	return 0;
}

/* Who the key belongs to: a chip, or a cloud provider. */
static int get_owner(const struct x509_cert *cert, struct kds_extension *kds, struct err *err)
{
	const struct x509_ext *hwid = x509_find_extension(cert, OID_HWID);
	const struct x509_ext *csp_id = x509_find_extension(cert, OID_CSP_ID);

	if ((hwid != NULL) == (csp_id != NULL))
		return err_set(err, ERR_INVALID, "%s HWID and CSP id", hwid ? "both" : "neither");
	if (!hwid)
		return get_text(csp_id, OID_CSP_ID, kds->csp_id, err);
	kds->has_hwid = true;
	kds->hwid_size = FORMS[kds->struct_version].hwid_size;
	if (hwid->value.size != kds->hwid_size)
		return err_set(err, ERR_INVALID, "HWID of %zu bytes, expected %zu", hwid->value.size, kds->hwid_size);
	memcpy(kds->hwid, hwid->value.data, kds->hwid_size);
	return 0;
}

static bool is_known(const char *oid)
{
	static const char *const ONE[] = {OID_STRUCT_VERSION, OID_PRODUCT_NAME, OID_HWID, OID_CSP_ID};

	for (size_t i = 0; i < COUNT_OF(ONE); i++)
		if (strcmp(ONE[i], oid) == 0)
			return true;
	/* One more digit, and not 0. */
	return strlen(oid) == sizeof(OID_SPL) && strncmp(oid, OID_SPL, sizeof(OID_SPL) - 1) == 0 &&
	       oid[sizeof(OID_SPL) - 1] != '0';
}

/* Something below AMD's arc that we do not know could say that the key is not what we take it for. */
static int check_unknown(const struct x509_cert *cert, struct err *err)
{
	for (size_t i = 0; i < cert->extension_count; i++) {
		char oid[DER_OID_TEXT_SIZE];

		if (der_oid_text(cert->extensions[i].oid, oid, err) < 0)
			return -1;
		if (strncmp(oid, KDS_OID_PREFIX, sizeof(KDS_OID_PREFIX) - 1) == 0 && !is_known(oid))
			return err_set(err, ERR_INVALID, "unknown extension %s", oid);
	}
	return 0;
}

int kds_extension_parse(const struct x509_cert *cert, struct kds_extension *ret, struct err *err)
{
	const struct x509_ext *name = x509_find_extension(cert, OID_PRODUCT_NAME);
	struct kds_extension kds = {0};

	if (check_unknown(cert, err) < 0 ||
	    get_number(cert, OID_STRUCT_VERSION, STRUCT_VERSION_MAX, &kds.struct_version, err) < 0)
		return -1;
	if (!name)
		return err_set(err, ERR_INVALID, "extension " OID_PRODUCT_NAME " (productName) is missing");
	if (get_text(name, OID_PRODUCT_NAME, kds.product_name, err) < 0 || get_spls(cert, &kds, err) < 0 ||
	    get_owner(cert, &kds, err) < 0)
		return -1;
	*ret = kds;
	return 0;
}
