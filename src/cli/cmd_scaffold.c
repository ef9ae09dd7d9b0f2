/* SPDX-License-Identifier: Apache-2.0 */
/* mse cloud scaffold: a small application that deploys as it is. */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "cli/cmd.h"
#include "cli/template.h"

#define NAME_MAX_SIZE 255
#define FILE_SIZE_MAX (64u << 10)
#define NAME_MARK "@NAME@"

struct template_file {
	const char *path;
	const char *text;
};

static const struct template_file files[] = {
    {"mse.toml", template_mse_toml},
    {"README.md", template_readme},
    {"Dockerfile", template_dockerfile},
    {"secrets.json", template_secrets},
    {"secrets_to_seal.json", template_secrets_to_seal},
    {"mse_src/app.py", template_app},
    {"mse_src/.mseignore", template_mseignore},
    {"tests/conftest.py", template_conftest},
    {"tests/test_app.py", template_test_app},
};

/* The name becomes a folder, a TOML string and a Python string. */
static int check_name(const char *name, struct err *err)
{
	const size_t size = strlen(name);

	if (size == 0 || size > NAME_MAX_SIZE || name[0] == '.' || name[0] == '-')
		return err_set(err, ERR_INVALID, "'%.60s' is no name for an app (1 to %d characters)", name,
			       NAME_MAX_SIZE);
	for (size_t i = 0; i < size; i++) {
		if (!isalnum((unsigned char)name[i]) && !strchr("-_.", name[i]))
			return err_set(err, ERR_INVALID,
				       "'%.60s' is no name for an app: only letters, digits, '-', '_' and '.'", name);
	}
	return 0;
}

static int fill_in(const char *text, const char *name, struct buf *ret, struct err *err)
{
	const char *mark;

	while ((mark = strstr(text, NAME_MARK))) {
		if (buf_add(ret, text, (size_t)(mark - text), err) < 0 || buf_add_text(ret, name, err) < 0)
			return -1;
		text = mark + strlen(NAME_MARK);
	}
	return buf_add_text(ret, text, err);
}

static int write_file(const char *dir, const struct template_file *file, const char *name, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(FILE_SIZE_MAX);
	scoped(freep) char *path = NULL;

	if (fs_join(dir, file->path, &path, err) < 0 || fill_in(file->text, name, &text, err) < 0)
		return -1;
	return fs_write_new(path, text.data, text.size, 0644, err);
}

static int write_all(const char *dir, const char *name, struct err *err)
{
	static const char *const folders[] = {"mse_src", "tests"};

	for (size_t i = 0; i < COUNT_OF(folders); i++) {
		scoped(freep) char *path = NULL;

		if (fs_join(dir, folders[i], &path, err) < 0 || fs_make_dirs(path, 0755, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		if (write_file(dir, &files[i], name, err) < 0)
			return -1;
	}
	return 0;
}

int cmd_scaffold(struct cmd_call *call, struct err *err)
{
	const char *name = call->args[0];
	struct err ignored = ERR_INIT;

	if (check_name(name, err) < 0)
		return -1;
	if (mkdir(name, 0755) < 0)
		return errno == EEXIST ? err_set(err, ERR_CONFLICT, "'%s' exists already", name)
				       : err_set_errno(err, "cannot make folder '%s'", name);
	if (write_all(name, name, err) < 0) {
		IGNORE_RESULT(fs_remove_tree(name, &ignored));
		return -1;
	}
	out_success(call->out, "An example app has been generated in the directory %s/", name);
	out_advice(call->out, "You can configure your mse application in: %s/mse.toml", name);
	out_advice(call->out, "To test it on this machine: cd %s && mse cloud localtest", name);
	return 0;
}
