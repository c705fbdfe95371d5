/* The parser of replies. Pure; may call base and the reply node.
 *
 * A reply is a tree whose nodes lie in the caller's arena: an aggregate's elements are one array,
 * allocated when its header declares them, filled in place. `frames` is the path from the root to
 * the element being read. Three modes:
 *
 *   keeping     skip == 0    every item is written to its node
 *   draining    skip > 0, draining     the reply was over a limit (or unwanted): what it had is
 *                                      released, and the items it still owes are counted off
 *   skipping    skip > 0, !draining    an attribute or a push message, counted off likewise; then
 *                                      keeping goes on where it was
 *
 * Invariants
 *   1. Nothing is allocated before what the reply has declared so far was checked against the
 *      limits, in total over all levels.
 *   2. Items owed are one number, whatever the nesting: depth costs a drain nothing.
 *   3. A line is parsed once, whole: from the input if it is there, else from `line`. */
#include "net/reader.h"

#include "base/alloc.h"
#include "base/number.h"

#include <string.h>

/* The most digits that cannot overflow while they are added up. */
#define SAFE_DIGITS 18

enum step { STEP_ON, STEP_DONE, STEP_BAD };

static enum step bad(struct reader *r, const char *fault)
{
    r->fault = fault;
    return STEP_BAD;
}

/* ---- draining ------------------------------------------------------------------------------- */

static enum step owe(struct reader *r, uint64_t items)
{
    if (items > READER_DRAIN_MAX - r->skip)
        return bad(r, "a reply declared more elements than could ever be read");
    r->skip += items;
    return STEP_ON;
}

/* The reply will not be kept: counts what it owes, with the item that is being read now. */
static void give_up(struct reader *r, enum reader_fate fate)
{
    r->fate = fate;
    r->draining = true;
    r->skip++;
    for (uint32_t i = 0; i < r->depth; i++)
        r->skip += r->frames[i].left; /* bounded: the elements limit is 32 bits */
    r->depth = 0;
    r->text = NULL;
}

static void drain(struct reader *r, struct arena *a, enum reader_fate fate)
{
    give_up(r, fate);
    arena_rewind(a, r->mark);
}

/* ---- items ---------------------------------------------------------------------------------- */

static struct vouch_reply *destination(struct reader *r)
{
    return r->depth ? r->frames[r->depth - 1].next : r->root;
}

/* An item is complete: moves to the next one, up through all aggregates that end with it. */
static inline enum step advance(struct reader *r)
{
    while (r->depth) {
        struct reader_frame *f = &r->frames[r->depth - 1];
        if (f->left) {
            f->left--;
            f->next++;
            return STEP_ON;
        }
        r->depth--;
    }
    return STEP_DONE;
}

static inline enum step advance_skip(struct reader *r)
{
    return --r->skip == 0 && r->draining ? STEP_DONE : STEP_ON;
}

static inline enum step put_number(struct reader *r, vouch_type type, int64_t value)
{
    if (r->skip)
        return advance_skip(r);
    struct vouch_reply *node = destination(r);
    node->type = (uint8_t)type;
    node->n = 0;
    node->as.integer = value;
    return advance(r);
}

/* Room for the text of the item being read; sets r->text, or starts to drain and leaves it NULL. */
static inline void make_text(struct reader *r, struct arena *a, vouch_type type, size_t n)
{
    bool verdict = type == VOUCH_TYPE_ERROR && r->depth == 0;
    r->text = NULL;
    if (n > r->limits.bytes - r->bytes && !verdict) {
        drain(r, a, READER_TOO_LARGE);
        return;
    }
    char *text = arena_get(a, n + 1);
    if (!text) {
        drain(r, a, verdict ? READER_NO_MEMORY_FOR_ERROR : READER_NO_MEMORY);
        return;
    }
    if (!verdict)
        r->bytes += (uint32_t)n;
    text[n] = 0;
    struct vouch_reply *node = destination(r);
    node->type = (uint8_t)type;
    node->n = (uint32_t)n;
    node->as.text = text;
    r->text = text;
}

/* A line that is an item by itself: status, error, big number, double. */
static enum step put_line(struct reader *r, struct arena *a, vouch_type type, const char *s,
                          size_t n)
{
    if (r->skip)
        return advance_skip(r);
    make_text(r, a, type, n);
    if (!r->text)
        return advance_skip(r);
    memcpy(r->text, s, n);
    return advance(r);
}

static inline enum step put_ok(struct reader *r)
{
    if (r->skip)
        return advance_skip(r);
    struct vouch_reply *node = destination(r);
    node->type = VOUCH_TYPE_STATUS;
    node->n = 2;
    node->as.text = "OK";
    return advance(r);
}

static enum step begin_skip(struct reader *r, uint64_t items)
{
    return items ? owe(r, items) : STEP_ON;
}

static enum step put_aggregate(struct reader *r, struct arena *a, vouch_type type, uint64_t n)
{
    if (r->skip) {
        if (owe(r, n) == STEP_BAD)
            return STEP_BAD;
        return advance_skip(r);
    }
    enum reader_fate fate = READER_KEPT;
    struct vouch_reply *elements = NULL;
    if (n > r->limits.elements - r->elements || r->depth >= r->limits.depth)
        fate = READER_TOO_LARGE;
    else if (n && !(elements = arena_get(a, (size_t)n * sizeof *elements)))
        fate = READER_NO_MEMORY;
    if (fate != READER_KEPT) {
        drain(r, a, fate);
        if (owe(r, n) == STEP_BAD)
            return STEP_BAD;
        return advance_skip(r);
    }
    struct vouch_reply *node = destination(r);
    node->type = (uint8_t)type;
    node->n = (uint32_t)n;
    node->as.elements = elements;
    if (!n)
        return advance(r);
    r->elements += (uint32_t)n;
    r->frames[r->depth++] = (struct reader_frame){elements, (uint32_t)n - 1};
    return STEP_ON;
}

/* The header of a bulk was read; its payload is next. */
static inline enum step begin_bulk(struct reader *r, struct arena *a, vouch_type type, uint64_t n)
{
    r->bulk_size = n;
    r->bulk_left = n + 2;
    r->in_bulk = true;
    r->text = NULL;
    if (type == VOUCH_TYPE_ERROR && n > READER_LINE_MAX)
        return bad(r, "an error longer than any server's");
    if (type == VOUCH_TYPE_VERBATIM && n < 4)
        return bad(r, "a verbatim string without its format");
    if (!r->skip)
        make_text(r, a, type, (size_t)n);
    return STEP_ON;
}

static enum step end_bulk(struct reader *r)
{
    r->in_bulk = false;
    if (r->skip)
        return advance_skip(r);
    struct vouch_reply *node = destination(r);
    if (node->type == VOUCH_TYPE_VERBATIM) {
        node->as.text += 4;
        node->n -= 4;
    }
    return advance(r);
}

/* As much of the payload as there is; CRLF is checked byte by byte, since it may come apart. */
static enum step take_bulk(struct reader *r, const char **at, const char *end)
{
    size_t have = (size_t)(end - *at);
    if (r->bulk_left > 2) {
        size_t n = r->bulk_left - 2 < have ? (size_t)(r->bulk_left - 2) : have;
        if (r->text)
            memcpy(r->text + (r->bulk_size - (r->bulk_left - 2)), *at, n);
        *at += n;
        r->bulk_left -= n;
    }
    for (; r->bulk_left && r->bulk_left <= 2 && *at < end; r->bulk_left--)
        if (*(*at)++ != (r->bulk_left == 2 ? '\r' : '\n'))
            return bad(r, "a string does not end where it said");
    return r->bulk_left ? STEP_ON : end_bulk(r);
}

/* ---- lines ---------------------------------------------------------------------------------- */

static bool is_bignum(const char *s, size_t n)
{
    size_t i = n && (*s == '-' || *s == '+');
    if (i == n)
        return false;
    for (; i < n; i++)
        if (s[i] < '0' || s[i] > '9')
            return false;
    return true;
}

/* A line whose content is not a count: s[0 … n) without the type and CRLF. */
static enum step text_line(struct reader *r, struct arena *a, char type, const char *s, size_t n)
{
    double ignored;
    switch (type) {
    case '+':
        return n == 2 && s[0] == 'O' && s[1] == 'K' ? put_ok(r)
                                                    : put_line(r, a, VOUCH_TYPE_STATUS, s, n);
    case '-':
        return put_line(r, a, VOUCH_TYPE_ERROR, s, n);
    case ',':
        if (!number_parse_double(s, n, &ignored))
            return bad(r, "a double that is none");
        return put_line(r, a, VOUCH_TYPE_DOUBLE, s, n);
    case '(':
        if (!is_bignum(s, n))
            return bad(r, "a big number that is none");
        return put_line(r, a, VOUCH_TYPE_BIGNUM, s, n);
    case '_':
        return n == 0 ? put_number(r, VOUCH_TYPE_NIL, 0) : bad(r, "a null with content");
    case '#':
        if (n != 1 || (*s != 't' && *s != 'f'))
            return bad(r, "a boolean that is none");
        return put_number(r, VOUCH_TYPE_BOOL, *s == 't');
    default:
        return bad(r, "a reply of no known type");
    }
}

/* A header: its count is `value`. */
static inline enum step count_line(struct reader *r, struct arena *a, char type, int64_t value)
{
    if (type == '$' && value >= 0)
        return begin_bulk(r, a, VOUCH_TYPE_STRING, (uint64_t)value);
    if (type == ':')
        return put_number(r, VOUCH_TYPE_INTEGER, value);
    if (value < 0)
        return value == -1 && (type == '$' || type == '*') ? put_number(r, VOUCH_TYPE_NIL, 0)
                                                           : bad(r, "a negative length");
    uint64_t n = (uint64_t)value;
    /* Twice this is still a number, and no reply of this size will ever be read. */
    if (n > READER_DRAIN_MAX && type != '!' && type != '=')
        return bad(r, "a reply declared more elements than could ever be read");
    switch (type) {
    case '*':
        return put_aggregate(r, a, VOUCH_TYPE_ARRAY, n);
    case '%':
        return put_aggregate(r, a, VOUCH_TYPE_MAP, 2 * n);
    case '~':
        return put_aggregate(r, a, VOUCH_TYPE_SET, n);
    case '!':
        return begin_bulk(r, a, VOUCH_TYPE_ERROR, n);
    case '=':
        return begin_bulk(r, a, VOUCH_TYPE_VERBATIM, n);
    case '|':
        return begin_skip(r, 2 * n);
    case '>':
        if (r->inside || r->skip)
            return bad(r, "a push message inside a reply");
        return begin_skip(r, n);
    default:
        return bad(r, "a reply of no known type");
    }
}

static bool is_count(char type)
{
    return type == '$' || type == ':' || type == '*' || type == '%' || type == '~' || type == '!' ||
           type == '=' || type == '|' || type == '>';
}

static bool is_type(char type)
{
    return is_count(type) || type == '+' || type == '-' || type == '_' || type == '#' ||
           type == ',' || type == '(';
}

/* A whole line, with its CRLF. */
static enum step whole_line(struct reader *r, struct arena *a, const char *s, size_t n)
{
    if (n < 3 || s[n - 2] != '\r')
        return bad(r, "a line that does not end in CRLF");
    char type = *s;
    if (!is_count(type))
        return text_line(r, a, type, s + 1, n - 3);
    int64_t value;
    if (!number_parse_resp_i64(s + 1, n - 3, &value))
        return bad(r, "a number that is none");
    if (value > INT64_MAX - 2 && type != ':')
        return bad(r, "a length beyond any");
    return count_line(r, a, type, value);
}

/* The line at *at, which may have begun in an earlier call or end in a later one. */
static enum step take_line(struct reader *r, struct arena *a, const char **at, const char *end)
{
    const char *s = *at;
    if (r->line_size == 0 && !is_type(*s))
        return bad(r, "a reply of no known type");
    const char *newline = memchr(s, '\n', (size_t)(end - s));
    size_t n = newline ? (size_t)(newline - s) + 1 : (size_t)(end - s);
    *at += n;
    if (r->line_size == 0 && newline)
        return n > READER_LINE_MAX ? bad(r, "a line over READER_LINE_MAX") : whole_line(r, a, s, n);
    if (n > READER_LINE_MAX - r->line_size)
        return bad(r, "a line over READER_LINE_MAX");
    void *line = r->line;
    if (!alloc_grow(&line, &r->line_capacity, r->line_size + n, 1))
        return bad(r, "out of memory for a line");
    r->line = line;
    memcpy(r->line + r->line_size, s, n);
    r->line_size += n;
    if (!newline)
        return STEP_ON;
    n = r->line_size;
    r->line_size = 0;
    return whole_line(r, a, r->line, n);
}

/* A string of which all is in the input, with its CRLF. */
static inline enum step put_bulk(struct reader *r, struct arena *a, const char *s, size_t n)
{
    if (r->skip)
        return advance_skip(r);
    make_text(r, a, VOUCH_TYPE_STRING, n);
    if (!r->text)
        return advance_skip(r);
    memcpy(r->text, s, n);
    return advance(r);
}

/* The short way for what nearly all replies consist of: +OK, or a header with a small number, wholly
 * in the input. False: take the long way. */
static inline bool take_short(struct reader *r, struct arena *a, const char **at, const char *end,
                              enum step *step)
{
    const char *s = *at, *p = s + 1;
    char type = *s;
    if (type == '+' && end - s >= 5 && memcmp(s, "+OK\r\n", 5) == 0) {
        *at = s + 5;
        *step = put_ok(r);
        return true;
    }
    if ((type != '$' && type != ':' && type != '*') || end - s < SAFE_DIGITS + 4)
        return false;
    uint64_t value = 0;
    for (; *p >= '0' && *p <= '9' && p - s <= SAFE_DIGITS; p++)
        value = value * 10 + (uint64_t)(*p - '0');
    if (p == s + 1 || p[0] != '\r' || p[1] != '\n')
        return false;
    p += 2;
    if (type == '$' && (uint64_t)(end - p) >= value + 2 && p[value] == '\r' &&
        p[value + 1] == '\n') {
        *at = p + value + 2;
        *step = put_bulk(r, a, p, (size_t)value);
        return true;
    }
    *at = p;
    *step = count_line(r, a, type, (int64_t)value);
    return true;
}

/* ---- replies -------------------------------------------------------------------------------- */

static void begin(struct reader *r, struct arena *a, char type)
{
    r->inside = true;
    r->depth = 0;
    r->bytes = 0;
    r->elements = 0;
    r->fate = READER_KEPT;
    if (a) {
        r->mark = arena_mark(a);
        r->root = arena_get(a, sizeof *r->root);
        if (r->root)
            return;
    }
    r->fate = !a                           ? READER_UNWANTED
              : type == '-' || type == '!' ? READER_NO_MEMORY_FOR_ERROR
                                           : READER_NO_MEMORY;
    r->draining = true;
    r->skip = 1;
}

static void end_reply(struct reader *r)
{
    r->reply = r->fate == READER_KEPT ? r->root : NULL;
    r->inside = false;
    r->draining = false;
}

enum reader_event reader_read(struct reader *r, struct arena *a, const char *bytes, size_t n,
                              size_t *used)
{
    const char *at = bytes, *end = bytes + n;
    r->reply = NULL;
    while (at < end) {
        enum step step = STEP_ON;
        /* A push comes between replies and must not begin one. */
        if (!r->inside && !r->skip && !r->in_bulk && r->line_size == 0 && *at != '>')
            begin(r, a, *at);
        if (r->in_bulk)
            step = take_bulk(r, &at, end);
        else if (r->line_size || !take_short(r, a, &at, end, &step))
            step = take_line(r, a, &at, end);
        if (step == STEP_ON)
            continue;
        *used = (size_t)(at - bytes);
        if (step == STEP_BAD)
            return READER_BAD;
        end_reply(r);
        return READER_REPLY;
    }
    *used = n;
    return READER_MORE;
}

bool reader_is_inside(const struct reader *r)
{
    return r->inside || r->skip || r->in_bulk || r->line_size;
}

void reader_abandon(struct reader *r)
{
    if (r->inside && !r->draining)
        give_up(r, READER_UNWANTED);
}

bool reader_reserve(struct reader *r)
{
    void *line = r->line;
    if (!alloc_grow(&line, &r->line_capacity, READER_LINE_MAX, 1))
        return false;
    r->line = line;
    return true;
}

void reader_restart(struct reader *r)
{
    struct reader fresh = {.limits = r->limits, .line = r->line, .line_capacity = r->line_capacity};
    *r = fresh;
}

void reader_reset(struct reader *r)
{
    alloc_free(r->line);
    r->line = NULL;
    r->line_capacity = 0;
    reader_restart(r);
}
