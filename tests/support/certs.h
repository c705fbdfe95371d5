#ifndef TS_CERTS_H
#define TS_CERTS_H

#include "temp.h"

/* Certificates to test TLS with, made when the program runs: none can expire in a repository, and no
 * key is kept in one. All keys are of their own, on P-256, which takes a few milliseconds. */

typedef enum ts_cert {
    TS_CERT_AUTHORITY,       /* signs all but those that say otherwise */
    TS_CERT_OTHER_AUTHORITY, /* nobody trusts it */
    TS_CERT_SERVER,          /* for localhost, 127.0.0.1 and ::1; of today */
    TS_CERT_SERVER_CHAINED, /* the same, signed by an authority between, which its file holds too */
    TS_CERT_SERVER_NAMED,   /* for TS_CERT_NAME alone: a wrong name for any address here */
    TS_CERT_SERVER_EXPIRED, /* until yesterday */
    TS_CERT_SERVER_FUTURE,  /* from tomorrow on */
    TS_CERT_SERVER_FOREIGN, /* good, signed by the other authority */
    TS_CERT_SERVER_SELF,    /* good, signed by itself */
    TS_CERT_CLIENT,
    TS_CERT_CLIENT_CHAINED,
    TS_CERT_CLIENT_FOREIGN, /* signed by the other authority */
    TS_CERT_COUNT
} ts_cert;

#define TS_CERT_NAME     "elsewhere.test"
#define TS_CERT_PASSWORD "ts-secret" /* of the encrypted key */

enum { TS_CERT_PATH_MAX = TS_TEMP_MAX + 32 };

typedef struct ts_certs ts_certs;

/* Makes all of them, as PEM files in a fresh folder; ends the program when it cannot. One set is
 * enough for a program: the files do not change. */
ts_certs *ts_certs_make(void);
/* Removes the folder. NULL is allowed. */
void ts_certs_free(ts_certs *certs);

/* Where a certificate is, with its chain, and its key. Valid as long as the set. */
const char *ts_cert_file(const ts_certs *certs, ts_cert which);
const char *ts_cert_key_file(const ts_certs *certs, ts_cert which);
/* The key of TS_CERT_CLIENT, encrypted with TS_CERT_PASSWORD. */
const char *ts_cert_encrypted_key_file(const ts_certs *certs);

#endif
