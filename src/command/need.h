/* command/need.h: what must be on the server before a command runs, such as a script. Made by the
 * module that knows what it is; batches carry it, lanes send it ahead, connections remember it. */
#ifndef COMMAND_NEED_H
#define COMMAND_NEED_H

#include <stddef.h>
#include <stdint.h>

struct need {
    uint64_t digest;  /* identifies it on a connection */
    const char *load; /* one whole encoded command that puts it there */
    size_t load_size;
    const char *missing; /* the error line, without '-' and CRLF, that says it is not there */
};

#endif
