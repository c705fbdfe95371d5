/* What a real server's compiler says of sources, many at once. Nothing of them is ever run: SCRIPT LOAD compiles. */
#ifndef LINT_SYNTAX_SERVER_H
#define LINT_SYNTAX_SERVER_H

#include "server.h"

#include <stdbool.h>
#include <stddef.h>

enum syntax_verdict {
    SYNTAX_TAKEN,   /* it compiles */
    SYNTAX_REFUSED, /* it does not */
    SYNTAX_UNKNOWN  /* refused for another reason, before it was compiled: its first line */
};

struct syntax_source {
    const char *text;
    size_t size;
    bool
        library; /* FUNCTION LOAD, which runs what is not behind SYNTAX_LIBRARY; else SCRIPT LOAD */
    enum syntax_verdict verdict; /* the server's */
    char message[120];           /* what it said */
};

struct syntax_server;

/* Of a kind. Ends the program if there is none. */
struct syntax_server *syntax_server_start(ts_server_kind kind);
void syntax_server_free(struct syntax_server *server);
/* Whether it refuses [[ within [[ ]], as Lua 5.1 came out, or not, as most servers do. */
bool syntax_server_refuses_nested(const struct syntax_server *server);
/* What begins a library that does nothing, whatever follows. */
#define SYNTAX_LIBRARY "#!lua name=l\ndo return end\n"
/* Many in one write. */
void syntax_server_ask(struct syntax_server *server, struct syntax_source *sources, size_t count);
/* How much of a source that server compiles: of a library, Valkey 8.1 only what is before a NUL. */
size_t syntax_server_reads(const struct syntax_server *server, const struct syntax_source *source);

#endif
