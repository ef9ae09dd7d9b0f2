/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/python/python_namespace.h"

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "base/scoped.h"

/* A subclass, so that whoever looks for the finder of paths (importlib.metadata) finds one. */
static const char CODE[] = "import sys\n"
			   "from _frozen_importlib_external import PathFinder\n"
			   "from posix import scandir\n"
			   "def holds_file(path, depth=8):\n"
			   "    try:\n"
			   "        for entry in scandir(path):\n"
			   "            if entry.is_dir():\n"
			   "                if depth and holds_file(entry.path, depth - 1):\n"
			   "                    return True\n"
			   "            else:\n"
			   "                try:\n"
			   "                    with open(entry.path, 'rb'):\n"
			   "                        return True\n"
			   "                except OSError:\n"
			   "                    pass\n"
			   "    except OSError:\n"
			   "        pass\n"
			   "    return False\n"
			   "class MeasuredFinder(PathFinder):\n"
			   "    @classmethod\n"
			   "    def find_spec(cls, name, path=None, target=None):\n"
			   "        spec = super().find_spec(name, path, target)\n"
			   "        if spec is None or spec.loader is not None:\n"
			   "            return spec\n"
			   "        return spec if any(map(holds_file, spec.submodule_search_locations)) else None\n"
			   "sys.meta_path[sys.meta_path.index(PathFinder)] = MeasuredFinder\n";

int python_namespace_guard(struct err *err)
{
	PyObject *names = PyDict_New();
	PyObject *done = NULL;

	if (names && PyDict_SetItemString(names, "__builtins__", PyEval_GetBuiltins()) == 0)
		done = PyRun_String(CODE, Py_file_input, names, names);
	Py_XDECREF(names);
	if (done) {
		Py_DECREF(done);
		return 0;
	}
	PyErr_Clear();
	return err_set(err, ERR_INTERNAL, "python: cannot guard the import of packages");
}
