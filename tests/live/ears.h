/* Those whom a collector tells: one for each command, which writes down what it hears. */
#ifndef LIVE_EARS_H
#define LIVE_EARS_H

#include "rig.h"

struct ears;

struct ear {
    struct ears *all;
    unsigned calls;
    vouch_result result; /* its reply is gone */
    bool replied;
    int64_t number; /* of an integer reply, else INT64_MIN */
    int64_t server_us;
    size_t place; /* how many were told before it */
};

struct ears {
    struct ear *v;
    size_t n, heard;
    void (*then)(struct ear *ear); /* called last by each; or NULL */
    vouch_collector *collector;    /* for it */
};

struct ears ears_new(size_t n);
void ears_free(struct ears *ears);

/* The callback; `user` is an ear. */
void ears_hear(const vouch_result *result, int64_t server_us, void *user);
/* Adds an INCR of counter i (rig_key), told to ear i; must succeed. */
void ears_add(struct ears *ears, vouch_collector *c, size_t i);
/* The same for the ears from … to - 1. */
void ears_add_many(struct ears *ears, vouch_collector *c, size_t from, size_t to);

/* Fails unless each was told once, in the order of the adds, and its counter is what it was told:
 * APPLIED 1, NOT_APPLIED 0, MAYBE_APPLIED 0 or 1. */
void ears_compare(struct rig *rig, const struct ears *ears, struct rig_tally *tally,
                  const char *what, long long n);
/* Fails unless the ears from … to - 1 were told this effect. */
void ears_expect(const struct ears *ears, size_t from, size_t to, vouch_effect effect,
                 vouch_cause cause);

vouch_collector *ears_open(vouch_client *client, const vouch_collector_options *options);
/* One turn of a loop in which the collector has its part: waits until somebody has to do something. */
void ears_turn(vouch_client *client, vouch_collector *c);
/* Turns until so many were heard. */
void ears_wait(const struct ears *ears, vouch_client *client, vouch_collector *c, size_t heard);

#endif
