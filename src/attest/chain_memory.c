/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/chain_memory.h"

#include <pthread.h>
#include <string.h>

DEFINE_SCOPED_PTR(struct seen_chain, seen_chain_release);

struct chain_memory {
	pthread_mutex_t lock;
	struct seen_chain *entries[CHAIN_MEMORY_ENTRIES];
	size_t next; /* the oldest: the next to be replaced */
};

struct chain_memory *chain_memory_new(void)
{
	struct chain_memory *memory = calloc(1, sizeof(*memory));

	if (!memory || pthread_mutex_init(&memory->lock, NULL) == 0)
		return memory;
	free(memory);
	return NULL;
}

void chain_memory_free(struct chain_memory *memory)
{
	if (!memory)
		return;
	for (size_t i = 0; i < CHAIN_MEMORY_ENTRIES; i++)
		seen_chain_release(memory->entries[i]);
	(void)pthread_mutex_destroy(&memory->lock);
	free(memory);
}

void seen_chain_release(struct seen_chain *chain)
{
	if (!chain || atomic_fetch_sub(&chain->users, 1) != 1)
		return;
	chain_done(&chain->chain);
	free(chain);
}

static bool is_chain(const struct seen_chain *chain, const void *text, size_t size)
{
	return chain && chain->size == size && memcmp(chain->text, text, size) == 0;
}

static struct seen_chain *find(struct chain_memory *memory, const void *text, size_t size)
{
	struct seen_chain *found = NULL;

	(void)pthread_mutex_lock(&memory->lock);
	for (size_t i = 0; i < CHAIN_MEMORY_ENTRIES && !found; i++)
		if (is_chain(memory->entries[i], text, size))
			found = memory->entries[i];
	if (found)
		atomic_fetch_add(&found->users, 1);
	(void)pthread_mutex_unlock(&memory->lock);
	return found;
}

int chain_memory_get(struct chain_memory *memory, const void *text, size_t size, struct seen_chain **ret_chain,
		     bool *ret_is_new, struct err *err)
{
	scoped(seen_chain_releasep) struct seen_chain *chain = find(memory, text, size);

	*ret_is_new = !chain;
	if (!chain) {
		chain = calloc(1, sizeof(*chain) + (size <= CHAIN_MEMORY_TEXT_MAX ? size : 0));
		if (!chain)
			return err_no_memory(err);
		chain->users = 1;
		chain->size = size;
		if (chain_parse(text, size, &chain->chain, err) < 0 || chain_check_links(&chain->chain, err) < 0)
			return -1;
		if (size <= CHAIN_MEMORY_TEXT_MAX)
			memcpy(chain->text, text, size);
	}
	*ret_chain = TAKE_PTR(chain);
	return 0;
}

void chain_memory_add(struct chain_memory *memory, struct seen_chain *chain)
{
	struct seen_chain *old;

	if (chain->size > CHAIN_MEMORY_TEXT_MAX)
		return;
	(void)pthread_mutex_lock(&memory->lock);
	for (size_t i = 0; i < CHAIN_MEMORY_ENTRIES; i++) {
		if (is_chain(memory->entries[i], chain->text, chain->size)) { /* another thread was first */
			(void)pthread_mutex_unlock(&memory->lock);
			return;
		}
	}
	old = memory->entries[memory->next];
	atomic_fetch_add(&chain->users, 1);
	memory->entries[memory->next] = chain;
	memory->next = (memory->next + 1) % CHAIN_MEMORY_ENTRIES;
	(void)pthread_mutex_unlock(&memory->lock);
	seen_chain_release(old);
}
