/* command/encode.h: RESP arrays of bulk strings, the one form in which vouch sends commands. */
#ifndef COMMAND_ENCODE_H
#define COMMAND_ENCODE_H

#include "base/number.h"

#include <string.h>

/* The most bytes that the header of a command or of an argument takes: a type, 20 digits, CRLF. */
#define ENCODE_HEADER_MAX ((size_t)24)

static inline char *encode_header(char *out, char type, size_t n)
{
    *out++ = type;
    if (n < 10) {
        *out++ = (char)('0' + n);
    } else if (n < 100) {
        *out++ = (char)('0' + n / 10);
        *out++ = (char)('0' + n % 10);
    } else {
        out += number_write_u64(out, n);
    }
    *out++ = '\r';
    *out++ = '\n';
    return out;
}

/* One argument; `out` has room for n + 2 * ENCODE_HEADER_MAX. */
static inline char *encode_argument(char *out, const char *bytes, size_t n)
{
    out = encode_header(out, '$', n);
    memcpy(out, bytes, n);
    out += n;
    *out++ = '\r';
    *out++ = '\n';
    return out;
}

#endif
