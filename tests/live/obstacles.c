#include "obstacles.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static ts_server *server;
static ts_conn *holder; /* on which runs what holds the server */

void obstacles_options(ts_server_options *o)
{
    static const char *const config[] = {"save 3600 1000000", "key-load-delay 10000",
                                         "loading-process-events-interval-bytes 1024",
                                         "rdbcompression no", NULL};
    (void)signal(SIGXFSZ, SIG_IGN); /* the server inherits it */
    o->config = config;
}

void obstacles_on(ts_server *s)
{
    server = s;
}

void obstacle_end(void)
{
    ts_conn_close(holder);
    holder = NULL;
}

static void set(const char *name, const char *value)
{
    ts_do(server, "CONFIG", "SET", name, value, NULL);
}

void obstacle_wait_busy(bool busy)
{
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    for (bool is = !busy; is != busy;) {
        ck_assert(ts_look_again(limit));
        ts_reply *reply = ts_command(server, "GET", "x", NULL);
        is = reply->type == TS_REPLY_ERROR;
        ts_reply_free(reply);
    }
}

void obstacle_hold(const char *command, const char *what)
{
    size_t size;
    set("busy-reply-threshold", "1");
    char *bytes = ts_encode(&size, command, what, "0", NULL);
    holder = ts_truth_open(server);
    ck_assert(ts_conn_send(holder, bytes, size, ts_deadline(RIG_PATIENCE_MS)));
    free(bytes);
    obstacle_wait_busy(true);
}

static void let_go(const char *command)
{
    ts_reply_free(ts_command(server, command, "KILL", NULL));
    obstacle_wait_busy(false);
    obstacle_end();
}

static void wait_for(const char *section, const char *field, const char *value)
{
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    for (bool is = false; !is;) {
        ck_assert(ts_look_again(limit));
        char *now = ts_info(server, section, field);
        is = now && strcmp(now, value) == 0;
        free(now);
    }
}

static void oom(bool begin)
{
    set("maxmemory", begin ? "1" : "0");
}

static void noreplicas(bool begin)
{
    set("min-replicas-to-write", begin ? "1" : "0");
}

static void readonly(bool begin)
{
    ts_do(server, "REPLICAOF", begin ? "127.0.0.1" : "NO", begin ? "1" : "ONE", NULL);
}

void obstacle_masterdown(bool begin)
{
    set("replica-serve-stale-data", begin ? "no" : "yes");
    readonly(begin);
}

static void misconf(bool begin)
{
    char path[256];
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    (void)snprintf(path, sizeof path, "%s/dump.rdb", ts_server_folder(server));
    if (begin)
        (void)unlink(path); /* of an earlier time */
    ck_assert_int_eq(begin ? mkdir(path, 0700) : rmdir(path), 0);
    ts_do(server, "BGSAVE", NULL);
    for (bool is = false; !is;) {
        ck_assert(ts_look_again(limit));
        char *now = ts_info(server, "persistence", "rdb_bgsave_in_progress");
        char *last = ts_info(server, "persistence", "rdb_last_bgsave_status");
        is = now && last && strcmp(now, "0") == 0 && strcmp(last, begin ? "err" : "ok") == 0;
        free(now);
        free(last);
    }
}

/* No file may grow any more: what is written while it is so cannot be appended. */
static void unwritable(bool begin)
{
    const rlim_t most = begin ? 1 : RLIM_INFINITY;
    const struct rlimit limit = {.rlim_cur = most, .rlim_max = RLIM_INFINITY};
    if (begin)
        set("appendonly", "yes");
    wait_for("persistence", "aof_rewrite_in_progress", "0");
    ck_assert_int_eq(prlimit(ts_server_pid(server), RLIMIT_FSIZE, &limit, NULL), 0);
    if (begin)
        ts_do(server, "SET", "appended", "not", NULL);
    wait_for("persistence", "aof_last_write_status", begin ? "err" : "ok");
    if (!begin)
        set("appendonly", "no");
}

void obstacle_busy_script(bool begin)
{
    if (begin)
        obstacle_hold("EVAL", "while true do end");
    else
        let_go("SCRIPT");
}

void obstacle_busy_function(bool begin)
{
    if (!begin) {
        let_go("FUNCTION");
        return;
    }
    ts_do(server, "FUNCTION", "LOAD", "REPLACE",
          "#!lua name=l\nredis.register_function('loop', function() while true do end end)", NULL);
    obstacle_hold("FCALL", "loop");
}

/* A thousand keys, ten milliseconds each: it loads until it is told not to be so slow. */
void obstacle_loading(bool begin)
{
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    if (!begin) {
        set("key-load-delay", "0");
        ck_assert(ts_server_wait_ready(server, limit));
        return;
    }
    ts_do(server, "EVAL", "for i=1,1000 do redis.call('SET', 'k'..i, string.rep('x', 500)) end",
          "0", NULL);
    ts_do(server, "SAVE", NULL);
    ts_server_kill(server);
    ck_assert(ts_server_start_again_async(server));
    for (bool loads = false; !loads;) {
        ck_assert(ts_look_again(limit));
        char *now = ts_info(server, "persistence", "loading");
        loads = now && strcmp(now, "1") == 0;
        free(now);
    }
}

const struct obstacle obstacles[] = {
    {"OOM", oom, false},
    {"NOREPLICAS", noreplicas, false},
    {"READONLY", readonly, false},
    {"MASTERDOWN", obstacle_masterdown, true},
    {"MISCONF", misconf, false},
    {"MISCONF", unwritable, false},
    {"BUSY", obstacle_busy_script, true},
    {"BUSY", obstacle_busy_function, true},
    {"LOADING", obstacle_loading, true},
};

_Static_assert(sizeof obstacles / sizeof *obstacles == OBSTACLES, "all of them");
