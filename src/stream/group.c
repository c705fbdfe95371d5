/* How a group is doing: one call of scripts/lua/stream/status.lua. It stands on vouch/script.h, as a program of a
 * user's could. */
#include "base/error.h"
#include "base/number.h"
#include "command/slot.h"
#include "stream/commit.h"
#include "stream/producer.h"

#include <stdio.h>
#include <string.h>
#include <vouch/group.h>
#include <vouch/script.h>

#include "stream/sources.inc"

/* Milliseconds since 1970 below this are no times of ours: 2001. */
#define TIME_MIN_MS UINT64_C(1000000000000)

/* In the order of the script's answer. */
enum {
    ENTRIES,
    LAG,
    MORE,
    WAITING,
    PENDING,
    OLDEST,
    DELIVERIES,
    CONSUMERS,
    DEAD_LETTERS,
    LAST,
    TIME,
    PARTS
};

/* ---- the answer ----------------------------------------------------------------------------- */

static bool copy_id(char to[static VOUCH_STREAM_ID_MAX], const vouch_reply *from)
{
    vouch_string text = vouch_reply_string(from);
    if (!text.data || text.size >= VOUCH_STREAM_ID_MAX)
        return false;
    memcpy(to, text.data, text.size);
    to[text.size] = 0;
    return true;
}

static int64_t age_of(const char *id, uint64_t now)
{
    struct stream_id at;
    if (!stream_id_read((vouch_string){id, strlen(id)}, &at) || at.ms < TIME_MIN_MS)
        return -1;
    return at.ms < now ? (int64_t)(now - at.ms) : 0;
}

static bool read_numbers(const vouch_reply *r, vouch_group_status *out)
{
    const struct {
        int at;
        int64_t *to;
    } numbers[] = {
        {ENTRIES, &out->entries},     {LAG, &out->lag},
        {PENDING, &out->pending},     {DELIVERIES, &out->deliveries},
        {CONSUMERS, &out->consumers}, {DEAD_LETTERS, &out->dead_letters},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (!vouch_reply_int64(vouch_reply_at(r, (size_t)numbers[i].at), numbers[i].to))
            return false;
    return true;
}

static bool read_status(const vouch_reply *r, vouch_group_status *out)
{
    int64_t more = 0;
    uint64_t now = 0;
    vouch_string time = vouch_reply_string(vouch_reply_at(r, TIME));
    if (vouch_reply_count(r) != PARTS || !read_numbers(r, out) ||
        !vouch_reply_int64(vouch_reply_at(r, MORE), &more) ||
        !copy_id(out->waiting, vouch_reply_at(r, WAITING)) ||
        !copy_id(out->oldest_pending, vouch_reply_at(r, OLDEST)) ||
        !copy_id(out->last, vouch_reply_at(r, LAST)) ||
        !number_parse_u64(time.data, time.size, &now))
        return false;
    out->lag_at_least = more != 0;
    out->waiting_ms = age_of(out->waiting, now);
    out->oldest_pending_ms = age_of(out->oldest_pending, now);
    return true;
}

/* ---- the call ------------------------------------------------------------------------------- */

static vouch_status no_group(const char *stream, const char *group, vouch_error *error)
{
    (void)error_set(error, VOUCH_ESERVER, VOUCH_CAUSE_REFUSED, "%s has no group %s", stream, group);
    if (error)
        memcpy(error->code, "NOGROUP", sizeof "NOGROUP");
    return VOUCH_ESERVER;
}

static vouch_status ask(vouch_client *client, const vouch_script *script, vouch_args keys,
                        const char *stream, const char *group, vouch_group_status *out,
                        vouch_error *error)
{
    vouch_call *call = NULL;
    const vouch_arg args[] = {vouch_text(group), vouch_int(VOUCH_GROUP_COUNT_MAX)};
    vouch_status status =
        vouch_script_call(client, script, keys, vouch_args_of(args, 2), NULL, &call, error);
    const vouch_reply *r = vouch_call_reply(call);
    if (!status && vouch_reply_type(r) == VOUCH_TYPE_ARRAY && !vouch_reply_count(r))
        status = no_group(stream, group, error);
    else if (!status && !read_status(r, out))
        status = error_set(error, VOUCH_ESERVER, VOUCH_CAUSE_PROTOCOL,
                           "stream/status: not an answer of ours");
    vouch_call_free(call);
    return status;
}

static vouch_status check(const char *stream, const char *group, const char *dead_letter,
                          vouch_error *error)
{
    size_t size = 0, dead_size = 0;
    vouch_status status = entry_name(stream, 0, VOUCH_STREAM_NAME_MAX, "stream", &size, error);
    if (!status)
        status = entry_name(group, 0, VOUCH_STREAM_NAME_MAX, "group", &dead_size, error);
    if (!status && dead_letter)
        status =
            entry_name(dead_letter, 0, VOUCH_STREAM_NAME_MAX, "dead_letter", &dead_size, error);
    if (!status && dead_letter && slot_of(stream, size) != slot_of(dead_letter, dead_size))
        status = error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                           "%s and %s are not in one slot; give both the same hash tag", stream,
                           dead_letter);
    return status;
}

vouch_status vouch_group_status_read(vouch_client *client, const char *stream, const char *group,
                                     const char *dead_letter, vouch_group_status *out,
                                     vouch_error *error)
{
    vouch_script_options o = VOUCH_SCRIPT_OPTIONS_INIT;
    vouch_script *script = NULL;
    error_clear(error);
    if (!out || out->size != sizeof *out)
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                         "out is NULL, or out->size not set by VOUCH_GROUP_STATUS_INIT");
    vouch_status status = check(stream, group, dead_letter, error);
    if (status)
        return status;
    o.name = "stream/status";
    status = vouch_script_new(lua_status, sizeof lua_status, &o, &script, error);
    if (status)
        return status;
    vouch_group_status found = VOUCH_GROUP_STATUS_INIT;
    const vouch_arg keys[] = {vouch_text(stream), vouch_text(dead_letter ? dead_letter : "")};
    status =
        ask(client, script, vouch_args_of(keys, dead_letter ? 2 : 1), stream, group, &found, error);
    if (status == VOUCH_OK)
        *out = found;
    vouch_script_free(script);
    return status;
}
