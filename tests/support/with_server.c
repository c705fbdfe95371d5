/* Runs a program while there is a server for it:
 *
 *     with_server PROGRAM [ARGUMENT…]
 *
 * $VOUCH_URL names the server, on a Unix socket; with VOUCH_TRANSPORT=tcp on a port, with
 * VOUCH_TRANSPORT=tls on a port with TLS 1.3, and then $VOUCH_TLS_CA is the authority's file. Ends with
 * the program's own status; 125 if there was no server. */
#include "certs.h"
#include "server.h"

#include "base.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NO_SERVER = 125, CANNOT_RUN = 127 };

static bool transport_is(const char *name)
{
    const char *transport = getenv("VOUCH_TRANSPORT");
    return transport && strcmp(transport, name) == 0;
}

static ts_server *start(const ts_certs *certs)
{
    ts_server_tls tls = {.protocols = "TLSv1.3"};
    ts_server_options options = {.transport = certs || transport_is("tcp") ? TS_TCP : TS_UNIX};
    if (certs) {
        tls.cert_file = ts_cert_file(certs, TS_CERT_SERVER);
        tls.key_file = ts_cert_key_file(certs, TS_CERT_SERVER);
        tls.ca_file = ts_cert_file(certs, TS_CERT_AUTHORITY);
        options.tls = &tls;
        setenv("VOUCH_TLS_CA", tls.ca_file, 1);
    }
    return ts_server_start(&options);
}

int main(int argc, char **argv)
{
    char url[TS_URL_MAX];
    int status = 0;
    if (argc < 2)
        ts_die("usage: with_server PROGRAM [ARGUMENT...]");
    ts_certs *certs = transport_is("tls") ? ts_certs_make() : NULL;
    ts_server *server = start(certs);
    if (!server) {
        ts_certs_free(certs);
        return NO_SERVER;
    }
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
    ts_certs_free(certs);
    return child > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : CANNOT_RUN;
}
