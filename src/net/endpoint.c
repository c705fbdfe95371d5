/* Addresses of servers. With the resolver's thread the only code that calls getaddrinfo. */
#include "net/endpoint.h"

#include "base/error.h"

#include <assert.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

_Static_assert(sizeof(struct sockaddr_storage) <= ENDPOINT_ADDRESS_BYTES, "room for any address");
_Static_assert(sizeof(((struct sockaddr_un *)0)->sun_path) <= ENDPOINT_PATH_MAX, "sun_path");

void endpoint_text(const struct endpoint *e, char out[static ENDPOINT_TEXT_MAX])
{
    const char *format = e->local ? "unix:%s" : strchr(e->host, ':') ? "[%s]:%u" : "%s:%u";
    (void)snprintf(out, ENDPOINT_TEXT_MAX, format, e->host, (unsigned)e->port);
}

static void local_address(const struct endpoint *e, struct endpoint_addresses *out)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    size_t n = strlen(e->host);
    assert(n < sizeof a.sun_path);
    memcpy(a.sun_path, e->host, n + 1);
    out->n = 1;
    out->v[0].family = AF_UNIX;
    out->v[0].size = sizeof a;
    memcpy(out->v[0].address.bytes, &a, sizeof a);
}

/* What getaddrinfo returned. */
static int look_up(const struct endpoint *e, int flags, struct endpoint_addresses *out)
{
    char port[8];
    struct addrinfo *list = NULL;
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | flags};
    (void)snprintf(port, sizeof port, "%u", (unsigned)e->port);
    out->n = 0;
    int result = getaddrinfo(e->host, port, &hints, &list);
    if (result != 0)
        return result;
    for (const struct addrinfo *i = list; i && out->n < ENDPOINT_ADDRESSES_MAX; i = i->ai_next) {
        if (i->ai_addrlen > ENDPOINT_ADDRESS_BYTES)
            continue;
        struct endpoint_address *a = &out->v[out->n++];
        a->family = i->ai_family;
        a->size = (uint32_t)i->ai_addrlen;
        memcpy(a->address.bytes, i->ai_addr, i->ai_addrlen);
    }
    freeaddrinfo(list);
    return 0;
}

bool endpoint_numeric(const struct endpoint *e, struct endpoint_addresses *out)
{
    if (e->local) {
        local_address(e, out);
        return true;
    }
    return look_up(e, AI_NUMERICHOST, out) == 0 && out->n > 0;
}

bool endpoint_resolve(const struct endpoint *e, struct endpoint_addresses *out, char *why,
                      size_t why_size)
{
    int result = look_up(e, 0, out);
    const char *words = result ? gai_strerror(result) : "the name has no address";
    if (out->n > 0)
        return true;
    error_escape(why, why_size, words, strlen(words));
    return false;
}
