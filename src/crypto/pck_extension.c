/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/pck_extension.h"

#include <string.h>

#define ELEMENTS_PROCESSOR 5
#define ELEMENTS_PLATFORM 7
#define ELEMENTS_TCB 18
#define ELEMENTS_CONFIGURATION 3
#define TCB_PCESVN 17
#define TCB_CPUSVN 18
#define SGX_TYPE_MAX 2

/* Contents of the OIDs 1.2.840.113741.1.13.1, ….2 and ….7, whose children are the elements. */
static const uint8_t OID_SGX[] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};
static const uint8_t OID_TCB[] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01, 0x02};
static const uint8_t OID_CONFIGURATION[] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01, 0x07};

/* Reads one element's value into the result; number is the last arc of its OID. */
typedef int (*element_fn)(struct der *value, unsigned number, struct pck_extension *ret, struct err *err);

static int take_octets(struct der *value, const char *what, uint8_t *ret, size_t size, struct err *err)
{
	struct der bytes;

	if (der_take(value, DER_OCTET_STRING, what, &bytes, err) < 0)
		return -1;
	if (bytes.size != size)
		return err_set(err, ERR_INVALID, "%s: %zu bytes, expected %zu", what, bytes.size, size);
	memcpy(ret, bytes.data, size);
	return 0;
}

/*
 * SEQUENCE OF SEQUENCE {parent.number, value}: each number from 1 to max at most once. *ret_count is how many there
 * were.
 */
static int each_element(struct der list, struct der parent, unsigned max, element_fn read, struct pck_extension *ret,
			unsigned *ret_count, struct err *err)
{
	uint32_t seen = 0;
	unsigned count = 0;

	while (list.size > 0) {
		struct der element, oid;
		unsigned number;

		if (der_take(&list, DER_SEQUENCE, "element", &element, err) < 0 ||
		    der_take(&element, DER_OID, "element", &oid, err) < 0)
			return -1;
		if (oid.size != parent.size + 1 || memcmp(oid.data, parent.data, parent.size) != 0 ||
		    oid.data[parent.size] < 1 || oid.data[parent.size] > max)
			return err_set(err, ERR_INVALID, "element %u has an unknown OID", count + 1);
		number = oid.data[parent.size];
		if (seen & 1u << number)
			return err_set(err, ERR_INVALID, "element .%u appears twice", number);
		seen |= 1u << number;
		count++;
		if (read(&element, number, ret, err) < 0 || der_end(&element, "element", err) < 0)
			return err_prefix(err, "element .%u", number);
	}
	*ret_count = count;
	return 0;
}

static int read_tcb(struct der *value, unsigned number, struct pck_extension *ret, struct err *err)
{
	int64_t svn;

	if (number == TCB_CPUSVN)
		return take_octets(value, "CPUSVN", ret->cpusvn, sizeof(ret->cpusvn), err);
	if (der_take_int(value, DER_INTEGER, number == TCB_PCESVN ? "PCESVN" : "SVN", 0,
			 number == TCB_PCESVN ? UINT16_MAX : UINT8_MAX, &svn, err) < 0)
		return -1;
	if (number == TCB_PCESVN)
		ret->pcesvn = (uint16_t)svn;
	else
		ret->components[number - 1] = (uint8_t)svn;
	return 0;
}

static int read_configuration(struct der *value, unsigned number, struct pck_extension *ret, struct err *err)
{
	bool *const flags[] = {&ret->dynamic_platform, &ret->cached_keys, &ret->smt_enabled};

	return der_take_bool(value, "configuration", flags[number - 1], err);
}

static int take_tcb(struct der *value, struct pck_extension *ret, struct err *err)
{
	struct der list;
	unsigned count;

	if (der_take(value, DER_SEQUENCE, "TCB", &list, err) < 0 ||
	    each_element(list, (struct der){OID_TCB, sizeof(OID_TCB)}, ELEMENTS_TCB, read_tcb, ret, &count, err) < 0)
		return -1;
	if (count != ELEMENTS_TCB)
		return err_set(err, ERR_INVALID, "TCB has %u elements, expected %d", count, ELEMENTS_TCB);
	return 0;
}

static int take_configuration(struct der *value, struct pck_extension *ret, struct err *err)
{
	struct der list;
	unsigned count;

	if (der_take(value, DER_SEQUENCE, "configuration", &list, err) < 0)
		return -1;
	return each_element(list, (struct der){OID_CONFIGURATION, sizeof(OID_CONFIGURATION)}, ELEMENTS_CONFIGURATION,
			    read_configuration, ret, &count, err);
}

static int read_element(struct der *value, unsigned number, struct pck_extension *ret, struct err *err)
{
	int64_t type;

	switch (number) {
	case 1:
		return take_octets(value, "PPID", ret->ppid, sizeof(ret->ppid), err);
	case 2:
		return take_tcb(value, ret, err);
	case 3:
		return take_octets(value, "PCEID", ret->pceid, sizeof(ret->pceid), err);
	case 4:
		return take_octets(value, "FMSPC", ret->fmspc, sizeof(ret->fmspc), err);
	case 5:
		if (der_take_int(value, DER_ENUMERATED, "SGX type", 0, SGX_TYPE_MAX, &type, err) < 0)
			return -1;
		ret->sgx_type = (uint8_t)type;
		return 0;
	case 6:
		return take_octets(value, "platform instance", ret->platform_instance_id,
				   sizeof(ret->platform_instance_id), err);
	case 7:
		return take_configuration(value, ret, err);
	}
	return err_set(err, ERR_INTERNAL, "SGX extension: element %u", number);
}

int pck_extension_parse(struct der value, struct pck_extension *ret, struct err *err)
{
	struct pck_extension extension = {0};
	const struct der parent = {OID_SGX, sizeof(OID_SGX)};
	struct der list;
	unsigned max = ELEMENTS_PROCESSOR;
	unsigned count;
	struct der counted;

	if (der_take(&value, DER_SEQUENCE, "SGX extension", &list, err) < 0 ||
	    der_end(&value, "SGX extension", err) < 0)
		return -1;
	counted = list;
	for (count = 0; counted.size > 0; count++) {
		struct der element;

		if (der_take(&counted, DER_SEQUENCE, "SGX extension", &element, err) < 0)
			return -1;
	}
	if (count != ELEMENTS_PROCESSOR && count != ELEMENTS_PLATFORM)
		return err_set(err, ERR_INVALID, "SGX extension has %u elements, expected %d or %d", count,
			       ELEMENTS_PROCESSOR, ELEMENTS_PLATFORM);
	extension.has_platform = count == ELEMENTS_PLATFORM;
	if (extension.has_platform)
		max = ELEMENTS_PLATFORM;
	if (each_element(list, parent, max, read_element, &extension, &count, err) < 0)
		return err_prefix(err, "SGX extension");
	*ret = extension;
	return 0;
}
