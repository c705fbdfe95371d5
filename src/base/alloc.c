/* The heap, and nothing else. May call: malloc and its family. */
#include "base/alloc.h"

#include <stdlib.h>

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
