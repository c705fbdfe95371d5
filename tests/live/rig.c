/* What the live tests share. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTLE_MS 20000

struct rig rig_start(ts_server_kind kind, ts_persistence persistence)
{
    ts_server_options so = {.kind = kind, .persistence = persistence};
    struct rig rig = {.server = ts_server_start(&so)};
    ck_assert_msg(rig.server != NULL, "the server does not start");
    ts_proxy_options po = {.transport = TS_UNIX, .upstream = ts_server_address(rig.server)};
    rig.proxy = ts_proxy_start(&po);
    return rig;
}

void rig_stop(struct rig *rig)
{
    ts_proxy_free(rig->proxy);
    ts_server_free(rig->server);
}

vouch_client *rig_client(const struct rig *rig, uint32_t protocol, uint32_t window)
{
    char url[TS_URL_MAX];
    vouch_client *client = NULL;
    vouch_error e;
    vouch_client_options o = VOUCH_CLIENT_OPTIONS_INIT;
    o.lazy = 1;
    o.protocol = protocol;
    o.window_commands = window;
    o.retry_min_ms = 1;
    o.retry_max_ms = 2;
    o.deadline_ms = 20000;
    vouch_status status =
        vouch_client_open(ts_proxy_url(rig->proxy, url, sizeof url), &o, &client, &e);
    ck_assert_msg(status == VOUCH_OK, "%s", e.message);
    return client;
}

int rig_next_connection(const struct rig *rig)
{
    return ts_proxy_count(rig->proxy, TS_EVERY).connections;
}

void rig_settle(const struct rig *rig)
{
    ck_assert(ts_server_wait_clients(rig->server, 0, ts_deadline(SETTLE_MS)));
}

void rig_flush(const struct rig *rig)
{
    ts_do(rig->server, "FLUSHALL", NULL);
}

vouch_batch *rig_counters(size_t n)
{
    vouch_batch *b = vouch_batch_new();
    char key[32];
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(key, sizeof key, "c%zu", i);
        ck_assert_uint_eq(vouch_batch_add(b, "INCR", key), i);
    }
    return b;
}

static bool fits(vouch_effect effect, int64_t held)
{
    switch (effect) {
    case VOUCH_APPLIED:
        return held == 1;
    case VOUCH_NOT_APPLIED:
        return held == 0;
    case VOUCH_MAYBE_APPLIED:
        return held == 0 || held == 1;
    case VOUCH_PARTLY_APPLIED:
    case VOUCH_EFFECT_LAST_:
        break;
    }
    return false;
}

void rig_compare(const struct rig *rig, const vouch_results *results, struct rig_tally *tally,
                 const char *what, long long n)
{
    ts_conn *truth = ts_truth_open(rig->server);
    ck_assert_ptr_nonnull(truth);
    for (size_t i = 0; i < vouch_results_count(results); i++) {
        char key[32];
        (void)snprintf(key, sizeof key, "c%zu", i);
        ts_reply *reply = ts_conn_command(truth, "GET", key, NULL);
        ck_assert_msg(reply->type == TS_REPLY_TEXT || reply->type == TS_REPLY_NIL,
                      "the truth cannot be asked");
        int64_t held = reply->type == TS_REPLY_NIL ? 0 : strtoll(reply->text, NULL, 10);
        ts_reply_free(reply);
        const vouch_result *r = vouch_results_at(results, i);
        ck_assert_msg(fits(r->effect, held), "%s, %lld: command %zu is said to be %s, and is %lld",
                      what, n, i, vouch_effect_name(r->effect), (long long)held);
    }
    ts_conn_close(truth);
    vouch_totals t = vouch_results_totals(results);
    tally->cases++;
    tally->applied += t.applied;
    tally->not_applied += t.not_applied;
    tally->maybe += t.maybe;
}

int rig_main(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
