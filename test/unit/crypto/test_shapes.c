/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates and lists in every wrong shape: each element of the DER, whatever it means, is given another tag, left
 * out, emptied, written twice, lengthened, changed; lengths around it are right. All of that is refused, but for the
 * places in the lists here, which nothing reads or which may differ.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "crypto/crl_parse.h"
#include "crypto/pck_extension.h"
#include "crypto/x509_parse.h"
#include "test_pki.h"

#define OID_SGX "1.2.840.113741.1.13.1"
#define OID_SAN "2.5.29.17"
#define DEPTH 16
#define PATH_SIZE 64

enum edit { RETAG, DROP, EMPTY, APPEND, TWICE, LONGER, ZERO, FLIP, EDITS };
static const char *const EDIT_NAMES[] = {"retag", "drop", "empty", "append", "twice", "longer", "zero", "flip"};

struct walk {
	size_t at, target;
	enum edit edit;
	size_t numbers[DEPTH];
	size_t depth;
	bool in_bits;
	bool was_done;
	char path[PATH_SIZE]; /* of the target */
};

typedef bool (*read_fn)(const struct buf *der);

static void add(struct buf *out, const void *data, size_t size)
{
	struct err err = ERR_INIT;

	assert_ok(buf_add(out, data, size, &err), &err);
}

static void put(struct buf *out, uint8_t tag, const struct buf *content)
{
	const uint8_t high = (uint8_t)(content->size >> 8);
	const uint8_t low = (uint8_t)content->size;

	add(out, &tag, 1);
	if (content->size >= 0x100)
		add(out, (const uint8_t[]){0x82, high, low}, 3);
	else if (content->size >= 0x80)
		add(out, (const uint8_t[]){0x81, low}, 2);
	else
		add(out, &low, 1);
	add(out, content->data, content->size);
}

static void note_path(struct walk *walk)
{
	size_t size = 0;

	for (size_t i = 0; i < walk->depth; i++)
		size += (size_t)snprintf(walk->path + size, sizeof(walk->path) - size, "%s%zu", i ? "." : "",
					 walk->numbers[i]);
}

static bool is_der(struct der bytes)
{
	struct err ignored = ERR_INIT;

	return bytes.size > 1 && der_check(bytes, 8, &ignored) == 0;
}

static void change(struct walk *walk, uint8_t tag, bool is_nested, struct buf *content, struct buf *out)
{
	static const uint8_t NUL[] = {DER_NULL, 0};

	walk->was_done = true;
	note_path(walk);
	switch (walk->edit) {
	case RETAG:
		return put(out, tag == 0x0c ? 0x13 : 0x0c, content);
	case DROP:
		return;
	case EMPTY:
		buf_clear(content);
		return put(out, tag, content);
	case APPEND:
		add(content, NUL, sizeof(NUL));
		walk->was_done = is_nested;
		return put(out, tag, content);
	case TWICE:
		put(out, tag, content);
		return put(out, tag, content);
	case LONGER:
		add(content, "", 1);
		walk->was_done = !is_nested && !walk->in_bits;
		return put(out, tag, content);
	case ZERO:
		walk->was_done = !is_nested && content->size > 0;
		if (walk->was_done)
			memset(content->data, 0, content->size);
		return put(out, tag, content);
	case FLIP:
		walk->was_done = !is_nested && !walk->in_bits && content->size > 0;
		if (walk->was_done)
			content->data[0] ^= 0x88; /* negative, not ASCII, too many unused bits */
		return put(out, tag, content);
	case EDITS:
		break;
	}
	fail();
}

static void copy(struct walk *walk, struct der list, struct buf *out);

static void copy_one(struct walk *walk, uint8_t tag, struct der content, struct buf *out)
{
	const bool is_target = walk->at++ == walk->target;
	const bool is_bits = tag == DER_BIT_STRING && content.size > 2 && content.data[0] == 0 &&
			     content.data[1] == 0x30 && is_der((struct der){content.data + 1, content.size - 1});
	const bool is_nested = tag & 0x20 || is_bits ||
			       (tag == DER_OCTET_STRING && content.size > 0 &&
				memchr("\x02\x03\x0a\x30", content.data[0], 4) && is_der(content));
	const bool was_in_bits = walk->in_bits;
	struct buf inner = BUF_INIT(1u << 20);

	walk->in_bits |= tag == DER_BIT_STRING;
	if (is_bits)
		add(&inner, "", 1);
	if (is_nested)
		copy(walk, (struct der){content.data + is_bits, content.size - is_bits}, &inner);
	else
		add(&inner, content.data, content.size);
	walk->in_bits = was_in_bits;
	if (is_target)
		change(walk, tag, is_nested, &inner, out);
	else
		put(out, tag, &inner);
	buf_done(&inner);
}

static void copy(struct walk *walk, struct der list, struct buf *out)
{
	const size_t depth = walk->depth++;

	assert_true(depth < DEPTH);
	for (walk->numbers[depth] = 0; list.size > 0; walk->numbers[depth]++) {
		struct err err = ERR_INIT;
		struct der content;
		uint8_t tag;

		assert_ok(der_next(&list, &tag, &content, NULL, &err), &err);
		copy_one(walk, tag, content, out);
	}
	walk->depth--;
}

/* ---- readers ---- */

static bool read_names(const struct x509_ext *san)
{
	struct err err = ERR_INIT;
	char name[X509_SAN_TEXT_SIZE];
	struct der reader;
	int found;

	if (!san)
		return true;
	if (x509_san_open(san, &reader, &err) < 0)
		return false;
	while ((found = x509_san_next(&reader, name, &err)) > 0)
		;
	return found == 0;
}

static bool read_certificate(const struct buf *der)
{
	static const char *const KNOWN[] = {X509_OID_BASIC_CONSTRAINTS, X509_OID_KEY_USAGE, NULL};
	struct x509_cert *cert = NULL;
	struct pck_extension pck;
	struct err err = ERR_INIT;
	const struct x509_ext *sgx;
	bool is_good;

	if (x509_parse(der->data, der->size, &cert, &err) < 0)
		return false;
	sgx = x509_find_extension(cert, OID_SGX);
	is_good = x509_check_critical(cert, KNOWN, &err) == 0 &&
		  (!sgx || pck_extension_parse(sgx->value, &pck, &err) == 0) &&
		  read_names(x509_find_extension(cert, OID_SAN));
	x509_cert_free(cert);
	return is_good;
}

static bool read_list(const struct buf *der)
{
	struct x509_crl *crl = NULL;
	struct err err = ERR_INIT;
	const bool is_good = crl_parse(der->data, der->size, &crl, &err) == 0 && crl_read_entries(crl, &err) == 0;

	x509_crl_free(crl);
	return is_good;
}

/* ---- the walk ---- */

/* Of the accepted places "PATH EDIT", or "PATH*": whatever is done within. */
static bool is_listed(const char *const *accepted, const char *path, const char *edit)
{
	char text[PATH_SIZE + 16];

	(void)snprintf(text, sizeof(text), "%s %s", path, edit);
	for (; *accepted; accepted++) {
		const size_t size = strlen(*accepted);

		if (strcmp(*accepted, text) == 0 ||
		    ((*accepted)[size - 1] == '*' && strncmp(*accepted, path, size - 1) == 0))
			return true;
	}
	return false;
}

static void edit_all(const struct buf *der, read_fn read, const char *const *accepted)
{
	size_t wrong = 0, done = 0;

	assert_true(read(der));
	for (size_t target = 0; target < 400; target++) {
		for (enum edit edit = 0; edit < EDITS; edit++) {
			struct walk walk = {.target = target, .edit = edit};
			struct buf out = BUF_INIT(1u << 20);

			copy(&walk, (struct der){der->data, der->size}, &out);
			done += walk.was_done;
			if (walk.was_done && read(&out) != is_listed(accepted, walk.path, EDIT_NAMES[edit])) {
				print_error("\"%s %s\",\n", walk.path, EDIT_NAMES[edit]);
				wrong++;
			}
			buf_done(&out);
		}
	}
	assert_true(done > 100);
	assert_int_equal(wrong, 0);
}

static const struct test_cert NEW_CERT = {.name = "Leaf",
					  .issuer_name = "CA",
					  .serial = 5,
					  .not_before = TEST_TIME,
					  .not_after = TEST_TIME + TEST_DAY,
					  .path_length = -1,
					  .key_usage = 0xc0,
					  .key = TEST_KEY_PCK,
					  .issuer_key = TEST_KEY_CA};

static void test_ca(void **state)
{
	static const char *const ACCEPTED[] = {"0.0.1 longer",
					       "0.0.1 zero", /* the serial's number */
					       "0.0.3 empty",
					       "0.0.3 append",
					       "0.0.3.*",
					       "0.0.5 empty",
					       "0.0.5 append",
					       "0.0.5.*", /* names are bytes */
					       "0.0.7 drop",
					       "0.0.7.0 empty",
					       "0.0.7.0.0 drop",
					       "0.0.7.0.1 drop", /* extensions, of which judges want some */
					       "0.0.7.0.0.1 drop",
					       "0.0.7.0.1.1 drop", /* not critical */
					       "0.0.7.0.0.2.0 empty",
					       "0.0.7.0.0.2.0.1 drop",
					       "0.0.7.0.0.2.0.1 zero", /* no CA; path length */
					       "0.0.7.0.1.2.0 longer",
					       "0.0.7.0.1.2.0 zero", /* key usage */
					       NULL};
	struct test_cert cert = NEW_CERT;
	struct buf der = BUF_INIT(1u << 16);

	(void)state;
	cert.ca = true;
	cert.path_length = 1;
	test_cert_make(&cert, &der);
	edit_all(&der, read_certificate, ACCEPTED);
	buf_done(&der);
	test_cert_done(&cert);
}

static void test_pck(void **state)
{
	static const uint8_t NAMES[] = {0x30, 9, 0x82, 1, 'a', 0x87, 4, 127, 0, 0, 1};
	static const char *const ACCEPTED[] = {
	    "0.0.1 longer", "0.0.1 zero", /* the serial's number */
	    "0.0.3 empty", "0.0.3 append", "0.0.3.*", "0.0.5 empty", "0.0.5 append", "0.0.5.*", /* names are bytes */
	    "0.0.7 drop", "0.0.7.0 empty", "0.0.7.0.0 drop", "0.0.7.0.1 drop", "0.0.7.0.2 drop",
	    "0.0.7.0.3 drop",                                              /* extensions */
	    "0.0.7.0.0.1 drop", "0.0.7.0.0.2.0 empty", "0.0.7.0.1.1 drop", /* not critical; no CA either way */
	    "0.0.7.0.1.2.0 longer", "0.0.7.0.1.2.0 zero",                  /* key usage */
	    "0.0.7.0.2.0 longer", "0.0.7.0.2.0 zero", "0.0.7.0.2.0 flip", "0.0.7.0.3.0 longer", "0.0.7.0.3.0 zero",
	    "0.0.7.0.3.0 flip",                                 /* others */
	    "0.0.7.0.2.1.0.0.1 zero", "0.0.7.0.2.1.0.0.1 flip", /* PPID, PCEID, FMSPC, platform instance */
	    "0.0.7.0.2.1.0.2.1 zero", "0.0.7.0.2.1.0.2.1 flip", "0.0.7.0.2.1.0.3.1 zero", "0.0.7.0.2.1.0.3.1 flip",
	    "0.0.7.0.2.1.0.5.1 zero", "0.0.7.0.2.1.0.5.1 flip",
	    /* SVNs, PCESVN, CPUSVN */
	    "0.0.7.0.2.1.0.1.1.0.1 zero", "0.0.7.0.2.1.0.1.1.1.1 zero", "0.0.7.0.2.1.0.1.1.2.1 zero",
	    "0.0.7.0.2.1.0.1.1.3.1 zero", "0.0.7.0.2.1.0.1.1.4.1 zero", "0.0.7.0.2.1.0.1.1.5.1 zero",
	    "0.0.7.0.2.1.0.1.1.6.1 zero", "0.0.7.0.2.1.0.1.1.7.1 zero", "0.0.7.0.2.1.0.1.1.8.1 zero",
	    "0.0.7.0.2.1.0.1.1.9.1 zero", "0.0.7.0.2.1.0.1.1.10.1 zero", "0.0.7.0.2.1.0.1.1.11.1 zero",
	    "0.0.7.0.2.1.0.1.1.12.1 zero", "0.0.7.0.2.1.0.1.1.13.1 zero", "0.0.7.0.2.1.0.1.1.14.1 zero",
	    "0.0.7.0.2.1.0.1.1.15.1 zero", "0.0.7.0.2.1.0.1.1.16.1 zero", "0.0.7.0.2.1.0.1.1.17.1 zero",
	    "0.0.7.0.2.1.0.1.1.16.1 longer", "0.0.7.0.2.1.0.1.1.17.1 flip",
	    /* SGX type; configuration, of which all may be left out */
	    "0.0.7.0.2.1.0.4.1 zero", "0.0.7.0.2.1.0.6.1 empty", "0.0.7.0.2.1.0.6.1.0 drop", "0.0.7.0.2.1.0.6.1.1 drop",
	    "0.0.7.0.2.1.0.6.1.2 drop", "0.0.7.0.2.1.0.6.1.0.1 zero", "0.0.7.0.2.1.0.6.1.1.1 zero",
	    "0.0.7.0.2.1.0.6.1.2.1 zero",
	    /* names */
	    "0.0.7.0.3.1.0 empty", "0.0.7.0.3.1.0.0 drop", "0.0.7.0.3.1.0.0 twice", "0.0.7.0.3.1.0.1 drop",
	    "0.0.7.0.3.1.0.1 twice", "0.0.7.0.3.1.0.1 zero", "0.0.7.0.3.1.0.1 flip", NULL};
	struct test_pck pck = {.components = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
			       .pcesvn = 13,
			       .ppid_size = 16,
			       .fmspc_size = 6,
			       .pceid_size = 2,
			       .ppid = "p",
			       .fmspc = "f",
			       .sgx_type = 1,
			       .platform = true};
	struct test_cert cert = NEW_CERT;
	struct buf der = BUF_INIT(1u << 16), value = BUF_INIT(1u << 16);

	(void)state;
	test_pck_make(&pck, &value);
	test_cert_add_extension(&cert, OID_SGX, false, value.data, value.size);
	test_cert_add_extension(&cert, OID_SAN, false, NAMES, sizeof(NAMES));
	test_cert_make(&cert, &der);
	edit_all(&der, read_certificate, ACCEPTED);
	buf_done(&der);
	buf_done(&value);
	test_cert_done(&cert);
}

static void test_list(void **state)
{
	static const char *const ACCEPTED[] = {"0.0.2 empty",
					       "0.0.2 append",
					       "0.0.2.*", /* a name is bytes */
					       "0.0.5 drop",
					       "0.0.5 empty",
					       "0.0.5.0 drop",
					       "0.0.5.0 twice", /* fewer entries, or more */
					       "0.0.5.0.0 longer",
					       "0.0.5.0.0 zero", /* another serial */
					       "0.0.5.0.2 drop",
					       "0.0.5.0.2 empty",
					       "0.0.5.0.2.0 drop",
					       "0.0.5.0.2.0 twice", /* what an entry says */
					       "0.0.5.0.2.0.0 empty",
					       "0.0.5.0.2.0.0 longer",
					       "0.0.5.0.2.0.0 zero",
					       "0.0.5.0.2.0.0 flip",
					       "0.0.5.0.2.0.1 empty",
					       "0.0.5.0.2.0.1 append",
					       "0.0.5.0.2.0.1.*",
					       "0.0.6.0.0.1.0 longer",
					       "0.0.6.0.0.1.0 zero", /* another number */
					       "0.0.6.0.1.1.0 append",
					       "0.0.6.0.1.1.0.0 empty",
					       "0.0.6.0.1.1.0.0 twice",
					       "0.0.6.0.1.1.0.0 longer",
					       "0.0.6.0.1.1.0.0 zero",
					       "0.0.6.0.1.1.0.0 flip", /* which key */
					       "0.0.6.0.2 drop",
					       "0.0.6.0.2 twice",
					       "0.0.6.0.2.0 empty",
					       "0.0.6.0.2.0 longer",
					       "0.0.6.0.2.0 zero",
					       "0.0.6.0.2.0 flip",
					       "0.0.6.0.2.1 empty",
					       "0.0.6.0.2.1 append",
					       "0.0.6.0.2.1.*", /* not known */
					       NULL};
	const struct test_crl crl = {.issuer_name = "CA",
				     .issuer_key = TEST_KEY_CA,
				     .this_update = TEST_TIME,
				     .next_update = TEST_TIME + TEST_DAY,
				     .revoked = 5,
				     .entry_oid = "2.5.29.21",
				     .extra_oid = "1.2.3"};
	struct buf der = BUF_INIT(1u << 16);

	(void)state;
	test_crl_make(&crl, &der);
	edit_all(&der, read_list, ACCEPTED);
	buf_done(&der);
}

/* Numbers that no element has: below the first, above the last. */
static void test_element_numbers(void **state)
{
	/* The end of an OID below 1.2.840.113741.1.13.1, and what takes the place of its last byte. */
	static const struct {
		const char *end;
		size_t size;
		uint8_t to;
	} ROWS[] = {
	    {"\x0d\x01\x01\x04", 4, 0},      {"\x0d\x01\x07\x30", 4, 8},     {"\x0d\x01\x02\x01\x02", 5, 0},
	    {"\x0d\x01\x02\x12\x04", 5, 19}, {"\x0d\x01\x07\x01\x01", 5, 0}, {"\x0d\x01\x07\x03\x01", 5, 4},
	};
	struct test_pck pck = {.ppid_size = 16, .fmspc_size = 6, .pceid_size = 2, .platform = true};
	struct buf value = BUF_INIT(1u << 16);
	struct pck_extension read;
	struct err err = ERR_INIT;

	(void)state;
	test_pck_make(&pck, &value);
	assert_ok(pck_extension_parse((struct der){value.data, value.size}, &read, &err), &err);
	for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
		uint8_t *at = memmem(value.data, value.size, ROWS[i].end, ROWS[i].size);
		uint8_t before;

		assert_non_null(at);
		before = at[ROWS[i].size - 2];
		at[ROWS[i].size - 2] = ROWS[i].to;
		assert_int_equal(pck_extension_parse((struct der){value.data, value.size}, &read, &err), -1);
		at[ROWS[i].size - 2] = before;
	}
	buf_done(&value);
}

/* A refusal names the element that is wrong, not what follows from it. */
static void test_element_named(void **state)
{
	struct test_pck pck = {.ppid_size = 16, .fmspc_size = 6, .pceid_size = 2, .components = {[2] = 256}};
	struct buf value = BUF_INIT(1u << 16);
	struct pck_extension read;
	struct err err = ERR_INIT;

	(void)state;
	test_pck_make(&pck, &value);
	assert_fails(pck_extension_parse((struct der){value.data, value.size}, &read, &err), &err, ERR_INVALID,
		     "element .2: element .3: SVN: 256");
	buf_done(&value);
}

static void test_sizes(void **state)
{
	static uint8_t large[(1u << 20) + X509_PARSE_SIZE_MAX + CRL_PARSE_SIZE_MAX] = {0x30};
	struct x509_cert *cert = NULL;
	struct x509_crl *crl = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(x509_parse(large, 0, &cert, &err), -1);
	assert_int_equal(x509_parse(large, X509_PARSE_SIZE_MAX + 1, &cert, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(crl_parse(large, 0, &crl, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(crl_parse(large, CRL_PARSE_SIZE_MAX + 1, &crl, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(crl_parse_amd(large, CRL_PARSE_SIZE_MAX + 1, &crl, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ca),
	    cmocka_unit_test(test_pck),
	    cmocka_unit_test(test_list),
	    cmocka_unit_test(test_element_numbers),
	    cmocka_unit_test(test_element_named),
	    cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
