/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/init_network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

struct route_request {
	struct nlmsghdr header;
	struct rtmsg route;
	uint8_t attributes[64];
};

int network_open(int *ret_fd, struct err *err)
{
	const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return err_set_errno(err, "cannot open rtnetlink");
	*ret_fd = fd;
	return 0;
}

static void add_attribute(struct route_request *request, unsigned short type, uint32_t value)
{
	struct rtattr head = {.rta_len = RTA_LENGTH(sizeof(value)), .rta_type = type};
	uint8_t *end = (uint8_t *)request + NLMSG_ALIGN(request->header.nlmsg_len);

	memcpy(end, &head, sizeof(head));
	memcpy(end + RTA_LENGTH(0), &value, sizeof(value));
	request->header.nlmsg_len = NLMSG_ALIGN(request->header.nlmsg_len) + RTA_LENGTH(sizeof(value));
}

static void fill(struct route_request *request, const struct policy_network *network)
{
	*request =
	    (struct route_request){.header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)),
					      .nlmsg_type = RTM_NEWROUTE,
					      .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE},
				   .route = {.rtm_family = AF_INET,
					     .rtm_dst_len = network->bits,
					     .rtm_table = RT_TABLE_MAIN,
					     .rtm_protocol = RTPROT_STATIC,
					     .rtm_scope = RT_SCOPE_UNIVERSE,
					     .rtm_type = network->reachable ? RTN_UNICAST : RTN_PROHIBIT}};
	add_attribute(request, RTA_DST, network->address);
	if (network->reachable) {
		add_attribute(request, RTA_GATEWAY, inet_addr(NETWORK_GATEWAY));
		add_attribute(request, RTA_OIF, if_nametoindex(NETWORK_DEVICE));
	}
}

/* 0, or -1 with errno set from the kernel's answer. */
static int exchange(int fd, const struct route_request *request)
{
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		uint8_t rest[256];
	} answer = {.error = {.error = -EIO}};

	if (send(fd, request, request->header.nlmsg_len, 0) < 0 || recv(fd, &answer, sizeof(answer), 0) < 0)
		return -1;
	errno = -answer.error.error;
	return answer.error.error == 0 ? 0 : -1;
}

int network_add(int fd, const struct policy_network *network, struct err *err)
{
	struct route_request request;
	char text[INET_ADDRSTRLEN] = "";

	fill(&request, network);
	if (exchange(fd, &request) == 0)
		return 0;
	(void)inet_ntop(AF_INET, &network->address, text, sizeof(text));
	return err_set_errno(err, "no route for %s/%u in the sandbox", text, network->bits);
}
