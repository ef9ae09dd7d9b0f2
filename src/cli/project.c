/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/project.h"

#include <jansson.h>
#include <string.h>

#include "base/fs.h"

#define SEALED_FILE "secrets_to_seal.json"

static int folder_of(const char *file, char **ret_dir, struct err *err)
{
	scoped(freep) char *absolute = realpath(file, NULL);
	char *slash;

	if (!absolute)
		return err_set_errno(err, "cannot find '%s'", file);
	slash = strrchr(absolute, '/');
	*(slash == absolute ? slash + 1 : slash) = '\0';
	*ret_dir = TAKE_PTR(absolute);
	return 0;
}

static int expand(const char *path, const char *dir, char **ret, struct err *err)
{
	return path ? fs_expand(path, dir, ret, err) : 0;
}

static int expand_all(struct project *project, const char *dir, struct err *err)
{
	const struct app_config *config = &project->config;
	scoped(freep) char *sealed = NULL;

	if (expand(config->code, dir, &project->code_dir, err) < 0 ||
	    expand(config->tests, dir, &project->tests_dir, err) < 0 ||
	    expand(config->secrets, dir, &project->secrets_file, err) < 0 ||
	    expand(config->ssl_private_key, dir, &project->ssl_private_key_file, err) < 0 ||
	    expand(config->ssl_certificate, dir, &project->ssl_certificate_file, err) < 0 ||
	    fs_join(dir, SEALED_FILE, &sealed, err) < 0)
		return -1;
	if (fs_exists(sealed))
		project->sealed_file = TAKE_PTR(sealed);
	return 0;
}

/* Everything that is wrong goes to the user at once; the error says where to look. */
static int parse(struct out *out, const char *file, struct app_config *ret, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(APP_CONFIG_SIZE_MAX);
	scoped(buf_done) struct buf errors = BUF_INIT(APP_CONFIG_ERRORS_SIZE_MAX);
	scoped(freep) char *list = NULL;
	char *rest, *line;
	size_t count = 0;

	if (fs_read(file, &text, err) < 0)
		return err->code == ERR_NOT_FOUND ? err_set(err, ERR_NOT_FOUND, "cannot find '%s'", file) : -1;
	if (app_config_parse(file, text.data, text.size, ret, &errors, err) == 0)
		return 0;
	if (errors.size == 0)
		return -1;
	rest = list = buf_take_text(&errors);
	for (; list && (line = strsep(&rest, "\n")); count++)
		out_error(out, "%s", line);
	return err_set(err, ERR_INVALID, "'%s' has %zu error%s", file, count, count == 1 ? "" : "s");
}

int project_load(struct out *out, const char *path, struct project *ret_project, struct err *err)
{
	scoped(freep) char *dir = NULL;
	struct project project = {.file = strdup(path ? path : PROJECT_FILE)};

	if (!project.file)
		return err_no_memory(err);
	if (parse(out, project.file, &project.config, err) < 0 || folder_of(project.file, &dir, err) < 0 ||
	    expand_all(&project, dir, err) < 0) {
		project_done(&project);
		return -1;
	}
	*ret_project = project;
	return 0;
}

void project_done(struct project *project)
{
	app_config_done(&project->config);
	free(project->file);
	free(project->code_dir);
	free(project->tests_dir);
	free(project->secrets_file);
	free(project->sealed_file);
	free(project->ssl_private_key_file);
	free(project->ssl_certificate_file);
	*project = (struct project){0};
}

int project_read_secrets(const struct project *project, struct secret *ret, struct err *err)
{
	struct secret text = SECRET_INIT;
	json_error_t where;
	json_t *value;

	if (!project->secrets_file)
		return 0;
	if (secret_load(project->secrets_file, PROJECT_SECRETS_SIZE_MAX, &text, err) < 0)
		return err_prefix(err, "secrets");
	value = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, &where);
	if (!value) {
		secret_done(&text);
		return err_set(err, ERR_INVALID, "%s:%d:%d: %s", project->secrets_file, where.line, where.column,
			       where.text);
	}
	json_decref(value);
	*ret = text;
	return 0;
}
