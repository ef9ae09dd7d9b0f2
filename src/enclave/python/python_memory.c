/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/python/python_memory.h"

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdint.h>
#include <sys/mman.h>

#include "base/scoped.h"
#include "enclave/python/python.h"

#define HUGE_SIZE ((size_t)2 << 20)

/* The GIL guards all three. */
static bool is_used;
static char *spare; /* of a huge page, for the next arena */
static size_t spare_size;

static char *map(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

/* One that begins where a huge page can. What is too much at its ends goes back. */
static char *map_huge(void)
{
	char *const memory = map(2 * HUGE_SIZE);
	const size_t before = memory ? -(uintptr_t)memory & (HUGE_SIZE - 1) : 0;

	if (!memory)
		return NULL;
	if (before > 0)
		(void)munmap(memory, before);
	(void)munmap(memory + before + HUGE_SIZE, HUGE_SIZE - before);
	(void)madvise(memory + before, HUGE_SIZE, MADV_HUGEPAGE);
	return memory + before;
}

static void *take_arena(void *unused, size_t size)
{
	(void)unused;
	if (!is_used || HUGE_SIZE % size != 0)
		return map(size);
	if (spare_size < size) {
		spare = map_huge();
		spare_size = spare ? HUGE_SIZE : 0;
	}
	if (!spare)
		return NULL;
	spare_size -= size;
	return spare + spare_size;
}

static void give_arena(void *unused, void *arena, size_t size)
{
	(void)unused;
	(void)munmap(arena, size);
}

void python_memory_use_huge_pages(void)
{
	PyObjectArenaAllocator allocator = {NULL, take_arena, give_arena};

	is_used = true;
	PyObject_SetArenaAllocator(&allocator);
}

void python_memory_end_huge_pages(void)
{
	is_used = false;
	if (spare_size > 0)
		(void)munmap(spare, spare_size);
	spare_size = 0;
}

bool python_memory_pause_collector(void)
{
	return PyGC_Disable() == 1;
}

/* Freezing and unfreezing puts all that is young among the oldest, without a walk. Not if the application has frozen.
 */
static void make_old(void)
{
	scoped(py_decrefp) PyObject *gc = PyImport_ImportModule("gc");
	scoped(py_decrefp) PyObject *frozen = gc ? PyObject_CallMethod(gc, "get_freeze_count", NULL) : NULL;

	if (frozen && PyLong_AsLong(frozen) == 0) {
		Py_XDECREF(PyObject_CallMethod(gc, "freeze", NULL));
		Py_XDECREF(PyObject_CallMethod(gc, "unfreeze", NULL));
	}
	PyErr_Clear();
}

void python_memory_resume_collector(bool was_on)
{
	PyObject *type, *value, *traceback; /* of who asks for this after a failure */

	if (!was_on)
		return;
	PyErr_Fetch(&type, &value, &traceback);
	make_old();
	PyErr_Restore(type, value, traceback);
	(void)PyGC_Enable();
}
