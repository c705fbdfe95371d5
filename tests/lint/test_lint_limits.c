/* The worst sources: each through all of the linter, and no rule gives up, though its steps are counted. Code that
 * servers take is judged like any other; what they refuse is told as that. How long each takes is printed, and
 * judged by nobody but a reader (a megabyte should take under two seconds); here something only has to end.
 *
 * VOUCH_LINT_WORST=number looks at one alone, VOUCH_LINT_WORST_BYTES=1048576 at whole megabytes. */
#include "buffer.h"
#include "dice.h"
#include "lint/tree.h"
#include "suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <vouch/lint.h>

enum { BYTES_DEFAULT = 1 << 17, HANG_SECONDS = 60 };

/* `before`, `piece` as often as there is room for, `behind`; the outer two several times. */
struct worst {
    const char *name;
    size_t levels;
    const char *before, *piece, *behind;
    size_t refused; /* from how many bytes on; 0: never */
};

static const struct worst worsts[] = {
    {"open parentheses", 0, "", "(", "", 1},
    {"fields of fields", 1, "return a", ".a", "", 0},
    {"calls of calls", 1, "return a", "(a)", "", 0},
    {"minus signs", 1, "return ", "- ", "", 1},
    {"one string", 1, "return '", "x", "'", 0},
    {"one long string", 1, "return [==[", "]=]\n", "]==]", 0},
    {"escapes", 1, "return '", "\\x41", "'", 0},
    {"one comment", 1, "--[==[", "]]\n", "]==]", 0},
    {"comments", 0, "", "-- a\n", "", 0},
    {"comments that allow", 0, "", "-- vouch-lint: allow key-literal: so\nredis.call('GET','a')\n",
     "", 0},
    {"a table", 1, "return {", "1,x,", "}", 0},
    {"named fields", 1, "return {", "k='v',", "}", 0},
    {"ifs, too many", 10000, "if x then ", "", " end", 1},
    {"blocks", 198, "do ", "f() ", "end ", 0},
    {"an if in an else", 190, "if x then y() else ", "v=v or 1 ", "end ", 0},
    {"lines", 0, "", "f(x)\n\n", "", 0},
    {"elseifs", 1, "if x then ", "elseif y == 1 then z() ", "end", 0},
    {"a sum", 1, "local a = 1 a = a", "+a", "", 0},
    {"conditions", 1, "return x", " and y or z", "", 0},
    {"functions", 0, "", "function f() end ", "", 0},
    {"closures", 1, "local a,b,c ", "f(function() a=b b=c return a end) ", "", 0},
    {"assignments", 1, "local a=0 ", "a=a+1 ", "", 0},
    {"a string that grows", 1, "local a='' ", "a=a..'x'..a ", "", 0},
    {"loops around assignments", 60, "while x do ", "a,b,c,d=b,c,d,a ", "end ", 0},
    {"branches", 1, "local a,b,c ", "if a then a=b elseif b then b=c else c=a end ", "", 0},
    {"commands", 0, "", "redis.call('SET', KEYS[1], ARGV[1]) ", "", 0},
    {"replies", 1, "local r ", "r=redis.pcall('GET', KEYS[1]) if r.err then r=1 end ", "", 0},
    {"numbers of replies", 1, "local r=redis.call('GET',KEYS[1]) ", "if r>5 then r=r..1 end ", "",
     0},
    {"loops over keys, too many variables", 0, "",
     "for _,k in ipairs(KEYS) do redis.call('DEL',k) end ", "", 1 << 20},
    {"goto", 0, "", "goto x ", "", 1},
    {"labels", 0, "", "::x:: ", "", 1},
    {"semicolons", 0, "", ";", "", 1},
    {"empty lines", 0, "", "\n", "", 0},
    {"zeros", 1, "return 1", "0", "", 0},
    {"NULs", 1, "return 1", "\1", "", 1},
    {"values returned, too many", 1, "return 1", ",1", "", 1},
    {"upvalues of many functions", 90, "local a=1 return function() ", "a=a ", "end ", 0},
};

static void times(ts_buffer *text, size_t count, const char *piece)
{
    while (count--)
        ts_buffer_add(text, piece, strlen(piece));
}

static void write_worst(const struct worst *w, ts_buffer *text)
{
    size_t bytes = (size_t)dice_setting("VOUCH_LINT_WORST_BYTES", BYTES_DEFAULT);
    size_t frame = w->levels * (strlen(w->before) + strlen(w->behind)), size = strlen(w->piece);
    times(text, w->levels, w->before);
    if (size)
        times(text, (bytes - frame) / size, w->piece);
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

START_TEST(no_rule_gives_up)
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
    bool refused = w->refused && source.size + strlen(w->piece) >= w->refused;
    ck_assert_msg(vouch_lint_refused(report) == refused, "%s: %s", w->name,
                  refused ? "not refused" : "refused");
    ck_assert_msg(!failed_rule(report), "%s: %s", w->name, failed_rule(report));
    ck_assert_msg(taken < HANG_SECONDS, "%s: %.2f s", w->name, taken);
    vouch_lint_report_free(report);
    vouch_lint_free(lint);
    ts_buffer_free(&text);
}
END_TEST

START_TEST(it_is_parsed)
{
    ts_buffer text = {0};
    struct arena arena = {0};
    struct lint_tree tree;
    write_worst(&worsts[_i], &text);
    ck_assert(lint_parse(&arena, ts_buffer_bytes(&text), ts_buffer_length(&text), &tree));
    size_t size = ts_buffer_length(&text) + strlen(worsts[_i].piece);
    ck_assert_msg(tree.refused == (worsts[_i].refused && size >= worsts[_i].refused), "%s",
                  worsts[_i].name);
    arena_free(&arena);
    ts_buffer_free(&text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lint_limits");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 600);
    tcase_add_loop_test(c, it_is_parsed, 0, (int)(sizeof worsts / sizeof *worsts));
    tcase_add_loop_test(c, no_rule_gives_up, 0, (int)(sizeof worsts / sizeof *worsts));
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_NOFORK);
}
