/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/crl_parse.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/amd_key.h"
#include "crypto/p256.h"
#include "crypto/x509_amd.h"

#define VERSION_2 1
#define DEPTH_MAX 16
#define EXTENSIONS_MAX 16
#define OID_CRL_NUMBER "2.5.29.20"
#define OID_DELTA "2.5.29.27"
#define OID_DISTRIBUTION_POINT "2.5.29.28"
#define OID_CERTIFICATE_ISSUER "2.5.29.29"
#define OID_AUTHORITY_KEY "2.5.29.35"
#define ENTRY_SIZE_MIN 20 /* SEQUENCE of an INTEGER of one byte and a UTCTime */

struct crl_index {
	size_t count;
	struct der serials[];
};

/* Entry extensions say why and since when; but whose certificate it is, the list's issuer alone says. */
static int check_entry_extensions(struct der list, struct err *err)
{
	while (list.size > 0) {
		struct x509_ext extension;

		if (x509_take_extension(&list, &extension, err) < 0)
			return err_prefix(err, "revoked entry");
		if (extension.critical)
			return err_set(err, ERR_INVALID, "revoked entry: unknown critical extension");
		if (der_oid_is(extension.oid, OID_CERTIFICATE_ISSUER))
			return err_set(err, ERR_INVALID, "revoked entry: of another issuer, so an indirect CRL");
	}
	return 0;
}

static int take_entry(struct der *list, struct der *ret_serial, struct err *err)
{
	struct der entry, extensions;
	int64_t date;

	if (der_take(list, DER_SEQUENCE, "revoked entry", &entry, err) < 0 ||
	    der_take_unsigned(&entry, "revoked serial", ret_serial, err) < 0 ||
	    der_take_time(&entry, "revocation date", &date, err) < 0)
		return -1;
	if (entry.size == 0)
		return 0;
	if (der_take(&entry, DER_SEQUENCE, "revoked entry", &extensions, err) < 0 ||
	    der_end(&entry, "revoked entry", err) < 0)
		return -1;
	return check_entry_extensions(extensions, err);
}

/* By length, then by bytes: there are no leading zeros. */
static int compare_serials(const void *a, const void *b)
{
	const struct der *left = a;
	const struct der *right = b;

	if (left->size != right->size)
		return left->size < right->size ? -1 : 1;
	return memcmp(left->data, right->data, left->size);
}

static int read_index(struct der list, struct crl_index **ret, struct err *err)
{
	scoped(freep) struct crl_index *index = NULL;

	index = malloc(sizeof(*index) + list.size / ENTRY_SIZE_MIN * sizeof(index->serials[0]));
	if (!index)
		return err_no_memory(err);
	index->count = 0;
	while (list.size > 0) {
		struct der serial;

		/* Only a whole entry is known to have its place: a shorter one may lie behind the last. */
		if (take_entry(&list, &serial, err) < 0)
			return -1;
		index->serials[index->count++] = serial;
	}
	qsort(index->serials, index->count, sizeof(index->serials[0]), compare_serials);
	*ret = TAKE_PTR(index);
	return 0;
}

int crl_read_entries(const struct x509_crl *crl, struct err *err)
{
	struct crl_index *index = NULL;
	struct crl_index *none = NULL;

	if (atomic_load(crl->index))
		return 0;
	if (read_index(crl->entries, &index, err) < 0)
		return -1;
	if (!atomic_compare_exchange_strong(crl->index, &none, index))
		free(index); /* another thread was sooner */
	return 0;
}

static int take_entries(struct der *tbs, struct x509_crl *crl, struct err *err)
{
	if (!der_is_next(tbs, DER_SEQUENCE))
		return 0;
	return der_take(tbs, DER_SEQUENCE, "revokedCertificates", &crl->entries, err);
}

static int check_authority_key(struct der value, struct err *err)
{
	struct der body;

	if (der_take(&value, DER_SEQUENCE, "authority key identifier", &body, err) < 0 ||
	    der_end(&value, "authority key identifier", err) < 0)
		return -1;
	if (!der_is_next(&body, DER_CONTEXT(0)))
		return err_set(err, ERR_INVALID, "authority key identifier has no key identifier");
	return 0;
}

static int check_number(struct der value, struct err *err)
{
	struct der number;

	if (der_take_unsigned(&value, "CRL number", &number, err) < 0)
		return -1;
	return der_end(&value, "CRL number", err);
}

struct seen {
	bool number;
	bool authority;
};

static int check_extension(const struct x509_ext *extension, struct seen *seen, struct err *err)
{
	bool *which = NULL;
	int result = 0;

	if (der_oid_is(extension->oid, OID_DELTA))
		return err_set(err, ERR_INVALID, "a delta CRL");
	/* Critical by its standard, which not every issuer keeps: such a list is not of all that was revoked. */
	if (der_oid_is(extension->oid, OID_DISTRIBUTION_POINT))
		return err_set(err, ERR_INVALID, "a partial or indirect CRL (issuing distribution point)");
	if (extension->critical)
		return err_set(err, ERR_INVALID, "unknown critical CRL extension");
	if (der_oid_is(extension->oid, OID_CRL_NUMBER)) {
		which = &seen->number;
		result = check_number(extension->value, err);
	} else if (der_oid_is(extension->oid, OID_AUTHORITY_KEY)) {
		which = &seen->authority;
		result = check_authority_key(extension->value, err);
	}
	if (which && *which)
		return err_set(err, ERR_INVALID, "CRL extension appears twice");
	if (which)
		*which = true;
	return result;
}

static int parse_extensions(struct der *tbs, struct err *err)
{
	struct seen seen = {0};
	struct der outer, list;
	size_t count = 0;

	if (der_take(tbs, DER_CONTEXT_CONSTRUCTED(0), "CRL extensions", &outer, err) < 0 ||
	    der_take(&outer, DER_SEQUENCE, "CRL extensions", &list, err) < 0 ||
	    der_end(&outer, "CRL extensions", err) < 0)
		return -1;
	while (list.size > 0) {
		struct x509_ext extension;

		if (++count > EXTENSIONS_MAX)
			return err_set(err, ERR_LIMIT, "more than %d CRL extensions", EXTENSIONS_MAX);
		if (x509_take_extension(&list, &extension, err) < 0 || check_extension(&extension, &seen, err) < 0)
			return -1;
	}
	if (!seen.number || !seen.authority)
		return err_set(err, ERR_INVALID, "no %s", seen.number ? "authority key identifier" : "CRL number");
	return 0;
}

typedef int (*take_algorithm_fn)(struct der *reader, struct err *err);

static int parse_tbs(struct der tbs, take_algorithm_fn take_algorithm, struct x509_crl *crl, struct err *err)
{
	struct der content;
	int64_t version;

	if (der_take_int(&tbs, DER_INTEGER, "CRL version", VERSION_2, VERSION_2, &version, err) < 0 ||
	    take_algorithm(&tbs, err) < 0 ||
	    der_take_whole(&tbs, DER_SEQUENCE, "CRL issuer", &content, &crl->issuer, err) < 0 ||
	    der_take_time(&tbs, "thisUpdate", &crl->this_update, err) < 0 ||
	    der_take_time(&tbs, "nextUpdate", &crl->next_update, err) < 0 || take_entries(&tbs, crl, err) < 0 ||
	    parse_extensions(&tbs, err) < 0)
		return -1;
	return der_end(&tbs, "CRL", err);
}

static int parse_list(struct x509_crl *crl, take_algorithm_fn take_algorithm, struct der *ret_signature,
		      struct err *err)
{
	struct der reader = {crl->bytes, crl->size};
	struct der body, tbs;

	if (der_check(reader, DEPTH_MAX, err) < 0 || der_take(&reader, DER_SEQUENCE, "CRL", &body, err) < 0 ||
	    der_end(&reader, "CRL", err) < 0 || der_take_whole(&body, DER_SEQUENCE, "CRL", &tbs, &crl->tbs, err) < 0 ||
	    take_algorithm(&body, err) < 0 || der_take_bits(&body, "CRL signature", ret_signature, err) < 0 ||
	    der_end(&body, "CRL", err) < 0)
		return -1;
	return parse_tbs(tbs, take_algorithm, crl, err);
}

/* A list with its own copy of the bytes. */
static int crl_new(const void *der, size_t size, struct x509_crl **ret, struct err *err)
{
	scoped(x509_crl_freep) struct x509_crl *crl = NULL;

	if (size == 0 || size > CRL_PARSE_SIZE_MAX)
		return err_set(err, ERR_LIMIT, "CRL of %zu bytes, expected 1 to %u", size, CRL_PARSE_SIZE_MAX);
	crl = calloc(1, sizeof(*crl));
	if (!crl || !(crl->index = calloc(1, sizeof(*crl->index))) || !(crl->bytes = malloc(size)))
		return err_no_memory(err);
	memcpy(crl->bytes, der, size);
	crl->size = size;
	*ret = TAKE_PTR(crl);
	return 0;
}

int crl_parse(const void *der, size_t size, struct x509_crl **ret_crl, struct err *err)
{
	scoped(x509_crl_freep) struct x509_crl *crl = NULL;
	struct der signature;

	if (crl_new(der, size, &crl, err) < 0 || parse_list(crl, x509_take_algorithm, &signature, err) < 0 ||
	    der_signature_raw(signature, crl->signature, err) < 0)
		return -1;
	*ret_crl = TAKE_PTR(crl);
	return 0;
}

int crl_parse_amd(const void *der, size_t size, struct x509_crl **ret_crl, struct err *err)
{
	scoped(x509_crl_freep) struct x509_crl *crl = NULL;

	if (crl_new(der, size, &crl, err) < 0 ||
	    parse_list(crl, x509_amd_take_algorithm, &crl->amd_signature, err) < 0 ||
	    x509_amd_check_signature(crl->amd_signature, err) < 0)
		return -1;
	*ret_crl = TAKE_PTR(crl);
	return 0;
}

void x509_crl_free(struct x509_crl *crl)
{
	if (!crl)
		return;
	if (crl->index)
		free(atomic_load(crl->index));
	free(crl->index);
	free(crl->bytes);
	free(crl);
}

int crl_verify(const struct x509_crl *crl, const struct x509_cert *issuer, struct err *err)
{
	return p256_verify(issuer->key, crl->tbs.data, crl->tbs.size, crl->signature, err);
}

int crl_verify_amd(const struct x509_crl *crl, const struct x509_cert *issuer, struct err *err)
{
	return amd_key_verify_pss(issuer->amd_key, crl->tbs.data, crl->tbs.size, crl->amd_signature.data,
				  crl->amd_signature.size, err);
}

bool crl_is_revoked(const struct x509_crl *crl, struct der serial)
{
	const struct crl_index *index = atomic_load(crl->index);

	return !index || (index->count > 0 &&
			  bsearch(&serial, index->serials, index->count, sizeof(index->serials[0]), compare_serials));
}

size_t crl_revoked_count(const struct x509_crl *crl)
{
	const struct crl_index *index = atomic_load(crl->index);

	return index ? index->count : 0;
}
