/* The findings of a source: gathered, the worst of them kept, put in order. Pure; may call: base, the tree.
 *
 * Invariant: `findings` never holds more than twice VOUCH_LINT_FINDINGS_MAX. When it is that full the less bad
 * half goes, and so does from then on, at once, what is no worse than all that stayed. So what a program decides
 * by (is there an error?) does not depend on how much else there is. */
#include "lint/report.h"

#include "base/alloc.h"
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* By place, then rule, then words; of the same ones the worse and longer first. */
static int by_place(const void *left, const void *right)
{
    const vouch_lint_finding *a = left, *b = right;
    if (a->offset != b->offset)
        return a->offset < b->offset ? -1 : 1;
    int order = strcmp(a->rule, b->rule);
    if (!order)
        order = strcmp(a->message, b->message);
    if (order)
        return order;
    if (a->severity != b->severity)
        return a->severity > b->severity ? -1 : 1;
    return a->length == b->length ? 0 : a->length > b->length ? -1 : 1;
}

static int by_severity(const void *left, const void *right)
{
    const vouch_lint_finding *a = left, *b = right;
    if (a->severity != b->severity)
        return a->severity > b->severity ? -1 : 1;
    return by_place(left, right);
}

static void sort(vouch_lint_report *report, int (*order)(const void *, const void *))
{
    if (report->count)
        qsort(report->findings, report->count, sizeof *report->findings, order);
}

static void drop_doubles(vouch_lint_report *report)
{
    size_t kept = 0;
    for (size_t i = 0; i < report->count; i++) {
        const vouch_lint_finding *f = &report->findings[i],
                                 *last = kept ? &report->findings[kept - 1] : NULL;
        if (!last || last->offset != f->offset || strcmp(last->rule, f->rule) != 0 ||
            strcmp(last->message, f->message) != 0)
            report->findings[kept++] = *f;
    }
    report->count = kept;
}

static void cut(vouch_lint_report *report)
{
    sort(report, by_place);
    drop_doubles(report);
    if (report->count <= VOUCH_LINT_FINDINGS_MAX)
        return;
    sort(report, by_severity);
    report->left_out += report->count - VOUCH_LINT_FINDINGS_MAX;
    report->count = VOUCH_LINT_FINDINGS_MAX;
    report->least = report->findings[report->count - 1];
    report->full = true;
}

void report_end(struct report_run *run)
{
    cut(run->report);
    sort(run->report, by_place);
}

/* A copy with control bytes made visible, shortened to REPORT_MESSAGE_MAX. */
static const char *message_copy(struct arena *arena, const char *text, size_t size)
{
    char room[REPORT_MESSAGE_MAX];
    error_escape(room, sizeof room, text, size);
    size_t n = strlen(room) + 1;
    char *copy = arena_get(arena, n);
    if (copy)
        memcpy(copy, room, n);
    return copy;
}

static const char *name_copy(struct arena *arena, const char *name)
{
    size_t n = strlen(name) + 1;
    char *copy = arena_get(arena, n);
    if (copy)
        memcpy(copy, name, n);
    return copy;
}

static bool put(struct report_run *run, const char *rule, vouch_lint_severity severity,
                uint32_t offset, uint32_t finish, const char *message, size_t message_size)
{
    vouch_lint_report *report = run->report;
    vouch_lint_finding f = {.severity = severity, .rule = rule, .message = "", .offset = offset};
    f.length = finish > offset ? finish - offset : 0;
    if (report->full && by_severity(&f, &report->least) > 0) {
        report->left_out++;
        return true;
    }
    void *list = report->findings;
    if (!alloc_grow(&list, &report->capacity, report->count + 1, sizeof *report->findings))
        return false;
    report->findings = list;
    f.message = message_copy(&report->arena, message, message_size);
    f.rule = name_copy(&report->arena, rule);
    if (!f.message || !f.rule)
        return false;
    lint_position(run->tree, offset, &f.line, &f.column);
    lint_position(run->tree, offset + (uint32_t)f.length, &f.end_line, &f.end_column);
    report->findings[report->count++] = f;
    if (report->count >= 2 * VOUCH_LINT_FINDINGS_MAX)
        cut(report);
    return true;
}

bool report_add(struct report_run *run, const char *rule, vouch_lint_severity severity,
                uint32_t offset, uint32_t finish, const char *message, size_t message_size)
{
    if (severity == VOUCH_LINT_OFF)
        return true;
    uint32_t line, column;
    lint_position(run->tree, offset, &line, &column);
    if (allowances_cover(&run->allowances, rule, line))
        return true;
    if (strcmp(rule, REPORT_FAILED) == 0)
        run->failed = true;
    return put(run, rule, severity, offset, finish, message, message_size);
}

bool report_own(struct report_run *run, const char *rule, uint32_t offset, uint32_t finish,
                const char *format, ...)
{
    const vouch_lint_rule *known = vouch_lint_rule_find(run->lint, rule);
    if (!known || known->severity == VOUCH_LINT_OFF)
        return true;
    char text[REPORT_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t size = n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    return put(run, rule, known->severity, offset, finish, text, size);
}

/* ---- what programs see ----------------------------------------------------------------------- */

void vouch_lint_report_free(vouch_lint_report *report)
{
    if (!report)
        return;
    arena_free(&report->arena);
    alloc_free(report->findings);
    alloc_free(report);
}

size_t vouch_lint_count(const vouch_lint_report *report)
{
    return report ? report->count : 0;
}

const vouch_lint_finding *vouch_lint_finding_at(const vouch_lint_report *report, size_t index)
{
    return report && index < report->count ? &report->findings[index] : NULL;
}

size_t vouch_lint_left_out(const vouch_lint_report *report)
{
    return report ? report->left_out : 0;
}

bool vouch_lint_refused(const vouch_lint_report *report)
{
    return report && report->refused;
}

vouch_lint_kind vouch_lint_taken_for(const vouch_lint_report *report)
{
    return report ? report->kind : VOUCH_LINT_GUESS;
}

const char *vouch_lint_severity_name(vouch_lint_severity severity)
{
    switch (severity) {
    case VOUCH_LINT_OFF:
        return "off";
    case VOUCH_LINT_INFO:
        return "info";
    case VOUCH_LINT_WARNING:
        return "warning";
    case VOUCH_LINT_ERROR:
        return "error";
    case VOUCH_LINT_SEVERITY_LAST_:
        break;
    }
    return "?";
}
