/* The heap, and nothing else. May call: malloc and its family. */
#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *alloc_get(size_t size)
{
    return malloc(size);
}

void *alloc_zeroed(size_t count, size_t size)
{
    return calloc(count, size);
}

void *alloc_resize(void *p, size_t size)
{
    return realloc(p, size);
}

void alloc_free(void *p)
{
    free(p);
}

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

char *alloc_copy(const char *text, size_t n)
{
    char *copy = alloc_get(n + 1);
    if (!copy)
        return NULL;
    memcpy(copy, text, n);
    copy[n] = 0;
    return copy;
}
