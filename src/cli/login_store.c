/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/login_store.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "format/toml.h"

#define LOGIN_FILE "login.toml"
#define LOCK_FILE "login.lock"

struct row {
	const char *key;
	size_t offset;
};

static const struct row rows[] = {
    {"email", offsetof(struct login, email)},
    {"refresh_token", offsetof(struct login, refresh_token)},
    {"url", offsetof(struct login, url)},
    {"access_token", offsetof(struct login, access_token)},
    {"api_token", offsetof(struct login, api_token)},
};

static char **field(const struct login *login, const struct row *row)
{
	return (char **)((uintptr_t)login + row->offset);
}

void login_done(struct login *login)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char *text = *field(login, &rows[i]);

		if (text)
			explicit_bzero(text, strlen(text));
		free(text);
	}
	*login = (struct login){0};
}

static int64_t find_integer(const struct toml_node *root, const char *key)
{
	const struct toml_node *node = toml_find(root, key);

	return node && node->kind == TOML_INTEGER ? node->integer : 0;
}

static int parse(const struct buf *text, const char *path, struct login *ret_login, struct err *err)
{
	scoped(toml_freep) struct toml_doc *doc = NULL;

	if (toml_parse(text->data, text->size, &doc, err) < 0)
		return err_prefix(err, "'%s'", path);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *value = toml_find_text(toml_root(doc), rows[i].key);

		if (value && !(*field(ret_login, &rows[i]) = strdup(value)))
			return err_no_memory(err);
	}
	ret_login->access_expires = find_integer(toml_root(doc), "access_expires");
	ret_login->access_refresh = find_integer(toml_root(doc), "access_refresh");
	return 0;
}

int login_load(const struct settings *settings, struct login *ret_login, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(LOGIN_FILE_MAX);
	scoped(freep) char *path = NULL;
	struct login login = {0};
	int status;

	if (settings_path(settings, LOGIN_FILE, &path, err) < 0)
		return -1;
	if (!fs_exists(path))
		return 0;
	if (fs_read(path, &text, err) < 0)
		return -1;
	status = parse(&text, path, &login, err);
	explicit_bzero(text.data, text.size);
	if (status < 0) {
		login_done(&login);
		return -1;
	}
	*ret_login = login;
	return 1;
}

static int format(const struct login *login, struct buf *ret, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *value = *field(login, &rows[i]);

		if (value && (buf_addf(ret, err, "%s = ", rows[i].key) < 0 || toml_add_text(ret, value, err) < 0 ||
			      buf_add_byte(ret, '\n', err) < 0))
			return -1;
	}
	if (!login->access_token)
		return 0;
	return buf_addf(ret, err, "access_expires = %lld\naccess_refresh = %lld\n", (long long)login->access_expires,
			(long long)login->access_refresh);
}

int login_save(const struct settings *settings, const struct login *login, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(LOGIN_FILE_MAX);
	scoped(freep) char *folder = NULL;
	scoped(freep) char *path = NULL;
	int status;

	if (settings_make_folder(settings, ".", &folder, err) < 0 ||
	    settings_path(settings, LOGIN_FILE, &path, err) < 0)
		return -1;
	status = format(login, &text, err);
	if (status == 0)
		status = fs_write_atomic(path, text.data, text.size, 0600, err);
	if (text.data)
		explicit_bzero(text.data, text.size);
	return status;
}

int login_remove(const struct settings *settings, struct err *err)
{
	scoped(freep) char *path = NULL;

	if (settings_path(settings, LOGIN_FILE, &path, err) < 0)
		return -1;
	return fs_remove_tree(path, err);
}

int login_lock(const struct settings *settings, int *ret_fd, struct err *err)
{
	scoped(freep) char *folder = NULL;
	scoped(freep) char *path = NULL;
	scoped(fd_closep) int fd = -1;

	if (settings_make_folder(settings, ".", &folder, err) < 0 || settings_path(settings, LOCK_FILE, &path, err) < 0)
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return err_set_errno(err, "cannot lock '%s'", path);
	*ret_fd = TAKE_FD(fd);
	return 0;
}
