/* vouch/group.h: how a consumer group is doing, whoever its consumers are: for monitoring, alarms, autoscaling. */
#ifndef VOUCH_GROUP_H
#define VOUCH_GROUP_H

#include <vouch/client.h>

VOUCH_BEGIN

/* What is not delivered yet is counted up to here, where the server does not say how much it is. */
#define VOUCH_GROUP_COUNT_MAX 1000

#define VOUCH_STREAM_ID_MAX 42 /* bytes of an id as text, with its NUL */

/* A group at one moment. Begin with VOUCH_GROUP_STATUS_INIT. Ages are by the server's clock, and say something only if
 * ids are times, as those are which the server gives: of others they are -1. */
typedef struct vouch_group_status {
    uint32_t size;         /* set by the initialiser */
    uint32_t lag_at_least; /* 1: lag was counted, and there is more: VOUCH_GROUP_COUNT_MAX */
    int64_t entries;       /* that the stream holds */
    int64_t
        lag; /* not delivered to the group yet. From XINFO GROUPS; counted where that says nil, which
                                   it does once entries behind the last that was delivered were deleted */
    int64_t waiting_ms;        /* how long ago the first of these was added; -1: there is none */
    int64_t pending;           /* delivered, not acknowledged */
    int64_t oldest_pending_ms; /* how long ago the first of these was added; -1: there is none */
    int64_t deliveries;        /* … and how often it was delivered; 0: there is none */
    int64_t consumers;         /* that the group knows */
    int64_t dead_letters;      /* entries of the dead letters; -1: none were named */
    char last[VOUCH_STREAM_ID_MAX];           /* id that was delivered last, "0-0": none */
    char oldest_pending[VOUCH_STREAM_ID_MAX]; /* "": there is none */
    char waiting[VOUCH_STREAM_ID_MAX];        /* first that was not delivered; "": there is none */
} vouch_group_status;

/* Nothing yet. */
#define VOUCH_GROUP_STATUS_INIT                                                                    \
    {                                                                                              \
        sizeof(vouch_group_status), 0, 0, 0, 0, 0, 0, 0, 0, 0, "", "", ""                          \
    }

/* Asks the server, in one script that writes nothing. Blocks deadline_ms of the client at most. `dead_letter` may be
 * NULL: the key of the dead letters, in the stream's slot.
 *   VOUCH_OK        *out is filled in
 *   VOUCH_EINVAL    an argument is NULL or empty, out->size is not set, or the keys do not share a slot
 *   VOUCH_ELIMIT    a name is longer than VOUCH_STREAM_NAME_MAX
 *   VOUCH_ESERVER   the server refused: error->code "NOGROUP": there is no such stream, or it has no such group;
 *                   "WRONGTYPE": it is no stream
 *   VOUCH_ENOTSENT, VOUCH_EUNKNOWN, VOUCH_EINTERRUPTED   no answer; asking again is safe
 *   VOUCH_ENOMEM, VOUCH_EBUSY, VOUCH_EFORKED
 * Nothing of it changes anything. Source: XINFO GROUPS, XPENDING, XLEN, XRANGE. */
VOUCH_API VOUCH_MUST vouch_status vouch_group_status_read(vouch_client *client, const char *stream,
                                                          const char *group,
                                                          const char *dead_letter,
                                                          vouch_group_status *out,
                                                          vouch_error *error);

VOUCH_END
#endif
