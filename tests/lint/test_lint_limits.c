/* The worst sources of a megabyte: each through all of the linter in two seconds of processor time, and no rule gives
 * up. Code that servers take is judged like any other; what they refuse is told as that.
 *
 * VOUCH_LINT_WORST=number looks at one alone. */
#include "buffer.h"
#include "dice.h"
#include "lint/tree.h"
#include "suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <vouch/lint.h>

enum { MEGABYTE = 1 << 20 };

/* Sanitizers and coverage take their time. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
#define SLOWER 15
#else
#define SLOWER 1
#endif
static const double seconds_max = 2.0 * SLOWER;

/* `before`, `piece` as often as there is room for, `behind`; the outer two several times. */
struct worst {
    const char *name;
    size_t levels;
    const char *before, *piece, *behind;
    bool refused;
};

static const struct worst worsts[] = {
    {"open parentheses", 0, "", "(", "", true},
    {"fields of fields", 1, "return a", ".a", "", false},
    {"calls of calls", 1, "return a", "(a)", "", false},
    {"minus signs", 1, "return ", "- ", "", true},
    {"one string", 1, "return '", "x", "'", false},
    {"one long string", 1, "return [==[", "]=]\n", "]==]", false},
    {"escapes", 1, "return '", "\\x41", "'", false},
    {"one comment", 1, "--[==[", "]]\n", "]==]", false},
    {"comments", 0, "", "-- a\n", "", false},
    {"comments that allow", 0, "", "-- vouch-lint: allow key-literal: so\nredis.call('GET','a')\n",
     "", false},
    {"a table", 1, "return {", "1,x,", "}", false},
    {"named fields", 1, "return {", "k='v',", "}", false},
    {"ifs, too many", 10000, "if x then ", "", " end", true},
    {"blocks", 198, "do ", "f() ", "end ", false},
    {"an if in an else", 190, "if x then y() else ", "v=v or 1 ", "end ", false},
    {"lines", 0, "", "f(x)\n\n", "", false},
    {"elseifs", 1, "if x then ", "elseif y == 1 then z() ", "end", false},
    {"a sum", 1, "local a = 1 a = a", "+a", "", false},
    {"conditions", 1, "return x", " and y or z", "", false},
    {"functions", 0, "", "function f() end ", "", false},
    {"closures", 1, "local a,b,c ", "f(function() a=b b=c return a end) ", "", false},
    {"assignments", 1, "local a=0 ", "a=a+1 ", "", false},
    {"a string that grows", 1, "local a='' ", "a=a..'x'..a ", "", false},
    {"loops around assignments", 60, "while x do ", "a,b,c,d=b,c,d,a ", "end ", false},
    {"branches", 1, "local a,b,c ", "if a then a=b elseif b then b=c else c=a end ", "", false},
    {"commands", 0, "", "redis.call('SET', KEYS[1], ARGV[1]) ", "", false},
    {"replies", 1, "local r ", "r=redis.pcall('GET', KEYS[1]) if r.err then r=1 end ", "", false},
    {"numbers of replies", 1, "local r=redis.call('GET',KEYS[1]) ", "if r>5 then r=r..1 end ", "",
     false},
    {"loops over keys, too many variables", 0, "",
     "for _,k in ipairs(KEYS) do redis.call('DEL',k) end ", "", true},
    {"goto", 0, "", "goto x ", "", true},
    {"labels", 0, "", "::x:: ", "", true},
    {"semicolons", 0, "", ";", "", true},
    {"empty lines", 0, "", "\n", "", false},
    {"zeros", 1, "return 1", "0", "", false},
    {"NULs", 1, "return 1", "\1", "", true},
    {"values returned, too many", 1, "return 1", ",1", "", true},
    {"upvalues of many functions", 90, "local a=1 return function() ", "a=a ", "end ", false},
};

static void times(ts_buffer *text, size_t count, const char *piece)
{
    while (count--)
        ts_buffer_add(text, piece, strlen(piece));
}

static void write_worst(const struct worst *w, ts_buffer *text)
{
    size_t frame = w->levels * (strlen(w->before) + strlen(w->behind)), size = strlen(w->piece);
    times(text, w->levels, w->before);
    if (size)
        times(text, (MEGABYTE - frame) / size, w->piece);
    times(text, w->levels, w->behind);
}

static double processor_seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Whether a rule gave up, which is a fault of the rule's or of the bounds'. */
static const char *failed_rule(const vouch_lint_report *report)
{
    for (size_t i = 0; i < vouch_lint_count(report); i++)
        if (strcmp(vouch_lint_finding_at(report, i)->rule, "rule-failed") == 0)
            return vouch_lint_finding_at(report, i)->message;
    return NULL;
}

START_TEST(a_megabyte_takes_two_seconds)
{
    const struct worst *w = &worsts[_i];
    uint64_t only = dice_setting("VOUCH_LINT_WORST", UINT64_MAX);
    ts_buffer text = {0};
    vouch_lint *lint;
    vouch_lint_report *report;
    vouch_error e;
    if (only < UINT64_MAX && only != (uint64_t)_i)
        return;
    write_worst(w, &text);
    vouch_lint_source source = {.text = ts_buffer_bytes(&text), .size = ts_buffer_length(&text)};
    ck_assert_int_eq(vouch_lint_new(NULL, &lint, &e), VOUCH_OK);
    double begin = processor_seconds();
    ck_assert_int_eq(vouch_lint_run(lint, &source, &report, &e), VOUCH_OK);
    double taken = processor_seconds() - begin;
    printf("%2d %-36s %7zu bytes %6.2f s, %zu findings\n", _i, w->name, source.size, taken,
           vouch_lint_count(report) + vouch_lint_left_out(report));
    ck_assert_msg(vouch_lint_refused(report) == w->refused, "%s: %s", w->name,
                  w->refused ? "not refused" : "refused");
    ck_assert_msg(!failed_rule(report), "%s: %s", w->name, failed_rule(report));
    ck_assert_msg(taken < seconds_max, "%s: %.2f s", w->name, taken);
    vouch_lint_report_free(report);
    vouch_lint_free(lint);
    ts_buffer_free(&text);
}
END_TEST

/* Without the rules: most of a second is for them. */
START_TEST(a_megabyte_is_parsed_at_once)
{
    ts_buffer text = {0};
    struct arena arena = {0};
    struct lint_tree tree;
    write_worst(&worsts[_i], &text);
    double begin = processor_seconds();
    ck_assert(lint_parse(&arena, ts_buffer_bytes(&text), ts_buffer_length(&text), &tree));
    double taken = processor_seconds() - begin;
    ck_assert_msg(tree.refused == worsts[_i].refused, "%s", worsts[_i].name);
    ck_assert_msg(taken < seconds_max / 4, "%s: %.2f s", worsts[_i].name, taken);
    arena_free(&arena);
    ts_buffer_free(&text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lint_limits");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 600);
    tcase_add_loop_test(c, a_megabyte_is_parsed_at_once, 0, (int)(sizeof worsts / sizeof *worsts));
    tcase_add_loop_test(c, a_megabyte_takes_two_seconds, 0, (int)(sizeof worsts / sizeof *worsts));
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_NOFORK);
}
