/* vouch/hiredis.h: a reply as hiredis would have given it, for code that already takes one.
 *
 * The only header of vouch that includes hiredis, and everything in it is inline: it is compiled
 * against the hiredis the program itself uses, so its layout of redisReply and its allocator are
 * the right ones, whichever version that is. libvouch contains no hiredis.
 */
#ifndef VOUCH_HIREDIS_H
#define VOUCH_HIREDIS_H

#include <hiredis/hiredis.h>
#if !defined(HIREDIS_MAJOR) || HIREDIS_MAJOR < 1
#error "vouch/hiredis.h needs hiredis 1.0 or later"
#endif
#include <hiredis/alloc.h>
#include <string.h>
#include <vouch/reply.h>

static inline int vouch_hiredis_type_(vouch_type type)
{
    switch (type) {
    case VOUCH_TYPE_STRING:
        return REDIS_REPLY_STRING;
    case VOUCH_TYPE_STATUS:
        return REDIS_REPLY_STATUS;
    case VOUCH_TYPE_ERROR:
        return REDIS_REPLY_ERROR;
    case VOUCH_TYPE_INTEGER:
        return REDIS_REPLY_INTEGER;
    case VOUCH_TYPE_DOUBLE:
        return REDIS_REPLY_DOUBLE;
    case VOUCH_TYPE_BOOL:
        return REDIS_REPLY_BOOL;
    case VOUCH_TYPE_BIGNUM:
        return REDIS_REPLY_BIGNUM;
    case VOUCH_TYPE_VERBATIM:
        return REDIS_REPLY_VERB;
    case VOUCH_TYPE_ARRAY:
        return REDIS_REPLY_ARRAY;
    case VOUCH_TYPE_MAP:
        return REDIS_REPLY_MAP;
    case VOUCH_TYPE_SET:
        return REDIS_REPLY_SET;
    case VOUCH_TYPE_NONE:
    case VOUCH_TYPE_NIL:
    case VOUCH_TYPE_LAST_:
        break;
    }
    return REDIS_REPLY_NIL;
}

/* A copy of `reply` and all below it; the caller's, to be released with freeReplyObject. NULL when
 * memory is short or `reply` is NULL. The format of a verbatim string is always "txt". */
static inline redisReply *vouch_reply_to_hiredis(const vouch_reply *reply)
{
    redisReply *r;
    vouch_string text = vouch_reply_string(reply);
    size_t n = vouch_reply_count(reply);
    bool yes = false;
    int64_t number = 0;
    if (!reply)
        return NULL;
    r = (redisReply *)hi_calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->type = vouch_hiredis_type_(vouch_reply_type(reply));
    if (r->type == REDIS_REPLY_INTEGER && vouch_reply_int64(reply, &number))
        r->integer = (long long)number;
    if (r->type == REDIS_REPLY_BOOL && vouch_reply_bool(reply, &yes))
        r->integer = yes;
    if (r->type == REDIS_REPLY_DOUBLE)
        (void)vouch_reply_double(reply, &r->dval);
    if (r->type == REDIS_REPLY_VERB)
        memcpy(r->vtype, "txt", 4);
    if (text.data) {
        r->str = (char *)hi_malloc(text.size + 1);
        if (!r->str)
            goto no_memory;
        memcpy(r->str, text.data, text.size + 1);
        r->len = text.size;
    }
    if (n) {
        r->element = (redisReply **)hi_calloc(n, sizeof(redisReply *));
        if (!r->element)
            goto no_memory;
        for (; r->elements < n; r->elements++)
            if (!(r->element[r->elements] =
                      vouch_reply_to_hiredis(vouch_reply_at(reply, r->elements))))
                goto no_memory;
    }
    return r;
no_memory:
    freeReplyObject(r);
    return NULL;
}

#endif
