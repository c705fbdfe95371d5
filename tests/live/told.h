/* What a client's hook was told, in order; and short forms of calls whose outcome is known. */
#ifndef LIVE_TOLD_H
#define LIVE_TOLD_H

#include "rig.h"

struct told {
    vouch_event_kind kind;
    vouch_cause cause;
    uint64_t commands;
    int64_t wait_ms;
    char server[128], code[VOUCH_CODE_MAX], message[VOUCH_MESSAGE_MAX];
};

/* A hook that keeps what it is told. */
void told_take(const vouch_event *e, void *user);
/* rig_options with that hook; what was told before is forgotten. */
vouch_client_options told_options(uint32_t window);
/* The next event in order; the test fails if it is of another kind, cause or count, or there is
 * none. */
const struct told *told_next(vouch_event_kind kind, vouch_cause cause, uint64_t commands);
/* The test fails if there is another. */
void told_no_more(void);
/* How many there were; whether any has this text in it. */
size_t told_count(void);
bool told_mentions(const char *text);

/* The counters, after checks of what always holds of them. */
vouch_stats told_stats(const vouch_client *client);
/* Round trips in its histogram. */
uint64_t told_answered(const vouch_stats *n);

/* Pipelines that must end with this status; the totals of their results. */
vouch_totals told_run(vouch_client *client, vouch_batch *b, const vouch_pipeline_options *o,
                      vouch_status want);
vouch_op *told_start(vouch_client *client, vouch_batch *b, const vouch_pipeline_options *o);
vouch_totals told_finish(vouch_op *op, vouch_status want);

#endif
