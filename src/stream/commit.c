/* The words of a commit. Pure.
 *
 * One pass over the effects: each is read where its batch encoded it, judged, and its words are pointed to
 * from the arguments; they are copied once, when the call is encoded. Keys are declared once each, since a
 * server looks at all that a script declares.
 *
 * The checks are those that the script cannot make before it writes, or not cheaply: see commit.h. */
#include "stream/commit.h"

#include "base/alloc.h"
#include "base/error.h"
#include "command/slot.h"
#include "stream/effects.h"
#include "stream/shape.h"

#include <string.h>

enum { KEYS_FIXED = 3, ARGS_FIXED = 7, ARGS_OF_ENTRY = 3 };
enum { ARG_SEQUENCE = 2, ARG_HELD = 4 };
enum { SHOWN = 48 }; /* bytes of a key in a message */

void commit_words_release(struct commit_words *w)
{
    alloc_free(w->keys);
    alloc_free(w->args);
    alloc_free(w->shapes.text);
    alloc_free(w->places);
    if (w->room)
        effect_room_release(w->room);
    alloc_free(w->room);
    memset(w, 0, sizeof *w);
}

static vouch_status out_of_memory(vouch_error *e)
{
    return error_set(e, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "a commit: out of memory");
}

static vouch_status wrong(vouch_error *e, const char *what)
{
    return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "a commit: %s", what);
}

/* ---- arguments ------------------------------------------------------------------------------ */

static bool reserve(struct commit_words *w, size_t more)
{
    void *p = w->args;
    if (w->arg_count + more <= w->args_capacity)
        return true;
    if (!alloc_grow(&p, &w->args_capacity, w->arg_count + more, sizeof *w->args))
        return false;
    w->args = p;
    return true;
}

static inline void put(struct commit_words *w, vouch_arg a)
{
    w->args[w->arg_count++] = a;
}

static vouch_arg bytes_of(vouch_string s)
{
    return vouch_bytes(s.data, s.size);
}

/* ---- keys ----------------------------------------------------------------------------------- */

static vouch_string key_at(const struct commit_words *w, size_t i)
{
    return (vouch_string){w->keys[i].as.data, w->keys[i].size};
}

static bool same(vouch_string a, vouch_string b)
{
    return a.size == b.size && (!a.size || memcmp(a.data, b.data, a.size) == 0);
}

static size_t hash_of(vouch_string key)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < key.size; i++)
        h = (h ^ (unsigned char)key.data[i]) * UINT64_C(0x100000001b3);
    return (size_t)(h ^ h >> 32);
}

/* Where the key stands in the table, or the free place for it. */
static uint32_t *place_of(const struct commit_words *w, vouch_string key)
{
    size_t i = hash_of(key);
    for (;; i++) {
        uint32_t *place = &w->places[i & (w->places_capacity - 1)];
        if (!*place || same(key_at(w, *place - 1), key))
            return place;
    }
}

/* At most half of the places are taken. */
static bool grow_places(struct commit_words *w)
{
    size_t capacity = w->places_capacity ? 2 * w->places_capacity : 64;
    uint32_t *places = alloc_zeroed(capacity, sizeof *places);
    if (!places)
        return false;
    alloc_free(w->places);
    w->places = places;
    w->places_capacity = capacity;
    for (size_t i = 0; i < w->key_count; i++)
        *place_of(w, key_at(w, i)) = (uint32_t)(i + 1);
    return true;
}

/* Declares a key, unless it is already. *is_new is left alone when memory is short. */
static bool declare(struct commit_words *w, vouch_string key, size_t *index, bool *is_new)
{
    if ((!w->places || 2 * (w->key_count + 1) > w->places_capacity) && !grow_places(w))
        return false;
    uint32_t *place = place_of(w, key);
    if (!*place) {
        void *p = w->keys;
        if (!alloc_grow(&p, &w->keys_capacity, w->key_count + 1, sizeof *w->keys))
            return false;
        w->keys = p;
        w->keys[w->key_count++] = bytes_of(key);
        *place = (uint32_t)w->key_count;
        *is_new = true;
    }
    *index = *place - 1;
    return true;
}

static int shown(vouch_string key)
{
    return (int)(key.size > SHOWN ? SHOWN : key.size);
}

static vouch_status other_slot(vouch_error *e, const char *who, vouch_string stream,
                               vouch_string key)
{
    return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                     "%s: key '%.*s' is not in the slot of the stream '%.*s': give both one hash "
                     "tag, as in {tag}",
                     who, shown(key), key.data, shown(stream), stream.data);
}

static const char *const roles[KEYS_FIXED] = {"stream", "state", "dead letter"};

/* Stream, state and dead letter: their indexes are those of KEYS in the script. */
static vouch_status declare_fixed(struct commit_words *w, const struct commit_call *call,
                                  vouch_error *e)
{
    const vouch_string keys[KEYS_FIXED] = {call->stream, call->state, call->dead};
    for (size_t i = 0; i < KEYS_FIXED; i++) {
        size_t index = 0;
        bool is_new = false;
        if (!keys[i].size)
            return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "a commit: the %s has no key",
                             roles[i]);
        if (!declare(w, keys[i], &index, &is_new))
            return out_of_memory(e);
        if (!is_new)
            return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                             "a commit: '%.*s' is both %s and %s", shown(keys[i]), keys[i].data,
                             roles[index], roles[i]);
        if (slot_of(keys[i].data, keys[i].size) != slot_of(keys[0].data, keys[0].size))
            return other_slot(e, roles[i], keys[0], keys[i]);
    }
    return VOUCH_OK;
}

/* ---- effects -------------------------------------------------------------------------------- */

/* Which effect of which entry an error is about goes before what it says. */
static vouch_status blame(vouch_error *e, const struct commit_entry *entry, size_t effect)
{
    struct batch_words words = batch_words(entry->effects, effect);
    vouch_string name = {words.name, words.name_size};
    vouch_error why = *e;
    return error_set(e, why.status, why.cause, "entry %.*s, effect %zu, %.*s: %s", shown(entry->id),
                     entry->id.data, effect, shown(name), name.data, why.message);
}

/* What is written to the keys that the script itself needs would be undone, or undo it. */
static vouch_status check_role(const struct effect_room *room, size_t index, uint32_t access,
                               vouch_error *e)
{
    if (index >= KEYS_FIXED || !(access & KEY_WRITE))
        return VOUCH_OK;
    if (index != 1 && strcmp(room->command->name, "XADD") == 0)
        return VOUCH_OK;
    return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "writes to the %s%s", roles[index],
                     index == 1 ? "" : ", where only XADD may");
}

static vouch_status declare_keys(struct commit_words *w, uint16_t slot, vouch_error *e)
{
    const struct effect_room *room = w->room;
    for (size_t i = 0; i < room->key_count; i++) {
        const struct key_position *at = &room->keys[i];
        vouch_string key = {room->argv[at->index], room->lengths[at->index]};
        size_t index = 0;
        bool is_new = false;
        if (!declare(w, key, &index, &is_new))
            return out_of_memory(e);
        if (is_new && slot_of(key.data, key.size) != slot)
            return other_slot(e, "slots", key_at(w, 0), key);
        vouch_status status = check_role(room, index, at->access, e);
        if (status)
            return status;
    }
    return VOUCH_OK;
}

static vouch_status add_effect(struct commit_words *w, const struct commit_call *call,
                               const struct commit_entry *entry, size_t i, uint16_t slot,
                               vouch_error *e)
{
    struct effect_room *room = w->room;
    vouch_status status = effect_read(room, entry->effects, i, e);
    if (status == VOUCH_OK)
        status = declare_keys(w, slot, e);
    if (status)
        return blame(e, entry, i);
    if (!reserve(w, room->argc))
        return out_of_memory(e);
    shape_add(&w->shapes, i == 0, room->argc, call->types ? effect_type(room->command) : "");
    for (size_t k = 0; k < room->argc; k++)
        put(w, vouch_bytes(room->argv[k], room->lengths[k]));
    return VOUCH_OK;
}

/* ---- entries -------------------------------------------------------------------------------- */

static vouch_status check_batch(struct commit_words *w, const struct commit_entry *entry,
                                vouch_error *e)
{
    const vouch_batch *b = entry->effects;
    if (b->first.status)
        return error_set(e, b->first.status, b->first.cause, "the effects of entry %.*s: %s",
                         shown(entry->id), entry->id.data, b->first.message);
    if (b->open)
        return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                         "the effects of entry %.*s: the last was begun, but never ended",
                         shown(entry->id), entry->id.data);
    if (b->count > COMMIT_EFFECTS_MAX - w->effects)
        return error_set(e, VOUCH_ELIMIT, VOUCH_CAUSE_LIMIT,
                         "a commit: more than %d effects in all; commit fewer entries at once",
                         COMMIT_EFFECTS_MAX);
    w->effects += b->count;
    return VOUCH_OK;
}

/* At this place, unless it is that of the entry before. */
static void put_shape(struct commit_words *w, size_t at)
{
    vouch_string shape = shape_end(&w->shapes);
    if (shape.data)
        w->args[at] = bytes_of(shape);
    else
        memmove(w->args + at, w->args + at + 1, (--w->arg_count - at) * sizeof *w->args);
}

static vouch_status add_entry(struct commit_words *w, const struct commit_call *call, size_t i,
                              uint16_t slot, vouch_error *e)
{
    const struct commit_entry *entry = &call->entries[i];
    bool buried = entry->reason.data != NULL, caused = entry->effects && !buried;
    size_t count = caused ? entry->effects->count : 0;
    vouch_status status = caused ? check_batch(w, entry, e) : VOUCH_OK;
    if (status)
        return status;
    if (!reserve(w, ARGS_OF_ENTRY))
        return out_of_memory(e);
    size_t at = w->arg_count;
    put(w, vouch_text("")); /* its shape, when it is known */
    put(w, bytes_of(entry->id));
    if (buried)
        put(w, bytes_of(entry->reason));
    shape_begin(&w->shapes, i && entry->follows, buried);
    for (size_t k = 0; k < count && status == VOUCH_OK; k++)
        status = add_effect(w, call, entry, k, slot, e);
    put_shape(w, at);
    return status;
}

static vouch_status check_ids(const struct commit_call *call, size_t i, struct stream_id *before,
                              vouch_error *e)
{
    vouch_string text = call->entries[i].id;
    struct stream_id id;
    if (!stream_id_read(text, &id))
        return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "a commit: '%.*s' is no id of an entry",
                         shown(text), text.data ? text.data : "");
    if (i && !stream_id_before(*before, id))
        return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                         "a commit: entry %.*s comes behind a later one, or twice", shown(text),
                         text.data);
    *before = id;
    return VOUCH_OK;
}

/* ---- the call ------------------------------------------------------------------------------- */

static vouch_status check_call(const struct commit_call *c, vouch_error *e)
{
    if (c->sequence < 1 || c->sequence >= COMMIT_NUMBER_MAX)
        return wrong(e, "the sequence is not in 1 … COMMIT_NUMBER_MAX - 1");
    if (c->held != COMMIT_UNTRUSTED && (c->held < (int64_t)c->n || c->held >= COMMIT_NUMBER_MAX))
        return wrong(e, "fewer entries are held than are committed");
    if (!c->group.size || !c->consumer.size || !c->generation.size)
        return wrong(e, "no group, consumer or generation");
    if (!c->n || !c->entries)
        return wrong(e, "no entries");
    if (c->n > COMMIT_ENTRIES_MAX)
        return error_set(e, VOUCH_ELIMIT, VOUCH_CAUSE_LIMIT, "a commit: more than %d entries",
                         COMMIT_ENTRIES_MAX);
    return VOUCH_OK;
}

static const char *flags_of(const struct commit_call *c)
{
    static const char *const flags[] = {"", "a", "x", "ax", "k", "ak", "xk", "axk"};
    return flags[(c->all ? 1 : 0) + (c->remove ? 2 : 0) + (c->types ? 4 : 0)];
}

/* How many effects there are; or that there are too many. */
static size_t effects_of(const struct commit_call *call)
{
    size_t n = 0;
    for (size_t i = 0; i < call->n && n < COMMIT_EFFECTS_MAX; i++)
        n += call->entries[i].effects ? call->entries[i].effects->count : 0;
    return n < COMMIT_EFFECTS_MAX ? n : COMMIT_EFFECTS_MAX;
}

/* As if nothing had been made before, but for the memory. */
static vouch_status begin(struct commit_words *w, const struct commit_call *call, vouch_error *e)
{
    w->key_count = w->arg_count = w->effects = 0;
    if (w->places)
        memset(w->places, 0, w->places_capacity * sizeof *w->places);
    if (!w->room && !(w->room = alloc_zeroed(1, sizeof *w->room)))
        return out_of_memory(e);
    vouch_status status = declare_fixed(w, call, e);
    if (status)
        return status;
    if (!reserve(w, ARGS_FIXED) || !shapes_reserve(&w->shapes, call->n, effects_of(call)))
        return out_of_memory(e);
    put(w, bytes_of(call->group));
    put(w, bytes_of(call->consumer));
    put(w, vouch_int(call->sequence));
    put(w, bytes_of(call->generation));
    put(w, vouch_int(call->held));
    put(w, vouch_text(flags_of(call)));
    put(w, vouch_uint(call->n));
    return VOUCH_OK;
}

vouch_status commit_words_make(struct commit_words *w, const struct commit_call *call,
                               vouch_error *error)
{
    vouch_error ignored = {.status = VOUCH_OK}, *e = error ? error : &ignored;
    struct stream_id last = {0, 0};
    error_clear(e);
    vouch_status status = check_call(call, e);
    if (status == VOUCH_OK)
        status = begin(w, call, e);
    if (status)
        return status;
    uint16_t slot = slot_of(call->stream.data, call->stream.size);
    for (size_t i = 0; i < call->n; i++) {
        status = check_ids(call, i, &last, e);
        if (status == VOUCH_OK)
            status = add_entry(w, call, i, slot, e);
        if (status) {
            e->command = i;
            return status;
        }
    }
    return VOUCH_OK;
}

vouch_status commit_words_renew(struct commit_words *w, const struct commit_call *call,
                                vouch_error *error)
{
    vouch_error ignored = {.status = VOUCH_OK}, *e = error ? error : &ignored;
    error_clear(e);
    w->args[ARG_SEQUENCE] = vouch_int(call->sequence);
    w->args[ARG_HELD] = vouch_int(call->held);
    return check_call(call, e);
}
