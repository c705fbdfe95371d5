/* lint/tool/server.h: what a server's own compiler says of a source. */
#ifndef LINT_TOOL_SERVER_H
#define LINT_TOOL_SERVER_H

#include "lint/tool/options.h"

struct server;

enum verdict {
    VERDICT_ACCEPTED,
    VERDICT_NOT_COMPILED, /* refused by its compiler */
    VERDICT_REFUSED, /* for another reason: its first line, or what it does while it is loaded */
};

struct answer {
    enum verdict verdict;
    char words[512]; /* the server's, of a refusal */
    uint32_t line;   /* that they name, or 0 */
};

/* Connects. False: *fault says why not. */
bool server_open(const char *url, struct server **out, struct fault *fault);
void server_close(struct server *server);
/* Has it compile a source, as a script or as a library. False: it did not say; *fault says why. */
bool server_ask(struct server *server, const char *text, size_t size, bool library,
                struct answer *out, struct fault *fault);

#endif
