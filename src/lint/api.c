/* The public calls: a linter, its rules, and a source's way through the parts. May call: all of the linter. */
#include "base/alloc.h"
#include "base/arena.h"
#include "base/error.h"
#include "lint/engine.h"
#include "lint/folder.h"
#include "lint/report.h"

#include <string.h>

struct vouch_lint {
    struct engine *engine;
    uint32_t targets; /* of LINT_TARGET */
    bool targeted;
};

static vouch_status no_memory(vouch_error *error)
{
    return error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "no memory for the linter");
}

/* ---- a linter -------------------------------------------------------------------------------- */

static vouch_status set_targets(vouch_lint *lint, const char *text, vouch_error *error)
{
    lint->targets = LINT_TARGET_ALL;
    if (!text)
        return VOUCH_OK;
    const char *at = text;
    size_t size = strlen(text);
    lint->targeted = true;
    lint->targets = lint_target_parse(text, &at, &size);
    if (lint->targets)
        return VOUCH_OK;
    int shown = size > 40 ? 40 : (int)size;
    return error_set(
        error, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
        "there is no target '%.*s'; known are %s to %s and %s to %s, also as redis-8 or "
        "valkey-8",
        shown, at, lint_target_name(LINT_TARGET_INDEX_REDIS_7_0),
        lint_target_name(LINT_TARGET_INDEX_REDIS_8_0),
        lint_target_name(LINT_TARGET_INDEX_VALKEY_7_2),
        lint_target_name(LINT_TARGET_INDEX_VALKEY_9_1));
}

static vouch_lint_rule *find(const vouch_lint *lint, const char *name)
{
    size_t low = 0, high = engine_rule_count(lint->engine);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        vouch_lint_rule *rule = engine_rule_at(lint->engine, middle);
        int order = strcmp(name, rule->name);
        if (order == 0)
            return rule;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static vouch_status set_severity(vouch_lint *lint, const vouch_lint_setting *setting,
                                 vouch_error *error)
{
    vouch_lint_rule *rule = setting->rule ? find(lint, setting->rule) : NULL;
    if (!rule)
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "there is no rule '%s'",
                         setting->rule ? setting->rule : "");
    if (setting->severity > VOUCH_LINT_ERROR)
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "the severity of '%s' is none: %d",
                         rule->name, (int)setting->severity);
    /* What does not compile was not looked at by any other rule: nothing else would tell that. */
    if (setting->severity != VOUCH_LINT_ERROR && strcmp(rule->name, REPORT_SYNTAX) == 0)
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                         "'%s' is always an error: no server runs such a source", rule->name);
    rule->severity = setting->severity;
    return VOUCH_OK;
}

static vouch_status set_up(vouch_lint *lint, const vouch_lint_options *o, vouch_error *error)
{
    if (!engine_new(o->memory ? o->memory : VOUCH_LINT_MEMORY_DEFAULT,
                    o->steps ? o->steps : VOUCH_LINT_STEPS_DEFAULT, &lint->engine))
        return no_memory(error);
    vouch_status status = set_targets(lint, o->target, error);
    if (status == VOUCH_OK)
        status = engine_add_builtin(lint->engine, error);
    if (status == VOUCH_OK && o->rules)
        status = folder_add_rules(lint->engine, o->rules, error);
    for (size_t i = 0; status == VOUCH_OK && i < o->setting_count; i++)
        status = set_severity(lint, &o->settings[i], error);
    return status;
}

vouch_status vouch_lint_new(const vouch_lint_options *options, vouch_lint **out, vouch_error *error)
{
    static const vouch_lint_options defaults = VOUCH_LINT_OPTIONS_INIT;
    const vouch_lint_options *o = options ? options : &defaults;
    if (!out)
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "out is NULL");
    *out = NULL;
    if (o->size != sizeof *o)
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                         "options->size: not set by VOUCH_LINT_OPTIONS_INIT");
    if (o->setting_count && !o->settings)
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "options->settings is NULL");
    vouch_lint *lint = alloc_zeroed(1, sizeof *lint);
    if (!lint)
        return no_memory(error);
    vouch_status status = set_up(lint, o, error);
    if (status != VOUCH_OK) {
        vouch_lint_free(lint);
        return status;
    }
    error_clear(error);
    *out = lint;
    return VOUCH_OK;
}

void vouch_lint_free(vouch_lint *lint)
{
    if (!lint)
        return;
    if (lint->engine)
        engine_free(lint->engine);
    alloc_free(lint);
}

size_t vouch_lint_rule_count(const vouch_lint *lint)
{
    return lint ? engine_rule_count(lint->engine) : 0;
}

const vouch_lint_rule *vouch_lint_rule_at(const vouch_lint *lint, size_t index)
{
    return index < vouch_lint_rule_count(lint) ? engine_rule_at(lint->engine, index) : NULL;
}

const vouch_lint_rule *vouch_lint_rule_find(const vouch_lint *lint, const char *name)
{
    return lint && name ? find(lint, name) : NULL;
}

/* ---- a source -------------------------------------------------------------------------------- */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* A first line "#!lua name=…": the words behind the engine's name are what a server reads as metadata, in
 * capitals or not. */
static bool names_a_library(const struct lint_tree *tree)
{
    static const char word[] = " name=";
    size_t n = sizeof word - 1;
    for (size_t i = 2; i + n <= tree->shebang; i++) {
        size_t k = is_space(tree->source[i]) ? 1 : 0;
        while (k && k < n && (tree->source[i + k] | 0x20) == (word[k] | 0x20))
            k++;
        if (k == n)
            return true;
    }
    return false;
}

static bool on_finding(void *context, const char *rule, vouch_lint_severity severity,
                       uint32_t offset, uint32_t finish, const char *message, size_t message_size)
{
    return report_add(context, rule, severity, offset, finish, message, message_size);
}

static bool judge(vouch_lint *lint, struct arena *arena, struct lint_tree *tree,
                  const vouch_lint_source *source, vouch_lint_report *report)
{
    report->refused = tree->refused || !tree->whole;
    report->kind = source->kind != VOUCH_LINT_GUESS ? source->kind
                   : names_a_library(tree)          ? VOUCH_LINT_FUNCTION
                                                    : VOUCH_LINT_EVAL;
    struct engine_source asked = {.tree = tree,
                                  .kind = report->kind == VOUCH_LINT_FUNCTION ? LINT_SOURCE_FUNCTION
                                                                              : LINT_SOURCE_EVAL,
                                  .numkeys_known = source->numkeys_known,
                                  .numkeys = source->numkeys,
                                  .targets = lint->targets,
                                  .targeted = lint->targeted};
    struct report_run run = {.lint = lint, .tree = tree, .report = report};
    bool fine = (!tree->whole || lint_flow(arena, tree, asked.kind)) && allowances_read(&run) &&
                engine_run(lint->engine, &asked, on_finding, &run) && allowances_unused(&run);
    if (fine)
        report_end(&run);
    allowances_free(&run.allowances);
    return fine;
}

static vouch_status check(const vouch_lint *lint, const vouch_lint_source *source,
                          vouch_error *error)
{
    if (!lint || !source || (!source->text && source->size))
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "lint, source or its text is NULL");
    if (source->kind > VOUCH_LINT_FUNCTION)
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "source->kind is none: %d",
                         (int)source->kind);
    if (source->size > VOUCH_LINT_SOURCE_MAX)
        return error_set(error, VOUCH_ELIMIT, VOUCH_CAUSE_LIMIT,
                         "the source is longer than 64 MiB, VOUCH_LINT_SOURCE_MAX");
    return VOUCH_OK;
}

vouch_status vouch_lint_run(vouch_lint *lint, const vouch_lint_source *source,
                            vouch_lint_report **out, vouch_error *error)
{
    if (!out)
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "out is NULL");
    *out = NULL;
    vouch_status status = check(lint, source, error);
    if (status != VOUCH_OK)
        return status;
    vouch_lint_report *report = alloc_zeroed(1, sizeof *report);
    struct arena arena = {0};
    struct lint_tree tree = {0};
    bool fine = report &&
                lint_parse(&arena, source->text ? source->text : "", source->size, &tree) &&
                judge(lint, &arena, &tree, source, report);
    arena_free(&arena);
    if (!fine) {
        vouch_lint_report_free(report);
        return no_memory(error);
    }
    error_clear(error);
    *out = report;
    return VOUCH_OK;
}
