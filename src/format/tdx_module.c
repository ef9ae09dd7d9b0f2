/* SPDX-License-Identifier: Apache-2.0 */
#include "format/tdx_module.h"

#include <string.h>

#include "format/hex.h"

#define ID_PREFIX "TDX_"
#define ID_PREFIX_LENGTH 4
#define ID_LENGTH 6

static int parse_module(const json_t *object, struct tdx_module *ret, struct err *err)
{
	if (json_get_hex(object, "mrsigner", ret->mrsigner, sizeof(ret->mrsigner), err) < 0 ||
	    json_get_hex(object, "attributes", ret->attributes, sizeof(ret->attributes), err) < 0 ||
	    json_get_hex(object, "attributesMask", ret->attributes_mask, sizeof(ret->attributes_mask), err) < 0)
		return -1;
	return 0;
}

/* Digits in either case. */
static int parse_id(const json_t *object, uint8_t *ret_version, struct err *err)
{
	const char *id;

	if (json_get_text(object, "id", ID_LENGTH, &id, err) < 0)
		return -1;
	if (strlen(id) != ID_LENGTH || memcmp(id, ID_PREFIX, ID_PREFIX_LENGTH) != 0 ||
	    hex_decode(id + ID_PREFIX_LENGTH, 2, ret_version, 1, err) < 0 || *ret_version == 0)
		return err_set(err, ERR_INVALID, "'id' is '%s', expected 'TDX_01' to 'TDX_FF'", id);
	return 0;
}

static int parse_identity(const json_t *object, struct tdx_module_identity *ret, struct err *err)
{
	if (parse_id(object, &ret->version, err) < 0 || parse_module(object, &ret->module, err) < 0)
		return -1;
	return svn_levels_parse(object, &ret->levels, err);
}

static int parse_identities(const json_t *array, struct tdx_modules *modules, struct err *err)
{
	uint8_t seen[256] = {0};

	modules->identities = calloc(json_array_size(array) + 1, sizeof(*modules->identities));
	if (!modules->identities)
		return err_no_memory(err);
	for (size_t i = 0; i < json_array_size(array); i++) {
		struct tdx_module_identity *identity = &modules->identities[i];

		if (parse_identity(json_array_get(array, i), identity, err) < 0)
			return err_prefix(err, "tdxModuleIdentities[%zu]", i);
		modules->identity_count++;
		if (seen[identity->version]++)
			return err_set(err, ERR_INVALID, "'tdxModuleIdentities' has version %u twice",
				       identity->version);
	}
	return 0;
}

static int parse_parts(const json_t *body, struct tdx_modules *modules, struct err *err)
{
	json_t *module;
	json_t *identities;
	int found;

	if (json_get_object(body, "tdxModule", &module, err) < 0)
		return -1;
	if (parse_module(module, &modules->module, err) < 0)
		return err_prefix(err, "tdxModule");
	found = json_find_array(body, "tdxModuleIdentities", TDX_MODULES_MAX, &identities, err);
	if (found <= 0)
		return found;
	if (json_array_size(identities) == 0)
		return err_set(err, ERR_INVALID, "'tdxModuleIdentities' is empty");
	return parse_identities(identities, modules, err);
}

int tdx_modules_parse(const json_t *body, struct tdx_modules *ret, struct err *err)
{
	*ret = (struct tdx_modules){0};
	if (parse_parts(body, ret, err) == 0)
		return 0;
	tdx_modules_done(ret);
	return -1;
}

void tdx_modules_done(struct tdx_modules *modules)
{
	for (size_t i = 0; i < modules->identity_count; i++)
		svn_levels_done(&modules->identities[i].levels);
	free(modules->identities);
	*modules = (struct tdx_modules){0};
}

const struct tdx_module_identity *tdx_modules_find(const struct tdx_modules *modules, uint8_t version)
{
	for (size_t i = 0; i < modules->identity_count; i++)
		if (modules->identities[i].version == version)
			return &modules->identities[i];
	return NULL;
}
