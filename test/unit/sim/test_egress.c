/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <arpa/inet.h>
#include <string.h>

#include "sim/egress.h"

static struct egress_networks make(const char *const *allowed, size_t count, const char *host)
{
	struct err err = ERR_INIT;
	struct egress_networks networks;
	const uint32_t address = host ? inet_addr(host) : 0;

	assert_ok(egress_networks_make(allowed, count, &address, host ? 1 : 0, &networks, &err), &err);
	return networks;
}

/* What the longest prefix says, as the kernel's routes do. */
static bool is_refused(const struct egress_networks *networks, const char *text)
{
	const uint32_t address = ntohl(inet_addr(text));
	int best = -1;
	bool refused = false;

	for (size_t i = 0; i < networks->count; i++) {
		const struct policy_network *network = &networks->items[i];
		const uint32_t mask = network->bits ? ~UINT32_C(0) << (32 - network->bits) : 0;

		if ((address & mask) == (ntohl(network->address) & mask) && network->bits > best) {
			best = network->bits;
			refused = !network->reachable;
		}
	}
	return refused;
}

static void private_ranges_and_the_host_are_refused(void **state)
{
	(void)state;
	static const char *const private[] = {"10.0.0.0",     "10.255.255.255",  "172.16.0.1",      "172.31.255.255",
					      "192.168.0.1",  "169.254.169.254", "100.64.0.1",      "100.127.255.255",
					      "198.51.100.7", "224.0.0.251",     "255.255.255.255", "0.0.0.0",
					      "8.8.4.4"};
	static const char *const public[] = {"8.8.8.8",         "1.1.1.1",     "172.32.0.1", "172.15.255.255",
					     "192.167.255.255", "100.128.0.1", "11.0.0.1",   "9.255.255.255"};
	const struct egress_networks networks = make(NULL, 0, "8.8.4.4");

	for (size_t i = 0; i < COUNT_OF(private); i++)
		assert_true(is_refused(&networks, private[i]));
	for (size_t i = 0; i < COUNT_OF(public); i++)
		assert_false(is_refused(&networks, public[i]));
}

static void what_is_listed_is_reachable_and_no_more(void **state)
{
	(void)state;
	static const char *const one[] = {"10.1.2.3"};
	static const char *const wide[] = {"192.168.0.0/16", "172.0.0.0/8"};
	struct egress_networks networks = make(one, COUNT_OF(one), NULL);

	assert_false(is_refused(&networks, "10.1.2.3"));
	assert_true(is_refused(&networks, "10.1.2.4"));
	networks = make(wide, COUNT_OF(wide), "192.168.0.1");
	assert_false(is_refused(&networks, "192.168.0.2"));
	assert_false(is_refused(&networks, "172.16.0.1"));
	assert_true(is_refused(&networks, "192.168.0.1")); /* the host is not meant by a network it is in */
	assert_true(is_refused(&networks, "10.1.2.3"));
}

static void the_host_itself_can_be_listed(void **state)
{
	(void)state;
	static const char *const host[] = {"192.168.0.1"};
	const struct egress_networks networks = make(host, COUNT_OF(host), "192.168.0.1");

	assert_false(is_refused(&networks, "192.168.0.1"));
	assert_true(is_refused(&networks, "192.168.0.2"));
}

static void networks_are_written_exactly(void **state)
{
	(void)state;
	static const char *const wrong[] = {
	    "",           "10",      "10.0.0",  "10.0.0.0/",    "10.0.0.0/0",       "10.0.0.0/33", "10.0.0.0/08x",
	    "10.0.0.1/8", "fd00::1", "a.b.c.d", "10.0.0.0/8/8", "255.255.255.2555", " 10.0.0.1"};
	struct policy_network network;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		assert_fails(egress_parse(wrong[i], &network, &err), &err, ERR_INVALID, wrong[i]);
	assert_ok(egress_parse("10.0.0.0/8", &network, &err), &err);
	assert_int_equal(network.bits, 8);
	assert_int_equal(ntohl(network.address), 0x0a000000);
	assert_ok(egress_parse("255.255.255.255", &network, &err), &err);
	assert_int_equal(network.bits, 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(private_ranges_and_the_host_are_refused),
	    cmocka_unit_test(what_is_listed_is_reachable_and_no_more),
	    cmocka_unit_test(the_host_itself_can_be_listed),
	    cmocka_unit_test(networks_are_written_exactly),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
