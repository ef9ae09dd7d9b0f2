/* SPDX-License-Identifier: Apache-2.0 */
#include "format/snp_extension.h"

#include <string.h>

#include "format/snp_report.h"

#define GUID_SIZE 16

/* The GUIDs of AMD's GHCB specification, first byte first. */
static const uint8_t GUIDS[SNP_CERT_KINDS][GUID_SIZE] = {
    [SNP_CERT_ARK] = {0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52, 0x97, 0x43, 0x3f, 0xb6, 0x01, 0x4c, 0xd0, 0xae},
    [SNP_CERT_ASK] = {0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4, 0xa0, 0x2f, 0x05, 0xae, 0xf3, 0x27, 0xc7, 0x82},
    [SNP_CERT_VCEK] = {0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd},
    [SNP_CERT_VLEK] = {0xa8, 0x07, 0x4b, 0xc2, 0xa2, 0x5a, 0x48, 0x3e, 0xaa, 0xe6, 0x39, 0xc0, 0x45, 0xa0, 0xb8, 0xa1},
    [SNP_CERT_CRL] = {0x92, 0xf8, 0x1b, 0xc3, 0x58, 0x11, 0x4d, 0x3d, 0x97, 0xff, 0xd1, 0x9f, 0x88, 0xdc, 0x67, 0xea},
};

struct reader {
	const uint8_t *at;
	size_t left;
};

static int take_u32(struct reader *reader, uint32_t *ret, struct err *err)
{
	const uint8_t *at = reader->at;

	if (reader->left < 4)
		return err_set(err, ERR_INVALID, "ends inside a number");
	*ret = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
	reader->at += 4;
	reader->left -= 4;
	return 0;
}

static int keep(struct snp_extension *extension, const uint8_t *guid, struct snp_blob cert, struct err *err)
{
	for (size_t kind = 0; kind < SNP_CERT_KINDS; kind++) {
		if (memcmp(GUIDS[kind], guid, GUID_SIZE) != 0)
			continue;
		if (extension->certs[kind].data)
			return err_set(err, ERR_INVALID, "a kind of certificate appears twice");
		extension->certs[kind] = cert;
	}
	return 0;
}

static int take_entry(struct reader *reader, struct snp_extension *extension, struct err *err)
{
	const uint8_t *guid;
	uint32_t size;

	if (take_u32(reader, &size, err) < 0)
		return -1;
	if (size <= GUID_SIZE || size > GUID_SIZE + SNP_EXTENSION_CERT_SIZE_MAX || size > reader->left)
		return err_set(err, ERR_INVALID, "entry of %u bytes, %zu are left", size, reader->left);
	guid = reader->at;
	reader->at += size;
	reader->left -= size;
	return keep(extension, guid, (struct snp_blob){guid + GUID_SIZE, size - GUID_SIZE}, err);
}

static int read_table(struct reader *reader, struct snp_extension *extension, struct err *err)
{
	uint32_t count;

	if (take_u32(reader, &count, err) < 0)
		return -1;
	if (count > SNP_EXTENSION_CERTS_MAX)
		return err_set(err, ERR_LIMIT, "%u entries, at most %d", count, SNP_EXTENSION_CERTS_MAX);
	for (uint32_t i = 0; i < count; i++)
		if (take_entry(reader, extension, err) < 0)
			return err_prefix(err, "entry %u", i + 1);
	if (reader->left > 0)
		return err_set(err, ERR_INVALID, "%zu bytes too many", reader->left);
	return 0;
}

int snp_extension_parse(const void *data, size_t size, struct snp_extension *ret, struct err *err)
{
	struct snp_extension extension = {.report = {data, SNP_REPORT_SIZE}};
	struct reader table;

	if (size < SNP_REPORT_SIZE)
		return err_set(err, ERR_INVALID, "SEV-SNP extension: %zu bytes, a report has %d", size,
			       SNP_REPORT_SIZE);
	table = (struct reader){(const uint8_t *)data + SNP_REPORT_SIZE, size - SNP_REPORT_SIZE};
	if (table.left > 0 && read_table(&table, &extension, err) < 0)
		return err_prefix(err, "SEV-SNP extension: certificates");
	*ret = extension;
	return 0;
}
