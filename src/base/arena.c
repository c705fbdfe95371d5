/* A list of chunks, newest first; each new one is twice the last, up to ARENA_CHUNK_MAX. What is
 * larger gets a chunk of just its size. May call: base/alloc. */
#include "base/arena.h"

#include "base/alloc.h"

#define ARENA_CHUNK_MIN ((size_t)4096)
#define ARENA_CHUNK_MAX ((size_t)256 << 10)

struct arena_chunk {
    struct arena_chunk *older;
    size_t capacity;
    char bytes[];
};

static struct arena_chunk *add_chunk(struct arena *a, size_t capacity)
{
    if (capacity > SIZE_MAX - sizeof(struct arena_chunk))
        return NULL;
    struct arena_chunk *c = alloc_get(sizeof *c + capacity);
    if (!c)
        return NULL;
    c->older = a->chunk;
    c->capacity = capacity;
    a->chunk = c;
    a->next = c->bytes;
    a->end = c->bytes + capacity;
    return c;
}

void *arena_slow(struct arena *a, size_t size)
{
    if (size > SIZE_MAX - ARENA_ALIGN)
        return NULL;
    size_t take = (size + (ARENA_ALIGN - 1)) & ~(ARENA_ALIGN - 1);
    size_t capacity = a->chunk ? a->chunk->capacity * 2 : ARENA_CHUNK_MIN;
    if (capacity > ARENA_CHUNK_MAX)
        capacity = ARENA_CHUNK_MAX;
    if (!add_chunk(a, take > capacity ? take : capacity))
        return NULL;
    char *p = a->next;
    a->next += take;
    return p;
}

void arena_seed(struct arena *a, char *bytes, size_t size)
{
    *a = (struct arena){.next = bytes, .end = bytes + size, .seed_end = bytes + size};
}

struct arena_mark arena_mark(const struct arena *a)
{
    return (struct arena_mark){a->next, a->chunk};
}

void arena_rewind(struct arena *a, struct arena_mark mark)
{
    while (a->chunk != mark.chunk) {
        struct arena_chunk *c = a->chunk;
        a->chunk = c->older;
        alloc_free(c);
    }
    a->next = mark.next;
    a->end = a->chunk ? a->chunk->bytes + a->chunk->capacity : a->seed_end;
}

void arena_reset(struct arena *a)
{
    while (a->chunk && (a->chunk->older || a->chunk->capacity > ARENA_CHUNK_MAX)) {
        struct arena_chunk *c = a->chunk;
        a->chunk = c->older;
        alloc_free(c);
    }
    a->seed_end = NULL;
    a->next = a->chunk ? a->chunk->bytes : NULL;
    a->end = a->chunk ? a->chunk->bytes + a->chunk->capacity : NULL;
}

void arena_free(struct arena *a)
{
    a->seed_end = NULL;
    arena_rewind(a, (struct arena_mark){NULL, NULL});
}
