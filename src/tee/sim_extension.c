/* SPDX-License-Identifier: Apache-2.0 */
/* The SGX extension of a PCK certificate (attestation-evidence.md section 1.5), written and read back. */
#include <string.h>

#include "crypto/pck_extension.h"
#include "crypto/x509_parse.h"
#include "tee/sim_priv.h"

#define EXTENSION_MAX 2048
#define ELEMENT_MAX 1024
#define TAG_BOOLEAN 0x01
#define TAG_INTEGER 0x02
#define TAG_OCTETS 0x04
#define TAG_OID 0x06
#define TAG_ENUMERATED 0x0a
#define TAG_SEQUENCE 0x30

_Static_assert(SIM_COMPONENT_COUNT == PCK_COMPONENT_COUNT, "components");

/* An element's OID: 1.2.840.113741.1.13.1 and up to two arcs more, all below 128. */
struct arcs {
	uint8_t values[2];
	size_t count;
};

static int add_value(struct buf *ret, uint8_t tag, const void *data, size_t size, struct err *err)
{
	if (buf_add_byte(ret, tag, err) < 0)
		return -1;
	if (size > 255 && (buf_add_byte(ret, 0x82, err) < 0 || buf_add_byte(ret, (uint8_t)(size >> 8), err) < 0))
		return -1;
	if (size > 127 && size <= 255 && buf_add_byte(ret, 0x81, err) < 0)
		return -1;
	if (buf_add_byte(ret, (uint8_t)size, err) < 0)
		return -1;
	return buf_add(ret, data, size, err);
}

/* SEQUENCE {OID, value}. */
static int add_element(struct buf *ret, struct arcs arcs, uint8_t tag, const void *data, size_t size, struct err *err)
{
	static const uint8_t base[] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};
	scoped(buf_done) struct buf element = BUF_INIT(ELEMENT_MAX);
	uint8_t oid[sizeof(base) + sizeof(arcs.values)];

	memcpy(oid, base, sizeof(base));
	memcpy(oid + sizeof(base), arcs.values, sizeof(arcs.values));
	if (add_value(&element, TAG_OID, oid, sizeof(base) + arcs.count, err) < 0 ||
	    add_value(&element, tag, data, size, err) < 0)
		return -1;
	return add_value(ret, TAG_SEQUENCE, element.data, element.size, err);
}

static int add_number(struct buf *ret, struct arcs arcs, unsigned number, struct err *err)
{
	const uint8_t bytes[] = {0, (uint8_t)(number >> 8), (uint8_t)number};
	size_t skip = 0;

	/* The shortest form in which the first bit is 0. */
	while (skip < 2 && bytes[skip] == 0 && bytes[skip + 1] < 0x80)
		skip++;
	return add_element(ret, arcs, TAG_INTEGER, bytes + skip, sizeof(bytes) - skip, err);
}

static int add_tcb(struct buf *ret, const struct sim_platform *platform, struct err *err)
{
	scoped(buf_done) struct buf list = BUF_INIT(ELEMENT_MAX);

	for (uint8_t i = 0; i < SIM_COMPONENT_COUNT; i++)
		if (add_number(&list, (struct arcs){{2, i + 1}, 2}, platform->components[i], err) < 0)
			return -1;
	if (add_number(&list, (struct arcs){{2, 17}, 2}, platform->pcesvn, err) < 0 ||
	    add_element(&list, (struct arcs){{2, 18}, 2}, TAG_OCTETS, platform->cpusvn, sizeof(platform->cpusvn), err) <
		0)
		return -1;
	return add_element(ret, (struct arcs){{2}, 1}, TAG_SEQUENCE, list.data, list.size, err);
}

/* Dynamic platform, cached keys, SMT: a server with several packages and hyper-threading. */
static int add_configuration(struct buf *ret, struct err *err)
{
	static const uint8_t flags[] = {0xff, 0xff, 0xff};
	scoped(buf_done) struct buf list = BUF_INIT(ELEMENT_MAX);

	for (uint8_t i = 0; i < sizeof(flags); i++)
		if (add_element(&list, (struct arcs){{7, i + 1}, 2}, TAG_BOOLEAN, &flags[i], 1, err) < 0)
			return -1;
	return add_element(ret, (struct arcs){{7}, 1}, TAG_SEQUENCE, list.data, list.size, err);
}

int sim_extension_format(const struct sim_platform *platform, struct buf *ret, struct err *err)
{
	scoped(buf_done) struct buf list = BUF_INIT(EXTENSION_MAX);
	const uint8_t type = platform->processor_ca ? 0 : 1; /* standard, scalable */

	if (add_element(&list, (struct arcs){{1}, 1}, TAG_OCTETS, platform->ppid, sizeof(platform->ppid), err) < 0 ||
	    add_tcb(&list, platform, err) < 0 ||
	    add_element(&list, (struct arcs){{3}, 1}, TAG_OCTETS, platform->pceid, sizeof(platform->pceid), err) < 0 ||
	    add_element(&list, (struct arcs){{4}, 1}, TAG_OCTETS, platform->fmspc, sizeof(platform->fmspc), err) < 0 ||
	    add_element(&list, (struct arcs){{5}, 1}, TAG_ENUMERATED, &type, 1, err) < 0)
		return -1;
	if (!platform->processor_ca &&
	    (add_element(&list, (struct arcs){{6}, 1}, TAG_OCTETS, platform->platform_instance_id,
			 sizeof(platform->platform_instance_id), err) < 0 ||
	     add_configuration(&list, err) < 0))
		return -1;
	return add_value(ret, TAG_SEQUENCE, list.data, list.size, err);
}

static void platform_from(const struct pck_extension *extension, struct sim_platform *ret)
{
	*ret = (struct sim_platform){.pcesvn = extension->pcesvn, .processor_ca = !extension->has_platform};
	memcpy(ret->ppid, extension->ppid, sizeof(ret->ppid));
	memcpy(ret->components, extension->components, sizeof(ret->components));
	memcpy(ret->cpusvn, extension->cpusvn, sizeof(ret->cpusvn));
	memcpy(ret->pceid, extension->pceid, sizeof(ret->pceid));
	memcpy(ret->fmspc, extension->fmspc, sizeof(ret->fmspc));
	memcpy(ret->platform_instance_id, extension->platform_instance_id, sizeof(ret->platform_instance_id));
}

int sim_platform_read(struct sim_pki *pki, struct err *err)
{
	scoped(x509_cert_freep) struct x509_cert *cert = NULL;
	const struct buf *der = &pki->certs[SIM_CERT_PCK];
	const struct x509_ext *found;
	struct pck_extension extension = {.has_platform = false};

	if (x509_parse(der->data, der->size, &cert, err) < 0)
		return err_prefix(err, "PCK certificate");
	found = x509_find_extension(cert, SIM_PCK_EXTENSION_OID);
	if (!found)
		return err_set(err, ERR_INVALID, "PCK certificate without the SGX extension");
	if (pck_extension_parse(found->value, &extension, err) < 0)
		return err_prefix(err, "PCK certificate");
	platform_from(&extension, &pki->platform);
	return 0;
}
