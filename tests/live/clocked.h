/* A server whose clock can be stepped while it runs. */
#ifndef LIVE_CLOCKED_H
#define LIVE_CLOCKED_H

#include "rig.h"

/* Needs a folder of the test's, for as long as the server lives; its clock is right at first. */
struct rig clocked_rig(ts_server_kind kind, ts_persistence persistence, const char *folder);
/* Its clock is so far ahead of the real one from now on. */
void clocked_set(const char *folder, int64_t ms);

#endif
