/* The other door to the heap. */
#include "heap.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker makes these names */
void *__wrap_alloc_get(size_t size);
void *__wrap_alloc_zeroed(size_t count, size_t size);
void *__wrap_alloc_resize(void *p, size_t size);
void __wrap_alloc_free(void *p);
void *__real_alloc_get(size_t size);
void *__real_alloc_zeroed(size_t count, size_t size);
void *__real_alloc_resize(void *p, size_t size);
void __real_alloc_free(void *p);
/* NOLINTEND(bugprone-reserved-identifier) */

static struct {
    atomic_ulong count; /* allocations so far */
    unsigned long fail; /* the one that fails, and `more` after it */
    unsigned long more;
    atomic_long live;
} heap = {.fail = ULONG_MAX};

void heap_fail(unsigned long n, unsigned long more)
{
    heap.count = 0;
    heap.fail = n;
    heap.more = more;
}

unsigned long heap_recover(void)
{
    heap.fail = ULONG_MAX;
    return heap.count;
}

long heap_live(void)
{
    return heap.live;
}

void heap_forget(void)
{
    heap.live = 0;
}

static bool refuse(void)
{
    unsigned long n = atomic_fetch_add(&heap.count, 1);
    return n >= heap.fail && n - heap.fail <= heap.more;
}

static void *counted(void *block)
{
    if (block)
        atomic_fetch_add(&heap.live, 1);
    return block;
}

void *__wrap_alloc_get(size_t size)
{
    return refuse() ? NULL : counted(__real_alloc_get(size));
}

void *__wrap_alloc_zeroed(size_t count, size_t size)
{
    return refuse() ? NULL : counted(__real_alloc_zeroed(count, size));
}

void *__wrap_alloc_resize(void *p, size_t size)
{
    if (refuse())
        return NULL;
    void *block = __real_alloc_resize(p, size);
    return p ? block : counted(block);
}

void __wrap_alloc_free(void *p)
{
    if (p)
        atomic_fetch_sub(&heap.live, 1);
    __real_alloc_free(p);
}
