/* Delta reduction: parts of a half, a quarter, … of the source are left out, down to single bytes. All candidates of
 * one size are asked at once; the first that still differs is the source from there on. */
#include "syntax_reduce.h"

#include "base.h"
#include "lint/tree.h"

#include <stdlib.h>
#include <string.h>

enum { CANDIDATES_MAX = 100, ROUNDS_MAX = 400 };

bool syntax_parser_refuses(const struct syntax_server *server, const struct syntax_source *source)
{
    struct arena arena = {0};
    struct lint_tree tree;
    size_t size = syntax_server_reads(server, source);
    char *copy = malloc(size ? size : 1); /* of just its size: a sanitizer sees a read beyond it */
    if (size)
        memcpy(copy, source->text, size);
    if (!lint_parse(&arena, copy, size, &tree))
        ts_die("memory is short");
    bool refuses = tree.refused;
    for (const struct lint_remark *r = tree.remarks; r; r = r->next)
        if (r->kind == LINT_REMARK_NESTED_BRACKET && syntax_server_refuses_nested(server))
            refuses = true;
    free(copy);
    arena_free(&arena);
    return refuses;
}

bool syntax_differs(const struct syntax_server *server, const struct syntax_source *source)
{
    return source->verdict != SYNTAX_UNKNOWN &&
           syntax_parser_refuses(server, source) != (source->verdict == SYNTAX_REFUSED);
}

/* The same without `size` bytes at `at`. */
static struct syntax_source without(const ts_buffer *text, bool library, size_t at, size_t size)
{
    size_t length = ts_buffer_length(text);
    size = size < length - at ? size : length - at;
    char *bytes = ts_alloc(length);
    memcpy(bytes, ts_buffer_bytes(text), at);
    memcpy(bytes + at, ts_buffer_bytes(text) + at + size, length - at - size);
    return (struct syntax_source){.text = bytes, .size = length - size, .library = library};
}

/* One step: from byte `*at` on. False: no part of that size can go. */
static bool step(struct syntax_server *server, bool library, ts_buffer *text, size_t size,
                 size_t *at)
{
    struct syntax_source *candidates = ts_alloc(CANDIDATES_MAX * sizeof *candidates);
    size_t count = 0, found, length = ts_buffer_length(text);
    for (size_t i = *at; i < length && count < CANDIDATES_MAX; i += size)
        candidates[count++] = without(text, library, i, size);
    syntax_server_ask(server, candidates, count);
    for (found = 0; found < count && !syntax_differs(server, &candidates[found]); found++)
        ;
    if (found < count) {
        ts_buffer_take(text, length);
        ts_buffer_add(text, candidates[found].text, candidates[found].size);
    }
    *at += found * size;
    for (size_t i = 0; i < count; i++)
        free((char *)candidates[i].text);
    free(candidates);
    return found < count || *at < length;
}

void syntax_reduce(struct syntax_server *server, bool library, ts_buffer *text)
{
    size_t first = library ? sizeof SYNTAX_LIBRARY - 1 : 0, rounds = 0,
           size = ts_buffer_length(text) / 2;
    while (size > 0) {
        size_t before = ts_buffer_length(text), at = first;
        while (at < ts_buffer_length(text) && rounds++ < ROUNDS_MAX)
            if (!step(server, library, text, size, &at))
                break;
        bool shorter = ts_buffer_length(text) < before;
        size = size == 1 && shorter && rounds < ROUNDS_MAX ? 1 : size / 2;
    }
}
