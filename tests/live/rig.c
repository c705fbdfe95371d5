/* What the live tests share. */
#include "rig.h"
#include "suite.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- server, proxy, client ------------------------------------------------------------------ */

struct rig rig_start_with(const ts_server_options *so)
{
    struct rig rig = {.server = ts_server_start(so)};
    ck_assert_msg(rig.server != NULL, "the server does not start");
    ts_proxy_options po = {.transport = so->transport, .upstream = ts_server_address(rig.server)};
    rig.proxy = ts_proxy_start(&po);
    return rig;
}

struct rig rig_start(ts_server_kind kind, ts_persistence persistence)
{
    ts_server_options so = {.kind = kind, .persistence = persistence};
    return rig_start_with(&so);
}

struct rig rig_start_tcp(ts_server_kind kind)
{
    ts_server_options so = {.kind = kind, .transport = TS_TCP};
    return rig_start_with(&so);
}

static ts_server_tls tls_of(const ts_certs *certs)
{
    return (ts_server_tls){ts_cert_file(certs, TS_CERT_SERVER),
                           ts_cert_key_file(certs, TS_CERT_SERVER),
                           ts_cert_file(certs, TS_CERT_AUTHORITY), TS_CLIENTS_ANONYMOUS, NULL};
}

static void start_tls_proxy(struct rig *rig, ts_address upstream)
{
    ts_proxy_options po = {.transport = TS_TCP,
                           .upstream = upstream,
                           .tls = true,
                           .record = true,
                           .receive_buffer = RIG_RECEIVE_BUFFER};
    rig->proxy = ts_proxy_start(&po);
}

struct rig rig_start_tls(ts_server_kind kind, int version)
{
    struct rig rig = {.certs = ts_certs_make()};
    ts_server_tls tls = tls_of(rig.certs);
    ts_server_options so = {.kind = kind, .transport = TS_TCP, .tls = &tls};
    tls.protocols = version == 12 ? "TLSv1.2" : "TLSv1.3";
    rig.server = ts_server_start(&so);
    ck_assert_msg(rig.server != NULL, "the server does not start");
    start_tls_proxy(&rig, ts_server_address(rig.server));
    return rig;
}

struct rig rig_start_tls_peer(ts_server_kind kind, int version)
{
    struct rig rig = {.certs = ts_certs_make()};
    ts_server_options so = {.kind = kind};
    rig.server = ts_server_start(&so);
    ck_assert_msg(rig.server != NULL, "the server does not start");
    ts_tls_peer_options to = {.transport = TS_TCP,
                              .upstream = ts_server_address(rig.server),
                              .tls = tls_of(rig.certs),
                              .lowest = version,
                              .highest = version};
    rig.peer = ts_tls_peer_start(&to);
    start_tls_proxy(&rig, ts_tls_peer_address(rig.peer));
    return rig;
}

void rig_stop(struct rig *rig)
{
    ts_conn_close(rig->truth);
    ts_proxy_free(rig->proxy);
    ts_tls_peer_free(rig->peer);
    ts_server_free(rig->server);
    ts_certs_free(rig->certs);
    memset(rig, 0, sizeof *rig);
}

vouch_client_options rig_options(uint32_t protocol, uint32_t window)
{
    vouch_client_options o = VOUCH_CLIENT_OPTIONS_INIT;
    o.lazy = 1;
    o.protocol = protocol;
    o.window_commands = window;
    o.retry_min_ms = 1;
    o.retry_max_ms = 2;
    o.deadline_ms = RIG_PATIENCE_MS;
    return o;
}

vouch_client *rig_open(const struct rig *rig, const vouch_client_options *options)
{
    char url[TS_URL_MAX];
    vouch_client_options own = *options;
    vouch_client *client = NULL;
    vouch_error e;
    if (rig->certs && !own.tls_ca_file)
        own.tls_ca_file = ts_cert_file(rig->certs, TS_CERT_AUTHORITY);
    vouch_status status =
        vouch_client_open(ts_proxy_url(rig->proxy, url, sizeof url), &own, &client, &e);
    ck_assert_msg(status == VOUCH_OK, "%s", e.message);
    return client;
}

vouch_client *rig_client(const struct rig *rig, uint32_t protocol, uint32_t window)
{
    vouch_client_options o = rig_options(protocol, window);
    return rig_open(rig, &o);
}

void rig_turn(vouch_client *client, int64_t most_ms)
{
    struct pollfd fds[VOUCH_CLIENT_MAX_CONNECTIONS + 1];
    int64_t timeout;
    size_t n = vouch_client_watch(client, fds, sizeof fds / sizeof *fds, &timeout);
    int ready = poll(fds, n, (int)(timeout < 0 || timeout > most_ms ? most_ms : timeout));
    vouch_client_ready(client, fds, ready > 0 ? n : 0);
}

void rig_push(vouch_client *client)
{
    const struct pollfd nothing = {.fd = -1};
    vouch_client_ready(client, &nothing, 1);
}

void rig_drive(vouch_client *client, const vouch_op *op)
{
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    while (!vouch_op_done(op)) {
        ck_assert_msg(!ts_passed(limit), "an operation does not end");
        rig_turn(client, 100);
    }
}

int rig_next_connection(const struct rig *rig)
{
    return ts_proxy_count(rig->proxy, TS_EVERY).connections;
}

/* ---- what is said -------------------------------------------------------------------------- */

int64_t rig_connection_id(vouch_client *client)
{
    vouch_results *results = NULL;
    vouch_error e;
    int64_t id = 0;
    vouch_batch *b = vouch_batch_new();
    vouch_batch_add(b, "CLIENT", "ID");
    ck_assert_msg(!vouch_pipeline_run(client, b, NULL, &results, &e), "%s", e.message);
    ck_assert(vouch_reply_int64(vouch_results_at(results, 0)->reply, &id));
    vouch_results_free(results);
    vouch_batch_free(b);
    return id;
}

void rig_expect(const vouch_results *results, size_t n, vouch_effect first, vouch_effect rest,
                vouch_cause cause)
{
    for (size_t i = 0; i < vouch_results_count(results); i++) {
        const vouch_result *r = vouch_results_at(results, i);
        vouch_effect effect = i < n ? first : rest;
        ck_assert_msg(r->effect == effect, "command %zu is said to be %s", i,
                      vouch_effect_name(r->effect));
        ck_assert_int_eq(r->cause, effect == VOUCH_APPLIED ? VOUCH_CAUSE_NONE : cause);
        ck_assert((r->reply != NULL) == (effect == VOUCH_APPLIED));
    }
}

/* ---- the truth ------------------------------------------------------------------------------ */

static void close_truth(struct rig *rig)
{
    ts_conn_close(rig->truth);
    rig->truth = NULL;
}

ts_reply *rig_ask(struct rig *rig, size_t count, const char *const *words)
{
    for (int tries = 2;; tries--) {
        if (!rig->truth)
            rig->truth = ts_truth_open(rig->server);
        ck_assert_ptr_nonnull(rig->truth);
        ts_reply *reply = ts_conn_command_words(rig->truth, count, words, NULL);
        if (reply->type != TS_REPLY_LOST || tries == 0)
            return reply;
        ts_reply_free(reply); /* the server was restarted since */
        close_truth(rig);
    }
}

void rig_settle(struct rig *rig)
{
    close_truth(rig);
    ck_assert(ts_server_wait_clients(rig->server, 0, ts_deadline(RIG_PATIENCE_MS)));
}

void rig_flush(struct rig *rig)
{
    static const char *const words[] = {"FLUSHALL"};
    ts_reply *reply = rig_ask(rig, 1, words);
    ck_assert_int_eq(reply->type, TS_REPLY_STATUS);
    ts_reply_free(reply);
}

/* ---- counters ------------------------------------------------------------------------------- */

const char *rig_key(size_t i, char key[static RIG_KEY_MAX])
{
    (void)snprintf(key, RIG_KEY_MAX, "c%04zu", i);
    return key;
}

vouch_batch *rig_counters(size_t n)
{
    vouch_batch *b = vouch_batch_new();
    char key[RIG_KEY_MAX];
    for (size_t i = 0; i < n; i++)
        ck_assert_uint_eq(vouch_batch_add(b, "INCR", rig_key(i, key)), i);
    return b;
}

int64_t *rig_held(struct rig *rig, size_t n)
{
    char(*keys)[RIG_KEY_MAX] = calloc(n, sizeof *keys);
    const char **words = calloc(n + 1, sizeof *words);
    int64_t *held = calloc(n, sizeof *held);
    ck_assert(keys && words && held);
    words[0] = "MGET";
    for (size_t i = 0; i < n; i++)
        words[i + 1] = rig_key(i, keys[i]);
    ts_reply *reply = rig_ask(rig, n + 1, words);
    ck_assert_msg(reply->type == TS_REPLY_ARRAY && reply->count == n, "the truth cannot be asked");
    for (size_t i = 0; i < n; i++)
        if (reply->elements[i]->type == TS_REPLY_TEXT)
            held[i] = strtoll(reply->elements[i]->text, NULL, 10);
    ts_reply_free(reply);
    free(words);
    free(keys);
    return held;
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

void rig_count(struct rig_tally *tally, const vouch_results *results)
{
    vouch_totals t = vouch_results_totals(results);
    tally->cases++;
    tally->applied += t.applied;
    tally->not_applied += t.not_applied;
    tally->maybe += t.maybe;
}

void rig_compare(struct rig *rig, const vouch_results *results, struct rig_tally *tally,
                 const char *what, long long n)
{
    size_t count = vouch_results_count(results);
    int64_t *held = rig_held(rig, count);
    for (size_t i = 0; i < count; i++) {
        const vouch_result *r = vouch_results_at(results, i);
        ck_assert_msg(fits(r->effect, held[i]),
                      "%s, %lld: command %zu is said to be %s, and is %lld", what, n, i,
                      vouch_effect_name(r->effect), (long long)held[i]);
    }
    free(held);
    rig_count(tally, results);
}

void rig_print(struct rig_tally *tally, const char *what)
{
    printf("%lu %s: %lu effects APPLIED, %lu NOT_APPLIED, %lu MAYBE_APPLIED\n", tally->cases, what,
           tally->applied, tally->not_applied, tally->maybe);
    memset(tally, 0, sizeof *tally);
}

int rig_main(Suite *suite)
{
    return suite_run(suite, CK_NOFORK);
}
