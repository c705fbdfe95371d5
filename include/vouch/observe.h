/* vouch/observe.h: what a client does: events as they happen. */
#ifndef VOUCH_OBSERVE_H
#define VOUCH_OBSERVE_H

#include <vouch/error.h>

VOUCH_BEGIN

typedef struct vouch_event vouch_event;

/* `event` is borrowed for the call. */
typedef void (*vouch_event_hook)(const vouch_event *event, void *user);

VOUCH_END
#endif
