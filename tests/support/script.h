#ifndef TS_SCRIPT_H
#define TS_SCRIPT_H

#include "address.h"
#include "buffer.h"
#include "request.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A server that plays a part: each connection it accepts plays its own script, step by step, and
 * what it was sent is recorded. Beyond the scripts, a responder answers whole commands.
 * Threads: one that accepts, one for each connection; all functions may be called from any. */

typedef enum ts_step_kind {
    TS_STEP_END,           /* after the last step */
    TS_STEP_EXPECT,        /* exactly these bytes */
    TS_STEP_EXPECT_COUNT,  /* this many bytes, whatever they are */
    TS_STEP_EXPECT_WORD,   /* one whole command, of this name; NULL: of any */
    TS_STEP_RESPOND_UNTIL, /* whole commands are given to the responder, until one of this name
                            * comes, which is taken and not answered: any handshake passes */
    TS_STEP_EXPECT_END,    /* the client closes (or resets), having sent nothing more */
    TS_STEP_SEND,          /* these bytes; with `count`, in pieces of at most that many */
    TS_STEP_SEND_TIMES,    /* these bytes, `count` times */
    TS_STEP_PAUSE,         /* until ts_script_resume */
    TS_STEP_CLOSE,         /* closes the connection */
    TS_STEP_RESET          /* resets it (TCP; a Unix socket is closed) */
} ts_step_kind;

typedef struct ts_step {
    ts_step_kind kind;
    const char *bytes; /* of EXPECT and SEND; the name, for a command */
    size_t length;
    size_t count;
} ts_step;

/* A script is an array of these, ended by TS_END: literals may contain NUL bytes. */
#define TS_EXPECT(literal)                                                                         \
    {                                                                                              \
        TS_STEP_EXPECT, literal, sizeof(literal) - 1, 0                                            \
    }
#define TS_EXPECT_COUNT(n)                                                                         \
    {                                                                                              \
        TS_STEP_EXPECT_COUNT, NULL, 0, n                                                           \
    }
#define TS_EXPECT_COMMAND(name)                                                                    \
    {                                                                                              \
        TS_STEP_EXPECT_WORD, name, 0, 0                                                            \
    }
#define TS_RESPOND_UNTIL(name)                                                                     \
    {                                                                                              \
        TS_STEP_RESPOND_UNTIL, name, 0, 0                                                          \
    }
#define TS_EXPECT_END                                                                              \
    {                                                                                              \
        TS_STEP_EXPECT_END, NULL, 0, 0                                                             \
    }
#define TS_SEND(literal)                                                                           \
    {                                                                                              \
        TS_STEP_SEND, literal, sizeof(literal) - 1, 0                                              \
    }
#define TS_SEND_SPLIT(literal, piece)                                                              \
    {                                                                                              \
        TS_STEP_SEND, literal, sizeof(literal) - 1, piece                                          \
    }
#define TS_SEND_BYTES(bytes, length)                                                               \
    {                                                                                              \
        TS_STEP_SEND, bytes, length, 0                                                             \
    }
#define TS_SEND_TIMES(bytes, length, times)                                                        \
    {                                                                                              \
        TS_STEP_SEND_TIMES, bytes, length, times                                                   \
    }
#define TS_PAUSE                                                                                   \
    {                                                                                              \
        TS_STEP_PAUSE, NULL, 0, 0                                                                  \
    }
#define TS_CLOSE                                                                                   \
    {                                                                                              \
        TS_STEP_CLOSE, NULL, 0, 0                                                                  \
    }
#define TS_RESET                                                                                   \
    {                                                                                              \
        TS_STEP_RESET, NULL, 0, 0                                                                  \
    }
#define TS_END                                                                                     \
    {                                                                                              \
        TS_STEP_END, NULL, 0, 0                                                                    \
    }

/* What the default replies depend on, one for each connection. */
typedef struct ts_responder_state {
    int connection;
    bool resp3;  /* the connection speaks RESP3 now */
    bool multi;  /* between MULTI and EXEC */
    int queued;  /* commands since MULTI */
    void *user;  /* as in the options */
    bool ending; /* set it to close the connection after the replies */
} ts_responder_state;

/* Adds the reply to a whole command, or answers false to leave it to ts_default_reply. Never
 * called twice at a time. Adding nothing and answering true leaves the command unanswered. */
typedef bool (*ts_responder)(ts_responder_state *state, const ts_request *request,
                             ts_buffer *reply);

typedef struct ts_script_options {
    ts_transport transport;
    /* Scripts by connection, in the order of accepting. They must outlive the server. */
    const ts_step *const *scripts;
    size_t count;
    /* Connections beyond the scripts: with `respond` they are answered; else closed, and the
     * result says so. The responder also serves TS_STEP_RESPOND_UNTIL; NULL: default replies. */
    bool respond;
    ts_responder responder;
    void *user;
    bool resp2_only; /* the default reply to HELLO 3 is -NOPROTO */
    int64_t step_ms; /* how long a step may take; 0: TS_SCRIPT_STEP_MS */
} ts_script_options;

enum { TS_SCRIPT_STEP_MS = 20000 };

typedef struct ts_script ts_script;

/* Ends the program when it cannot listen. */
ts_script *ts_script_start(const ts_script_options *options);
/* Closes all and ends the threads. NULL is allowed. */
void ts_script_free(ts_script *script);
const char *ts_script_url(const ts_script *script, char *url, size_t size);
ts_address ts_script_address(const ts_script *script);

/* Until the connection stands at a pause (false at the deadline, or when its script has ended);
 * and lets it go on, or pass the next pause that it comes to. */
bool ts_script_wait_paused(ts_script *script, int connection, int64_t deadline);
void ts_script_resume(ts_script *script, int connection);
/* Until the connection's script has ended, by its last step or by a difference. */
bool ts_script_wait_done(ts_script *script, int connection, int64_t deadline);
/* Until this many connections were accepted. */
bool ts_script_wait_connections(ts_script *script, int count, int64_t deadline);
/* Until at least n bytes were received on the connection. */
bool ts_script_wait_received(ts_script *script, int connection, size_t n, int64_t deadline);

/* Whether all scripts were played to their end without a difference; if not, what the first
 * difference was. After its last step a script keeps the connection until the client ends it, and
 * anything more it is sent is a difference too. */
bool ts_script_result(ts_script *script, char *difference, size_t size);
/* A copy of all that a connection has received, *length bytes; freed with free(). */
char *ts_script_received(ts_script *script, int connection, size_t *length);
int ts_script_connections(ts_script *script);

/* The replies of a server that agrees to everything: HELLO as its protocol asks, PING, MULTI,
 * +QUEUED and EXEC (as many +OK as were queued), CLIENT ID, GETNAME; +OK to all others. */
void ts_default_reply(ts_responder_state *state, const ts_request *request, bool resp2_only,
                      ts_buffer *reply);

#endif
