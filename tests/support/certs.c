/* The certificates of a test, with OpenSSL's library: see certs.h. */
#include "certs.h"

#include "base.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { DAY_S = 24 * 60 * 60, MADE = TS_CERT_COUNT + 1, BETWEEN = TS_CERT_COUNT };

/* What a certificate is to say. BETWEEN, the authority in the middle of a chain, has no file. */
struct recipe {
    const char *file, *name, *usage;
    const char *alternatives; /* subjectAltName */
    int issuer, from_days, to_days;
};

static const char here[] = "DNS:localhost,IP:127.0.0.1,IP:::1";
static const char there[] = "DNS:" TS_CERT_NAME;

static const struct recipe recipes[MADE] = {
    [TS_CERT_AUTHORITY] = {"ca", "Test authority", NULL, NULL, TS_CERT_AUTHORITY, -2, 2},
    [TS_CERT_OTHER_AUTHORITY] = {"other-ca", "Other authority", NULL, NULL, TS_CERT_OTHER_AUTHORITY,
                                 -2, 2},
    [BETWEEN] = {NULL, "Test authority between", NULL, NULL, TS_CERT_AUTHORITY, -2, 2},
    [TS_CERT_SERVER] = {"server", "server", "serverAuth", here, TS_CERT_AUTHORITY, -1, 1},
    [TS_CERT_SERVER_CHAINED] = {"chained", "server", "serverAuth", here, BETWEEN, -1, 1},
    [TS_CERT_SERVER_NAMED] = {"named", "server", "serverAuth", there, TS_CERT_AUTHORITY, -1, 1},
    [TS_CERT_SERVER_EXPIRED] = {"expired", "server", "serverAuth", here, TS_CERT_AUTHORITY, -2, -1},
    [TS_CERT_SERVER_FUTURE] = {"future", "server", "serverAuth", here, TS_CERT_AUTHORITY, 1, 2},
    [TS_CERT_SERVER_FOREIGN] = {"foreign", "server", "serverAuth", here, TS_CERT_OTHER_AUTHORITY,
                                -1, 1},
    [TS_CERT_SERVER_SELF] = {"self", "server", "serverAuth", here, TS_CERT_SERVER_SELF, -1, 1},
    [TS_CERT_CLIENT] = {"client", "client", "clientAuth", NULL, TS_CERT_AUTHORITY, -1, 1},
    [TS_CERT_CLIENT_CHAINED] = {"client-chained", "client", "clientAuth", NULL, BETWEEN, -1, 1},
    [TS_CERT_CLIENT_FOREIGN] = {"client-foreign", "client", "clientAuth", NULL,
                                TS_CERT_OTHER_AUTHORITY, -1, 1},
};

struct ts_certs {
    char folder[TS_TEMP_MAX];
    char cert[TS_CERT_COUNT][TS_CERT_PATH_MAX];
    char key[TS_CERT_COUNT][TS_CERT_PATH_MAX];
    char encrypted[TS_CERT_PATH_MAX];
};

/* A certificate in the making: what signing needs. */
struct pair {
    X509 *cert;
    EVP_PKEY *key;
};

static void must(bool ok, const char *what)
{
    if (!ok)
        ts_die("certificates: %s: %s", what, ERR_reason_error_string(ERR_peek_last_error()));
}

static EVP_PKEY *new_key(void)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, NULL);
    must(context && EVP_PKEY_keygen_init(context) == 1 &&
             EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1) == 1 &&
             EVP_PKEY_keygen(context, &key) == 1,
         "a key");
    EVP_PKEY_CTX_free(context);
    return key;
}

static void add_extension(X509 *cert, X509 *issuer, int kind, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    must(extension && X509_add_ext(cert, extension, -1) == 1, value);
    X509_EXTENSION_free(extension);
}

static void add_extensions(X509 *cert, X509 *issuer, const struct recipe *r)
{
    add_extension(cert, issuer, NID_basic_constraints,
                  r->usage ? "critical,CA:FALSE" : "critical,CA:TRUE");
    add_extension(cert, issuer, NID_key_usage,
                  r->usage ? "critical,digitalSignature" : "critical,keyCertSign,cRLSign");
    add_extension(cert, issuer, NID_subject_key_identifier, "hash");
    add_extension(cert, issuer, NID_authority_key_identifier, "keyid");
    if (r->usage)
        add_extension(cert, issuer, NID_ext_key_usage, r->usage);
    if (r->alternatives)
        add_extension(cert, issuer, NID_subject_alt_name, r->alternatives);
}

static void make_one(struct pair made[MADE], int which)
{
    const struct recipe *r = &recipes[which];
    struct pair *p = &made[which];
    p->key = new_key();
    p->cert = X509_new();
    must(p->cert && X509_set_version(p->cert, 2) == 1 && X509_set_pubkey(p->cert, p->key) == 1 &&
             ASN1_INTEGER_set(X509_get_serialNumber(p->cert), which + 1) == 1,
         "a certificate");
    X509_gmtime_adj(X509_getm_notBefore(p->cert), (long)r->from_days * DAY_S);
    X509_gmtime_adj(X509_getm_notAfter(p->cert), (long)r->to_days * DAY_S);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(p->cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)r->name, -1, -1, 0);
    const struct pair *issuer = &made[r->issuer];
    must(X509_set_issuer_name(p->cert, X509_get_subject_name(issuer->cert)) == 1, r->name);
    add_extensions(p->cert, issuer->cert, r);
    must(X509_sign(p->cert, issuer->key, EVP_sha256()) > 0, "a signature");
}

static FILE *create(const ts_certs *certs, const char *name, const char *suffix,
                    char path[TS_CERT_PATH_MAX])
{
    snprintf(path, TS_CERT_PATH_MAX, "%s/%s%s", certs->folder, name, suffix);
    FILE *file = fopen(path, "we");
    if (!file)
        ts_die("cannot write %s", path);
    return file;
}

static void close_file(FILE *file)
{
    if (fclose(file) != 0)
        ts_die("cannot write certificates");
}

static void write_one(ts_certs *certs, const struct pair made[MADE], ts_cert which)
{
    const struct recipe *r = &recipes[which];
    FILE *file = create(certs, r->file, ".pem", certs->cert[which]);
    must(PEM_write_X509(file, made[which].cert) == 1, r->file);
    if (r->issuer == BETWEEN)
        must(PEM_write_X509(file, made[BETWEEN].cert) == 1, r->file);
    close_file(file);
    file = create(certs, r->file, ".key", certs->key[which]);
    must(PEM_write_PrivateKey(file, made[which].key, NULL, NULL, 0, NULL, NULL) == 1, r->file);
    close_file(file);
}

static void write_encrypted(ts_certs *certs, EVP_PKEY *key)
{
    FILE *file = create(certs, "encrypted", ".key", certs->encrypted);
    char password[] = TS_CERT_PASSWORD;
    must(PEM_write_PKCS8PrivateKey(file, key, EVP_aes_128_cbc(), password, sizeof password - 1,
                                   NULL, NULL) == 1,
         "the encrypted key");
    close_file(file);
}

ts_certs *ts_certs_make(void)
{
    struct pair made[MADE] = {{NULL, NULL}};
    ts_certs *certs = ts_alloc(sizeof *certs);
    ts_temp_make(certs->folder);
    /* Issuers before what they sign. */
    make_one(made, TS_CERT_AUTHORITY);
    make_one(made, BETWEEN);
    for (int i = TS_CERT_AUTHORITY + 1; i < TS_CERT_COUNT; i++)
        make_one(made, i);
    for (int i = 0; i < TS_CERT_COUNT; i++)
        write_one(certs, made, (ts_cert)i);
    write_encrypted(certs, made[TS_CERT_CLIENT].key);
    for (size_t i = 0; i < MADE; i++) {
        X509_free(made[i].cert);
        EVP_PKEY_free(made[i].key);
    }
    return certs;
}

void ts_certs_free(ts_certs *certs)
{
    if (!certs)
        return;
    ts_temp_remove(certs->folder);
    free(certs);
}

const char *ts_cert_file(const ts_certs *certs, ts_cert which)
{
    return certs->cert[which];
}

const char *ts_cert_key_file(const ts_certs *certs, ts_cert which)
{
    return certs->key[which];
}

const char *ts_cert_encrypted_key_file(const ts_certs *certs)
{
    return certs->encrypted;
}
