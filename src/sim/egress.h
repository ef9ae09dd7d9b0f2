/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Egress "internet": slirp4netns in the sandbox's network namespace, and the networks it must not reach: private,
 * shared, link-local and special ranges (RFC 6890), and every address of this host, but for what the operator lists.
 * Names are resolved by slirp4netns at 10.0.2.3 (the images' /etc/resolv.conf), which asks the host's resolver.
 * IPv4 only, so unique local addresses (ULA) and IPv6 link-local are out of reach altogether.
 */
#ifndef MSE_SIM_EGRESS_H
#define MSE_SIM_EGRESS_H

#include <sys/types.h>

#include "engine/engine.h"
#include "sim/policy.h"

#define EGRESS_NETWORKS_MAX 256

struct egress_networks {
	struct policy_network items[EGRESS_NETWORKS_MAX];
	size_t count;
};

/* "10.1.2.3" or "10.1.0.0/16". */
must_check int egress_parse(const char *text, struct policy_network *ret, struct err *err);

/*
 * The routes for a launch. A listed network takes away refused ranges that lie within it and is reachable where a
 * refused one is wider. A host address stays refused unless listed itself. host: IPv4, network byte order.
 */
must_check int egress_networks_make(const char *const *allowed, size_t allowed_count, const uint32_t *host,
				    size_t host_count, struct egress_networks *ret, struct err *err);

/* The same for this host, as it is now. */
must_check int egress_networks_detect(const struct engine_launch *launch, struct egress_networks *ret, struct err *err);

/* ERR_UNSUPPORTED with the reason when this user on this machine cannot have it. */
must_check int egress_check(struct err *err);

struct egress {
	pid_t pid;   /* 0: none */
	int exit_fd; /* slirp4netns ends when this is closed, also by our death */
};

#define EGRESS_INIT ((struct egress){.exit_fd = -1})

/* Brings up tap0 in the network namespace of pid. Call it from the thread that lives as long as the sandbox. */
must_check int egress_start(pid_t pid, struct egress *ret, struct err *err);
void egress_stop(struct egress *egress);

#endif
