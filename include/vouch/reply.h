/* vouch/reply.h: what the server answered, read the same way in RESP2 and RESP3.
 *
 * A reply is borrowed from what it came in (the results of a pipeline, the call of a sink) and
 * lives as long as that. Every getter takes NULL and answers "absent"; a getter that returns false
 * leaves *out untouched.
 */
#ifndef VOUCH_REPLY_H
#define VOUCH_REPLY_H

#include <vouch/common.h>

VOUCH_BEGIN

/* One reply, or an element of one. */
typedef struct vouch_reply vouch_reply;

/* size bytes, which may contain any byte; data[size] is 0. Absent: data NULL and size 0. */
typedef struct vouch_string {
    const char *data; /* borrowed as the reply is */
    size_t size;      /* without the final 0 */
} vouch_string;

/* What came on the wire. Most callers want the getters, which hide the protocol's version. */
typedef enum vouch_type {
    VOUCH_TYPE_NONE = 0, /* no reply: NULL */
    VOUCH_TYPE_NIL,      /* RESP3 _, RESP2 $-1 and *-1 */
    VOUCH_TYPE_STRING,   /* $ */
    VOUCH_TYPE_STATUS,   /* + */
    VOUCH_TYPE_ERROR,    /* - and ! */
    VOUCH_TYPE_INTEGER,  /* : */
    VOUCH_TYPE_DOUBLE,   /* , */
    VOUCH_TYPE_BOOL,     /* # */
    VOUCH_TYPE_BIGNUM,   /* ( */
    VOUCH_TYPE_VERBATIM, /* =, without its three-letter format */
    VOUCH_TYPE_ARRAY,    /* * */
    VOUCH_TYPE_MAP,      /* %, as key, value, key, value … */
    VOUCH_TYPE_SET,      /* ~ */
    VOUCH_TYPE_LAST_ = 0x7fffffff
} vouch_type;

/* VOUCH_TYPE_NONE for NULL. */
VOUCH_API vouch_type vouch_reply_type(const vouch_reply *reply);
/* True for nil, false for everything else and for NULL. */
VOUCH_API bool vouch_reply_is_nil(const vouch_reply *reply);
/* True for an error reply; its text by vouch_reply_string. */
VOUCH_API bool vouch_reply_is_error(const vouch_reply *reply);

/* An integer, or text that is one in full ("-12"): GET of a counter and INCR read alike. */
VOUCH_API bool vouch_reply_int64(const vouch_reply *reply, int64_t *out);
/* A RESP3 double, an integer, or text that is a number in full; "inf", "-inf" and "nan" too. */
VOUCH_API bool vouch_reply_double(const vouch_reply *reply, double *out);
/* A RESP3 boolean, or the integers 0 and 1 by which RESP2 says it. */
VOUCH_API bool vouch_reply_bool(const vouch_reply *reply, bool *out);
/* The text of a string, status, error, verbatim string, big number or double; else absent. */
VOUCH_API vouch_string vouch_reply_string(const vouch_reply *reply);

/* Elements of an array, map (keys and values counted each) or set; else 0. */
VOUCH_API size_t vouch_reply_count(const vouch_reply *reply);
/* Element i, or NULL beyond the end. */
VOUCH_API const vouch_reply *vouch_reply_at(const vouch_reply *reply, size_t i);

/* Maps: a RESP3 map, a flat array of key, value … (RESP2), or an array whose every element is an
 * array of two (RESP3 WITHSCORES, XRANGE). How many pairs, 0 if the reply is none of these. */
VOUCH_API size_t vouch_reply_pairs(const vouch_reply *reply);
/* Pair i; false beyond the end. Either out-parameter may be NULL. */
VOUCH_API bool vouch_reply_pair(const vouch_reply *reply, size_t i, const vouch_reply **key,
                                const vouch_reply **value);
/* The value of the first pair whose key is this text, or NULL. Linear. */
VOUCH_API const vouch_reply *vouch_reply_get(const vouch_reply *reply, const char *key);

VOUCH_END
#endif
