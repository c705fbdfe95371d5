/* A linter to ask: tests/lint/lint_rig.h. */
#include "lint_rig.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

vouch_lint *linter(const vouch_lint_options *options)
{
    vouch_lint *lint;
    vouch_error error;
    ck_assert_msg(vouch_lint_new(options, &lint, &error) == VOUCH_OK, "%s", error.message);
    return lint;
}

vouch_lint_report *report_of(vouch_lint *lint, const char *text, size_t size)
{
    vouch_lint_source source = {.text = text, .size = size};
    vouch_lint_report *report;
    vouch_error error;
    ck_assert_msg(vouch_lint_run(lint, &source, &report, &error) == VOUCH_OK, "%s", error.message);
    ck_assert_int_eq(error.status, VOUCH_OK);
    return report;
}

/* The rules whose findings are looked at; what others say of the same sources is theirs. */
static bool is_looked_at(const char *rule)
{
    static const char *const rules[] = {
        "operator-53", "goto-label",   "suppression", "unused-suppression",
        "syntax",      "goto-as-name", "rule-failed", "own",
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (strcmp(rules[i], rule) == 0)
            return true;
    return false;
}

/* Findings as "LINE:COLUMN rule, …". */
const char *listed(const vouch_lint_report *report)
{
    static char text[4096];
    size_t n = 0;
    text[0] = 0;
    for (size_t i = 0; i < vouch_lint_count(report); i++) {
        const vouch_lint_finding *f = vouch_lint_finding_at(report, i);
        if (is_looked_at(f->rule) && n < sizeof text)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%u:%u %s", n ? ", " : "", f->line,
                                  f->column, f->rule);
    }
    return text;
}

void finds(const char *source, const char *expected)
{
    vouch_lint *lint = linter(NULL);
    vouch_lint_report *report = report_of(lint, source, strlen(source));
    ck_assert_msg(strcmp(listed(report), expected) == 0, "of\n%s\nfound: %s\nnot:   %s", source,
                  listed(report), expected);
    vouch_lint_report_free(report);
    vouch_lint_free(lint);
}

void refuses(const vouch_lint_options *options, const char *part)
{
    vouch_lint *lint = (vouch_lint *)1;
    vouch_error error;
    ck_assert_int_eq(vouch_lint_new(options, &lint, &error), VOUCH_EINVAL);
    ck_assert_ptr_null(lint);
    ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
    ck_assert_msg(strstr(error.message, part) != NULL, "%s\nwithout: %s", error.message, part);
}

/* A linter of the two rules that `many` speaks to. */
vouch_lint *narrow(void)
{
    static vouch_lint_setting settings[256];
    vouch_lint_options o = VOUCH_LINT_OPTIONS_INIT;
    vouch_lint *all = linter(NULL);
    for (size_t i = 0; i < vouch_lint_rule_count(all); i++) {
        const char *name = vouch_lint_rule_at(all, i)->name;
        if (strcmp(name, "goto-as-name") != 0 && strcmp(name, "operator-53") != 0 &&
            strcmp(name, "syntax") != 0)
            settings[o.setting_count++] = (vouch_lint_setting){name, VOUCH_LINT_OFF};
    }
    o.settings = settings;
    vouch_lint *lint = linter(&o);
    vouch_lint_free(all);
    return lint;
}
