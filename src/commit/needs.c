/* Scripts and libraries that the body's commands need. Pure.
 *
 *     the attempt has a round of reads   they are asked for in it (SCRIPT EXISTS), and those that are not
 *                                        there are loaded inside MULTI
 *     it has none, or load_inside        all are loaded inside MULTI
 *
 * Inside, because a load ahead of MULTI in the same write may be refused without stopping it: then the
 * call fails inside EXEC, and its neighbours are applied (seen, with a user who may not load). Inside, a
 * refusal stops all of it. What the connection knew from earlier is not believed: a flush since would
 * only show inside EXEC.
 *
 * A user who may not load at all can still call what others loaded: after one refusal the attempt begins
 * again, and asks first. */
#include "commit/commit.h"

#include <string.h>

static struct commit_need *find(struct commit *c, const struct need *need)
{
    for (size_t i = 0; i < c->need_count; i++)
        if (c->needs[i].need->digest == need->digest)
            return &c->needs[i];
    return NULL;
}

bool commit_collect_needs(struct commit *c)
{
    for (size_t i = 0; c->body.needs && i < c->body.count; i++) {
        const struct need *need = batch_need(&c->body, i);
        if (!need || find(c, need))
            continue;
        if (c->need_count == COMMIT_NEEDS_MAX)
            return false;
        c->needs[c->need_count++] = (struct commit_need){need, false, false};
    }
    return true;
}

/* One more command about needs[i]. */
static void add(struct commit *c, size_t i, const char *bytes, size_t size)
{
    size_t n = c->needing.count;
    if (batch_put(&c->needing, bytes, size))
        c->needing_of[n] = (uint8_t)i;
}

void commit_ask_needs(struct commit *c)
{
    if (c->policy.load_inside || (c->policy.load_unasked && !c->without_loads))
        return;
    for (size_t i = 0; i < c->need_count; i++) {
        if (c->needs[i].asked)
            continue;
        c->needs[i].asked = true;
        add(c, i, c->needs[i].need->ask, c->needs[i].need->ask_size);
    }
}

void commit_load_needs(struct commit *c)
{
    for (size_t i = 0; i < c->need_count; i++)
        if (!c->needs[i].there)
            add(c, i, c->needs[i].need->load, c->needs[i].need->load_size);
}

void commit_hear_need(struct commit *c, size_t i, const struct vouch_reply *reply)
{
    struct commit_need *n = &c->needs[c->needing_of[i]];
    if (c->phase == COMMIT_ASKING) {
        n->there = reply && !vouch_reply_is_error(reply) && n->need->is_there(n->need, reply);
    } else if (commit_is_status(reply, "QUEUED")) {
        c->loads_queued++;
    } else if (vouch_reply_is_error(reply) && !c->load_refused) {
        c->load_refused = reply;
        c->load_refused_at = c->needing_of[i];
    }
}

void commit_judge_loads(struct commit *c, size_t from)
{
    for (size_t i = 0; i < c->needing.count && c->loads_queued == c->needing.count; i++) {
        const struct vouch_reply *reply = vouch_reply_at(c->exec, from + i);
        struct commit_need *n = &c->needs[c->needing_of[i]];
        n->there = reply && !vouch_reply_is_error(reply);
        if (n->there && c->lane.link) {
            link_learn(c->lane.link, n->need);
        } else if (!c->load_refused) {
            c->load_refused = reply;
            c->load_refused_at = c->needing_of[i];
        }
    }
}

bool commit_try_without_loads(struct commit *c)
{
    bool denied = effect_code_is(c->load_refused->as.text, c->load_refused->n, "NOPERM");
    if (!denied || c->without_loads || c->stop)
        return false;
    c->without_loads = true;
    commit_begin(c);
    return true;
}

const struct need *commit_need_missing(const struct commit *c, size_t i)
{
    const struct need *need = batch_need(&c->body, i);
    for (size_t k = 0; need && k < c->needing.count; k++)
        if (c->needs[c->needing_of[k]].need->digest == need->digest &&
            c->needs[c->needing_of[k]].there)
            return NULL; /* it was loaded along with it */
    return need;
}
