/* What the fuzz targets share. A target is one file with one LLVMFuzzerTestOneInput; it takes its
 * choices from the front of the input and its text from the rest, so that a corpus can be read. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A promise of the code under test. Not assert: it holds in every build. */
#define FUZZ_CHECK(truth)                                                                          \
    do {                                                                                           \
        if (!(truth)) {                                                                            \
            (void)fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #truth);              \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

struct fuzz_input {
    const char *at, *end;
};

static inline struct fuzz_input fuzz_input(const uint8_t *data, size_t size)
{
    return (struct fuzz_input){(const char *)data, (const char *)data + size};
}

static inline size_t fuzz_left(const struct fuzz_input *in)
{
    return (size_t)(in->end - in->at);
}

/* 0 once there is nothing left. */
static inline unsigned fuzz_byte(struct fuzz_input *in)
{
    return in->at < in->end ? (unsigned char)*in->at++ : 0;
}

/* At most n bytes, borrowed. */
static inline const char *fuzz_bytes(struct fuzz_input *in, size_t n, size_t *size)
{
    const char *from = in->at;
    *size = n < fuzz_left(in) ? n : fuzz_left(in);
    in->at += *size;
    return from;
}

/* What stands before the next '\n', which goes too, as text of its own; to be freed. NULs end it. */
static inline char *fuzz_line(struct fuzz_input *in)
{
    const char *newline = in->at < in->end ? memchr(in->at, '\n', fuzz_left(in)) : NULL;
    size_t n = newline ? (size_t)(newline - in->at) : fuzz_left(in);
    char *line = malloc(n + 1);
    FUZZ_CHECK(line != NULL);
    if (n)
        memcpy(line, in->at, n);
    line[n] = 0;
    in->at = newline ? newline + 1 : in->end;
    return line;
}

/* A copy of just its size, so that a sanitizer sees a read beyond it; to be freed. */
static inline char *fuzz_exact(const char *bytes, size_t n)
{
    char *copy = calloc(n ? n : 1, 1);
    FUZZ_CHECK(copy != NULL);
    if (n)
        memcpy(copy, bytes, n);
    return copy;
}

#endif
