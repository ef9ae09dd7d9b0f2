/* SPDX-License-Identifier: Apache-2.0 */
/* Users, projects and hardware (mission A1), as the original's client reads them. */
#include <string.h>

#include "cloud/route_list.h"
#include "cloud/routes.h"
#include "store/store_hardware.h"
#include "store/store_project.h"

int route_users_me(struct request *request, struct err *err)
{
	const struct user *user = &request->user;
	scoped(json_decrefp) json_t *value = NULL;

	if (api_json(json_pack("{s:s, s:s, s:s, s:s, s:o, s:b, s:b, s:b}", "id", user->id, "given_name",
			       user->given_name, "family_name", user->family_name, "email", user->email, "created_at",
			       api_json_time(user->created_at), "configured", user->configured, "email_verified",
			       user->email_verified, "is_admin", user->is_admin),
		     &value, err) < 0)
		return -1;
	return api_reply_json(request, 200, value, err);
}

int route_userinfo(struct request *request, struct err *err)
{
	const struct user *user = &request->user;
	scoped(json_decrefp) json_t *value = NULL;

	if (api_json(json_pack("{s:s, s:s, s:s, s:s, s:b}", "sub", user->id, "email", user->email, "given_name",
			       user->given_name, "family_name", user->family_name, "email_verified",
			       user->email_verified),
		     &value, err) < 0)
		return -1;
	return api_reply_json(request, 200, value, err);
}

/* The original's payment fields are there and empty: nothing is billed yet. */
static json_t *project_json(const struct project *project)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:b, s:n, s:n, s:o, s:o}", "id", project->id, "name", project->name,
			 "description", project->description, "owner_id", project->owner_id, "is_default",
			 project->is_default, "stripe_customer_id", "stripe_payment_method_id", "created_at",
			 api_json_time(project->created_at), "deleted_at", api_json_time(project->deleted_at));
}

static int add_project(const struct project *project, void *arg, struct err *err)
{
	return json_array_append_new(arg, project_json(project)) < 0 ? err_no_memory(err) : 0;
}

int route_projects(struct request *request, struct err *err)
{
	scoped(buf_done) struct buf name = BUF_INIT(0);
	scoped(json_decrefp) json_t *list = json_array();
	struct store_page page;
	const int named = api_query(request, "name", PROJECT_NAME_SIZE - 1, &name, err);

	if (!list)
		return err_no_memory(err);
	if (named < 0 || route_page(request, &page, err) < 0 ||
	    store_project_each(request->cloud->store, request->user.id, named ? buf_text(&name) : NULL, &page,
			       add_project, list, err) < 0)
		return -1;
	return api_reply_json(request, 200, list, err);
}

int route_project(struct request *request, struct err *err)
{
	scoped(json_decrefp) json_t *value = NULL;
	struct project project;
	const int found = store_project_find(request->cloud->store, request->params[0], &project, err);

	if (found < 0)
		return -1;
	if (found == 0 || strcmp(project.owner_id, request->user.id) != 0)
		return err_set(err, ERR_NOT_FOUND, "Cannot find the project with id %s", request->params[0]);
	if (api_json(project_json(&project), &value, err) < 0)
		return -1;
	return api_reply_json(request, 200, value, err);
}

static json_t *hardware_json(const struct hardware *hardware)
{
	return json_pack("{s:s, s:I, s:I, s:I}", "name", hardware->name, "memory", (json_int_t)hardware->memory_mib,
			 "cores", (json_int_t)hardware->cores, "enclave_size", (json_int_t)hardware->enclave_size_mib);
}

static int add_hardware(const struct hardware *hardware, void *arg, struct err *err)
{
	return json_array_append_new(arg, hardware_json(hardware)) < 0 ? err_no_memory(err) : 0;
}

int route_hardwares(struct request *request, struct err *err)
{
	scoped(json_decrefp) json_t *list = json_array();

	if (!list)
		return err_no_memory(err);
	if (store_hardware_each(request->cloud->store, add_hardware, list, err) < 0)
		return -1;
	return api_reply_json(request, 200, list, err);
}

int route_hardware(struct request *request, struct err *err)
{
	scoped(json_decrefp) json_t *value = NULL;
	struct hardware hardware;
	const int found = store_hardware_find(request->cloud->store, request->params[0], &hardware, err);

	if (found < 0)
		return -1;
	if (found == 0)
		return err_set(err, ERR_NOT_FOUND, "Cannot find the hardware with name %s", request->params[0]);
	if (api_json(hardware_json(&hardware), &value, err) < 0)
		return -1;
	return api_reply_json(request, 200, value, err);
}
