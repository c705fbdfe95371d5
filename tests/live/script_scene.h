/* Where tests of script calls begin: a server, a client, and two scripts; with what they ask again and again. */
#ifndef LIVE_SCRIPT_SCENE_H
#define LIVE_SCRIPT_SCENE_H

#include "callee.h"

extern struct rig rig;
extern vouch_client *client;
extern vouch_error error;
extern vouch_call *call;           /* of run, last */
extern vouch_script *incr, *plain; /* the first may answer with errors of its own, the other not */

#define expect(status, want)                                                                       \
    do {                                                                                           \
        vouch_status got = (status);                                                               \
        ck_assert_msg(got == (want), "%s: %s", vouch_status_name(got), error.message);             \
    } while (0)

/* Fixtures. */
void begin_redis(void);
void begin_valkey(void);
void end(void);

/* SCRIPT FLUSH. */
void flush(void);
/* The number under the key; 0: there is none. */
int64_t get(const char *key);
vouch_status run(const vouch_script *s, const char *key, int argument, const vouch_call_options *o);
/* The number that it returned. */
int64_t answer(void);

#endif
