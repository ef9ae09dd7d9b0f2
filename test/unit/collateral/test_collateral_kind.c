/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "collateral/kind.h"

static const uint8_t chip[COLLATERAL_CHIP_ID_MAX] = {0xab, 0xcd, [63] = 0x01};

static const struct collateral_wanted sound = {
    .fmspc = "00606A000000",
    .ca = "platform",
    .product = "Milan",
    .chip_id = chip,
    .chip_id_size = sizeof(chip),
    .tcb = {3, 0, 9, 9, 9, 9, 20, 209},
};

static struct collateral_place place_at(enum collateral_service service, const char *url)
{
	struct collateral_place place;
	struct err err = ERR_INIT;

	assert_ok(collateral_place_init(service, url, &place, &err), &err);
	return place;
}

static void check_url(const struct collateral_wanted *wanted, const struct collateral_place *place,
		      const char *expected)
{
	scoped(buf_done) struct buf url = BUF_INIT(COLLATERAL_URL_MAX);
	struct err err = ERR_INIT;

	assert_ok(collateral_url_format(wanted, place, &url, &err), &err);
	assert_string_equal(buf_text(&url), expected);
}

static void check_refused(const struct collateral_wanted *wanted, const struct collateral_place *place,
			  enum err_code code)
{
	scoped(buf_done) struct buf url = BUF_INIT(COLLATERAL_URL_MAX);
	struct err err = ERR_INIT;

	assert_int_equal(collateral_url_format(wanted, place, &url, &err), -1);
	assert_int_equal(err.code, code);
}

static void test_the_vendors_own_addresses(void **state)
{
	const struct collateral_place pcs = place_at(COLLATERAL_PCS, NULL);
	const struct collateral_place kds = place_at(COLLATERAL_KDS, NULL);
	static const struct {
		enum collateral_kind kind;
		const char *url;
	} rows[] = {
	    {COLLATERAL_KIND_SGX_TCB_INFO,
	     "https://api.trustedservices.intel.com/sgx/certification/v4/tcb?fmspc=00606a000000"},
	    {COLLATERAL_KIND_TDX_TCB_INFO,
	     "https://api.trustedservices.intel.com/tdx/certification/v4/tcb?fmspc=00606a000000"},
	    {COLLATERAL_KIND_QE_IDENTITY, "https://api.trustedservices.intel.com/sgx/certification/v4/qe/identity"},
	    {COLLATERAL_KIND_TD_QE_IDENTITY, "https://api.trustedservices.intel.com/tdx/certification/v4/qe/identity"},
	    {COLLATERAL_KIND_PCK_CRL,
	     "https://api.trustedservices.intel.com/sgx/certification/v4/pckcrl?ca=platform&encoding=der"},
	    {COLLATERAL_KIND_ROOT_CRL, "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der"},
	    {COLLATERAL_KIND_VCEK_CHAIN, "https://kdsintf.amd.com/vcek/v1/Milan/cert_chain"},
	    {COLLATERAL_KIND_VCEK_CRL, "https://kdsintf.amd.com/vcek/v1/Milan/crl"},
	    {COLLATERAL_KIND_VLEK_CHAIN, "https://kdsintf.amd.com/vlek/v1/Milan/cert_chain"},
	    {COLLATERAL_KIND_VLEK_CRL, "https://kdsintf.amd.com/vlek/v1/Milan/crl"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct collateral_wanted wanted = sound;

		wanted.kind = rows[i].kind;
		check_url(&wanted, collateral_kind_is_amd(wanted.kind) ? &kds : &pcs, rows[i].url);
		check_refused(&wanted, collateral_kind_is_amd(wanted.kind) ? &pcs : &kds, ERR_UNSUPPORTED);
	}
}

static void test_a_vcek_by_product(void **state)
{
	const struct collateral_place kds = place_at(COLLATERAL_KDS, "http://localhost:1/kds/");
	struct collateral_wanted wanted = sound;
	const char *start = "http://localhost:1/kds/vcek/v1/";
	char expected[COLLATERAL_URL_MAX];

	(void)state;
	wanted.kind = COLLATERAL_KIND_VCEK;
	(void)snprintf(expected, sizeof(expected), "%sMilan/abcd%0124d?blSPL=03&teeSPL=00&snpSPL=20&ucodeSPL=209",
		       start, 1);
	check_url(&wanted, &kds, expected);
	wanted.product = "Turin";
	check_url(&wanted, &kds,
		  "http://localhost:1/kds/vcek/v1/Turin/"
		  "abcd000000000000?fmcSPL=03&blSPL=00&teeSPL=09&snpSPL=09&ucodeSPL=209");
	wanted.chip_id_size = 8;
	check_url(&wanted, &kds,
		  "http://localhost:1/kds/vcek/v1/Turin/"
		  "abcd000000000000?fmcSPL=03&blSPL=00&teeSPL=09&snpSPL=09&ucodeSPL=209");
	wanted.product = "Genoa";
	check_refused(&wanted, &kds, ERR_INVALID);
}

static void test_what_cannot_be_asked_for(void **state)
{
	static const uint8_t masked[COLLATERAL_CHIP_ID_MAX] = {0};
	const struct collateral_place pccs = place_at(COLLATERAL_PCCS, "https://pccs.example");
	const struct collateral_place kds = place_at(COLLATERAL_KDS, NULL);
	static const char *const fmspcs[] = {NULL, "", "00606a00000", "00606a0000000", "00606a00000g", "00606a&x=/.."};
	static const char *const products[] = {NULL, "", "Rome", "milan", "../Milan"};
	struct collateral_wanted wanted = sound;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(fmspcs); i++) {
		wanted.fmspc = fmspcs[i];
		check_refused(&wanted, &pccs, ERR_INVALID);
	}
	wanted.kind = COLLATERAL_KIND_PCK_CRL;
	wanted.ca = "Platform";
	check_refused(&wanted, &pccs, ERR_INVALID);
	wanted.kind = COLLATERAL_KIND_VCEK;
	wanted.chip_id = masked;
	check_refused(&wanted, &kds, ERR_INVALID);
	wanted.chip_id = NULL;
	check_refused(&wanted, &kds, ERR_INVALID);
	for (size_t i = 0; i < COUNT_OF(products); i++) {
		wanted.product = products[i];
		check_refused(&wanted, &kds, ERR_UNSUPPORTED);
	}
}

static void test_versions_of_the_api(void **state)
{
	struct collateral_place place = place_at(COLLATERAL_PCCS, "https://pccs.example:8081/sgx/certification/v3/");
	struct collateral_wanted wanted = sound;

	(void)state;
	assert_int_equal(place.api, 3);
	check_url(&wanted, &place, "https://pccs.example:8081/sgx/certification/v3/tcb?fmspc=00606a000000");
	wanted.kind = COLLATERAL_KIND_ROOT_CRL;
	check_url(&wanted, &place, "https://pccs.example:8081/sgx/certification/v3/rootcacrl");
	wanted.kind = COLLATERAL_KIND_TDX_TCB_INFO;
	check_refused(&wanted, &place, ERR_UNSUPPORTED);
	assert_int_equal(place_at(COLLATERAL_PCCS, "https://pccs.example/folder").api, 4);
	assert_string_equal(place_at(COLLATERAL_PCCS, "https://pccs.example/folder//").url,
			    "https://pccs.example/folder");
}

static void test_no_address(void **state)
{
	static const char *const urls[] = {"", "x", "https://", "https://a/?b", "https://a/{ca}", "file:///etc/passwd"};
	struct collateral_place place;
	struct err err = ERR_INIT;
	char longest[COLLATERAL_URL_MAX + 1];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(urls); i++)
		assert_int_equal(collateral_place_init(COLLATERAL_PCCS, urls[i], &place, &err), -1);
	assert_int_equal(collateral_place_init(COLLATERAL_PCCS, NULL, &place, &err), -1);
	memset(longest, 'a', sizeof(longest));
	memcpy(longest, "http://a/", 9);
	longest[COLLATERAL_URL_MAX] = '\0';
	assert_int_equal(collateral_place_init(COLLATERAL_PCCS, longest, &place, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	longest[COLLATERAL_URL_MAX - 1] = '\0';
	assert_ok(collateral_place_init(COLLATERAL_PCCS, longest, &place, &err), &err);
}

/* The key of the cache: no two things have one, and a thing has one however it was spelt. */
static void test_names_tell_items_apart(void **state)
{
	const struct collateral_place one = place_at(COLLATERAL_PCCS, "https://one.example");
	const struct collateral_place two = place_at(COLLATERAL_PCCS, "https://two.example");
	struct collateral_wanted wanted = sound;
	scoped(buf_done) struct buf a = BUF_INIT(COLLATERAL_NAME_MAX);
	scoped(buf_done) struct buf b = BUF_INIT(COLLATERAL_NAME_MAX);
	scoped(buf_done) struct buf c = BUF_INIT(COLLATERAL_NAME_MAX);
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(collateral_name_format(&wanted, &one, &a, &err), &err);
	wanted.fmspc = "00606a000000";
	assert_ok(collateral_name_format(&wanted, &one, &b, &err), &err);
	assert_ok(collateral_name_format(&wanted, &two, &c, &err), &err);
	assert_string_equal(buf_text(&a), buf_text(&b));
	assert_string_not_equal(buf_text(&a), buf_text(&c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_vendors_own_addresses),
	    cmocka_unit_test(test_a_vcek_by_product),
	    cmocka_unit_test(test_what_cannot_be_asked_for),
	    cmocka_unit_test(test_versions_of_the_api),
	    cmocka_unit_test(test_no_address),
	    cmocka_unit_test(test_names_tell_items_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
