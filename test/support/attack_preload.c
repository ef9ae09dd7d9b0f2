/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into mse or mse-enclave by test/e2e/test_attack_*.py: one side of a connection whose TLS exporter is not
 * what it should be, or whose clock is wrong.
 *   ATTACK_EXPORTER=fail|zero|label|nocontext
 *   ATTACK_CLOCK_DAYS=N (whole days, may begin with '-')
 *   ATTACK_SLEPT=FILE: the machine has slept as many hours as FILE has bytes
 *   ATTACK_RESOLVER_SECONDS=N: names that are no addresses are looked up so long
 */
#include <dlfcn.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SECONDS_PER_DAY 86400
#define SECONDS_PER_HOUR 3600
#define EXPORTED __attribute__((visibility("default")))

/* OpenSSL's, with its types left out. */
typedef int (*export_fn)(void *ssl, unsigned char *out, size_t out_size, const char *label, size_t label_size,
			 const unsigned char *context, size_t context_size, int use_context);
typedef int (*resolve_fn)(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **ret);
typedef int (*clock_fn)(clockid_t clock, struct timespec *ret);

EXPORTED int SSL_export_keying_material(void *ssl, unsigned char *out, size_t out_size, const char *label,
					size_t label_size, const unsigned char *context, size_t context_size,
					int use_context);

static bool is_mode(const char *name)
{
	const char *mode = getenv("ATTACK_EXPORTER");

	return mode && strcmp(mode, name) == 0;
}

EXPORTED int SSL_export_keying_material(void *ssl, unsigned char *out, size_t out_size, const char *label,
					size_t label_size, const unsigned char *context, size_t context_size,
					int use_context)
{
	static const char other[] = "EXPERIMENTAL-mse-attest-2";
	export_fn real;

	*(void **)&real = dlsym(RTLD_NEXT, "SSL_export_keying_material");
	if (!real || is_mode("fail"))
		return 0;
	if (is_mode("zero")) {
		memset(out, 0, out_size);
		return 1;
	}
	if (is_mode("label"))
		return real(ssl, out, out_size, other, sizeof(other) - 1, context, context_size, use_context);
	if (is_mode("nocontext"))
		return real(ssl, out, out_size, label, label_size, NULL, 0, 0);
	return real(ssl, out, out_size, label, label_size, context, context_size, use_context);
}

static long days(void)
{
	const char *text = getenv("ATTACK_CLOCK_DAYS");
	const bool is_negative = text && *text == '-';
	long value = 0;

	for (const char *at = text ? text + is_negative : ""; *at >= '0' && *at <= '9'; at++)
		value = value * 10 + (*at - '0');
	return is_negative ? -value : value;
}

static time_t slept(void)
{
	const char *path = getenv("ATTACK_SLEPT");
	struct stat found;

	return path && stat(path, &found) == 0 ? (time_t)found.st_size * SECONDS_PER_HOUR : 0;
}

EXPORTED int clock_gettime(clockid_t clock, struct timespec *ret)
{
	clock_fn real;
	int status;

	*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	if (!real)
		return -1;
	status = real(clock, ret);
	if (status == 0 && clock == CLOCK_REALTIME)
		ret->tv_sec += days() * SECONDS_PER_DAY;
	if (status == 0 && clock == CLOCK_BOOTTIME)
		ret->tv_sec += slept();
	return status;
}

EXPORTED int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **ret)
{
	const char *seconds = getenv("ATTACK_RESOLVER_SECONDS");
	resolve_fn real;

	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	if (!real)
		return EAI_SYSTEM;
	if (seconds && !(hints->ai_flags & AI_NUMERICHOST))
		(void)sleep((unsigned)strtoul(seconds, NULL, 10));
	return real(host, service, hints, ret);
}

EXPORTED time_t time(time_t *ret)
{
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now) != 0)
		return -1;
	if (ret)
		*ret = now.tv_sec;
	return now.tv_sec;
}
