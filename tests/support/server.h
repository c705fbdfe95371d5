#ifndef TS_SERVER_H
#define TS_SERVER_H

#include "address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Real servers, each in a temporary folder of its own, for one test program.
 *
 * A server is killed by the kernel when the thread that started it ends (children.h): start it
 * from the test's main thread. A handle belongs to the process that started the server; a forked
 * child may use it for addresses, truth commands, pause and resume, and no more.
 *
 * Every server, TCP or not, also listens on a Unix socket in its folder, and has a user of the
 * harness' own, so that the truth can be asked whatever a test does to ports and users. */

typedef enum ts_server_kind { TS_REDIS, TS_VALKEY } ts_server_kind;

typedef enum ts_persistence {
    TS_NO_PERSISTENCE,
    TS_AOF_ALWAYS,  /* what was answered survives SIGKILL */
    TS_AOF_EVERYSEC /* what was answered in the last second may not survive the machine */
} ts_persistence;

typedef struct ts_server ts_server;

/* Whom a server with TLS asks for a certificate. */
typedef enum ts_tls_clients {
    TS_CLIENTS_ANONYMOUS, /* nobody */
    TS_CLIENTS_OPTIONAL,  /* all, and does without, but not with a wrong one */
    TS_CLIENTS_VERIFIED   /* all; without there is no connection */
} ts_tls_clients;

/* TLS on a server's port instead of plain TCP; its Unix socket stays plain. */
typedef struct ts_server_tls {
    const char *cert_file, *key_file, *ca_file; /* PEM; see certs.h */
    ts_tls_clients clients;
    const char *protocols; /* such as "TLSv1.2"; NULL: 1.2 and 1.3 */
} ts_server_tls;

/* Zero means the default: redis, Unix socket, no persistence, nobody needs a password. */
typedef struct ts_server_options {
    ts_server_kind kind;
    const char *program;    /* this one instead, such as another version's; NULL: by kind */
    ts_transport transport; /* TS_TCP listens on 127.0.0.1 and, where there is one, ::1 */
    ts_persistence persistence;
    const ts_server_tls *tls;  /* with TS_TCP or TS_TCP6; NULL: no TLS */
    const char *password;      /* of the default user */
    const char *const *users;  /* ACL users, NULL at the end: "ann on >secret ~* +@all" */
    const char *const *config; /* further lines of the configuration, NULL at the end */
    const ts_server
        *replica_of;  /* must be on TCP, both without TLS; start returns once the link is up */
    int64_t ready_ms; /* how long it may take to be ready; 0: TS_SERVER_READY_MS */
} ts_server_options;

enum { TS_SERVER_READY_MS = 20000, TS_SERVER_STOP_MS = 10000 };

/* The program of that kind: $VOUCH_REDIS_SERVER, else redis-server on PATH; or
 * $VOUCH_VALKEY_SERVER, else valkey-server on PATH, else .deps/servers/valkey-8.0/server below
 * $VOUCH_SOURCE_DIR or the source tree this was compiled in. False when there is none: a test that
 * needs it must then fail, not skip. */
bool ts_server_program(ts_server_kind kind, char *path, size_t size);
bool ts_server_available(ts_server_kind kind);

/* Starts a server and waits until it answers PING. NULL, after a note with the end of its log,
 * when it does not. Options may be NULL; nothing of them is kept. */
ts_server *ts_server_start(const ts_server_options *options);
/* Kills the server if it runs and removes its folder. NULL is allowed. In a forked child it only
 * frees the memory. */
void ts_server_free(ts_server *server);

/* Ends it in an orderly way (SIGTERM, no snapshot) and waits; false if it had to be killed. */
bool ts_server_stop(ts_server *server);
/* SIGKILL, and waits until it is gone. */
void ts_server_kill(ts_server *server);
/* SIGSTOP and SIGCONT; return once the process really stands, or runs. */
bool ts_server_pause(ts_server *server);
bool ts_server_resume(ts_server *server);
/* Starts it again after stop or kill: same folder, data, port and socket. Restart ends it first
 * if it runs, and waits until it is ready. */
bool ts_server_restart(ts_server *server);
/* The same without waiting; then ts_server_wait_ready. */
bool ts_server_start_again_async(ts_server *server);
/* Waits for PING to be answered by this very process; false at the deadline or when it died. */
bool ts_server_wait_ready(ts_server *server, int64_t deadline);
/* Waits until a replica's link to its primary is up and synchronised. */
bool ts_server_wait_linked(ts_server *server, int64_t deadline);
/* Waits until the server has this many clients besides the one that asks: with 0, whatever
 * reached the server from connections closed by now has been run, and the truth is stable.
 * (On a replica the link to its primary counts as one.) */
bool ts_server_wait_clients(ts_server *server, int64_t clients, int64_t deadline);

/* The process, or -1 while it does not run. */
pid_t ts_server_pid(const ts_server *server);
/* unix:///path/to/socket, redis://127.0.0.1:port or redis://[::1]:port, by its transport; with TLS
 * rediss://… */
const char *ts_server_url(const ts_server *server, char *url, size_t size);
ts_address ts_server_address(const ts_server *server);
/* The Unix socket that every server has. */
ts_address ts_server_truth_address(const ts_server *server);
const char *ts_server_folder(const ts_server *server);
/* Copies the log's last bytes, NUL-terminated. */
const char *ts_server_log_tail(const ts_server *server, char *text, size_t size);

/* The harness' own user on every server: may do everything. */
#define TS_TRUTH_USER     "ts-truth"
#define TS_TRUTH_PASSWORD "ts-truth"

#endif
