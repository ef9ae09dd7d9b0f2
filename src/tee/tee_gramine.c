/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gramine on SGX: the pseudo-files of /dev/attestation (Gramine documentation, "Attestation and Secret
 * Provisioning"). A quote: write user_report_data, read quote. The sealing key: keys/_sgx_mrenclave gives 16 bytes
 * that depend on the measurement and the CPU; ours is derived from them and the key id. The measurement
 * is MRENCLAVE in my_target_info, which Gramine takes from a report of the CPU's. Not that in a quote: quotes come from
 * the host, and only verifiers look at what they are.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "crypto/hash.h"
#include "tee/tee_driver.h"

#define DEVICE "/dev/attestation/"
#define GRAMINE_KEY_SIZE 16
#define MRENCLAVE_SIZE 32
#define TARGET_INFO_SIZE 512 /* Intel SDM, TARGETINFO: MRENCLAVE is its first member */

/* attestation-evidence.md 1.1 and 1.2: header, then the report body. */
#define QUOTE_SIZE_MIN (48 + 384)

static int write_report_data(const uint8_t *report_data, struct err *err)
{
	static const char path[] = DEVICE "user_report_data";
	scoped(fd_closep) int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return err_set_errno(err, "cannot open '%s'", path);
	if (fd_write_all(fd, report_data, TEE_REPORT_DATA_SIZE, err) < 0)
		return err_prefix(err, "'%s'", path);
	return 0;
}

static int gramine_quote(void *device, const uint8_t *report_data, struct buf *ret, struct err *err)
{
	static const char path[] = DEVICE "quote";

	(void)device;
	if (write_report_data(report_data, err) < 0)
		return -1;
	scoped(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set_errno(err, "cannot open '%s'", path);
	if (buf_read_fd(ret, fd, err) < 0)
		return err_prefix(err, "'%s'", path);
	if (ret->size < QUOTE_SIZE_MIN)
		return err_set(err, ERR_INVALID, "the quote has %zu bytes, too few for a report", ret->size);
	return 0;
}

static int gramine_open(void **ret_device, struct err *err)
{
	scoped(buf_done) struct buf type = BUF_INIT(16);
	scoped(fd_closep) int fd = open(DEVICE "attestation_type", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_set_errno(err, "cannot open '%sattestation_type'", DEVICE);
	if (buf_read_fd(&type, fd, err) < 0)
		return err_prefix(err, "'%sattestation_type'", DEVICE);
	if (strcmp(buf_text(&type), "dcap") != 0)
		return err_set(err, ERR_INVALID, "remote attestation is '%s', expected 'dcap'", buf_text(&type));
	*ret_device = NULL;
	return 0;
}

static void gramine_close(void *device)
{
	(void)device;
}

static int gramine_measurement(void *device, struct tee_measurement *ret, struct err *err)
{
	static const char path[] = DEVICE "my_target_info";
	uint8_t info[TARGET_INFO_SIZE];
	scoped(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

	(void)device;
	if (fd < 0)
		return err_set_errno(err, "cannot open '%s'", path);
	if (fd_read_exact(fd, info, sizeof(info), err) < 0)
		return err_prefix(err, "'%s'", path);
	memcpy(ret->data, info, MRENCLAVE_SIZE);
	ret->size = MRENCLAVE_SIZE;
	return 0;
}

static int gramine_seal_key(void *device, const uint8_t *key_id, struct secret *ret_key, struct err *err)
{
	static const char path[] = DEVICE "keys/_sgx_mrenclave";
	scoped(secret_done) struct secret root = {0};
	scoped(secret_done) struct secret derived = {0};
	scoped(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

	(void)device;
	if (fd < 0)
		return err_set_errno(err, "cannot open '%s'", path);
	/* BLAKE2b takes a key of 32 bytes: the 16 of the CPU, then zeros. */
	if (secret_new(&root, TEE_SEAL_KEY_SIZE, err) < 0 || secret_new(&derived, TEE_SEAL_KEY_SIZE, err) < 0)
		return -1;
	if (fd_read_exact(fd, root.data, GRAMINE_KEY_SIZE, err) < 0)
		return err_prefix(err, "'%s'", path);
	blake2b_keyed(root.data, key_id, TEE_KEY_ID_SIZE, derived.data, derived.size);
	*ret_key = derived;
	derived = (struct secret){0};
	return 0;
}

const struct tee_ops tee_gramine_ops = {
    .open = gramine_open,
    .close = gramine_close,
    .measurement = gramine_measurement,
    .quote = gramine_quote,
    .seal_key = gramine_seal_key,
};
