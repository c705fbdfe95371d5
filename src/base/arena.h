/* base/arena.h: memory that is released all at once. Replies live in one. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct arena_chunk;

struct arena {
    char *next; /* free bytes of the newest chunk: [next, end) */
    char *end;
    struct arena_chunk *chunk;
    char *seed_end; /* of memory that is not its own, used before the first chunk */
};

/* Where an arena stood; arena_rewind releases all that was taken since. */
struct arena_mark {
    char *next;
    struct arena_chunk *chunk;
};

#define ARENA_ALIGN ((size_t)8)

void *arena_slow(struct arena *a, size_t size);

/* `size` bytes aligned to 8; NULL when memory is short. A zeroed struct arena is an empty one. */
static inline void *arena_get(struct arena *a, size_t size)
{
    size_t take = (size + (ARENA_ALIGN - 1)) & ~(ARENA_ALIGN - 1);
    if (take < size || take > (size_t)(a->end - a->next))
        return arena_slow(a, size);
    char *p = a->next;
    a->next += take;
    return p;
}

/* Gives an empty one memory to begin with: aligned to 8, and there for as long as the arena is used. */
void arena_seed(struct arena *a, char *bytes, size_t size);
struct arena_mark arena_mark(const struct arena *a);
void arena_rewind(struct arena *a, struct arena_mark mark);
/* Empties it, and forgets its seed; keeps one chunk of ordinary size for the next round. */
void arena_reset(struct arena *a);
void arena_free(struct arena *a);

#endif
