#ifndef TS_RESP_H
#define TS_RESP_H

#include "address.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A small blocking RESP2 client, deliberately with nothing of vouch in it: what it says of a
 * server is the truth that vouch's reports are compared with. */

typedef enum ts_reply_type {
    TS_REPLY_LOST,    /* no reply: the connection failed or the time was up; text says why */
    TS_REPLY_STATUS,  /* +OK */
    TS_REPLY_ERROR,   /* -ERR … */
    TS_REPLY_INTEGER, /* :1 */
    TS_REPLY_TEXT,    /* $3 */
    TS_REPLY_NIL,     /* $-1 and *-1 */
    TS_REPLY_ARRAY    /* *2 */
} ts_reply_type;

typedef struct ts_reply {
    ts_reply_type type;
    char *text; /* status, error, text, or why lost; NUL after it; else NULL */
    size_t length;
    int64_t integer;
    struct ts_reply **elements; /* of an array */
    size_t count;
} ts_reply;

/* NULL is allowed. */
void ts_reply_free(ts_reply *reply);

typedef struct ts_conn ts_conn;

enum { TS_COMMAND_MS = 10000 }; /* what a command may take, where no time is given */

/* Connects; NULL and errno when it cannot by the deadline. Says nothing on the connection. */
ts_conn *ts_conn_open(const ts_address *address, int64_t deadline);
/* NULL is allowed. */
void ts_conn_close(ts_conn *conn);
/* The socket, still owned by the connection. */
int ts_conn_fd(const ts_conn *conn);
/* Writes these bytes as they are; false when the connection failed or the time was up. */
bool ts_conn_send(ts_conn *conn, const void *bytes, size_t length, int64_t deadline);
/* Reads one reply: never NULL, freed with ts_reply_free. After a loss all later reads are losses. */
ts_reply *ts_conn_read(ts_conn *conn, int64_t deadline);
/* Reads exactly this many raw bytes, or fewer at the end of the connection or the deadline. */
size_t ts_conn_read_bytes(ts_conn *conn, void *bytes, size_t length, int64_t deadline);
/* One command and its reply, within TS_COMMAND_MS: words end with NULL, or are counted. */
__attribute__((sentinel)) ts_reply *ts_conn_command(ts_conn *conn, ...);
ts_reply *ts_conn_command_words(ts_conn *conn, size_t count, const char *const *words,
                                const size_t *lengths);

/* Writes a command in RESP to fresh memory, *length bytes (free() it): words end with NULL. */
__attribute__((sentinel)) char *ts_encode(size_t *length, ...);
char *ts_encode_words(size_t count, const char *const *words, const size_t *lengths,
                      size_t *length);

/* The words of a NULL-ended list: at most TS_WORDS_MAX, else the program ends. */
enum { TS_WORDS_MAX = 64 };
size_t ts_collect_words(va_list list, const char *words[TS_WORDS_MAX]);

#endif
