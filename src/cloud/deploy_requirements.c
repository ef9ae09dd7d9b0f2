/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/fs.h"
#include "cloud/deploy_priv.h"
#include "domain/requirement.h"
#include "image/image.h"

#define REQUIREMENTS_MAX (256u << 10)

static int check_line(const struct deployment *deployment, const char *line, struct err *err)
{
	char version[IMAGE_VERSION_MAX];
	struct requirement requirement;
	int status = requirement_parse(line, &requirement, err);

	if (status != 1)
		return status;
	status = image_distribution(deployment->image->bill, requirement.name, version);
	if (status == 0)
		return err_set(err, ERR_INVALID, "'%s' is not in the image %s, and nothing is installed in an enclave",
			       requirement.name, deployment->image->name);
	status = requirement_is_met(&requirement, version, err);
	if (status < 0)
		return -1;
	if (status == 0)
		return err_set(err, ERR_INVALID, "'%s%s' is not met: the image %s has %s %s", requirement.name,
			       requirement.specifiers, deployment->image->name, requirement.name, version);
	return 0;
}

int deploy_check_requirements(const struct deployment *deployment, const char *code_dir, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(REQUIREMENTS_MAX);
	scoped(freep) char *path = NULL;
	char *end;

	if (fs_join(code_dir, "requirements.txt", &path, err) < 0)
		return -1;
	if (!fs_exists(path))
		return 0;
	if (fs_read(path, &text, err) < 0)
		return err_prefix(err, "requirements.txt");
	if (text.size == 0)
		return 0;
	for (char *line = (char *)text.data; line; line = end ? end + 1 : NULL) {
		end = strchr(line, '\n');
		if (end)
			*end = 0;
		if (check_line(deployment, line, err) < 0)
			return err_prefix(err, "requirements.txt");
	}
	return 0;
}
