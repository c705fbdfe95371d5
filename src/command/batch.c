/* Commands to send. A value: may call base and the rest of command, does no I/O.
 *
 * Invariants
 *   1. bytes[0 … ends[count - 1]) are `count` whole commands; nothing half-written is ever counted.
 *   2. Once `first` holds an error nothing is added: what would be sent is what the caller saw
 *      accepted, or nothing.
 *   3. While frozen, bytes and ends do not move: connections send straight out of them. */
#include "command/batch.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/number.h"
#include "command/encode.h"
#include "command/keys.h"

#include <string.h>

/* The argument count is only known when a piecewise command ends: room is left for any. */
#define OPEN_HEADER ENCODE_HEADER_MAX

vouch_batch *vouch_batch_new(void)
{
    return alloc_zeroed(1, sizeof(vouch_batch));
}

void batch_release(struct vouch_batch *b)
{
    alloc_free(b->bytes);
    alloc_free(b->ends);
    alloc_free(b->needs);
}

static void destroy(vouch_batch *b)
{
    batch_release(b);
    alloc_free(b);
}

void vouch_batch_free(vouch_batch *b)
{
    if (!b)
        return;
    if (b->frozen)
        b->released = true;
    else
        destroy(b);
}

void batch_freeze(struct vouch_batch *b)
{
    b->frozen++;
}

void batch_thaw(struct vouch_batch *b)
{
    if (--b->frozen == 0 && b->released)
        destroy(b);
}

size_t batch_fail(vouch_batch *b, vouch_status status, vouch_cause cause, const char *what)
{
    if (b->first.status == VOUCH_OK) {
        (void)error_set(&b->first, status, cause, "command %zu of the batch: %s", b->count, what);
        b->first.command = b->count;
    }
    b->open = false;
    return VOUCH_NO_COMMAND;
}

static bool refuses(vouch_batch *b)
{
    if (b->frozen) {
        (void)batch_fail(b, VOUCH_EBUSY, VOUCH_CAUSE_NONE,
                         "added while an operation runs the batch");
        return true;
    }
    if (b->open)
        (void)batch_fail(b, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "begun, but never ended");
    return b->first.status != VOUCH_OK;
}

void vouch_batch_clear(vouch_batch *b)
{
    if (b->frozen)
        return;
    b->size = 0;
    b->count = 0;
    b->blocking = false;
    b->open = false;
    if (b->first.status)
        memset(&b->first, 0, sizeof b->first);
    if (b->needs)
        memset(b->needs, 0, b->needs_capacity * sizeof(const struct need *));
}

size_t vouch_batch_count(const vouch_batch *b)
{
    return b->count;
}

vouch_status vouch_batch_error(const vouch_batch *b, vouch_error *error)
{
    if (b->first.status == VOUCH_OK) {
        error_clear(error);
        return VOUCH_OK;
    }
    if (error)
        *error = b->first;
    return b->first.status;
}

static bool grow_bytes(vouch_batch *b, size_t want)
{
    void *p = b->bytes;
    if (want < b->size || !alloc_grow(&p, &b->capacity, want, 1))
        return false;
    b->bytes = p;
    return true;
}

/* Room for `more` bytes behind what is there. */
static inline bool reserve(vouch_batch *b, size_t at, size_t more)
{
    return more <= b->capacity - at || (more <= SIZE_MAX - at && grow_bytes(b, at + more));
}

static bool grow_ends(vouch_batch *b)
{
    void *p = b->ends;
    if (!alloc_grow(&p, &b->ends_capacity, b->count + 1, sizeof *b->ends))
        return false;
    b->ends = p;
    return true;
}

/* The command now stands at bytes[size … end): checks its name and counts it. */
static size_t accept(vouch_batch *b, size_t end, const char *name, size_t name_size,
                     const char *sub, size_t sub_size)
{
    const struct command *c = command_find(name, name_size, sub, sub_size);
    if (!name_size)
        return batch_fail(b, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "an empty command name");
    if (c && !b->own && (c->flags & (COMMAND_FORBIDDEN | COMMAND_BLOCKING))) {
        if (c->flags & COMMAND_FORBIDDEN) {
            char words[160];
            vouch_error e;
            (void)error_set(&e, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "%s %s", c->name,
                            command_forbidden_reason(c));
            error_escape(words, sizeof words, e.message, strlen(e.message));
            return batch_fail(b, VOUCH_EINVAL, VOUCH_CAUSE_NONE, words);
        }
        b->blocking = true;
    }
    if (b->count >= VOUCH_BATCH_MAX_COMMANDS)
        return batch_fail(b, VOUCH_ELIMIT, VOUCH_CAUSE_LIMIT, "more than VOUCH_BATCH_MAX_COMMANDS");
    if (b->count >= b->ends_capacity && !grow_ends(b))
        return batch_fail(b, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory");
    if (b->needs && b->count < b->needs_capacity)
        b->needs[b->count] = NULL;
    b->size = end;
    b->ends[b->count] = end;
    return b->count++;
}

bool batch_put(struct vouch_batch *b, const char *bytes, size_t size)
{
    if (!reserve(b, b->size, size) || (b->count >= b->ends_capacity && !grow_ends(b))) {
        (void)batch_fail(b, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory");
        return false;
    }
    memcpy(b->bytes + b->size, bytes, size);
    b->size += size;
    if (b->count < b->needs_capacity)
        b->needs[b->count] = NULL;
    b->ends[b->count++] = b->size;
    return true;
}

/* Room for needs of so many commands; new places are empty. */
static bool grow_needs(struct vouch_batch *b, size_t count)
{
    size_t before = b->needs_capacity;
    void *p = b->needs;
    if (!alloc_grow(&p, &b->needs_capacity, count, sizeof(const struct need *)))
        return false;
    b->needs = p;
    for (size_t i = before; i < b->needs_capacity; i++)
        b->needs[i] = NULL;
    return true;
}

/* Those of `from`, whose commands come behind what is there. */
static bool append_needs(struct vouch_batch *b, const struct vouch_batch *from)
{
    size_t count = b->count + from->count;
    if (!from->needs && !b->needs)
        return true;
    if (!grow_needs(b, count))
        return false;
    for (size_t i = 0; i < from->count; i++)
        b->needs[b->count + i] = batch_need(from, i);
    return true;
}

bool batch_append(struct vouch_batch *b, const struct vouch_batch *from)
{
    if (refuses(b))
        return false;
    if (from->count > VOUCH_BATCH_MAX_COMMANDS - b->count) {
        (void)batch_fail(b, VOUCH_ELIMIT, VOUCH_CAUSE_LIMIT, "more than VOUCH_BATCH_MAX_COMMANDS");
        return false;
    }
    void *p = b->ends;
    size_t size = from->count ? from->ends[from->count - 1] : 0;
    if (!reserve(b, b->size, size) || !append_needs(b, from) ||
        !alloc_grow(&p, &b->ends_capacity, b->count + from->count, sizeof *b->ends)) {
        (void)batch_fail(b, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory");
        return false;
    }
    b->ends = p;
    if (size)
        memcpy(b->bytes + b->size, from->bytes, size);
    for (size_t i = 0; i < from->count; i++)
        b->ends[b->count + i] = b->size + from->ends[i];
    b->size += size;
    b->count += from->count;
    b->blocking = b->blocking || from->blocking;
    return true;
}

void batch_cut(struct vouch_batch *b, size_t count)
{
    b->count = count;
    b->size = count ? b->ends[count - 1] : 0;
}

static const char *argument_fault(size_t n)
{
    return n > VOUCH_ARGUMENT_MAX_BYTES ? "an argument over VOUCH_ARGUMENT_MAX_BYTES" : NULL;
}

static const char *count_fault(size_t argc)
{
    return argc > VOUCH_BATCH_MAX_ARGUMENTS ? "more than VOUCH_BATCH_MAX_ARGUMENTS arguments"
                                            : NULL;
}

size_t vouch_batch_argv(vouch_batch *b, size_t argc, const char *const *argv, const size_t *argvlen)
{
    if (refuses(b))
        return VOUCH_NO_COMMAND;
    if (argc == 0 || !argv)
        return batch_fail(b, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "no words at all");
    if (count_fault(argc))
        return batch_fail(b, VOUCH_ELIMIT, VOUCH_CAUSE_LIMIT, count_fault(argc));
    size_t at = b->size, size0 = 0, size1 = 0;
    if (!reserve(b, at, ENCODE_HEADER_MAX))
        return batch_fail(b, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory");
    char *out = encode_header(b->bytes + at, '*', argc);
    for (size_t i = 0; i < argc; i++) {
        if (!argv[i])
            return batch_fail(b, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "a NULL argument");
        size_t n = argvlen ? argvlen[i] : strlen(argv[i]);
        if (argument_fault(n))
            return batch_fail(b, VOUCH_ELIMIT, VOUCH_CAUSE_LIMIT, argument_fault(n));
        at = (size_t)(out - b->bytes);
        if (!reserve(b, at, n + 2 * ENCODE_HEADER_MAX))
            return batch_fail(b, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory");
        out = encode_argument(b->bytes + at, argv[i], n);
        if (i == 0)
            size0 = n;
        else if (i == 1)
            size1 = n;
    }
    return accept(b, (size_t)(out - b->bytes), argv[0], size0, argc > 1 ? argv[1] : NULL, size1);
}

/* Text of a number goes to `room`; text and bytes are used where they are. */
static const char *spell(const vouch_arg *a, char room[static NUMBER_DOUBLE_MAX], size_t *n)
{
    switch (a->kind) {
    case VOUCH_ARG_BYTES:
        *n = a->size;
        return a->as.data ? a->as.data : (a->size ? NULL : "");
    case VOUCH_ARG_TEXT:
        *n = a->as.data ? strlen(a->as.data) : 0;
        return a->as.data;
    case VOUCH_ARG_INT:
        *n = number_write_i64(room, a->as.i);
        return room;
    case VOUCH_ARG_UINT:
        *n = number_write_u64(room, a->as.u);
        return room;
    case VOUCH_ARG_DOUBLE:
    case VOUCH_ARG_FLOAT:
        *n = number_write_double(room, a->as.d);
        return room;
    default:
        return NULL;
    }
}

/* Writes one argument at `at`; returns the new end, or 0 with the sticky error set. */
static size_t put(vouch_batch *b, size_t at, const vouch_arg *a, size_t *n)
{
    char room[NUMBER_DOUBLE_MAX];
    const char *text = spell(a, room, n);
    if (!text)
        (void)batch_fail(b, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                         "a NULL argument, or one of no known kind");
    else if (argument_fault(*n))
        (void)batch_fail(b, VOUCH_ELIMIT, VOUCH_CAUSE_LIMIT, argument_fault(*n));
    else if (!reserve(b, at, *n + 2 * ENCODE_HEADER_MAX))
        (void)batch_fail(b, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory");
    else
        return (size_t)(encode_argument(b->bytes + at, text, *n) - b->bytes);
    return 0;
}

size_t vouch_batch_addv(vouch_batch *b, vouch_args args)
{
    if (refuses(b))
        return VOUCH_NO_COMMAND;
    if (args.n == 0 || !args.v)
        return batch_fail(b, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "no words at all");
    if (count_fault(args.n))
        return batch_fail(b, VOUCH_ELIMIT, VOUCH_CAUSE_LIMIT, count_fault(args.n));
    if (!reserve(b, b->size, ENCODE_HEADER_MAX))
        return batch_fail(b, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory");
    size_t at = (size_t)(encode_header(b->bytes + b->size, '*', args.n) - b->bytes);
    size_t ends[2] = {0, 0}, sizes[2] = {0, 0};
    for (size_t i = 0; i < args.n; i++) {
        size_t n = 0;
        at = put(b, at, &args.v[i], &n);
        if (!at)
            return VOUCH_NO_COMMAND;
        if (i < 2) {
            ends[i] = at - 2;
            sizes[i] = n;
        }
    }
    const char *name = b->bytes + ends[0] - sizes[0];
    const char *sub = args.n > 1 ? b->bytes + ends[1] - sizes[1] : NULL;
    return accept(b, at, name, sizes[0], sub, sizes[1]);
}

void vouch_batch_begin(vouch_batch *b, const char *command)
{
    if (refuses(b))
        return;
    if (!reserve(b, b->size, OPEN_HEADER)) {
        (void)batch_fail(b, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory");
        return;
    }
    b->open = true;
    b->open_arguments = 0;
    b->open_size = b->size + OPEN_HEADER;
    vouch_batch_argument(b, vouch_text(command));
}

void vouch_batch_argument(vouch_batch *b, vouch_arg a)
{
    if (b->frozen || b->first.status != VOUCH_OK)
        return;
    if (!b->open) {
        (void)batch_fail(b, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                         "an argument without vouch_batch_begin");
        return;
    }
    if (count_fault(b->open_arguments + 1)) {
        (void)batch_fail(b, VOUCH_ELIMIT, VOUCH_CAUSE_LIMIT, count_fault(b->open_arguments + 1));
        return;
    }
    size_t n = 0;
    size_t end = put(b, b->open_size, &a, &n);
    if (!end)
        return;
    b->open_size = end;
    b->open_arguments++;
}

size_t vouch_batch_end(vouch_batch *b)
{
    if (b->frozen || b->first.status != VOUCH_OK)
        return VOUCH_NO_COMMAND;
    if (!b->open)
        return batch_fail(b, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                          "vouch_batch_end without vouch_batch_begin");
    b->open = false;
    char *body = b->bytes + b->size + OPEN_HEADER;
    size_t body_size = b->open_size - b->size - OPEN_HEADER;
    char *out = encode_header(b->bytes + b->size, '*', b->open_arguments);
    memmove(out, body, body_size);
    size_t end = (size_t)(out - b->bytes) + body_size;
    /* Its words are found where batch_words finds them: count it provisionally. */
    if (b->count >= b->ends_capacity && !grow_ends(b))
        return batch_fail(b, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory");
    b->ends[b->count] = end;
    struct batch_words w = batch_words(b, b->count);
    return accept(b, end, w.name, w.name_size, w.sub, w.sub_size);
}

bool batch_set_need(struct vouch_batch *b, const struct need *need)
{
    if (b->first.status != VOUCH_OK || b->count == 0)
        return false;
    if (!grow_needs(b, b->count)) {
        (void)batch_fail(b, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory");
        return false;
    }
    b->needs[b->count - 1] = need;
    return true;
}
