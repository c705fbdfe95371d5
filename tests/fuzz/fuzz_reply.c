/* The reader of replies: arbitrary bytes, in arbitrary pieces, under small limits.
 *
 *   1. What a stream of bytes means does not depend on the pieces it comes in.
 *   2. A reply is kept exactly if what it has, in total, is within the limits.
 *   3. Nothing is allocated beyond what the limits allow, whatever was declared.
 *   4. Every getter may be asked anything of a reply that was kept.
 *   5. A reply that is abandoned half-way ends where it would have ended.
 *
 * The input: limits (bytes, elements, depth), an allocation that fails, a seed of the pieces and
 * where to abandon, one byte each; then what the server sends. */
#include "fuzz.h"

#include "base/alloc.h"
#include "net/reader.h"

#include <math.h>
#include <stdbool.h>

#define EVENTS_MAX 256
/* Within these everything is kept: what the small limits are compared with. */
#define WIDE_BYTES    (1U << 20)
#define WIDE_ELEMENTS 4096U

/* ---- the heap's door, counted --------------------------------------------------------------- */

static size_t allocated, fail_after;

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's names */
void *__real_alloc_get(size_t size);
void *__wrap_alloc_get(size_t size);

void *__wrap_alloc_get(size_t size)
{
    if (fail_after && --fail_after == 0)
        return NULL;
    allocated += size;
    return __real_alloc_get(size);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

/* ---- what a reply has ------------------------------------------------------------------------ */

struct total {
    uint64_t bytes, elements, digest;
    uint32_t depth;
};

static void mix(struct total *t, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < n; i++)
        t->digest = (t->digest ^ p[i]) * UINT64_C(0x100000001b3);
}

static void mix_text(struct total *t, const vouch_reply *r)
{
    vouch_string s = vouch_reply_string(r);
    FUZZ_CHECK(s.data && s.data[s.size] == 0);
    mix(t, &s.size, sizeof s.size);
    mix(t, s.data, s.size);
}

static void ask_pairs(const vouch_reply *r)
{
    const vouch_reply *key = NULL, *value = NULL;
    size_t pairs = vouch_reply_pairs(r);
    FUZZ_CHECK(pairs <= vouch_reply_count(r));
    for (size_t i = 0; i < pairs; i++)
        FUZZ_CHECK(vouch_reply_pair(r, i, &key, &value) && key && value);
    FUZZ_CHECK(!vouch_reply_pair(r, pairs, &key, &value));
    (void)vouch_reply_get(r, "");
    vouch_string name = vouch_reply_string(key);
    if (name.data && strlen(name.data) == name.size)
        FUZZ_CHECK(vouch_reply_get(r, name.data) != NULL);
}

/* Everything there is to ask of one node. */
static void ask(const vouch_reply *r, struct total *t)
{
    int64_t integer = 0;
    double real = 0;
    bool yes = false;
    vouch_type type = vouch_reply_type(r);
    FUZZ_CHECK(type > VOUCH_TYPE_NONE && type <= VOUCH_TYPE_SET);
    bool has_integer = vouch_reply_int64(r, &integer), has_real = vouch_reply_double(r, &real);
    FUZZ_CHECK(!has_integer || (has_real && real == (double)integer));
    FUZZ_CHECK(type != VOUCH_TYPE_DOUBLE || has_real);
    FUZZ_CHECK(!vouch_reply_bool(r, &yes) || type == VOUCH_TYPE_BOOL || integer == (yes ? 1 : 0));
    FUZZ_CHECK(vouch_reply_is_nil(r) == (type == VOUCH_TYPE_NIL));
    FUZZ_CHECK(vouch_reply_is_error(r) == (type == VOUCH_TYPE_ERROR));
    mix(t, &type, sizeof type);
    mix(t, &integer, sizeof integer);
    mix(t, &yes, sizeof yes);
    ask_pairs(r);
}

static void walk(const vouch_reply *r, uint32_t depth, struct total *t)
{
    ask(r, t);
    vouch_type type = vouch_reply_type(r);
    size_t count = vouch_reply_count(r);
    FUZZ_CHECK(vouch_reply_at(r, count) == NULL);
    if (vouch_reply_string(r).data)
        mix_text(t, r);
    /* An error by itself is kept whatever the limits say, and +OK takes no memory. */
    bool counts = !(type == VOUCH_TYPE_ERROR && depth == 0) &&
                  !(type == VOUCH_TYPE_STATUS && strcmp(vouch_reply_string(r).data, "OK") == 0 &&
                    vouch_reply_string(r).size == 2);
    if (counts)
        t->bytes += vouch_reply_string(r).size + (type == VOUCH_TYPE_VERBATIM ? 4 : 0);
    if (type < VOUCH_TYPE_ARRAY)
        return;
    t->elements += count;
    if (depth + 1 > t->depth)
        t->depth = depth + 1;
    for (size_t i = 0; i < count; i++)
        walk(vouch_reply_at(r, i), depth + 1, t);
}

/* ---- reading -------------------------------------------------------------------------------- */

struct event {
    enum reader_event what;
    enum reader_fate fate;
    size_t end; /* where in the stream */
    const char *fault;
    struct total total; /* of a reply that was kept */
};

struct reading {
    struct event events[EVENTS_MAX];
    size_t count;
};

struct pieces {
    unsigned seed; /* 0: all at once; 1: byte by byte; else by chance */
    uint32_t state;
};

static size_t next_piece(struct pieces *p, size_t left)
{
    if (p->seed == 0)
        return left;
    if (p->seed == 1)
        return 1;
    p->state = p->state * 1664525 + 1013904223;
    size_t n = 1 + (p->state >> 16) % (p->seed < 128 ? 4 : 48);
    return n < left ? n : left;
}

/* What one reply may take: its nodes, its text with NULs and padding, an error's words, and what
 * chunks that double leave over. */
static size_t allowed(const struct reader_limits *l)
{
    size_t nodes = ((size_t)l->elements + 1) * (sizeof(struct vouch_reply) + 2 * ARENA_ALIGN);
    return 2 * (l->bytes + nodes + READER_LINE_MAX) + 8192;
}

struct session {
    struct reader reader;
    struct arena arena;
    struct reading *reading;
    size_t abandon_at; /* SIZE_MAX: never */
    bool abandoned;
};

/* True if there is more to read. */
static bool note(struct session *s, enum reader_event what, size_t end)
{
    struct event *e = &s->reading->events[s->reading->count++];
    *e = (struct event){.what = what, .end = end};
    FUZZ_CHECK(allocated <= allowed(&s->reader.limits));
    if (what == READER_BAD) {
        e->fault = s->reader.fault;
        FUZZ_CHECK(e->fault && *e->fault);
        return false;
    }
    FUZZ_CHECK(!reader_is_inside(&s->reader));
    e->fate = s->reader.fate;
    FUZZ_CHECK((s->reader.reply != NULL) == (e->fate == READER_KEPT));
    if (s->reader.reply)
        walk(s->reader.reply, 0, &e->total);
    /* Another arena for each reply, so that what it takes can be told. */
    arena_free(&s->arena);
    allocated = 0;
    s->abandoned = false;
    return s->reading->count < EVENTS_MAX;
}

/* One piece, in a copy of its size. True if there is more to read. */
static bool take_piece(struct session *s, const char *bytes, size_t n, size_t *at)
{
    char *copy = fuzz_exact(bytes, n);
    bool more = true;
    for (size_t done = 0; more && done < n;) {
        size_t used = 0;
        enum reader_event what =
            reader_read(&s->reader, s->abandoned ? NULL : &s->arena, copy + done, n - done, &used);
        FUZZ_CHECK(used <= n - done && (used > 0 || what == READER_BAD));
        FUZZ_CHECK(what != READER_MORE || used == n - done);
        done += used;
        *at += used;
        if (what != READER_MORE)
            more = note(s, what, *at);
    }
    free(copy);
    return more;
}

static void read_all(struct reader_limits limits, struct pieces pieces, size_t failing,
                     size_t abandon_at, const char *bytes, size_t n, struct reading *reading)
{
    struct session s = {.reader = {.limits = limits}, .reading = reading, .abandon_at = abandon_at};
    reading->count = 0;
    FUZZ_CHECK(reader_reserve(&s.reader));
    allocated = 0;
    fail_after = failing;
    bool more = true;
    for (size_t at = 0; more && at < n;) {
        more = take_piece(&s, bytes + at, next_piece(&pieces, n - at), &at);
        FUZZ_CHECK(allocated <= allowed(&limits));
        if (more && at >= s.abandon_at && s.reader.inside) {
            s.abandon_at = SIZE_MAX;
            s.abandoned = true;
            reader_abandon(&s.reader);
            arena_free(&s.arena);
        }
    }
    fail_after = 0;
    arena_free(&s.arena);
    reader_reset(&s.reader);
}

/* ---- comparing ------------------------------------------------------------------------------ */

/* READER_DRAIN_MAX counts what is owed. A drained reply owes its own items as well as those of an
 * attribute in it, so it comes to that end earlier. */
static bool owes_too_much(const struct reading *a, size_t i)
{
    return i < a->count && a->events[i].what == READER_BAD &&
           strstr(a->events[i].fault, "more elements than could ever be read");
}

/* Compares all events; returns how many there are to compare. */
static size_t compare(const struct reading *a, const struct reading *b, bool fates)
{
    size_t i = 0;
    for (; i < a->count && i < b->count; i++) {
        const struct event *x = &a->events[i], *y = &b->events[i];
        if (!fates && (owes_too_much(a, i) || owes_too_much(b, i)))
            return i;
        FUZZ_CHECK(x->what == y->what);
        /* A fault may be seen as soon as its first byte is there, or with its line. */
        FUZZ_CHECK(x->what == READER_BAD || x->end == y->end);
        if (!fates)
            continue;
        FUZZ_CHECK(x->fate == y->fate && x->fault == y->fault);
        FUZZ_CHECK(x->total.digest == y->total.digest);
    }
    FUZZ_CHECK(a->count == b->count || (!fates && (owes_too_much(a, i) || owes_too_much(b, i))));
    return i;
}

static void compare_limits(const struct reading *narrow, const struct reading *wide,
                           const struct reader_limits *l)
{
    size_t count = compare(narrow, wide, false);
    for (size_t i = 0; i < count; i++) {
        const struct event *n = &narrow->events[i], *w = &wide->events[i];
        if (n->what != READER_REPLY)
            continue;
        const struct total *t = &w->total;
        bool fits = w->fate == READER_KEPT && t->bytes <= l->bytes && t->elements <= l->elements &&
                    t->depth <= l->depth;
        FUZZ_CHECK(n->fate == (fits ? READER_KEPT : READER_TOO_LARGE));
        FUZZ_CHECK(!fits || n->total.digest == t->digest);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct reading whole, split, wide;
    const struct pieces once = {0, 0}, bytewise = {1, 0};
    struct fuzz_input in = fuzz_input(data, size);
    struct reader_limits limits, widest = {WIDE_BYTES, WIDE_ELEMENTS, READER_DEPTH_MAX};
    limits.bytes = fuzz_byte(&in);
    limits.elements = fuzz_byte(&in);
    limits.depth = 1 + fuzz_byte(&in) % READER_DEPTH_MAX;
    size_t failing = fuzz_byte(&in) % 8;
    struct pieces pieces = {fuzz_byte(&in), 1};
    size_t abandon_at = fuzz_byte(&in);
    const char *bytes = in.at;
    size_t n = fuzz_left(&in);

    read_all(limits, once, 0, SIZE_MAX, bytes, n, &whole);
    read_all(limits, bytewise, 0, SIZE_MAX, bytes, n, &split);
    compare(&whole, &split, true);
    read_all(limits, pieces, 0, SIZE_MAX, bytes, n, &split);
    compare(&whole, &split, true);
    read_all(widest, pieces, 0, SIZE_MAX, bytes, n, &wide);
    compare_limits(&whole, &wide, &limits);
    read_all(widest, pieces, failing, SIZE_MAX, bytes, n, &split);
    compare(&wide, &split, false);
    read_all(limits, pieces, 0, abandon_at, bytes, n, &split);
    compare(&whole, &split, false);
    return 0;
}
