/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/python.h"

#include <string.h>

#include "enclave/python_audit.h"

#define DYNLOAD PYTHON_STDLIB "/lib-dynload"
#define DIST_PACKAGES "/usr/lib/python3/dist-packages"
#define EXECUTABLE "/usr/bin/python3" /* what sys.executable says; it need not exist */
#define PREFIX "/usr"

static PyThreadState *main_state;
static PyInterpreterState *interpreter;
static _Thread_local PyThreadState *thread_state;

/* In the order of asking: the first whose is_mine says yes. */
static const struct python_protocol *const protocols[] = {
    &wsgi_protocol,
};

static int status_to_err(PyStatus status, struct err *err)
{
	return err_set(err, ERR_INTERNAL, "python: %s", status.err_msg ? status.err_msg : "cannot start");
}

static int preinitialize(struct err *err)
{
	PyPreConfig config;
	PyStatus status;

	PyPreConfig_InitIsolatedConfig(&config);
	config.utf8_mode = 1;
	status = Py_PreInitialize(&config);
	return PyStatus_Exception(status) ? status_to_err(status, err) : 0;
}

static PyStatus add_path(PyConfig *config, const char *path)
{
	wchar_t *wide = Py_DecodeLocale(path, NULL);
	PyStatus status;

	if (!wide)
		return PyStatus_NoMemory();
	status = PyWideStringList_Append(&config->module_search_paths, wide);
	PyMem_RawFree(wide);
	return status;
}

/* Everything that getpath.py would otherwise look for on disk. */
static PyStatus set_paths(PyConfig *config, const struct settings *settings)
{
	wchar_t **const prefixes[] = {&config->prefix, &config->exec_prefix, &config->base_prefix,
				      &config->base_exec_prefix};
	const char *const paths[] = {settings->module_path, PYTHON_STDLIB, DYNLOAD, DIST_PACKAGES};
	PyStatus status = PyConfig_SetBytesString(config, &config->executable, EXECUTABLE);

	for (size_t i = 0; i < COUNT_OF(prefixes) && !PyStatus_Exception(status); i++)
		status = PyConfig_SetBytesString(config, prefixes[i], PREFIX);
	if (!PyStatus_Exception(status))
		status = PyConfig_SetBytesString(config, &config->base_executable, EXECUTABLE);
	if (!PyStatus_Exception(status))
		status = PyConfig_SetBytesString(config, &config->stdlib_dir, PYTHON_STDLIB);
	config->module_search_paths_set = 1;
	for (size_t i = 0; i < COUNT_OF(paths) && !PyStatus_Exception(status); i++)
		status = add_path(config, paths[i]);
	return status;
}

static int initialize(const struct settings *settings, struct err *err)
{
	PyConfig config;
	PyStatus status;

	PyConfig_InitIsolatedConfig(&config);
	config.site_import = 0;
	config.write_bytecode = 0;
	config.buffered_stdio = 0;
	config.install_signal_handlers = 0;
	config.parse_argv = 0;
	config.pathconfig_warnings = 0;
	status = set_paths(&config, settings);
	if (!PyStatus_Exception(status))
		status = Py_InitializeFromConfig(&config);
	PyConfig_Clear(&config);
	return PyStatus_Exception(status) ? status_to_err(status, err) : 0;
}

int python_start(const struct settings *settings, struct err *err)
{
	if (preinitialize(err) < 0 || python_audit_install(settings, err) < 0 || initialize(settings, err) < 0)
		return -1;
	interpreter = PyInterpreterState_Get();
	return 0;
}

void python_report_exception(void)
{
	PyObject *type;
	PyObject *value;
	PyObject *traceback;

	PyErr_Fetch(&type, &value, &traceback);
	PyErr_NormalizeException(&type, &value, &traceback);
	if (traceback)
		(void)PyException_SetTraceback(value, traceback);
	/* Not PyErr_Print: that one ends the process for SystemExit. */
	if (type)
		PyErr_Display(type, value, traceback);
	Py_XDECREF(type);
	Py_XDECREF(value);
	Py_XDECREF(traceback);
}

/* The object that a dotted variable names; NULL with an exception set. New reference. */
static PyObject *find_variable(PyObject *module, const char *variable)
{
	PyObject *names = PyUnicode_FromString(variable);
	scoped(py_decrefp) PyObject *dot = PyUnicode_FromString(".");
	scoped(py_decrefp) PyObject *parts = names && dot ? PyUnicode_Split(names, dot, -1) : NULL;
	PyObject *object = Py_NewRef(module);

	Py_XDECREF(names);
	if (!parts)
		Py_CLEAR(object);
	for (Py_ssize_t i = 0; object && i < PyList_GET_SIZE(parts); i++)
		Py_SETREF(object, PyObject_GetAttr(object, PyList_GET_ITEM(parts, i)));
	return object;
}

static PyObject *import_app(const struct settings *settings)
{
	scoped(py_decrefp) PyObject *module = PyImport_ImportModule(settings->module);
	PyObject *app = module ? find_variable(module, settings->variable) : NULL;

	if (app && !PyCallable_Check(app)) {
		PyErr_Format(PyExc_TypeError, "'%s' is a %.100s, which cannot be called", settings->application,
			     Py_TYPE(app)->tp_name);
		Py_CLEAR(app);
	}
	return app;
}

static const struct python_protocol *find_protocol(PyObject *app)
{
	for (size_t i = 0; i < COUNT_OF(protocols); i++) {
		if (protocols[i]->is_mine(app))
			return protocols[i];
	}
	PyErr_SetString(PyExc_TypeError, "the application is asynchronous (ASGI); this runtime serves WSGI");
	return NULL;
}

int python_load(const struct settings *settings, const struct python_site *site,
		const struct python_protocol **ret_protocol, struct err *err)
{
	scoped(py_decrefp) PyObject *app = import_app(settings);
	const struct python_protocol *protocol = app ? find_protocol(app) : NULL;

	if (!protocol) {
		python_report_exception();
		return err_set(err, ERR_INVALID, "the application failed to load");
	}
	if (protocol->start(app, site, err) < 0)
		return -1;
	*ret_protocol = protocol;
	Py_CLEAR(app);
	main_state = PyEval_SaveThread();
	return 0;
}

void python_enter(void)
{
	if (!thread_state)
		thread_state = PyThreadState_New(interpreter);
	PyEval_RestoreThread(thread_state);
}

void python_leave(void)
{
	(void)PyEval_SaveThread();
}

void python_stop(const struct python_protocol *protocol)
{
	if (main_state)
		PyEval_RestoreThread(main_state);
	main_state = NULL;
	if (protocol)
		protocol->stop();
	(void)Py_FinalizeEx();
}
