/* Servers in a state in which they do not do what they are asked: full, loading, unable to save, a node
 * of a cluster. What the caller is told, and that it goes on by itself once the state has passed. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COMMANDS 5

static ts_server_kind kind_of(int i)
{
    return i ? TS_VALKEY : TS_REDIS;
}

static vouch_client *client_of(const ts_server *server, uint32_t outages)
{
    char url[TS_URL_MAX];
    vouch_client_options o = rig_options(3, 0);
    vouch_client *client = NULL;
    vouch_error e;
    o.outages = outages;
    ck_assert_msg(!vouch_client_open(ts_server_url(server, url, sizeof url), &o, &client, &e), "%s",
                  e.message);
    return client;
}

/* Runs counters, of which none is executed; the error says so in the server's words, and where there is
 * something to add, in ours. */
static void run_refused(const ts_server *server, const char *code, const char *words)
{
    vouch_client *client = client_of(server, 2);
    vouch_results *results = NULL;
    vouch_error e;
    vouch_batch *b = rig_counters(COMMANDS);
    vouch_status status = vouch_pipeline_run(client, b, NULL, &results, &e);
    ck_assert_msg(status == VOUCH_EPARTIAL, "%s: %s", vouch_status_name(status), e.message);
    ck_assert_int_eq(e.effect, VOUCH_NOT_APPLIED);
    ck_assert_int_eq(e.cause, VOUCH_CAUSE_REFUSED);
    ck_assert_uint_eq(e.command, 0);
    ck_assert_uint_eq(e.retriable, 1);
    ck_assert_str_eq(e.code, code);
    ck_assert_msg(strstr(e.message, "command 0 (INCR): ") == e.message, "%s", e.message);
    ck_assert_msg(strstr(e.message, words), "%s", e.message);
    for (size_t i = 0; i < COMMANDS; i++) {
        const vouch_result *r = vouch_results_at(results, i);
        ck_assert_int_eq(r->status, VOUCH_ESERVER);
        ck_assert_int_eq(r->effect, VOUCH_NOT_APPLIED);
    }
    vouch_results_free(results);
    vouch_batch_free(b);
    vouch_client_close(client);
}

/* A call that meets the state and outlasts it. */
struct patient {
    vouch_client *client;
    vouch_batch *b;
    vouch_op *op;
};

static struct patient begin_to_wait(const ts_server *server)
{
    struct patient p = {client_of(server, 1000000), rig_counters(COMMANDS), NULL};
    vouch_error e;
    ck_assert_int_eq(vouch_pipeline_start(p.client, p.b, NULL, &p.op, &e), VOUCH_OK);
    for (int i = 0; i < 20; i++)
        rig_turn(p.client, 5);
    ck_assert(!vouch_op_done(p.op));
    return p;
}

/* Executed once each, now that it is possible; returns the most attempts that one has needed. */
static unsigned end_of_waiting(struct patient *p, ts_server *server)
{
    vouch_results *results = NULL;
    vouch_error e;
    unsigned attempts = 0;
    ck_assert_msg(!vouch_pipeline_finish(p->op, &results, &e), "%s", e.message);
    for (size_t i = 0; i < COMMANDS; i++) {
        char key[RIG_KEY_MAX];
        ck_assert_int_eq(ts_int(server, "GET", rig_key(i, key), NULL), 1);
        if (vouch_results_at(results, i)->attempts > attempts)
            attempts = vouch_results_at(results, i)->attempts;
    }
    vouch_results_free(results);
    vouch_batch_free(p->b);
    vouch_client_close(p->client);
    return attempts;
}

/* ---- LOADING -------------------------------------------------------------------------------- */

/* A thousand keys, ten milliseconds each: it loads until it is told not to be so slow. */
START_TEST(a_server_that_loads_is_waited_for)
{
    static const char *const config[] = {"key-load-delay 10000",
                                         "loading-process-events-interval-bytes 1024",
                                         "rdbcompression no", NULL};
    ts_server_options so = {.kind = kind_of(_i), .config = config};
    ts_server *server = ts_server_start(&so);
    ck_assert_ptr_nonnull(server);
    ts_do(server, "EVAL", "for i=1,1000 do redis.call('SET', 'k'..i, string.rep('x', 500)) end",
          "0", NULL);
    ts_do(server, "SAVE", NULL);
    ts_server_kill(server);
    ck_assert(ts_server_start_again_async(server));
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    for (bool loads = false; !loads;) {
        ck_assert(ts_look_again(limit));
        char *loading = ts_info(server, "persistence", "loading");
        loads = loading && strcmp(loading, "1") == 0;
        free(loading);
    }
    run_refused(server, "LOADING", "is loading the dataset in memory");
    struct patient p = begin_to_wait(server);
    ts_do(server, "CONFIG", "SET", "key-load-delay", "0", NULL);
    ck_assert_uint_gt(end_of_waiting(&p, server), 1);
    ts_server_free(server);
}
END_TEST

/* ---- MISCONF -------------------------------------------------------------------------------- */

static void save(ts_server *server, const char *status)
{
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    ts_do(server, "BGSAVE", NULL);
    for (bool is = false; !is;) {
        ck_assert(ts_look_again(limit));
        char *now = ts_info(server, "persistence", "rdb_bgsave_in_progress");
        char *last = ts_info(server, "persistence", "rdb_last_bgsave_status");
        is = now && last && strcmp(now, "0") == 0 && strcmp(last, status) == 0;
        free(now);
        free(last);
    }
}

/* Where the snapshot should go there is a folder. */
START_TEST(a_server_that_cannot_save_is_waited_for)
{
    static const char *const config[] = {"save 3600 1000000", NULL};
    ts_server_options so = {.kind = kind_of(_i), .config = config};
    ts_server *server = ts_server_start(&so);
    char path[256];
    ck_assert_ptr_nonnull(server);
    (void)snprintf(path, sizeof path, "%s/dump.rdb", ts_server_folder(server));
    ck_assert_int_eq(mkdir(path, 0700), 0);
    save(server, "err");
    run_refused(server, "MISCONF", "configured to save RDB snapshots");
    struct patient p = begin_to_wait(server);
    ck_assert_int_eq(rmdir(path), 0);
    save(server, "ok");
    ck_assert_uint_gt(end_of_waiting(&p, server), 1);
    ts_server_free(server);
}
END_TEST

/* ---- a cluster's nodes ---------------------------------------------------------------------- */

static ts_server *start_node(ts_server_kind kind, char port[static 16])
{
    char line[48];
    const char *const config[] = {"cluster-enabled yes", line, NULL};
    (void)snprintf(port, 16, "%d", ts_free_port());
    (void)snprintf(line, sizeof line, "cluster-port %s", port);
    ts_server_options so = {.kind = kind, .transport = TS_TCP, .config = config};
    ts_server *server = ts_server_start(&so);
    ck_assert_ptr_nonnull(server);
    return server;
}

static void wait_for_cluster(const ts_server *server)
{
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    for (bool ok = false; !ok;) {
        ck_assert(ts_look_again(limit));
        char *info = ts_text(server, "CLUSTER", "INFO", NULL);
        ok = strstr(info, "cluster_state:ok") != NULL;
        free(info);
    }
}

START_TEST(a_clusters_node_says_that_it_is_one)
{
    char bus[2][16], port[16], url[TS_URL_MAX], other[TS_URL_MAX + 8];
    ts_server *empty = start_node(kind_of(_i), bus[0]), *full = start_node(kind_of(_i), bus[1]);
    vouch_client *client = NULL;
    vouch_error e;
    run_refused(empty, "CLUSTERDOWN", "Hash slot not served");
    (void)snprintf(other, sizeof other, "%s/3", ts_server_url(empty, url, sizeof url));
    ck_assert_int_eq(vouch_client_open(other, NULL, &client, &e), VOUCH_ECONNECT);
    ck_assert_int_eq(e.cause, VOUCH_CAUSE_HANDSHAKE);
    /* "SELECT is not allowed in cluster mode"; from Valkey 9 on a cluster may have databases: "DB index
     * is out of range". */
    ck_assert_msg(strstr(e.message, "the database cannot be used, SELECT was refused: ERR "), "%s",
                  e.message);
    ts_do(full, "CLUSTER", "ADDSLOTSRANGE", "0", "16383", NULL);
    (void)snprintf(port, sizeof port, "%d", ts_server_address(full).port);
    ts_do(empty, "CLUSTER", "MEET", "127.0.0.1", port, bus[1], NULL);
    wait_for_cluster(empty);
    run_refused(empty, "MOVED", "(a cluster: the key is on another of its nodes)");
    ts_server_free(full);
    ts_server_free(empty);
}
END_TEST

/* ---- full ----------------------------------------------------------------------------------- */

START_TEST(a_full_server_says_so)
{
    ts_server_options so = {.kind = kind_of(_i % 2), .transport = _i < 2 ? TS_UNIX : TS_TCP};
    ts_server *server = ts_server_start(&so);
    ck_assert_ptr_nonnull(server);
    ts_address truth = ts_server_truth_address(server);
    ts_do(server, "CONFIG", "SET", "maxclients", "1", NULL);
    ck_assert(ts_server_wait_clients(server, 0, ts_deadline(RIG_PATIENCE_MS)));
    ts_conn *other = ts_conn_open(&truth, ts_deadline(RIG_PATIENCE_MS));
    ts_reply_free(ts_conn_command(other, "PING", NULL)); /* it is there, and the only one */
    for (int i = 0; i < 20; i++) {
        char url[TS_URL_MAX];
        vouch_client *client = NULL;
        vouch_error e;
        ck_assert_int_eq(
            vouch_client_open(ts_server_url(server, url, sizeof url), NULL, &client, &e),
            VOUCH_ECONNECT);
        ck_assert_int_eq(e.cause, VOUCH_CAUSE_CONNECT);
        ck_assert_msg(strstr(e.message, "the server has no room for another client: ERR max"), "%s",
                      e.message);
    }
    ts_conn_close(other);
    ts_server_free(server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("states");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, a_server_that_loads_is_waited_for, 0, 2);
    tcase_add_loop_test(c, a_server_that_cannot_save_is_waited_for, 0, 2);
    tcase_add_loop_test(c, a_clusters_node_says_that_it_is_one, 0, 2);
    tcase_add_loop_test(c, a_full_server_says_so, 0, 4);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
