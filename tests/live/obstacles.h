/* Why a server does not run for now what it is asked to: each put in its way, and taken out of it again. */
#ifndef LIVE_OBSTACLES_H
#define LIVE_OBSTACLES_H

#include "rig.h"

struct obstacle {
    const char *code;
    void (*set)(bool begin);
    bool reads; /* it refuses those that only read, too */
};

#define OBSTACLES 9

extern const struct obstacle obstacles[];

/* What a server must be started with. */
void obstacles_options(ts_server_options *options);
/* Whose way they are put in. */
void obstacles_on(ts_server *server);

/* Two that are special. */
void obstacle_masterdown(bool begin); /* writers are told READONLY */
void obstacle_loading(bool begin);    /* begins with a restart */
void obstacle_busy_script(bool begin);
void obstacle_busy_function(bool begin);

/* Starts what holds the server: EVAL or FCALL of this, without keys. */
void obstacle_hold(const char *command, const char *what);
void obstacle_wait_busy(bool busy);
/* Closes the connection on which it runs, or ran. */
void obstacle_end(void);

#endif
