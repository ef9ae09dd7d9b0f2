/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/egress.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/number.h"
#include "base/spawn.h"

#define PROGRAM "slirp4netns"
#define TUN_DEVICE "/dev/net/tun"
#define READY_TIMEOUT_MS 10000
#define STOP_TIMEOUT_MS 2000
#define ADDRESS_BITS 32
#define HOST_ADDRESSES_MAX 128
#define ADDRESS_TEXT_MAX 15

/* RFC 6890 and RFC 1918, RFC 6598, RFC 3927; multicast and reserved ones too. */
static const char *const refused[] = {"0.0.0.0/8",     "10.0.0.0/8",      "100.64.0.0/10",  "169.254.0.0/16",
				      "172.16.0.0/12", "192.0.0.0/24",    "192.0.2.0/24",   "192.168.0.0/16",
				      "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",
				      "240.0.0.0/4"};

static uint32_t mask_of(unsigned bits)
{
	return bits == 0 ? 0 : ~UINT32_C(0) << (ADDRESS_BITS - bits);
}

int egress_parse(const char *text, struct policy_network *ret, struct err *err)
{
	const char *slash = strchrnul(text, '/');
	char address[ADDRESS_TEXT_MAX + 1];
	uint64_t bits = ADDRESS_BITS;
	struct in_addr parsed;

	if (slash - text > ADDRESS_TEXT_MAX || (*slash && number_parse_u64(slash + 1, 1, ADDRESS_BITS, &bits, err) < 0))
		return err_set(err, ERR_INVALID, "'%.32s' is no IPv4 network (ADDRESS or ADDRESS/1..32)", text);
	(void)snprintf(address, sizeof(address), "%.*s", (int)(slash - text), text);
	if (inet_pton(AF_INET, address, &parsed) != 1)
		return err_set(err, ERR_INVALID, "'%.32s' is no IPv4 network", text);
	if ((ntohl(parsed.s_addr) & ~mask_of((unsigned)bits)) != 0)
		return err_set(err, ERR_INVALID, "'%.32s' has bits set behind its first %u", text, (unsigned)bits);
	*ret = (struct policy_network){.address = parsed.s_addr, .bits = (uint8_t)bits};
	return 0;
}

static bool is_within(const struct policy_network *inner, const struct policy_network *outer)
{
	return inner->bits >= outer->bits &&
	       ((ntohl(inner->address) ^ ntohl(outer->address)) & mask_of(outer->bits)) == 0;
}

static bool is_same(const struct policy_network *a, const struct policy_network *b)
{
	return a->bits == b->bits && a->address == b->address;
}

static int add(struct egress_networks *networks, const struct policy_network *network, struct err *err)
{
	for (size_t i = 0; i < networks->count; i++) {
		if (is_same(&networks->items[i], network))
			return 0; /* the first word counts: what is listed comes first */
	}
	if (networks->count == EGRESS_NETWORKS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d networks in the egress rules", EGRESS_NETWORKS_MAX);
	networks->items[networks->count++] = *network;
	return 0;
}

static int add_refused(struct egress_networks *networks, size_t listed_count, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		struct policy_network network;
		bool listed = false;

		if (egress_parse(refused[i], &network, err) < 0)
			return -1;
		for (size_t j = 0; j < listed_count; j++)
			listed = listed || is_within(&network, &networks->items[j]);
		if (!listed && add(networks, &network, err) < 0)
			return -1;
	}
	return 0;
}

int egress_networks_make(const char *const *allowed, size_t allowed_count, const uint32_t *host, size_t host_count,
			 struct egress_networks *ret, struct err *err)
{
	struct egress_networks networks = {.count = 0};

	for (size_t i = 0; i < allowed_count; i++) {
		struct policy_network network;

		if (egress_parse(allowed[i], &network, err) < 0)
			return -1;
		network.reachable = 1;
		if (add(&networks, &network, err) < 0)
			return -1;
	}
	if (add_refused(&networks, networks.count, err) < 0)
		return -1;
	for (size_t i = 0; i < host_count; i++) {
		const struct policy_network address = {.address = host[i], .bits = ADDRESS_BITS};

		if (add(&networks, &address, err) < 0)
			return -1;
	}
	*ret = networks;
	return 0;
}

int egress_networks_detect(const struct engine_launch *launch, struct egress_networks *ret, struct err *err)
{
	uint32_t host[HOST_ADDRESSES_MAX];
	struct ifaddrs *all;
	size_t count = 0;

	if (getifaddrs(&all) < 0)
		return err_set_errno(err, "cannot list this host's addresses");
	for (const struct ifaddrs *at = all; at; at = at->ifa_next) {
		if (!at->ifa_addr || at->ifa_addr->sa_family != AF_INET)
			continue;
		if (count == HOST_ADDRESSES_MAX) {
			freeifaddrs(all);
			return err_set(err, ERR_LIMIT, "this host has more than %d addresses", HOST_ADDRESSES_MAX);
		}
		const struct sockaddr_in *address = (const struct sockaddr_in *)(const void *)at->ifa_addr;

		if (ntohl(address->sin_addr.s_addr) >> 24 != IN_LOOPBACKNET)
			host[count++] = address->sin_addr.s_addr;
	}
	freeifaddrs(all);
	return egress_networks_make(launch->allowed, launch->allowed_count, host, count, ret, err);
}

int egress_check(struct err *err)
{
	scoped(fd_closep) int fd = open(TUN_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return 0;
	return err_set(err, ERR_UNSUPPORTED, "egress 'internet' needs read and write access to %s: %s", TUN_DEVICE,
		       strerror(errno));
}

static int wait_ready(int fd, struct err *err)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	char byte;

	if (poll(&ready, 1, READY_TIMEOUT_MS) != 1 || read(fd, &byte, 1) != 1)
		return err_set(err, ERR_UNSUPPORTED, PROGRAM " could not bring up the sandbox's network");
	return 0;
}

static int spawn_slirp(pid_t pid, int ready_fd, int exit_fd, pid_t *ret_pid, struct err *err)
{
	struct spawn_options options = SPAWN_OPTIONS_INIT;
	char pid_text[16];
	const char *const argv[] = {PROGRAM,
				    "--configure",
				    "--mtu=65520",
				    "--disable-host-loopback",
				    "--enable-sandbox",
				    "--enable-seccomp",
				    "--ready-fd=3",
				    "--exit-fd=4",
				    pid_text,
				    "tap0",
				    NULL};

	(void)snprintf(pid_text, sizeof(pid_text), "%d", (int)pid);
	options.argv = argv;
	options.keep[0] = (struct spawn_keep){.fd = ready_fd, .target = 3};
	options.keep[1] = (struct spawn_keep){.fd = exit_fd, .target = 4};
	options.keep_count = 2;
	options.die_with_parent = true;
	if (spawn_start(&options, ret_pid, err) < 0)
		return err_prefix(err, "egress 'internet'");
	return 0;
}

int egress_start(pid_t pid, struct egress *ret, struct err *err)
{
	int ready[2], leave[2];

	if (pipe2(ready, O_CLOEXEC) < 0)
		return err_set_errno(err, "cannot make a pipe to " PROGRAM);
	scoped(fd_closep) int ready_read = ready[0];
	scoped(fd_closep) int ready_write = ready[1];

	if (pipe2(leave, O_CLOEXEC) < 0)
		return err_set_errno(err, "cannot make a pipe to " PROGRAM);
	scoped(fd_closep) int leave_read = leave[0];
	scoped(fd_closep) int leave_write = leave[1];

	if (spawn_slirp(pid, ready_write, leave_read, &ret->pid, err) < 0)
		return -1;
	ret->exit_fd = TAKE_FD(leave_write);
	fd_closep(&ready_write);
	return wait_ready(ready_read, err);
}

void egress_stop(struct egress *egress)
{
	struct err err = ERR_INIT;
	int status;

	fd_closep(&egress->exit_fd);
	if (egress->pid > 0 && spawn_wait(egress->pid, STOP_TIMEOUT_MS, &status, &err) < 0) {
		(void)kill(egress->pid, SIGKILL);
		IGNORE_RESULT(spawn_wait(egress->pid, -1, &status, &err));
	}
	egress->pid = 0;
}
