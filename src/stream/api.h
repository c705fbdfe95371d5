/* stream/api.h: a consumer with its client, for the files with public calls. */
#ifndef STREAM_API_H
#define STREAM_API_H

#include "client/driver.h"
#include "stream/consumer.h"

#include <stdatomic.h>

/* A consumer is present among its client's operations. While it waits that one is in progress,
 * so that the driver wakes in time, and hears of an interrupt; else it is done, and does
 * nothing. */
struct handle {
    struct vouch_consumer consumer; /* first */
    struct vouch_op presence;
    atomic_int stop;
    bool interrupted;
};

/* VOUCH_OK if this process may use it now. */
vouch_status handle_usable(struct handle *h, vouch_error *error);
/* Does what is due, and tells of it. */
void handle_step(struct handle *h);
/* The time at which a call with this timeout ends. */
int64_t handle_end(int64_t timeout_ms);
/* end_api.c: frees it; what is under way ends, and is not heard of. */
void handle_drop(struct handle *h);
/* What was started goes out. False: nothing was. */
bool handle_push(struct handle *h);
/* Lets bytes move until something happens, or this time comes. */
void handle_wait(struct handle *h, int64_t time);
/* EINTERRUPTED if it was stopped, or the client interrupted; the latter once. */
vouch_status handle_stopped(struct handle *h, vouch_error *error);
/* Its trouble, told once, unless it has failed. */
vouch_status handle_error(struct handle *h, vouch_error *error);

static inline struct handle *handle_of(vouch_consumer *c)
{
    return (struct handle *)c;
}

#endif
