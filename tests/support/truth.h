#ifndef TS_TRUTH_H
#define TS_TRUTH_H

#include "resp.h"
#include "server.h"

/* What a server really holds: one command each, on a fresh connection of the harness' own user
 * through the server's own Unix socket. Safe from any thread. Words end with NULL. */

/* A logged-in connection for several commands in a row; NULL when there is none to be had. */
ts_conn *ts_truth_open(const ts_server *server);

/* The reply, never NULL; TS_REPLY_LOST when the server cannot be asked. */
__attribute__((sentinel)) ts_reply *ts_command(const ts_server *server, ...);
ts_reply *ts_command_words(const ts_server *server, size_t count, const char *const *words,
                           const size_t *lengths);

/* The conveniences end the program, saying why, on an error, a loss, or a reply that does not fit:
 * a truth that cannot be had is no truth. */

/* An integer, or a text that is one; TS_NIL for nil. */
#define TS_NIL INT64_MIN
__attribute__((sentinel)) int64_t ts_int(const ts_server *server, ...);
/* The text in fresh memory, freed with free(); NULL for nil; integers are written out. */
__attribute__((sentinel)) char *ts_text(const ts_server *server, ...);
/* Runs a command that must not fail; its reply is thrown away. */
__attribute__((sentinel)) void ts_do(const ts_server *server, ...);

/* The value of a field of INFO, such as "connected_clients", in fresh memory; NULL if absent or
 * the server cannot be asked. */
char *ts_info(const ts_server *server, const char *section, const char *field);

#endif
