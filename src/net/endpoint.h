/* net/endpoint.h: where a server is, and the addresses that stand for it. */
#ifndef NET_ENDPOINT_H
#define NET_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENDPOINT_HOST_MAX 256
#define ENDPOINT_PATH_MAX 108 /* sun_path */
/* Room for "host:port" or "unix:path". */
#define ENDPOINT_TEXT_MAX (ENDPOINT_HOST_MAX + 16)
/* Addresses of one host that are tried; what the resolver has beyond is left out. */
#define ENDPOINT_ADDRESSES_MAX 16
#define ENDPOINT_ADDRESS_BYTES 128 /* a struct sockaddr_storage */

struct endpoint {
    bool local;                   /* a Unix socket */
    bool tls;                     /* speaks TLS */
    char host[ENDPOINT_HOST_MAX]; /* name or address, without brackets; or the socket's path */
    uint16_t port;
};

struct endpoint_address {
    int family;
    uint32_t size;
    union {
        char bytes[ENDPOINT_ADDRESS_BYTES];
        uint64_t align;
    } address;
};

struct endpoint_addresses {
    struct endpoint_address v[ENDPOINT_ADDRESSES_MAX];
    size_t n;
};

/* "127.0.0.1:6379", "[::1]:6379", "unix:/run/redis.sock" */
void endpoint_text(const struct endpoint *e, char out[static ENDPOINT_TEXT_MAX]);

/* The address itself, if the host is a numeric one or a socket's path: blocks never. False if it is
 * a name, which a resolver has to look up. */
bool endpoint_numeric(const struct endpoint *e, struct endpoint_addresses *out);

/* Asks the system's resolver, which may block for long. False, with its words in `why`, when there is
 * no address. */
bool endpoint_resolve(const struct endpoint *e, struct endpoint_addresses *out, char *why,
                      size_t why_size);

#endif
