/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/plain/plain_notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "enclave/process/operator_log.h"

#define NS_PER_US 1000
#define TEXT_SIZE 64

static struct sockaddr_un address;
static socklen_t address_size; /* 0: nobody listens */

void plain_notify_setup(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	const size_t size = path ? strlen(path) : 0;

	if (size < 2 || (path[0] != '/' && path[0] != '@'))
		return;
	if (size >= sizeof(address.sun_path)) {
		operator_log("NOTIFY_SOCKET is longer than %zu bytes: nobody is told", sizeof(address.sun_path) - 1);
		return;
	}
	address.sun_family = AF_UNIX;
	memcpy(address.sun_path, path, size);
	if (path[0] == '@')
		address.sun_path[0] = 0; /* of no file: its name ends with the address */
	address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
}

static void format(enum plain_notice notice, char ret[static TEXT_SIZE])
{
	switch (notice) {
	case PLAIN_NOTIFY_READY:
		(void)snprintf(ret, TEXT_SIZE, "READY=1");
		break;
	case PLAIN_NOTIFY_RELOADING:
		(void)snprintf(ret, TEXT_SIZE, "RELOADING=1\nMONOTONIC_USEC=%lld",
			       (long long)(clock_monotonic_ns() / NS_PER_US));
		break;
	case PLAIN_NOTIFY_STOPPING:
		(void)snprintf(ret, TEXT_SIZE, "STOPPING=1");
		break;
	}
}

void plain_notify(enum plain_notice notice)
{
	scoped(fd_closep) int fd = -1;
	char text[TEXT_SIZE];

	if (address_size == 0)
		return;
	format(notice, text);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 &&
	    sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&address, address_size) >= 0)
		return;
	operator_log("cannot tell NOTIFY_SOCKET: %s", strerror(errno));
	address_size = 0;
}
