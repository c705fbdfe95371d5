/* What is to be kept of a stream, checked and in a command's words; names and ids. Pure. */
#include "base/error.h"
#include "base/number.h"
#include "stream/producer.h"

#include <string.h>

static vouch_status wrong(vouch_error *e, const char *what)
{
    return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "%s", what);
}

bool entry_is_id(const char *text)
{
    uint64_t n;
    const char *dash = strchr(text, '-');
    size_t ms = dash ? (size_t)(dash - text) : strlen(text);
    return number_parse_u64(text, ms, &n) &&
           (!dash || number_parse_u64(dash + 1, strlen(dash + 1), &n));
}

vouch_status entry_name(const char *name, size_t size, size_t most, const char *what, size_t *out,
                        vouch_error *error)
{
    *out = 0;
    if (!name)
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "the %s is NULL", what);
    size = size ? size : strlen(name);
    if (!size)
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "the %s has no name", what);
    if (size > most)
        return error_set(error, VOUCH_ELIMIT, VOUCH_CAUSE_LIMIT,
                         "the %s has a name of more than %zu bytes", what, most);
    *out = size;
    return VOUCH_OK;
}

/* Of those that exclude each other. */
static vouch_status check_bounds(const vouch_retention *k, vouch_error *e)
{
    if (k->max_len && k->min_id)
        return wrong(e, "keep: max_len and min_id are both set: one of them");
    if (k->max_len && k->max_age_ms)
        return wrong(e, "keep: max_len and max_age_ms are both set: one of them");
    if (k->min_id && k->max_age_ms)
        return wrong(e, "keep: min_id and max_age_ms are both set: one of them");
    if (k->max_len < VOUCH_KEEP_NONE)
        return wrong(e, "keep.max_len: negative, and not VOUCH_KEEP_NONE");
    if (k->min_id && !entry_is_id(k->min_id))
        return wrong(e, "keep.min_id: no id of an entry, such as 1700000000000-0");
    if (k->max_age_ms < 0)
        return wrong(e, "keep.max_age_ms: negative");
    if (k->max_age_ms > VOUCH_RETENTION_MAX_MS)
        return error_set(e, VOUCH_ELIMIT, VOUCH_CAUSE_LIMIT,
                         "keep.max_age_ms: more than VOUCH_RETENTION_MAX_MS");
    return VOUCH_OK;
}

static vouch_status check(const vouch_retention *k, vouch_error *e)
{
    bool bounded = k->max_len || k->min_id || k->max_age_ms;
    vouch_status status = check_bounds(k, e);
    if (status)
        return status;
    if (k->reserved)
        return wrong(e, "keep.reserved: begin with VOUCH_RETENTION_INIT");
    if (k->exact && !bounded)
        return wrong(e, "keep.exact: without max_len, min_id or max_age_ms");
    if (k->limit && !bounded)
        return wrong(e, "keep.limit: without max_len, min_id or max_age_ms");
    if (k->limit && k->exact)
        return wrong(e,
                     "keep.limit and keep.exact are both set: a limit needs the approximate way");
    if (k->limit < VOUCH_NO_TRIM_LIMIT)
        return wrong(e, "keep.limit: negative, and not VOUCH_NO_TRIM_LIMIT");
    return VOUCH_OK;
}

vouch_status retention_words(const vouch_retention *k, struct retention_words *out,
                             vouch_error *error)
{
    vouch_status status = check(k, error);
    out->n = 0;
    if (status || (!k->max_len && !k->min_id && !k->max_age_ms))
        return status;
    out->v[out->n++] = vouch_text(k->max_len ? "MAXLEN" : "MINID");
    out->v[out->n++] = vouch_text(k->exact ? "=" : "~");
    if (k->max_len)
        out->v[out->n++] = vouch_int(k->max_len == VOUCH_KEEP_NONE ? 0 : k->max_len);
    else
        out->v[out->n++] = vouch_text(k->min_id ? k->min_id : "");
    if (k->limit) {
        out->v[out->n++] = vouch_text("LIMIT");
        out->v[out->n++] = vouch_int(k->limit == VOUCH_NO_TRIM_LIMIT ? 0 : k->limit);
    }
    return VOUCH_OK;
}
