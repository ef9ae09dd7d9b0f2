/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/project.h"

#include "domain/text_rule.h"

int project_check_name(const char *name, struct err *err)
{
	return text_check_name("project", name, PROJECT_NAME_SIZE - 1, err);
}
