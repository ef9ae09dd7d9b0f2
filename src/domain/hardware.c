/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/hardware.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"

int hardware_check_name(const char *name, struct err *err)
{
	const size_t length = strlen(name);

	if (length == 0 || length >= HARDWARE_NAME_SIZE)
		return err_set(err, ERR_INVALID, "'hardware' must have 1 to %d characters, got %zu",
			       HARDWARE_NAME_SIZE - 1, length);
	if (strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != length)
		return err_set(err, ERR_INVALID, "'hardware' may hold letters, digits, '-', '_' and '.' only");
	return 0;
}

static int check_range(const char *what, int64_t value, int64_t max, struct err *err)
{
	if (value < 1 || value > max)
		return err_set(err, ERR_INVALID, "%s must be 1 to %" PRId64 ", got %" PRId64, what, max, value);
	return 0;
}

int hardware_check(const struct hardware *hardware, struct err *err)
{
	if (hardware_check_name(hardware->name, err) < 0 ||
	    check_range("memory (MiB)", hardware->memory_mib, HARDWARE_MEMORY_MIB_MAX, err) < 0 ||
	    check_range("cores", hardware->cores, HARDWARE_CORES_MAX, err) < 0 ||
	    check_range("enclave size (MiB)", hardware->enclave_size_mib, HARDWARE_MEMORY_MIB_MAX, err) < 0)
		return -1;
	if (hardware->enclave_size_mib & (hardware->enclave_size_mib - 1))
		return err_set(err, ERR_INVALID, "enclave size (MiB) must be a power of 2, got %" PRId64,
			       hardware->enclave_size_mib);
	return 0;
}

static int check_requested(int64_t requested, int64_t certificate_end, int64_t now, struct err *err)
{
	char text[CLOCK_TEXT_SIZE];
	char end[CLOCK_TEXT_SIZE];

	clock_format_utc(requested, text);
	if (requested <= now)
		return err_set(err, ERR_INVALID, "expiration date %s is in the past", text);
	clock_format_utc(certificate_end, end);
	if (certificate_end && requested > certificate_end)
		return err_set(err, ERR_INVALID, "expiration date %s is after the end of the certificate, %s", text,
			       end);
	return 0;
}

int hardware_expiry(const struct hardware *hardware, int64_t requested, int64_t certificate_end, int64_t now,
		    int64_t *ret_expires_at, struct err *err)
{
	int64_t end = certificate_end ? certificate_end : now + EXPIRY_DEFAULT_SECONDS;

	if (certificate_end && certificate_end <= now)
		return err_set(err, ERR_INVALID, "the SSL certificate has expired");
	if (requested && check_requested(requested, certificate_end, now, err) < 0)
		return -1;
	if (requested)
		end = requested;
	if (hardware->forced_expiry_seconds && end > now + hardware->forced_expiry_seconds)
		end = now + hardware->forced_expiry_seconds;
	*ret_expires_at = end;
	return 0;
}
