/* Renewing a login. Pure; may call the link, its handshake and the caller's hook.
 *
 *     READY ──renew_at──> renewing ──AUTH answered──> READY
 *
 * AUTH waits until what is in flight was answered, and goes alone, since servers have lost the reply of
 * an AUTH that failed inside a pipeline; nothing else is sent meanwhile. If it is refused the login in
 * force stays, as servers have it, and is used for as long as it lasts; it is tried again soon. Nor does
 * AUTH come between MULTI and EXEC, where it would be queued. */
#include "client/renewal.h"

#include "client/core.h"
#include "client/observe.h"

bool renewal_ask(struct link *l, struct greeting *greeting)
{
    const struct settings *s = &l->core->settings;
    bool busy = l->core->busy;
    if (!s->credentials)
        return true;
    credentials_clear(&l->credentials);
    l->core->busy = true;
    bool given = s->credentials(&l->credentials, s->credentials_user);
    l->core->busy = busy;
    greeting->username = l->credentials.username;
    greeting->password = l->credentials.password;
    return given && l->credentials.password;
}

void renewal_clear(struct link *l)
{
    handshake_free(&l->handshake);
    credentials_clear(&l->credentials);
    l->renewing = false;
    l->renew_at = l->expires = OP_NEVER;
    l->answer_by = 0;
}

/* From now on they are in force, and need not be kept. */
void renewal_settle(struct link *l)
{
    int64_t valid = l->core->settings.credentials ? l->credentials.valid_ms : VOUCH_NO_DEADLINE;
    renewal_clear(l);
    if (valid == VOUCH_NO_DEADLINE || valid > (OP_NEVER - l->core->now) / 1000)
        return;
    l->expires = l->core->now + valid * 1000;
    l->renew_at = l->expires - valid * 1000 / RENEWAL_MARGIN;
}

void renewal_abandon(struct link *l)
{
    size_t maybe, unsent;
    if (l->renewing)
        conn_abandon(&l->conn, &l->handshake.x, &maybe, &unsent);
}

/* Four times before they expire; then as often as connecting is tried at most. */
static void try_later(struct link *l, const char *code, const char *why)
{
    int64_t expires = l->expires, left = expires - l->core->now,
            least = l->core->settings.retry_max_ms * 1000;
    int64_t wait = expires != OP_NEVER && left / 4 > least ? left / 4 : least;
    vouch_event e = {.kind = VOUCH_EVENT_NOT_RENEWED,
                     .cause = VOUCH_CAUSE_AUTH,
                     .wait_ms = observe_ms(wait),
                     .server = l->server,
                     .code = code,
                     .message = why};
    observe_tell(l->core, e); /* its words are the handshake's */
    renewal_clear(l);
    l->expires = expires;
    l->renew_at = l->core->now + wait;
}

static void begin(struct link *l)
{
    struct greeting greeting = {0};
    if (!renewal_ask(l, &greeting)) {
        try_later(l, "", "the credentials hook has none");
        return;
    }
    if (!handshake_init_renewal(&l->handshake, &greeting)) {
        try_later(l, "", "out of memory for a new login");
        return;
    }
    l->renewing = true;
    conn_offer(&l->conn, &l->handshake.x);
    conn_solo(&l->conn, &l->handshake.x);
}

void renewal_advance(struct link *l, int64_t now)
{
    if (!l->renewing && now >= l->renew_at && !l->indivisible)
        begin(l);
    else if (l->renewing && l->handshake.sent && !l->answer_by)
        l->answer_by = now + l->core->settings.connect_ms * 1000;
    else if (l->answer_by && now >= l->answer_by)
        link_broken(l, VOUCH_CAUSE_DEADLINE, false, "no answer to AUTH within connect_ms");
}

int64_t renewal_wake(const struct link *l)
{
    if (!l->renewing)
        return l->indivisible ? OP_NEVER : l->renew_at;
    return l->answer_by ? l->answer_by : OP_NEVER;
}

void renewal_received(struct link *l)
{
    if (!l->renewing || l->handshake.state == HANDSHAKE_RUNNING)
        return;
    bool accepted = l->handshake.state == HANDSHAKE_READY;
    conn_solo(&l->conn, NULL);
    if (!accepted) {
        try_later(l, l->handshake.code, l->handshake.message);
        return;
    }
    renewal_settle(l);
    observe_tell(l->core, (vouch_event){.kind = VOUCH_EVENT_RENEWED, .server = l->server});
}

void renewal_now(struct link *l)
{
    if (l->state == LINK_READY && !l->renewing)
        l->renew_at = l->core->now;
}
