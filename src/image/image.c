/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "domain/release.h"
#include "image/bytecode.h"
#include "image/closure.h"
#include "image/generated.h"
#include "image/packages.h"
#include "image/plan.h"
#include "image/select.h"
#include "measure/sim_loader.h"

#define PYTHON_PACKAGES "libpython3.11-minimal", "libpython3.11-stdlib"
#define COMMON_PACKAGES "tzdata", "ca-certificates"

/* python3.11-minimal has the interpreter that compiles; none of its files gets into an image. */
static const char *const flask_packages[] = {
    PYTHON_PACKAGES,      COMMON_PACKAGES,        "python3-flask", "python3-werkzeug",   "python3-jinja2",
    "python3-markupsafe", "python3-itsdangerous", "python3-click", "python3.11-minimal", NULL};
static const char *const fastapi_packages[] = {PYTHON_PACKAGES,
					       COMMON_PACKAGES,
					       "python3-fastapi",
					       "python3-starlette",
					       "python3-pydantic",
					       "python3-anyio",
					       "python3-sniffio",
					       "python3-idna",
					       "python3-typing-extensions",
					       "python3-jinja2",
					       "python3-markupsafe",
					       "python3-itsdangerous",
					       "python3.11-minimal",
					       NULL};

const struct image_spec image_specs[] = {
    {"mse-flask:20261122", "Python 3.11 with Flask (WSGI)", flask_packages, "flask"},
    {"mse-fastapi:20261122", "Python 3.11 with FastAPI (ASGI)", fastapi_packages, "fastapi"},
    {NULL, NULL, NULL, NULL},
};

const struct image_spec *image_find(const char *name)
{
	for (const struct image_spec *spec = image_specs; spec->name; spec++) {
		if (strcmp(spec->name, name) == 0)
			return spec;
	}
	return NULL;
}

int image_is_buildable(const struct image_spec *spec, struct err *err)
{
	if (packages_check(spec->packages, err) < 0)
		return err_prefix(err, "image '%s'", spec->name);
	return 0;
}

/* One path of a package: directories are implied, links become what they lead to. */
static int take_path(const char *path, void *arg, struct err *err)
{
	struct stat info;

	if (!select_wants(path))
		return 0;
	if (stat(path, &info) < 0)
		return err_set_errno(err, "cannot look at '%s', which its package has", path);
	if (!S_ISREG(info.st_mode))
		return 0;
	return plan_add_file(arg, path + 1, path, err);
}

static int make_plan(const struct image_spec *spec, const char *program, const struct image_progress *progress,
		     struct plan *plan, struct err *err)
{
	if (packages_each_path(spec->packages, take_path, plan, err) < 0 || closure_add(plan, program, err) < 0 ||
	    plan_sort(plan, err) < 0 || bytecode_add(plan, progress, err) < 0 ||
	    generated_add(plan, spec->name, err) < 0 || plan_add_file(plan, RELEASE_PROGRAM, program, err) < 0)
		return -1;
	return plan_sort(plan, err);
}

/* The directory that holds path. Caller frees. */
static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

/* Whether the realised plan is what bill says. NULL says nothing. */
static int compare(const struct plan *plan, const struct bill *bill, struct err *err)
{
	for (size_t i = 0; bill && i < bill->count; i++) {
		const struct plan_item *item = &plan->items[i];
		const struct bill_file *file = &bill->files[i];

		if (item->size != file->size || memcmp(item->sha256, file->sha256, 32) != 0)
			return err_set(err, ERR_UNTRUSTED, "'%s' is not as the bill says", file->path);
	}
	return 0;
}

/* Puts the root together beside dest_root and renames it, so that it is whole or absent. */
static int write_root(struct plan *plan, const struct bill *expected, const char *dest_root,
		      const struct image_progress *progress, struct err *err)
{
	scoped(freep) char *parent = parent_of(dest_root);
	scoped(freep) char *temp = NULL;
	struct err ignored = ERR_INIT;

	if (!parent)
		return err_no_memory(err);
	if (fs_exists(dest_root))
		return err_set(err, ERR_CONFLICT, "'%s' exists", dest_root);
	if (fs_make_temp_dir(parent, ".mse-image-", &temp, err) < 0)
		return -1;
	if (plan_realise(plan, temp, progress, err) < 0 || compare(plan, expected, err) < 0) {
		IGNORE_RESULT(fs_remove_tree(temp, &ignored));
		return -1;
	}
	if (chmod(temp, 0755) < 0 || rename(temp, dest_root) < 0) {
		(void)err_set_errno(err, "cannot rename '%s' to '%s'", temp, dest_root);
		IGNORE_RESULT(fs_remove_tree(temp, &ignored));
		return -1;
	}
	return fs_sync_dir(parent, err);
}

static int realise(struct plan *plan, const struct bill *expected, const char *dest_root,
		   const struct image_progress *progress, struct err *err)
{
	if (dest_root)
		return write_root(plan, expected, dest_root, progress, err);
	return plan_realise(plan, NULL, progress, err) < 0 ? -1 : compare(plan, expected, err);
}

int image_build(const char *name, const char *program, const char *dest_root, const struct image_progress *progress,
		struct bill **ret, struct err *err)
{
	const struct image_spec *spec = image_find(name);
	scoped(plan_done) struct plan plan = {.count = 0};

	if (!spec)
		return err_set(err, ERR_NOT_FOUND, "there is no built-in image '%s'", name);
	if (image_is_buildable(spec, err) < 0)
		return -1;
	if (make_plan(spec, program, progress, &plan, err) < 0 || realise(&plan, NULL, dest_root, progress, err) < 0 ||
	    plan_bill(&plan, name, sim_loader_sha256, ret, err) < 0)
		return err_prefix(err, "image '%s'", name);
	return 0;
}

/* ---- an image of another data directory ---- */

static int plan_of_bill(const struct bill *bill, const char *root, struct plan *plan, struct err *err)
{
	for (size_t i = 0; i < bill->count; i++) {
		scoped(freep) char *source = NULL;

		if (fs_join(root, bill->files[i].path, &source, err) < 0 ||
		    plan_add_file(plan, bill->files[i].path, source, err) < 0)
			return -1;
	}
	return plan_sort(plan, err);
}

int image_copy(const struct bill *bill, const char *root, const char *dest_root, const struct image_progress *progress,
	       struct err *err)
{
	scoped(plan_done) struct plan plan = {.count = 0};

	if (plan_of_bill(bill, root, &plan, err) < 0 || realise(&plan, bill, dest_root, progress, err) < 0)
		return err_prefix(err, "image '%s'", bill->image);
	return 0;
}
