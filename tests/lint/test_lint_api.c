/* The linter as programs call it: options, severities, rules of their own, limits on both sides. What the rules
 * find is theirs to test. */
#include "lint_rig.h"
#include "suite.h"
#include "temp.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- options ---- */

START_TEST(options_are_checked)
{
    vouch_lint_options o = VOUCH_LINT_OPTIONS_INIT;
    vouch_error error;
    ck_assert_int_eq(vouch_lint_new(&o, NULL, &error), VOUCH_EINVAL);
    o.size = 0;
    refuses(&o, "VOUCH_LINT_OPTIONS_INIT");
    o = (vouch_lint_options)VOUCH_LINT_OPTIONS_INIT;
    o.setting_count = 1;
    refuses(&o, "settings");
    vouch_lint_setting setting = {NULL, VOUCH_LINT_OFF};
    o.settings = &setting;
    refuses(&o, "no rule ''");
    setting.rule = "no-such";
    refuses(&o, "'no-such'");
    setting = (vouch_lint_setting){"operator-53", (vouch_lint_severity)4};
    refuses(&o, "operator-53");
    setting = (vouch_lint_setting){"syntax", VOUCH_LINT_WARNING};
    refuses(&o, "always an error");
    setting.severity = VOUCH_LINT_ERROR;
    vouch_lint_free(linter(&o));
}
END_TEST

START_TEST(targets_are_known)
{
    static const char *const good[] = {"redis-7.0", "redis-7.4",  "redis-8",  "redis-8.x",
                                       "valkey-8",  "valkey-8.1", "valkey-9", "redis-7.0,valkey-9"};
    vouch_lint_options o = VOUCH_LINT_OPTIONS_INIT;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        o.target = good[i];
        vouch_lint_free(linter(&o));
    }
    o.target = "redis-6";
    refuses(&o, "'redis-6'");
    o.target = "valkey-8,mysql";
    refuses(&o, "'mysql'");
    o.target = "";
    refuses(&o, "target");
}
END_TEST

START_TEST(severities_are_set)
{
    static const char text[] = "return 7 // 2";
    vouch_lint_setting settings[] = {{"operator-53", VOUCH_LINT_OFF},
                                     {"operator-53", VOUCH_LINT_INFO}};
    vouch_lint_options o = VOUCH_LINT_OPTIONS_INIT;
    o.settings = settings;
    o.setting_count = 1;
    vouch_lint *lint = linter(&o);
    vouch_lint_report *report = report_of(lint, text, sizeof text - 1);
    ck_assert_str_eq(listed(report), "");
    ck_assert(vouch_lint_refused(report));
    vouch_lint_report_free(report);
    vouch_lint_free(lint);
    o.setting_count = 2; /* the last one holds */
    lint = linter(&o);
    ck_assert_int_eq(vouch_lint_rule_find(lint, "operator-53")->severity, VOUCH_LINT_INFO);
    report = report_of(lint, text, sizeof text - 1);
    ck_assert_str_eq(listed(report), "1:10 operator-53");
    for (size_t i = 0; i < vouch_lint_count(report); i++)
        if (strcmp(vouch_lint_finding_at(report, i)->rule, "operator-53") == 0)
            ck_assert_int_eq(vouch_lint_finding_at(report, i)->severity, VOUCH_LINT_INFO);
    vouch_lint_free(lint);
    ck_assert_str_eq(listed(report), "1:10 operator-53"); /* reports live on */
    vouch_lint_report_free(report);
}
END_TEST

START_TEST(rules_are_told_in_order)
{
    vouch_lint *lint = linter(NULL);
    size_t n = vouch_lint_rule_count(lint);
    ck_assert_uint_ge(n, 20);
    for (size_t i = 0; i < n; i++) {
        const vouch_lint_rule *r = vouch_lint_rule_at(lint, i);
        ck_assert(!r->own && *r->summary && *r->why && *r->bad && *r->good);
        ck_assert_uint_lt(strlen(r->name), VOUCH_LINT_RULE_MAX);
        ck_assert_ptr_eq(vouch_lint_rule_find(lint, r->name), r);
        ck_assert(i == 0 || strcmp(vouch_lint_rule_at(lint, i - 1)->name, r->name) < 0);
    }
    ck_assert_ptr_null(vouch_lint_rule_at(lint, n));
    ck_assert_ptr_null(vouch_lint_rule_find(lint, "no-such"));
    ck_assert_ptr_null(vouch_lint_rule_find(lint, NULL));
    vouch_lint_free(lint);
}
END_TEST

START_TEST(nothing_is_allowed_where_it_is_said)
{
    vouch_lint_free(NULL);
    vouch_lint_report_free(NULL);
    ck_assert_uint_eq(vouch_lint_rule_count(NULL), 0);
    ck_assert_ptr_null(vouch_lint_rule_at(NULL, 0));
    ck_assert_ptr_null(vouch_lint_rule_find(NULL, "syntax"));
    ck_assert_uint_eq(vouch_lint_count(NULL), 0);
    ck_assert_ptr_null(vouch_lint_finding_at(NULL, 0));
    ck_assert_str_eq(vouch_lint_severity_name((vouch_lint_severity)9), "?");
    ck_assert_str_eq(vouch_lint_severity_name(VOUCH_LINT_OFF), "off");
}
END_TEST

/* ---- rules of the caller's own ---- */

static char folder[TS_TEMP_MAX];

static void make_folder(void)
{
    ts_temp_make(folder);
}

static void remove_folder(void)
{
    ts_temp_remove(folder);
}

static void write_file(const char *name, const char *text)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

/* A rule whose check is this. */
static void write_rule(const char *name, const char *check)
{
    char text[4096];
    snprintf(text, sizeof text,
             "return {severity = 'warning', summary = 's', why = 'w', bad = 'b', good = 'g',"
             " check = function(lint) %s end}",
             check);
    write_file(name, text);
}

START_TEST(own_rules_are_read_from_a_folder)
{
    vouch_lint_options o = VOUCH_LINT_OPTIONS_INIT;
    o.rules = folder;
    refuses(&o, "has no *.lua");
    write_file(".hidden.lua", "nonsense(");
    write_file("README", "nonsense(");
    refuses(&o, "has no *.lua");
    write_rule("own.lua", "return {number = function(n) lint.report(n, 'a number') end}");
    write_rule("operator-53.lua", "return {}"); /* in place of the built-in one */
    vouch_lint *lint = linter(&o);
    ck_assert(vouch_lint_rule_find(lint, "own")->own);
    ck_assert(vouch_lint_rule_find(lint, "operator-53")->own);
    vouch_lint_report *report = report_of(lint, "return 1 // 2", 13);
    ck_assert_str_eq(listed(report), "1:8 own, 1:13 own");
    vouch_lint_report_free(report);
    vouch_lint_free(lint);
    write_file("broken.lua", "return {");
    refuses(&o, "broken");
    write_file("broken.lua", "return {severity = 'error'}");
    refuses(&o, "broken");
    o.rules = "/nonexistent/rules";
    refuses(&o, "/nonexistent/rules");
}
END_TEST

START_TEST(names_of_rules_have_a_limit)
{
    char name[VOUCH_LINT_RULE_MAX + 8];
    vouch_lint_options o = VOUCH_LINT_OPTIONS_INIT;
    o.rules = folder;
    memset(name, 'a', sizeof name);
    snprintf(name + VOUCH_LINT_RULE_MAX - 1, 8, ".lua");
    write_rule(name, "return {}");
    vouch_lint_free(linter(&o));
    snprintf(name + VOUCH_LINT_RULE_MAX - 1, 8, "a.lua");
    write_rule(name, "return {}");
    refuses(&o, "longer than");
}
END_TEST

START_TEST(findings_are_in_order_and_once)
{
    vouch_lint_options o = VOUCH_LINT_OPTIONS_INIT;
    o.rules = folder;
    write_rule(
        "own.lua",
        "return {chunk = function(c)"
        " lint.report({offset = 5, finish = 6}, 'b') lint.report({offset = 1, finish = 2}, 'z')"
        " lint.report({offset = 5, finish = 6}, 'a') lint.report({offset = 5, finish = 6}, 'b')"
        " lint.report({offset = 5, finish = 6}, 'b', 'info')"
        " lint.report({offset = 8, finish = 13}, 'one\\1\\ntwo') end}");
    vouch_lint *lint = linter(&o);
    vouch_lint_report *report = report_of(lint, "local\na = 1\n\n", 13);
    const vouch_lint_finding *f = vouch_lint_finding_at(report, 0);
    ck_assert_str_eq(listed(report), "1:1 own, 1:5 own, 1:5 own, 2:2 own");
    ck_assert_str_eq(f->message, "z");
    ck_assert_str_eq(f[1].message, "a");
    ck_assert_str_eq(f[2].message, "b");
    ck_assert_int_eq(f[2].severity, VOUCH_LINT_WARNING); /* not the milder one */
    ck_assert_uint_eq(f[2].end_line, 2);                 /* "l", and the line's end */
    ck_assert_uint_eq(f[2].end_column, 1);
    ck_assert_uint_eq(f[2].offset, 4);
    ck_assert_uint_eq(f[2].length, 2);
    ck_assert_str_eq(f[3].message, "one\\x01\\x0atwo");
    ck_assert_ptr_null(vouch_lint_finding_at(report, vouch_lint_count(report)));
    vouch_lint_report_free(report);
    vouch_lint_free(lint);
}
END_TEST

START_TEST(rules_are_bounded)
{
    static const char *const greedy[] = {
        "while true do end", "local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(1000) .. i end",
        "error('no')"};
    vouch_lint_options o = VOUCH_LINT_OPTIONS_INIT;
    o.rules = folder;
    o.memory = (size_t)32 << 20;
    o.steps = 3000000;
    for (size_t i = 0; i < sizeof greedy / sizeof greedy[0]; i++) {
        write_rule("own.lua", greedy[i]);
        vouch_lint *lint = linter(&o);
        vouch_lint_report *report = report_of(lint, "return 1 // 2", 13);
        ck_assert_ptr_nonnull(strstr(listed(report), "rule-failed"));
        ck_assert_ptr_nonnull(strstr(listed(report), "1:10 operator-53")); /* others went on */
        vouch_lint_report_free(report);
        vouch_lint_free(lint);
    }
}
END_TEST

/* ---- sources ---- */

START_TEST(kinds_are_guessed)
{
    static const struct {
        const char *text;
        vouch_lint_kind kind, taken;
    } cases[] = {
        {"return 1", VOUCH_LINT_GUESS, VOUCH_LINT_EVAL},
        {"#!lua name=x\n", VOUCH_LINT_GUESS, VOUCH_LINT_FUNCTION},
        {"#!lua NAME=x\n", VOUCH_LINT_GUESS, VOUCH_LINT_FUNCTION},
        {"#!lua  flags=a name=x\n", VOUCH_LINT_GUESS, VOUCH_LINT_FUNCTION},
        {"#!lua flags=no-writes\n", VOUCH_LINT_GUESS, VOUCH_LINT_EVAL},
        {"#!lua surname=x\n", VOUCH_LINT_GUESS, VOUCH_LINT_EVAL},
        {"-- #!lua name=x\n", VOUCH_LINT_GUESS, VOUCH_LINT_EVAL},
        {"#!lua name=x\n", VOUCH_LINT_EVAL, VOUCH_LINT_EVAL},
        {"return 1", VOUCH_LINT_FUNCTION, VOUCH_LINT_FUNCTION},
    };
    vouch_lint *lint = linter(NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        vouch_lint_source source = {.text = cases[i].text, .size = strlen(cases[i].text)};
        vouch_lint_report *report;
        source.kind = cases[i].kind;
        ck_assert_int_eq(vouch_lint_run(lint, &source, &report, NULL), VOUCH_OK);
        ck_assert_msg(vouch_lint_taken_for(report) == cases[i].taken, "%s", cases[i].text);
        ck_assert(!vouch_lint_refused(report));
        vouch_lint_report_free(report);
    }
    vouch_lint_free(lint);
}
END_TEST

START_TEST(sources_are_checked)
{
    vouch_lint *lint = linter(NULL);
    vouch_lint_source source = {0};
    vouch_lint_report *report = (vouch_lint_report *)1;
    vouch_error error;
    ck_assert_int_eq(vouch_lint_run(lint, NULL, &report, &error), VOUCH_EINVAL);
    ck_assert_ptr_null(report);
    ck_assert_int_eq(vouch_lint_run(NULL, &source, &report, &error), VOUCH_EINVAL);
    ck_assert_int_eq(vouch_lint_run(lint, &source, NULL, &error), VOUCH_EINVAL);
    ck_assert_int_eq(vouch_lint_run(lint, &source, &report, &error), VOUCH_OK); /* an empty one */
    vouch_lint_report_free(report);
    source.kind = (vouch_lint_kind)3;
    ck_assert_int_eq(vouch_lint_run(lint, &source, &report, &error), VOUCH_EINVAL);
    source = (vouch_lint_source){.size = 1};
    ck_assert_int_eq(vouch_lint_run(lint, &source, &report, &error), VOUCH_EINVAL);
    vouch_lint_free(lint);
}
END_TEST

START_TEST(sources_have_a_limit)
{
    vouch_lint *lint = linter(NULL);
    char *text = malloc(VOUCH_LINT_SOURCE_MAX + 1);
    ck_assert_ptr_nonnull(text);
    memset(text, ' ', VOUCH_LINT_SOURCE_MAX + 1);
    vouch_lint_source source = {.text = text, .size = VOUCH_LINT_SOURCE_MAX + 1};
    vouch_lint_report *report;
    vouch_error error;
    ck_assert_int_eq(vouch_lint_run(lint, &source, &report, &error), VOUCH_ELIMIT);
    ck_assert_ptr_null(report);
    source.size--;
    ck_assert_int_eq(vouch_lint_run(lint, &source, &report, &error), VOUCH_OK);
    ck_assert_str_eq(listed(report), "");
    vouch_lint_report_free(report);
    vouch_lint_free(lint);
    free(text);
}
END_TEST

/* `infos` names that are "goto", which are infos, then `errors` operators, on a line each. */
static vouch_lint_report *many(vouch_lint *lint, size_t infos, size_t errors)
{
    static const char info[] = "goto=1\n", bad[] = "f(1//2)\n";
    size_t one = sizeof info - 1, other = sizeof bad - 1, size = infos * one + errors * other;
    char *text = malloc(size + 1);
    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < infos; i++)
        memcpy(text + i * one, info, one);
    for (size_t i = 0; i < errors; i++)
        memcpy(text + infos * one + i * other, bad, other);
    vouch_lint_report *report = report_of(lint, text, size);
    free(text);
    return report;
}

START_TEST(findings_have_a_limit_and_the_worst_stay)
{
    vouch_lint *lint = narrow();
    static const struct {
        size_t infos, errors;
    } cases[] = {{0, 10000}, {0, 10001}, {10000, 1}, {19999, 1}, {25000, 3}, {45000, 10001}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t infos = cases[i].infos, errors = cases[i].errors, bad = 0, all = infos + errors;
        vouch_lint_report *report = many(lint, infos, errors);
        size_t kept = all < VOUCH_LINT_FINDINGS_MAX ? all : VOUCH_LINT_FINDINGS_MAX;
        ck_assert_uint_eq(vouch_lint_count(report), kept);
        ck_assert_uint_eq(vouch_lint_left_out(report), all - kept);
        const vouch_lint_finding *f = vouch_lint_finding_at(report, 0);
        for (size_t k = 0; k < kept; k++) {
            bad += f[k].severity == VOUCH_LINT_ERROR;
            ck_assert(k == 0 || f[k - 1].offset < f[k].offset);
        }
        ck_assert_uint_eq(bad, errors < kept ? errors : kept);
        vouch_lint_report_free(report);
    }
    vouch_lint_free(lint);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lint_api");
    TCase *calls = tcase_create("calls"), *own = tcase_create("own rules");
    tcase_add_test(calls, options_are_checked);
    tcase_add_test(calls, targets_are_known);
    tcase_add_test(calls, severities_are_set);
    tcase_add_test(calls, rules_are_told_in_order);
    tcase_add_test(calls, nothing_is_allowed_where_it_is_said);
    tcase_add_test(calls, kinds_are_guessed);
    tcase_add_test(calls, sources_are_checked);
    tcase_add_test(calls, sources_have_a_limit);
    tcase_add_test(calls, findings_have_a_limit_and_the_worst_stay);
    tcase_add_checked_fixture(own, make_folder, remove_folder);
    tcase_add_test(own, own_rules_are_read_from_a_folder);
    tcase_add_test(own, names_of_rules_have_a_limit);
    tcase_add_test(own, findings_are_in_order_and_once);
    tcase_add_test(own, rules_are_bounded);
    TCase *all[] = {calls, own};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        tcase_set_timeout(all[i], 120);
        suite_add_tcase(suite, all[i]);
    }
    return suite_run(suite, CK_NOFORK);
}
