/* Runs a program while there is a server for it:
 *
 *     with_server PROGRAM [ARGUMENT…]
 *
 * $VOUCH_URL names the server, on a Unix socket, or with VOUCH_TRANSPORT=tcp on a port. Ends with the program's own status; 125 if there was no server. */
#include "server.h"

#include "base.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NO_SERVER = 125, CANNOT_RUN = 127 };

int main(int argc, char **argv)
{
    char url[TS_URL_MAX];
    int status = 0;
    if (argc < 2)
        ts_die("usage: with_server PROGRAM [ARGUMENT...]");
    const char *transport = getenv("VOUCH_TRANSPORT");
    bool tcp = transport && strcmp(transport, "tcp") == 0;
    ts_server_options options = {.transport = tcp ? TS_TCP : TS_UNIX};
    ts_server *server = ts_server_start(&options);
    if (!server)
        return NO_SERVER;
    setenv("VOUCH_URL", ts_server_url(server, url, sizeof url), 1);
    pid_t child = fork();
    if (child == 0) {
        execvp(argv[1], argv + 1);
        ts_note("cannot run %s: %s", argv[1], strerror(errno));
        _exit(CANNOT_RUN);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    ts_server_free(server);
    return child > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : CANNOT_RUN;
}
