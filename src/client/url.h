/* client/url.h: the parts of a connection URL. */
#ifndef CLIENT_URL_H
#define CLIENT_URL_H

#include <stdbool.h>
#include <stddef.h>

struct url_text {
    const char *at; /* NULL: not there */
    size_t n;
};

#define URL_OPTIONS_MAX 16
/* The longest URL. */
#define URL_MAX ((size_t)4096)

struct url {
    bool local;                                       /* unix:// */
    bool tls;                                         /* rediss:// */
    struct url_text user, password, host, port, path; /* %XX still in place; the path of unix://, or
                                                         what follows the host's '/' */
    struct {
        struct url_text name, value;
    } options[URL_OPTIONS_MAX];
    size_t option_count;
};

/* Splits; everything points into `text`. NULL, or what is wrong (static), without any of the URL's
 * own words, since a password may be among them. */
const char *url_split(const char *text, struct url *out);

/* Decodes %XX into `out`, NUL-terminated. NULL, or what is wrong (static). */
const char *url_decode(struct url_text part, char *out, size_t room);

#endif
