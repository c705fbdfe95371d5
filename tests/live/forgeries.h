/* Scripts, most of which try to answer with the very line by which a server says that it does not have the
 * script; with what arrives on the wire and what the scan of the source must say. */
#ifndef LIVE_FORGERIES_H
#define LIVE_FORGERIES_H

#include <stdbool.h>
#include <stddef.h>

/* Stands in the sources for the server's line. */
#define FORGERY_LINE "@LINE"

enum forgery_wire {
    WIRE_NEVER, /* no server shows exactly the line */
    WIRE_LINE,  /* every server does */
    WIRE_SOME,  /* it depends on the server */
};

struct forgery {
    enum forgery_wire wire;
    bool can; /* what script_can_forge must say */
    const char *
        source; /* of a script; or of a library with a function f, if it begins with "#!lua name=" */
};

extern const struct forgery forgeries[];
extern const size_t forgery_count;

#endif
