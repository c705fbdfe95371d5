/* What happens to a server at a moment of a case. */
#include "tx_server.h"

#include <stdlib.h>
#include <string.h>

static void evict(struct tx_server *s)
{
    for (size_t i = s->store.count; i; i--)
        if (s->store.keys[i - 1].expires != TX_FOR_EVER) {
            tx_remove(s, &s->store.keys[i - 1]);
            s->evicted++;
        }
}

static void empty(struct tx_server *s)
{
    while (s->store.count)
        tx_remove(s, &s->store.keys[0]);
}

static void put(struct tx_server *s, struct tx_text name, const char *value)
{
    (void)tx_store_put(&s->store, name, tx_text(value));
    tx_touch(s, name);
}

static struct tx_text marker(const struct tx_server *s)
{
    return (struct tx_text){s->marker, s->marker_size};
}

/* The replica that took over had not got it. */
static void fail_over(struct tx_server *s)
{
    struct tx_key *k = tx_store_find(&s->store, marker(s));
    s->failovers++;
    if (k)
        tx_remove(s, k);
}

static void restart(struct tx_server *s)
{
    s->epoch++;
    s->commands = s->evicted = s->flushes = 0;
    s->scripted = false;
    for (size_t i = 0; i < s->session_count; i++) {
        tx_unwatch(s->sessions[i]);
        s->sessions[i]->in_multi = false;
    }
}

static void deny(struct tx_server *s, const char *what)
{
    for (size_t i = 0; i < s->denied_count; i++)
        if (strcmp(s->denied[i], what) == 0)
            return;
    if (s->denied_count == TX_DENIED_MAX)
        abort();
    s->denied[s->denied_count++] = what;
}

static void allow(struct tx_server *s, const char *what)
{
    for (size_t i = 0; i < s->denied_count; i++)
        if (strcmp(s->denied[i], what) == 0)
            s->denied[i] = s->denied[--s->denied_count];
}

/* Another run with our token: it commits at once, or gives up, unless it finds somebody there. */
static void other_run(struct tx_server *s, bool commits)
{
    if (s->marker_size == 0 || tx_store_find(&s->store, marker(s)))
        return;
    put(s, marker(s), commits ? "somebody:1" : "aborted:somebody");
    s->truth.used = s->truth.used || commits;
}

static void act(struct tx_session *x, const struct tx_knob *k)
{
    struct tx_server *s = x->server;
    switch (k->action) {
    case TX_NOTHING:
        return;
    case TX_RELEASE:
        s->releasing = true;
        s->release(s->user, x);
        s->releasing = false;
        return;
    case TX_RIVAL:
        put(s, tx_text(TX_KEY_PREFIX "0"), "70");
        return;
    case TX_EVICT:
        evict(s);
        return;
    case TX_FLUSHALL:
        empty(s);
        s->flushes++;
        return;
    case TX_RESTART:
        restart(s);
        return;
    case TX_RESTART_EMPTY:
        restart(s);
        empty(s);
        return;
    case TX_FAILOVER:
        fail_over(s);
        return;
    case TX_RESETSTAT:
        s->commands = s->evicted = s->flushes = 0;
        return;
    case TX_SUSPEND:
        s->skew += k->us;
        return;
    case TX_CLOCK:
        s->clock += k->us;
        return;
    case TX_DENY:
        deny(s, k->what);
        return;
    case TX_ALLOW:
        allow(s, k->what);
        return;
    case TX_FORGET:
    case TX_LEARN:
        s->scripted = k->action == TX_LEARN;
        return;
    case TX_USE_TOKEN:
    case TX_ABORT_TOKEN:
        other_run(s, k->action == TX_USE_TOKEN);
        return;
    }
}

static bool is_now(const struct tx_server *s, const struct tx_knob *k, const char *kind,
                   unsigned nth, bool after)
{
    bool every = k->command && strcmp(k->command, "*") == 0;
    unsigned number = every ? s->total : nth;
    unsigned to = k->to ? k->to : k->from;
    if (!k->command || k->after != after || (!every && strcmp(k->command, kind) != 0))
        return false;
    return k->from == 0 || (number >= k->from && number <= to);
}

void tx_moment(struct tx_session *x, const struct tx_words *w, const char *kind, unsigned nth,
               bool after)
{
    struct tx_server *s = x->server;
    (void)w;
    if (s->releasing)
        return;
    for (size_t set = 0; set < 2; set++)
        for (size_t i = 0; i < s->knob_count[set]; i++)
            if (is_now(s, &s->knobs[set][i], kind, nth, after))
                act(x, &s->knobs[set][i]);
}
