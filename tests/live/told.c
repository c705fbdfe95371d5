/* What the hook was told. */
#include "told.h"

#include <stdio.h>
#include <string.h>

#define TOLD_MAX 64

static struct {
    struct told v[TOLD_MAX];
    size_t n, checked;
} told;

void told_take(const vouch_event *e, void *user)
{
    (void)user;
    ck_assert_uint_eq(e->size, sizeof *e);
    ck_assert_uint_lt(told.n, TOLD_MAX);
    struct told *t = &told.v[told.n++];
    *t = (struct told){e->kind, e->cause, e->commands, e->wait_ms, "", "", ""};
    (void)snprintf(t->server, sizeof t->server, "%s", e->server);
    (void)snprintf(t->code, sizeof t->code, "%s", e->code);
    (void)snprintf(t->message, sizeof t->message, "%s", e->message);
}

const struct told *told_next(vouch_event_kind kind, vouch_cause cause, uint64_t commands)
{
    ck_assert_msg(told.checked < told.n, "no event, but %s was to come", vouch_event_name(kind));
    const struct told *t = &told.v[told.checked++];
    ck_assert_msg(t->kind == kind && t->cause == cause && t->commands == commands,
                  "%s, cause %d, %llu commands (%s) in place of %s, cause %d, %llu",
                  vouch_event_name(t->kind), (int)t->cause, (unsigned long long)t->commands,
                  t->message, vouch_event_name(kind), (int)cause, (unsigned long long)commands);
    return t;
}

void told_no_more(void)
{
    ck_assert_msg(told.checked == told.n, "%s was told, and nothing was to come",
                  vouch_event_name(told.v[told.checked].kind));
}

vouch_client_options told_options(uint32_t window)
{
    vouch_client_options o = rig_options(3, window);
    memset(&told, 0, sizeof told);
    o.on_event = told_take;
    return o;
}

vouch_stats told_stats(const vouch_client *client)
{
    vouch_stats n = VOUCH_STATS_INIT;
    ck_assert_int_eq(vouch_client_stats(client, &n), VOUCH_OK);
    ck_assert_uint_eq(n.commands, n.applied + n.not_applied + n.maybe);
    ck_assert_uint_eq(n.connects, n.connections + n.lost + n.lost_idle + n.given_up);
    return n;
}

vouch_totals told_run(vouch_client *client, vouch_batch *b, const vouch_pipeline_options *o,
                      vouch_status want)
{
    vouch_results *results = NULL;
    vouch_error e;
    vouch_status status = vouch_pipeline_run(client, b, o, &results, &e);
    ck_assert_msg(status == want, "%s: %s", vouch_status_name(status), e.message);
    vouch_totals t = vouch_results_totals(results);
    vouch_results_free(results);
    return t;
}

vouch_op *told_start(vouch_client *client, vouch_batch *b, const vouch_pipeline_options *o)
{
    vouch_op *op = NULL;
    vouch_error e;
    ck_assert_msg(!vouch_pipeline_start(client, b, o, &op, &e), "%s", e.message);
    return op;
}

vouch_totals told_finish(vouch_op *op, vouch_status want)
{
    vouch_results *results = NULL;
    vouch_error e;
    vouch_status status = vouch_pipeline_finish(op, &results, &e);
    ck_assert_msg(status == want, "%s: %s", vouch_status_name(status), e.message);
    vouch_totals t = vouch_results_totals(results);
    vouch_results_free(results);
    return t;
}

uint64_t told_answered(const vouch_stats *n)
{
    uint64_t all = 0;
    for (size_t i = 0; i < VOUCH_LATENCY_BUCKETS; i++)
        all += n->latency[i];
    return all;
}

size_t told_count(void)
{
    return told.n;
}

bool told_mentions(const char *text)
{
    for (size_t i = 0; i < told.n; i++)
        if (strstr(told.v[i].message, text) || strstr(told.v[i].server, text) ||
            strstr(told.v[i].code, text))
            return true;
    return false;
}
