/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Egress rules as routes of the sandbox's own network namespace: a refused network gets a "prohibit" route, a listed
 * one a route through slirp4netns' gateway. Nobody in the sandbox keeps the capability to change them, and system
 * calls that choose an interface past the routes are filtered. IPv4: slirp4netns is started without IPv6.
 */
#ifndef MSE_SIM_INIT_NETWORK_H
#define MSE_SIM_INIT_NETWORK_H

#include "base/err.h"
#include "sim/policy.h"

#define NETWORK_GATEWAY "10.0.2.2" /* of slirp4netns */
#define NETWORK_DEVICE "tap0"

must_check int network_open(int *ret_fd, struct err *err);
must_check int network_add(int fd, const struct policy_network *network, struct err *err);

#endif
