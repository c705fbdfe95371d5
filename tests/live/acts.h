/* What somebody does who calls scripts: single calls, pipelines, transactions. Every command of an act
 * appends its own number to the act's list on the server, so that the list tells what ran, how often and
 * in which order; the reports are compared with it. */
#ifndef LIVE_ACTS_H
#define LIVE_ACTS_H

#include "callee.h"

#define ACT_MAX 200 /* commands */

enum act_kind { ACT_SINGLE, ACT_PIPELINE, ACT_EXEC, ACT_READS };

/* What the acts have in common. */
struct acts {
    const ts_server *server;
    ts_conn *truth;
    vouch_client *client;
    struct callee honest, forger, reader; /* the last one appends nothing */
    unsigned long tokens;
    struct acts_counts {
        unsigned long commands, applied, refused, maybe; /* of all commands */
        unsigned long resent;                            /* handed over more than once */
        unsigned long moved;                             /* said to be out of order */
        unsigned long acts, short_of; /* acts, and those that were told of an error */
        unsigned long flagged;        /* transactions: committed, with a script missing */
        unsigned long spent;          /* single calls: the same, and so their token is used */
    } counts;
};

struct act {
    enum act_kind kind;
    size_t n;
    char words[ACT_MAX]; /* each command: 'h', 'f', 'r' for the callees, 'p' for a plain one */
    bool reorder_ok;     /* PIPELINE */
    bool inside;         /* the source goes along: strict, load_inside */
    bool resolve, token;
    const char *list;
    vouch_op *op;
    vouch_batch *batch;
    char name[64]; /* for messages */
};

/* `text`, letters and digits, makes sources that no other has. Scripts, or functions of libraries. */
void acts_begin(struct acts *a, const ts_server *server, vouch_client *client, const char *text,
                bool functions);
void acts_end(struct acts *a);
/* One of its scripts or libraries as servers have it, to be loaded by others too; freed with free(). */
char *acts_source(const char *text, char which, bool functions);

/* Starts it; ends the test if that is refused. */
void act_start(struct acts *a, struct act *act);
/* Once it is done: compares what is said with what was done, and removes the list. */
void act_finish(struct acts *a, struct act *act);

#endif
