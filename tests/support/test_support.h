#ifndef TEST_SUPPORT_H
#define TEST_SUPPORT_H

#include "address.h"
#include "proxy.h"

#include <check.h>
#include <stddef.h>

/* Shared by the tests of the test support. */

enum { SOON_MS = 10000 }; /* how long a test may wait for what must happen */
int64_t soon(void);

/* Both ends of a proxied connection in one hand: a client, the proxy, and the server's end. */
typedef struct pair {
    ts_proxy *proxy;
    ts_address upstream;
    int listener;
    int client;
    int server; /* -1 until accepted */
    char folder[128];
} pair;

/* Starts a proxy with an upstream of the test's own. */
void pair_start(pair *p, ts_transport transport);
/* Connects through it, as connection `index`, under this plan (NULL: none), and accepts. */
void pair_connect(pair *p, int index, const ts_plan *plan);
/* The same without accepting: for plans under which nothing arrives. */
void pair_connect_only(pair *p, int index, const ts_plan *plan);
void pair_disconnect(pair *p);
void pair_stop(pair *p);

void write_all(int fd, const char *bytes, size_t length);
/* Reads one chunk, at most `size` bytes: 0 at the end, -1 at a reset; fails when nothing comes. */
long read_chunk(int fd, char *bytes, size_t size);
/* Reads exactly these bytes. */
void read_exactly(int fd, const char *bytes, size_t length);
/* Reads exactly these bytes and then the end: 0 orderly, -1 a reset. */
int read_exactly_to_end(int fd, const char *bytes, size_t length);
/* Whether nothing has arrived; only meaningful after a wait that orders it. */
bool nothing_to_read(int fd);

Suite *base_suite(void);
Suite *proxy_suite(void);
Suite *faults_suite(void);
Suite *script_suite(void);
Suite *server_suite(void);
Suite *truth_suite(void);
Suite *tls_suite(void);
Suite *tls_peer_suite(void);

#endif
