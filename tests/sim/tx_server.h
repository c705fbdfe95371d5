/* A server in memory that knows transactions, and the truth about what was applied.
 *
 * Sessions live on when their client has gone: what reached the server is executed, also late, and what
 * a session had watched stays watched. */
#ifndef TX_SERVER_H
#define TX_SERVER_H

#include "sim_server.h"
#include "tx_store.h"

enum {
    TX_SESSIONS_MAX = 32,
    TX_RUNS_MAX = 2,
    TX_BODY_MAX = 16, /* commands of a body */
    TX_KNOBS_MAX = 5,
    TX_WORDS_MAX = 24,
    TX_WATCHED_MAX = 16,
    TX_REPLIES_MAX = 512,
    TX_DENIED_MAX = 8,
    TX_KINDS_MAX = 32
};

/* Keys of bodies: this, and the command's number among those that were queued. */
#define TX_KEY_PREFIX "{t}:"
#define TX_MARKER     "vouch:"
/* The script adds its argument to its key. */
#define TX_SCRIPT "add"
#define TX_SHA    "0123456789012345678901234567890123456789"

/* What is done at a moment of a case. */
enum tx_action {
    TX_NOTHING,
    TX_RELEASE,       /* what is late of connections that their client has closed arrives */
    TX_RIVAL,         /* somebody changes the first body command's key */
    TX_EVICT,         /* all keys that expire are evicted */
    TX_FLUSHALL,      /* by somebody */
    TX_RESTART,       /* another run id; the data is there */
    TX_RESTART_EMPTY, /* the same without the data */
    TX_FAILOVER,      /* another replication id under the same run id; the marker was lost */
    TX_RESETSTAT,     /* the counts are set back */
    TX_SUSPEND,   /* the client's machine sleeps for `us`: only its monotonic clock does not move */
    TX_CLOCK,     /* the server's clock alone moves on by `us` */
    TX_DENY,      /* `what` is denied from now on: a command, "marker": writing to it, or "LOAD" */
    TX_ALLOW,     /* … is allowed again */
    TX_USE_TOKEN, /* another run commits with our token */
    TX_ABORT_TOKEN, /* another run with our token gives up */
    TX_FORGET,      /* SCRIPT FLUSH */
    TX_LEARN,       /* somebody loads the script */
};

/* Moments are told by commands: "EXEC", or "SETTLE" for SET NX; "*" is every one. */
struct tx_knob {
    const char *command;
    unsigned from,
        to;     /* the so many-th of its kind, from 1, the handshake's counted; to 0: only that
                          one; from 0: each */
    bool after; /* it was executed; else before */
    enum tx_action action;
    const char *what;
    int64_t us;
};

/* The first `count` of a kind are refused with these words. */
struct tx_refusal {
    const char *command, *words;
    unsigned count;
};

struct tx_words {
    struct tx_text at[TX_WORDS_MAX];
    size_t count;
};

struct tx_session;

/* What really happened, by run and command of its body. */
struct tx_truth {
    unsigned executed[TX_RUNS_MAX][TX_BODY_MAX]; /* took effect */
    unsigned failed[TX_RUNS_MAX][TX_BODY_MAX];   /* ran inside EXEC, and failed */
    unsigned loose[TX_RUNS_MAX][TX_BODY_MAX];    /* of `executed`, outside of EXEC */
    int64_t reply[TX_RUNS_MAX][TX_BODY_MAX];     /* of INCRBY, the last time */
    bool stale; /* something was added to a value other than the one that was read */
    bool used;  /* the token, by somebody else */
    bool again; /* an EXEC ran what had run outside of one before */
};

struct tx_server {
    struct tx_store store;
    struct tx_session *sessions[TX_SESSIONS_MAX];
    size_t session_count;
    struct tx_truth truth;
    int64_t now;         /* simulated, monotonic */
    int64_t skew, clock; /* what uptime, and the server's clock, are ahead of it */
    unsigned epoch;      /* restarts */
    unsigned failovers, flushes;
    uint64_t evicted, commands;
    unsigned replicas; /* what WAIT answers */
    bool resp2_only, reads_are_bases;
    bool scripted; /* the script is there */
    bool pushes;   /* pushes come between replies */
    const struct tx_knob *knobs[2];
    size_t knob_count[2];
    const struct tx_refusal *refusals;
    size_t refusal_count;
    const char *denied[TX_DENIED_MAX];
    size_t denied_count;
    struct {
        const char *name; /* static */
        unsigned count;
    } kinds[TX_KINDS_MAX]; /* of commands that came */
    size_t kind_count;
    unsigned total;
    char marker[TX_NAME_MAX]; /* as it was watched last */
    size_t marker_size;
    void (*release)(void *user, const struct tx_session *but);
    void *user;
    bool releasing; /* what is released does not count for moments */
};

/* What one connection is to the server. */
struct tx_session {
    struct tx_server *server;
    int run; /* of the case, whose client opened it */
    unsigned epoch;
    struct sim_bytes in, out;
    struct sim_bytes queue; /* behind MULTI, as it came */
    bool resp3, in_multi, executing, dirty_cas, dirty_exec;
    bool greeted;      /* the handshake's DISCARD came */
    bool multi_denied; /* and its MULTI was denied: the client knows */
    bool wrote;        /* since it was opened */
    char watched[TX_WATCHED_MAX][TX_NAME_MAX];
    size_t watched_size[TX_WATCHED_MAX], watched_count;
    size_t reply_end[TX_REPLIES_MAX]; /* offset in `out`, by command */
    size_t replies;
};

/* Empty, but for the body's keys, "5" each. */
void tx_server_init(struct tx_server *s);
void tx_session_init(struct tx_session *x, struct tx_server *s, int run);
void tx_session_arrive(void *session, const char *bytes, size_t n);
void tx_session_free(struct tx_session *x);
int64_t tx_server_clock(const struct tx_server *s);

/* ---- within the server ---------------------------------------------------------------------- */

/* One whole command; its size, 0 if it is not whole. */
size_t tx_parse(const char *bytes, size_t n, struct tx_words *w);
/* Formatted into the session's answers. */
void tx_say(struct tx_session *x, const char *format, ...) __attribute__((format(printf, 2, 3)));
void tx_say_nil(struct tx_session *x);
void tx_say_text(struct tx_session *x, struct tx_text text);
/* A key has changed: whoever watches it is told. */
void tx_touch(struct tx_server *s, struct tx_text name);
void tx_remove(struct tx_server *s, struct tx_key *k);
void tx_unwatch(struct tx_session *x);
/* tx_moment.c: what a case has planned for this moment. */
void tx_moment(struct tx_session *x, const struct tx_words *w, const char *kind, unsigned nth,
               bool after);
/* tx_commands.c: the data commands. True if there is such a command with so many words. */
bool tx_is_known(const struct tx_words *w);
void tx_execute(struct tx_session *x, const struct tx_words *w);

#endif
