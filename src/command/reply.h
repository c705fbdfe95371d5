/* command/reply.h: the node a reply is made of.
 *
 * 16 bytes, in an arena. The elements of an aggregate are contiguous nodes, so that a reply of n
 * elements costs one allocation a level and no pointers in between. */
#ifndef COMMAND_REPLY_H
#define COMMAND_REPLY_H

#include <stdint.h>
#include <vouch/reply.h>

struct vouch_reply {
    uint8_t type; /* enum vouch_type */
    uint8_t reserved[3];
    uint32_t n; /* bytes of text, or elements (a map's keys and values counted each) */
    union {
        int64_t integer;  /* INTEGER, BOOL */
        const char *text; /* STRING, STATUS, ERROR, DOUBLE, BIGNUM, VERBATIM: NUL-terminated */
        const struct vouch_reply *elements; /* ARRAY, MAP, SET */
    } as;
};

#endif
