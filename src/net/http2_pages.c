/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http2_pages.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define PIECES 64 /* of a slab; as many as a mask has bits */
#define ALL_FREE UINT64_MAX

struct http2_slab {
	uint8_t *pages;
	uint64_t free; /* a bit for each piece */
	struct http2_slab *prev;
	struct http2_slab *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct http2_slab *slabs; /* those with something free */

static void enter(struct http2_slab *slab)
{
	slab->prev = NULL;
	slab->next = slabs;
	if (slabs)
		slabs->prev = slab;
	slabs = slab;
}

static void leave(struct http2_slab *slab)
{
	if (slab->prev)
		slab->prev->next = slab->next;
	else
		slabs = slab->next;
	if (slab->next)
		slab->next->prev = slab->prev;
}

static struct http2_slab *make(void)
{
	struct http2_slab *slab = malloc(sizeof(*slab));
	void *pages = mmap(NULL, PIECES * HTTP2_PAGES_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (!slab || pages == MAP_FAILED) {
		if (pages != MAP_FAILED)
			(void)munmap(pages, PIECES * HTTP2_PAGES_SIZE);
		free(slab);
		return NULL;
	}
	*slab = (struct http2_slab){.pages = pages, .free = ALL_FREE};
	return slab;
}

void *http2_pages_take(struct http2_slab **ret_slab)
{
	struct http2_slab *slab;
	unsigned piece = 0;

	(void)pthread_mutex_lock(&lock);
	slab = slabs;
	if (!slab && (slab = make()))
		enter(slab);
	if (slab) {
		piece = (unsigned)__builtin_ctzll(slab->free);
		slab->free &= ~(UINT64_C(1) << piece);
		if (slab->free == 0)
			leave(slab);
	}
	(void)pthread_mutex_unlock(&lock);
	*ret_slab = slab;
	return slab ? slab->pages + (size_t)piece * HTTP2_PAGES_SIZE : NULL;
}

void http2_pages_rest(void *pages)
{
	(void)madvise(pages, HTTP2_PAGES_SIZE, MADV_DONTNEED);
}

/* One slab stays, whatever is free in it: a session that comes and goes costs no mapping. */
void http2_pages_give(struct http2_slab *slab, void *pages)
{
	const size_t piece = (size_t)((uint8_t *)pages - slab->pages) / HTTP2_PAGES_SIZE;
	struct http2_slab *unused = NULL;

	http2_pages_rest(pages);
	(void)pthread_mutex_lock(&lock);
	if (slab->free == 0)
		enter(slab);
	slab->free |= UINT64_C(1) << piece;
	if (slab->free == ALL_FREE && (slab->prev || slab->next)) {
		leave(slab);
		unused = slab;
	}
	(void)pthread_mutex_unlock(&lock);
	if (!unused)
		return;
	(void)munmap(unused->pages, PIECES * HTTP2_PAGES_SIZE);
	free(unused);
}
