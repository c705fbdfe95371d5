#ifndef TS_SCRIPT_PARTS_H
#define TS_SCRIPT_PARTS_H

#include "buffer.h"
#include "script.h"
#include "temp.h"

#include <pthread.h>

/* The inside of the scripted server, shared by script.c (what tests call, and accepting) and
 * script_player.c (playing on one connection). */

/* One connection. What stands below the line is guarded by the script's lock; the rest belongs to
 * the player's thread. */
typedef struct player {
    ts_script *script;
    int index;
    int fd; /* -1 once closed */
    pthread_t thread;
    const ts_step *steps; /* NULL: answered by the responder, or unexpected */
    ts_buffer input;      /* received, not taken by a step yet */
    ts_responder_state state;
    int64_t deadline; /* of the step in progress */
    /* ---- */
    ts_buffer record; /* all that was received */
    bool paused;
    int resumes; /* told to go on, not used up by a pause yet */
    bool done;
    char difference[512]; /* the first one; empty: none */
} player;

struct ts_script {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_mutex_t responding; /* held while the caller's responder runs */
    ts_script_options options;
    char folder[TS_TEMP_MAX];
    ts_address address;
    int listener;
    int stop_fd; /* readable for ever once the script is to end */
    pthread_t thread;
    /* Guarded by the lock: */
    bool stopping;
    player **players;
    size_t count;
};

void *player_thread(void *player);

#endif
