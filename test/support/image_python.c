/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands for mse-enclave in tests of images: embeds Python with the paths of an image's root and runs the statement on
 * argv. What it can import, the image has.
 */
#include <Python.h>

#include <stdio.h>

static const wchar_t *const paths[] = {L"/usr/lib/python3.11", L"/usr/lib/python3.11/lib-dynload",
				       L"/usr/lib/python3/dist-packages"};

static PyStatus start(void)
{
	PyConfig config;
	PyStatus status = PyStatus_Ok();

	PyConfig_InitIsolatedConfig(&config);
	config.module_search_paths_set = 1;
	config.site_import = 0;
	config.write_bytecode = 0;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]) && !PyStatus_Exception(status); i++)
		status = PyWideStringList_Append(&config.module_search_paths, paths[i]);
	if (!PyStatus_Exception(status))
		status = PyConfig_SetString(&config, &config.stdlib_dir, paths[0]);
	if (!PyStatus_Exception(status))
		status = Py_InitializeFromConfig(&config);
	PyConfig_Clear(&config);
	return status;
}

int main(int argc, char **argv)
{
	const PyStatus status = start();

	if (PyStatus_Exception(status)) {
		(void)fprintf(stderr, "%s\n", status.err_msg ? status.err_msg : "cannot start Python");
		return 2;
	}
	return argc == 2 && PyRun_SimpleString(argv[1]) == 0 && Py_FinalizeEx() == 0 ? 0 : 1;
}
