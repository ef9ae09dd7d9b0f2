/* SPDX-License-Identifier: Apache-2.0 */
#include "format/snp_report.h"

#define POLICY_MUST_BE_ONE (1ull << 17)
#define POLICY_KNOWN ((1ull << 26) - 1)
#define PLATFORM_KNOWN 0xffull
#define KEY_AUTHOR 0x01u
#define KEY_MASK 0x02u
#define KEY_SIGNING_SHIFT 2
#define KEY_SIGNING_MASK 0x07u
#define KEY_KNOWN 0x1fu

/* Offsets of the table in section 3. */
enum {
	AT_VERSION = 0x000,
	AT_GUEST_SVN = 0x004,
	AT_POLICY = 0x008,
	AT_FAMILY_ID = 0x010,
	AT_IMAGE_ID = 0x020,
	AT_VMPL = 0x030,
	AT_ALGORITHM = 0x034,
	AT_CURRENT_TCB = 0x038,
	AT_PLATFORM = 0x040,
	AT_KEY_INFO = 0x048,
	AT_REPORT_DATA = 0x050,
	AT_MEASUREMENT = 0x090,
	AT_HOST_DATA = 0x0c0,
	AT_ID_KEY = 0x0e0,
	AT_AUTHOR_KEY = 0x110,
	AT_REPORT_ID = 0x140,
	AT_REPORT_ID_MA = 0x160,
	AT_REPORTED_TCB = 0x180,
	AT_CPUID = 0x188,
	AT_CHIP_ID = 0x1a0,
	AT_COMMITTED_TCB = 0x1e0,
	AT_CURRENT_VERSION = 0x1e8,
	AT_COMMITTED_VERSION = 0x1ec,
	AT_LAUNCH_TCB = 0x1f0,
	AT_LAUNCH_MITIGATIONS = 0x1f8,
	AT_CURRENT_MITIGATIONS = 0x200,
	AT_SIGNATURE = 0x2a0,
};

/*
 * Bytes that are zero in a report older than `before`: a field that came with that version is reserved in the ones
 * before it. NEVER: reserved in all.
 */
#define NEVER (SNP_REPORT_VERSION_MAX + 1)
#define CPUID_SINCE 3
#define MITIGATIONS_SINCE 5

static const struct {
	uint16_t offset;
	uint16_t size;
	uint32_t before;
} RESERVED[] = {
    {0x04c, 4, NEVER},    {AT_CPUID, 3, CPUID_SINCE},
    {0x18b, 21, NEVER},   {0x1eb, 1, NEVER},
    {0x1ef, 1, NEVER},    {AT_LAUNCH_MITIGATIONS, 16, MITIGATIONS_SINCE},
    {0x208, 0x98, NEVER}, {AT_SIGNATURE + 2 * SNP_SCALAR_SIZE, 512 - 2 * SNP_SCALAR_SIZE, NEVER},
};

static uint32_t get_u32(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint64_t get_u64(const uint8_t *at)
{
	return get_u32(at) | (uint64_t)get_u32(at + 4) << 32;
}

const char *snp_report_fault_text(enum snp_report_fault fault)
{
	switch (fault) {
#define X(name, text) \
	case SNP_REPORT_##name: \
		return text;
		SNP_REPORT_FAULTS(X)
#undef X
	}
	return "malformed";
}

static int check_reserved(const uint8_t *bytes, uint32_t version, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(RESERVED); i++)
		for (size_t k = 0; version < RESERVED[i].before && k < RESERVED[i].size; k++)
			if (bytes[RESERVED[i].offset + k] != 0)
				return err_set(err, ERR_INVALID, "reserved byte 0x%zx is not zero in version %u",
					       RESERVED[i].offset + k, version);
	return 0;
}

static int check_policy(uint64_t policy, struct err *err)
{
	if (!(policy & POLICY_MUST_BE_ONE))
		return err_set(err, ERR_INVALID, "guest policy 0x%llx: bit 17 must be one", (unsigned long long)policy);
	if (policy & ~POLICY_KNOWN)
		return err_set(err, ERR_INVALID, "guest policy 0x%llx: reserved bits are set",
			       (unsigned long long)policy);
	return 0;
}

static int check_platform(uint64_t platform, struct err *err)
{
	if (platform & ~PLATFORM_KNOWN)
		return err_set(err, ERR_INVALID, "platform info 0x%llx: reserved bits are set",
			       (unsigned long long)platform);
	return 0;
}

static int check_vmpl(uint32_t vmpl, struct err *err)
{
	if (vmpl > SNP_VMPL_MAX && vmpl != SNP_VMPL_HOST)
		return err_set(err, ERR_INVALID, "VMPL %u, expected 0 to %d", vmpl, SNP_VMPL_MAX);
	return 0;
}

static int check_key_info(uint32_t info, struct err *err)
{
	const uint32_t key = info >> KEY_SIGNING_SHIFT & KEY_SIGNING_MASK;

	if (info & ~KEY_KNOWN)
		return err_set(err, ERR_INVALID, "key information 0x%x: reserved bits are set", info);
	if (key > SNP_SIGNING_VLEK && key != SNP_SIGNING_NONE)
		return err_set(err, ERR_INVALID, "signing key %u, expected 0 (VCEK), 1 (VLEK) or 7 (none)", key);
	return 0;
}

static int check_form(const uint8_t *bytes, uint32_t version, struct err *err)
{
	if (check_policy(get_u64(bytes + AT_POLICY), err) < 0 || check_vmpl(get_u32(bytes + AT_VMPL), err) < 0 ||
	    check_platform(get_u64(bytes + AT_PLATFORM), err) < 0 ||
	    check_key_info(get_u32(bytes + AT_KEY_INFO), err) < 0)
		return -1;
	return check_reserved(bytes, version, err);
}

/* In memory: build, minor, major. */
static struct snp_firmware get_firmware(const uint8_t *at)
{
	return (struct snp_firmware){.major = at[2], .minor = at[1], .build = at[0]};
}

static void fill(const uint8_t *bytes, uint32_t version, struct snp_report *ret)
{
	const uint32_t key_info = get_u32(bytes + AT_KEY_INFO);

	*ret = (struct snp_report){
	    .bytes = bytes,
	    .version = version,
	    .guest_svn = get_u32(bytes + AT_GUEST_SVN),
	    .policy = get_u64(bytes + AT_POLICY),
	    .family_id = bytes + AT_FAMILY_ID,
	    .image_id = bytes + AT_IMAGE_ID,
	    .vmpl = get_u32(bytes + AT_VMPL),
	    .signature_algorithm = get_u32(bytes + AT_ALGORITHM),
	    .platform_info = get_u64(bytes + AT_PLATFORM),
	    .author_key_enabled = (key_info & KEY_AUTHOR) != 0,
	    .chip_key_masked = (key_info & KEY_MASK) != 0,
	    .signing_key = (enum snp_signing_key)(key_info >> KEY_SIGNING_SHIFT & KEY_SIGNING_MASK),
	    .report_data = bytes + AT_REPORT_DATA,
	    .measurement = bytes + AT_MEASUREMENT,
	    .host_data = bytes + AT_HOST_DATA,
	    .id_key_digest = bytes + AT_ID_KEY,
	    .author_key_digest = bytes + AT_AUTHOR_KEY,
	    .report_id = bytes + AT_REPORT_ID,
	    .report_id_ma = bytes + AT_REPORT_ID_MA,
	    .current_tcb = bytes + AT_CURRENT_TCB,
	    .reported_tcb = bytes + AT_REPORTED_TCB,
	    .committed_tcb = bytes + AT_COMMITTED_TCB,
	    .launch_tcb = bytes + AT_LAUNCH_TCB,
	    .has_cpuid = version >= CPUID_SINCE,
	    .family = bytes[AT_CPUID],
	    .model = bytes[AT_CPUID + 1],
	    .stepping = bytes[AT_CPUID + 2],
	    .chip_id = bytes + AT_CHIP_ID,
	    .current = get_firmware(bytes + AT_CURRENT_VERSION),
	    .committed = get_firmware(bytes + AT_COMMITTED_VERSION),
	    .has_mitigations = version >= MITIGATIONS_SINCE,
	    .launch_mitigations = get_u64(bytes + AT_LAUNCH_MITIGATIONS),
	    .current_mitigations = get_u64(bytes + AT_CURRENT_MITIGATIONS),
	    .r = bytes + AT_SIGNATURE,
	    .s = bytes + AT_SIGNATURE + SNP_SCALAR_SIZE,
	};
}

int snp_report_parse(const void *data, size_t size, struct snp_report *ret_report, enum snp_report_fault *ret_fault,
		     struct err *err)
{
	const uint8_t *bytes = data;
	uint32_t version;

	if (size != SNP_REPORT_SIZE) {
		*ret_fault = size < SNP_REPORT_SIZE ? SNP_REPORT_TRUNCATED : SNP_REPORT_MALFORMED;
		return err_set(err, ERR_INVALID, "%zu bytes, a report has %d", size, SNP_REPORT_SIZE);
	}
	version = get_u32(bytes + AT_VERSION);
	if (version < SNP_REPORT_VERSION_MIN || version > SNP_REPORT_VERSION_MAX) {
		*ret_fault = SNP_REPORT_UNSUPPORTED_VERSION;
		return err_set(err, ERR_UNSUPPORTED, "report version %u, expected %d to %d", version,
			       SNP_REPORT_VERSION_MIN, SNP_REPORT_VERSION_MAX);
	}
	if (check_form(bytes, version, err) < 0) {
		*ret_fault = SNP_REPORT_MALFORMED;
		return -1;
	}
	fill(bytes, version, ret_report);
	return 0;
}
