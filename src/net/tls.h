/* net/tls.h: TLS above a socket, by OpenSSL. */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "net/transport.h"

#include <stdint.h>

/* Room for what is said of a certificate, a key or a file of them. */
#define TLS_WHY_MAX 512

struct tls_settings {
    uint32_t verify;                             /* VOUCH_TLS_VERIFY_…; 0: FULL */
    uint32_t min;                                /* 12 or 13 */
    char *ca_file, *cert_file, *key_file, *name; /* each may be NULL; owned by the settings */
};

/* What all connections of a client share: keys and trusted authorities. */
struct tls_context;

/* Reads the files. NULL, with the reason and the option's name in `why`. */
struct tls_context *tls_context_new(const struct tls_settings *s, char why[static TLS_WHY_MAX]);
/* NULL is allowed. Open transports keep what they need of it. */
void tls_context_free(struct tls_context *c);

/* TLS above `below`, which becomes its own in every case. `host` is the name to verify if the
 * settings have none. NULL, with the reason in `why`, when memory is short. */
struct transport *transport_tls_open(struct transport *below, const struct tls_context *c,
                                     const char *host, char why[static TRANSPORT_WHY_MAX]);

/* ---- between the files of this part --------------------------------------------------------- */

#define TLS_NO_MEMORY "out of memory for TLS"

struct ssl_st;

/* A session that verifies the server as `host`; NULL when memory is short. */
struct ssl_st *tls_session_new(const struct tls_context *c, const char *host);
/* Says in the transport why the session failed: the queue of errors of this thread, the certificate's
 * verdict. */
void tls_explain(struct transport *t, const struct ssl_st *ssl);

#endif
