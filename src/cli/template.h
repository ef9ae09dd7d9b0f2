/* SPDX-License-Identifier: Apache-2.0 */
/* The files of src/cli/template, compiled in by tools/embed-files. */
#ifndef MSE_CLI_TEMPLATE_H
#define MSE_CLI_TEMPLATE_H

extern const char template_app[];
extern const char template_conftest[];
extern const char template_dockerfile[];
extern const char template_mse_toml[];
extern const char template_mseignore[];
extern const char template_readme[];
extern const char template_requirements[]; /* tests: which requirements are not met */
extern const char template_secrets[];
extern const char template_secrets_to_seal[];
extern const char template_test_app[];

#endif
