/* What is built on the heap's door. Apart from it, so that tests can put another door in. */
#include "base/alloc.h"

#include <stdint.h>
#include <string.h>

bool alloc_grow(void **p, size_t *capacity, size_t want, size_t size)
{
    if (want <= *capacity)
        return true;
    size_t cap = *capacity ? *capacity : 16;
    while (cap < want) {
        if (cap > SIZE_MAX / 2)
            return false;
        cap *= 2;
    }
    if (cap > SIZE_MAX / size)
        return false;
    void *bigger = alloc_resize(*p, cap * size);
    if (!bigger)
        return false;
    *p = bigger;
    *capacity = cap;
    return true;
}

void alloc_wipe(void *p, size_t n)
{
    volatile char *v = p;
    while (n--)
        *v++ = 0;
}

char *alloc_copy(const char *text, size_t n)
{
    char *copy = alloc_get(n + 1);
    if (!copy)
        return NULL;
    memcpy(copy, text, n);
    copy[n] = 0;
    return copy;
}
