/* SPDX-License-Identifier: Apache-2.0 */
#include "format/bill_signature.h"

#include <string.h>

#include "format/bill_reader.h"
#include "format/hex.h"

void bill_signature_message(const uint8_t bill[static 32], uint8_t ret[static BILL_SIGNATURE_MESSAGE_SIZE])
{
	memcpy(ret, BILL_SIGNATURE_LABEL, sizeof(BILL_SIGNATURE_LABEL) - 1);
	memcpy(ret + sizeof(BILL_SIGNATURE_LABEL) - 1, bill, 32);
}

int bill_signature_format(const struct bill_signature *signature, struct buf *ret, struct err *err)
{
	char bill[HEX_TEXT_SIZE(32)];
	char key[HEX_TEXT_SIZE(32)];
	char bytes[HEX_TEXT_SIZE(64)];

	hex_encode(signature->bill, 32, bill);
	hex_encode(signature->key, 32, key);
	hex_encode(signature->signature, 64, bytes);
	return buf_addf(ret, err, "{\"version\":1,\"bill\":\"%s\",\"key\":\"%s\",\"signature\":\"%s\"}", bill, key,
			bytes);
}

int bill_signature_parse(const void *data, size_t size, struct bill_signature *ret, struct err *err)
{
	struct bill_reader reader = {.data = data, .size = size};
	struct bill_signature signature;

	if (bill_reader_expect(&reader, "{\"version\":1,\"bill\":\"", err) < 0 ||
	    bill_reader_hex(&reader, signature.bill, 32, err) < 0 ||
	    bill_reader_expect(&reader, ",\"key\":\"", err) < 0 ||
	    bill_reader_hex(&reader, signature.key, 32, err) < 0 ||
	    bill_reader_expect(&reader, ",\"signature\":\"", err) < 0 ||
	    bill_reader_hex(&reader, signature.signature, 64, err) < 0 || bill_reader_expect(&reader, "}", err) < 0 ||
	    bill_reader_end(&reader, err) < 0)
		return err_prefix(err, "bill signature, byte %zu", reader.at);
	*ret = signature;
	return 0;
}
