/* Consumers of the world: opening, reading, claiming. */
#include "commit_world_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void actor_open(struct world *w, struct actor *a)
{
    struct open_said said;
    char fresh[NAME_MAX_], from[ID_MAX] = "";
    (void)snprintf(fresh, sizeof fresh, "G%d", ++w->names);
    do {
        struct open_call call = {.stream = stage_text(STREAM),
                                 .state = stage_text(STATE),
                                 .group = stage_text(GROUP),
                                 .start = stage_text("0"),
                                 .generation = stage_text(fresh),
                                 .mend = true,
                                 .from = stage_text(from)};
        open_run(w->stage, &call, &said);
        if (!said.ok) {
            world_fault(w, "opening: %s", said.error);
            return;
        }
        (void)snprintf(from, sizeof from, "%s", said.next);
    } while (*from);
    (void)snprintf(a->generation, sizeof a->generation, "%.31s", said.generation);
}

void actor_renew(struct world *w, struct actor *a)
{
    memset(a, 0, sizeof *a);
    (void)snprintf(a->name, sizeof a->name, "c:%d", ++w->names);
    a->trusted = true;
    actor_open(w, a);
}

/* ---- what it holds -------------------------------------------------------------------------- */

static void take(struct actor *a, const char *id, const char *before, const char *life, bool poison)
{
    struct held e = {.poison = poison};
    size_t at = 0;
    (void)stream_id_read(stage_text(id), &e.order);
    (void)snprintf(e.id, sizeof e.id, "%s", id);
    (void)snprintf(e.before, sizeof e.before, "%s", before);
    (void)snprintf(e.mark, sizeof e.mark, "%s:%s", life, id);
    while (at < a->n && stream_id_before(a->held[at].order, e.order))
        at++;
    if (at == a->n || strcmp(a->held[at].id, id) != 0) {
        if (a->n == HELD_MAX) /* it forgets one, and knows that it does not know */
            a->trusted = false, a->n--;
        memmove(&a->held[at + 1], &a->held[at], (a->n - at) * sizeof e);
        a->n++;
    }
    a->held[at] = e;
}

static void drop(struct actor *a, const char *id)
{
    for (size_t i = 0; i < a->n; i++)
        if (strcmp(a->held[i].id, id) == 0) {
            memmove(&a->held[i], &a->held[i + 1], (--a->n - i) * sizeof a->held[0]);
            return;
        }
}

/* Entries as id and fields ("life", n, "poison", 0 or 1); in_a_row: of one read. */
static size_t take_all(struct actor *a, const ts_reply *entries, bool in_a_row)
{
    const char *before = "";
    size_t n = 0;
    for (size_t i = 0; i < entries->count; i++) {
        const ts_reply *e = entries->elements[i];
        if (e->type != TS_REPLY_ARRAY || e->elements[1]->type != TS_REPLY_ARRAY)
            continue;
        const ts_reply *fields = e->elements[1];
        take(a, e->elements[0]->text, before, fields->elements[1]->text,
             fields->elements[3]->text[0] == '1');
        if (in_a_row)
            before = e->elements[0]->text;
        n++;
    }
    return n;
}

static bool is_gone(const ts_reply *r)
{
    return r->type == TS_REPLY_ERROR && strncmp(r->text, "NOGROUP ", 8) == 0;
}

/* Whether there is something to look at; if the group is gone it begins anew. */
static bool answered(struct world *w, struct actor *a, const ts_reply *r, bool lost)
{
    if (lost) {
        a->trusted = false;
    } else if (is_gone(r)) {
        actor_renew(w, a);
    } else if (r->type == TS_REPLY_ERROR) {
        world_fault(w, "%s: %s", a->name, r->text);
    } else {
        return r->type == TS_REPLY_ARRAY;
    }
    return false;
}

size_t actor_read(struct world *w, struct actor *a, int most, bool lost)
{
    char count[16];
    size_t n = 0;
    (void)snprintf(count, sizeof count, "%d", most);
    ts_reply *r = world_try(w, "XREADGROUP", "GROUP", GROUP, a->name, "COUNT", count, "STREAMS",
                            STREAM, ">", NULL);
    if (answered(w, a, r, lost))
        n = take_all(a, r->elements[0]->elements[1], true);
    ts_reply_free(r);
    return n;
}

size_t actor_claim(struct world *w, struct actor *a, int most, bool lost)
{
    char count[16];
    size_t n = 0;
    (void)snprintf(count, sizeof count, "%d", most);
    ts_reply *r =
        world_try(w, "XAUTOCLAIM", STREAM, GROUP, a->name, "0", "0-0", "COUNT", count, NULL);
    if (answered(w, a, r, lost)) {
        n = take_all(a, r->elements[1], false);
        for (size_t i = 0; i < r->elements[2]->count; i++, n++)
            drop(a, r->elements[2]->elements[i]->text);
    }
    ts_reply_free(r);
    return n;
}
