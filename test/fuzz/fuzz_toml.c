/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "format/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read must come back unchanged through toml_add_text. */
static void check_texts(const struct toml_node *node)
{
	struct err err = ERR_INIT;

	for (size_t i = 0; i < node->item_count; i++)
		check_texts(node->items[i]);
	if (node->kind == TOML_TEXT && strlen(node->text) == node->text_size) {
		scoped(buf_done) struct buf text = BUF_INIT(TOML_SIZE_MAX * 8u);
		scoped(toml_freep) struct toml_doc *doc = NULL;

		if (buf_add_text(&text, "k=", &err) < 0 || toml_add_text(&text, node->text, &err) < 0 ||
		    text.size > TOML_SIZE_MAX)
			return;
		if (toml_parse(text.data, text.size, &doc, &err) < 0 ||
		    strcmp(toml_find_text(toml_root(doc), "k"), node->text) != 0)
			__builtin_trap();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(toml_freep) struct toml_doc *doc = NULL;
	struct err err = ERR_INIT;

	if (toml_parse(data, size, &doc, &err) == 0)
		check_texts(toml_root(doc));
	return 0;
}
