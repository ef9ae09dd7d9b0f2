/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/local_app.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/number.h"
#include "base/program.h"
#include "base/spawn.h"
#include "cli/child.h"
#include "cli/interrupt.h"

#define PORT_WANTED 5000
#define SECRETS_SIZE_MAX (1u << 20)
#define OUTPUT_TAIL (64 << 10)
#define STATUS_LINE_MAX 256
#define PROBE_PAUSE_MS 50
#define PROBE_TIMEOUT_SECONDS 5

static int try_port(uint16_t port, uint16_t *ret_port)
{
	scoped(fd_closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	const int yes = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		return -1;
	*ret_port = ntohs(address.sin_port);
	return 0;
}

static int copy_secrets(const char *from, const char *to, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(SECRETS_SIZE_MAX);
	int status;

	if (!from)
		return 0;
	if (fs_read(from, &text, err) < 0)
		return err_prefix(err, "secrets");
	status = fs_write_new(to, text.data, text.size, 0600, err);
	if (text.data)
		explicit_bzero(text.data, text.size);
	return status;
}

/* HOME, TMP, KEY and secrets as in the enclave (E5), below the workspace. */
static int make_env(const struct local_app_options *options, struct child_env *env, struct err *err)
{
	static const struct {
		const char *name;
		const char *path;
		bool is_folder;
	} rows[] = {
	    {"HOME", "root", true},
	    {"TMP_PATH", "tmp", true},
	    {"TMPDIR", "tmp", true},
	    {"KEY_PATH", "key", true},
	    {"MODULE_PATH", "mse-app", true},
	    {NULL, "root/.cache/mse", true},
	    {"SECRETS_PATH", "root/.cache/mse/secrets.json", false},
	    {"SEALED_SECRETS_PATH", "root/.cache/mse/sealed_secrets.json", false},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		scoped(freep) char *path = NULL;

		if (fs_join(options->workspace, rows[i].path, &path, err) < 0 ||
		    (rows[i].is_folder && fs_make_dirs(path, 0700, err) < 0) ||
		    (rows[i].name && child_env_set(env, rows[i].name, path, err) < 0))
			return -1;
		if (!rows[i].is_folder &&
		    copy_secrets(strstr(rows[i].path, "sealed") ? options->sealed_secrets : options->secrets, path,
				 err) < 0)
			return -1;
	}
	if (child_env_set(env, "PATH", "/usr/bin:/bin", err) < 0 || child_env_set(env, "LANG", "C.UTF-8", err) < 0 ||
	    child_env_set(env, "PYTHONUNBUFFERED", "1", err) < 0)
		return -1;
	return child_env_set(env, "PYTHONDONTWRITEBYTECODE", "1", err);
}

static int start_server(const struct local_app_options *options, const struct child_env *env, struct local_app *app,
			struct err *err)
{
	struct spawn_options spawn = SPAWN_OPTIONS_INIT;
	char bind[32];
	scoped(freep) char *program = NULL;
	scoped(freep) char *code = NULL;
	scoped(fd_closep) int log = open(app->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (log < 0)
		return err_set_errno(err, "cannot write '%s'", app->log);
	if (program_find("mse-enclave", &program, err) < 0 || fs_join(options->workspace, "mse-app", &code, err) < 0)
		return -1;
	(void)snprintf(bind, sizeof(bind), "127.0.0.1:%u", app->port);
	const char *argv[] = {program, "--plain", "--bind", bind, "--app-dir", code, options->application, NULL};
	spawn.argv = argv;
	spawn.env = (const char *const *)env->items;
	spawn.dir = options->workspace;
	spawn.stdout_fd = spawn.stderr_fd = log;
	spawn.die_with_parent = true;
	return spawn_start(&spawn, &app->pid, err);
}

int local_app_start(const struct local_app_options *options, struct local_app *ret_app, struct err *err)
{
	scoped(child_env_done) struct child_env env = {0};
	struct local_app app = {0};

	if (try_port(PORT_WANTED, &app.port) < 0 && try_port(0, &app.port) < 0)
		return err_set_errno(err, "no free port on 127.0.0.1");
	if (make_env(options, &env, err) < 0 || fs_join(options->workspace, "docker.log", &app.log, err) < 0)
		return -1;
	if (start_server(options, &env, &app, err) < 0) {
		free(app.log);
		return -1;
	}
	*ret_app = app;
	return 0;
}

/* The status of GET endpoint, or -1 while nobody answers. */
static int probe(uint16_t port, const char *endpoint)
{
	scoped(fd_closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct timeval timeout = {.tv_sec = PROBE_TIMEOUT_SECONDS};
	char line[STATUS_LINE_MAX + 1] = "";
	struct err ignored = ERR_INIT;
	uint64_t status;
	size_t size = 0;
	ssize_t got;

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    dprintf(fd, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: close\r\n\r\n", endpoint, port) < 0)
		return -1;
	while (size < STATUS_LINE_MAX && !memchr(line, '\n', size)) {
		got = read(fd, line + size, STATUS_LINE_MAX - size);
		if (got <= 0)
			break;
		size += (size_t)got;
	}
	if (strncmp(line, "HTTP/1.", 7) != 0 || size < 12)
		return -1;
	line[12] = '\0';
	return number_parse_u64(line + 9, 100, 999, &status, &ignored) < 0 ? -1 : (int)status;
}

static int check_alive(struct local_app *app, struct err *err)
{
	struct err waiting = ERR_INIT;
	int status;

	if (spawn_wait(app->pid, 0, &status, &waiting) < 0)
		return 0;
	app->pid = 0;
	return err_set(err, ERR_CONFLICT, "the application ended at once with status %d", status);
}

int local_app_wait_healthy(struct local_app *app, const char *endpoint, int timeout_ms, int *ret_status,
			   struct err *err)
{
	const int64_t until = clock_monotonic_ns() + timeout_ms * (int64_t)1000000;
	int status = -1;

	while (clock_monotonic_ns() < until) {
		if (check_alive(app, err) < 0)
			return -1;
		status = probe(app->port, endpoint);
		*ret_status = status;
		if (status >= 100 && status < 500)
			return 0;
		if (interrupt_sleep_ms(PROBE_PAUSE_MS, err) < 0)
			return -1;
	}
	if (status < 0)
		return err_set(err, ERR_TIMEOUT, "the application did not answer within %d s", timeout_ms / 1000);
	return err_set(err, ERR_TIMEOUT, "GET %s answered %d for %d s", endpoint, status, timeout_ms / 1000);
}

char *local_app_output(const struct local_app *app)
{
	scoped(fd_closep) int fd = open(app->log, O_RDONLY | O_CLOEXEC);
	char *text = calloc(1, OUTPUT_TAIL + 1);
	struct stat st;

	if (!text || fd < 0 || fstat(fd, &st) < 0)
		return text;
	if (pread(fd, text, OUTPUT_TAIL, st.st_size > OUTPUT_TAIL ? st.st_size - OUTPUT_TAIL : 0) < 0)
		text[0] = '\0';
	return text;
}

void local_app_end(struct local_app *app)
{
	child_end(app->pid);
	free(app->log);
	*app = (struct local_app){0};
}
