/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "sim/cgroup.h"

static void version_1_is_below_our_own_group(void **state)
{
	(void)state;
	static const char mounts[] =
	    "22 1 0:20 / /proc rw,nosuid - proc proc rw\n"
	    "30 22 0:27 / /sys/fs/cgroup/memory rw,relatime shared:1 - cgroup cgroup rw,memory\n"
	    "31 22 0:28 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
	    "32 22 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
	static const char self[] = "4:memory:/user/me\n3:cpu,cpuacct:/\n0::/elsewhere/me\n";
	struct cgroup_system system;

	cgroup_find(mounts, self, &system);
	assert_int_equal(system.bases[CGROUP_MEMORY].version, 1);
	assert_string_equal(system.bases[CGROUP_MEMORY].dir, "/sys/fs/cgroup/memory/user/me");
	assert_int_equal(system.bases[CGROUP_CPU].version, 1);
	assert_string_equal(system.bases[CGROUP_CPU].dir, "/sys/fs/cgroup/cpu,cpuacct");
	assert_string_equal(system.bases[CGROUP_CPUACCT].dir, "/sys/fs/cgroup/cpu,cpuacct");
}

static void version_2_is_beside_our_own_group(void **state)
{
	(void)state;
	static const char mounts[] = "30 22 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n";
	struct cgroup_system system;

	cgroup_find(mounts, "0::/user.slice/app.slice/my.scope\n", &system);
	for (int i = 0; i < CGROUP_CONTROLLERS; i++) {
		assert_int_equal(system.bases[i].version, 2);
		assert_string_equal(system.bases[i].dir, "/sys/fs/cgroup/user.slice/app.slice");
	}
	cgroup_find(mounts, "0::/\n", &system);
	assert_string_equal(system.bases[CGROUP_MEMORY].dir, "/sys/fs/cgroup");
}

/* In a container the mount shows only a part, named in its fourth field. */
static void a_mount_of_a_part_is_seen_as_one(void **state)
{
	(void)state;
	static const char mounts[] = "30 22 0:27 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
	struct cgroup_system system;

	cgroup_find(mounts, "4:memory:/docker/abc/inner\n", &system);
	assert_string_equal(system.bases[CGROUP_MEMORY].dir, "/sys/fs/cgroup/memory/inner");
	assert_int_equal(system.bases[CGROUP_CPU].version, 0);
}

static void without_groups_there_are_none(void **state)
{
	(void)state;
	static const char *const texts[] = {
	    "", "\n", "30", "30 22 0:27 / /sys - ", "30 22 - cgroup cgroup rw,memory\n", "4:memory\n", "::"};
	struct cgroup_system system;

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		for (size_t j = 0; j < COUNT_OF(texts); j++) {
			cgroup_find(texts[i], texts[j], &system);
			assert_int_equal(system.bases[CGROUP_MEMORY].version, 0);
		}
	}
}

static void a_group_that_cannot_be_made_is_left_out(void **state)
{
	(void)state;
	struct cgroup_system system = {.bases[CGROUP_MEMORY] = {.version = 1, .dir = "/nonexistent"}};
	struct cgroup group;
	uint64_t value;

	cgroup_make(&system, "x", 1 << 20, 1, &group);
	assert_int_equal(group.version[CGROUP_MEMORY], 0);
	assert_int_equal(cgroup_memory(&group, &value), 0);
	assert_int_equal(cgroup_cpu_ns(&group, &value), 0);
	assert_int_equal(cgroup_oom_kills(&group), 0);
	cgroup_remove(&group);
	cgroup_sweep(&system, "x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(version_1_is_below_our_own_group),
	    cmocka_unit_test(version_2_is_beside_our_own_group),
	    cmocka_unit_test(a_mount_of_a_part_is_seen_as_one),
	    cmocka_unit_test(without_groups_there_are_none),
	    cmocka_unit_test(a_group_that_cannot_be_made_is_left_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
