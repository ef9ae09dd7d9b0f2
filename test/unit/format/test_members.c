/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCB info and QE identity with each member and each element, whatever it means, left out or of another kind or value:
 * all of that is refused, but for the places in the lists here. Signatures are judged elsewhere.
 */
#include "unit.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "format/qe_identity.h"
#include "format/tcb_info.h"
#include "intel_evidence.h"

#define PATH_SIZE 160

static const char *const EDITS[] = {"drop", "null", "true", "-1", "1.5", "\"x\"", "\"\"", "[]", "{}", "1099511627776"};

struct walk {
	size_t at, target;
	const char *edit;
	char path[PATH_SIZE]; /* of the target; "" as long as it was not found */
};

typedef bool (*read_fn)(const json_t *body);

static json_t *new_value(const char *edit)
{
	return json_loads(edit, JSON_DECODE_ANY, NULL);
}

static void edit_all_below(struct walk *walk, json_t *value, const char *path);

static void edit_member(struct walk *walk, json_t *object, const char *name, json_t *value, const char *path)
{
	char own[PATH_SIZE];

	(void)snprintf(own, sizeof(own), "%.100s%s%.50s", path, *path ? "." : "", name);
	if (walk->at++ != walk->target)
		return edit_all_below(walk, value, own);
	memcpy(walk->path, own, sizeof(own));
	if (strcmp(walk->edit, "drop") == 0)
		(void)json_object_del(object, name);
	else
		(void)json_object_set_new(object, name, new_value(walk->edit));
}

static void edit_element(struct walk *walk, json_t *array, size_t i, const char *path)
{
	char own[PATH_SIZE];

	(void)snprintf(own, sizeof(own), "%.100s[%zu]", path, i);
	if (walk->at++ != walk->target)
		return edit_all_below(walk, json_array_get(array, i), own);
	memcpy(walk->path, own, sizeof(own));
	if (strcmp(walk->edit, "drop") == 0)
		(void)json_array_remove(array, i);
	else
		(void)json_array_set_new(array, i, new_value(walk->edit));
}

static void edit_all_below(struct walk *walk, json_t *value, const char *path)
{
	const char *name;
	json_t *member;
	void *next;

	for (size_t i = 0; i < json_array_size(value) && !*walk->path; i++)
		edit_element(walk, value, i, path);
	json_object_foreach_safe (value, next, name, member) {
		if (!*walk->path)
			edit_member(walk, value, name, member, path);
	}
}

/* Of the accepted places "PATH EDIT", or "PATH*": whatever is done there. */
static bool is_listed(const char *const *accepted, const struct walk *walk)
{
	char text[PATH_SIZE + 16];

	(void)snprintf(text, sizeof(text), "%s %s", walk->path, walk->edit);
	for (; *accepted; accepted++) {
		const size_t size = strlen(*accepted);

		if (strcmp(*accepted, text) == 0 ||
		    ((*accepted)[size - 1] == '*' && strncmp(*accepted, text, size - 1) == 0))
			return true;
	}
	return false;
}

static void edit_each(const char *text, read_fn read, const char *const *accepted)
{
	size_t wrong = 0, target = 0;
	bool has_more = true;

	for (; has_more; target++) {
		has_more = false;
		for (size_t i = 0; i < COUNT_OF(EDITS); i++) {
			struct walk walk = {.target = target, .edit = EDITS[i]};
			json_t *root = json_loads(text, 0, NULL);

			assert_non_null(root);
			assert_true(i > 0 || read(root));
			edit_all_below(&walk, root, "");
			has_more |= *walk.path != '\0';
			if (*walk.path && read(root) != is_listed(accepted, &walk)) {
				print_error("\"%s %s\",\n", walk.path, walk.edit);
				wrong++;
			}
			json_decref(root);
		}
	}
	assert_true(target > 20);
	assert_int_equal(wrong, 0);
}

static bool read_tcb_info(const json_t *body)
{
	struct tcb_info *info = NULL;
	struct err err = ERR_INIT;
	const bool is_good = tcb_info_parse(body, &info, &err) == 0;

	tcb_info_free(info);
	return is_good;
}

static bool read_qe_identity(const json_t *body)
{
	struct qe_identity *identity = NULL;
	struct err err = ERR_INIT;
	const bool is_good = qe_identity_parse(body, &identity, &err) == 0;

	qe_identity_free(identity);
	return is_good;
}

static void test_tcb_info(void **state)
{
	static const char *const ACCEPTED[] = {"tcbLevels[0] drop", "tcbLevels[1] drop", "tcbLevels[2] drop",
					       /* other advisories */
					       "tcbLevels[0].advisoryIDs drop", "tcbLevels[0].advisoryIDs []",
					       "tcbLevels[0].advisoryIDs[0] drop", "tcbLevels[0].advisoryIDs[0] \"x\"",
					       "tcbLevels[0].advisoryIDs[1] drop", "tcbLevels[0].advisoryIDs[1] \"x\"",
					       /* for people */
					       "tcbLevels[0].tcb.sgxtcbcomponents[0].category*",
					       "tcbLevels[1].tcb.sgxtcbcomponents[0].category*",
					       "tcbLevels[2].tcb.sgxtcbcomponents[0].category*", NULL};
	static struct test_evidence e;

	(void)state;
	test_evidence_init(&e);
	edit_each(e.tcb_info_body, read_tcb_info, ACCEPTED);
	test_evidence_done(&e);
}

static void test_tdx_tcb_info(void **state)
{
	static const char *const ACCEPTED[] = {
	    "tcbLevels[0] drop", "tcbLevels[1] drop", "tcbLevels[2] drop", "tdxModuleIdentities drop",
	    "tdxModuleIdentities[0] drop", "tdxModuleIdentities[1] drop", "tdxModuleIdentities[1].tcbLevels[0] drop",
	    "tdxModuleIdentities[1].tcbLevels[1] drop", "tdxModuleIdentities[1].tcbLevels[2] drop",
	    /* other advisories */
	    "tcbLevels[0].advisoryIDs drop", "tcbLevels[0].advisoryIDs []", "tcbLevels[0].advisoryIDs[0] drop",
	    "tcbLevels[0].advisoryIDs[0] \"x\"", "tcbLevels[0].advisoryIDs[1] drop",
	    "tcbLevels[0].advisoryIDs[1] \"x\"", "tdxModuleIdentities[1].tcbLevels[0].advisoryIDs drop",
	    "tdxModuleIdentities[1].tcbLevels[0].advisoryIDs []",
	    "tdxModuleIdentities[1].tcbLevels[0].advisoryIDs[0] drop",
	    "tdxModuleIdentities[1].tcbLevels[0].advisoryIDs[0] \"x\"",
	    /* for people */
	    "tcbLevels[0].tcb.sgxtcbcomponents[0].category*", "tcbLevels[1].tcb.sgxtcbcomponents[0].category*",
	    "tcbLevels[2].tcb.sgxtcbcomponents[0].category*", "tcbLevels[0].tcb.tdxtcbcomponents[0].type*",
	    "tcbLevels[1].tcb.tdxtcbcomponents[0].type*", "tcbLevels[2].tcb.tdxtcbcomponents[0].type*", NULL};
	static struct test_evidence e;

	(void)state;
	test_evidence_init_kind(&e, TEST_TDX_V4);
	edit_each(e.tcb_info_body, read_tcb_info, ACCEPTED);
	test_evidence_done(&e);
}

static void test_qe_identity(void **state)
{
	static const char *const ACCEPTED[] = {"tcbLevels[0] drop", "tcbLevels[1] drop", "tcbLevels[2] drop",
					       /* other advisories */
					       "tcbLevels[0].advisoryIDs drop", "tcbLevels[0].advisoryIDs []",
					       "tcbLevels[0].advisoryIDs[0] drop", "tcbLevels[0].advisoryIDs[0] \"x\"",
					       "tcbLevels[0].advisoryIDs[1] drop", "tcbLevels[0].advisoryIDs[1] \"x\"",
					       NULL};
	static struct test_evidence e;

	(void)state;
	test_evidence_init(&e);
	edit_each(e.qe_identity_body, read_qe_identity, ACCEPTED);
	test_evidence_done(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tcb_info),
	    cmocka_unit_test(test_tdx_tcb_info),
	    cmocka_unit_test(test_qe_identity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
