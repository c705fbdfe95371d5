/* vouch/client.h: a handle on one deployment, and the operations in progress on it. */
#ifndef VOUCH_CLIENT_H
#define VOUCH_CLIENT_H

#include <vouch/observe.h>

struct pollfd;

VOUCH_BEGIN

/* Owns its connections.
 *
 * Threads: a client, its operations and the batches they run belong to one thread at a time. Different
 * clients share nothing. vouch_client_interrupt alone may be called from any thread.
 *
 * Signals: one that arrives ends no call and moves no deadline, with or without SA_RESTART. A handler
 * may call vouch_client_interrupt, and nothing else of vouch. SIGPIPE is never raised, and its
 * disposition never changed.
 *
 * Forks: after fork the client is the parent's, whose calls go on undisturbed. In the child
 * vouch_client_close releases the copy and says nothing to the server; operations that were in
 * progress end by it as cancelled, and their finish releases them. vouch_client_interrupt,
 * vouch_op_cancel, vouch_client_watch and vouch_client_ready do nothing there; calls that return a
 * status return VOUCH_EFORKED. What the child is told of such operations is not what became of them:
 * the parent is told that. The child may open clients of its own. A program that is executed inherits
 * no descriptor. */
typedef struct vouch_client vouch_client;
/* One call in progress, started by a module and driven to its end. */
typedef struct vouch_op vouch_op;

#define VOUCH_CLIENT_MAX_OPERATIONS  1024  /* in progress at once on one client */
#define VOUCH_CLIENT_MAX_CONNECTIONS 64    /* open at once on one client */
#define VOUCH_WINDOW_MAX_COMMANDS    65536 /* highest window_commands */
#define VOUCH_SECRET_MAX             65535 /* bytes of a user name or password, without the NUL */

/* What a rediss:// client asks of the server's certificate. */
enum {
    VOUCH_TLS_VERIFY_FULL = 1,  /* a trusted chain, in its time, and the server's name */
    VOUCH_TLS_VERIFY_CHAIN = 2, /* not the name: anybody with a trusted certificate can answer */
    VOUCH_TLS_VERIFY_NONE = 3   /* nothing: anybody can read and answer */
};

/* What a credentials callback fills in. */
typedef struct vouch_credentials vouch_credentials;

/* Asked for user and password: before every handshake, and again before they expire. `out` is
 * borrowed for the call: fill it with vouch_credentials_set. Returning false means that there are
 * none now; it counts as a connection that could not be opened (VOUCH_CAUSE_AUTH) and is tried again.
 * Runs inside calls of the client, on their thread, so it should answer from what it has at hand: as
 * long as it blocks, deadlines wait. It may not call anything of this client (VOUCH_EBUSY). */
typedef bool (*vouch_credentials_hook)(vouch_credentials *out, void *user);

/* Both are copied; `username` may be NULL (the default user). They expire after valid_ms, counted
 * from this call; VOUCH_NO_DEADLINE: never. A tenth of that time before, open connections are told
 * the next ones by an AUTH of their own, between commands.
 *   VOUCH_OK
 *   VOUCH_EINVAL   NULL, valid_ms neither -1 nor above 0, or longer than VOUCH_SECRET_MAX
 *   VOUCH_ENOMEM */
VOUCH_API VOUCH_MUST vouch_status vouch_credentials_set(vouch_credentials *out,
                                                        const char *username, const char *password,
                                                        int64_t valid_ms);

/* How to connect, and what holds for every call. Begin with VOUCH_CLIENT_OPTIONS_INIT. */
typedef struct vouch_client_options {
    uint32_t size;      /* set by the initialiser */
    uint32_t protocol;  /* 2 or 3; default 3, and 2 where the server refuses 3 */
    uint32_t lazy;      /* 1: open does no I/O, the first operation connects */
    uint32_t outages;   /* lost or refused connections and transient refusals an operation survives;
                          default 8 */
    int64_t connect_ms; /* resolve, connect and handshake; default 2,000; 1 … 86,400,000 */
    int64_t deadline_ms; /* default of every call on this client: 5,000; or VOUCH_NO_DEADLINE */
    int64_t stall_ms;    /* of streams: longest time without progress; default 5,000 */
    int64_t
        retry_min_ms; /* ceiling of the first wait after an outage; default 20. Doubles each time;
                             every wait is drawn between 0 and the ceiling (full jitter). Not 1 ms:
                             eight tries must outlast the restart of a server */
    int64_t retry_max_ms;     /* highest ceiling; default 500 */
    const char *username;     /* these four override the URL; copied */
    const char *password;     /* or NULL */
    const char *name;         /* CLIENT SETNAME */
    uint32_t database;        /* SELECT; default 0 */
    uint32_t window_commands; /* unanswered commands a connection; default 1,000 */
    size_t window_bytes;      /* unanswered bytes a connection; default 1 MiB. One command is always
                                 let through, however large */
    size_t reply_max_bytes;   /* text in one reply; default 512 MiB */
    size_t reply_max_elements; /* elements in one reply, all levels; default 1,048,576 */
    uint32_t reply_max_depth;  /* arrays within arrays; default 32; at most 64 */
    uint32_t tls_verify;       /* VOUCH_TLS_VERIFY_…; default FULL. The tls_ fields only with
                                  rediss:// */
    uint32_t tls_min;          /* 12 or 13: lowest TLS version, 1.2 or 1.3; default 12 */
    uint32_t reserved;
    const char *tls_ca_file;   /* PEM, the authorities to trust; default: the system's. These are
                                  copied, and the files read when the client is opened */
    const char *tls_cert_file; /* PEM, the client's certificate and its chain; or NULL */
    const char *tls_key_file;  /* PEM, its key; default: tls_cert_file */
    const char *tls_name;      /* the server's name: sent to it (SNI) and verified; default: the
                                  URL's host */
    vouch_credentials_hook credentials; /* instead of username and password; or NULL */
    void *credentials_user;             /* given to it */
    vouch_event_hook on_event;          /* told what happens to connections; or NULL */
    void *event_user;                   /* given to it */
} vouch_client_options;

/* Every default. */
#define VOUCH_CLIENT_OPTIONS_INIT                                                                  \
    {                                                                                              \
        sizeof(vouch_client_options), 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0,  \
            0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL                                \
    }

/* Opens a client on the server that `url` names:
 *     redis://[[user]:password@]host[:port][/db][?option=value&…]      port 6379
 *     rediss://…                                                       the same, over TLS
 *     unix://[[user]:password@]/path/to/socket[?db=N&…]
 * IPv6 addresses stand in brackets; %XX is decoded in user, password, path, names and files. Options:
 * db, protocol, name, connect_ms, deadline_ms, stall_ms, and with rediss:// tls_ca_file,
 * tls_cert_file, tls_key_file, tls_name, tls_min=12|13, tls_verify=full|chain|none.
 *
 * Blocks, connect_ms at most, until a connection has completed its handshake (HELLO or AUTH,
 * SELECT, CLIENT SETNAME), unless options->lazy. Looking up the host is within that time: it is done
 * in a thread, one at most, which takes no signals and may outlive the client if the system's
 * resolver hangs. `options` may be NULL; it is copied, with its strings.
 *   VOUCH_OK        *out is the caller's, to be released with vouch_client_close
 *   VOUCH_EINVAL    the URL or an option is wrong, or a file cannot be read; the message says which
 *   VOUCH_ECONNECT  no connection; error->cause tells address, connect, tls, auth, handshake, deadline
 *   VOUCH_ENOMEM
 * In every case but VOUCH_OK *out is NULL. Effect NOT_APPLIED always. */
VOUCH_API VOUCH_MUST vouch_status vouch_client_open(const char *url,
                                                    const vouch_client_options *options,
                                                    vouch_client **out, vouch_error *error);

/* Closes every connection, at once. Operations in progress end as if cancelled; they remain valid
 * until their own finish. NULL is allowed. In a forked child it closes descriptors only. */
VOUCH_API void vouch_client_close(vouch_client *client);

/* Ends the calls in progress on `client`, or the next one if there is none, at whatever they are
 * (connecting, handshake, backoff, waiting for replies), with VOUCH_EINTERRUPTED and effects as for a
 * passed deadline. Safe from any thread and from signal handlers, as long as the client is not closed.
 * No effect in a forked child. vouch_client_open has no client yet to interrupt: connect_ms bounds it. */
VOUCH_API void vouch_client_interrupt(vouch_client *client);

/* ---- event loops ------------------------------------------------------------------------------
 *
 * Blocking calls are these two in a loop around poll(2). With an own loop: start operations, then
 * again and again watch, wait, ready, and finish those that are done. Nothing here blocks.
 */

/* Says what to wait for. Fills at most `max` of `fds`, and *timeout_ms: the longest time to wait
 * until vouch_client_ready must be called even if nothing happened (0: at once; -1: for ever).
 * Returns how many descriptors there are; more than `max` means `fds` was too short:
 * VOUCH_CLIENT_MAX_CONNECTIONS + 1 is always enough. The set changes with every call of ready and
 * start, so ask each time. A descriptor is closed, and its number free for another's, only after a
 * call of watch that left it out; so take those out of an epoll set or a loop's handles right then. */
VOUCH_API size_t vouch_client_watch(vouch_client *client, struct pollfd *fds, size_t max,
                                    int64_t *timeout_ms);

/* Tells what happened: `fds` as filled by watch, with revents set; n may be 0 (the time came, or what
 * was started should go out before the loop comes round). */
VOUCH_API void vouch_client_ready(vouch_client *client, const struct pollfd *fds, size_t n);

/* True once the operation's outcome stands; then finish it. */
VOUCH_API bool vouch_op_done(const vouch_op *op);

/* Ends an operation now: what was never handed over is NOT_APPLIED, what was handed over and not
 * answered MAYBE_APPLIED. Other operations keep their replies. No effect once done, inside a callback, or in
 * a forked child. */
VOUCH_API void vouch_op_cancel(vouch_op *op);

VOUCH_END
#endif
