/* A socket that listens, and whose queue is full: nobody is ever connected to it again. */
#ifndef LIVE_HOLE_H
#define LIVE_HOLE_H

#include "address.h"
#include "temp.h"

#define HOLE_FILLERS 4

struct hole {
    ts_address address;
    char folder[TS_TEMP_MAX];
    int listener, fillers[HOLE_FILLERS];
};

/* On TCP who connects waits; on a Unix socket he is refused at once. */
struct hole hole_dig(ts_transport transport);
void hole_close(struct hole *hole);

#endif
