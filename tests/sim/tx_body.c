/* Bodies, by the letters of a scenario. */
#include "tx_sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool writes(char letter)
{
    return strchr("uidsLeqzZ", letter) != NULL;
}

size_t tx_body_size(const struct tx_scenario *c)
{
    size_t n = 0;
    for (const char *p = c->body; *p; p++)
        n += writes(*p);
    return n;
}

static const char *key_of(char room[32], size_t number)
{
    (void)snprintf(room, 32, TX_KEY_PREFIX "%zu", number);
    return room;
}

/* ---- scripts -------------------------------------------------------------------------------- */

static const char load[] = "*3\r\n$6\r\nSCRIPT\r\n$4\r\nLOAD\r\n$3\r\n" TX_SCRIPT "\r\n",
                  ask[] = "*3\r\n$6\r\nSCRIPT\r\n$6\r\nEXISTS\r\n$40\r\n" TX_SHA "\r\n";
static const char *const missing[] = {SIM_NOSCRIPT, NULL};

static bool is_there(const struct need *need, const struct vouch_reply *reply)
{
    int64_t there = 0;
    (void)need;
    return vouch_reply_int64(vouch_reply_at(reply, 0), &there) && there;
}

#define NEED(number, believed)                                                                     \
    {                                                                                              \
        .digest = (number), .load = load, .load_size = sizeof load - 1, .missing = missing,        \
        .ask = ask, .ask_size = sizeof ask - 1, .is_there = is_there, .honest = (believed),        \
        .name = "SCRIPT LOAD add"                                                                  \
    }
static const struct need honest = NEED(1, true), doubtful = NEED(2, false);

static void add_script(vouch_batch *b, const char *key, const struct need *need)
{
    vouch_batch_add(b, "EVALSHA", TX_SHA, 1, key, 11);
    (void)batch_set_need(b, need); /* fails only with the sticky error set */
}

/* What a letter writes. */
static void add(vouch_batch *b, char letter, size_t number, int64_t base)
{
    static const char large[301] = {0};
    char key[32];
    (void)key_of(key, number);
    switch (letter) {
    case 'u':
        vouch_batch_add(b, "INCRBY", key, base + 1);
        return;
    case 'i':
        vouch_batch_add(b, "INCRBY", key, 7);
        return;
    case 'd':
        vouch_batch_add(b, "DECRBY", key, 3);
        return;
    case 's':
        vouch_batch_add(b, "SET", key, "9");
        return;
    case 'L':
        vouch_batch_add(b, "SET", key, vouch_bytes(large, 300));
        return;
    case 'z':
        add_script(b, key, &honest);
        return;
    case 'Z':
        add_script(b, key, &doubtful);
        return;
    case 'e':
        vouch_batch_add(b, "LPUSH", key, "x");
        return;
    case 'q':
        vouch_batch_add(b, "SET", key);
        return;
    default:
        abort();
    }
}

struct play {
    vouch_tx *tx;
    size_t reads;   /* of body keys */
    bool waits;     /* something read has no answer yet */
    bool refused;   /* … or an error for one */
    bool has_first; /* the first value */
    int64_t first;
};

static void read_next(struct play *p, char letter)
{
    char key[32];
    const vouch_reply *r = NULL;
    switch (letter) {
    case 'r':
        r = vouch_tx_read(p->tx, "GET", key_of(key, p->reads++));
        break;
    case 'p':
        r = vouch_tx_peek(p->tx, "GET", TX_KEY_PREFIX "p");
        break;
    case 'm':
        r = vouch_tx_read(p->tx, "MGET", TX_KEY_PREFIX "0", TX_KEY_PREFIX "1");
        break;
    case 'w':
        vouch_tx_watch(p->tx, vouch_text(key_of(key, p->reads++)));
        return;
    default:
        abort();
    }
    p->waits = p->waits || !r;
    p->refused = p->refused || vouch_reply_is_error(r);
    if (p->has_first || !r)
        return;
    if (letter == 'm')
        r = vouch_reply_at(r, 0);
    p->has_first = vouch_reply_int64(r, &p->first);
}

vouch_tx_step tx_body(vouch_tx *tx, void *user)
{
    const struct tx_scenario *c = ((const struct tx_case *)user)->scenario;
    struct play p = {.tx = tx};
    size_t written = 0;
    for (const char *letter = c->body; *letter; letter++) {
        if (*letter == '|' && p.waits)
            return VOUCH_TX_READ;
        if (*letter == '|' && p.refused)
            return VOUCH_TX_CANCEL;
        if (*letter == 'x' && vouch_tx_attempt(tx) >= c->cancel_from)
            return VOUCH_TX_CANCEL;
        if (writes(*letter)) {
            vouch_batch *b = vouch_batch_new();
            if (!b)
                return VOUCH_TX_CANCEL;
            add(b, *letter, written++, p.first);
            (void)vouch_tx_queue_batch(tx, b);
            vouch_batch_free(b);
        } else if (*letter != '|' && *letter != 'x') {
            read_next(&p, *letter);
        }
    }
    return VOUCH_TX_COMMIT;
}

vouch_batch *tx_batch(const struct tx_scenario *c)
{
    vouch_batch *b = vouch_batch_new();
    size_t written = 0;
    for (const char *letter = c->body; b && *letter; letter++)
        add(b, *letter, written++, 0);
    return b;
}
