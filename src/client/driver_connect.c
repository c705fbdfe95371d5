/* The driver's way to a connection: look up the host, connect to its addresses one after the other, set
 * up TLS. None of it blocks; the link's connect_by bounds all of it.
 *
 * The system's resolver can block for longer than any deadline, so a name is looked up in a thread. A
 * look-up that was given up is not begun again: the next attempt waits for the same one. So a client
 * has one such thread at most, however long the resolver hangs. */
#include "client/driver.h"

#include <stdio.h>

/* How old an answer may be that nobody waited for any more. */
#define LOOKUP_FRESH_US ((int64_t)30000000)

void driver_close_shut(struct vouch_client *c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        c->shut[i]->ops->close(c->shut[i]);
    c->shut_count -= n;
    c->shut_told = c->shut_told > n ? c->shut_told - n : 0;
    for (size_t i = 0; i < c->shut_count; i++)
        c->shut[i] = c->shut[n + i];
}

static void give_up(struct vouch_client *c, struct seat *s)
{
    if (!s->transport)
        return;
    s->transport->ops->shut(s->transport);
    if (c->shut_count == DRIVER_SHUT_MAX)
        driver_close_shut(c, DRIVER_SHUT_MAX / 2); /* so many in one turn: the oldest go untold */
    c->shut[c->shut_count++] = s->transport;
    s->transport = NULL;
}

void seat_close(struct vouch_client *c, struct seat *s)
{
    give_up(c, s);
    s->resolving = false;
    s->addresses.n = s->next_address = 0;
}

/* ---- addresses, one after the other --------------------------------------------------------- */

static struct transport *open_next(struct vouch_client *c, struct seat *s,
                                   char why[static TRANSPORT_WHY_MAX])
{
    struct transport *t = transport_socket_open(&s->addresses.v[s->next_address++], why);
    return t && c->tls ? transport_tls_open(t, c->tls, c->core.settings.endpoint.host, why) : t;
}

/* Begins with the next address; after the last the link is told why that one was none. */
static void try_next(struct vouch_client *c, struct link *l, struct seat *s, vouch_cause cause,
                     bool permanent, const char *why)
{
    char text[TRANSPORT_WHY_MAX];
    (void)snprintf(text, sizeof text, "%s", why); /* it may be the old transport's */
    give_up(c, s);
    while (s->next_address < s->addresses.n) {
        size_t left = s->addresses.n - s->next_address;
        s->transport = open_next(c, s, text);
        cause = VOUCH_CAUSE_CONNECT;
        permanent = false;
        if (!s->transport)
            continue;
        /* An address that does not answer may use up its share of the time, not all of it. */
        int64_t now = client_now();
        s->address_by = now + (l->connect_by - now) / (int64_t)left;
        l->stage = LINK_CONNECTING;
        return;
    }
    seat_close(c, s);
    link_unreachable(l, cause, permanent, text);
}

/* The socket failed, not TLS; but it did while that was being set up. */
static void broke_securing(struct vouch_client *c, struct link *l, struct seat *s)
{
    char text[TRANSPORT_WHY_MAX + 64];
    (void)snprintf(text, sizeof text, "%s while TLS was being set up; is this a TLS port?",
                   s->transport->why);
    try_next(c, l, s, VOUCH_CAUSE_TLS, false, text);
}

static void go_on(struct vouch_client *c, struct link *l, struct seat *s)
{
    struct transport *t = s->transport;
    switch (t->ops->connect(t)) {
    case TRANSPORT_DONE:
        link_connected(l);
        return;
    case TRANSPORT_AGAIN:
        l->stage = t->stage == TRANSPORT_SECURING ? LINK_SECURING : LINK_CONNECTING;
        /* The last address has all the time that is left: that is the link's to watch. */
        if (s->next_address < s->addresses.n && client_now() >= s->address_by)
            try_next(c, l, s, VOUCH_CAUSE_CONNECT, false,
                     t->stage == TRANSPORT_SECURING ? "no TLS session in time; is this a TLS port?"
                                                    : "Connection timed out");
        return;
    case TRANSPORT_ENDED:
        try_next(c, l, s, t->stage == TRANSPORT_SECURING ? VOUCH_CAUSE_TLS : VOUCH_CAUSE_CONNECT,
                 false, "the server closed the connection while TLS was being set up");
        return;
    case TRANSPORT_FAILED:
        if (t->stage == TRANSPORT_SECURING && !t->cause)
            broke_securing(c, l, s);
        else
            try_next(c, l, s, t->cause ? t->cause : VOUCH_CAUSE_CONNECT, t->permanent, t->why);
        return;
    }
}

/* ---- names ---------------------------------------------------------------------------------- */

static void drop_lookup(struct vouch_client *c)
{
    resolver_release(c->lookup, false);
    c->lookup = NULL;
}

static void begin(struct vouch_client *c, struct link *l, struct seat *s)
{
    const struct endpoint *e = &c->core.settings.endpoint;
    seat_close(c, s);
    if (endpoint_numeric(e, &s->addresses)) {
        try_next(c, l, s, VOUCH_CAUSE_CONNECT, false, "");
        return;
    }
    int64_t now = client_now();
    if (c->lookup && resolver_done(c->lookup) && now - c->lookup_began > LOOKUP_FRESH_US)
        drop_lookup(c);
    if (!c->lookup) {
        c->lookup = resolver_start(e);
        c->lookup_began = now;
    }
    if (!c->lookup) {
        link_unreachable(l, VOUCH_CAUSE_MEMORY, false,
                         "no memory, thread or descriptor to look up the host");
        return;
    }
    l->stage = LINK_RESOLVING;
    s->resolving = true;
}

/* The answer is there: every seat that waits for it goes on. */
static void take_answer(struct vouch_client *c)
{
    struct endpoint_addresses addresses;
    char why[TRANSPORT_WHY_MAX];
    bool found = resolver_answer(c->lookup, &addresses, why, sizeof why);
    drop_lookup(c);
    for (size_t i = 0; i < c->core.link_count; i++) {
        struct seat *s = c->seats[i];
        struct link *l = c->core.links[i];
        if (!s || !s->resolving || l->close_transport)
            continue;
        s->resolving = false;
        s->addresses = addresses;
        if (found)
            try_next(c, l, s, VOUCH_CAUSE_CONNECT, false, "");
        else
            link_unreachable(l, VOUCH_CAUSE_ADDRESS, false, why);
    }
}

bool seat_connect(struct vouch_client *c, struct link *l, struct seat *s)
{
    bool began = !s->transport && !s->resolving;
    if (began)
        begin(c, l, s);
    if (s->resolving && resolver_done(c->lookup)) {
        take_answer(c);
        return true;
    }
    if (began || s->resolving)
        return began;
    go_on(c, l, s);
    return l->state != LINK_OPENING || l->close_transport;
}
