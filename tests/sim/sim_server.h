/* A server in memory, and the truth about it. It understands just enough: a handshake, one command
 * that adds to a counter, one that reads it, and ways to refuse. A command that has arrived whole is
 * executed; one that lacks a byte never is. */
#ifndef SIM_SERVER_H
#define SIM_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SIM_COMMANDS_MAX = 128, SIM_LOG_MAX = 1024 };

/* Shared by all nodes of a case. */
struct sim_truth {
    unsigned executed[SIM_COMMANDS_MAX]; /* how often command i took effect */
    int log[SIM_LOG_MAX];                /* the writes, in the order in which they took effect */
    size_t log_count;
    size_t data_commands; /* that arrived, executed or refused */
    /* Commands number refuse_from … refuse_to - 1 of those that arrive are answered LOADING. */
    size_t refuse_from, refuse_to;
    bool resp2_only;
    bool loaded[3];                /* by node: the script is there */
    bool flush_once;               /* the script vanishes after its first load */
    bool forges[SIM_COMMANDS_MAX]; /* command i runs, and then answers that it is missing */
};

struct sim_bytes {
    char *at;
    size_t size, capacity;
};

/* What one connection is to its server. */
struct sim_session {
    struct sim_truth *truth;
    int node;
    struct sim_bytes in; /* not yet a whole command */
    struct sim_bytes out;
    /* Offsets in `out` where the reply to each data command ends, and which command it was. */
    size_t reply_end[SIM_LOG_MAX];
    int reply_to[SIM_LOG_MAX];
    size_t replies;
    size_t first_data_reply; /* offset of the first of them */
    bool resp3;
};

void sim_bytes_add(struct sim_bytes *b, const void *bytes, size_t n);
void sim_bytes_free(struct sim_bytes *b);

/* Bytes arrive: what they complete is executed and answered. */
void sim_session_arrive(struct sim_session *s, const char *bytes, size_t n);
void sim_session_free(struct sim_session *s);

/* Reads one whole command at the beginning of these bytes: its size, 0 if it is not whole. *command
 * is the number in its key ("…k12"), or -1. */
size_t sim_parse(const char *bytes, size_t n, const char **name, size_t *name_size, int *command);

#define SIM_SCRIPT_SHA "0123456789012345678901234567890123456789"
#define SIM_NOSCRIPT   "NOSCRIPT No matching script. Please use EVAL."

#endif
