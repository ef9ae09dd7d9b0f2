/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "crypto/crl_parse.h"
#include "crypto/pck_extension.h"
#include "crypto/x509_parse.h"
#include "format/pem.h"
#include "format/qe_identity.h"
#include "format/tcb_info.h"
#include "tee/sim_pki.h"

#define NOW 1795312800 /* 2026-11-22T02:00:00Z */

static struct sim_pki *sound;

static int set_up(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(sim_pki_new(NULL, NOW, &sound, &err), &err);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	sim_pki_free(sound);
	return 0;
}

static struct x509_cert *read_cert(const struct sim_pki *pki, enum sim_cert which)
{
	const struct buf *der = sim_pki_cert(pki, which);
	struct x509_cert *cert = NULL;
	struct err err = ERR_INIT;

	assert_ok(x509_parse(der->data, der->size, &cert, &err), &err);
	return cert;
}

static void names_are_those_verifiers_look_for(void **state)
{
	static const char *const parts[SIM_CERT_COUNT] = {
	    [SIM_CERT_ROOT] = "SGX Root CA",
	    [SIM_CERT_PLATFORM_CA] = "SGX PCK Platform CA",
	    [SIM_CERT_TCB_SIGNER] = "SGX TCB Signing",
	    [SIM_CERT_PCK] = "SGX PCK Certificate",
	};

	(void)state;
	for (enum sim_cert i = 0; i < SIM_CERT_COUNT; i++) {
		scoped(x509_cert_freep) struct x509_cert *cert = read_cert(sound, i);
		char name[X509_COMMON_NAME_SIZE];

		x509_common_name(cert, name);
		assert_non_null(strstr(name, parts[i]));
		assert_non_null(strstr(name, "Simulated"));
		assert_null(strstr(name, "Intel"));
	}
}

static void every_certificate_is_marked_and_signed(void **state)
{
	static const enum sim_cert issuers[SIM_CERT_COUNT] = {
	    [SIM_CERT_ROOT] = SIM_CERT_ROOT,
	    [SIM_CERT_PLATFORM_CA] = SIM_CERT_ROOT,
	    [SIM_CERT_TCB_SIGNER] = SIM_CERT_ROOT,
	    [SIM_CERT_PCK] = SIM_CERT_PLATFORM_CA,
	};
	struct err err = ERR_INIT;

	(void)state;
	for (enum sim_cert i = 0; i < SIM_CERT_COUNT; i++) {
		scoped(x509_cert_freep) struct x509_cert *cert = read_cert(sound, i);
		scoped(x509_cert_freep) struct x509_cert *issuer = read_cert(sound, issuers[i]);
		const struct x509_ext *marker = x509_find_extension(cert, SIM_MARKER_OID);

		assert_non_null(marker);
		assert_false(marker->critical);
		assert_int_equal(marker->value.data[0], 0x0c);
		assert_int_equal(marker->value.data[1], marker->value.size - 2);
		assert_ok(x509_verify(cert, issuer, &err), &err);
		assert_int_equal(cert->issuer.size, issuer->subject.size);
		assert_memory_equal(cert->issuer.data, issuer->subject.data, issuer->subject.size);
		assert_int_equal(cert->is_ca, i == SIM_CERT_ROOT || i == SIM_CERT_PLATFORM_CA);
		assert_int_equal(!!(cert->key_usage & X509_BIT_CERT_SIGN), cert->is_ca);
		assert_true(cert->not_before < NOW && cert->not_after > NOW);
		assert_true(cert->not_after <= issuer->not_after);
	}
}

static void the_marker_can_be_left_out(void **state)
{
	const struct sim_pki_options options = {.no_marker = true};
	scoped(sim_pki_freep) struct sim_pki *pki = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(sim_pki_new(&options, NOW, &pki, &err), &err);
	for (enum sim_cert i = 0; i < SIM_CERT_COUNT; i++) {
		scoped(x509_cert_freep) struct x509_cert *cert = read_cert(pki, i);

		assert_null(x509_find_extension(cert, SIM_MARKER_OID));
	}
}

static void read_extension(const struct sim_pki *pki, struct pck_extension *ret)
{
	scoped(x509_cert_freep) struct x509_cert *cert = read_cert(pki, SIM_CERT_PCK);
	const struct x509_ext *found = x509_find_extension(cert, PCK_EXTENSION_OID);
	struct err err = ERR_INIT;

	assert_non_null(found);
	assert_false(found->critical);
	assert_ok(pck_extension_parse(found->value, ret, &err), &err);
}

static void pck_extension_says_what_the_platform_is(void **state)
{
	const struct sim_platform *platform = sim_pki_platform(sound);
	const uint8_t zeros[16] = {0};
	struct pck_extension extension;

	(void)state;
	read_extension(sound, &extension);
	assert_true(extension.has_platform);
	assert_true(extension.smt_enabled);
	assert_int_equal(extension.sgx_type, 1);
	assert_int_equal(extension.pcesvn, platform->pcesvn);
	assert_memory_equal(extension.ppid, platform->ppid, sizeof(platform->ppid));
	assert_memory_not_equal(extension.ppid, zeros, sizeof(zeros));
	assert_memory_equal(extension.components, platform->components, sizeof(platform->components));
	assert_memory_equal(extension.cpusvn, platform->cpusvn, sizeof(platform->cpusvn));
	assert_memory_equal(extension.fmspc, "SIM\0\0\1", 6);
}

static void numbers_take_the_shortest_form(void **state)
{
	struct sim_pki_options options = {.own_platform = true};
	scoped(sim_pki_freep) struct sim_pki *pki = NULL;
	struct pck_extension extension;
	struct err err = ERR_INIT;

	(void)state;
	options.platform = (struct sim_platform){.processor_ca = true, .pcesvn = 65535};
	memcpy(options.platform.components, ((uint8_t[]){0, 1, 127, 128, 255}), 5);
	assert_ok(sim_pki_new(&options, NOW, &pki, &err), &err);
	read_extension(pki, &extension); /* refuses other than the shortest */
	assert_false(extension.has_platform);
	assert_int_equal(extension.pcesvn, 65535);
	assert_memory_equal(extension.components, options.platform.components, SIM_COMPONENT_COUNT);
}

static struct signed_json read_item(const struct sim_pki *pki, enum sim_item item, const char *name)
{
	const struct buf *text = sim_pki_item(pki, item);
	scoped(x509_cert_freep) struct x509_cert *signer = read_cert(pki, SIM_CERT_TCB_SIGNER);
	struct signed_json result;
	struct err err = ERR_INIT;

	assert_ok(signed_json_parse(text->data, text->size, name, &result, &err), &err);
	assert_ok(p256_verify_raw(signer->point, result.signed_data, result.signed_size, result.signature, &err), &err);
	return result;
}

static void tcb_info_is_signed_and_fits_the_platform(void **state)
{
	scoped(signed_json_done) struct signed_json item = read_item(sound, SIM_ITEM_TCB_INFO, "tcbInfo");
	scoped(tcb_info_freep) struct tcb_info *info = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(tcb_info_parse(item.body, &info, &err), &err);
	assert_int_equal(info->id, TCB_INFO_SGX);
	assert_int_equal(info->issue_date, NOW - SIM_BACKDATE_SECONDS);
	assert_int_equal(info->next_update, NOW + SIM_COLLATERAL_DAYS * 86400);
	assert_memory_equal(info->fmspc, sim_pki_platform(sound)->fmspc, 6);
	assert_int_equal(info->level_count, 2);
	assert_memory_equal(info->levels[0].components, sim_pki_platform(sound)->components, SIM_COMPONENT_COUNT);
	assert_int_equal(info->levels[0].status, TCB_STATUS_UP_TO_DATE);
}

static void qe_identity_is_signed(void **state)
{
	scoped(signed_json_done) struct signed_json item = read_item(sound, SIM_ITEM_QE_IDENTITY, "enclaveIdentity");
	scoped(qe_identity_freep) struct qe_identity *identity = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(qe_identity_parse(item.body, &identity, &err), &err);
	assert_int_equal(identity->id, QE_IDENTITY_QE);
	assert_int_equal(identity->next_update, NOW + SIM_COLLATERAL_DAYS * 86400);
	assert_int_equal(identity->levels.count, 2);
	assert_int_equal(identity->levels.items[0].status, TCB_STATUS_UP_TO_DATE);
}

static struct x509_crl *read_crl(const struct sim_pki *pki, enum sim_item item, enum sim_cert issuer)
{
	scoped(x509_cert_freep) struct x509_cert *cert = read_cert(pki, issuer);
	const struct buf *der = sim_pki_item(pki, item);
	struct x509_crl *crl = NULL;
	struct err err = ERR_INIT;

	assert_ok(crl_parse(der->data, der->size, &crl, &err), &err);
	assert_ok(crl_verify(crl, cert, &err), &err);
	assert_ok(crl_read_entries(crl, &err), &err);
	return crl;
}

static bool is_listed(const struct sim_pki *pki, enum sim_item item, enum sim_cert issuer, enum sim_cert which)
{
	scoped(x509_crl_freep) struct x509_crl *crl = read_crl(pki, item, issuer);
	scoped(x509_cert_freep) struct x509_cert *cert = read_cert(pki, which);

	return crl_is_revoked(crl, cert->serial);
}

static void revocation_lists_what_is_revoked(void **state)
{
	const struct sim_pki_options options = {
	    .revoke_pck = true, .revoke_platform_ca = true, .revoke_tcb_signer = true};
	scoped(sim_pki_freep) struct sim_pki *pki = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(sim_pki_new(&options, NOW, &pki, &err), &err);
	assert_true(is_listed(pki, SIM_ITEM_PCK_CRL, SIM_CERT_PLATFORM_CA, SIM_CERT_PCK));
	assert_true(is_listed(pki, SIM_ITEM_ROOT_CRL, SIM_CERT_ROOT, SIM_CERT_PLATFORM_CA));
	assert_true(is_listed(pki, SIM_ITEM_ROOT_CRL, SIM_CERT_ROOT, SIM_CERT_TCB_SIGNER));
	assert_false(is_listed(pki, SIM_ITEM_ROOT_CRL, SIM_CERT_ROOT, SIM_CERT_PCK));
	assert_false(is_listed(sound, SIM_ITEM_PCK_CRL, SIM_CERT_PLATFORM_CA, SIM_CERT_PCK));
	assert_false(is_listed(sound, SIM_ITEM_ROOT_CRL, SIM_CERT_ROOT, SIM_CERT_PLATFORM_CA));
}

static void not_a_ca(enum sim_cert which, struct x509_spec *spec, void *arg)
{
	(void)arg;
	if (which == SIM_CERT_PLATFORM_CA) {
		spec->is_ca = false;
		spec->not_after = NOW;
	}
}

static void later(enum sim_item which, struct crl_spec *spec, void *arg)
{
	(void)arg;
	if (which == SIM_ITEM_ROOT_CRL)
		spec->this_update = NOW + 5;
}

static void wrong_things_can_be_asked_for(void **state)
{
	const struct sim_pki_options options = {
	    .edit_cert = not_a_ca,
	    .edit_crl = later,
	    .item_dates[SIM_ITEM_PCK_CRL] = {NOW - 10, NOW - 1},
	    .item_dates[SIM_ITEM_TCB_INFO] = {NOW - 20, NOW - 2},
	    .tcb_levels = {{.pcesvn = 9, .status = "Revoked", .date = "2026-01-01T00:00:00Z", .advisory = "A-1"}},
	    .tcb_level_count = 1,
	    .qe_identity_body = "{\"id\":\"nonsense\"}",
	    .pck_crl_of_root = true,
	};
	scoped(sim_pki_freep) struct sim_pki *pki = NULL;
	scoped(tcb_info_freep) struct tcb_info *info = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(sim_pki_new(&options, NOW, &pki, &err), &err);
	scoped(x509_cert_freep) struct x509_cert *ca = read_cert(pki, SIM_CERT_PLATFORM_CA);
	assert_false(ca->is_ca);
	assert_int_equal(ca->not_after, NOW);
	scoped(x509_crl_freep) struct x509_crl *root_crl = read_crl(pki, SIM_ITEM_ROOT_CRL, SIM_CERT_ROOT);
	assert_int_equal(root_crl->this_update, NOW + 5);
	scoped(x509_crl_freep) struct x509_crl *pck_crl = read_crl(pki, SIM_ITEM_PCK_CRL, SIM_CERT_ROOT);
	assert_int_equal(pck_crl->next_update, NOW - 1);
	scoped(signed_json_done) struct signed_json tcb = read_item(pki, SIM_ITEM_TCB_INFO, "tcbInfo");
	assert_ok(tcb_info_parse(tcb.body, &info, &err), &err);
	assert_int_equal(info->level_count, 1);
	assert_int_equal(info->levels[0].status, TCB_STATUS_REVOKED);
	assert_int_equal(info->next_update, NOW - 2);
	assert_int_equal(info->levels[0].advisories.count, 1);
	scoped(signed_json_done) struct signed_json qe = read_item(pki, SIM_ITEM_QE_IDENTITY, "enclaveIdentity");
	assert_int_equal(qe.signed_size, strlen(options.qe_identity_body));
}

static void refreshing_keeps_everything_but_the_dates(void **state)
{
	scoped(sim_pki_freep) struct sim_pki *pki = NULL;
	scoped(tcb_info_freep) struct tcb_info *info = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(sim_pki_new(NULL, NOW, &pki, &err), &err);
	assert_ok(sim_pki_refresh(pki, NOW + 20 * 86400, &err), &err);
	scoped(signed_json_done) struct signed_json item = read_item(pki, SIM_ITEM_TCB_INFO, "tcbInfo");
	assert_ok(tcb_info_parse(item.body, &info, &err), &err);
	assert_int_equal(info->next_update, NOW + 50 * 86400);
	scoped(x509_crl_freep) struct x509_crl *crl = read_crl(pki, SIM_ITEM_PCK_CRL, SIM_CERT_PLATFORM_CA);
	assert_int_equal(crl->next_update, NOW + 50 * 86400);
}

static void another_machine_shares_only_the_authorities(void **state)
{
	scoped(sim_pki_freep) struct sim_pki *other = NULL;
	uint8_t points[2][P256_POINT_SIZE];
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(sim_pki_new_machine(sound, NOW, &other, &err), &err);
	assert_memory_equal(sim_pki_cert(other, SIM_CERT_ROOT)->data, sim_pki_cert(sound, SIM_CERT_ROOT)->data,
			    sim_pki_cert(sound, SIM_CERT_ROOT)->size);
	assert_memory_not_equal(sim_pki_platform(other)->ppid, sim_pki_platform(sound)->ppid, 16);
	p256_point(sim_pki_attestation_key(sound), points[0]);
	p256_point(sim_pki_attestation_key(other), points[1]);
	assert_memory_not_equal(points[0], points[1], P256_POINT_SIZE);
	scoped(x509_cert_freep) struct x509_cert *leaf = read_cert(other, SIM_CERT_PCK);
	scoped(x509_cert_freep) struct x509_cert *ca = read_cert(sound, SIM_CERT_PLATFORM_CA);
	assert_ok(x509_verify(leaf, ca, &err), &err);
}

static void chains_are_leaf_first(void **state)
{
	static const enum sim_cert wanted[] = {SIM_CERT_PCK, SIM_CERT_PLATFORM_CA, SIM_CERT_ROOT};
	scoped(buf_done) struct buf pem = BUF_INIT(SIM_CHAIN_SIZE_MAX);
	scoped(buf_done) struct buf der = BUF_INIT(X509_DER_SIZE_MAX);
	struct pem_reader reader;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(sim_pki_chain_pem(sound, SIM_CERT_PCK, &pem, &err), &err);
	reader = (struct pem_reader){.text = buf_text(&pem), .size = pem.size};
	for (size_t i = 0; i < COUNT_OF(wanted); i++) {
		assert_int_equal(pem_next(&reader, PEM_CERTIFICATE, &der, &err), 1);
		assert_int_equal(der.size, sim_pki_cert(sound, wanted[i])->size);
		assert_memory_equal(der.data, sim_pki_cert(sound, wanted[i])->data, der.size);
	}
	assert_int_equal(pem_next(&reader, PEM_CERTIFICATE, &der, &err), 0);
}

static char *temp_dir(void)
{
	char *dir = NULL;
	struct err err = ERR_INIT;

	assert_ok(fs_make_temp_dir("/tmp", "mse-test-sim-pki-", &dir, &err), &err);
	return dir;
}

static void files_hold_what_each_part_needs(void **state)
{
	scoped(freep) char *dir = temp_dir();
	scoped(freep) char *key_path = NULL;
	scoped(sim_pki_freep) struct sim_pki *public_part = NULL;
	scoped(sim_pki_freep) struct sim_pki *machine = NULL;
	char fmspc[SIM_FMSPC_TEXT_SIZE];
	struct stat status;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(sim_pki_create(dir, NOW, &err), &err);
	assert_fails(sim_pki_create(dir, NOW, &err), &err, ERR_CONFLICT, "root.pem");
	assert_ok(fs_join(dir, "pck.key", &key_path, &err), &err);
	assert_int_equal(stat(key_path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_ok(sim_pki_load(dir, SIM_PKI_MACHINE, &machine, &err), &err);
	assert_non_null(sim_pki_key(machine, SIM_CERT_PCK));
	assert_non_null(sim_pki_attestation_key(machine));
	assert_null(sim_pki_key(machine, SIM_CERT_ROOT));
	assert_ok(fs_remove_tree(key_path, &err), &err);
	assert_ok(sim_pki_load(dir, SIM_PKI_PUBLIC, &public_part, &err), &err);
	assert_null(sim_pki_key(public_part, SIM_CERT_PCK));
	assert_null(sim_pki_attestation_key(public_part));
	assert_memory_equal(sim_pki_platform(public_part)->ppid, sim_pki_platform(machine)->ppid, 16);
	assert_int_equal(sim_pki_platform(public_part)->pcesvn, 2);
	sim_pki_fmspc(public_part, fmspc);
	assert_string_equal(fmspc, "53494D000001");
	assert_ok(fs_remove_tree(dir, &err), &err);
}

static void refreshing_a_directory_replaces_collateral_only(void **state)
{
	scoped(freep) char *dir = temp_dir();
	scoped(sim_pki_freep) struct sim_pki *before = NULL;
	scoped(sim_pki_freep) struct sim_pki *after = NULL;
	scoped(tcb_info_freep) struct tcb_info *info = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(sim_pki_create(dir, NOW, &err), &err);
	assert_ok(sim_pki_load(dir, SIM_PKI_PUBLIC, &before, &err), &err);
	assert_ok(sim_pki_refresh_dir(dir, NOW + 86400, &err), &err);
	assert_ok(sim_pki_load(dir, SIM_PKI_PUBLIC, &after, &err), &err);
	assert_memory_equal(sim_pki_cert(before, SIM_CERT_ROOT)->data, sim_pki_cert(after, SIM_CERT_ROOT)->data,
			    sim_pki_cert(after, SIM_CERT_ROOT)->size);
	scoped(signed_json_done) struct signed_json item = read_item(after, SIM_ITEM_TCB_INFO, "tcbInfo");
	assert_ok(tcb_info_parse(item.body, &info, &err), &err);
	assert_int_equal(info->next_update, NOW + 31 * 86400);
	assert_ok(fs_remove_tree(dir, &err), &err);
}

static void files_of_two_pkis_do_not_mix(void **state)
{
	scoped(freep) char *dir = temp_dir();
	scoped(freep) char *path = NULL;
	scoped(secret_done) struct secret pem = SECRET_INIT;
	scoped(sim_pki_freep) struct sim_pki *pki = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(sim_pki_create(dir, NOW, &err), &err);
	assert_ok(p256_save_pem(sim_pki_key(sound, SIM_CERT_PCK), &pem, &err), &err);
	assert_ok(fs_join(dir, "pck.key", &path, &err), &err);
	assert_ok(fs_write_atomic(path, pem.data, pem.size, 0600, &err), &err);
	assert_fails(sim_pki_load(dir, SIM_PKI_MACHINE, &pki, &err), &err, ERR_INVALID, "do not belong together");
	assert_ok(fs_remove_tree(dir, &err), &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_are_those_verifiers_look_for),
	    cmocka_unit_test(every_certificate_is_marked_and_signed),
	    cmocka_unit_test(the_marker_can_be_left_out),
	    cmocka_unit_test(pck_extension_says_what_the_platform_is),
	    cmocka_unit_test(numbers_take_the_shortest_form),
	    cmocka_unit_test(tcb_info_is_signed_and_fits_the_platform),
	    cmocka_unit_test(qe_identity_is_signed),
	    cmocka_unit_test(revocation_lists_what_is_revoked),
	    cmocka_unit_test(wrong_things_can_be_asked_for),
	    cmocka_unit_test(refreshing_keeps_everything_but_the_dates),
	    cmocka_unit_test(another_machine_shares_only_the_authorities),
	    cmocka_unit_test(chains_are_leaf_first),
	    cmocka_unit_test(files_hold_what_each_part_needs),
	    cmocka_unit_test(refreshing_a_directory_replaces_collateral_only),
	    cmocka_unit_test(files_of_two_pkis_do_not_mix),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
