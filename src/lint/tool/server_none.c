/* In place of server.c where the program is built without VOUCH_LINT_SERVER. */
#include "lint/tool/server.h"

bool server_open(const char *url, struct server **out, struct fault *fault)
{
    (void)url;
    *out = NULL;
    return fault_set(fault, "--server: this vouch-lint was built without it (VOUCH_LINT_SERVER)");
}

void server_close(struct server *server)
{
    (void)server;
}

bool server_ask(struct server *server, const char *text, size_t size, bool library,
                struct answer *out, struct fault *fault)
{
    (void)server;
    (void)text;
    (void)size;
    (void)library;
    (void)out;
    return fault_set(fault, "--server: this vouch-lint was built without it");
}
