/* What the tests of scripts call: scripts, each with a counter that tells how often it ran, in every way
 * in which one can be called; and functions of libraries likewise. */
#ifndef LIVE_CALLEE_H
#define LIVE_CALLEE_H

#include "rig.h"

/* By what it is called: a script, or a function of a library. */
struct callee {
    vouch_script *script;   /* or NULL: */
    vouch_library *library; /* each has its own, with this function alone */
    char function[32];
};

/* What is known of it. */
enum callee_kind {
    CALLEE_HONEST,   /* never answers with an error of its own making, and vouch is told so */
    CALLEE_FORGER,   /* could: its source has such an answer */
    CALLEE_READONLY, /* cannot write, and says so */
    CALLEE_KINDS
};

/* "honest" and so on. */
const char *callee_kind_name(enum callee_kind kind);

/* Of this source; the test fails if there cannot be one. */
struct callee callee_of(const char *source, const vouch_script_options *options);
/* INCR of its key, which it returns; READONLY: GET. A different source for each `number`. */
struct callee callee_counter(enum callee_kind kind, int number);
/* The same with a library, and the function in it that is called. */
struct callee callee_function(const char *source, const char *function,
                              const vouch_library_options *options);
struct callee callee_function_counter(enum callee_kind kind, int number);
void callee_free(struct callee *c);

/* Calls it and waits; *call is freed first, and then set. */
vouch_status callee_call(vouch_client *client, const struct callee *c, vouch_args keys,
                         vouch_args args, const vouch_call_options *options, vouch_call **call,
                         vouch_error *error);
vouch_status callee_start(vouch_client *client, const struct callee *c, vouch_args keys,
                          vouch_args args, const vouch_call_options *options, vouch_op **op,
                          vouch_error *error);
size_t callee_add(vouch_batch *batch, const struct callee *c, vouch_args keys, vouch_args args);

/* Makes the server forget all there is to call. */
void callee_lose_all(const ts_server *server);
/* Whether the server has it. */
bool callee_is_there(const ts_server *server, const struct callee *c);
/* The words say that it is missing, in a way that servers say it. */
bool callee_words_say_missing(vouch_string words);

/* Round trips that the client has begun, greetings not counted. */
uint64_t callee_trips(const vouch_client *client);

#endif
