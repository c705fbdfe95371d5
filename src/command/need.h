/* command/need.h: what must be on the server before a command runs, such as a script. Made by the
 * module that knows what it is; batches carry it, lanes send it ahead, connections remember it. */
#ifndef COMMAND_NEED_H
#define COMMAND_NEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vouch_reply;

struct need {
    uint64_t digest;  /* identifies it on a connection */
    const char *load; /* one whole encoded command that puts it there */
    size_t load_size;
    /* The error lines, without '-' and CRLF, by which servers say that it is not there; NULL at the end. */
    const char *const *missing;
    /* An error of the load that says it was there before, or NULL. */
    const char *there_already;
    /* One whole encoded command that asks whether it is there, and what its reply says. */
    const char *ask;
    size_t ask_size;
    bool (*is_there)(const struct need *need, const struct vouch_reply *reply);
    /* A command that needs it can answer with no error of its own making, nor with one that it caught:
     * an error in the server's exact words is the server's. Else `missing` is believed only after the
     * server was asked. */
    bool honest;
    char name[64]; /* for messages */
};

#endif
