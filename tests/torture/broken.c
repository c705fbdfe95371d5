/* Players that are wrong, as clients are that exist; the checker must catch each. */
#include "history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRIES_MAX 64

/* ---- by hand, on a bare connection ---------------------------------------------------------- */

static void open_nothing(struct player *p)
{
    p->conn = NULL;
}

static void hang_up(struct player *p)
{
    ts_conn_close(p->conn);
    p->conn = NULL;
}

static bool is_connected(struct player *p)
{
    ts_address at = ts_proxy_address(p->history->stage->front);
    if (!p->conn)
        p->conn = ts_conn_open(&at, ts_deadline(RIG_PATIENCE_MS));
    return p->conn != NULL;
}

static void say(struct player *p, const char *command, const char *key, const char *value)
{
    const char *words[] = {command, key, value};
    size_t size;
    char *bytes = ts_encode_words(value ? 3 : key ? 2 : 1, words, NULL, &size);
    (void)ts_conn_send(p->conn, bytes, size, ts_deadline(RIG_PATIENCE_MS));
    free(bytes);
}

static ts_reply *hear(struct player *p)
{
    return ts_conn_read(p->conn, ts_deadline(RIG_PATIENCE_MS));
}

/* False when the connection is lost. */
static bool skip(struct player *p, int replies)
{
    bool all = true;
    for (int i = 0; i < replies; i++) {
        ts_reply *r = hear(p);
        all = all && r->type != TS_REPLY_LOST;
        ts_reply_free(r);
    }
    return all;
}

/* Reads the key, watched or not. */
static bool read_value(struct player *p, bool watch, int64_t *value)
{
    char key[HISTORY_KEY_MAX];
    (void)history_key(p->history, p->wish.key[0], key);
    if (watch)
        say(p, "WATCH", key, NULL);
    say(p, "GET", key, NULL);
    if (watch && !skip(p, 1))
        return false;
    ts_reply *r = hear(p);
    *value = r->type == TS_REPLY_TEXT ? strtoll(r->text, NULL, 10) : LINEAR_ABSENT;
    bool heard = r->type != TS_REPLY_LOST;
    ts_reply_free(r);
    return heard;
}

/* The type of EXEC's reply. */
static ts_reply_type write_value(struct player *p, int64_t value)
{
    char key[HISTORY_KEY_MAX], text[24];
    (void)snprintf(text, sizeof text, "%lld", (long long)value);
    say(p, "MULTI", NULL, NULL);
    say(p, "SET", history_key(p->history, p->wish.key[0], key), text);
    say(p, "EXEC", NULL, NULL);
    if (!skip(p, 2))
        return TS_REPLY_LOST;
    ts_reply *r = hear(p);
    ts_reply_type type = r->type;
    ts_reply_free(r);
    return type;
}

static void end_as(struct player *p, enum linear_fate fate, struct linear_way way)
{
    p->op->fate = fate;
    p->op->count = 1;
    p->op->ways[0] = way;
}

/* Read, and write what follows, in MULTI … EXEC; but nothing is watched in between. */
static void play_without_watch(struct player *p)
{
    uint8_t key = p->wish.key[0];
    int64_t seen = 0;
    if (!is_connected(p) || !read_value(p, false, &seen)) {
        p->op->fate = LINEAR_NOT;
        return;
    }
    int64_t value = history_value(p, key, seen);
    bool done = write_value(p, value) == TS_REPLY_ARRAY;
    end_as(p, done ? LINEAR_DONE : LINEAR_MAYBE, linear_change(key, seen, value));
}

/* All is well, but that an EXEC whose answer is lost counts as a conflict: it is read and written again. */
static void play_again(struct player *p)
{
    uint8_t key = p->wish.key[0];
    p->op->fate = LINEAR_NOT;
    for (int i = 0; i < TRIES_MAX && is_connected(p); i++) {
        int64_t seen = 0;
        if (!read_value(p, true, &seen)) {
            hang_up(p);
            continue;
        }
        int64_t value = history_value(p, key, seen);
        ts_reply_type type = write_value(p, value);
        if (type == TS_REPLY_ARRAY) {
            end_as(p, LINEAR_DONE, linear_change(key, seen, value));
            return;
        }
        if (type == TS_REPLY_LOST)
            hang_up(p);
    }
}

const struct player_kind player_without_watch = {"a client without WATCH", open_nothing,
                                                 play_without_watch, hang_up};
const struct player_kind player_of_lost_execs = {"a client that runs a lost EXEC again",
                                                 open_nothing, play_again, hang_up};

/* ---- by misreading what vouch says ---------------------------------------------------------- */

static void open_vouch(struct player *p)
{
    player_vouch.open(p);
}

static void close_vouch(struct player *p)
{
    player_vouch.close(p);
}

static void play_and_deny(struct player *p)
{
    player_vouch.play(p);
    if (p->op->fate == LINEAR_MAYBE)
        p->op->fate = LINEAR_NOT;
}

static void play_and_claim(struct player *p)
{
    player_vouch.play(p);
    if (p->op->fate == LINEAR_MAYBE)
        p->op->fate = LINEAR_DONE;
}

const struct player_kind player_who_says_no = {"a client to which unknown is no", open_vouch,
                                               play_and_deny, close_vouch};
const struct player_kind player_who_says_yes = {"a client to which unknown is yes", open_vouch,
                                                play_and_claim, close_vouch};
