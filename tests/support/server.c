/* The life of a server under test: start, end, stand still, start again.
 *
 * Invariants:
 * 1. pid > 0 exactly while there is a child that was started and not reaped.
 * 2. A server counts as ready only when the process that answers is that child: on a shared
 *    machine another server may have taken the port.
 * 3. The folder lives from start to free; restart finds there what the last life left. */
#include "server.h"

#include "base.h"
#include "children.h"
#include "clock.h"
#include "server_config.h"
#include "temp.h"
#include "truth.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PORT_TRIES = 20, PATH_SIZE = 4096, FILE_SIZE = TS_TEMP_MAX + 32, PAUSE_MS = 5000 };

struct ts_server {
    char folder[TS_TEMP_MAX];
    char program[PATH_SIZE];
    ts_transport transport;
    bool tls;
    int port;
    pid_t pid;   /* 0 while it does not run */
    pid_t owner; /* the process that started it */
    int64_t ready_ms;
};

static void file_name(const ts_server *server, const char *name, char path[FILE_SIZE])
{
    snprintf(path, FILE_SIZE, "%s/%s", server->folder, name);
}

static void must_own(const ts_server *server)
{
    if (server->owner != getpid())
        ts_die("a server can be started or ended only by the process that made it");
}

static void spawn(ts_server *server)
{
    char config[FILE_SIZE], log[FILE_SIZE];
    file_name(server, "server.conf", config);
    file_name(server, "server.log", log);
    char *arguments[] = {server->program, config, NULL};
    server->pid = ts_child_exec(arguments, log);
}

static bool reap_if_dead(ts_server *server)
{
    if (server->pid > 0 && !ts_child_wait(server->pid, 0, NULL))
        return false;
    server->pid = 0;
    return true;
}

const char *ts_server_log_tail(const ts_server *server, char *text, size_t size)
{
    char path[FILE_SIZE];
    file_name(server, "server.log", path);
    text[0] = 0;
    FILE *file = fopen(path, "re");
    if (!file)
        return text;
    if (fseek(file, -(long)(size - 1), SEEK_END) != 0)
        rewind(file);
    text[fread(text, 1, size - 1, file)] = 0;
    fclose(file);
    return text;
}

static bool answers(const ts_server *server)
{
    ts_reply *reply = ts_command(server, "PING", NULL);
    bool ready = reply->type == TS_REPLY_STATUS && strcmp(reply->text, "PONG") == 0;
    ts_reply_free(reply);
    return ready;
}

/* A wrapper script that runs the server as its child would leave it behind when killed. */
static void check_process(const ts_server *server)
{
    char *text = ts_info(server, "server", "process_id");
    if (text && strtol(text, NULL, 10) != (long)server->pid)
        ts_die("%s must become the server (exec), not start it: process %s answers, not %d",
               server->program, text, (int)server->pid);
    free(text);
}

bool ts_server_wait_ready(ts_server *server, int64_t deadline)
{
    must_own(server);
    char socket_path[FILE_SIZE];
    file_name(server, "s", socket_path);
    do {
        if (reap_if_dead(server))
            return false;
        if (access(socket_path, F_OK) == 0 && answers(server)) {
            check_process(server);
            return true;
        }
    } while (ts_look_again(deadline));
    return false;
}

static void write_config(const ts_server *server, const ts_server_options *options)
{
    char path[FILE_SIZE];
    file_name(server, "server.conf", path);
    int primary = options->replica_of ? options->replica_of->port : 0;
    char *text = ts_server_config_text(options, server->folder, server->port, primary);
    FILE *file = fopen(path, "we");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0)
        ts_die("cannot write %s: %s", path, strerror(errno));
    free(text);
}

static bool lost_port_race(const ts_server *server)
{
    char log[4096];
    ts_server_log_tail(server, log, sizeof log);
    return strstr(log, "Address already in use") != NULL;
}

static bool start_on_free_port(ts_server *server, const ts_server_options *options)
{
    for (int i = 0; i < PORT_TRIES; i++) {
        server->port = server->transport == TS_UNIX ? 0 : ts_free_port();
        write_config(server, options);
        spawn(server);
        if (ts_server_wait_ready(server, ts_deadline(server->ready_ms)))
            return true;
        if (server->pid > 0 || server->port == 0 || !lost_port_race(server))
            return false;
        char log[FILE_SIZE];
        file_name(server, "server.log", log);
        unlink(log);
    }
    return false;
}

static void complain(const ts_server *server, const char *what)
{
    char log[1536];
    ts_note("%s %s; the end of its log:\n%s", server->program, what,
            ts_server_log_tail(server, log, sizeof log));
}

static bool find_program(ts_server *server, const ts_server_options *options)
{
    size_t size = sizeof server->program;
    if (options->program) {
        if ((size_t)snprintf(server->program, size, "%s", options->program) < size &&
            access(server->program, X_OK) == 0)
            return true;
        ts_note("there is no server %s", options->program);
        return false;
    }
    bool redis = options->kind == TS_REDIS;
    if (ts_server_program(options->kind, server->program, size))
        return true;
    ts_note("there is no %s server here: run scripts/setup, or name one in %s",
            redis ? "redis" : "valkey", redis ? "VOUCH_REDIS_SERVER" : "VOUCH_VALKEY_SERVER");
    return false;
}

ts_server *ts_server_start(const ts_server_options *options)
{
    static const ts_server_options defaults = {0};
    if (!options)
        options = &defaults;
    if (options->replica_of && options->replica_of->transport == TS_UNIX)
        ts_die("a replica needs a primary on TCP");
    if (options->replica_of && (options->tls || options->replica_of->tls))
        ts_die("no replication here over TLS");
    if (options->tls && options->transport == TS_UNIX)
        ts_die("a server with TLS is on TCP");
    ts_server *server = ts_alloc(sizeof *server);
    if (!find_program(server, options)) {
        free(server);
        return NULL;
    }
    server->transport = options->transport;
    server->tls = options->tls != NULL;
    server->owner = getpid();
    server->ready_ms = options->ready_ms ? options->ready_ms : TS_SERVER_READY_MS;
    ts_temp_make(server->folder);
    bool ready = start_on_free_port(server, options);
    if (ready && options->replica_of)
        ready = ts_server_wait_linked(server, ts_deadline(server->ready_ms));
    if (ready)
        return server;
    complain(server, "did not become ready");
    ts_server_free(server);
    return NULL;
}

void ts_server_free(ts_server *server)
{
    if (!server)
        return;
    if (server->owner == getpid()) {
        ts_server_kill(server);
        ts_temp_remove(server->folder);
    }
    free(server);
}

bool ts_server_stop(ts_server *server)
{
    must_own(server);
    if (server->pid <= 0)
        return true;
    kill(server->pid, SIGTERM);
    kill(server->pid, SIGCONT); /* a paused one hears SIGTERM only when it runs again */
    if (ts_child_wait(server->pid, ts_deadline(TS_SERVER_STOP_MS), NULL)) {
        server->pid = 0;
        return true;
    }
    complain(server, "did not stop");
    ts_server_kill(server);
    return false;
}

void ts_server_kill(ts_server *server)
{
    must_own(server);
    if (server->pid > 0)
        ts_child_kill(server->pid);
    server->pid = 0;
}

bool ts_server_pause(ts_server *server)
{
    return server->pid > 0 && ts_process_pause(server->pid, ts_deadline(PAUSE_MS));
}

bool ts_server_resume(ts_server *server)
{
    return server->pid > 0 && ts_process_resume(server->pid, ts_deadline(PAUSE_MS));
}

bool ts_server_start_again_async(ts_server *server)
{
    must_own(server);
    if (!reap_if_dead(server))
        return false;
    /* A killed server leaves its socket: without it, readiness cannot be mistaken. */
    char socket_path[FILE_SIZE];
    file_name(server, "s", socket_path);
    unlink(socket_path);
    spawn(server);
    return true;
}

bool ts_server_restart(ts_server *server)
{
    ts_server_stop(server);
    int64_t deadline = ts_deadline(server->ready_ms);
    do {
        if (!ts_server_start_again_async(server))
            return false;
        if (ts_server_wait_ready(server, deadline))
            return true;
        /* The port may be somebody's outgoing connection for a moment: the same one again. */
    } while (server->pid == 0 && server->port != 0 && lost_port_race(server) &&
             ts_look_again(deadline));
    complain(server, "did not start again");
    return false;
}

static bool info_is(const ts_server *server, const char *section, const char *field,
                    const char *wanted)
{
    char *value = ts_info(server, section, field);
    bool same = value && strcmp(value, wanted) == 0;
    free(value);
    return same;
}

bool ts_server_wait_linked(ts_server *server, int64_t deadline)
{
    while (!info_is(server, "replication", "master_link_status", "up") ||
           !info_is(server, "replication", "master_sync_in_progress", "0"))
        if (!ts_look_again(deadline))
            return false;
    return true;
}

bool ts_server_wait_clients(ts_server *server, int64_t clients, int64_t deadline)
{
    char wanted[32];
    snprintf(wanted, sizeof wanted, "%lld", (long long)clients + 1);
    while (!info_is(server, "clients", "connected_clients", wanted))
        if (!ts_look_again(deadline))
            return false;
    return true;
}

pid_t ts_server_pid(const ts_server *server)
{
    return server->pid > 0 ? server->pid : -1;
}

ts_address ts_server_address(const ts_server *server)
{
    if (server->transport == TS_UNIX)
        return ts_server_truth_address(server);
    return (ts_address){.transport = server->transport, .port = server->port};
}

ts_address ts_server_truth_address(const ts_server *server)
{
    return ts_address_new(TS_UNIX, server->folder, "s");
}

const char *ts_server_url(const ts_server *server, char *url, size_t size)
{
    ts_address address = ts_server_address(server);
    return server->tls ? ts_address_url_tls(&address, url, size)
                       : ts_address_url(&address, url, size);
}

const char *ts_server_folder(const ts_server *server)
{
    return server->folder;
}
