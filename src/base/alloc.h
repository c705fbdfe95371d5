/* base/alloc.h: the one door to the heap, so that a test can make any allocation fail (with
 * the linker's --wrap). */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

void *alloc_get(size_t size);                  /* NULL when memory is short; size > 0 */
void *alloc_zeroed(size_t count, size_t size); /* checked multiplication, all bytes 0 */
void *alloc_resize(void *p, size_t size);      /* as realloc; p stays valid on NULL */
void alloc_free(void *p);                      /* NULL is allowed */

/* Grows *p (of *capacity elements of `size` bytes) to hold at least `want`, doubling. False, with
 * everything as it was, when memory is short. */
bool alloc_grow(void **p, size_t *capacity, size_t want, size_t size);

/* Overwrites a secret, also where the compiler sees that nobody will read it again. */
void alloc_wipe(void *p, size_t n);

/* A copy with a final NUL; NULL when memory is short. */
char *alloc_copy(const char *text, size_t n);

#endif
