/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An "enclave" that tries things: test/e2e/test_sim_*.py put it at usr/bin/mse-enclave of a tiny image. It does what
 * /instance/commands says, a command a line, and prints one line of result for each: "COMMAND: ok …" or
 * "COMMAND: ERRNO-NAME". Static, so that the image needs no other file.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LINE_SIZE 1024
#define TEE_FD 3
#define MIB ((size_t)1 << 20)

static char **g_argv;
extern char **environ;

static void result(const char *command, long value)
{
	if (value < 0)
		(void)printf("%s: %s\n", command, strerrorname_np(errno));
	else
		(void)printf("%s: ok %ld\n", command, value);
}

static void show_env(void)
{
	for (char **at = environ; *at; at++)
		(void)printf("env: %s\n", *at);
	for (char **at = g_argv; *at; at++)
		(void)printf("argument: %s\n", *at);
}

static void show_fds(void)
{
	for (int fd = 0; fd < 1024; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			(void)printf("fd: %d\n", fd);
	}
}

static void try_open(const char *path)
{
	const int fd = open(path, O_RDONLY);
	char byte;

	result("open", fd < 0 ? -1 : read(fd, &byte, 1));
	if (fd >= 0)
		(void)close(fd);
}

static void try_list(const char *path)
{
	DIR *dir = opendir(path);
	long count = 0;

	while (dir && readdir(dir))
		count++;
	result("list", dir ? count : -1);
	if (dir)
		(void)closedir(dir);
}

static void try_write(const char *path)
{
	const int fd = open(path, O_WRONLY | O_CREAT, 0600);

	result("write", fd < 0 ? -1 : write(fd, "x", 1));
	if (fd >= 0)
		(void)close(fd);
}

/* Fills a file until it cannot be filled further; the result is in MiB. */
static void try_fill(const char *path)
{
	static char block[1 << 20];
	const int fd = open(path, O_WRONLY | O_CREAT, 0600);
	long count = 0;

	while (fd >= 0 && count < 4096 && write(fd, block, sizeof(block)) == (ssize_t)sizeof(block))
		count++;
	result("fill", fd < 0 ? -1 : count);
	(void)unlink(path);
}

static void *nothing(void *arg)
{
	return arg;
}

static void try_thread(void)
{
	pthread_t thread;
	const int failed = pthread_create(&thread, NULL, nothing, NULL);

	errno = failed;
	result("thread", failed ? -1 : 0);
	if (!failed)
		(void)pthread_join(thread, NULL);
}

static void *sleep_long(void *arg)
{
	(void)sleep(60);
	return arg;
}

/* How many threads there can be. */
static void try_threads(long most)
{
	pthread_attr_t attr;
	pthread_t thread;
	long count = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 32768);
	while (count < most && pthread_create(&thread, &attr, sleep_long, NULL) == 0)
		count++;
	result("threads", count);
}

static void try_files(long count)
{
	char path[64];
	long made = 0;

	for (; made < count; made++) {
		(void)snprintf(path, sizeof(path), "/state/file-%ld", made);
		const int fd = open(path, O_WRONLY | O_CREAT, 0600);

		if (fd < 0)
			break;
		(void)close(fd);
	}
	result("files", made);
}

static void try_fork(void)
{
	const pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	result("fork", pid < 0 ? -1 : 0);
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
}

static void try_exec(char *path)
{
	char *argv[] = {path, NULL};

	(void)execve(path, argv, environ);
	result("exec", -1);
}

static void try_connect(const char *target)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	const struct timeval limit = {.tv_sec = 2};
	char host[64];
	unsigned port;
	int fd;

	if (sscanf(target, "%63[^:]:%u", host, &port) != 2)
		return;
	address.sin_port = htons((uint16_t)port);
	address.sin_addr.s_addr = inet_addr(host);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	result("connect", connect(fd, (struct sockaddr *)&address, sizeof(address)));
	(void)close(fd);
}

static void try_option(int level, int option)
{
	const int fd = socket(AF_INET, SOCK_STREAM, 0);
	const int index = 1;

	result("option", setsockopt(fd, level, option, &index, sizeof(index)));
	(void)close(fd);
}

static void try_loopback(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	const int server = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
	const int bad = bind(server, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(server, 1) < 0 ||
			getsockname(server, (struct sockaddr *)&address, &size) < 0;

	result("loopback", bad ? -1 : connect(client, (struct sockaddr *)&address, sizeof(address)));
	(void)close(server);
	(void)close(client);
}

static void try_listen(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/run/mse/app.sock"};
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	result("listen", bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -1 : listen(fd, 1));
}

static void use_memory(size_t mib)
{
	char *block = mmap(NULL, mib * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (block == MAP_FAILED) {
		result("memory", -1);
		return;
	}
	for (size_t at = 0; at < mib * MIB; at += 4096)
		block[at] = 1;
	result("memory", (long)mib);
}

static void use_cpu(int ms)
{
	const clock_t until = clock() + ms * (CLOCKS_PER_SEC / 1000);

	while (clock() < until)
		;
	result("cpu", ms);
}

static void show_hex(const char *name, const unsigned char *data, ssize_t size)
{
	(void)printf("%s: ", name);
	for (ssize_t i = 0; i < size; i++)
		(void)printf("%02x", data[i]);
	(void)printf("\n");
}

/* hex: the whole request, as on the socket. */
static void ask_tee(const char *hex)
{
	unsigned char request[256], reply[16384];
	size_t size = 0;

	for (; hex[0] && hex[1] && size < sizeof(request); hex += 2) {
		unsigned byte;

		if (sscanf(hex, "%2x", &byte) != 1)
			break;
		request[size++] = (unsigned char)byte;
	}
	if (send(TEE_FD, request, size, MSG_NOSIGNAL) < 0) {
		result("tee", -1);
		return;
	}
	const ssize_t got = recv(TEE_FD, reply, sizeof(reply), 0);

	if (got <= 0)
		result("tee", -1);
	else
		show_hex("tee", reply, got);
}

/* Every right the kernel shows of this process in one line. */
static void show_status(void)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[LINE_SIZE];

	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, "Cap", 3) == 0 || strncmp(line, "NoNewPrivs", 10) == 0 ||
		    strncmp(line, "Seccomp:", 8) == 0 || strncmp(line, "Uid", 3) == 0)
			(void)printf("status: %s", line);
	}
	if (file)
		(void)fclose(file);
}

static void run_number(const char *name, long number)
{
	if (strcmp(name, "syscall") == 0)
		result("syscall", syscall(number, 0, 0, 0, 0, 0, 0));
	else if (strcmp(name, "unshare") == 0)
		result("unshare", syscall(SYS_unshare, number));
	else if (strcmp(name, "socket") == 0)
		result("socket", socket((int)number, SOCK_STREAM, 0));
	else if (strcmp(name, "threads") == 0)
		try_threads(number);
	else if (strcmp(name, "files") == 0)
		try_files(number);
	else if (strcmp(name, "memory") == 0)
		use_memory((size_t)number);
	else if (strcmp(name, "cpu") == 0)
		use_cpu((int)number);
	else if (strcmp(name, "sleep") == 0)
		(void)usleep((useconds_t)number * 1000);
	else if (strcmp(name, "spam") == 0)
		for (long i = 0; i < number; i++)
			(void)printf("line %06ld of many, padded to some length ............................\n", i);
	else if (strcmp(name, "exit") == 0)
		exit((int)number);
	else if (strcmp(name, "raise") == 0)
		(void)raise((int)number);
	else
		(void)printf("%s: unknown\n", name);
}

static void run_text(const char *name, char *text)
{
	int level, option;

	if (strcmp(name, "open") == 0)
		try_open(text);
	else if (strcmp(name, "list") == 0)
		try_list(text);
	else if (strcmp(name, "write") == 0)
		try_write(text);
	else if (strcmp(name, "fill") == 0)
		try_fill(text);
	else if (strcmp(name, "mkdir") == 0)
		result("mkdir", mkdir(text, 0700));
	else if (strcmp(name, "exec") == 0)
		try_exec(text);
	else if (strcmp(name, "connect") == 0)
		try_connect(text);
	else if (strcmp(name, "option") == 0 && sscanf(text, "%d:%d", &level, &option) == 2)
		try_option(level, option);
	else if (strcmp(name, "tee") == 0)
		ask_tee(text);
	else if (strcmp(name, "chroot") == 0)
		result("chroot", chroot(text));
	else if (strcmp(name, "say") == 0)
		(void)printf("%s\n", text);
	else if (strcmp(name, "sayerr") == 0)
		(void)fprintf(stderr, "%s\n", text);
	else
		run_number(name, strtol(text, NULL, 10));
}

static void run_command(char *line)
{
	char *space = strchr(line, ' ');

	if (space) {
		*space = '\0';
		run_text(line, space + 1);
	} else if (strcmp(line, "env") == 0) {
		show_env();
	} else if (strcmp(line, "fds") == 0) {
		show_fds();
	} else if (strcmp(line, "fork") == 0) {
		try_fork();
	} else if (strcmp(line, "vfork") == 0) {
		result("vfork", syscall(SYS_vfork));
	} else if (strcmp(line, "thread") == 0) {
		try_thread();
	} else if (strcmp(line, "loopback") == 0) {
		try_loopback();
	} else if (strcmp(line, "listen") == 0) {
		try_listen();
	} else if (strcmp(line, "status") == 0) {
		show_status();
	} else if (strcmp(line, "deaf") == 0) {
		(void)signal(SIGTERM, SIG_IGN);
	}
	(void)fflush(stdout);
}

int main(int argc, char **argv)
{
	FILE *commands = fopen("/instance/commands", "r");
	char line[LINE_SIZE];

	(void)argc;
	g_argv = argv;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!commands) {
		(void)printf("no commands: %s\n", strerrorname_np(errno));
		return 9;
	}
	(void)fcntl(fileno(commands), F_SETFD, FD_CLOEXEC);
	static char all[64 << 10];
	const size_t size = fread(all, 1, sizeof(all) - 1, commands);

	(void)fclose(commands); /* so that "fds" shows only what was handed over */
	all[size] = '\0';
	for (char *at = all, *end; *at && (end = strchr(at, '\n')); at = end + 1) {
		(void)snprintf(line, sizeof(line), "%.*s", (int)(end - at), at);
		run_command(line);
	}
	(void)puts("done");
	return 0;
}
