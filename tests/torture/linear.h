/* Is a concurrent history linearizable: is there one order of its operations, each at a moment between
 * its invocation and its response, in which every one saw what was there then? A search in the manner
 * of Wing and Gong, which remembers where it has been, over each group of keys by itself. */
#ifndef TORTURE_LINEAR_H
#define TORTURE_LINEAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINEAR_KEYS   4  /* keys are numbered from 0, and hold LINEAR_ABSENT at first */
#define LINEAR_OPS    64 /* most operations of a history */
#define LINEAR_WAYS   32 /* most things one operation may have done */
#define LINEAR_ABSENT INT64_C(0)
/* States that one search remembers at most; beyond it is undecided, which a test takes for a failure. */
#define LINEAR_STATES 1000000

/* What an operation did to one key. */
struct linear_touch {
    uint8_t key;
    bool saw, wrote;
    int64_t seen, written;
};

/* All that it did, at one moment. */
struct linear_way {
    size_t count;
    struct linear_touch touch[2];
};

enum linear_fate {
    LINEAR_DONE,  /* in one of its ways, between `call` and `back` */
    LINEAR_MAYBE, /* in one of its ways at any moment after `call`, or never */
    LINEAR_NOT    /* not at all */
};

struct linear_op {
    enum linear_fate fate;
    int client;         /* for the eye */
    const char *name;   /* for the eye */
    int64_t call, back; /* of one monotonic clock */
    size_t count;
    struct linear_way ways[LINEAR_WAYS];
};

enum linear_verdict { LINEAR_NO, LINEAR_YES, LINEAR_UNDECIDED };

/* Does not change what it is given. */
enum linear_verdict linear_check(const struct linear_op *ops, size_t count);
/* One line for each operation, by the time of its call. */
void linear_print(const struct linear_op *ops, size_t count);

/* For histories made by hand. */
struct linear_way linear_read(uint8_t key, int64_t seen);
struct linear_way linear_write(uint8_t key, int64_t written);
struct linear_way linear_change(uint8_t key, int64_t seen, int64_t written);
/* Both at once. */
struct linear_way linear_both(struct linear_way a, struct linear_way b);

#endif
