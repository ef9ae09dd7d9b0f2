# SPDX-License-Identifier: Apache-2.0
"""What lies in sealed state, for tests that know the sealing key as only the TEE does: every secret of an enclave."""
import ctypes
import hashlib

from cryptography.hazmat.primitives import serialization as ser

import testenclave

LABEL = b"mse-seal-1"
FIELDS = ("ratls_key", "x25519_key", "certificate", "document", "ticket", "code_key", "secrets", "sealed_secrets", "tls_key")


def opened(blob, seal_key_of, measurement):
    """Field by name; seal_key_of(key_id) is the TEE's answer."""
    key_id, instance, box = blob[10:42], blob[42:74], blob[74:]
    associated = LABEL + instance + measurement
    plain = ctypes.create_string_buffer(len(box))
    size = ctypes.c_ulonglong()
    done = testenclave.sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
        plain, ctypes.byref(size), None, box[24:], ctypes.c_ulonglong(len(box) - 24), associated,
        ctypes.c_ulonglong(len(associated)), box[:24], seal_key_of(key_id))
    assert blob[:10] == LABEL and done == 0, "it does not open"
    return parsed(plain.raw[:size.value])


def parsed(plain):
    fields = {}
    for name in FIELDS:
        end = 4 + int.from_bytes(plain[:4], "big")
        fields[name], plain = plain[4:end], plain[end:]
    assert plain == b""
    return fields


def scalar(der_or_pem):
    """The secret number of a private key, without what anybody could know around it."""
    load = ser.load_pem_private_key if der_or_pem.startswith(b"-----") else ser.load_der_private_key
    number = load(der_or_pem, None).private_numbers().private_value
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def secrets_of(fields, sealing_key):
    """[(name, bytes that nobody else may hold)]."""
    found = [("sealing key", sealing_key), ("RA-TLS key", scalar(fields["ratls_key"])),
             ("X25519 key", fields["x25519_key"]), ("code key", fields["code_key"])]
    if fields["tls_key"]:
        found.append(("owner's TLS key", scalar(fields["tls_key"])))
    return [(name, secret) for name, secret in found if secret]


def of_enclave(one):
    """The same of a testenclave.Enclave that has sealed."""
    blob = (one.dir / "state/sealed.bin").read_bytes()

    def seal_key_of(key_id):
        return one.tee.answer(b"K" + key_id)[1:]
    return secrets_of(opened(blob, seal_key_of, one.tee.mrenclave), seal_key_of(blob[10:42]))


def node_key_of(node_secret, measurement):
    """As mse-sim derives sealing keys."""
    def seal_key_of(key_id):
        return hashlib.blake2b(b"mse-sim-seal-1" + measurement + key_id, key=node_secret, digest_size=32).digest()
    return seal_key_of
