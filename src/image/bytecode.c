/* SPDX-License-Identifier: Apache-2.0 */
#include "image/bytecode.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/spawn.h"

#define PYTHON "/usr/bin/python3.11"
#define PYC_TAG ".cpython-311.pyc"
#define COMPILE_TIMEOUT_MS 120000
#define OUTPUT_MAX (512u << 20)
#define LIST_MAX (16u << 20)
#define LENGTH_SIZE 8

/*
 * Reads pairs of lines (file, name in the image) and writes length and content of each .pyc. Not py_compile: that
 * imports half of the library first. -I would do for isolation, but it ignores PYTHONHASHSEED.
 */
static const char script[] = "import sys, _imp, importlib._bootstrap_external as b\n"
			     "lines = sys.stdin.buffer.read().decode().split('\\n')\n"
			     "for source, name in zip(lines[0::2], lines[1::2]):\n"
			     "    with open(source, 'rb') as file:\n"
			     "        data = file.read()\n"
			     "    code = compile(data, name, 'exec', dont_inherit=True, optimize=0)\n"
			     "    digest = _imp.source_hash(b._RAW_MAGIC_NUMBER, data)\n"
			     "    pyc = b._code_to_hash_pyc(code, digest, False)\n"
			     "    sys.stdout.buffer.write(len(pyc).to_bytes(8, 'little') + pyc)\n";

static bool is_python(const struct plan_item *item)
{
	const size_t size = strlen(item->path);

	return item->source && size > 3 && strcmp(item->path + size - 3, ".py") == 0;
}

/* The pairs of lines, in an unnamed file that stands at its beginning. -1 and err, else its descriptor. */
static int write_list(const struct plan *plan, struct err *err)
{
	scoped(buf_done) struct buf list = BUF_INIT(LIST_MAX);
	scoped(fd_closep) int fd = memfd_create("mse-python-files", MFD_CLOEXEC);

	if (fd < 0)
		return err_set_errno(err, "cannot create a memory file");
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_item *item = &plan->items[i];

		if (is_python(item) && buf_addf(&list, err, "%s\n/%s\n", item->source, item->path) < 0)
			return -1;
	}
	if (fd_write_all(fd, list.data, list.size, err) < 0)
		return -1;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_set_errno(err, "cannot rewind a memory file");
	return TAKE_FD(fd);
}

static int read_back(int fd, struct buf *ret, struct err *err)
{
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_set_errno(err, "cannot rewind a memory file");
	return buf_read_fd(ret, fd, err);
}

/* The last line that the interpreter printed says what and where. */
static int say_failure(int fd, int status, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(1u << 20);
	const char *line;

	if (read_back(fd, &text, err) < 0)
		return -1;
	while (text.size && text.data[text.size - 1] == '\n')
		text.data[--text.size] = 0;
	line = strrchr(buf_text(&text), '\n');
	return err_set(err, ERR_INVALID, "%s ended with status %d: %s", PYTHON, status,
		       line ? line + 1 : buf_text(&text));
}

static int compile_all(const struct plan *plan, struct buf *ret, struct err *err)
{
	const char *const argv[] = {PYTHON, "-S", "-s", "-P", "-B", "-c", script, NULL};
	const char *const env[] = {"PYTHONHASHSEED=0", "LC_ALL=C.UTF-8", NULL};
	scoped(fd_closep) int list = write_list(plan, err);
	scoped(fd_closep) int output = memfd_create("mse-python-code", MFD_CLOEXEC);
	scoped(fd_closep) int errors = memfd_create("mse-python-errors", MFD_CLOEXEC);
	struct spawn_options options = SPAWN_OPTIONS_INIT;
	pid_t pid;
	int status;

	if (list < 0)
		return -1;
	if (output < 0 || errors < 0)
		return err_set_errno(err, "cannot create a memory file");
	options.argv = argv;
	options.env = env;
	options.dir = "/";
	options.stdin_fd = list;
	options.stdout_fd = output;
	options.stderr_fd = errors;
	options.die_with_parent = true;
	if (spawn_start(&options, &pid, err) < 0 || spawn_wait(pid, COMPILE_TIMEOUT_MS, &status, err) < 0)
		return err_prefix(err, "cannot compile Python files");
	return status == 0 ? read_back(output, ret, err) : say_failure(errors, status, err);
}

/* "a/b.py" → "a/__pycache__/b.cpython-311.pyc" */
static int make_path(const char *path, char ret[static BILL_PATH_MAX + 1], struct err *err)
{
	const char *slash = strrchr(path, '/');
	const int dir = slash ? (int)(slash + 1 - path) : 0;
	const int name = (int)strlen(path) - dir - 3;

	if (snprintf(ret, BILL_PATH_MAX + 1, "%.*s__pycache__/%.*s" PYC_TAG, dir, path, name, path + dir) >
	    BILL_PATH_MAX)
		return err_set(err, ERR_LIMIT, "path '%.80s…' is too long", path);
	return 0;
}

static int take_one(struct plan *plan, size_t item, const struct buf *output, size_t *at, struct err *err)
{
	char path[BILL_PATH_MAX + 1];
	uint64_t size;

	if (output->size - *at < LENGTH_SIZE)
		return err_set(err, ERR_INVALID, "%s wrote too little", PYTHON);
	memcpy(&size, output->data + *at, LENGTH_SIZE);
	*at += LENGTH_SIZE;
	if (size > output->size - *at)
		return err_set(err, ERR_INVALID, "%s wrote too little", PYTHON);
	if (make_path(plan->items[item].path, path, err) < 0 ||
	    plan_add_data(plan, path, output->data + *at, (size_t)size, err) < 0)
		return -1;
	*at += (size_t)size;
	return 0;
}

int bytecode_add(struct plan *plan, const struct image_progress *progress, struct err *err)
{
	scoped(buf_done) struct buf output = BUF_INIT(OUTPUT_MAX);
	const size_t count = plan->count;
	size_t at = 0;

	if (progress)
		progress->step(progress->arg, "compile", 0, 1);
	if (compile_all(plan, &output, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (is_python(&plan->items[i]) && take_one(plan, i, &output, &at, err) < 0)
			return -1;
	}
	if (at != output.size)
		return err_set(err, ERR_INVALID, "%s wrote too much", PYTHON);
	if (progress)
		progress->step(progress->arg, "compile", 1, 1);
	return 0;
}
