/* Connection URLs. Pure. The grammar:
 *
 *     redis://[[user]:password@]host[:port][/db][?name=value&…]      rediss:// the same, with TLS
 *     unix://[[user]:password@]/path[?name=value&…]
 *
 * The user part ends at the last '@' before the path, so that a password may contain one. */
#include "client/url.h"

#include <string.h>

static struct url_text part(const char *from, const char *to)
{
    return (struct url_text){from, (size_t)(to - from)};
}

static const char *find(const char *from, const char *to, char c)
{
    const char *p = from < to ? memchr(from, c, (size_t)(to - from)) : NULL;
    return p ? p : to;
}

static const char *find_last(const char *from, const char *to, char c)
{
    for (const char *p = to; p-- > from;)
        if (*p == c)
            return p;
    return NULL;
}

static const char *split_options(const char *at, const char *end, struct url *out)
{
    while (at < end) {
        const char *stop = find(at, end, '&'), *equals = find(at, stop, '=');
        if (equals == stop)
            return "an option without '=' (in a password '?' is written %3F)";
        if (out->option_count == URL_OPTIONS_MAX)
            return "more than 16 options";
        out->options[out->option_count].name = part(at, equals);
        out->options[out->option_count++].value = part(equals + 1, stop);
        at = stop < end ? stop + 1 : end;
    }
    return NULL;
}

static const char *split_user(const char *at, const char *end, struct url *out)
{
    const char *colon = find(at, end, ':');
    if (colon == end)
        return "a user without ':' and a password";
    if (colon > at)
        out->user = part(at, colon);
    out->password = part(colon + 1, end);
    return NULL;
}

static const char *split_host(const char *at, const char *end, struct url *out)
{
    const char *host_end;
    if (at < end && *at == '[') {
        host_end = find(at, end, ']');
        if (host_end == end)
            return "a '[' without its ']'";
        out->host = part(at + 1, host_end);
        host_end++;
        if (host_end < end && *host_end != ':')
            return "something other than ':' and a port after ']'";
    } else {
        host_end = find(at, end, ':');
        out->host = part(at, host_end);
        if (host_end < end && find(host_end + 1, end, ':') != end)
            return "an IPv6 address without brackets, or two ports";
    }
    if (out->host.n == 0)
        return "no host";
    if (host_end < end)
        out->port = part(host_end + 1, end);
    return NULL;
}

/* What follows the scheme; NULL if it is none of ours. */
static const char *split_scheme(const char *text, struct url *out)
{
    static const char redis[] = "redis://", tls[] = "rediss://", local[] = "unix://";
    if (strncmp(text, redis, sizeof redis - 1) == 0)
        return text + sizeof redis - 1;
    out->tls = strncmp(text, tls, sizeof tls - 1) == 0;
    if (out->tls)
        return text + sizeof tls - 1;
    out->local = strncmp(text, local, sizeof local - 1) == 0;
    return out->local ? text + sizeof local - 1 : NULL;
}

const char *url_split(const char *text, struct url *out)
{
    memset(out, 0, sizeof *out);
    size_t n = strnlen(text, URL_MAX + 1);
    if (n > URL_MAX)
        return "longer than 4096 bytes";
    const char *at = split_scheme(text, out), *end = text + n;
    if (!at)
        return "it begins with none of redis://, rediss://, unix://";
    const char *options = find(at, end, '?');
    const char *fault = options < end ? split_options(options + 1, end, out) : NULL;
    if (fault)
        return fault;
    /* A user part ends at the last '@' of what comes before the path. A socket's path may contain
     * '@', so with unix:// there is a user part only if the path does not begin at once. */
    const char *limit = options;
    if (!out->local)
        limit = find(at, options, '/');
    if (!out->local && find(limit, end, '@') < options)
        return "an '@' behind the host: in a user or password '/' is written %2F";
    const char *sign = out->local && at < options && *at == '/' ? NULL : find_last(at, limit, '@');
    if (sign) {
        fault = split_user(at, sign, out);
        if (fault)
            return fault;
        at = sign + 1;
    }
    if (out->local) {
        if (at == options || *at != '/')
            return "no path of a socket, which begins with '/'";
        out->path = part(at, options);
        return NULL;
    }
    const char *slash = find(at, options, '/');
    if (slash < options)
        out->path = part(slash + 1, options);
    return split_host(at, slash, out);
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

const char *url_decode(struct url_text in, char *out, size_t room)
{
    size_t n = 0;
    for (size_t i = 0; i < in.n; i++) {
        char c = in.at[i];
        if (c == '%') {
            int high = i + 2 < in.n ? hex(in.at[i + 1]) : -1;
            int low = i + 2 < in.n ? hex(in.at[i + 2]) : -1;
            if (high < 0 || low < 0)
                return "'%' that is not followed by two hexadecimal digits";
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (c == 0)
            return "a NUL byte (%00)";
        if (n + 1 >= room)
            return "too long";
        out[n++] = c;
    }
    out[n] = 0;
    return NULL;
}
