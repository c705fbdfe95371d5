/* stream/effects.h: whether a command may be an effect of an entry, and what has to be known of it. Pure. */
#ifndef STREAM_EFFECTS_H
#define STREAM_EFFECTS_H

#include "command/batch.h"
#include "command/keys.h"

/* One effect's words and the positions of its keys, decoded; memory that the next one uses again. */
struct effect_room {
    const char **argv;
    size_t *lengths;
    size_t argv_capacity, lengths_capacity;
    size_t argc;
    struct key_position *keys;
    size_t key_capacity;
    size_t key_count;
    const struct command *command;
};

/* Reads command i of the batch. VOUCH_EINVAL and VOUCH_ELIMIT with the reason, VOUCH_ENOMEM. */
vouch_status effect_read(struct effect_room *room, const struct vouch_batch *batch, size_t i,
                         vouch_error *error);
void effect_room_release(struct effect_room *room);

/* The type that the key in a command's second word must have, lest it be answered WRONGTYPE; "" if it takes
 * any, overwrites any, or has no key there. */
const char *effect_type(const struct command *command);
enum { EFFECT_TYPE_MAX = sizeof "string" - 1 };

#endif
