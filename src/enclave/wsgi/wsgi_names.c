/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of fields as keys of the environ. Clients send the same few names again and again: the last name of each place
 * in a table is kept with its key. Whoever sends names that nobody else does costs others a moment, and no memory.
 */
#include <string.h>

#include "enclave/wsgi/wsgi.h"

#define PLACES 128 /* a power of two */
#define NAME_MAX_SIZE 39

struct place {
	char name[NAME_MAX_SIZE + 1];
	PyObject *key;
};

static struct place places[PLACES];
static PyObject *key_type;
static PyObject *key_length;

int wsgi_names_start(struct err *err)
{
	key_type = PyUnicode_InternFromString("CONTENT_TYPE");
	key_length = PyUnicode_InternFromString("CONTENT_LENGTH");
	return key_type && key_length ? 0 : err_set(err, ERR_NO_MEMORY, "cannot make the environ");
}

void wsgi_names_stop(void)
{
	Py_CLEAR(key_type);
	Py_CLEAR(key_length);
	for (size_t i = 0; i < PLACES; i++)
		Py_CLEAR(places[i].key);
}

/* "X-Real-Ip" → "HTTP_X_REAL_IP". */
static PyObject *make_key(const char *name, size_t size)
{
	static const char prefix[] = "HTTP_";
	const size_t prefix_size = sizeof(prefix) - 1;
	PyObject *key = PyUnicode_New((Py_ssize_t)(prefix_size + size), 127);
	Py_UCS1 *to;

	if (!key)
		return NULL;
	to = PyUnicode_1BYTE_DATA(key);
	memcpy(to, prefix, prefix_size);
	for (size_t i = 0; i < size; i++) {
		const char c = name[i];

		to[prefix_size + i] = (Py_UCS1)(c == '-' ? '_' : c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
	}
	return key;
}

static PyObject *key_of(const char *name, size_t size)
{
	if (strcasecmp(name, "content-type") == 0)
		return Py_NewRef(key_type);
	if (strcasecmp(name, "content-length") == 0)
		return Py_NewRef(key_length);
	return make_key(name, size);
}

static struct place *place_of(const char *name, size_t size)
{
	uint32_t hash = 0;

	for (size_t i = 0; i < size; i++)
		hash = hash * 31 + (uint8_t)name[i];
	return &places[hash % PLACES];
}

PyObject *wsgi_name_key(const char *name)
{
	const size_t size = strlen(name);
	struct place *place;

	if (size > NAME_MAX_SIZE)
		return key_of(name, size);
	place = place_of(name, size);
	if (!place->key || strcmp(place->name, name) != 0) {
		Py_XSETREF(place->key, key_of(name, size));
		memcpy(place->name, name, size + 1);
		if (place->key)
			PyUnicode_InternInPlace(&place->key);
	}
	return Py_XNewRef(place->key);
}
