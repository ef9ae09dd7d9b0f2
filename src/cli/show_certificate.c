/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and revocation lists, with the extensions that attestation puts into them. */
#include <string.h>

#include "cli/show_priv.h"
#include "crypto/hash.h"
#include "crypto/kds_extension.h"
#include "crypto/pck_extension.h"
#include "crypto/x509_view.h"
#include "format/pem.h"
#include "format/snp_product.h"

#define PEM_CRL "X509 CRL"

static void show_name(struct show *show, const char *name, struct der value)
{
	scoped(buf_done) struct buf text = BUF_INIT(2 * X509_VIEW_NAME_MAX);
	struct err err = ERR_INIT;

	show_text(show, name, x509_view_name(value, &text, &err) < 0 ? "(unreadable)" : buf_text(&text));
}

static void show_oid(struct show *show, const char *name, const char *oid)
{
	const char *known = x509_view_oid_name(oid);

	show_text(show, name, known ? known : oid);
}

/* ------------------------------------------------------------------------------------------------ extensions */

static void show_sans(struct show *show, const struct x509_ext *extension)
{
	json_t *list = json_array();
	char text[X509_SAN_TEXT_SIZE];
	struct err err = ERR_INIT;
	struct der reader;
	int found = x509_san_open(extension, &reader, &err);

	while (found >= 0 && (found = x509_san_next(&reader, text, &err)) > 0) {
		if (!list || json_array_append_new(list, json_string(text)) < 0)
			show->failed = true;
	}
	show_add(show, "names", list);
	if (found < 0)
		show_text(show, "unreadable", err.text);
}

static void show_constraints(struct show *show, const struct x509_ext *extension)
{
	struct der value = extension->value, body;
	struct err err = ERR_INIT;
	bool is_ca = false;
	int64_t path_length;

	if (der_take(&value, DER_SEQUENCE, "basicConstraints", &body, &err) < 0 ||
	    (body.size && der_take_bool(&body, "basicConstraints", &is_ca, &err) < 0)) {
		show_text(show, "unreadable", err.text);
		return;
	}
	show_bool(show, "ca", is_ca);
	if (der_take_int(&body, DER_INTEGER, "path length", 0, INT32_MAX, &path_length, &err) == 0)
		show_number(show, "path_length", path_length);
}

static void show_key_usage(struct show *show, const struct x509_ext *extension)
{
	static const char *const names[] = {"digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment",
					    "keyAgreement",     "keyCertSign",    "cRLSign",         "encipherOnly"};
	struct der value = extension->value, bits;
	struct err err = ERR_INIT;
	json_t *list = json_array();

	if (der_take(&value, DER_BIT_STRING, "keyUsage", &bits, &err) < 0 || bits.size < 2) {
		json_decref(list);
		show_text(show, "unreadable", "keyUsage is no bit string");
		return;
	}
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if ((bits.data[1] & 0x80u >> i) && (!list || json_array_append_new(list, json_string(names[i])) < 0))
			show->failed = true;
	}
	show_add(show, "usage", list);
}

static void show_pck(struct show *show, const struct x509_ext *extension)
{
	struct pck_extension pck;
	struct err err = ERR_INIT;
	json_t *components = json_array();
	uint8_t machine[SHA256_SIZE];

	if (pck_extension_parse(extension->value, &pck, &err) < 0) {
		json_decref(components);
		show_text(show, "unreadable", err.text);
		return;
	}
	sha256(pck.ppid, sizeof(pck.ppid), machine);
	show_hex(show, "ppid", pck.ppid, sizeof(pck.ppid));
	show_hex(show, "machine_id", machine, sizeof(machine));
	show_hex(show, "fmspc", pck.fmspc, sizeof(pck.fmspc));
	show_hex(show, "pceid", pck.pceid, sizeof(pck.pceid));
	show_number(show, "pcesvn", pck.pcesvn);
	show_hex(show, "cpusvn", pck.cpusvn, sizeof(pck.cpusvn));
	for (size_t i = 0; i < PCK_COMPONENT_COUNT; i++)
		if (!components || json_array_append_new(components, json_integer(pck.components[i])) < 0)
			show->failed = true;
	show_add(show, "components", components);
	show_number(show, "sgx_type", pck.sgx_type);
	if (!pck.has_platform)
		return;
	show_hex(show, "platform_instance_id", pck.platform_instance_id, sizeof(pck.platform_instance_id));
	show_bool(show, "dynamic_platform", pck.dynamic_platform);
	show_bool(show, "cached_keys", pck.cached_keys);
	show_bool(show, "smt_enabled", pck.smt_enabled);
}

/* What is inside is named by the OID; contents are looked into by their own form. */
static const struct {
	const char *oid;
	void (*show)(struct show *show, const struct x509_ext *extension);
} EXTENSIONS[] = {
    {X509_OID_SUBJECT_ALT_NAME, show_sans},
    {X509_OID_BASIC_CONSTRAINTS, show_constraints},
    {X509_OID_KEY_USAGE, show_key_usage},
    {PCK_EXTENSION_OID, show_pck},
};

static const char *const EVIDENCE[] = {
    "1.2.840.113741.1337.6",   "1.2.840.113741.1337.7",      "1.2.840.113741.1337.8",
    "1.2.840.113741.1337.100", "0.6.9.42.840.113741.1337.6", "2.23.133.5.4.9",
};

static void show_content(struct show *show, const char *oid, const struct x509_ext *extension)
{
	for (size_t i = 0; i < COUNT_OF(EXTENSIONS); i++) {
		if (strcmp(EXTENSIONS[i].oid, oid) == 0) {
			EXTENSIONS[i].show(show, extension);
			return;
		}
	}
	for (size_t i = 0; i < COUNT_OF(EVIDENCE); i++) {
		if (strcmp(EVIDENCE[i], oid) == 0) {
			show_inner(show, "content", extension->value.data, extension->value.size);
			return;
		}
	}
	show_hex(show, "value", extension->value.data, extension->value.size);
}

static void show_extensions(struct show *show, const struct x509_ext *extensions, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++) {
		struct show child = show_open(show);
		char oid[DER_OID_TEXT_SIZE];
		struct err err = ERR_INIT;

		if (der_oid_text(extensions[i].oid, oid, &err) < 0) {
			show_text(&child, "unreadable", err.text);
			show_close_in(show, list, &child);
			continue;
		}
		show_text(&child, "oid", oid);
		if (x509_view_oid_name(oid))
			show_text(&child, "name", x509_view_oid_name(oid));
		show_bool(&child, "critical", extensions[i].critical);
		show_content(&child, oid, &extensions[i]);
		show_close_in(show, list, &child);
	}
	show_add(show, "extensions", list);
}

/* VCEK and VLEK: the extensions belong together. */
static void show_kds(struct show *show, const void *data, size_t size)
{
	scoped(x509_cert_freep) struct x509_cert *cert = NULL;
	struct kds_extension kds;
	struct err err = ERR_INIT;
	struct show child;

	if (x509_parse_amd(data, size, &cert, &err) < 0 || kds_extension_parse(cert, &kds, &err) < 0)
		return;
	child = show_open(show);
	show_text(&child, "product_name", kds.product_name);
	show_number(&child, "struct_version", kds.struct_version);
	show_number(&child, "boot_loader", kds.spl[SNP_TCB_BOOT_LOADER]);
	show_number(&child, "tee", kds.spl[SNP_TCB_TEE]);
	show_number(&child, "snp", kds.spl[SNP_TCB_SNP]);
	show_number(&child, "microcode", kds.spl[SNP_TCB_MICROCODE]);
	if (kds.struct_version)
		show_number(&child, "fmc", kds.spl[SNP_TCB_FMC]);
	if (kds.has_hwid)
		show_hex(&child, "chip_id", kds.hwid, kds.hwid_size);
	else
		show_text(&child, "csp_id", kds.csp_id);
	show_close(show, kds.has_hwid ? "vcek" : "vlek", &child);
}

int show_certificate(struct show *show, const void *data, size_t size, struct err *err)
{
	struct x509_view view;
	uint8_t hash[SHA256_SIZE];

	if (x509_view_parse(data, size, &view, err) < 0)
		return -1;
	show_name(show, "subject", view.subject);
	show_name(show, "issuer", view.issuer);
	show_hex(show, "serial", view.serial.data, view.serial.size);
	show_time(show, "not_before", view.not_before);
	show_time(show, "not_after", view.not_after);
	show_oid(show, "key", *view.curve ? view.curve : view.key_algorithm);
	show_oid(show, "signature_algorithm", view.signature_algorithm);
	show_number(show, "version", view.version);
	sha256(data, size, hash);
	show_hex(show, "sha256", hash, sizeof(hash));
	sha256(view.spki.data, view.spki.size, hash);
	show_hex(show, "key_sha256", hash, sizeof(hash));
	show_kds(show, data, size);
	show_extensions(show, view.extensions, view.extension_count);
	return 0;
}

int show_crl(struct show *show, const void *data, size_t size, struct err *err)
{
	struct crl_view view;
	struct der reader, serial;
	json_t *list = json_array();
	int64_t count = 0, date;
	int found;

	if (crl_view_parse(data, size, &view, err) < 0) {
		json_decref(list);
		return -1;
	}
	show_name(show, "issuer", view.issuer);
	show_time(show, "this_update", view.this_update);
	show_time(show, "next_update", view.next_update);
	show_oid(show, "signature_algorithm", view.signature_algorithm);
	reader = view.revoked;
	while ((found = crl_view_next(&reader, &serial, &date, err)) > 0) {
		struct show child;

		if (count++ >= SHOW_SERIALS_MAX)
			continue;
		child = show_open(show);
		show_hex(&child, "serial", serial.data, serial.size);
		show_time(&child, "revoked", date);
		show_close_in(show, list, &child);
	}
	show_number(show, "revoked_count", count);
	show_add(show, "revoked", list);
	show_extensions(show, view.extensions, view.extension_count);
	return found;
}

/* ------------------------------------------------------------------------------------------------------- PEM */

/* Every block with this label; those above the limit are counted only. */
static int add_blocks(struct show *show, const char *label, const void *data, size_t size, json_t *list,
		      struct err *err)
{
	struct pem_reader reader = {.text = data, .size = size, .explanatory_text = true};
	scoped(buf_done) struct buf der = BUF_INIT(SHOW_SIZE_MAX);
	size_t count = 0;
	int found;

	while ((found = pem_next(&reader, label, &der, err)) > 0) {
		struct show child = {.object = NULL};
		struct err failed = ERR_INIT;

		if (count++ >= SHOW_CERTIFICATES_MAX)
			continue;
		child = show_open(show);
		if ((strcmp(label, PEM_CRL) == 0 ? show_crl : show_certificate)(&child, der.data, der.size, &failed) <
		    0)
			show_text(&child, "unreadable", failed.text);
		show_close_in(show, list, &child);
	}
	if (found == 0 && count > SHOW_CERTIFICATES_MAX)
		show_number(show, "not_shown", (int64_t)(count - SHOW_CERTIFICATES_MAX));
	if (found == 0 && count == 0)
		return err_set(err, ERR_INVALID, "no block '%s'", label);
	return found;
}

int show_pem(struct show *show, const void *data, size_t size, struct err *err)
{
	static const char crl_begin[] = "-----BEGIN " PEM_CRL;
	const bool is_crl = size >= strlen(crl_begin) && memcmp(data, crl_begin, strlen(crl_begin)) == 0;
	json_t *list = json_array();

	if (add_blocks(show, is_crl ? PEM_CRL : PEM_CERTIFICATE, data, size, list, err) < 0) {
		json_decref(list);
		return -1;
	}
	show_add(show, is_crl ? "crls" : "certificates", list);
	return 0;
}

void show_chain(struct show *show, const char *name, const void *data, size_t size)
{
	json_t *list = json_array();
	struct err err = ERR_INIT;

	if (add_blocks(show, PEM_CERTIFICATE, data, size, list, &err) < 0)
		show_text(show, "cert_data_unreadable", err.text);
	show_add(show, name, list);
}
