/* A server with the scripts of the streams, called with the words that the library makes and answered as the
 * library reads. What it sends is the connection's of the truth: no part of a client. */
#ifndef COMMIT_STAGE_H
#define COMMIT_STAGE_H

#include "server.h"
#include "stream/commit.h"
#include "truth.h"

/* A line of a script that is another one, to see that a test can fail. */
struct commit_edit {
    bool open; /* of open.lua; else of commit.lua */
    const char *line, *instead;
};

struct commit_stage {
    ts_server *server;
    ts_conn *conn;
    struct commit_words words;
    char commit[48], open[48]; /* digests */
};

void commit_stage_open(struct commit_stage *stage, ts_server_kind kind);
void commit_stage_close(struct commit_stage *stage);
/* The scripts with these lines changed, n of them; each must be there exactly once. */
void commit_stage_load(struct commit_stage *stage, const struct commit_edit *edits, size_t n);

/* An answer that lives on. */
struct commit_said {
    bool ok; /* it was one */
    struct commit_answer answer;
    char letters[COMMIT_ENTRIES_MAX + 1], generation[64], type[32];
    char error[512]; /* what the server said instead */
};

struct open_said {
    bool ok;
    struct open_answer answer;
    char generation[64], low[48], next[48], error[512];
};

/* Sends bytes that commit_bytes made. */
void commit_send(struct commit_stage *stage, const char *bytes, size_t size, size_t entries,
                 struct commit_said *out);
/* The whole command, in fresh memory: free() it. The call must be a good one. */
char *commit_bytes(struct commit_stage *stage, const struct commit_call *call, size_t *size);
void commit_run(struct commit_stage *stage, const struct commit_call *call,
                struct commit_said *out);
void open_run(struct commit_stage *stage, const struct open_call *call, struct open_said *out);

/* A reply that must be no error and no loss; freed by the caller. Words end with NULL. */
__attribute__((sentinel)) ts_reply *stage_ask(struct commit_stage *stage, ...);
__attribute__((sentinel)) void stage_do(struct commit_stage *stage, ...);
__attribute__((sentinel)) int64_t stage_int(struct commit_stage *stage, ...);

static inline vouch_string stage_text(const char *s)
{
    size_t n = 0;
    while (s && s[n])
        n++;
    return (vouch_string){s, n};
}

#endif
