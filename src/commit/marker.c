/* Markers: names and values. Pure; may call base, command and read the core's identity.
 *
 * Invariant: no two runs have the same `who`, since the identity is 128 random bits for each client and
 * the client counts its runs. So a value that begins with ours was written by this run. */
#include "commit/marker.h"

#include "base/number.h"
#include "command/slot.h"

#include <vouch/transaction.h>

#include <string.h>

static const char aborted[] = "aborted:";

size_t marker_name_size(size_t prefix, size_t token)
{
    return prefix + SLOT_TAG_SIZE + 2 + (token ? token : MARKER_WHO_MAX) + 1;
}

static size_t write_hex(char *out, uint64_t v)
{
    static const char digits[] = "0123456789abcdef";
    size_t n = 1;
    for (uint64_t rest = v >> 4; rest; rest >>= 4)
        n++;
    for (size_t i = n; i; v >>= 4)
        out[--i] = digits[v & 15];
    return n;
}

void marker_init(struct marker *m, struct core *core, char *room, const char *prefix,
                 const char *token, size_t token_size, int64_t life_ms)
{
    size_t n = strlen(core->identity);
    memcpy(m->who, core->identity, n);
    m->who[n++] = '-';
    m->who_size = n + write_hex(m->who + n, ++core->runs);
    m->on = true;
    m->named = token != NULL;
    m->pinned = false;
    m->life_ms = life_ms;
    m->name = room;
    if (!token) {
        token = m->who;
        token_size = m->who_size;
    }
    n = strlen(prefix);
    memcpy(room, prefix, n);
    room[n] = '{';
    m->tag_at = n + 1;
    room[n + 1 + SLOT_TAG_SIZE] = '}';
    memcpy(room + n + 2 + SLOT_TAG_SIZE, token, token_size);
    m->size = n + 2 + SLOT_TAG_SIZE + token_size;
    room[m->size] = 0;
}

void marker_pin(struct marker *m, uint16_t slot)
{
    slot_tag(slot, m->name + m->tag_at);
    m->slot = slot;
    m->pinned = true;
}

static bool is_who(const struct marker *m, const char *text, size_t n)
{
    return n >= m->who_size && memcmp(text, m->who, m->who_size) == 0;
}

enum marker_state marker_read(const struct marker *m, const struct vouch_reply *reply,
                              uint32_t *attempt)
{
    vouch_string v = vouch_reply_string(reply);
    const size_t word = sizeof aborted - 1;
    if (!v.data)
        return MARKER_ABSENT;
    if (v.size >= word && memcmp(v.data, aborted, word) == 0)
        return v.size == word + m->who_size && is_who(m, v.data + word, v.size - word)
                   ? MARKER_OURS_ABORTED
                   : MARKER_ABORTED;
    if (v.size <= m->who_size + 1 || !is_who(m, v.data, v.size) || v.data[m->who_size] != ':')
        return MARKER_USED;
    *attempt = 0;
    for (size_t i = m->who_size + 1; i < v.size; i++)
        *attempt = *attempt * 10 + (uint32_t)(v.data[i] - '0');
    return MARKER_OURS;
}

static vouch_arg name_of(const struct marker *m)
{
    return vouch_bytes(m->name, m->size);
}

static void add(struct vouch_batch *b, const vouch_arg *v, size_t n)
{
    (void)vouch_batch_addv(b, vouch_args_of(v, n));
}

void marker_add_get(const struct marker *m, struct vouch_batch *b)
{
    vouch_arg v[] = {vouch_text("GET"), name_of(m)};
    add(b, v, 2);
}

void marker_add_set(const struct marker *m, struct vouch_batch *b, uint32_t attempt)
{
    char value[MARKER_WHO_MAX + 12];
    memcpy(value, m->who, m->who_size);
    value[m->who_size] = ':';
    size_t n = m->who_size + 1 + number_write_u64(value + m->who_size + 1, attempt);
    vouch_arg v[] = {vouch_text("SET"), name_of(m), vouch_bytes(value, n), vouch_text("PX"),
                     vouch_int(m->life_ms)};
    add(b, v, m->life_ms == VOUCH_MARKER_KEEP ? 3 : 5);
}

void marker_add_abort(const struct marker *m, struct vouch_batch *b)
{
    char value[sizeof aborted + MARKER_WHO_MAX];
    memcpy(value, aborted, sizeof aborted - 1);
    memcpy(value + sizeof aborted - 1, m->who, m->who_size);
    vouch_arg v[] = {
        vouch_text("SET"), name_of(m), vouch_bytes(value, sizeof aborted - 1 + m->who_size),
        vouch_text("NX"), vouch_text("GET"), vouch_text("PX"),
        /* What it was put there for, it has done at once. */
        vouch_int(m->life_ms == VOUCH_MARKER_KEEP ? VOUCH_MARKER_DEFAULT_MS : m->life_ms)};
    add(b, v, 7);
}

void marker_add_delete(const struct marker *m, struct vouch_batch *b)
{
    vouch_arg v[] = {vouch_text("DEL"), name_of(m)};
    add(b, v, 2);
}

void marker_add_again(const struct marker *m, struct vouch_batch *b, vouch_string value)
{
    vouch_arg v[] = {vouch_text("SET"), name_of(m),       vouch_bytes(value.data, value.size),
                     vouch_text("XX"),  vouch_text("PX"), vouch_int(m->life_ms)};
    add(b, v, m->life_ms == VOUCH_MARKER_KEEP ? 4 : 6);
}
