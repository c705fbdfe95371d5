/* A wrong port is a common mistake, and what answers there usually says its name. May call: base. */
#include "net/stranger.h"

#include "base/error.h"

#include <stdio.h>
#include <string.h>

/* Bytes that are shown, before they are escaped. */
#define SHOWN 24

struct kind {
    const char *name;
    size_t at, size; /* where the bytes stand that give it away */
    const char *bytes;
};

static const struct kind kinds[] = {
    {"an HTTP server", 0, 5, "HTTP/"},         {"an SSH server", 0, 4, "SSH-"},
    {"an SMTP or FTP server", 0, 3, "220"},    {"an IMAP server", 0, 4, "* OK"},
    {"a memcached server", 0, 7, "ERROR\r\n"}, {"an AMQP server", 0, 4, "AMQP"},
    {"a MySQL server", 3, 2, "\x00\x0a"}, /* a packet's number, and the protocol's */
    {"a TLS server", 0, 2, "\x15\x03"},   /* an alert, of version 3.x */
};

static const struct kind *find(const char *bytes, size_t n)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (n >= kinds[i].at + kinds[i].size &&
            memcmp(bytes + kinds[i].at, kinds[i].bytes, kinds[i].size) == 0)
            return &kinds[i];
    return NULL;
}

bool stranger_describe(const char *bytes, size_t n, const char *fault, char *out, size_t room)
{
    char shown[4 * SHOWN + 1];
    const struct kind *kind = find(bytes, n);
    error_escape(shown, sizeof shown, bytes, n < SHOWN ? n : SHOWN);
    if (!kind)
        (void)snprintf(out, room, "no Redis or Valkey server (%s): it begins with \"%s\"", fault,
                       shown);
    else if (bytes[0] == '\x15')
        (void)snprintf(out, room, "the server wants TLS: use rediss://, or its plain port");
    else
        (void)snprintf(out, room, "%s, no Redis or Valkey: it begins with \"%s\"; check the port",
                       kind->name, shown);
    return kind != NULL;
}
