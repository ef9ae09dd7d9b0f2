/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading X.509 v3 certificates as attestation needs them: strict DER to the last byte, each extension once, and the
 * algorithms of one family, nothing else (attestation-evidence.md sections 1.5, 3 and 7, attested-channel.md V1, V2):
 *   x509_parse      Intel and RA-TLS: P-256 key with the named curve and an uncompressed point that is on it,
 *                   ecdsa-with-SHA256
 *   x509_parse_amd  AMD: RSA-4096 key with exponent 65537, or P-384 key; RSASSA-PSS, SHA-384, MGF1 SHA-384, salt 48
 *
 * A struct x509_cert owns a copy of its bytes and is never changed after it was parsed: threads may share it. Dates
 * are compared by the caller; both bounds are inclusive. Nothing here knows a root: see attest/chain.h.
 */
#ifndef MSE_CRYPTO_X509_PARSE_H
#define MSE_CRYPTO_X509_PARSE_H

#include "crypto/der.h"

#define X509_PARSE_SIZE_MAX (128u << 10)
#define X509_PARSE_EXTENSIONS_MAX 32
#define X509_COMMON_NAME_SIZE 128
#define X509_PATH_LENGTH_NONE (-1)

#define X509_OID_KEY_USAGE "2.5.29.15"
#define X509_OID_SUBJECT_ALT_NAME "2.5.29.17"
#define X509_OID_BASIC_CONSTRAINTS "2.5.29.19"
#define X509_OID_EXTENDED_KEY_USAGE "2.5.29.37"

/* Bits of the first byte of keyUsage. */
#define X509_BIT_DIGITAL_SIGNATURE 0x80
#define X509_BIT_CERT_SIGN 0x04
#define X509_BIT_CRL_SIGN 0x02

struct x509_ext {
	struct der oid;
	bool critical;
	struct der value; /* content of extnValue */
};

struct amd_key;
struct p256_public;

/* Of a certificate of AMD's family; that of the other has X509_KEY_P256. */
enum x509_key_kind {
	X509_KEY_P256,
	X509_KEY_P384,
	X509_KEY_RSA_4096,
	X509_KEY_OTHER, /* x509_parse_self only: P-384, P-521, RSA */
};

struct x509_cert {
	uint8_t *bytes; /* owned; everything below points into it */
	size_t size;
	struct der tbs;     /* what is signed */
	struct der serial;  /* big-endian, no leading zero byte */
	struct der issuer;  /* whole Name */
	struct der subject; /* whole Name */
	int64_t not_before; /* Unix seconds, inclusive */
	int64_t not_after;
	struct der spki; /* whole SubjectPublicKeyInfo */
	enum x509_key_kind key_kind;
	uint8_t point[64];        /* P-256: x ‖ y */
	struct p256_public *key;  /* P-256: that point, ready for use; owned */
	uint8_t signature[64];    /* ECDSA */
	struct amd_key *amd_key;  /* AMD: the key, ready for use; owned */
	struct der amd_signature; /* AMD: AMD_SIGNATURE_SIZE bytes */
	bool is_keyless;          /* neither key was made */
	bool is_ca;               /* basicConstraints CA:TRUE */
	int path_length;
	bool has_key_usage;
	uint8_t key_usage;
	struct x509_ext extensions[X509_PARSE_EXTENSIONS_MAX];
	size_t extension_count;
};

must_check int x509_parse(const void *der, size_t size, struct x509_cert **ret_cert, struct err *err);
must_check int x509_parse_amd(const void *der, size_t size, struct x509_cert **ret_cert, struct err *err);
/*
 * The third family: certificates that sign themselves, of makers that we do not know (RA-TLS). Keys: P-256, P-384,
 * P-521 by name and uncompressed, RSA of 2048 to 4096 bits with exponent 65537; signed with ECDSA or RSA PKCS#1 v1.5
 * and SHA-256, 384 or 512. point and key are filled in for P-256 only.
 */
must_check int x509_parse_self(const void *der, size_t size, struct x509_cert **ret_cert, struct err *err);
/* A root of either family that is only ever compared: its key is not made ready, which is most of the work. */
must_check int x509_parse_root(const void *der, size_t size, struct x509_cert **ret_cert, struct err *err);
void x509_cert_free(struct x509_cert *cert);
DEFINE_SCOPED_PTR(struct x509_cert, x509_cert_free);

/* ERR_UNTRUSTED unless the certificate is signed by the other one's key. Names are not looked at. */
must_check int x509_verify(const struct x509_cert *cert, const struct x509_cert *issuer, struct err *err);
/* The same for AMD's family; ERR_UNTRUSTED too if the issuer's key is no RSA key. */
must_check int x509_verify_amd(const struct x509_cert *cert, const struct x509_cert *issuer, struct err *err);

/* The third family: ERR_UNTRUSTED unless it is signed by its own key. Names are not looked at. */
must_check int x509_verify_self(const struct x509_cert *cert, struct err *err);

/* ERR_INVALID naming the first critical extension that is not in known (dotted texts, ended by NULL). */
must_check int x509_check_critical(const struct x509_cert *cert, const char *const *known, struct err *err);

/* The extension with this OID, or NULL. */
const struct x509_ext *x509_find_extension(const struct x509_cert *cert, const char *oid);

/* The subject's only commonName; "" if there is none, several, or one that does not fit or is not printable ASCII. */
void x509_common_name(const struct x509_cert *cert, char ret_text[static X509_COMMON_NAME_SIZE]);

/*
 * Subject alternative names, one after another. reader: content of the extension's outer SEQUENCE, from x509_san_open.
 * 1: *ret_text is a DNS name or an address in its usual text; 0: no more. Other kinds of name are ERR_INVALID.
 */
#define X509_SAN_TEXT_SIZE 256
must_check int x509_san_open(const struct x509_ext *extension, struct der *ret_reader, struct err *err);
must_check int x509_san_next(struct der *reader, char ret_text[static X509_SAN_TEXT_SIZE], struct err *err);

/* For crl_parse.c: AlgorithmIdentifier ecdsa-with-SHA256, one Extension. */
must_check int x509_take_algorithm(struct der *reader, struct err *err);
must_check int x509_take_extension(struct der *reader, struct x509_ext *ret, struct err *err);

#endif
