/* Every way in which a script or function can be called, each with a counter of its own on the server; and
 * the round trips that each takes while what it calls is there, and when it is gone. */
#ifndef LIVE_WAYS_H
#define LIVE_WAYS_H

#include "callee.h"

#define WAYS 17

struct ways {
    struct rig rig;
    ts_server *serving; /* the one that the client is served by */
    vouch_client *client;
    vouch_error error;
    struct callee callees[WAYS];
    int64_t counted[WAYS]; /* what each way's counter must be */
    unsigned days;
};

/* What becomes of what is called. */
enum ways_gone {
    WAYS_STILL_THERE,
    WAYS_THERE_ON_A_NEW_CONNECTION,
    WAYS_BEHIND_ITS_BACK,    /* gone, and the connection stays */
    WAYS_ON_A_NEW_CONNECTION /* gone, and the connection too */
};

/* On a server of these options: scripts, or functions of libraries. */
void ways_begin(struct ways *g, const ts_server_options *so, bool functions, uint32_t protocol);
void ways_end(struct ways *g);
/* The client's next connections lead there. */
void ways_serve_by(struct ways *g, ts_server *server);
/* Waits until the proxy has none left. */
void ways_connections_end(struct ways *g);
/* Waits until all that was written on the one is on the other. */
void ways_copied(const ts_server *from, const ts_server *to);
/* All ways once, as it was before; then `happens`, and all ways again: as often as each should, with the
 * round trips that it should take. */
void ways_live_through(struct ways *g, void (*happens)(void), enum ways_gone gone, bool data_stays);

#endif
