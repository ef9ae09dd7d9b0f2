/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into mse-enclave by test/e2e/test_enclave_kill.py: kill -9 at the KILL_AT-th step that follows the first
 * look at sealed state's file. A step is what comes before a call that changes a file or writes to a descriptor, or the
 * middle of what a write has to write.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

static atomic_bool is_counting;
static atomic_long steps;

EXPORTED int mkostemp(char *template, int flags);

static void *next(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

/* Whether this is the step to die at. */
static int is_last(void)
{
	const char *at = getenv("KILL_AT");

	return is_counting && at && atomic_fetch_add(&steps, 1) + 1 == strtol(at, NULL, 10);
}

static void step(void)
{
	if (is_last())
		(void)kill(getpid(), SIGKILL);
}

EXPORTED int mkostemp(char *template, int flags)
{
	int (*real)(char *, int);

	*(void **)&real = next("mkostemp");
	if (strstr(template, "/sealed.bin."))
		is_counting = 1;
	step();
	return real(template, flags);
}

EXPORTED int fchmod(int fd, mode_t mode)
{
	int (*real)(int, mode_t);

	*(void **)&real = next("fchmod");
	step();
	return real(fd, mode);
}

EXPORTED ssize_t write(int fd, const void *data, size_t size)
{
	ssize_t (*real)(int, const void *, size_t);

	*(void **)&real = next("write");
	step();
	if (size > 1 && is_last()) {
		(void)real(fd, data, size / 2);
		(void)kill(getpid(), SIGKILL);
	}
	return real(fd, data, size);
}

EXPORTED int fsync(int fd)
{
	int (*real)(int);

	*(void **)&real = next("fsync");
	step();
	return real(fd);
}

EXPORTED int rename(const char *from, const char *to)
{
	int (*real)(const char *, const char *);

	*(void **)&real = next("rename");
	step();
	return real(from, to);
}
