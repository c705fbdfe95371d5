/* The typed getters: the same answer whether the server spoke RESP2 or RESP3. Pure. */
#include "command/reply.h"

#include "base/number.h"

#include <string.h>

static bool is_text(const vouch_reply *r)
{
    switch ((vouch_type)r->type) {
    case VOUCH_TYPE_STRING:
    case VOUCH_TYPE_STATUS:
    case VOUCH_TYPE_ERROR:
    case VOUCH_TYPE_DOUBLE:
    case VOUCH_TYPE_BIGNUM:
    case VOUCH_TYPE_VERBATIM:
        return true;
    case VOUCH_TYPE_NONE:
    case VOUCH_TYPE_NIL:
    case VOUCH_TYPE_INTEGER:
    case VOUCH_TYPE_BOOL:
    case VOUCH_TYPE_ARRAY:
    case VOUCH_TYPE_MAP:
    case VOUCH_TYPE_SET:
    case VOUCH_TYPE_LAST_:
        break;
    }
    return false;
}

static bool is_aggregate(const vouch_reply *r)
{
    return r->type == VOUCH_TYPE_ARRAY || r->type == VOUCH_TYPE_MAP || r->type == VOUCH_TYPE_SET;
}

vouch_type vouch_reply_type(const vouch_reply *r)
{
    return r ? (vouch_type)r->type : VOUCH_TYPE_NONE;
}

bool vouch_reply_is_nil(const vouch_reply *r)
{
    return r && r->type == VOUCH_TYPE_NIL;
}

bool vouch_reply_is_error(const vouch_reply *r)
{
    return r && r->type == VOUCH_TYPE_ERROR;
}

bool vouch_reply_int64(const vouch_reply *r, int64_t *out)
{
    if (!r)
        return false;
    if (r->type == VOUCH_TYPE_INTEGER) {
        *out = r->as.integer;
        return true;
    }
    if (!is_text(r) || r->type == VOUCH_TYPE_ERROR)
        return false;
    return number_parse_i64(r->as.text, r->n, out);
}

bool vouch_reply_double(const vouch_reply *r, double *out)
{
    if (!r)
        return false;
    if (r->type == VOUCH_TYPE_INTEGER) {
        *out = (double)r->as.integer;
        return true;
    }
    if (!is_text(r) || r->type == VOUCH_TYPE_ERROR)
        return false;
    return number_parse_double(r->as.text, r->n, out);
}

bool vouch_reply_bool(const vouch_reply *r, bool *out)
{
    if (!r || (r->type != VOUCH_TYPE_BOOL && r->type != VOUCH_TYPE_INTEGER))
        return false;
    if (r->as.integer != 0 && r->as.integer != 1)
        return false;
    *out = r->as.integer == 1;
    return true;
}

vouch_string vouch_reply_string(const vouch_reply *r)
{
    if (!r || !is_text(r))
        return (vouch_string){NULL, 0};
    return (vouch_string){r->as.text, r->n};
}

size_t vouch_reply_count(const vouch_reply *r)
{
    return r && is_aggregate(r) ? r->n : 0;
}

const vouch_reply *vouch_reply_at(const vouch_reply *r, size_t i)
{
    return i < vouch_reply_count(r) ? &r->as.elements[i] : NULL;
}

/* An array of pairs, as RESP3 answers WITHSCORES and both answer XRANGE. */
static bool is_nested_pairs(const vouch_reply *r)
{
    if (r->type != VOUCH_TYPE_ARRAY || r->n == 0)
        return false;
    for (uint32_t i = 0; i < r->n; i++)
        if (r->as.elements[i].type != VOUCH_TYPE_ARRAY || r->as.elements[i].n != 2)
            return false;
    return true;
}

size_t vouch_reply_pairs(const vouch_reply *r)
{
    if (!r || !is_aggregate(r) || r->type == VOUCH_TYPE_SET)
        return 0;
    if (is_nested_pairs(r))
        return r->n;
    return r->n % 2 == 0 ? r->n / 2 : 0;
}

static const vouch_reply *pair_at(const vouch_reply *r, bool nested, size_t i)
{
    return nested ? r->as.elements[i].as.elements : &r->as.elements[2 * i];
}

bool vouch_reply_pair(const vouch_reply *r, size_t i, const vouch_reply **key,
                      const vouch_reply **value)
{
    if (i >= vouch_reply_pairs(r))
        return false;
    const vouch_reply *pair = pair_at(r, is_nested_pairs(r), i);
    if (key)
        *key = &pair[0];
    if (value)
        *value = &pair[1];
    return true;
}

const vouch_reply *vouch_reply_get(const vouch_reply *r, const char *key)
{
    size_t pairs = vouch_reply_pairs(r);
    if (!pairs || !key)
        return NULL;
    bool nested = is_nested_pairs(r);
    size_t n = strlen(key);
    for (size_t i = 0; i < pairs; i++) {
        const vouch_reply *pair = pair_at(r, nested, i);
        if (is_text(pair) && pair->n == n && memcmp(pair->as.text, key, n) == 0)
            return &pair[1];
    }
    return NULL;
}
