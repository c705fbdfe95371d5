/* Every rule finds what it says, and nothing else: its own example, and the cases of tests/lint/cases. What servers
 * do with a bad case is looked at on real ones. VOUCH_LINT_RULE=name looks at that rule alone. */
#include "cases.h"
#include "cases_live.h"

#include "base.h"
#include "buffer.h"
#include "server.h"
#include "suite.h"
#include "temp.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CASES_MIN = 5 };

static vouch_lint *lint; /* for every server */
static ts_server *servers[2];

/* Findings about the linter's own run, not about a source: no source gives one by itself. */
static bool has_no_cases(const char *rule)
{
    return strcmp(rule, "rule-failed") == 0 || strcmp(rule, "server-disagrees") == 0;
}

/* The rule of a loop's test; NULL: there is none of that number, or it is not asked for. */
static const vouch_lint_rule *rule_of(int i)
{
    const vouch_lint_rule *rule = vouch_lint_rule_at(lint, (size_t)i);
    const char *only = getenv("VOUCH_LINT_RULE");
    if (!rule || has_no_cases(rule->name) || (only && strcmp(only, rule->name) != 0))
        return NULL;
    return rule;
}

/* ---- what is wrong, told at the end of a test --------------------------------------------------- */

static ts_buffer wrongs;

__attribute__((format(printf, 2, 3))) static void wrong(const struct lint_case *c,
                                                        const char *format, ...)
{
    char what[2048];
    va_list list;
    va_start(list, format);
    vsnprintf(what, sizeof what, format, list);
    va_end(list);
    if (c)
        ts_buffer_print(&wrongs, "\n%s:%u: %s case: ", c->path, c->line, c->bad ? "bad" : "good");
    else
        ts_buffer_print(&wrongs, "\n");
    ts_buffer_print(&wrongs, "%s", what);
}

static void told(void)
{
    if (ts_buffer_length(&wrongs) == 0)
        return;
    ts_buffer_add(&wrongs, "", 1);
    char *text = ts_copy(ts_buffer_bytes(&wrongs), ts_buffer_length(&wrongs));
    ts_buffer_free(&wrongs);
    wrongs = (ts_buffer){0};
    ck_abort_msg("%s", text);
}

static void read_cases(const char *rule, char path[512], struct lint_cases *cases)
{
    snprintf(path, 512, "%s/%s.lua", LINT_CASES, rule);
    char *why = lint_cases_read(path, cases);
    if (why)
        wrong(NULL, "%s", why);
    free(why);
}

/* ---- judging --------------------------------------------------------------------------------------- */

static vouch_lint_report *judge(const struct lint_case *c)
{
    vouch_error error = {0};
    vouch_lint *own = NULL;
    if (c->target) {
        vouch_lint_options options = VOUCH_LINT_OPTIONS_INIT;
        options.target = c->target;
        if (vouch_lint_new(&options, &own, &error) != VOUCH_OK) {
            wrong(c, "target=%s: %s", c->target, error.message);
            return NULL;
        }
    }
    vouch_lint_source source = {.text = c->source,
                                .size = c->size,
                                .kind = c->kind,
                                .numkeys_known = c->numkeys_known,
                                .numkeys = c->numkeys};
    vouch_lint_report *report = NULL;
    if (vouch_lint_run(own ? own : lint, &source, &report, &error) != VOUCH_OK)
        wrong(c, "%s", error.message);
    vouch_lint_free(own);
    return report;
}

static bool fits(const struct lint_case *c, const vouch_lint_finding *finding)
{
    for (size_t i = 0; i < CASE_SAYS && c->says[i]; i++)
        if (!strstr(finding->message, c->says[i]))
            return false;
    return (c->at_line == 0 || c->at_line == finding->line) &&
           (c->at_column == 0 || c->at_column == finding->column);
}

/* "3:7 [operator-53] …" for each finding; in the buffer until the next call. */
static const char *listed(const vouch_lint_report *report)
{
    static char text[1200];
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < vouch_lint_count(report) && used + 200 < sizeof text; i++) {
        const vouch_lint_finding *f = vouch_lint_finding_at(report, i);
        int n = snprintf(text + used, 200, "\n    %u:%u: %s: %.120s [%s]", f->line, f->column,
                         vouch_lint_severity_name(f->severity), f->message, f->rule);
        used += n < 200 ? (size_t)n : 199;
    }
    return text[0] ? text : " nothing";
}

static void check_case(const char *rule, const struct lint_case *c)
{
    vouch_lint_report *report = judge(c);
    if (!report)
        return;
    size_t own = 0, fitting = 0, others = 0;
    for (size_t i = 0; i < vouch_lint_count(report); i++) {
        const vouch_lint_finding *finding = vouch_lint_finding_at(report, i);
        bool is_own = strcmp(finding->rule, rule) == 0;
        own += is_own;
        fitting += is_own && fits(c, finding);
        others += !is_own;
        if (strcmp(finding->rule, "rule-failed") == 0)
            wrong(c, "a rule failed: %s", finding->message);
    }
    if (c->bad && own == 0)
        wrong(c, "not found by %s, but%s", rule, listed(report));
    else if (c->bad && fitting == 0)
        wrong(c, "found elsewhere, or in other words:%s", listed(report));
    else if (!c->bad && own > 0)
        wrong(c, "found by %s:%s", rule, listed(report));
    else if ((c->only || c->clean) && others > 0)
        wrong(c, "other rules find something:%s", listed(report));
    vouch_lint_report_free(report);
}

START_TEST(each_case_is_judged_as_it_says)
{
    const vouch_lint_rule *rule = rule_of(_i);
    if (!rule)
        return;
    char path[512];
    struct lint_cases cases;
    read_cases(rule->name, path, &cases);
    for (size_t i = 0; i < cases.count; i++)
        check_case(rule->name, &cases.list[i]);
    lint_cases_free(&cases);
    told();
}
END_TEST

START_TEST(each_rule_has_cases_enough)
{
    const vouch_lint_rule *rule = rule_of(_i);
    if (!rule)
        return;
    char path[512];
    struct lint_cases cases;
    read_cases(rule->name, path, &cases);
    size_t bad = 0, live = 0;
    for (size_t i = 0; i < cases.count; i++) {
        bad += cases.list[i].bad;
        live += cases.list[i].bad && (cases.list[i].live_redis || cases.list[i].live_valkey);
    }
    if (bad < CASES_MIN || cases.count - bad < CASES_MIN)
        wrong(NULL, "%s: %zu bad cases and %zu good ones are not %d of each", path, bad,
              cases.count - bad, CASES_MIN);
    if (rule->severity == VOUCH_LINT_ERROR && live == 0 && !cases.no_live)
        wrong(NULL, "%s: an error, and no bad case shows it live", path);
    lint_cases_free(&cases);
    told();
}
END_TEST

/* ---- the rules' own examples ----------------------------------------------------------------------- */

static bool finds(const char *rule, const struct lint_case *c)
{
    vouch_lint_report *report = judge(c);
    bool found = false;
    for (size_t i = 0; report && i < vouch_lint_count(report); i++)
        found = found || strcmp(vouch_lint_finding_at(report, i)->rule, rule) == 0;
    vouch_lint_report_free(report);
    return found;
}

START_TEST(each_rules_own_example_is_one)
{
    const vouch_lint_rule *rule = rule_of(_i);
    if (!rule)
        return;
    struct lint_case bad = {
        .path = rule->name, .line = 1, .bad = true, .source = rule->bad, .size = strlen(rule->bad)};
    struct lint_case good = {.path = rule->name,
                             .line = 1,
                             .clean = true,
                             .source = rule->good,
                             .size = strlen(rule->good)};
    if (!finds(rule->name, &bad))
        bad.target = "redis-7.0"; /* some tell only what a target lacks */
    check_case(rule->name, &bad);
    check_case(rule->name, &good);
    told();
}
END_TEST

START_TEST(each_file_of_cases_is_a_rules)
{
    struct dirent **entries;
    int count = scandir(LINT_CASES, &entries, NULL, alphasort);
    ck_assert_int_gt(count, 0);
    for (int i = 0; i < count; i++) {
        char *dot = strrchr(entries[i]->d_name, '.');
        if (dot && strcmp(dot, ".lua") == 0) {
            *dot = '\0';
            if (!vouch_lint_rule_find(lint, entries[i]->d_name))
                wrong(NULL, "%s/%s.lua: there is no such rule", LINT_CASES, entries[i]->d_name);
        }
        free(entries[i]);
    }
    free(entries);
    told();
}
END_TEST

/* What nobody would judge is not passed over. */
START_TEST(a_file_that_is_not_understood_is_told)
{
    static const char *const wrongs_of[][2] = {
        {"--- worse\nreturn 1\n", "neither"},
        {"--- bad sayz=x\nreturn 1\n", "sayz"},
        {"--- bad\nreturn 1\n--- good only\nreturn 1\n", ":3: only"},
        {"--- bad clean\nreturn 1\n", "clean"},
        {"--- bad at=x\nreturn 1\n", "at=x"},
        {"--- bad says=\"open\nreturn 1\n", "missing"},
        {"--- bad kind=module\nreturn 1\n", "kind=module"},
        {"--- good numkeys=many\nreturn 1\n", "numkeys=many"},
        {"--- no-live: \n", "neither"},
    };
    char folder[TS_TEMP_MAX], path[TS_TEMP_MAX + 16];
    ts_temp_make(folder);
    snprintf(path, sizeof path, "%s/a.lua", folder);
    for (size_t i = 0; i < sizeof wrongs_of / sizeof *wrongs_of; i++) {
        FILE *file = fopen(path, "w");
        ck_assert_ptr_nonnull(file);
        fputs(wrongs_of[i][0], file);
        fclose(file);
        struct lint_cases cases;
        char *why = lint_cases_read(path, &cases);
        ck_assert_msg(why && strstr(why, wrongs_of[i][1]), "%zu: %s", i, why ? why : "is taken");
        free(why);
        lint_cases_free(&cases);
    }
    ts_temp_remove(folder);
}
END_TEST

/* ---- live ------------------------------------------------------------------------------------------- */

static bool is_library(const struct lint_case *c)
{
    if (c->kind != VOUCH_LINT_GUESS)
        return c->kind == VOUCH_LINT_FUNCTION;
    vouch_lint_report *report = judge(c);
    bool library = report && vouch_lint_taken_for(report) == VOUCH_LINT_FUNCTION;
    vouch_lint_report_free(report);
    return library;
}

static void check_live(const struct lint_case *c, ts_server_kind kind, const char *expected)
{
    char *answer = lint_case_answer(servers[kind], c, is_library(c));
    if (strncmp(answer, "(lost)", 6) == 0) { /* the next case has one again */
        char log[4000];
        ts_note("%s:%u: %s", c->path, c->line, ts_server_log_tail(servers[kind], log, sizeof log));
        ck_assert(ts_server_restart(servers[kind]));
    }
    if (!strstr(answer, expected))
        wrong(c, "%s answered %.600s\n    which has no %s", kind == TS_REDIS ? "Redis" : "Valkey",
              answer, expected);
    free(answer);
}

START_TEST(servers_do_what_the_cases_say)
{
    const vouch_lint_rule *rule = rule_of(_i);
    if (!rule)
        return;
    char path[512];
    struct lint_cases cases;
    read_cases(rule->name, path, &cases);
    for (size_t i = 0; i < cases.count; i++) {
        const struct lint_case *c = &cases.list[i];
        if (c->live_redis)
            check_live(c, TS_REDIS, c->live_redis);
        if (c->live_valkey)
            check_live(c, TS_VALKEY, c->live_valkey);
    }
    lint_cases_free(&cases);
    told();
}
END_TEST

static void start_servers(void)
{
    for (int kind = TS_REDIS; kind <= TS_VALKEY; kind++) {
        servers[kind] = ts_server_start(&(ts_server_options){.kind = (ts_server_kind)kind});
        ck_assert_ptr_nonnull(servers[kind]);
    }
}

static void stop_servers(void)
{
    ts_server_free(servers[TS_REDIS]);
    ts_server_free(servers[TS_VALKEY]);
}

int main(void)
{
    vouch_error error = {0};
    if (vouch_lint_new(NULL, &lint, &error) != VOUCH_OK)
        ts_die("%s", error.message);
    int rules = (int)vouch_lint_rule_count(lint);

    Suite *suite = suite_create("rules");
    TCase *judged = tcase_create("judged");
    tcase_set_timeout(judged, 120);
    tcase_add_loop_test(judged, each_rule_has_cases_enough, 0, rules);
    tcase_add_loop_test(judged, each_case_is_judged_as_it_says, 0, rules);
    tcase_add_loop_test(judged, each_rules_own_example_is_one, 0, rules);
    tcase_add_test(judged, each_file_of_cases_is_a_rules);
    tcase_add_test(judged, a_file_that_is_not_understood_is_told);
    suite_add_tcase(suite, judged);

    TCase *live = tcase_create("live");
    tcase_set_timeout(live, 120);
    tcase_add_unchecked_fixture(live, start_servers, stop_servers);
    tcase_add_loop_test(live, servers_do_what_the_cases_say, 0, rules);
    suite_add_tcase(suite, live);
    int failed = suite_run(suite, CK_NOFORK);
    vouch_lint_free(lint);
    return failed;
}
