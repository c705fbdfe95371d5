/* stream/dead_letter.h: dead letters as they are written by scripts/lua/stream/part/dead_letter.lua. */
#ifndef STREAM_DEAD_LETTER_H
#define STREAM_DEAD_LETTER_H

#include "command/reply.h"

#include <vouch/dead_letter.h>

/* An entry, as XRANGE answers it, taken apart; *own is what out->fields may point to. False if it is no entry. */
bool dead_letter_read(const vouch_reply *entry, vouch_dead_letter *out, struct vouch_reply *own);

/* The key of the dead letters, and ids of them, each "ms-sequence": as the public calls are given them. */
vouch_status dead_letter_check(const char *dead_letter, const char *const *ids, size_t n,
                               vouch_error *error);

#endif
