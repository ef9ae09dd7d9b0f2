/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/number.h"

#define STAT_SIZE 1024
#define UTIME_WORD 11 /* words behind the ')' of /proc/PID/stat: proc(5) fields 14 and 15 */
#define STIME_WORD 12
#define RESIDENT_WORD 21 /* field 24, in pages */
#define MIB (UINT64_C(1) << 20)
#define SAMPLE_MIN_NS INT64_C(100000000)
#define STAT_BLOCK 512

static const char *const temporary[] = {"tmp", "root", "mse-app", "key"};

/* The line of /proc/PID/stat behind the name. */
static bool read_stat(pid_t pid, char ret[static STAT_SIZE])
{
	char path[64];
	ssize_t got;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	scoped(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	got = read(fd, ret, STAT_SIZE - 1);
	if (got <= 0)
		return false;
	ret[got] = '\0';
	char *name_end = strrchr(ret, ')');

	if (!name_end || name_end[1] != ' ')
		return false;
	memmove(ret, name_end + 2, strlen(name_end + 2) + 1);
	return true;
}

static uint64_t word_of(const char *text, unsigned index)
{
	struct err err = ERR_INIT;
	char word[24];
	uint64_t value;

	for (; index > 0 && text; index--) {
		text = strchr(text, ' ');
		text = text ? text + 1 : NULL;
	}
	if (!text)
		return 0;
	(void)snprintf(word, sizeof(word), "%.*s", (int)strcspn(text, " "), text);
	return number_parse_u64(word, 0, UINT64_MAX, &value, &err) < 0 ? 0 : value;
}

static uint64_t cpu_ns(const struct app *app, const char *stat)
{
	uint64_t ns;

	if (cgroup_cpu_ns(&app->group, &ns))
		return ns;
	return (word_of(stat, UTIME_WORD) + word_of(stat, STIME_WORD)) *
	       (NS_PER_SECOND / (uint64_t)sysconf(_SC_CLK_TCK));
}

static uint64_t memory_bytes(const struct app *app, const char *stat)
{
	uint64_t bytes;

	if (cgroup_memory(&app->group, &bytes))
		return bytes;
	return word_of(stat, RESIDENT_WORD) * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t usage_state_bytes(const char *dir)
{
	DIR *entries = opendir(dir);
	const struct dirent *entry;
	uint64_t bytes = 0;
	int count = 0;

	while (entries && (entry = readdir(entries)) != NULL && count <= USAGE_STATE_FILES_MAX) {
		struct stat st;

		if (fstatat(dirfd(entries), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISDIR(st.st_mode))
			continue;
		bytes += (uint64_t)st.st_blocks * STAT_BLOCK;
		count++;
	}
	if (entries)
		closedir(entries);
	return count > USAGE_STATE_FILES_MAX ? UINT64_MAX : bytes;
}

static uint64_t temporary_bytes(pid_t pid)
{
	uint64_t bytes = 0;
	char path[64];
	struct statvfs st;

	for (size_t i = 0; i < COUNT_OF(temporary); i++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/root/%s", (int)pid, temporary[i]);
		if (statvfs(path, &st) == 0)
			bytes += (uint64_t)(st.f_blocks - st.f_bfree) * st.f_frsize;
	}
	return bytes;
}

void usage_sample(struct app *app, struct engine_usage *ret)
{
	const int64_t now = clock_now_ns();
	const int64_t since =
	    app->sampled.sampled_at_ns != 0 ? app->sampled.sampled_at_ns : app->status.started_at * NS_PER_SECOND;
	char stat[STAT_SIZE] = "";

	if (app->sampled.sampled_at_ns != 0 && now - since < SAMPLE_MIN_NS && now >= since) {
		*ret = app->sampled; /* too soon to measure a rate */
		return;
	}
	IGNORE_RESULT(read_stat(app->enclave_pid, stat));
	*ret =
	    (struct engine_usage){.sampled_at_ns = now,
				  .cpu_ns = cpu_ns(app, stat),
				  .memory_bytes = memory_bytes(app, stat),
				  .memory_max_bytes = app->status.memory_mb * MIB,
				  .disk_bytes = usage_state_bytes(app->state_dir) + temporary_bytes(app->enclave_pid)};
	if (now > since && ret->cpu_ns > app->sampled.cpu_ns)
		ret->cpu_percent = 100.0 * (double)(ret->cpu_ns - app->sampled.cpu_ns) / (double)(now - since);
	app->sampled = *ret;
}
