/* A batch's commands read back from their encoding: only looked at when something goes wrong or has
 * to be routed, so that adding a command stores nothing but its bytes and its end. Pure. */
#include "base/number.h"
#include "command/batch.h"
#include "command/keys.h"

#include <string.h>

/* Our own encoding, so it is well-formed: "$<n>\r\n". */
static const char *read_header(const char *p, size_t *n)
{
    size_t value = 0;
    for (p++; *p != '\r'; p++)
        value = value * 10 + (size_t)(*p - '0');
    *n = value;
    return p + 2;
}

struct batch_words batch_words(const struct vouch_batch *b, size_t i)
{
    struct batch_words w = {0};
    const char *p = read_header(b->bytes + batch_begin_of(b, i), &w.count);
    w.name = read_header(p, &w.name_size);
    if (w.count > 1)
        w.sub = read_header(w.name + w.name_size + 2, &w.sub_size);
    return w;
}

const struct command *batch_command(const struct vouch_batch *b, size_t i)
{
    struct batch_words w = batch_words(b, i);
    return command_find(w.name, w.name_size, w.sub, w.sub_size);
}

size_t batch_argv(const struct vouch_batch *b, size_t i, const char **argv, size_t *lengths,
                  size_t max)
{
    size_t count = 0;
    const char *p = read_header(b->bytes + batch_begin_of(b, i), &count);
    for (size_t k = 0; k < count && k < max; k++) {
        argv[k] = read_header(p, &lengths[k]);
        p = argv[k] + lengths[k] + 2;
    }
    return count;
}

/* Words that are looked at for a key: more than any command has before its first one, but for the
 * keyword searches, which then count as unknown. */
#define WORDS_LOOKED_AT 64

bool batch_first_key(const struct vouch_batch *b, size_t i, const char **key, size_t *size)
{
    const char *argv[WORDS_LOOKED_AT];
    size_t lengths[WORDS_LOOKED_AT], index = 0;
    size_t count = batch_argv(b, i, argv, lengths, WORDS_LOOKED_AT);
    if (count > WORDS_LOOKED_AT)
        count = WORDS_LOOKED_AT;
    if (command_first_key(batch_command(b, i), count, argv, lengths, &index) != KEYS_OK)
        return false;
    *key = argv[index];
    *size = lengths[index];
    return true;
}
