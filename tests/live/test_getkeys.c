/* What the tests of command/keys take for what servers answer to COMMAND GETKEYS is what they answer. */
#include "getkeys_corpus.h"
#include "suite.h"
#include "truth.h"

#include <check.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
/* Where servers are wrong, what they answer. */
#define GETKEYS_DISAGREES(servers, result, words, keys, theirs, their_keys, reason) \
    {servers, theirs, words, their_keys},
/* clang-format on */

static const struct line corpus[] = {
#include "getkeys_corpus.inc"
};

/* The line of servers that this one belongs to; of one that is not known, those that hold for all. */
static unsigned line_of(ts_server *server, ts_server_kind kind, bool *known)
{
    char *version =
        ts_info(server, "server", kind == TS_VALKEY ? "valkey_version" : "redis_version");
    static const struct {
        ts_server_kind kind;
        const char *version;
        unsigned line;
    } lines[] = {{TS_REDIS, "7.0.", SERVER_REDIS_7_0},
                 {TS_REDIS, "8.0.", SERVER_REDIS_8_0},
                 {TS_VALKEY, "8.0.", SERVER_VALKEY_8_0},
                 {TS_VALKEY, "8.1.", SERVER_VALKEY_8_1},
                 {TS_VALKEY, "9.1.", SERVER_VALKEY_9_1}};
    ck_assert_ptr_nonnull(version);
    *known = false;
    unsigned line = SERVER_ALL;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (lines[i].kind == kind && strncmp(version, lines[i].version, 4) == 0) {
            *known = true;
            line = lines[i].line;
        }
    free(version);
    return line;
}

static void compare(const ts_reply *reply, const struct line *l, size_t n)
{
    size_t keys = 0;
    while (l->result == KEYS_OK && keys < KEYS_MAX && l->keys[keys])
        keys++;
    if (l->result != KEYS_OK) {
        bool nothing =
            reply->type == TS_REPLY_ERROR || (reply->type == TS_REPLY_ARRAY && reply->count == 0);
        ck_assert_msg(nothing, "line %zu, %s: keys where there should be none", n, l->words[0]);
        return;
    }
    ck_assert_msg(reply->type == TS_REPLY_ARRAY && reply->count == keys,
                  "line %zu, %s: %zu keys, not %zu", n, l->words[0], reply->count, keys);
    for (size_t i = 0; i < keys; i++)
        ck_assert_str_eq(reply->elements[i]->text, l->keys[i]);
}

START_TEST(servers_answer_what_the_corpus_says)
{
    ts_server_options options = {.kind = _i ? TS_VALKEY : TS_REDIS};
    ts_server *server = ts_server_start(&options);
    ck_assert_ptr_nonnull(server);
    ts_conn *truth = ts_truth_open(server);
    bool known;
    unsigned line = line_of(server, _i ? TS_VALKEY : TS_REDIS, &known);
    size_t asked = 0;
    for (size_t i = 0; i < sizeof corpus / sizeof *corpus; i++) {
        const char *words[WORDS_MAX + 2] = {"COMMAND", "GETKEYS"};
        size_t count = 2;
        if (known ? !(corpus[i].servers & line) : corpus[i].servers != SERVER_ALL)
            continue;
        for (; corpus[i].words[count - 2]; count++)
            words[count] = corpus[i].words[count - 2];
        ts_reply *reply = ts_conn_command_words(truth, count, words, NULL);
        compare(reply, &corpus[i], i);
        ts_reply_free(reply);
        asked++;
    }
    ck_assert_uint_gt(asked, 150);
    ts_conn_close(truth);
    ts_server_free(server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("getkeys");
    TCase *c = tcase_create("all");
    tcase_add_loop_test(c, servers_answer_what_the_corpus_says, 0, 2);
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_NOFORK);
}
