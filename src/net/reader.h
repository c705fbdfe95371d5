/* net/reader.h: bytes in, replies out: a resumable parser of RESP2 and RESP3 into an arena.
 *
 * Ours instead of hiredis' reader because three things that vouch promises are not to be had from
 * it: a bound on the *total* a reply declares, checked before anything is allocated; a reply over a
 * bound drained in place, so that its neighbours survive; and a partly received reply that grows
 * where it will stay, without a second buffer. It is measured against that reader, with our arena
 * behind it, by scripts/bench reader, and compared with it reply by reply in tests/unit. */
#ifndef NET_READER_H
#define NET_READER_H

#include "base/arena.h"
#include "command/reply.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Highest reader_limits.depth. */
#define READER_DEPTH_MAX 64
/* The longest line: a header, a status, an error (also a blob error), a big number. */
#define READER_LINE_MAX ((size_t)65536)
/* Items of one reply that are drained before it counts as no reply at all. */
#define READER_DRAIN_MAX ((uint64_t)1 << 32)

/* Over one of these a reply is drained instead of kept. */
struct reader_limits {
    uint32_t bytes;    /* of text in one reply, in total; not of a reply that is an error: it says
                          whether the command was executed, and READER_LINE_MAX bounds it */
    uint32_t elements; /* of all its aggregates, in total */
    uint32_t depth;    /* aggregates within aggregates; a flat array has depth 1 */
};

enum reader_fate {
    READER_KEPT,
    READER_TOO_LARGE,           /* over a limit: it was read to its end and dropped */
    READER_NO_MEMORY,           /* the same, for want of memory */
    READER_NO_MEMORY_FOR_ERROR, /* the same of an error: what it said is not known */
    READER_UNWANTED             /* the same, because nobody gave an arena */
};

enum reader_event {
    READER_MORE,  /* all bytes were used, the reply has not ended */
    READER_REPLY, /* a reply ended: see reply and fate */
    READER_BAD    /* no server sends this: `fault` says what; the connection is of no more use */
};

struct reader_frame {
    struct vouch_reply *next; /* the element to be read next */
    uint32_t left;            /* elements not begun */
};

/* Zeroed and given limits it is ready. */
struct reader {
    struct reader_limits limits;
    /* The reply that ended last: valid until the next call. */
    const struct vouch_reply *reply; /* NULL unless READER_KEPT */
    enum reader_fate fate;
    const char *fault; /* of READER_BAD; static */

    bool inside;              /* a reply has begun and not ended */
    struct vouch_reply *root; /* its first node; of no meaning while it is drained */
    struct arena_mark mark;   /* where its arena stood before it */
    uint32_t depth, bytes, elements;
    struct reader_frame frames[READER_DEPTH_MAX];

    uint64_t skip; /* items to read and throw away: of a drained reply, an attribute, a push */
    bool draining; /* the items are the reply's own, not an attribute's or a push's */

    char *text;         /* where the bulk in progress goes; NULL: nowhere */
    uint64_t bulk_left; /* bytes of it to come, with its CRLF */
    uint64_t bulk_size; /* without it */
    bool in_bulk;

    char *line; /* the beginning of a line of which the end was not received yet */
    size_t line_size, line_capacity;
};

/* Reads at most one reply from the n bytes at `bytes`; *used says how many it took. The reply goes
 * to `arena`, which must stay the same from a reply's first byte to its last and not be rewound in
 * between; NULL: it is not kept. */
enum reader_event reader_read(struct reader *r, struct arena *arena, const char *bytes, size_t n,
                              size_t *used);
/* True between the first byte of a reply (or push) and its last. */
bool reader_is_inside(const struct reader *r);
/* The reply in progress is no longer wanted: nothing more is written to its arena, which may go. */
void reader_abandon(struct reader *r);
/* Takes the memory that the longest line needs, so that no reply is lost for want of it. False when
 * there is none. */
bool reader_reserve(struct reader *r);
/* Forgets a reply in progress and keeps the memory: for another connection. */
void reader_restart(struct reader *r);
/* Releases what it holds (a partial line); the limits stay, it can read another connection. */
void reader_reset(struct reader *r);

#endif
