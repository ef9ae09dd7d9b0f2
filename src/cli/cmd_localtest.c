/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mse cloud localtest (C5): runs what would be deployed on this machine, waits for its health check, runs its tests,
 * ends it again whatever happens.
 */
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "cli/app_tests.h"
#include "cli/cmd.h"
#include "cli/code_tree.h"
#include "cli/local_app.h"
#include "cli/project.h"
#include "cli/workspace.h"

#define HEALTH_TIMEOUT_MS 60000
#define URL_SIZE 40

/* Images that are made from the packages of this machine: python3 runs them here. */
static int check_image(const char *docker, struct err *err)
{
	static const char *const images[] = {"mse-flask", "mse-fastapi"};
	const size_t size = strcspn(docker, ":");

	for (size_t i = 0; i < COUNT_OF(images); i++) {
		if (strlen(images[i]) == size && strncmp(images[i], docker, size) == 0)
			return 0;
	}
	return err_set(err, ERR_UNSUPPORTED,
		       "image '%s' is no built-in one (mse-flask, mse-fastapi): it cannot be tested on this machine",
		       docker);
}

static int place_code(const struct project *project, const char *workspace, struct err *err)
{
	scoped(code_tree_done) struct code_tree tree = {0};
	scoped(freep) char *module = app_config_module(&project->config);
	scoped(freep) char *dest = NULL;

	if (!module)
		return err_no_memory(err);
	if (code_tree_load(project->code_dir, &tree, err) < 0 || code_tree_check_module(&tree, module, err) < 0 ||
	    fs_join(workspace, "mse-app", &dest, err) < 0)
		return -1;
	return code_tree_copy(&tree, dest, err);
}

static int run_tests(struct cmd_call *call, const struct project *project, const struct workspace *workspace,
		     const struct local_app *app, struct err *err)
{
	char url[URL_SIZE];

	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u", app->port);
	return app_tests_run(call->settings, call->out,
			     &(struct app_tests){
				 .dir = project->tests_dir,
				 .command = project->config.tests_cmd,
				 .requirements = &project->config.tests_requirements,
				 .workspace = workspace->path,
				 .url = url,
				 .secrets = project->secrets_file,
				 .sealed = project->sealed_file,
			     },
			     err);
}

static int wait_and_test(struct cmd_call *call, const struct project *project, const struct workspace *workspace,
			 struct local_app *app, struct err *err)
{
	const char *endpoint = project->config.healthcheck_endpoint;
	int status;

	out_step(call->out, "Waiting for the application on 127.0.0.1:%u", app->port);
	if (local_app_wait_healthy(app, endpoint, HEALTH_TIMEOUT_MS, &status, err) < 0)
		return -1;
	out_step_done(call->out);
	/* A cloud takes it for running too: one that asks for a password is. */
	if (status >= 400)
		out_warning(call->out, "GET %s ('healthcheck_endpoint') answers %d", endpoint, status);
	if (cmd_has(call, "no-tests")) {
		out_success(call->out, "The application is ready");
		return 0;
	}
	return run_tests(call, project, workspace, app, err);
}

static int run(struct cmd_call *call, const struct project *project, const struct workspace *workspace, struct err *err)
{
	struct local_app app = {0};
	const struct local_app_options options = {
	    .workspace = workspace->path,
	    .application = project->config.python_application,
	    .secrets = project->secrets_file,
	    .sealed_secrets = project->sealed_file,
	};
	int status;

	if (place_code(project, workspace->path, err) < 0 || local_app_start(&options, &app, err) < 0)
		return -1;
	status = wait_and_test(call, project, workspace, &app, err);
	if (status < 0) {
		scoped(freep) char *output = local_app_output(&app);

		if (output && *output)
			out_error(call->out, "The application's output:\n%s", output);
	}
	local_app_end(&app);
	return status;
}

int cmd_localtest(struct cmd_call *call, struct err *err)
{
	scoped(project_done) struct project project = {0};
	scoped(workspace_done) struct workspace workspace = {0};
	scoped(secret_done) struct secret secrets = SECRET_INIT;

	if (project_load(call->out, cmd_value(call, "path"), &project, err) < 0 ||
	    check_image(project.config.docker, err) < 0)
		return -1;
	if (project_read_secrets(&project, &secrets, err) < 0 || workspace_open(NULL, &workspace, err) < 0)
		return -1;
	return run(call, &project, &workspace, err);
}
