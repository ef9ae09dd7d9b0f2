/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/init_landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

/* Newer than the header of Debian 12. */
#define ACCESS_TRUNCATE (1ULL << 14)  /* ABI 3 */
#define ACCESS_IOCTL_DEV (1ULL << 15) /* ABI 5 */
#define SCOPE_ABSTRACT_UNIX (1ULL << 0)
#define SCOPE_SIGNAL (1ULL << 1) /* both ABI 6 */

#define ACCESS_ABI_1 ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)
#define READ_FILE LANDLOCK_ACCESS_FS_READ_FILE
#define READ_DIR LANDLOCK_ACCESS_FS_READ_DIR
#define NEVER (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK)
#define STATE \
	(READ_FILE | READ_DIR | ACCESS_TRUNCATE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | \
	 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE)
#define FILE_ONLY (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | READ_FILE | ACCESS_TRUNCATE)

struct ruleset_attr { /* as of ABI 6; the kernel takes shorter and longer ones */
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};

int landlock_abi(void)
{
	const long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return abi < 0 ? 0 : (int)abi;
}

static uint64_t handled(int abi)
{
	uint64_t all = ACCESS_ABI_1;

	if (abi >= 2)
		all |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		all |= ACCESS_TRUNCATE;
	if (abi >= 5)
		all |= ACCESS_IOCTL_DEV;
	return all;
}

int landlock_open(int *ret_fd, struct err *err)
{
	const int abi = landlock_abi();
	const struct ruleset_attr attr = {.handled_access_fs = handled(abi),
					  .scoped = abi >= 6 ? SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL : 0};
	const size_t size = abi >= 6 ? sizeof(attr) : sizeof(attr.handled_access_fs);
	long fd;

	if (abi == 0)
		return err_set(err, ERR_UNSUPPORTED, "this kernel has no Landlock");
	fd = syscall(SYS_landlock_create_ruleset, &attr, size, 0);
	if (fd < 0)
		return err_set_errno(err, "cannot make a Landlock rule set");
	*ret_fd = (int)fd;
	return 0;
}

static uint64_t rights(enum policy_access access)
{
	switch (access) {
	case POLICY_ACCESS_FILE:
		return READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE;
	case POLICY_ACCESS_LIST:
		return READ_DIR;
	case POLICY_ACCESS_READ:
		return READ_FILE | READ_DIR;
	case POLICY_ACCESS_WRITE:
		return ~(uint64_t)NEVER;
	case POLICY_ACCESS_STATE:
		return STATE;
	case POLICY_ACCESS_DEVICE:
		return READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE;
	}
	return 0;
}

int landlock_allow(int ruleset_fd, enum policy_access access, const char *path, struct err *err)
{
	const int only = access == POLICY_ACCESS_FILE || access == POLICY_ACCESS_DEVICE ? O_NOFOLLOW : 0;
	scoped(fd_closep) int fd = open(path, O_PATH | O_CLOEXEC | only);
	struct landlock_path_beneath_attr rule = {.parent_fd = fd, .allowed_access = rights(access)};

	if (fd < 0)
		return err_set_errno(err, "cannot open '%s' in the sandbox", path);
	rule.allowed_access &= handled(landlock_abi());
	if (syscall(SYS_landlock_add_rule, ruleset_fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0)
		return 0;
	/* Rights that only a directory can have make a rule for a file invalid. */
	rule.allowed_access &= FILE_ONLY;
	if (errno == EINVAL && syscall(SYS_landlock_add_rule, ruleset_fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0)
		return 0;
	return err_set_errno(err, "no Landlock rule for '%s'", path);
}

int landlock_enforce(int ruleset_fd, struct err *err)
{
	if (syscall(SYS_landlock_restrict_self, ruleset_fd, 0) < 0)
		return err_set_errno(err, "cannot enforce Landlock");
	return 0;
}
