/* What a batch of one command says, and why it refuses one. */
#ifndef UNIT_STREAM_WORDS_H
#define UNIT_STREAM_WORDS_H

#include "command/batch.h"
#include "stream/producer.h"
#include "suite.h"

#include <check.h>
#include <string.h>

static vouch_error error;

/* Command 0 of a batch as one text, its words by spaces; the script's digest as "SHA". */
static inline const char *words_of(const vouch_batch *b)
{
    static char text[2048];
    const char *argv[64];
    size_t lengths[64], n = batch_argv(b, 0, argv, lengths, 64), at = 0;
    ck_assert_uint_le(n, 64);
    for (size_t i = 0; i < n; i++) {
        bool sha = i == 1 && lengths[0] == 7 && memcmp(argv[0], "EVALSHA", 7) == 0;
        const char *word = sha ? "SHA" : argv[i];
        size_t size = sha ? 3 : lengths[i];
        ck_assert_uint_lt(at + size + 2, sizeof text);
        if (i)
            text[at++] = ' ';
        memcpy(text + at, word, size);
        at += size;
    }
    text[at] = 0;
    return text;
}

/* Releases it too. */
static inline void is(vouch_batch *b, const char *want)
{
    vouch_status status = vouch_batch_error(b, &error);
    ck_assert_msg(status == VOUCH_OK, "%s", error.message);
    ck_assert_uint_eq(vouch_batch_count(b), 1);
    ck_assert_str_eq(words_of(b), want);
    vouch_batch_free(b);
}

static inline void refuses(vouch_batch *b, vouch_status want, const char *says)
{
    vouch_status status = vouch_batch_error(b, &error);
    ck_assert_msg(status == want, "%s instead of %s", vouch_status_name(status), says);
    ck_assert_msg(strstr(error.message, says) != NULL, "'%s' lacks '%s'", error.message, says);
    ck_assert_msg(strstr(error.message, "command 0 of the batch: ") != NULL, "%s", error.message);
    ck_assert_uint_eq(vouch_batch_count(b), 0);
    ck_assert_uint_eq(vouch_batch_add(b, "PING"), VOUCH_NO_COMMAND);
    vouch_batch_free(b);
}

#endif
