/* Entries given back, rejected, or kept for longer: calls of scripts/lua/stream/hand.lua, one after the other. Pure.
 *
 * Each is fenced: the script looks whether the entry is still pending with the owner that read it. So a call
 * that was not answered is sent again: the second time the entry is not ours any more. */
#include "base/alloc.h"
#include "base/error.h"
#include "stream/consumer.h"

#include <string.h>

static const char *const actions[] = {"return", "reject", "extend", "forget"};

/* It leaves the owner, as far as that had it. */
static bool takes_away(const struct hand *h)
{
    return h->action == HAND_RETURN || h->action == HAND_REJECT;
}

void hand_free(struct hand *h)
{
    for (size_t i = 0; i < h->n; i++)
        alloc_free(h->ids[i].id.data);
    alloc_free(h->detail);
    alloc_free(h);
}

static bool copy_ids(struct hand *h, const vouch_delivery *d, size_t first, size_t n)
{
    for (size_t i = first; i < first + n; i++) {
        vouch_string id = d->entries[i].entry.id;
        if (h->action == HAND_FORGET ? !d->entries[i].entry.lost : !delivery_holds(d, i))
            continue;
        h->ids[h->n].entry = i;
        h->ids[h->n].id = (struct text){alloc_copy(id.data, id.size), id.size};
        if (!h->ids[h->n++].id.data)
            return false;
    }
    return true;
}

bool hand_add(vouch_delivery *d, enum hand_action action, size_t first, size_t n,
              const char *detail)
{
    struct vouch_consumer *c = d->consumer;
    struct hand *h = alloc_zeroed(1, sizeof *h + n * sizeof *h->ids);
    if (!h)
        return false;
    h->action = action;
    h->detail = alloc_copy(detail, strlen(detail));
    if (!h->detail || !copy_ids(h, d, first, n)) {
        hand_free(h);
        return false;
    }
    h->delivery = d;
    h->stream = d->stream;
    h->owner = d->owner;
    *c->hands_end = h;
    c->hands_end = &h->next;
    return true;
}

void hand_forget(struct vouch_consumer *c, const vouch_delivery *d)
{
    for (struct hand *h = c->hands; h; h = h->next)
        if (h->delivery == d)
            h->delivery = NULL;
}

vouch_status hand_start(struct vouch_consumer *c, vouch_error *error)
{
    struct hand *h = c->hands;
    const struct stream *s = h->stream;
    size_t n = h->n + 5;
    vouch_arg *args = alloc_get(n * sizeof *args);
    vouch_arg keys[] = {arg_of(&s->name), arg_of(&s->dead_letter)};
    if (!args)
        return error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory for %zu ids",
                         h->n);
    h->asked_at = c->now;
    args[0] = arg_of(&c->group);
    args[1] = owner_arg(h->owner);
    args[2] = vouch_text(actions[h->action]);
    args[3] = vouch_text(h->detail);
    args[4] = vouch_text(c->idle);
    for (size_t i = 0; i < h->n; i++)
        args[5 + i] = arg_of(&h->ids[i].id);
    vouch_status status =
        consumer_call(c, SCRIPT_HAND, vouch_args_of(keys, 2), vouch_args_of(args, n), true, error);
    alloc_free(args);
    return status;
}

static vouch_verdict verdict_of(const struct hand *h, char letter, bool again)
{
    if (letter == 'l')
        return VOUCH_VERDICT_GONE;
    if (letter != 'y')
        return again ? VOUCH_VERDICT_GONE : VOUCH_VERDICT_FENCED;
    return h->action == HAND_RETURN   ? VOUCH_VERDICT_RETURNED
           : h->action == HAND_REJECT ? VOUCH_VERDICT_REJECTED
                                      : VOUCH_VERDICT_UNKNOWN;
}

static void pop(struct vouch_consumer *c)
{
    struct hand *h = c->hands;
    c->hands = h->next;
    if (!c->hands)
        c->hands_end = &c->hands;
    hand_free(h);
}

static void handed(struct vouch_consumer *c, const struct hand *h, size_t entry, vouch_verdict v)
{
    owner_drop(c, h->owner, h->stream);
    if (h->delivery && v != VOUCH_VERDICT_UNKNOWN)
        h->delivery->entries[entry].verdict = v;
}

/* What is not ours any more is not worked on, either; unless something else is under way that says what becomes of it:
 * it is given back, or committed. */
static void extended(struct vouch_consumer *c, const struct hand *h, size_t entry, vouch_verdict v)
{
    vouch_delivery *d = h->delivery;
    if (v == VOUCH_VERDICT_UNKNOWN || !d || d->committing || !delivery_holds(d, entry))
        return;
    d->entries[entry].verdict = v;
    owner_drop(c, h->owner, h->stream);
    c->working--;
}

/* What could not be done is not tried again: the entries stay pending, and are claimed in time. Until then the server
 * may count them for an owner that does not: it is retired. */
vouch_status hand_finish(struct vouch_consumer *c, vouch_error *error)
{
    struct hand *h = c->hands;
    vouch_call *call = NULL;
    vouch_status status = vouch_call_finish(c->side, &call, error);
    vouch_string letters = vouch_reply_string(vouch_call_reply(call));
    const vouch_result *r = vouch_call_result(call);
    bool known = status == VOUCH_OK && letters.size == h->n;
    if (!known && takes_away(h))
        c->retire = c->retire || h->owner == c->owner;
    if (h->action == HAND_FORGET)
        c->losses -= h->n; /* if it was not heard of, it is told again */
    for (size_t i = 0; h->action != HAND_FORGET && i < h->n; i++) {
        vouch_verdict v =
            known ? verdict_of(h, letters.data[i], r->attempts > 1) : VOUCH_VERDICT_UNKNOWN;
        c->counts.lost += known && letters.data[i] == 'l';
        c->counts.given_back += v == VOUCH_VERDICT_RETURNED;
        if (h->action == HAND_EXTEND)
            extended(c, h, h->ids[i].entry, v);
        else
            handed(c, h, h->ids[i].entry, v);
    }
    if (known && h->action == HAND_EXTEND && h->delivery)
        h->delivery->leased_at = h->asked_at;
    vouch_call_free(call);
    pop(c);
    return status;
}
