/* net/stranger.h: servers that are neither Redis nor Valkey, known by how they begin. Pure. */
#ifndef NET_STRANGER_H
#define NET_STRANGER_H

#include <stdbool.h>
#include <stddef.h>

/* Says in `out` what the first bytes of a connection look like, with a few of them, for a person who
 * has to find out what is listening there. True if it is known which kind of server it is: then
 * asking again is of no use. `fault` is what the reader says. */
bool stranger_describe(const char *bytes, size_t n, const char *fault, char *out, size_t room);

#endif
