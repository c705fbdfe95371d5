/* Producers: a name, a stream, and the script that adds an entry once. Pure.
 *
 * Invariant: a producer does not change after vouch_producer_new, so that any thread may read it. */
#include "stream/producer.h"

#include "base/alloc.h"
#include "base/error.h"
#include "command/slot.h"

#include <string.h>

#include "stream/sources.inc"

vouch_string producer_source(void)
{
    return (vouch_string){lua_produce, sizeof lua_produce};
}

/* ---- what is asked for ---------------------------------------------------------------------- */

/* Names and their sizes, borrowed from the caller. */
struct names {
    const char *stream, *name, *state; /* state: NULL for the default */
    size_t stream_size, name_size, state_size;
};

static vouch_status wrong(vouch_error *e, const char *what)
{
    return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "%s", what);
}

static vouch_status check_names(struct names *n, const vouch_producer_options *o, vouch_error *e)
{
    vouch_status status =
        entry_name(n->stream, o->stream_size, VOUCH_STREAM_NAME_MAX, "stream", &n->stream_size, e);
    if (!status)
        status = entry_name(n->name, o->name_size, VOUCH_PRODUCER_NAME_MAX, "producer",
                            &n->name_size, e);
    if (!status && o->state)
        status =
            entry_name(o->state, o->state_size, VOUCH_STREAM_NAME_MAX, "state", &n->state_size, e);
    if (status || !o->state)
        return status;
    n->state = o->state;
    if (slot_of(n->state, n->state_size) != slot_of(n->stream, n->stream_size))
        return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                         "the state '%.*s' and the stream '%.*s' are in different slots: give them "
                         "one hash tag, as in {tag}, or let the state have its default name",
                         (int)(n->state_size > 64 ? 64 : n->state_size), n->state,
                         (int)(n->stream_size > 64 ? 64 : n->stream_size), n->stream);
    if (n->state_size == n->stream_size && memcmp(n->state, n->stream, n->state_size) == 0)
        return wrong(e, "options->state: is the stream itself");
    return VOUCH_OK;
}

static vouch_status check(struct names *n, const vouch_producer_options *o, vouch_error *e)
{
    struct retention_words words;
    if (o->size != sizeof *o)
        return wrong(e, "options->size: not set by VOUCH_PRODUCER_OPTIONS_INIT");
    if (!o->state && o->state_size)
        return wrong(e, "options->state_size: without a state");
    if (o->window > VOUCH_PRODUCER_WINDOW_MAX)
        return error_set(e, VOUCH_ELIMIT, VOUCH_CAUSE_LIMIT,
                         "options->window: more than VOUCH_PRODUCER_WINDOW_MAX");
    if (o->state_ms < 0)
        return wrong(e, "options->state_ms: negative");
    if (o->state_ms > VOUCH_RETENTION_MAX_MS)
        return error_set(e, VOUCH_ELIMIT, VOUCH_CAUSE_LIMIT,
                         "options->state_ms: more than VOUCH_RETENTION_MAX_MS");
    vouch_status status = retention_words(&o->keep, &words, e);
    return status ? status : check_names(n, o, e);
}

/* ---- making --------------------------------------------------------------------------------- */

static char *put(char *at, const char *bytes, size_t size)
{
    memcpy(at, bytes, size);
    return at + size;
}

/* A tag made of the stream's name would break on names with braces: so it is made of its slot. */
static bool default_state(struct vouch_producer *p)
{
    static const char before[] = "vouch:produced:{", between[] = "}:";
    char tag[SLOT_TAG_SIZE];
    slot_tag(slot_of(p->stream, p->stream_size), tag);
    p->state_size =
        sizeof before - 1 + sizeof tag + sizeof between - 1 + p->name_size + 1 + p->stream_size;
    p->state = alloc_get(p->state_size + 1);
    if (!p->state)
        return false;
    char *at = put(p->state, before, sizeof before - 1);
    at = put(at, tag, sizeof tag);
    at = put(at, between, sizeof between - 1);
    at = put(at, p->name, p->name_size);
    at = put(at, ":", 1);
    at = put(at, p->stream, p->stream_size);
    *at = 0;
    return true;
}

static bool copy_names(struct vouch_producer *p, const struct names *n)
{
    p->stream_size = n->stream_size;
    p->name_size = n->name_size;
    p->state_size = n->state_size;
    p->stream = alloc_copy(n->stream, n->stream_size);
    p->name = alloc_copy(n->name, n->name_size);
    if (!p->stream || !p->name)
        return false;
    if (!n->state)
        return default_state(p);
    p->state = alloc_copy(n->state, n->state_size);
    return p->state != NULL;
}

static bool copy_options(struct vouch_producer *p, const vouch_producer_options *o)
{
    p->keep = o->keep;
    p->window = o->window ? o->window : VOUCH_PRODUCER_WINDOW;
    p->dense = o->dense != 0;
    p->no_mkstream = o->no_mkstream != 0;
    p->state_ms = o->state_ms;
    if (o->keep.min_id)
        p->keep.min_id = p->min_id = alloc_copy(o->keep.min_id, strlen(o->keep.min_id));
    return !o->keep.min_id || p->min_id;
}

vouch_status producer_new_with(const char *source, size_t size, const char *stream,
                               const char *name, const vouch_producer_options *options,
                               vouch_producer **out, vouch_error *error)
{
    static const vouch_producer_options none = VOUCH_PRODUCER_OPTIONS_INIT;
    vouch_script_options so = VOUCH_SCRIPT_OPTIONS_INIT;
    struct names names = {.stream = stream, .name = name};
    error_clear(error);
    if (!out)
        return wrong(error, "out is NULL");
    *out = NULL;
    options = options ? options : &none;
    vouch_status status = check(&names, options, error);
    if (status)
        return status;
    struct vouch_producer *p = alloc_zeroed(1, sizeof *p);
    so.name = "producer";
    if (!p || !copy_names(p, &names) || !copy_options(p, options))
        status = error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory for a producer");
    else
        status = vouch_script_new(source, size, &so, &p->script, error);
    if (status)
        vouch_producer_free(p);
    else
        *out = p;
    return status;
}

vouch_status vouch_producer_new(const char *stream, const char *name,
                                const vouch_producer_options *options, vouch_producer **out,
                                vouch_error *error)
{
    vouch_string source = producer_source();
    return producer_new_with(source.data, source.size, stream, name, options, out, error);
}

void vouch_producer_free(vouch_producer *p)
{
    if (!p)
        return;
    vouch_script_free(p->script);
    alloc_free(p->stream);
    alloc_free(p->name);
    alloc_free(p->state);
    alloc_free(p->min_id);
    alloc_free(p);
}

const vouch_script *vouch_producer_script(const vouch_producer *p)
{
    return p ? p->script : NULL;
}

vouch_string vouch_producer_state(const vouch_producer *p)
{
    return p ? (vouch_string){p->state, p->state_size} : (vouch_string){NULL, 0};
}
