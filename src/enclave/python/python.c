/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/python/python.h"

#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "enclave/process/exit_code.h"
#include "enclave/process/operator_log.h"
#include "enclave/process/wake.h"
#include "enclave/python/python_app.h"
#include "enclave/python/python_audit.h"
#include "enclave/python/python_memory.h"
#include "enclave/python/python_namespace.h"
#include "enclave/python/python_replace.h"

#define DYNLOAD PYTHON_STDLIB "/lib-dynload"
#define DIST_PACKAGES "/usr/lib/python3/dist-packages"
#define MISSING_SIZE 100              /* of a name that is told */
#define EXECUTABLE "/usr/bin/python3" /* what sys.executable says; it need not exist */
#define PREFIX "/usr"
#define REPORT_SECONDS_MAX 10 /* for saying why the application does not load, which its own code may hold up */

static PyThreadState *main_state;
static PyInterpreterState *interpreter;
static _Thread_local PyThreadState *thread_state;

/* In the order of asking: the first whose is_mine says yes. */
static const struct python_protocol *const protocols[] = {
    &asgi_protocol,
    &wsgi_protocol,
};

static int status_to_err(PyStatus status, struct err *err)
{
	return err_set(err, ERR_INTERNAL, "python: %s", status.err_msg ? status.err_msg : "cannot start");
}

static int preinitialize(bool is_isolated, struct err *err)
{
	PyPreConfig config;
	PyStatus status;

	if (is_isolated)
		PyPreConfig_InitIsolatedConfig(&config);
	else
		PyPreConfig_InitPythonConfig(&config);
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
static PyStatus set_paths(PyConfig *config, const char *module_path)
{
	wchar_t **const prefixes[] = {&config->prefix, &config->exec_prefix, &config->base_prefix,
				      &config->base_exec_prefix};
	const char *const paths[] = {module_path, PYTHON_STDLIB, DYNLOAD, DIST_PACKAGES};
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

static PyStatus configure_isolated(PyConfig *config, const char *module_path)
{
	PyConfig_InitIsolatedConfig(config);
	config->site_import = 0;
	config->write_bytecode = 0;
	config->faulthandler = 1; /* where a crash of native code was, for the owner's log */
	return set_paths(config, module_path);
}

/* As the python3 that a shell finds would be: its environment, its packages, and those of an active virtual one. */
static PyStatus configure_ordinary(PyConfig *config, const char *venv)
{
	char program[PATH_MAX];

	PyConfig_InitPythonConfig(config);
	if (!venv || snprintf(program, sizeof(program), "%s/bin/python3", venv) >= (int)sizeof(program))
		(void)snprintf(program, sizeof(program), EXECUTABLE);
	return PyConfig_SetBytesString(config, &config->program_name, program);
}

static int initialize(const struct python_options *options, struct err *err)
{
	PyConfig config;
	PyStatus status = options->guard ? configure_isolated(&config, options->module_path)
					 : configure_ordinary(&config, options->venv);

	config.buffered_stdio = 0;
	config.install_signal_handlers = 0;
	config.parse_argv = 0;
	config.pathconfig_warnings = 0;
	if (!PyStatus_Exception(status))
		status = Py_InitializeFromConfig(&config);
	PyConfig_Clear(&config);
	return PyStatus_Exception(status) ? status_to_err(status, err) : 0;
}

/* An ordinary interpreter has made sys.path by itself: the application's directory comes first. */
static int put_first(const char *module_path, struct err *err)
{
	scoped(py_decrefp) PyObject *text = PyUnicode_DecodeFSDefault(module_path);
	PyObject *path = PySys_GetObject("path"); /* borrowed */

	if (text && path && PyList_Insert(path, 0, text) == 0)
		return 0;
	PyErr_Clear();
	return err_set(err, ERR_INTERNAL, "python: cannot set sys.path");
}

/* PYTHONEXECUTABLE is believed even by an isolated interpreter. */
static int name_executable(struct err *err)
{
	scoped(py_decrefp) PyObject *text = PyUnicode_FromString(EXECUTABLE);

	if (text && PySys_SetObject("executable", text) == 0)
		return 0;
	PyErr_Clear();
	return err_set(err, ERR_INTERNAL, "python: cannot set sys.executable");
}

int python_start(const struct python_options *options, struct err *err)
{
	if (!options->guard)
		python_memory_use_huge_pages();
	if (preinitialize(options->guard != NULL, err) < 0 ||
	    (options->guard &&
	     (python_audit_install(options->guard, err) < 0 || python_replace(options->before_exit, err) < 0)) ||
	    initialize(options, err) < 0)
		return -1;
	interpreter = PyInterpreterState_Get();
	if (!options->guard)
		return put_first(options->module_path, err);
	return name_executable(err) < 0 ? -1 : python_namespace_guard(err);
}

void python_report_request(const struct http_exchange *exchange)
{
	python_report_named(http_method(exchange), http_target(exchange));
}

void python_report_named(const char *method, const char *target)
{
	char time[CLOCK_TEXT_SIZE];
	char shown[PYTHON_TARGET_SHOWN_MAX + 1];
	const size_t size = strnlen(target, PYTHON_TARGET_SHOWN_MAX);

	clock_format_utc(clock_now_seconds(), time);
	for (size_t i = 0; i < size; i++)
		shown[i] = (char)(target[i] > ' ' && target[i] <= '~' ? target[i] : '?');
	shown[size] = 0;
	PySys_WriteStderr("[%s] %.32s %s\n", time, method, shown);
	python_report_exception();
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

/*
 * As PyErr_Display would, which waits for the lock of C's standard output first: a thread of the application that
 * prints without a pause, or is stuck within, would keep it from ever being told.
 */
static bool print_exception(PyObject *file)
{
	PyObject *type, *value, *traceback;
	scoped(py_decrefp) PyObject *module = NULL;
	scoped(py_decrefp) PyObject *done = NULL;

	PyErr_Fetch(&type, &value, &traceback);
	PyErr_NormalizeException(&type, &value, &traceback);
	module = PyImport_ImportModule("traceback");
	if (module && value && traceback)
		done = PyObject_CallMethod(module, "print_exception", "OOOOO", type, value, traceback, Py_None, file);
	PyErr_Restore(type, value, traceback); /* in place of whatever has failed here */
	return done;
}

/* The application may have put anything in the place of sys.stderr: the owner reads why it does not load all the same.
 */
static void report_load_failure(const struct python_options *options)
{
	PyObject *type, *value, *traceback;
	scoped(py_decrefp) PyObject *before = Py_XNewRef(PySys_GetObject("stderr"));
	scoped(py_decrefp) PyObject *file = NULL;

	if (options->guard) {
		PyErr_Fetch(&type, &value, &traceback);
		file = PyFile_FromFd(options->report_fd, "<stderr>", "w", -1, "utf-8", "backslashreplace", NULL, 0);
		if (!file || PySys_SetObject("stderr", file) < 0)
			PyErr_Clear();
		PyErr_Restore(type, value, traceback);
	}
	if (file && print_exception(file))
		PyErr_Clear();
	else
		python_report_exception();
	if (file && PyObject_CallMethod(file, "flush", NULL) == NULL)
		PyErr_Clear();
	if (file && PySys_SetObject("stderr", before) < 0)
		PyErr_Clear();
}

static const struct python_protocol *find_protocol(PyObject *app, const char *interface)
{
	const bool is_auto = strcmp(interface, PYTHON_INTERFACE_AUTO) == 0;

	for (size_t i = 0; i < COUNT_OF(protocols); i++) {
		if (is_auto ? protocols[i]->is_mine(app) : strcmp(protocols[i]->name, interface) == 0)
			return protocols[i];
	}
	PyErr_Format(PyExc_TypeError, "the application has no interface that is served here (asked for: %s)",
		     interface);
	return NULL;
}

/* inspect and all that it imports are loaded for it, not the application. */
static const struct python_protocol *choose_protocol(PyObject *app, const char *interface)
{
	const bool was_on = python_memory_pause_collector();
	const struct python_protocol *protocol = find_protocol(app, interface);

	python_memory_resume_collector(was_on);
	return protocol;
}

static void tell_kept(const char *name)
{
	operator_log("the application's handler of %s is set aside: that signal is the server's", name);
}

/* Of the current exception, which stays. "": it is another one, or has no name. */
static void find_missing(char ret[static MISSING_SIZE])
{
	PyObject *type, *value, *traceback;
	scoped(py_decrefp) PyObject *name = NULL;
	const char *text;

	ret[0] = 0;
	if (!PyErr_ExceptionMatches(PyExc_ModuleNotFoundError))
		return;
	PyErr_Fetch(&type, &value, &traceback);
	PyErr_NormalizeException(&type, &value, &traceback);
	name = PyObject_GetAttrString(value, "name");
	text = name && PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : NULL;
	if (text)
		(void)snprintf(ret, MISSING_SIZE, "%s", text);
	PyErr_Restore(type, value, traceback);
}

/* It, or a package that it is in. */
static bool is_of_application(const char *missing, const char *module)
{
	const size_t size = strlen(missing);

	return strncmp(module, missing, size) == 0 && (module[size] == 0 || module[size] == '.');
}

static int fail_to_load(const struct python_options *options, struct err *err)
{
	char missing[MISSING_SIZE];

	find_missing(missing);
	wake_limit_stop(REPORT_SECONDS_MAX, EXIT_CODE_APPLICATION);
	report_load_failure(options);
	wake_limit_stop(0, EXIT_CODE_APPLICATION); /* none */
	if (!missing[0] || options->guard)
		return err_set(err, ERR_INVALID, "the application failed to load");
	if (is_of_application(missing, options->module))
		return err_set(err, ERR_NOT_FOUND, "there is no module '%s' in '%s' ('--app-dir')", missing,
			       options->module_path);
	return err_set(err, ERR_INVALID, "the application failed to load: module '%s' is missing for %s%s", missing,
		       options->venv ? options->venv : EXECUTABLE,
		       options->venv ? "" : ", no virtual environment (--venv)");
}

int python_load(const struct python_options *options, const struct python_site *site,
		const struct python_protocol **ret_protocol, struct err *err)
{
	scoped(py_decrefp) PyObject *app = python_app_import(options);
	const struct python_protocol *protocol = app ? choose_protocol(app, options->interface) : NULL;

	if (protocol && !options->guard && !python_app_fits(options->application, app, protocol->name))
		protocol = NULL;
	if (!protocol)
		return fail_to_load(options, err);
	wake_keep(tell_kept);
	if (protocol->start(app, site, err) < 0)
		return -1;
	wake_keep(tell_kept);
	*ret_protocol = protocol;
	Py_CLEAR(app);
	python_memory_end_huge_pages();
	main_state = PyEval_SaveThread();
	return 0;
}

/* Of the application: Python runs them on the main thread, when that comes by. */
static void run_signal_handlers(void)
{
	PyEval_RestoreThread(TAKE_PTR(main_state));
	if (PyErr_CheckSignals() < 0)
		python_report_exception();
	main_state = PyEval_SaveThread();
}

void python_run(const struct python_protocol *protocol, struct http_server *server, int fd, int cancel_ms)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};

	if (protocol->run) {
		PyEval_RestoreThread(TAKE_PTR(main_state));
		protocol->run(server, fd, cancel_ms);
		main_state = PyEval_SaveThread();
	}
	while (poll(&ready, 1, -1) < 1)
		run_signal_handlers();
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
