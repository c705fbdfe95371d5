#include "engine_rig.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

void rig_open_bounded(struct rig *rig, size_t memory, uint64_t steps)
{
    memset(rig, 0, sizeof *rig);
    rig->left = UINT32_MAX;
    ck_assert(engine_new(memory, steps, &rig->engine));
}

void rig_open(struct rig *rig)
{
    rig_open_bounded(rig, VOUCH_LINT_MEMORY_DEFAULT, VOUCH_LINT_STEPS_DEFAULT);
}

void rig_close(struct rig *rig)
{
    engine_free(rig->engine);
    arena_free(&rig->arena);
}

void rig_rule_text(char *out, size_t room, const char *severity, const char *body)
{
    int n = snprintf(out, room,
                     "return {severity = '%s', summary = 'made up', why = 'why', bad = 'bad',"
                     " good = 'good', check = function(lint) %s end}",
                     severity, body);
    ck_assert_int_lt(n, (int)room);
}

void rig_rule(struct rig *rig, const char *name, const char *body)
{
    char text[8192];
    vouch_error error;
    rig_rule_text(text, sizeof text, "warning", body);
    ck_assert_msg(engine_add(rig->engine, name, text, strlen(text), false, &error) == VOUCH_OK,
                  "%s", error.message);
}

void rig_parse(struct rig *rig, const char *source)
{
    arena_reset(&rig->arena);
    ck_assert(lint_parse(&rig->arena, source, strlen(source), &rig->tree));
    if (rig->tree.whole)
        ck_assert(lint_flow(&rig->arena, &rig->tree, LINT_SOURCE_EVAL));
    rig->source = (struct engine_source){.tree = &rig->tree, .targets = LINT_TARGET_ALL};
}

static bool take(void *context, const char *rule, vouch_lint_severity severity, uint32_t offset,
                 uint32_t finish, const char *message, size_t message_size)
{
    static const char *const names[] = {"off", "info", "warning", "error"};
    struct rig *rig = context;
    if (rig->left == 0)
        return false;
    rig->left--;
    int n = snprintf(rig->said + rig->size, RIG_ROOM - rig->size, "%s %s %u-%u %.*s\n", rule,
                     names[severity], offset, finish, (int)message_size, message);
    ck_assert_uint_lt(rig->size + (size_t)n, RIG_ROOM);
    rig->size += (size_t)n;
    return true;
}

bool rig_run(struct rig *rig)
{
    rig->size = 0;
    rig->said[0] = 0;
    return engine_run(rig->engine, &rig->source, take, rig);
}

void rig_look(struct rig *rig, const char *body, const char *source)
{
    rig_open(rig);
    rig_rule(rig, "r", body);
    rig_parse(rig, source);
    ck_assert(rig_run(rig));
}
