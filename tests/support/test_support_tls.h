#ifndef TEST_SUPPORT_TLS_H
#define TEST_SUPPORT_TLS_H

#include "certs.h"
#include "test_support.h"

#include <openssl/ssl.h>

/* A client over TLS, of OpenSSL alone, for the tests of what speaks TLS here. */

typedef struct tls_wish {
    const char *ca_file;   /* NULL: takes any certificate */
    const char *name;      /* the server's: a host name, or an address; NULL: not looked at */
    const char *cert_file; /* its own; or NULL */
    const char *key_file;
    int lowest, highest; /* TLS1_2_VERSION…; 0: what OpenSSL has */
    unsigned tickets;    /* set by the client: how many it was given */
    bool keep_session;
    SSL_SESSION *session; /* set by the client if so: the last of them, resumed next time */
    bool no_renegotiation;
} tls_wish;

typedef struct tls_client {
    SSL_CTX *context;
    SSL *ssl;
    int fd;
    long verified; /* X509_V_…, once connected or refused */
} tls_client;

/* Certificates of all tests of a suite: fixtures that run once. */
extern ts_certs *tls_certs;
void tls_make_certs(void);
void tls_free_certs(void);

/* Connects and completes a handshake; false when that fails: tls_reason says why. Waits SOON_MS at
 * most. To be closed in either case. */
bool tls_connect(tls_client *c, const ts_address *address, tls_wish *wish);
/* The first half: connected, without a handshake. */
void tls_open(tls_client *c, const ts_address *address, tls_wish *wish);
void tls_close(tls_client *c);
/* The reason code of the first error since, such as SSL_R_WRONG_VERSION_NUMBER. */
int tls_reason(void);

/* Sends PING `count` times in one record; reads exactly so many answers. */
void tls_ping(tls_client *c, int count);
void tls_read_pongs(tls_client *c, int count);
enum { PING_SIZE = 14, PONG_SIZE = 7 };

#endif
