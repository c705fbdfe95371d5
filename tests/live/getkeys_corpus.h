/* What a line of getkeys_corpus.inc is. Who includes that says what a line becomes on which servers
 * and the right answer differ: GETKEYS_DISAGREES(servers, result, words, keys, theirs, their_keys,
 * reason). */
#ifndef LIVE_GETKEYS_CORPUS_H
#define LIVE_GETKEYS_CORPUS_H

#include "command/keys.h"

#define WORDS_MAX 16
#define KEYS_MAX  8

/* Both lists end with NULL. */
struct line {
    unsigned servers;
    enum keys_result result;
    const char *words[WORDS_MAX];
    const char *keys[KEYS_MAX];
};

/* clang-format off */
#define WORDS(...) {__VA_ARGS__, NULL}
#define KEYS(...)  {__VA_ARGS__}
#define GETKEYS_CASE(servers, result, words, keys) \
    {servers, result, words, keys},
/* clang-format on */

#endif
